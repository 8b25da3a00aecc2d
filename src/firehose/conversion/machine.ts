// Records -> columns -> row groups, one engine and its arena: what a conversion keeps from one object to the next.
//
// Records stand in the arena as lines: each is copied once, with a line feed behind it, for a line feed ends a
// record wherever it stands, so a broken one never takes the next with it. One inside of a record becomes a carriage
// return, which is white space where it was white space, and as wrong in a string.
//
// A record may hold several documents and is rejected as a whole. The scan puts good ones of it into the batch before
// it comes upon a bad one; then the batch is made again without that record. Where a batch ends within a record, the
// rest of it is looked at first. Both happen to records of several documents alone.
import { type BadRecord, createScan, type Scan, type ScanOptions } from '../../engine/columns.js'
import { createEngine, type Engine } from '../../engine/engine.js'
import type { FileSettings } from '../../parquet/file/options.js'
import { createRowGroupEncoder, type FinishedRowGroup } from '../../parquet/internal.js'
import type { Field } from '../../types.js'
import { EMPTY, kindsOf, type Rejected, type Rejection, rejectionOf, tooLong } from './rejection.js'

/** A scan of so much text stays in a second-level cache with its columns. */
const FILL = 512 * 1024
const RECORDS = 8192
const BATCH_ROWS = 2048
const CHECK_ROWS = 256
const MAX_RECORD_BYTES = 16 * 1024 * 1024

export interface MachineOptions {
  fields: readonly Field[]
  serde: 'hive' | 'openx'
  lookup: Pick<ScanOptions, 'caseInsensitive' | 'dotsToUnderscores' | 'exact'>
  settings: FileSettings
  /** Bytes of pages at which a row group ends. */
  blockBytes: number
}

export interface Machine {
  /** Converts `records`; gives those that it did not. `rowGroup` is given each row group that is full. */
  take(records: readonly { readonly data: Uint8Array }[], rowGroup: (group: FinishedRowGroup) => Promise<void>): Promise<Rejected[]>
  /** The last row group; undefined where it has no row. */
  finish(): Promise<FinishedRowGroup | undefined>
  /** Gives the engine back. Not to be used any more. */
  stop(): void
}

export function createMachine({ fields, serde, lookup, settings, blockBytes }: MachineOptions): Machine {
  const engine = createEngine()
  const options = { ...lookup, coercion: serde, textBytes: MAX_RECORD_BYTES + FILL }
  const scan = lineScan(engine, fields, { ...options, capacity: BATCH_ROWS })
  const encoder = createRowGroupEncoder(engine, scan.columns, scan.leaves, settings)
  const kinds = kindsOf(fields)
  let checker: Scan | undefined
  let room = 2 * FILL
  let text = engine.reserve(room)
  /** Where each record in the text begins, and the end behind the last. */
  const starts = new Int32Array(RECORDS + 1)
  let count = 0
  /** Of the open row group. */
  let open = 0

  /** Copies records into the text from number `first` on; gives the number of the next. */
  const gather = (records: readonly { readonly data: Uint8Array }[], first: number, reject: (record: number, why: Rejection) => void): number => {
    let size = 0
    let lines = 0
    let bytes = engine.bytes()
    count = 0
    for (; first + count < records.length && count < RECORDS; count++) {
      const { data } = records[first + count]
      if (count > 0 && size + data.length >= FILL) break
      starts[count] = size
      if (data[0] !== 0x7b && isBlank(data)) reject(count, EMPTY)
      else if (data.length > MAX_RECORD_BYTES) reject(count, tooLong(MAX_RECORD_BYTES))
      else {
        if (size + data.length >= room) {
          // only of a record that is alone
          room = Math.max(2 * room, data.length + 1)
          text = engine.reserve(room)
          bytes = engine.bytes()
        }
        const at = text + size
        bytes.set(data, at)
        // Jackson passes over a byte order mark
        if (data[0] === 0xef && data[1] === 0xbb && data[2] === 0xbf) bytes.fill(0x20, at, at + 3)
        size += data.length
        if (data[data.length - 1] !== 10) bytes[text + size++] = 10
        lines++
      }
    }
    starts[count] = size
    if (engine.core.countFeeds(text, size) !== lines) joinLines(bytes)
    return first + count
  }

  /** Makes each record one line. */
  const joinLines = (bytes: Uint8Array) => {
    for (let i = 0; i < count; i++) {
      const last = text + starts[i + 1] - 1
      for (let at = bytes.indexOf(10, text + starts[i]); at >= 0 && at < last; at = bytes.indexOf(10, at + 1)) bytes[at] = 13
    }
  }

  /** The first fault in a record, from its start; undefined where there is none. */
  const faultIn = (record: number): BadRecord | undefined => {
    checker ??= lineScan(engine, fields, { ...options, capacity: CHECK_ROWS })
    const end = starts[record + 1]
    for (let at = starts[record]; at < end; ) {
      const { consumed, bad } = checker.next(text + at, end - at, true)
      if (bad.length > 0) return { ...bad[0], position: at - starts[record] + bad[0].position }
      at += consumed
    }
    return undefined
  }

  /** Scans the records in the text. */
  const drain = async (reject: (record: number, why: Rejection) => void, batch: (rows: number) => Promise<void>) => {
    const size = starts[count]
    const rejectFor = (record: number, bad: BadRecord, position: number) => {
      const bytes = engine.bytes().subarray(text + starts[record], text + starts[record + 1])
      reject(record, rejectionOf({ bad, record: bytes, position, serde, kinds }))
    }
    let at = 0
    let record = 0
    /** The last record that a batch ended in, and all of which is good. */
    let sound = -1
    while (at < size) {
      const from = record
      const { consumed, bad, rows } = scan.next(text + at, size - at, true)
      let taken = rows
      const spoiled: number[] = []
      let partly = false
      for (const b of bad) {
        const offset = at + b.offset
        while (starts[record + 1] <= offset) record++
        if (spoiled.at(-1) !== record) {
          spoiled.push(record)
          rejectFor(record, b, at + b.position - starts[record])
        }
        partly ||= offset > starts[record] || at + b.end < starts[record + 1]
      }
      let end = at + consumed
      while (record < count && starts[record + 1] <= end) record++
      if (record < count && end > starts[record] && record !== sound) {
        const known = spoiled.at(-1) === record
        const fault = known ? undefined : faultIn(record)
        if (fault) {
          spoiled.push(record)
          rejectFor(record, fault, fault.position)
        }
        if (known || fault) {
          partly = true
          end = starts[record]
        } else sound = record
      }
      if (partly) {
        const bytes = engine.bytes()
        for (const i of spoiled) bytes.fill(0x20, text + starts[i], text + starts[i + 1] - 1)
        const limit = record === sound ? starts[record + 1] : end
        // what is behind the limit is blank now where it is a spoiled record's, and passed over by the next scan
        const again = scan.next(text + at, limit - at, true)
        taken = again.rows
        end = at + again.consumed
        for (record = from; record < count && starts[record + 1] <= end; ) record++
      }
      if (taken > 0) await batch(taken)
      at = end
    }
  }

  const end = () => {
    const rows = open
    open = 0
    return encoder.finish(rows)
  }

  return {
    async take(records, rowGroup) {
      const rejected: Rejected[] = []
      for (let next = 0; next < records.length; ) {
        const first = next
        const reject = (record: number, why: Rejection) => rejected.push({ index: first + record, ...why })
        next = gather(records, first, reject)
        await drain(reject, async (rows) => {
          const appended = encoder.append()
          if (appended) await appended
          open += rows
          if (encoder.size() >= blockBytes) await rowGroup(await end())
        })
      }
      return rejected.sort((a, b) => a.index - b.index)
    },
    finish: async () => (open > 0 ? end() : undefined),
    stop: () => engine.release(),
  }
}

function lineScan(engine: Engine, fields: readonly Field[], options: ScanOptions): Scan {
  const scan = createScan(engine, fields, options)
  scan.startSource('lines', true)
  return scan
}

function isBlank(data: Uint8Array): boolean {
  return data.every((byte) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09)
}
