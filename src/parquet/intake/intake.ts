// JSON in pieces of any size -> column batches: gathers text in the arena until a scan is worth it,
// carries the record that a piece cuts, and settles bad records.
import { createScan, type Format, type Scan } from '../../engine/columns.js'
import type { Engine } from '../../engine/engine.js'
import { outOfRange } from '../../errors.js'
import type { RecordSettings } from '../writer-options.js'
import { type BadRecord, createSettlement } from './bad-records.js'

export interface Intake {
  readonly scan: Scan
  /** Strings of a batch take at most so many bytes. */
  readonly textBytes: number
  /** Settles a record of the batch at hand that turned out to have no place, by the same policy. */
  refuse(record: number, message: string, text: Uint8Array): void
  readonly badRecords: number
  /** How many for each reason; for a value that does not fit, "reason: column", of the first 64 such pairs. */
  readonly badByReason: Record<string, number>
  /** Of the source at hand: records and line feeds that are settled. */
  readonly place: { records: number; lines: number }
  write(bytes: Uint8Array): Promise<void>
  /** Ends the record at hand: what follows is the start of `source`, or of a part of it where it has `begun`. */
  startSource(source: string | undefined, as?: { format: Format | undefined; begun: boolean }): Promise<void>
  /** Ends the record at hand and scans what is left; not `complete`: without the record at hand, which may be cut. */
  end(complete?: boolean): Promise<void>
  /** The segment at hand ended for another reason. */
  restart(): void
}

/** Where batches and segments end, for a file that depends on its text alone: not on the pieces, nor on threads (segments.ts). */
export interface Cuts {
  /** A segment ends with so many line feeds, or with the first one at or behind so many bytes. */
  lines: number
  bytes: number
  /** Rows that the next batch may have at most. */
  room(): number
  /** All text that is worth a scan is in batches. */
  drained(): Promise<void>
  /** A segment ends: what is in batches is all of it. Documents, which hold line feeds, are not cut. */
  segment(): Promise<void>
}

// A scan of half a megabyte: its columns and its text stay in a second-level cache of 1-2 MiB.
const FILL = 512 * 1024
const BATCH_ROWS = 2048
const NOTHING = new Uint8Array(0)
export const MAX_RECORD_BYTES = 16 * 1024 * 1024

export function checkFormat(label: string, format: unknown): void {
  if (format !== undefined && format !== 'auto' && format !== 'lines' && format !== 'documents') throw outOfRange(label, 'auto, lines or documents', format)
}

/**
 * `batch` is called for every batch in the scan's columns, and awaited; `recordAt` gives the index
 * in its source of the record behind a row.
 */
export function createIntake(
  engine: Engine,
  settings: RecordSettings,
  batch: (rows: number, recordAt: (row: number) => number) => Promise<void> | void,
  cuts?: Cuts,
): Intake {
  const { fields, lookup, onBadRecord, format = 'auto' } = settings
  const { maxRecordBytes } = settings.limits
  const size = maxRecordBytes + FILL
  let room = 2 * FILL // grows with the longest record
  let text = engine.reserve(room)
  // The scan writes over records that DynamoDB has typed; bad ones are told as they came.
  const dynamodb = lookup.dialect === 'dynamodb'
  let came = dynamodb ? engine.reserve(room) : text
  const scan = createScan(engine, fields, { ...lookup, capacity: BATCH_ROWS, textBytes: size })
  scan.startSource(format)
  const settlement = createSettlement(onBadRecord)
  let source: string | undefined
  let base = 0 // byte of the source at the start of the text
  let line = 1 // of the source, where the scan has got to
  let have = 0
  let need = FILL // so many bytes are worth a scan
  let passing = false // inside of a record that is too long
  let seen = 0 // records that the scan counted
  let before = 0 // of them, in earlier sources
  let batchAt = 0 // byte of the text where the batch at hand begins
  let batchLine = 0 // its line, 0 where nobody has asked yet
  let lines = 0 // of the segment, off the text
  let bytes = 0
  let documents = false // whether the source at hand is of documents

  let told: Promise<unknown> | undefined // who is told of bad records asynchronously

  const settle = (bad: BadRecord) => {
    const later = settlement.settle(source === undefined ? bad : { source, ...bad })
    if (typeof later?.then !== 'function') return
    told = Promise.all([told, later])
    // settled() tells
    told.catch(() => {})
  }
  const settled = async () => {
    const waits = told
    told = undefined
    await waits
  }

  const feeds = (from: number, to: number) => engine.core.countFeeds(text + from, to - from)

  /** Takes the first `at` bytes off the text, in which there are `count` line feeds. */
  const drop = (at: number, count: number) => {
    for (const block of new Set([text, came])) engine.bytes().copyWithin(block, block + at, block + have)
    have -= at
    base += at
    line += count
    lines += count
    bytes += at
    // Twice as much for a record that goes on, so that the work on it stays in proportion to its length.
    need = Math.min(size, Math.max(FILL, 2 * have))
  }

  /** Where the segment ends in the text, in which there are `count` line feeds; 0 where it goes on behind. */
  const segmentEnd = (count: number, final: boolean): number => {
    if (!cuts || documents || scan.settle(text, have, final) !== 'lines') return 0
    const byLines = lines + count < cuts.lines ? 0 : engine.core.nthFeed(text, have, cuts.lines - lines)
    if (bytes + have < cuts.bytes) return byLines
    const from = Math.max(0, cuts.bytes - bytes - 1)
    const feed = engine
      .bytes()
      .subarray(text + from, text + have)
      .indexOf(10)
    const byBytes = feed < 0 ? 0 : from + feed + 1
    return byLines === 0 || byBytes === 0 ? byLines || byBytes : Math.min(byLines, byBytes)
  }

  /** The next segment begins, with what is left of the text: in pieces as if it had come now. */
  const nextSegment = async () => {
    const left = engine.bytes().slice(came, came + have)
    have = lines = bytes = 0
    need = FILL
    await cuts?.segment()
    await write(left)
  }

  /** Scans the text; true where a segment ended in it, and what follows was begun. */
  const drain = async (final: boolean): Promise<boolean> => {
    const count = feeds(0, have)
    if (cuts && !documents && scan.settle(text, have, final) === 'documents') {
      // has row groups of its own, for it is not cut
      documents = true
      lines = bytes = 0
      await cuts.segment()
    }
    const stop = segmentEnd(count, final)
    const limit = stop || have
    const last = final || stop > 0
    let at = 0
    // Line feeds are counted from one bad record to the next: from the start of the text each cost 26 us.
    let counted = 0
    let lineAt = line
    for (let more = true; more; ) {
      const { rows, consumed, bad } = scan.next(text + at, limit - at, last, cuts?.room())
      batchAt = at
      batchLine = 0
      for (const { offset, position, end, ...b } of bad) {
        // a fault may be told behind the start of the next record
        if (at + position < counted) lineAt -= feeds(at + position, counted)
        else lineAt += feeds(counted, at + position)
        counted = at + position
        settle({
          ...b,
          record: b.record - before,
          offset: base + at + offset,
          position: base + at + position,
          line: lineAt,
          text: settlement.tells ? engine.bytes().slice(came + at + offset, came + at + end) : NOTHING,
        })
      }
      if (told) await settled()
      const first = seen
      seen += rows + bad.length
      if (rows > 0) await batch(rows, (row) => bad.reduce((record, b) => (b.record <= record ? record + 1 : record), first + row) - before)
      at += consumed
      // an array that the input leaves open is told behind its last byte
      more = last ? rows > 0 || bad.length > 0 : consumed > 0 && at < limit
    }
    drop(at, count - feeds(at, have))
    if (stop > 0) await nextSegment()
    else await cuts?.drained()
    return stop > 0
  }

  const pass = async () => {
    const { taken, ended } = scan.pass(text, have, !passing)
    drop(taken, feeds(0, taken))
    passing = !ended
    if (ended && cuts && (lines >= cuts.lines || bytes >= cuts.bytes)) await nextSegment()
  }

  const grow = () => {
    room = Math.min(size, 2 * room)
    const [from, fromCame] = [text, came]
    text = engine.reserve(room)
    came = dynamodb ? engine.reserve(room) : text
    const bytes = engine.bytes()
    bytes.copyWithin(text, from, from + have)
    if (dynamodb) bytes.copyWithin(came, fromCame, fromCame + have)
  }

  const write = async (piece: Uint8Array) => {
    for (let at = 0; at < piece.length; ) {
      if (have === room) grow()
      const part = piece.subarray(at, at + Math.min(passing ? FILL : Math.max(1, need - have), room - have))
      for (const block of new Set([text, came])) engine.bytes().set(part, block + have)
      have += part.length
      at += part.length
      if (passing) await pass()
      else if (have >= need) {
        const held = have
        if (!(await drain(false)) && have === held && have > maxRecordBytes) {
          settle({
            record: seen - before,
            offset: base,
            position: base,
            line,
            reason: 'too-long',
            message: `expected at most ${maxRecordBytes} bytes, got more`,
            text: NOTHING,
          })
          seen++
          if (told) await settled()
          await pass()
        }
      }
    }
  }

  const end = async (complete = true) => {
    if (passing) drop(have, feeds(0, have))
    passing = false
    while (await drain(complete));
    if (!complete) drop(have, 0)
    need = FILL
  }

  return {
    scan,
    textBytes: size,
    refuse(record, message, raw) {
      const offset = base + batchAt
      batchLine ||= line + feeds(0, batchAt)
      settle({ offset, position: offset, line: batchLine, record, reason: 'partition', message, text: raw })
    },
    get place() {
      return { records: seen - before, lines: line - 1 }
    },
    get badRecords() {
      return settlement.badRecords
    },
    get badByReason() {
      return settlement.badByReason
    },
    write,
    end,
    restart() {
      lines = bytes = 0
    },
    async startSource(name, as = { format, begun: false }) {
      await end()
      if (documents) await cuts?.segment()
      if (documents) lines = bytes = 0
      documents = false
      scan.startSource(as.format ?? 'auto', as.begun)
      source = name
      base = 0
      line = 1
      before = seen
    },
  }
}
