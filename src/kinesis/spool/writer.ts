// The files of a spool as they are written: one at a time, each group of frames made durable before
// anybody is told, and each file removed once nothing needs it.
import type { FileWriter, Storage } from '../../ports/ports.js'
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
   * it counts, the file it was in is left as it is, and the same group may be tried again.
   */
  commit(group: Group | undefined, tell: boolean): Promise<void>
  /**
   * Removes files all of whose records have settled. One that also says so of records in older files
   * waits until another says it, so that no record is sent again because its neighbours are done;
   * such are marked for the next commit.
   */
  sweep(): Promise<void>
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
  let active: { segment: Segment; file: FileWriter; durable: boolean } | undefined
  let buffers = [createFrameBuffer(PIECE_BYTES), createFrameBuffer(PIECE_BYTES)]
  /** Files whose word about older ones was said anew by the last commit. */
  const repeated = new Set<Segment>()
  const waiting = new Set<Segment>()
  const path = (segment: Segment) => `${directory}/${segment.name}`

  // `first`: no record before it is in the file.
  const open = async (first: number) => {
    if (active) return active
    for (;;) {
      const segment = createSegment(id, first, ++generation)
      try {
        const file = await storage.create(path(segment), { exclusive: true })
        segments.push(segment)
        active = { segment, file, durable: false }
        return active
      } catch (error) {
        // of a run that failed to remove it; its name is taken, and its frames would be in the way
        if ((error as { code?: unknown }).code !== 'EEXIST') throw error
      }
    }
  }

  // What follows a failed write or fsync is unknown: pages may be gone although a later fsync succeeds.
  // So nothing more is written to that file; what was durable in it before still is.
  const abandon = async () => {
    if (!active) return
    const { segment, file, durable } = active
    active = undefined
    await file.close().catch(() => {})
    if (durable) return
    segments.splice(segments.indexOf(segment), 1)
    await storage.remove(path(segment)).catch(() => {})
  }

  const rotate = async (coming: number) => {
    if (!active || active.segment.bytes === 0 || active.segment.bytes + coming <= segmentBytes) return
    const { file } = active
    active = undefined
    // Its bytes are flushed: a close that fails can lose none.
    await file.close().catch(() => {})
  }

  const writeAll = async (group: Group | undefined, told: readonly Told[], { segment, file }: { segment: Segment; file: FileWriter }) => {
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

  const sweep = async () => {
    for (const segment of [...segments]) {
      if (segment.left > 0 || segment === active?.segment || segment === segments.at(-1)) continue
      const at = segments.indexOf(segment)
      if (at > 0 && segment.tells && !repeated.has(segment)) {
        if (!waiting.has(segment)) for (const older of segments.slice(0, at)) dirtyAll(older)
        waiting.add(segment)
        continue
      }
      try {
        await storage.remove(path(segment))
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
        const target = await open(group?.first ?? next())
        const { segment, file } = target
        if (tell) {
          for (const of of segments) {
            if (of.dirtyFrom === of.dirtyTo) continue
            told.push({ of, from: of.dirtyFrom, to: of.dirtyTo, bits: of.settled.slice(of.dirtyFrom, of.dirtyTo) })
            of.dirtyFrom = of.dirtyTo
          }
        }
        await writeAll(group, told, target)
        await file.sync()
        if (!target.durable) await storage.syncDirectory(directory)
        target.durable = true
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
        await abandon()
        throw error
      }
    },
    sweep,
    async close() {
      await sweep()
      try {
        if (segments.every((s) => s.left === 0) && segments.some((s) => s.bytes > 0)) {
          await active?.file.close().catch(() => {})
          active = undefined
          const { file } = await open(next())
          await file.sync()
          await storage.syncDirectory(directory)
          await sweep()
        }
      } catch {
        // Then the files stay in which all has settled.
      } finally {
        await active?.file.close().catch(() => {})
        active = undefined
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
