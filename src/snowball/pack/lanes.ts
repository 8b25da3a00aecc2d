// Several chunks at once: each lane packs one after the other, in a thread of its own where there are
// threads that have the same files, else in this one.
import { compiledCore } from '../../engine/engine.js'
import { type ErrorCode, MillraceError } from '../../errors.js'
import { systemZstd } from '../../ports/compression.js'
import type { Ports, Sha256, Thread, Threads } from '../../ports/ports.js'
import { interruption } from '../checks.js'
import { formatLines } from '../lines.js'
import type { PlannedChunk } from '../plan/planned.js'
import type { DirectoryStore } from '../store/directory.js'
import type { ChunkSink, ChunkStore, Digest } from '../store/store.js'
import { type PackedChunk, type Packer, type Progress, packChunk } from './chunk.js'
import type { CompressionOptions } from './compress.js'

/** A chunk that has all gone to its store. */
export interface Done extends Omit<PackedChunk, 'lines'> {
  /** Lines of the manifest as they stand in the file. */
  lines: Uint8Array
}

export interface Lane {
  pack(chunk: PlannedChunk, plan: string, progress: Progress): Promise<Done>
  /** Hands back the thread, or ends it where it is at work, with what it has begun. Never rejects. */
  stop(): Promise<void>
}

export interface Lanes {
  /** Starts a task as soon as not too many are under way. Rejects with what one before it has failed of. */
  next(task: () => Promise<void>): Promise<void>
  /** For a task: packs a chunk when a lane is free, and gives it its name while the lane goes on. */
  pack: Lane['pack']
  /** All tasks are done. Rejects with what one has failed of. */
  end(): Promise<void>
  /** Stops what is under way, and leaves nothing half-written. Never rejects. */
  stop(): Promise<void>
}

export interface LaneOptions extends Omit<ThreadConfig, 'directory' | 'objects'> {
  ports: Pick<Ports, 'storage' | 'clock' | 'threads'>
  sha256: Sha256
  store: ChunkStore
  /** The store, where it is a directory: threads write to it on their own. */
  files: DirectoryStore | undefined
  concurrency: number | undefined
  signal: AbortSignal | undefined
}

export function createLanes({ ports, sha256, root, store, files, smallBytes, chunkBytes, compression, concurrency, signal }: LaneOptions): Lanes {
  // a peer for zstd is the user's own, and found from here only
  const native = compression?.kind !== 'zstd' || systemZstd() !== undefined
  const threads = native && ports.threads?.storage === ports.storage ? ports.threads : undefined
  const count = concurrency ?? threads?.cores ?? 1
  const halt = new AbortController()
  const lanes = Array.from({ length: count }, () =>
    threads
      ? threadLane(threads, store, files, { root, directory: files?.path, objects: store.objects, smallBytes, chunkBytes, compression })
      : localLane({ tree: { storage: ports.storage, clock: ports.clock, root }, store, sha256, smallBytes, chunkBytes, compression, signal: halt.signal }),
  )
  const free = [...lanes]
  const running = new Set<Promise<void>>()
  let failure: { error: unknown } | undefined
  let wake = () => {}
  const fail = (error: unknown) => {
    failure ??= { error }
    wake()
  }
  const abort = () => fail(interruption(signal, 'packing'))
  if (signal?.aborted) abort()
  signal?.addEventListener('abort', abort)
  /** Resolves when `ready`, or as soon as something has failed. */
  const until = async (ready: () => boolean) => {
    while (!ready() && !failure) await new Promise<void>((resolve) => (wake = resolve))
    if (failure) throw failure.error
  }
  const waiting: ((lane: Lane) => void)[] = []
  const give = (lane: Lane) => {
    const next = waiting.shift()
    if (next) next(lane)
    else free.push(lane)
  }
  return {
    async next(task) {
      // as many again may wait for their lane, or for the device
      await until(() => running.size < 2 * count)
      const work: Promise<void> = task()
        .catch(fail)
        .finally(() => {
          running.delete(work)
          wake()
        })
      running.add(work)
    },
    async pack(chunk, plan, progress) {
      const lane = free.pop() ?? (await new Promise<Lane>((resolve) => waiting.push(resolve)))
      if (failure) throw failure.error
      const done = await lane.pack(chunk, plan, progress).finally(() => give(lane))
      if (done.members > 0) await store.publish?.(chunk.chunk)
      return done
    },
    async end() {
      await until(() => running.size === 0)
      signal?.removeEventListener('abort', abort)
      await Promise.all(lanes.map((lane) => lane.stop()))
    },
    async stop() {
      fail(new MillraceError('CLOSED', 'packing was stopped'))
      halt.abort()
      signal?.removeEventListener('abort', abort)
      await Promise.all(lanes.map((lane) => lane.stop()))
      for (const lane of lanes) waiting.shift()?.(lane)
      await Promise.all(running)
    },
  }
}

/** What a thread has to know, once. */
export interface ThreadConfig {
  root: string
  /** Where it writes files itself; absent where its chunks go to a store of this thread. */
  directory: string | undefined
  objects: boolean
  smallBytes: number
  chunkBytes: number
  compression: CompressionOptions | undefined
}

/** To a thread. */
export type Order = { to: 'snowball' } & (
  | { kind: 'begin'; core: object; config: ThreadConfig }
  | { kind: 'pack'; chunk: PlannedChunk; plan: string }
  /** `whole`: of the sink that was created. */
  | { kind: 'answer'; error?: Failure; whole?: boolean }
)

/** From a thread. */
export type Answer =
  | { kind: 'progress'; members: number; bytes: number }
  | { kind: 'create'; name: string; bound: number; object: boolean }
  | { kind: 'write'; data: Uint8Array }
  | { kind: 'finish'; digest: Digest }
  | { kind: 'discard' }
  | { kind: 'done'; done: Done }
  | { kind: 'failed'; error: Failure }

export interface Failure {
  message: string
  code?: ErrorCode
}

function localLane({ store, ...packer }: Packer): Lane {
  let sink: ChunkSink | undefined
  const create: ChunkStore['create'] = async (name, options) => {
    sink = await store.create(name, options)
    return sink
  }
  return {
    async pack(chunk, plan, progress) {
      try {
        const { lines, ...rest } = await packChunk({ ...packer, store: { objects: store.objects, create } }, chunk, plan, progress)
        return { ...rest, lines: formatLines(lines) }
      } finally {
        sink = undefined
      }
    },
    async stop() {
      // who is waiting for it to write ends at once
      await sink?.discard()
    },
  }
}

/** `files`: the store, where the thread writes to it on its own. */
function threadLane(threads: Threads, store: ChunkStore, files: DirectoryStore | undefined, config: ThreadConfig): Lane {
  let thread: Thread | undefined
  let busy: string | undefined
  let sink: ChunkSink | undefined
  let stopped = false
  const begin = (): Thread => {
    const begun = threads.start()
    begun.post({ to: 'snowball', kind: 'begin', core: compiledCore(), config } satisfies Order)
    return begun
  }
  const serve = async (answer: Answer): Promise<void> => {
    if (answer.kind === 'create') sink = await store.create(answer.name, answer)
    else if (answer.kind === 'write') await sink?.write(answer.data)
    else if (answer.kind === 'finish') await sink?.finish(answer.digest)
    else if (answer.kind === 'discard') await sink?.discard()
  }
  return {
    async pack(chunk, plan, progress) {
      thread ??= begin()
      const mine = thread
      const post = (order: Order) => mine.post(order)
      busy = chunk.chunk
      mine.hold(true)
      post({ to: 'snowball', kind: 'pack', chunk, plan })
      try {
        for (;;) {
          const answer = (await mine.receive()) as Answer
          if (stopped) throw interruption(undefined, 'packing')
          if (answer.kind === 'progress') progress(answer.members, answer.bytes)
          else if (answer.kind === 'failed') {
            busy = undefined
            throw restored(answer.error)
          } else if (answer.kind === 'done') {
            busy = undefined
            return answer.done
          } else {
            const error = await serve(answer).then(() => undefined, plain)
            post({ to: 'snowball', kind: 'answer', error, whole: sink?.whole })
          }
        }
      } catch (error) {
        if (error instanceof MillraceError) throw error
        throw new MillraceError('IO', `a thread failed: ${(error as Error).message}`, { cause: error })
      } finally {
        mine.hold(false)
        // one that was only being created when the lane was stopped
        if (stopped) await sink?.discard()
      }
    },
    async stop() {
      stopped = true
      // once: a thread that is handed back may be another's already
      const mine = thread
      thread = undefined
      if (!mine) return
      if (busy === undefined) return mine.keep()
      await mine.end().catch(() => {})
      await files?.discard(busy)
      await sink?.discard()
    },
  }
}

/** Errors cross as data: structured cloning would make a MillraceError an Error. */
export function plain(error: unknown): Failure {
  return { message: error instanceof Error ? error.message : String(error), ...(error instanceof MillraceError ? { code: error.code } : {}) }
}

export const restored = ({ message, code = 'IO' }: Failure): MillraceError => new MillraceError(code, message)
