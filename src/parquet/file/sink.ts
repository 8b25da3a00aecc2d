// Where a file's bytes go.
import { concat } from '../../bytes.js'
import { MillraceError, wrongType } from '../../errors.js'
import type { Random, Storage } from '../../ports/ports.js'

/** Takes a file from its first byte to its last, in order. */
export interface ParquetSink {
  /** May keep `bytes`: nobody changes them afterwards. The writer waits for the promise. */
  write(bytes: Uint8Array): Promise<void> | void
  /** As write() of each in order, of as many as are there; who wraps write() wraps this too or leaves it out. */
  writeAll?(parts: readonly Uint8Array[]): Promise<void> | void
  /** All bytes are written. */
  close?(): Promise<void> | void
  /**
   * The file will not be finished: what is there must not be taken for one. May come while a write is
   * pending, which then must end.
   */
  abort?(reason: unknown): Promise<void> | void
}

export function checkSink(label: string, sink: unknown): asserts sink is ParquetSink {
  const given = (sink ?? {}) as Record<string, unknown>
  if (typeof given.write !== 'function') throw wrongType(label, 'an object with write(bytes)', sink)
  for (const name of ['writeAll', 'close', 'abort'])
    if (given[name] !== undefined && typeof given[name] !== 'function') throw wrongType(`${label}.${name}`, 'a function, if it is there', given[name])
}

/** The same sink, which is written to no more once it was aborted, whatever is under way. */
export function endable(sink: ParquetSink): ParquetSink & Required<Pick<ParquetSink, 'abort'>> {
  let aborted = false
  const open = () => {
    if (aborted) throw new MillraceError('CLOSED', 'the file was given up')
  }
  const { writeAll } = sink
  return {
    async write(bytes) {
      open()
      await sink.write(bytes)
    },
    ...(writeAll && {
      async writeAll(parts: readonly Uint8Array[]) {
        open()
        await writeAll.call(sink, parts)
      },
    }),
    async close() {
      open()
      await sink.close?.()
    },
    async abort(reason) {
      aborted = true
      await sink.abort?.(reason)
    },
  }
}

/** A file that is not there yet. */
export interface HiddenFile {
  write(bytes: Uint8Array): Promise<void>
  writeAll(parts: readonly Uint8Array[]): Promise<void>
  /** Flushes to the device and closes. */
  finish(): Promise<void>
  /** Gives the finished file its name. */
  commit(): Promise<void>
  /** Removes it; nothing where it was committed. */
  discard(): Promise<void>
}

/**
 * A file at `path` that grows under a hidden name beside it, until it takes its own by an atomic
 * rename. Hive and Spark read no name that begins with a dot.
 */
export async function createHiddenFile(ports: { storage: Storage; random: Random }, path: string): Promise<HiddenFile> {
  const { storage, random } = ports
  const slash = path.lastIndexOf('/') + 1
  // Nothing of the name itself: with it the hidden one could pass the 255 bytes of a file name.
  const hidden = `${path.slice(0, slash)}.millrace-${Math.floor(random.next() * 2 ** 48).toString(36)}.tmp`
  const file = await storage.create(hidden, { exclusive: true })
  let state: 'open' | 'finished' | 'gone' = 'open'
  let writing: Promise<unknown> = Promise.resolve()
  const write = async (begin: () => Promise<void>) => {
    if (state !== 'open') throw new MillraceError('CLOSED', `${path} was closed or given up before`)
    const work = begin()
    writing = work.catch(() => {})
    await work
  }
  return {
    write: (bytes) => write(() => file.write(bytes)),
    writeAll: (parts) => write(() => (file.writeAll ? file.writeAll(parts) : file.write(concat(parts)))),
    async finish() {
      if (state !== 'open') throw new MillraceError('CLOSED', `${path} was closed or given up before`)
      await file.sync()
      state = 'finished'
      await file.close()
    },
    async commit() {
      await storage.rename(hidden, path)
      state = 'gone'
    },
    async discard() {
      if (state === 'gone') return
      const open = state === 'open'
      state = 'gone'
      // a descriptor that is written to must not become another file's
      await writing
      if (open) await file.close().catch(() => {})
      await storage.remove(hidden)
    },
  }
}

/** A sink for a file at `path`, which is there, whole and flushed, only when the sink has closed. */
export async function fileSink(ports: { storage: Storage; random: Random }, path: string): Promise<Required<ParquetSink>> {
  if (typeof ports?.storage?.create !== 'function' || typeof ports.random?.next !== 'function')
    throw wrongType('ports', 'ports with a storage and random', ports)
  if (typeof path !== 'string' || path === '') throw wrongType('path', 'the path of a file', path)
  const file = await createHiddenFile(ports, path)
  return {
    write: (bytes) => file.write(bytes),
    writeAll: (parts) => file.writeAll(parts),
    async close() {
      try {
        await file.finish()
        await file.commit()
      } catch (error) {
        await file.discard().catch(() => {})
        throw error
      }
    },
    abort: () => file.discard(),
  }
}
