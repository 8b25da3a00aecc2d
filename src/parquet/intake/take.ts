// What every writer takes records by.
import type { Engine } from '../../engine/engine.js'
import { wrongType } from '../../errors.js'
import type { ParquetWriter } from '../writer.js'
import type { LookupOptions, RecordSettings } from '../writer-options.js'
import { columnBatches } from './columns.js'
import type { Intake } from './intake.js'
import { type RowOptions, rowLines } from './rows.js'
import type { Turns } from './turns.js'

export type TakeMethods = Pick<ParquetWriter, 'writeJson' | 'writeRows' | 'writeColumns' | 'startSource'>

/** What every writer takes records by; `ready` comes before the first of each call, `batch` is what the intake calls too; of columns it has at most `room()` rows. */
export function takeMethods(
  turn: Turns,
  engine: Engine,
  intake: Intake,
  { fields, lookup }: RecordSettings,
  batch: (rows: number, recordAt: (row: number) => number) => Promise<void> | void,
  ready?: (form: 'text' | 'columns') => Promise<unknown>,
  room?: () => number,
): TakeMethods {
  const text = new TextEncoder()
  const lines = rowLines(fields, rowOptions(lookup))
  const { scan } = intake
  const columnsOf = columnBatches(engine, scan.columns, fields, scan.leaves, scan.capacity)
  return {
    async writeJson(bytes) {
      if (!(bytes instanceof Uint8Array)) throw wrongType('bytes', 'a Uint8Array', bytes)
      return turn.next(async () => {
        await ready?.('text')
        await intake.write(bytes)
      })
    },
    async writeRows(rows) {
      if (typeof rows?.[Symbol.iterator] !== 'function') throw wrongType('rows', 'an iterable of objects', rows)
      return turn.next(async () => {
        await ready?.('text')
        for (const piece of lines(rows)) await intake.write(text.encode(piece))
      })
    },
    async writeColumns(columns) {
      const batches = columnsOf(columns)
      return turn.next(async () => {
        await ready?.('columns')
        await intake.end()
        let before = 0
        for (let rows = batches.next(room?.()); rows > 0; rows = batches.next(room?.())) {
          const first = before
          await batch(rows, (row) => first + row)
          before += rows
        }
      })
    },
    async startSource(name) {
      if (typeof name !== 'string') throw wrongType('name', 'a string', name)
      return turn.next(() => intake.startSource(name))
    },
  }
}

/** Rows must have what the scan looks for. */
export function rowOptions({ unknown = 'drop', caseInsensitive, dotsToUnderscores }: LookupOptions): RowOptions {
  const fold = (key: string) => {
    const cased = caseInsensitive ? key.toLowerCase() : key
    return dotsToUnderscores ? cased.replaceAll('.', '_') : cased
  }
  return { unknown: unknown !== 'drop', ...(caseInsensitive || dotsToUnderscores ? { fold } : {}) }
}
