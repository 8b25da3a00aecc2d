// Records -> columns -> row groups, one engine and its arena: what a conversion keeps from one object to the next.
//
// A record may hold several documents and is rejected as a whole. The scan puts good ones of it into the batch before
// it comes upon a bad one; then the batch is made again without that record. Where a batch ends within a record, the
// rest of it is looked at first. Both happen to records of several documents alone.
import { type BadRecord, createScan, type Scan, type ScanOptions } from '../../engine/columns.js'
import { createEngine, type Engine } from '../../engine/engine.js'
import type { FileSettings } from '../../parquet/file/options.js'
import { createRowGroupEncoder, type FinishedRowGroup } from '../../parquet/internal.js'
import type { Field } from '../../types.js'
import { createRecordText, isBlank, MOST_TEXT, type Source } from './record-text.js'
import { kindsOf, type Rejected, type Rejection, rejectionOf } from './rejection.js'

const BATCH_ROWS = 2048
const CHECK_ROWS = 256

export interface MachineOptions {
  fields: readonly Field[]
  serde: 'hive' | 'openx'
  lookup: Pick<ScanOptions, 'caseInsensitive' | 'dotsToUnderscores' | 'exact'>
  settings: FileSettings
  /** Bytes of pages at which a row group ends. */
  blockBytes: number
}

export interface Machine {
  /** Converts the records of `sources`; gives those that it did not. `rowGroup` is given each row group that is full. */
  take(sources: readonly Source[], rowGroup: (group: FinishedRowGroup) => Promise<void>): Promise<Rejected[]>
  /** The last row group; undefined where it has no row. */
  finish(): Promise<FinishedRowGroup | undefined>
  /** Gives the engine back. Not to be used any more. */
  stop(): void
}

export function createMachine({ fields, serde, lookup, settings, blockBytes }: MachineOptions): Machine {
  const engine = createEngine()
  const options = { ...lookup, coercion: serde, textBytes: MOST_TEXT }
  const scan = lineScan(engine, fields, { ...options, capacity: BATCH_ROWS })
  const encoder = createRowGroupEncoder(engine, scan.columns, scan.leaves, settings)
  const kinds = kindsOf(fields)
  let checker: Scan | undefined
  const text = createRecordText(engine)
  const { starts } = text
  /** Of the open row group. */
  let open = 0

  /** The first fault in a record, from its start; undefined where there is none. */
  const faultIn = (record: number): BadRecord | undefined => {
    checker ??= lineScan(engine, fields, { ...options, capacity: CHECK_ROWS })
    const end = starts[record + 1]
    for (let at = starts[record]; at < end; ) {
      const { consumed, bad } = checker.next(text.at + at, end - at, true)
      if (bad.length > 0) return { ...bad[0], position: at - starts[record] + bad[0].position }
      at += consumed
    }
    return undefined
  }

  /** Scans the records in the text. */
  const drain = async (reject: (record: number, why: Rejection) => void, batch: (rows: number) => Promise<void>) => {
    const { at: address, count } = text
    const size = starts[count]
    const rejectFor = (record: number, bad: BadRecord, position: number) => {
      const bytes = engine.bytes().subarray(address + starts[record], address + starts[record + 1])
      reject(record, rejectionOf({ bad, record: bytes, position, serde, kinds }))
    }
    let at = 0
    let record = 0
    /** The last record that a batch ended in, and all of which is good. */
    let sound = -1
    while (at < size) {
      const from = record
      const { consumed, bad, rows } = scan.next(address + at, size - at, true)
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
        partly ||= offset > starts[record] || !isBlank(engine.bytes().subarray(address + at + b.end, address + starts[record + 1]))
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
        for (const i of spoiled) bytes.fill(0x20, address + starts[i], address + starts[i + 1] - 1)
        const limit = record === sound ? starts[record + 1] : end
        // what is behind the limit is blank now where it is a spoiled record's, and passed over by the next scan
        const again = scan.next(address + at, limit - at, true)
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
    async take(sources, rowGroup) {
      const rejected: Rejected[] = []
      let first = 0
      for (let next = 0; next < sources.length; first += text.count) {
        const reject = (record: number, why: Rejection) => rejected.push({ index: first + record, ...why })
        next = text.fill(sources, next, reject)
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
