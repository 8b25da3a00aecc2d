// The text of each record, for who reads records in JavaScript: framed, checked and settled as the
// writers have it, by a scan that gathers all members in one column.
import { COLUMN_VALUES } from '../../engine/core.js'
import { createEngine } from '../../engine/engine.js'
import type { Field } from '../../types.js'
import { createIntake } from '../intake/intake.js'
import { checkRecordOptions, type RecordOptions } from '../writer-options.js'

export interface Records {
  readonly records: number
  readonly badRecords: number
  write(bytes: Uint8Array): Promise<void>
  startSource(source: string): Promise<void>
  /** Ends the record at hand, or leaves it out where it may be cut. */
  end(complete: boolean): Promise<void>
}

const WHOLE: Field = { name: 'record', key: 'record', nullable: false, leaf: { type: 'json' } }

/** Calls `record` with the place of each JSON object; `bytes` are good until it returns. Throws as a writer does for wrong options. */
export function createRecords(
  options: Pick<RecordOptions, 'onBadRecord' | 'format' | 'maxRecordBytes'>,
  record: (bytes: Uint8Array, at: number) => void,
): Records {
  const engine = createEngine()
  let records = 0
  const intake = createIntake(engine, checkRecordOptions([WHOLE], { ...options, unknown: { rest: WHOLE.name } }), (rows) => {
    const bytes = engine.bytes()
    const words = engine.words()
    const values = words[(intake.scan.columns + COLUMN_VALUES) >> 2] >> 2
    for (let row = 0; row < rows; row++) record(bytes, words[values + 2 * row])
    records += rows
  })
  return {
    get records() {
      return records
    },
    get badRecords() {
      return intake.badRecords
    },
    write: (bytes) => intake.write(bytes),
    startSource: (source) => intake.startSource(source),
    end: (complete) => intake.end(complete),
  }
}
