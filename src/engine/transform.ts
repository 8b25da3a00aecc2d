// The second binary (assembly/transform.ts): kernels that work on one record after the other, for the
// firehose stage alone. Here its host's side: batches of records in, and what a kernel makes of them.
import { type Binary, type Build, type Instance, instanceOf, instantiate, outOfMemory, register } from './binary.js'
import { ASK_HOST, BAD_INPUT, DECODED, EXPORTS, KERNEL_IDENTITY, NO_MEMORY, OK, RECORD_ROW, SLACK, simd, TEXTS, type TransformCore } from './transform-core.js'

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

/** Told of each record: its index, OK, SAME, DROPPED, BAD_INPUT or ASK_HOST, the output where it is OK, reason and position where it is BAD_INPUT, and the JSON of its metadata where a mapping gives it some. */
export type Settle<Output> = (index: number, status: number, output: Output | undefined, reason: number, position: number, metadata?: string) => void

// Strings of more than 128 KiB are large objects to V8, of fresh pages each: 10 times dearer to make.
const PIECE = 64 * 1024
const OUTPUT = 120 * 1024
const ROWS = 512
/** Between records: what a kernel may write behind one. */
const GAP = SLACK + 16
const ROW_WORDS = RECORD_ROW / 4

/**
 * Base64 texts through the kernel, `flags` (GZIP, AGGREGATES, LOGS) naming what is for the host. What
 * is not canonical base64, undefined among it, settles as ASK_HOST.
 */
export function transformTexts(
  texts: readonly (string | undefined)[],
  work: RecordWork,
  flags: number,
  settle: Settle<string>,
  e: TransformEngine = transformEngine(),
): void {
  const decodes = typeof Buffer !== 'undefined' && work.kernel !== KERNEL_IDENTITY
  const write = decodes ? textDecoder(e) : textWriter(e)
  const read = (from: number, to: number) => {
    const all = latin1(e.bytes().subarray(from, to))
    return (at: number, size: number) => all.slice(at, at + size)
  }
  const sizeOf = (i: number) => texts[i]?.length ?? 0
  pieces(e, texts.length, sizeOf, work, TEXTS | flags | (decodes ? DECODED : 0), (i, at) => write(texts[i], at), read, settle)
}

/** Bytes through the kernel; outputs in memory of their own. */
export function transformBytes(data: readonly Uint8Array[], work: RecordWork, settle: Settle<Uint8Array>, e: TransformEngine = transformEngine()): void {
  const write = (i: number, at: number) => {
    e.bytes().set(data[i], at)
    return data[i].length
  }
  const read = (from: number, to: number) => {
    const all = e.bytes().slice(from, to)
    return (at: number, size: number) => all.subarray(at, at + size)
  }
  pieces(e, data.length, (i) => data[i].length, work, 0, write, read, settle)
}

/**
 * Batches of at most PIECE bytes and ROWS records. `write` puts a record's bytes where it is told and gives their number, -1
 * where it is not for the kernel; `read` makes of an output range a function that cuts single outputs out of it.
 */
function pieces<Output>(
  e: TransformEngine,
  count: number,
  sizeOf: (i: number) => number,
  { kernel, options, delimiter }: RecordWork,
  flags: number,
  write: (i: number, at: number) => number,
  read: (from: number, to: number) => (at: number, size: number) => Output,
  settle: Settle<Output>,
): void {
  const indices = new Uint32Array(ROWS)
  for (let next = 0; next < count; ) {
    e.scope(() => {
      const first = next
      let bytes = 0
      let longest = 0
      for (; next < count && next - first < ROWS && (bytes === 0 || bytes + sizeOf(next) <= PIECE); next++) {
        bytes += sizeOf(next)
        longest = Math.max(longest, sizeOf(next))
      }
      const table = e.reserve((next - first) * RECORD_ROW)
      const src = e.reserve(bytes + (next - first) * GAP)
      const end = e.put(delimiter)
      const given = typeof options === 'number' ? options : e.put(options)
      const words = e.words()
      let rows = 0
      for (let i = first, at = src; i < next; i++) {
        const size = write(i, at)
        if (size < 0) {
          settle(i, ASK_HOST, undefined, 0, 0)
          continue
        }
        words[(table >> 2) + rows * ROW_WORDS] = at
        words[(table >> 2) + rows * ROW_WORDS + 1] = size
        indices[rows++] = i
        at = (at + size + GAP) & ~15
      }
      runRows(e, table, rows, { kernel, options: given, end, endSize: delimiter.length, flags, longest, indices }, read, settle)
    })
  }
}

interface Placed {
  kernel: number
  options: number
  end: number
  endSize: number
  flags: number
  longest: number
  /** Of the rows' records. */
  indices: Uint32Array
}

function runRows<Output>(
  e: TransformEngine,
  table: number,
  rows: number,
  { kernel, options, end, endSize, flags, longest, indices }: Placed,
  read: (from: number, to: number) => (at: number, size: number) => Output,
  settle: Settle<Output>,
): void {
  let cap = Math.max(OUTPUT, 2 * longest)
  let workSize = 2 * longest + 2 * endSize + PIECE
  let work = e.reserve(workSize + SLACK)
  let dst = e.reserve(cap + SLACK)
  for (let row = 0; row < rows; ) {
    const at = table + row * RECORD_ROW
    const done = e.core.transformRecords(at, rows - row, kernel, options, end, endSize, flags, work, workSize, dst, cap)
    if (done === 0) {
      cap *= 2
      workSize *= 2
      work = e.reserve(workSize + SLACK)
      dst = e.reserve(cap + SLACK)
      continue
    }
    if (done === NO_MEMORY) throw outOfMemory(cap)
    const words = e.words()
    const metadata = metadataReader(e)
    const cut = read(dst, dst + words[(e.core.report() >> 2) + 1])
    for (let i = at >> 2, last = row + done; row < last; row++, i += ROW_WORDS) {
      const status = words[i + 2] | 0
      if (status === NO_MEMORY) throw outOfMemory(cap)
      if (status === OK) settle(indices[row], OK, cut(words[i + 3], words[i + 4]), 0, 0, metadata(words[i + 7]))
      else settle(indices[row], status, undefined, status === BAD_INPUT ? words[i + 5] : 0, words[i + 6])
    }
  }
}

/**
 * Reads the entries of metadata (assembly/transform/mapping/metadata.ts) that the call just done has made; undefined for 0. Texts
 * that lie one behind the other in ASCII, which they mostly do, are decoded in one go.
 */
function metadataReader(e: TransformEngine): (entry: number) => string | undefined {
  const texts: (string | undefined)[] = [undefined]
  const entries = e.core.metadataEntries() >> 2
  const words = e.words()
  const count = entries === 0 ? 0 : words[entries]
  if (count === 0) return () => undefined
  const textAt = (entry: number) => words[entries + 4 * entry]
  const sizeAt = (entry: number) => words[entries + 4 * entry + 1]
  const from = textAt(1)
  const to = textAt(count) + sizeAt(count)
  const all = to - from < OUTPUT ? utf8.decode(e.bytes().subarray(from, to)) : ''
  const read =
    all.length === to - from
      ? (entry: number) => all.slice(textAt(entry) - from, textAt(entry) - from + sizeAt(entry))
      : (entry: number) => utf8.decode(e.bytes().subarray(textAt(entry), textAt(entry) + sizeAt(entry)))
  return (entry) => {
    if (entry > 0) texts[entry] ??= read(entry)
    return texts[entry]
  }
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })
const encoder = new TextEncoder()
const decoder = new TextDecoder('latin1')

const latin1 = (bytes: Uint8Array): string =>
  typeof Buffer !== 'undefined' ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1') : decoder.decode(bytes)

/** Writes base64 text, and gives its bytes; -1 where it has characters past ASCII, unless what was written has them, which is no base64 either. */
function textWriter(e: TransformEngine): (text: string | undefined, at: number) => number {
  let buffer: Buffer | undefined
  return (text, at) => {
    if (text === undefined) return -1
    const size = text.length
    if (typeof Buffer === 'undefined') return encoder.encodeInto(text, e.bytes().subarray(at, at + size)).read === size ? size : -1
    if (buffer === undefined || buffer.length === 0) buffer = Buffer.from(e.bytes().buffer as ArrayBuffer)
    return buffer.write(text, at, size, 'utf8') === size ? size : -1
  }
}

/**
 * Writes what base64 text stands for, and gives its bytes; -1 where it is not so many bytes as text of that length must be, which has
 * something in it that is no base64. Buffer decodes twice as fast as the core does.
 */
function textDecoder(e: TransformEngine): (text: string | undefined, at: number) => number {
  let buffer: Buffer | undefined
  return (text, at) => {
    if (text === undefined || text.length % 4 !== 0) return -1
    if (buffer === undefined || buffer.length === 0) buffer = Buffer.from(e.bytes().buffer as ArrayBuffer)
    const n = text.length
    const size = (n / 4) * 3 - (n > 0 && text.charCodeAt(n - 1) === 61 ? (text.charCodeAt(n - 2) === 61 ? 2 : 1) : 0)
    return buffer.write(text, at, size, 'base64') === size ? size : -1
  }
}
