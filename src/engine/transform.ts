// The second binary (assembly/transform.ts): kernels that work on one record after the other, for the
// firehose stage alone. Here its host's side: batches of records in, and what a kernel makes of them.
import type { MillraceError } from '../errors.js'
import { type Binary, type Build, type Instance, instanceOf, instantiate, outOfMemory, register } from './binary.js'
import { putText } from './text.js'
import {
  BAD_INPUT,
  DECODED,
  EXPORTS,
  KERNEL_IDENTITY,
  NO_MEMORY,
  NOT_CANONICAL,
  OK,
  RECORD_ROW,
  SLACK,
  simd,
  TEXTS,
  type TransformCore,
} from './transform-core.js'

export type TransformEngine = Instance<TransformCore>

const binary: Binary = { name: 'transform', simd, load: 'call setTransformCore() with millrace/transform', modules: new Map() }
let shared: TransformEngine | undefined

/** The instance that every transformer shares: made at first use. */
export function transformEngine(): TransformEngine {
  shared ??= createTransformEngine()
  return shared
}

export function createTransformEngine(build: Build = 'simd'): TransformEngine {
  return instanceOf(instantiate<TransformCore>(binary, build), build)
}

/**
 * setCore() for the binary of Firehose's blueprints and mappings: where it is not inlined
 * (`millrace/slim`) they need `millrace/transform.wasm`, or `millrace/transform.scalar.wasm` on
 * runtimes without fixed-width SIMD. Throws CORRUPT for bytes that are not that binary of this version.
 */
export function setTransformCore(source: Uint8Array | ArrayBuffer | object): void {
  registerTransform('simd', source)
}

/** setTransformCore(), for one of the two builds. */
export function registerTransform(build: Build, source: unknown): void {
  register(binary, EXPORTS, build, source)
}

/** What runs on each record. */
export interface RecordWork {
  /** One of KERNEL_... of the binary. */
  kernel: number
  /** Bits, or the bytes that the kernel goes by. */
  options: number | Uint8Array
  /** Put behind each output that does not end with it. */
  delimiter: Uint8Array
}

/** Told of each record: its index, OK, SAME, DROPPED, BAD_INPUT, ASK_HOST or NO_MEMORY, the output where it is OK, reason and position where it is BAD_INPUT, and the JSON of its metadata where a mapping gives it some. */
export type Settle<Output> = (index: number, status: number, output: Output | undefined, reason: number, position: number, metadata?: string) => void

/**
 * Bytes of a batch: enough that outputs are a string of more than 1,031,913 characters where there are many, which Node keeps outside of
 * V8's heap. Inside, the collector copies it twice: a third of the time of an event of 3 MB.
 */
const BATCH = 1024 * 1024
const ROWS = 16_384
const ROW_WORDS = RECORD_ROW / 4
/** Bytes of texts that are joined: a string of more than 128 KiB is a large object to V8, of fresh pages. */
const PIECE = 64 * 1024

/**
 * Base64 texts through the kernel, `flags` (GZIP, AGGREGATES, LOGS) naming what is for the host. What
 * is not canonical base64 settles as ASK_HOST.
 */
export function transformTexts(
  texts: readonly string[],
  work: RecordWork,
  flags: number,
  settle: Settle<string>,
  e: TransformEngine = transformEngine(),
): void {
  // Identity answers with the very text, so that must be canonical.
  const decodes = typeof Buffer !== 'undefined' && work.kernel !== KERNEL_IDENTITY
  const place = (from: number, to: number, row: number) => (decodes ? putDecoded : putTexts)(e, texts, from, to, row)
  const read = (from: number, to: number) => {
    const all = latin1(e.bytes().subarray(from, to))
    return (at: number, size: number) => all.slice(at, at + size)
  }
  pieces(e, texts, place, work, TEXTS | flags | (decodes ? DECODED : 0), read, settle)
}

/** The texts [from, to) as they are; source and size into the rows from the word `row` on. */
function putTexts(e: TransformEngine, texts: readonly string[], from: number, to: number, row: number): number {
  let heap = 0
  for (let first = from, next = from; next < to; first = next) {
    for (let size = 0; next < to && (next === first || size + texts[next].length <= PIECE); next++) size += texts[next].length
    const block = putText(e, texts, first, next, row, ROW_WORDS, 'texts')
    heap ||= block
    const words = e.words()
    for (let i = first; i < next; i++, row += ROW_WORDS) words[row] += block - heap
  }
  return heap
}

/** Between records that are decoded: what a kernel may write behind one, and up to the next multiple of 16. */
const GAP = SLACK + 16

/**
 * The same, decoded by Buffer, which is twice as fast as the core. What does not come to as many bytes as its length says has something in
 * it that is no base64.
 */
function putDecoded(e: TransformEngine, texts: readonly string[], from: number, to: number, row: number): number {
  let room = 0
  for (let i = from; i < to; i++) room += texts[i].length + GAP
  const heap = e.reserve(room)
  const memory = e.bytes()
  const buffer = Buffer.from(memory.buffer as ArrayBuffer, memory.byteOffset, memory.length)
  const words = e.words()
  for (let i = from, at = heap; i < to; i++, row += ROW_WORDS) {
    const size = decodedSize(texts[i])
    words[row] = at - heap
    words[row + 1] = size >= 0 && buffer.write(texts[i], at, size, 'base64') === size ? size : NOT_CANONICAL
    at = (at + size + GAP) & ~15
  }
  return heap
}

/** Bytes that base64 of that length stands for, -1 where none has it. Of characters past U+00FF Buffer would take the lower byte. */
function decodedSize(text: string): number {
  const n = text.length
  if (n % 4 !== 0 || Buffer.byteLength(text) !== n) return -1
  const padding = n === 0 || text.charCodeAt(n - 1) !== 61 ? 0 : text.charCodeAt(n - 2) === 61 ? 2 : 1
  return (n / 4) * 3 - padding
}

/** Bytes through the kernel; outputs in memory of their own. */
export function transformBytes(data: readonly Uint8Array[], work: RecordWork, settle: Settle<Uint8Array>, e: TransformEngine = transformEngine()): void {
  const place = (from: number, to: number, row: number) => {
    let size = 0
    for (let i = from; i < to; i++) size += data[i].length
    const heap = e.reserve(size)
    const words = e.words()
    for (let i = from, at = 0; i < to; i++, row += ROW_WORDS) {
      e.bytes().set(data[i], heap + at)
      words[row] = at
      words[row + 1] = data[i].length
      at += data[i].length
    }
    return heap
  }
  const read = (from: number, to: number) => {
    const all = e.bytes().slice(from, to)
    return (at: number, size: number) => all.subarray(at, at + size)
  }
  pieces(e, data, place, work, 0, read, settle)
}

/**
 * Batches of at most BATCH bytes and ROWS records. `place` puts the records [from, to) into the arena and source and size of each into
 * the rows from the word `row` on, and gives the address that the sources count from; `read` makes of outputs in memory a function that
 * cuts single ones out of them.
 */
function pieces<Output>(
  e: TransformEngine,
  records: readonly { readonly length: number }[],
  place: (from: number, to: number, row: number) => number,
  work: RecordWork,
  flags: number,
  read: (from: number, to: number) => (at: number, size: number) => Output,
  settle: Settle<Output>,
): void {
  for (let first = 0, next = 0; next < records.length; first = next) {
    let bytes = 0
    let longest = 0
    for (; next < records.length && next - first < ROWS && (next === first || bytes + records[next].length <= BATCH); next++) {
      bytes += records[next].length
      longest = Math.max(longest, records[next].length)
    }
    e.scope(() => {
      const table = e.reserve((next - first) * RECORD_ROW)
      const heap = place(first, next, table >> 2)
      runRows(e, { heap, table, first, count: next - first, bytes, longest, flags }, work, read, settle)
    })
  }
}

interface Batch {
  heap: number
  table: number
  /** Index of its first record. */
  first: number
  count: number
  bytes: number
  /** Bytes of its longest record. */
  longest: number
  flags: number
}

function runRows<Output>(
  e: TransformEngine,
  { heap, table, first, count, bytes, longest, flags }: Batch,
  { kernel, options, delimiter }: RecordWork,
  read: (from: number, to: number) => (at: number, size: number) => Output,
  settle: Settle<Output>,
): void {
  const end = e.put(delimiter)
  const given = typeof options === 'number' ? options : e.put(options)
  const start = e.core.mark()
  let [work, workSize, dst, cap] = [0, 0, 0, 0]
  const grant = (times: number) => {
    e.core.rewind(start)
    workSize = times * (2 * longest + 2 * delimiter.length + PIECE)
    cap = times * (3 * bytes + PIECE)
    work = e.reserve(workSize + SLACK)
    dst = e.reserve(cap + SLACK)
  }
  grant(1)
  let times = 1
  for (let row = 0; row < count; ) {
    const at = table + row * RECORD_ROW
    const done = e.core.transformRecords(heap, at, count - row, kernel, given, end, delimiter.length, flags, work, workSize, dst, cap)
    if (done === 0) {
      try {
        times *= 2
        grant(times)
      } catch (error) {
        if ((error as MillraceError).code !== 'OUT_OF_MEMORY') throw error
        // of this record alone
        settle(first + row++, NO_MEMORY, undefined, 0, 0)
        times = 1
        grant(times)
      }
      continue
    }
    if (done === NO_MEMORY) throw outOfMemory(cap)
    const words = e.words()
    const metadata = metadataReader(e)
    const cut = read(dst, dst + words[(e.core.report() >> 2) + 1])
    for (let i = at >> 2, last = row + done; row < last; row++, i += ROW_WORDS) {
      const status = words[i + 2] | 0
      if (status === OK) settle(first + row, OK, cut(words[i + 3], words[i + 4]), 0, 0, metadata(words[i + 7]))
      else settle(first + row, status, undefined, status === BAD_INPUT ? words[i + 5] : 0, words[i + 6])
    }
  }
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })

/** Reads the entries of metadata (assembly/transform/mapping/metadata.ts) that the call just done has made, each once; undefined for 0. */
function metadataReader(e: TransformEngine): (entry: number) => string | undefined {
  const texts: (string | undefined)[] = [undefined]
  const words = e.words()
  const entries = e.core.metadataEntries() >> 2
  return (entry) => {
    if (entry === 0) return undefined
    const at = entries + 4 * entry
    texts[entry] ??= utf8.decode(e.bytes().subarray(words[at], words[at] + words[at + 1]))
    return texts[entry]
  }
}

const decoder = new TextDecoder('latin1')

const latin1 = (bytes: Uint8Array): string =>
  typeof Buffer !== 'undefined' ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1') : decoder.decode(bytes)
