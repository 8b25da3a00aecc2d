// The files of a spool as they are written: one at a time, each group of frames made durable before
// anybody is told, and each file removed once nothing needs it.
import type { FileWriter, Storage } from '../../../ports/ports.js'
import { createFrameBuffer, encodeSettled, type FrameBuffer } from './frame.js'
import { createSegment, dirtyAll, extend, type Segment } from './segment.js'

/** Bytes of a file; only a single batch may be larger. Groups are a quarter of that: an fsync costs as much as writing some MiB. */
export const SEGMENT_BYTES = 64 * 1_048_576
const PIECE_BYTES = 1_048_576

/** A group of records: `write` gives the frames of some more of them, until it gives false. */
export interface Group {
  first: number
  count: number
  /** Bytes, a frame's header more or less. */
  size: number
  /** Fills the empty buffer; false where nothing is left. Begins anew after `rewind`. */
  write(target: FrameBuffer, seed: number): boolean
  rewind(): void
}

export interface Writer {
  readonly segments: readonly Segment[]
  /** Whether there is something to say about settled records. */
  readonly untold: boolean
  /**
   * Makes `group` durable and, where `tell`, what has settled. Rejects as the storage does; then none of
   * it counts, the file it was in is left as it is, and the same group may be tried again, in a new one.
   */
  commit(group: Group | undefined, tell: boolean): Promise<void>
  /**
   * Removes files all of whose records have settled; one that is damaged is renamed to NAME.damaged. One that also says so of records in older files
   * waits until another says it, so that no record is sent again because its neighbours are done;
   * such are marked for the next commit.
   */
  sweep(): Promise<void>
  /**
   * What a full device gives back: removes every file in which all has settled, the newest one too, once an
   * empty one holds the numbers from `first` on. What stood in one of them about records of older files is said anew by
   * the next commit that tells: a crash before that may send again what had settled. Rejects as the storage does.
   */
  makeRoom(first: number): Promise<void>
  /** Closes the file; where nothing is unsettled only an empty one remains, for its name. */
  close(): Promise<void>
}

export interface WriterOptions {
  storage: Storage
  directory: string
  id: string
  segmentBytes: number
  segments: Segment[]
  generation: number
  /** Number of the next record. */
  next(): number
}

export function createWriter({ storage, directory, id, segmentBytes, segments, next, ...from }: WriterOptions): Writer {
  let { generation } = from
  let active: { segment: Segment; file: FileWriter } | undefined
  let buffers = [createFrameBuffer(PIECE_BYTES), createFrameBuffer(PIECE_BYTES)]
  /** Files whose word about older ones was said anew by the last commit. */
  const repeated = new Set<Segment>()
  const waiting = new Set<Segment>()
  const path = (segment: Segment) => `${directory}/${segment.name}`

  const create = async (segment: Segment): Promise<FileWriter | undefined> => {
    try {
      return await storage.create(path(segment), { exclusive: true })
    } catch (error) {
      // of a run that failed to remove it; its name is taken, and its frames would be in the way
      if ((error as { code?: unknown }).code !== 'EEXIST') throw error
      return undefined
    }
  }

  // `first`: no record before it is in the file. Its name is durable before anything is written to it: from
  // then on it holds the numbers, and no older file is needed for that.
  const open = async (first: number) => {
    while (!active) {
      const segment = createSegment(id, first, ++generation)
      const file = await create(segment)
      if (!file) continue
      try {
        await file.sync()
        await storage.syncDirectory(directory)
      } catch (error) {
        await file.close().catch(() => {})
        await storage.remove(path(segment)).catch(() => {})
        throw error
      }
      segments.push(segment)
      active = { segment, file }
    }
    return active
  }

  // What follows a failed write or fsync is unknown: pages may be gone although a later fsync succeeds.
  // So nothing more is written to that file; what was durable in it before still is, and a close that
  // fails can lose none of it.
  const leave = async () => {
    const file = active?.file
    active = undefined
    await file?.close().catch(() => {})
  }

  const rotate = async (coming: number) => {
    if (active && active.segment.bytes > 0 && active.segment.bytes + coming > segmentBytes) await leave()
  }

  const writeAll = async (group: Group | undefined, told: readonly Told[], segment: Segment, file: FileWriter) => {
    // While one buffer is being written the other is filled.
    let writing: Promise<void> = Promise.resolve()
    const flush = async (buffer: FrameBuffer) => {
      await writing
      segment.bytes += buffer.top
      writing = file.write(buffer.bytes.subarray(0, buffer.top))
      // awaited below; until then nobody listens
      writing.catch(() => {})
      buffers = [buffers[1], buffers[0]]
      // A record of 10 MiB needs its room once.
      if (buffers[0].bytes.length > 2 * PIECE_BYTES) buffers[0] = createFrameBuffer(PIECE_BYTES)
      buffers[0].top = 0
    }
    buffers[0].top = 0
    for (const { of, from, bits } of told) {
      const args = [bits, of.first + 8 * from, Math.min(8 * bits.length, of.end - of.first - 8 * from), segment.seed] as const
      if (encodeSettled(buffers[0], ...args)) continue
      await flush(buffers[0])
      encodeSettled(buffers[0], ...args)
    }
    if (group) while (group.write(buffers[0], segment.seed)) await flush(buffers[0])
    if (buffers[0].top > 0) await flush(buffers[0])
    await writing
  }

  // `pressed`: also those whose word about older files nobody has repeated yet.
  const sweep = async (pressed = false) => {
    for (const segment of [...segments]) {
      if (segment.left > 0 || segment === segments.at(-1)) continue
      const at = segments.indexOf(segment)
      if (at > 0 && segment.tells && !repeated.has(segment)) {
        if (!waiting.has(segment)) for (const older of segments.slice(0, at)) dirtyAll(older)
        waiting.add(segment)
        if (!pressed) continue
      }
      try {
        if (segment.damaged) await storage.rename(path(segment), `${path(segment)}.damaged`)
        else await storage.remove(path(segment))
        // Before the next one goes: else a crash could bring back this one alone, and all that is in it is sent again.
        await storage.syncDirectory(directory)
      } catch {
        // It is in nobody's way; the next sweep tries again.
        continue
      }
      segments.splice(segments.indexOf(segment), 1)
      repeated.delete(segment)
      waiting.delete(segment)
    }
  }

  return {
    segments,
    get untold() {
      return segments.some((s) => s.dirtyFrom !== s.dirtyTo)
    },
    async commit(group, tell) {
      group?.rewind()
      const told: Told[] = []
      try {
        await rotate(group?.size ?? 0)
        const { segment, file } = await open(group?.first ?? next())
        if (tell) {
          for (const of of segments) {
            if (of.dirtyFrom === of.dirtyTo) continue
            told.push({ of, from: of.dirtyFrom, to: of.dirtyTo, bits: of.settled.slice(of.dirtyFrom, of.dirtyTo) })
            of.dirtyFrom = of.dirtyTo
          }
        }
        await writeAll(group, told, segment, file)
        await file.sync()
        for (const { of } of told) if (of !== segment) segment.tells = true
        if (group) extend(segment, group.first, group.first + group.count)
        if (tell) {
          for (const of of waiting) repeated.add(of)
          waiting.clear()
        }
      } catch (error) {
        for (const { of, from, to } of told) {
          const none = of.dirtyFrom === of.dirtyTo
          of.dirtyFrom = none ? from : Math.min(from, of.dirtyFrom)
          of.dirtyTo = none ? to : Math.max(to, of.dirtyTo)
        }
        await leave()
        throw error
      }
    },
    sweep: () => sweep(),
    async makeRoom(first) {
      try {
        await open(first)
      } finally {
        await sweep(true)
      }
    },
    async close() {
      await sweep()
      try {
        if (segments.every((s) => s.left === 0) && segments.some((s) => s.bytes > 0)) {
          await leave()
          await open(next())
          await sweep()
        }
      } catch {
        // Then the files stay in which all has settled.
      } finally {
        await leave()
      }
    },
  }
}

/** Part of a segment's bits as they stood. */
interface Told {
  of: Segment
  from: number
  to: number
  bits: Uint8Array
}
