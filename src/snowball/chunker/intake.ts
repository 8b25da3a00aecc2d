// Files as they come: checked, and small ones read, some of them at the same time.
import { kindOf } from '../../errors.js'
import { keyFault, storeFault, utf8Size } from '../keys.js'
import { type Left, left } from '../left.js'
import { isReserved, reserved } from '../manifest/manifest.js'
import { alone, takes } from '../plan/fill.js'
import type { Limits } from '../plan/options.js'
import { END } from '../tar.js'
import { type ChunkerFile, drain, type FileBytes, isBlob, isBytes, isFile, isFlow, Misfit, misfit, readFailure, release, wholeOf, wrongData } from './file.js'

/** A file that has been read. */
export interface Small {
  kind: 'small'
  path: string
  key: string
  data: Uint8Array
}

/** One that stands alone, not opened yet. */
export interface Large {
  kind: 'large'
  path: string
  key: string
  size: number
  data: ChunkerFile['data']
  /** It can be opened later, and takes no memory until then. */
  waits: boolean
}

export type Entry = Small | Large | { kind: 'left'; left: Left }

export interface Intake {
  /**
   * The next file, in order. The source is not asked for one while the data of the last, bytes or a stream, is not read: it may be the
   * same memory, or the same archive. Rejects with what the source throws, with nothing else.
   */
  next(): Promise<Entry | undefined>
  /** Closes the source, and a stream of it that was not read. Never rejects. */
  close(): Promise<void>
}

export interface IntakeOptions {
  limits: Limits
  /** Of a file of unknown size, at most. */
  bufferBytes: number
  /** Bytes of a file with its headers, at most. */
  most: number
  /** Whether chunks are objects among the files. */
  objects: boolean
  /** Whether a key came before. */
  seen(key: string): boolean
}

/** Small files that are read at the same time, and their bytes at most, as said. */
const AHEAD = 32
const AHEAD_BYTES = 32 << 20

export function createIntake(files: Iterable<ChunkerFile> | AsyncIterable<ChunkerFile>, options: IntakeOptions): Intake {
  const { limits, bufferBytes, most, objects, seen } = options
  const ahead = Math.max(1, Math.min(AHEAD, Math.floor(AHEAD_BYTES / limits.smallBytes)))
  const destinationBytes = utf8Size(limits.destination)
  const iterator = Symbol.asyncIterator in files ? files[Symbol.asyncIterator]() : files[Symbol.iterator]()
  let queue: Promise<Entry>[] = []
  /** Data that came last and that nobody else can open. */
  let flow: unknown
  let count = 0
  let ended = false

  /** The entry, and whether the source may be asked for the next file meanwhile. */
  function take(value: unknown): { entry: Promise<Entry>; waits: boolean } {
    const name = `file ${count++}`
    const refused = (why: Left, data: unknown) => ({ entry: drain(data).then((): Entry => ({ kind: 'left', left: why })), waits: !isFlow(data) })
    let file: ChunkerFile
    try {
      const { key, size, data } = value as ChunkerFile
      file = { key, size, data }
    } catch {
      return refused(left(name, 'unreadable', `expected a file { key, size?, data }, got ${kindOf(value)}`), undefined)
    }
    const { key: path, size, data } = file
    if (typeof path !== 'string') return refused(left(name, 'key', `"key" expected a string, got ${kindOf(path)}`), data)
    const key = limits.prefix + path
    const fault = keyFault(key, destinationBytes) ?? storeFault(key)
    if (fault) return refused(left(path, 'key', fault), data)
    if (objects && isReserved(key)) return refused(reserved(path, key), data)
    if (size !== undefined && !(Number.isSafeInteger(size) && size >= 0))
      return refused(left(path, 'unreadable', `"size" expected a whole number of bytes, got ${kindOf(size)}`), data)
    if (typeof data !== 'function' && !isBytes(data)) return refused(left(path, 'unreadable', wrongData(data)), undefined)
    if (seen(key)) return refused(left(path, 'collision', 'an earlier file has the same key'), data)
    if (size !== undefined && tooLarge(key, size)) return refused(excess(path, size), data)

    const known = size ?? (typeof data === 'function' ? undefined : sizeOf(data))
    const waits = known !== undefined && (typeof data === 'function' || typeof data === 'string' || isBlob(data))
    if (!waits) flow = data
    const entry = read(path, key, known, data).catch((error): Entry => ({ kind: 'left', left: readFailure(path, error) }))
    return { entry, waits }
  }

  const needs = (key: string, size: number) => takes({ path: '', key, size, mtime: 0 })
  const tooLarge = (key: string, size: number) => needs(key, size) + END.length > most
  const excess = (path: string, size: number) => left(path, 'too-large', `expected at most ${most} bytes with its headers, got ${size}`)
  const single = (key: string, size: number) => alone({ path: '', key, size, mtime: 0 }, needs(key, size), limits)

  async function read(path: string, key: string, size: number | undefined, given: ChunkerFile['data']): Promise<Entry> {
    if (size !== undefined && single(key, size)) return large(path, key, size, given)
    const data = await opened(given, size)
    const known = size ?? sizeOf(data)
    if (known !== undefined && single(key, known)) return large(path, key, known, data)
    const bytes = await wholeOf(data, known, bufferBytes)
    return single(key, bytes.length) ? large(path, key, bytes.length, bytes) : { kind: 'small', path, key, data: bytes }
  }

  const large = (path: string, key: string, size: number, data: ChunkerFile['data']): Entry =>
    tooLarge(key, size)
      ? { kind: 'left', left: excess(path, size) }
      : { kind: 'large', path, key, size, data, waits: typeof data === 'function' || isFile(data) }

  async function fill(): Promise<void> {
    while (queue.length < ahead && !ended) {
      let step: IteratorResult<ChunkerFile>
      try {
        step = await iterator.next()
      } catch (error) {
        ended = true
        throw error
      }
      if (step.done) ended = true
      else {
        const { entry, waits } = take(step.value)
        queue.push(entry)
        if (!waits) return
      }
    }
  }

  return {
    async next() {
      if (queue.length === 0) await fill()
      return queue.shift()
    },
    async close() {
      const pending = queue
      queue = []
      await Promise.all(pending)
      await release(flow)
      if (ended) return
      try {
        await iterator.return?.()
      } catch {
        // it is done with either way
      }
    },
  }
}

/** The data itself. Throws for what is none, and where it is seen not to have `size` bytes. */
export async function opened(data: ChunkerFile['data'], size?: number): Promise<FileBytes> {
  const given = typeof data === 'function' ? await data() : data
  if (!isBytes(given)) throw new Misfit('unreadable', wrongData(given))
  const known = sizeOf(given)
  if (size !== undefined && known !== undefined && known !== size) throw misfit(size, known)
  return given
}

function sizeOf(data: FileBytes): number | undefined {
  if (typeof data === 'string') return utf8Size(data)
  if (data instanceof Uint8Array) return data.length
  return isBlob(data) ? data.size : undefined
}
