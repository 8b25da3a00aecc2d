// The files of a spool as they are written: one at a time, each group of frames made durable before
// anybody is told, and each file removed once nothing needs it. While a group is made durable the next one
// is written behind it.
import type { FileWriter, Storage } from '../../../ports/ports.js'
import type { Group } from './appends.js'
import { createFrameBuffer, encodeSettled } from './frame.js'
import { createSegment, dirtyAll, extend, type Segment } from './segment.js'

/** Bytes of a file; only a single batch may be larger. */
export const SEGMENT_BYTES = 64 * 1_048_576
/**
 * Bytes of a group, which is one write: three packs of the producer. An fsync costs as much as writing some MiB; in larger
 * groups all who put would wait for one fsync, and nobody would fill the next group meanwhile.
 */
export const GROUP_BYTES = 5 * 1_048_576
/** Room for a group, the headers of its frames, and some words about settled records. */
const BUFFER_BYTES = GROUP_BYTES + 262_144

export interface Writer {
  readonly segments: readonly Segment[]
  /** Whether there is something to say about settled records. */
  readonly untold: boolean
  /**
   * Writes `group` and, where `tell`, what has settled; one call at a time. Rejects as the storage does: then drop() is
   * due, and the group may be written again.
   */
  write(group: Group | undefined, tell: boolean): Promise<void>
  /** Makes all durable that is written; one call at a time. What is written meanwhile is left to the next. Rejects as write() does. */
  sync(): Promise<void>
  /**
   * Gives up the file and what is written and not durable: none of it counts, and it is to be written again, all of it, in
   * order, before anything else is. Neither write() nor sync() may be under way.
   */
  drop(): Promise<void>
  /**
   * Removes files all of whose records have settled; one that is damaged is renamed to NAME.damaged. One that also says so of records in older files
   * waits until another says it, so that no record is sent again because its neighbours are done;
   * such are marked for the next write.
   */
  sweep(): Promise<void>
  /**
   * What a full device gives back: removes every file in which all has settled, the newest one too, once an
   * empty one holds the numbers from `first` on. What stood in one of them about records of older files is said anew by
   * the next write that tells: a crash before that may send again what had settled. Rejects as the storage does.
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
  let buffer = createFrameBuffer(BUFFER_BYTES)
  /** Not yet durable: of these the fsync is under way, of those it is not. */
  let syncing: Written[] = []
  let written: Written[] = []
  /** Of the last sync(). */
  let synced: Promise<void> | undefined
  /** Files whose word about older ones was said anew. */
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

  const leave = async () => {
    const file = active?.file
    active = undefined
    await file?.close().catch(() => {})
  }

  const rotate = async (coming: number) => {
    if (!active || active.segment.bytes === 0 || active.segment.bytes + coming <= segmentBytes) return
    // Where its fsync fails, what is in it is written anew before anything else.
    await synced
    await leave()
  }

  const writeAll = async (group: Group | undefined, told: readonly Told[], segment: Segment, file: FileWriter) => {
    const flush = async () => {
      segment.bytes += buffer.top
      await file.write(buffer.bytes.subarray(0, buffer.top))
      // A record of 10 MiB needs its room once.
      if (buffer.bytes.length > BUFFER_BYTES) buffer = createFrameBuffer(BUFFER_BYTES)
      buffer.top = 0
    }
    buffer.top = 0
    for (const { of, from, bits } of told) {
      const args = [bits, of.first + 8 * from, Math.min(8 * bits.length, of.end - of.first - 8 * from), segment.seed] as const
      if (encodeSettled(buffer, ...args)) continue
      await flush()
      encodeSettled(buffer, ...args)
    }
    group?.rewind()
    while (group?.write(buffer, segment.seed)) await flush()
    if (buffer.top > 0) await flush()
  }

  const makeDurable = async ({ segment, file }: { segment: Segment; file: FileWriter }) => {
    syncing = written
    written = []
    await file.sync()
    for (const { group, told, repeats } of syncing) {
      for (const { of } of told) if (of !== segment) segment.tells = true
      if (group) extend(segment, group.first, group.first + group.count)
      for (const of of repeats) {
        waiting.delete(of)
        repeated.add(of)
      }
    }
    syncing = []
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
    async write(group, tell) {
      await rotate(group?.size ?? 0)
      const { segment, file } = await open(group?.first ?? next())
      const told: Told[] = []
      for (const of of tell ? segments : []) {
        if (of.dirtyFrom === of.dirtyTo) continue
        told.push({ of, from: of.dirtyFrom, to: of.dirtyTo, bits: of.settled.slice(of.dirtyFrom, of.dirtyTo) })
        of.dirtyFrom = of.dirtyTo
      }
      written.push({ group, told, repeats: tell ? [...waiting] : [] })
      await writeAll(group, told, segment, file)
    },
    sync() {
      synced = active ? makeDurable(active) : Promise.resolve()
      return synced
    },
    async drop() {
      for (const { told } of [...syncing, ...written]) {
        for (const { of, from, to } of told) {
          const none = of.dirtyFrom === of.dirtyTo
          of.dirtyFrom = none ? from : Math.min(from, of.dirtyFrom)
          of.dirtyTo = none ? to : Math.max(to, of.dirtyTo)
        }
      }
      syncing = []
      written = []
      // What follows a failed write or fsync is unknown: pages may be gone although a later fsync succeeds.
      // So nothing more is written to that file; what was durable in it before still is, and a close that
      // fails can lose none of it.
      await leave()
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

/** What a call of write() has written. */
interface Written {
  group: Group | undefined
  told: Told[]
  /** Files whose word about older ones is in it. */
  repeats: Segment[]
}

/** Part of a segment's bits as they stood. */
interface Told {
  of: Segment
  from: number
  to: number
  bits: Uint8Array
}
