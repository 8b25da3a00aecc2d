// NDJSON in pieces of any size -> column batches: gathers text in the arena until a scan is worth
// it, carries the record that a piece cuts, and settles bad records.
import { createScan, type Scan, type ScanField } from '../engine/columns.js'
import type { Engine } from '../engine/engine.js'
import { MillraceError, wrongType } from '../errors.js'

/** A record that is in no row. */
export interface BadRecord {
  /** As named by startSource(). */
  source?: string
  /** Index of the record in its source, from 0. */
  record: number
  /** Byte of its source where the record begins; of a record with no partition, where its batch begins. */
  offset: number
  /** Byte of its source where the fault was seen. */
  position: number
  /** What was expected, and of which column. */
  message: string
  /** The record's own bytes, its line feed included. Empty for one longer than maxRecordBytes. */
  text: Uint8Array
}

/**
 * `fail`: the first bad record ends the work with an error. `skip`: it is left out and counted. A
 * function is told each one, which is then left out; what it throws ends the work.
 */
export type BadRecordPolicy = 'fail' | 'skip' | ((bad: BadRecord) => void)

export interface Intake {
  readonly scan: Scan
  /** Strings of a batch take at most so many bytes. */
  readonly textBytes: number
  /** Settles a record of the batch at hand that turned out to have no place, by the same policy. */
  refuse(record: number, message: string, text: Uint8Array): void
  readonly badRecords: number
  write(bytes: Uint8Array): Promise<void>
  /** Ends the record at hand: what follows is the start of `source`. */
  startSource(source: string | undefined): Promise<void>
  /** Ends the record at hand and scans what is left. */
  end(): Promise<void>
}

// A scan of half a megabyte: its columns and its text stay in a second-level cache of 1-2 MiB.
const FILL = 512 * 1024
const BATCH_ROWS = 2048
export const MAX_RECORD_BYTES = 16 * 1024 * 1024

export function checkPolicy(label: string, policy: unknown): void {
  if (policy !== 'fail' && policy !== 'skip' && typeof policy !== 'function') throw wrongType(label, "'fail', 'skip' or a function", policy)
}

/**
 * `batch` is called for every batch in the scan's columns, and awaited; `recordAt` gives the index
 * in its source of the record behind a row.
 */
export function createIntake(
  engine: Engine,
  columns: readonly ScanField[],
  options: { maxRecordBytes: number; onBadRecord: BadRecordPolicy },
  batch: (rows: number, recordAt: (row: number) => number) => Promise<void> | void,
): Intake {
  const { maxRecordBytes, onBadRecord } = options
  const size = maxRecordBytes + FILL
  const text = engine.reserve(size)
  const scan = createScan(engine, columns, BATCH_ROWS, size)
  let source: string | undefined
  let base = 0 // byte of the source at the start of the text
  let have = 0
  let lines = false // whether a line feed came in since the last scan
  let skipping = false // inside of a record that is too long
  let fresh = true // at the start of a source
  let seen = 0 // records that the scan counted
  let before = 0 // of them, in earlier sources
  let tooLong = 0 // records of this source that never reached the scan
  let badRecords = 0
  let batchAt = 0

  const settle = (bad: BadRecord) => {
    if (onBadRecord === 'fail')
      throw new MillraceError('BAD_INPUT', bad.message, { position: { source: bad.source, record: bad.record, offset: bad.position } })
    badRecords++
    if (onBadRecord !== 'skip') onBadRecord(bad)
  }

  const drain = async (final: boolean) => {
    let at = 0
    if (fresh && have > 0) {
      fresh = false
      const bytes = engine.bytes()
      if (have >= 3 && bytes[text] === 0xef && bytes[text + 1] === 0xbb && bytes[text + 2] === 0xbf) at = 3
    }
    while (at < have) {
      const { rows, consumed, bad } = scan.next(text + at, have - at, final)
      for (const b of bad) {
        settle({
          source,
          record: b.record - before + tooLong,
          offset: base + at + b.offset,
          position: base + at + b.position,
          message: b.message,
          text: engine.bytes().slice(text + at + b.offset, text + at + b.end),
        })
      }
      const first = seen
      seen += rows + bad.length
      batchAt = base + at
      if (rows > 0) await batch(rows, (row) => bad.reduce((record, b) => (b.record <= record ? record + 1 : record), first + row) - before + tooLong)
      if (consumed === 0) break
      at += consumed
    }
    engine.bytes().copyWithin(text, text + at, text + have)
    have -= at
    base += at
    lines = false
  }

  const write = async (bytes: Uint8Array) => {
    for (let at = 0; at < bytes.length; ) {
      if (skipping) {
        const end = bytes.indexOf(10, at)
        const next = end < 0 ? bytes.length : end + 1
        base += next - at
        at = next
        skipping = end < 0
        continue
      }
      const piece = bytes.subarray(at, at + Math.min(have < FILL ? FILL - have : FILL, size - have))
      engine.bytes().set(piece, text + have)
      have += piece.length
      at += piece.length
      lines ||= piece.lastIndexOf(10) >= 0
      if (have >= FILL && lines) await drain(false)
      else if (have > maxRecordBytes && !lines) {
        settle({
          source,
          record: seen - before + tooLong,
          offset: base,
          position: base,
          message: `expected at most ${maxRecordBytes} bytes, got more`,
          text: new Uint8Array(0),
        })
        tooLong++
        base += have
        have = 0
        skipping = true
      }
    }
  }

  const end = async () => {
    skipping = false
    await drain(true)
  }

  return {
    scan,
    textBytes: size,
    refuse: (record, message, text) => settle({ source, record, offset: batchAt, position: batchAt, message, text }),
    get badRecords() {
      return badRecords
    },
    write,
    end,
    async startSource(name) {
      await end()
      source = name
      base = tooLong = 0
      before = seen
      fresh = true
    },
  }
}
