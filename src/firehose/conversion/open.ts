// A conversion's configuration and table, read: what all objects of it share.
import { leavesOf } from '../../engine/leaves.js'
import { outOfRange } from '../../errors.js'
import { checkOptions } from '../../kinesis/service/service.js'
import type { FileSettings } from '../../parquet/file/options.js'
import { checkFileOptions } from '../../parquet/internal.js'
import type { Clock } from '../../ports/ports.js'
import { systemClock } from '../../ports/system.js'
import type { Field } from '../../types.js'
import { type ConversionPlan, readConversion } from './config.js'
import { createMachine, type Machine } from './machine.js'
import { readColumns, type TimestampType } from './table.js'

export interface ConversionOptions {
  /**
   * In place of the catalogue's: what Glue's GetTable answers, DDL (CREATE TABLE, or columns alone), or a schema of
   * millrace's own. Columns that it is partitioned by are left out.
   */
  table: string | object
  /**
   * What a `timestamp` of Glue or Hive is in the file. Default int96, as Hive's ParquetHiveSerDe writes it, whose name
   * Firehose's serializer has; what AWS really writes is documented nowhere. int64 counts microseconds and has
   * statistics; Hive before 4 does not read it.
   */
  timestamps?: TimestampType | undefined
  /** The year now is what two digits of a year in TimestampFormats are near. */
  ports?: { clock: Clock } | undefined
}

const OPTIONS = ['table', 'timestamps', 'ports'] satisfies (keyof ConversionOptions)[]

export interface OpenConversion {
  plan: ConversionPlan
  /** The file's columns. */
  fields: Field[]
  settings: FileSettings
  machine(): Machine
}

/** Throws what createConversion() throws. */
export function openConversion(config: unknown, options: ConversionOptions): OpenConversion {
  checkOptions(options, OPTIONS)
  const { table, timestamps = 'int96', ports } = options
  if (timestamps !== 'int96' && timestamps !== 'int64') throw outOfRange('options.timestamps', 'int96 or int64', timestamps)
  const plan = readConversion(config, 'config', new Date((ports?.clock ?? systemClock).now()).getUTCFullYear())
  const fields = readColumns(table, plan, timestamps, 'options.table')
  const leaves = leavesOf(fields, plan.serde)
  const { serde, caseInsensitive, dotsToUnderscores, patterns, blockBytes } = plan
  const file = checkFileOptions({ compression: plan.codec, pageBytes: plan.pageBytes, pageVersion: plan.version }, leaves)
  const settings = plan.dictionary ? file : { ...file, encodings: leaves.map(() => 'plain' as const) }
  const lookup = { caseInsensitive, dotsToUnderscores, exact: { patterns } }
  return { plan, fields, settings, machine: () => createMachine({ fields, serde, lookup, settings, blockBytes }) }
}
