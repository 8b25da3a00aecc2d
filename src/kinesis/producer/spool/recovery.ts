// What a directory holds of a spool when it is opened, and its records that have not settled.
import { MillraceError } from '../../../errors.js'
import type { Random, Storage } from '../../../ports/ports.js'
import type { SpooledBatch } from '../spool-port.js'
import { decodeRecords, HEADER, isOld, RECORDS, ROW_BYTES, SETTLED } from './frame.js'
import { readFrames } from './scan.js'
import { createSegment, cut, extend, findSegment, isSettled, parseName, type Segment, settle } from './segment.js'

/**
 * A place in a file where accepted records may have been that cannot be read: bytes changed, cut or put there, or the
 * name of the file. What a crash left of a write under way is none.
 */
export interface SpoolDamage {
  file: string
  offset: number
  /** 0 where they are gone. */
  bytes: number
  /** Records that are known to be missing, what comes behind them telling; 0 where nothing tells. */
  records: number
  /** File, place, what was expected there and what becomes of the file, in words. */
  message: string
}

export interface Recovered {
  id: string
  segments: Segment[]
  /** Higher than that of any record that was ever accepted. */
  next: number
  generation: number
  damage: SpoolDamage[]
}

/** A damage, and the file that it is in. */
interface Found extends Pick<SpoolDamage, 'offset' | 'bytes' | 'records'> {
  segment: Segment
  /** Number of the first record that may have been there. */
  number: number
}

/** A frame that says which records have settled, and the file that it stands in. */
interface Settled {
  first: number
  count: number
  bits: Uint8Array
  by: Segment
}

const DIGITS = '0123456789abcdefghijklmnopqrstuvwxyz'

/**
 * Reads every file once. Rejects with CORRUPT where two logs lie in one directory, a name with the ending is no spool's, or
 * a file is of the format's first version.
 */
export async function recover(storage: Storage, random: Random, directory: string): Promise<Recovered> {
  const found: Segment[] = []
  let id: string | undefined
  for await (const { name, kind } of storage.list(directory)) {
    if (!name.endsWith('.spool')) continue
    const parts = kind === 'file' ? parseName(name) : undefined
    const position = { source: `${directory}/${name}` }
    if (!parts)
      throw new MillraceError('CORRUPT', 'expected the name of a spool file, got another one: give it its name back, or move it elsewhere', { position })
    id ??= parts.id
    if (id !== parts.id)
      throw new MillraceError('CORRUPT', `expected one spool in the directory, got ${id} and ${parts.id}: move the files of one elsewhere`, { position })
    found.push(createSegment(parts.id, parts.first, parts.generation))
  }
  const segments = found.sort((a, b) => a.generation - b.generation)
  const settled: Settled[] = []
  const damage: Found[] = []
  let next = 0
  // Lost bytes at the end of a file may have been records that were accepted, and sent, on a device that
  // lies about fsync: their numbers are never given again, or a reader would take new records for old ones.
  let reserved = 0
  let before: Segment | undefined
  for (const segment of segments) {
    // Between a file and the very next one no number is left out.
    if (before?.generation === segment.generation - 1 && segment.first > reserved)
      damage.push({ segment: before, number: reserved, offset: before.bytes, bytes: 0, records: segment.first - reserved })
    next = Math.max(next, segment.first)
    segment.first = next
    segment.end = next
    // What was written anew because a device failed in between counts where it is last: of what it left in the earlier
    // file, which nobody was told of, the beginning may be gone and the rest not.
    const anew = (first: number) => {
      for (const earlier of segments) if (earlier !== segment) cut(earlier, first)
      for (const found of damage.splice(0)) if (found.segment === segment || found.number < first) damage.push(found)
    }
    const { end, lost } = await readSegment(storage, directory, segment, next, settled, damage, anew)
    next = end
    reserved = Math.max(reserved, next + Math.ceil(lost / ROW_BYTES))
    before = segment
  }
  for (const frame of settled) apply(segments, frame)
  id ??= Array.from({ length: 20 }, () => DIGITS[Math.floor(36 * random.next())]).join('')
  const generation = segments.at(-1)?.generation ?? 0
  return { id, segments, next: Math.max(next, reserved), generation, damage: damage.map((found) => describe(directory, found)) }
}

function describe(directory: string, { segment, offset, bytes, records }: Found): SpoolDamage {
  const file = segment.name
  segment.damaged = true
  const missing = records > 0 ? `, and ${records} records are missing` : ''
  const message = `${directory}/${file}, byte ${offset}: expected frames written under this name, got ${bytes} bytes that are none${missing}; what can be read of it is sent, then it is kept as ${file}.damaged`
  return { file, offset, bytes, records, message }
}

async function readSegment(
  storage: Storage,
  directory: string,
  segment: Segment,
  start: number,
  settled: Settled[],
  damage: Found[],
  anew: (first: number) => void,
): Promise<{ end: number; lost: number }> {
  let next = start
  let lost: Found | undefined
  const file = await storage.open(`${directory}/${segment.name}`)
  try {
    segment.bytes = (await file.stat()).size
    const head = new Uint32Array(HEADER / 4)
    await file.read(new Uint8Array(head.buffer), 0)
    if (isOld(head, segment.seed))
      throw new MillraceError(
        'CORRUPT',
        'expected a spool file of version 2, got version 1: let the millrace that wrote it send what it holds, or move it elsewhere',
        {
          position: { source: `${directory}/${segment.name}` },
        },
      )
    for await (const frame of readFrames(file, segment.seed)) {
      if (!('kind' in frame)) {
        lost = { segment, number: next, offset: frame.offset, bytes: frame.bytes, records: 0 }
        if (!frame.torn) damage.push(lost)
        continue
      }
      if (frame.kind === SETTLED) {
        settled.push({ first: frame.first, count: frame.count, bits: frame.body.slice(), by: segment })
        continue
      }
      const { first: from, count } = frame
      const end = from + count
      const missing = segment.first === segment.end ? 0 : from - segment.end
      // No file leaves out more numbers than it has room for, whatever was lost of it: that bounds the bits below.
      if (missing < 0 || missing > segment.bytes / ROW_BYTES || !decodeRecords(frame.body, count)) {
        damage.push({ segment, number: next, offset: frame.offset, bytes: frame.size, records: count })
        continue
      }
      if (from < next) anew(from)
      else if (lost) lost.records = from - next
      else if (from > next) damage.push({ segment, number: next, offset: frame.offset, bytes: 0, records: from - next })
      lost = undefined
      extend(segment, from, end)
      next = end
    }
  } finally {
    await file.close()
  }
  return { end: next, lost: lost?.bytes ?? 0 }
}

function apply(segments: Segment[], { first, count, bits, by }: Settled): void {
  for (let bit = 0; bit < count; bit++) {
    if ((bits[bit >>> 3] & (1 << (bit & 7))) === 0) continue
    const segment = findSegment(segments, first + bit)
    if (!segment) continue
    if (segment !== by) by.tells = true
    settle(segment, first + bit)
    // a frame says it already
    segment.dirtyFrom = segment.dirtyTo
  }
}

/** The records of these files that have not settled, oldest first, a frame of at most some MiB at a time. */
export async function* unsettled(
  storage: Storage,
  directory: string,
  segments: readonly Segment[],
  gone: (segment: Segment) => boolean,
): AsyncGenerator<SpooledBatch> {
  for (const segment of segments) {
    if (segment.left === 0) continue
    const file = await storage.open(`${directory}/${segment.name}`).catch((error) => {
      // settled and removed while it was being opened
      if (gone(segment)) return undefined
      throw error
    })
    if (!file) continue
    try {
      let next = segment.first
      for await (const frame of readFrames(file, segment.seed)) {
        if (!('kind' in frame) || frame.kind !== RECORDS) continue
        const batch = pick(segment, frame.first, frame.count, frame.body, next)
        next = Math.max(next, Math.min(frame.first + frame.count, segment.end))
        if (batch) yield batch
      }
    } finally {
      await file.close()
    }
  }
}

function pick(segment: Segment, first: number, count: number, body: Uint8Array, next: number): SpooledBatch | undefined {
  if (first >= segment.end || first + count <= next) return undefined
  const all = decodeRecords(body, count)
  if (!all) return undefined
  const rows: number[] = []
  for (let row = 0; row < count; row++) {
    const number = first + row
    if (number >= next && !isSettled(segment, number)) rows.push(row)
  }
  if (rows.length === 0) return undefined
  const table = new Uint32Array(8 * rows.length)
  for (const [i, row] of rows.entries()) table.set(all.table.subarray(8 * row, 8 * row + 8), 8 * i)
  return { numbers: Float64Array.from(rows, (row) => first + row), records: { count: rows.length, table, heap: all.heap.slice() } }
}
