// Record format conversion of a delivery stream: JSON records to Parquet objects, by the rules of Firehose's
// deserializers (developer guide, "Convert input data format").
import { wrongType } from '../../errors.js'
import { bytesSink } from '../../parquet/file/sinks.js'
import { createParquetFile, turns } from '../../parquet/internal.js'
import type { DataFormatConversionConfiguration } from '../conversion/config.js'
import type { Machine } from '../conversion/machine.js'
import { type ConversionOptions, openConversion } from '../conversion/open.js'
import type { Source } from '../conversion/record-text.js'
import type { Rejected } from '../conversion/rejection.js'
import type { DeliveryRecord } from './record.js'

export interface Conversion {
  readonly extension: '.parquet'
  /** As Firehose sets it of a file with Snappy, though the body is a plain Parquet file. */
  readonly contentEncoding: 'hadoop-snappy' | undefined
  /** An object. */
  begin(): ConvertedObject
}

export interface ConvertedObject {
  /**
   * Converts records; gives those that it did not, in their order. Each may hold several JSON documents, a row each,
   * and is rejected as a whole where one of them is wrong. Calls are served in order; some hundred records a call are
   * best. Holds what is finished of the object and its open row group, compressed, and at most one record of 16 MiB.
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
  const { begin, ...rest } = createSourceConversion(config, options)
  return {
    ...rest,
    begin() {
      const { take, finish } = begin()
      return {
        async write(records) {
          if (!Array.isArray(records)) throw wrongType('records', 'an array', records)
          for (let i = 0; i < records.length; i++)
            if (!(records[i]?.data instanceof Uint8Array)) throw wrongType(`records[${i}].data`, 'a Uint8Array', records[i]?.data)
          return take(records)
        },
        finish,
      }
    },
  }
}

/** A conversion whose objects take packed records too. */
export interface SourceConversion extends Omit<Conversion, 'begin'> {
  begin(): {
    /** As write(), unchecked; `index` of what it gives counts the records of all sources. */
    take(sources: readonly Source[]): Promise<Rejected[]>
    finish: ConvertedObject['finish']
  }
}

/** createConversion(), for those that hold records packed. */
export function createSourceConversion(config: DataFormatConversionConfiguration, options: ConversionOptions): SourceConversion {
  const { plan, fields, settings, machine: create } = openConversion(config, options)
  let idle: Machine | undefined
  return {
    extension: '.parquet',
    contentEncoding: plan.codec === 'snappy' ? 'hadoop-snappy' : undefined,
    begin() {
      const machine = idle ?? create()
      idle = undefined
      const sink = bytesSink()
      const file = createParquetFile(sink, fields, settings)
      const calls = turns(() => machine.stop())
      return {
        take: (sources) => calls.next(() => machine.take(sources, (group) => file.rowGroup(group))),
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
