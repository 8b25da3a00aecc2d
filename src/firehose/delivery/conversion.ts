// Record format conversion of a delivery stream: JSON records to Parquet objects, by the rules of Firehose's
// deserializers (developer guide, "Convert input data format").

import { leavesOf } from '../../engine/leaves.js'
import { checkKeys, outOfRange, wrongType } from '../../errors.js'
import { bytesSink } from '../../parquet/file/sinks.js'
import { checkFileOptions, createParquetFile, turns } from '../../parquet/internal.js'
import type { Clock } from '../../ports/ports.js'
import { systemClock } from '../../ports/system.js'
import { type ConversionPlan, type DataFormatConversionConfiguration, readConversion } from '../conversion/config.js'
import { createMachine, type Machine } from '../conversion/machine.js'
import type { Rejected } from '../conversion/rejection.js'
import { readColumns, type TimestampType } from '../conversion/table.js'
import type { DeliveryRecord } from './record.js'

export type { DataFormatConversionConfiguration, HiveJsonSerDe, OpenXJsonSerDe, ParquetSerDe, SchemaConfiguration } from '../conversion/config.js'
export type { Rejected } from '../conversion/rejection.js'
export type { TimestampType } from '../conversion/table.js'

export interface ConversionOptions {
  /**
   * In place of the catalogue's: what Glue's GetTable answers, DDL (CREATE TABLE, or columns alone), or a schema of
   * millrace's own. Columns that it is partitioned by are left out.
   */
  table: unknown
  /**
   * What a `timestamp` of Glue or Hive is in the file. Default int96, as Hive's ParquetHiveSerDe writes it, whose name
   * Firehose's serializer has; what AWS really writes is documented nowhere. int64 counts microseconds and has
   * statistics; Hive before 4 does not read it.
   */
  timestamps?: TimestampType | undefined
  ports?: { clock: Clock } | undefined
}

export interface Conversion {
  readonly extension: '.parquet'
  /** As Firehose sets it, though the body is a plain Parquet file. */
  readonly contentEncoding: 'hadoop-snappy' | undefined
  /** An object. */
  begin(): ConvertedObject
}

export interface ConvertedObject {
  /**
   * Converts records; gives those that it did not, in their order. Each may hold several JSON documents, a row each,
   * and is rejected as a whole where one of them is wrong. Calls are served in order; some hundred records a call are
   * best. Holds a row group, compressed, and what is finished of the object, all of which finish() gives.
   */
  write(records: readonly Pick<DeliveryRecord, 'data'>[]): Promise<Rejected[]>
  /** The object's body; undefined where no record was converted. */
  finish(): Promise<Uint8Array | undefined>
}

/**
 * A conversion by `config`. Throws TypeError or RangeError that names the path, CONFIG for ORC and for what is not
 * exactly one deserializer and the Parquet serializer. Memory that an object took is kept for the next one.
 */
export function createConversion(config: DataFormatConversionConfiguration, options: ConversionOptions): Conversion {
  const { settings, plan, fields } = readOptions(config, options)
  let idle: Machine | undefined
  const take = (): Machine => {
    const machine = idle ?? createMachine({ fields, serde: plan.serde, lookup: lookupOf(plan), settings, blockBytes: plan.blockBytes })
    idle = undefined
    return machine
  }
  return {
    extension: '.parquet',
    contentEncoding: plan.codec === 'snappy' ? 'hadoop-snappy' : undefined,
    begin() {
      const machine = take()
      const sink = bytesSink()
      const file = createParquetFile(sink, fields, settings)
      const calls = turns(() => machine.stop())
      return {
        async write(records) {
          checkRecords(records)
          return calls.next(() => machine.take(records, (group) => file.rowGroup(group)))
        },
        finish: () =>
          calls.last(async () => {
            const group = await machine.finish()
            if (group) await file.rowGroup(group)
            if (idle) machine.stop()
            else idle = machine
            if (file.rows === 0) return undefined
            await file.close()
            return sink.bytes()
          }),
      }
    },
  }
}

const OPTIONS = ['table', 'timestamps', 'ports'] satisfies (keyof ConversionOptions)[]

function readOptions(config: DataFormatConversionConfiguration, options: ConversionOptions) {
  if (typeof options !== 'object' || options === null) throw wrongType('options', 'an object', options)
  checkKeys('options', options, OPTIONS)
  const { table, timestamps = 'int96', ports } = options
  if (timestamps !== 'int96' && timestamps !== 'int64') throw outOfRange('options.timestamps', 'int96 or int64', timestamps)
  const year = new Date((ports?.clock ?? systemClock).now()).getUTCFullYear()
  const plan = readConversion(config, 'config', year)
  const fields = readColumns(table, plan, timestamps, 'options.table')
  const leaves = leavesOf(fields, plan.serde)
  const settings = checkFileOptions({ compression: plan.codec, pageBytes: plan.pageBytes, pageVersion: plan.version }, leaves)
  return { plan, fields, settings: plan.dictionary ? settings : { ...settings, encodings: leaves.map(() => 'plain' as const) } }
}

const lookupOf = ({ caseInsensitive, dotsToUnderscores, patterns }: ConversionPlan) => ({ caseInsensitive, dotsToUnderscores, exact: { patterns } })

function checkRecords(records: readonly Pick<DeliveryRecord, 'data'>[]): void {
  if (!Array.isArray(records)) throw wrongType('records', 'an array', records)
  records.forEach((record, i) => {
    if (!(record?.data instanceof Uint8Array)) throw wrongType(`records[${i}].data`, 'a Uint8Array', record?.data)
  })
}
