// Records, and lines of errors, gathered into objects by buffering hints.
import { concat } from '../../bytes.js'
import { messageOf } from '../../errors.js'
import type { Clock, Random } from '../../ports/ports.js'
import { type CatalogTable, conversionFailureLine, failureLine, lambdaFailureLine } from '../errors/error-object.js'
import { type Batch, type Gatherer, gather } from './batch.js'
import type { Budget } from './budget.js'
import type { OutputPlan } from './config/stream.js'
import type { Conversion } from './conversion.js'
import type { ErrorOutputType, Failed } from './failure.js'
import { objectName, uuid } from './names.js'
import type { Partition } from './partition.js'
import { joined } from './prepare.js'
import type { DeliveryObject } from './store.js'
import { heldBytes, type Taken } from './taken.js'
import type { Writer } from './writer.js'

/** What all outputs of a stream share. */
export interface Surroundings {
  name: string
  version: number
  clock: Clock
  random: Random
  budget: Budget
  writer: Writer
}

/** Of what is gathered, that which holds most memory, for who has to make room. */
export interface Gathered {
  held: number
  end(): void
}

export interface Output {
  /** Ends all that is gathered. */
  end(): void
  gathered(): Gathered[]
}

const CONTENT_TYPE = 'application/octet-stream'
/** S3's own bound, in UTF-8. */
const LONGEST_KEY = 1024
const encoder = new TextEncoder()

/** Eleven characters, as `!{firehose:random-string}` has them. */
const randomString = (random: Random) => uuid(random).slice(0, 11)

export interface RecordOutputOptions {
  plan: OutputPlan
  /** In place of the codec's. */
  extension: string | undefined
  /** Whether LF stands between records. */
  delimiter: boolean
  conversion: Conversion | undefined
  /** Told of records that cannot be in the object. */
  fail(failed: Failed): void
  /** Told of an object, and of how many records are in it. */
  stored(object: DeliveryObject, records: number): void
}

export interface RecordOutput extends Output {
  add(record: Taken, partition: Partition): void
  /** Partitions for which records are gathered. */
  readonly active: number
  has(id: string): boolean
}

/** Objects of records: of each partition its own. */
export function recordOutput({ plan, extension, delimiter, conversion, fail, stored }: RecordOutputOptions, around: Surroundings): RecordOutput {
  const { clock, random, budget, writer } = around
  const partitions = new Map<string, Gatherer<Taken>>()

  function write(batch: Batch<Taken>, partition: Partition): void {
    let records = batch.items
    const make = async (): Promise<DeliveryObject | undefined> => {
      const id = uuid(random)
      let prefix: string
      try {
        prefix = plan.prefix.evaluate({ time: batch.oldest, zone: plan.zone, randomString: () => randomString(random), ...partition })
      } catch (error) {
        failAll(records, messageOf(error))
        return undefined
      }
      const name = objectName(around, batch.oldest, plan.zone, id)
      const key = `${prefix}${name}${extension ?? conversion?.extension ?? plan.codec.extension}`
      if (encoder.encode(key).length > LONGEST_KEY) {
        failAll(records, `the key of the object has more than ${LONGEST_KEY} bytes`)
        return undefined
      }
      let body: Uint8Array | undefined
      if (conversion) ({ body, records } = await converted(conversion, records))
      else body = await plan.codec.compress(joined(records, delimiter), id)
      if (body === undefined) return undefined
      return {
        bucket: plan.bucket,
        key,
        body,
        contentType: CONTENT_TYPE,
        contentEncoding: conversion ? conversion.contentEncoding : plan.codec.contentEncoding,
      }
    }
    writer.write({ records: batch.items.length, held: batch.held, make, stored: (object) => stored(object, records.length) })
  }

  function failAll(records: readonly Taken[], message: string): void {
    for (const record of records)
      fail({ record, type: 'processing-failed', code: 'DynamicPartitioning.MetadataExtractionFailed', message, attempts: 1, attemptEnd: clock.now() })
  }

  async function converted(conversion: Conversion, records: readonly Taken[]): Promise<{ body: Uint8Array | undefined; records: readonly Taken[] }> {
    const object = conversion.begin()
    let kept = records
    const gone = new Set<Taken>()
    for (const slice of slices(records)) {
      for (const { index, code, message } of await object.write(slice)) {
        gone.add(slice[index])
        fail({ record: slice[index], type: 'format-conversion-failed', code, message, attempts: 1, attemptEnd: clock.now() })
      }
    }
    if (gone.size > 0) kept = records.filter((record) => !gone.has(record))
    return { body: await object.finish(), records: kept }
  }

  return {
    add(record, partition) {
      let gatherer = partitions.get(partition.id)
      if (!gatherer) {
        gatherer = gather<Taken>(clock, plan, budget, (batch) => {
          partitions.delete(partition.id)
          write(batch, partition)
        })
        partitions.set(partition.id, gatherer)
      }
      gatherer.add(record, record.data.length, heldBytes(record), record.arrival)
    },
    get active() {
      return partitions.size
    },
    has: (id) => partitions.has(id),
    end() {
      for (const gatherer of [...partitions.values()]) gatherer.end()
    },
    gathered: () => [...partitions.values()].map((gatherer) => ({ held: gatherer.open?.held ?? 0, end: gatherer.end })),
  }
}

/** Bytes of records that are converted in one go. */
const SLICE = 4 * 1024 * 1024

function* slices(records: readonly Taken[]): Generator<readonly Taken[]> {
  for (let from = 0; from < records.length; ) {
    let bytes = 0
    let to = from
    while (to < records.length && (to === from || bytes + records[to].data.length <= SLICE)) bytes += records[to++].data.length
    yield records.slice(from, to)
    from = to
  }
}

export interface ErrorOutputOptions {
  plan: OutputPlan
  lambdaArn: string | undefined
  /** That records are converted by. */
  table: CatalogTable
  stored(object: DeliveryObject, records: number): void
}

/** Error objects: JSON lines, those of each error-output-type apart, never compressed. */
export function errorOutput({ plan, lambdaArn, table, stored }: ErrorOutputOptions, around: Surroundings): Output & { add(failed: Failed): void } {
  const { clock, random, budget, writer } = around
  const types = new Map<ErrorOutputType, Gatherer<Uint8Array>>()

  function write(batch: Batch<Uint8Array>, errorType: ErrorOutputType): void {
    const make = async (): Promise<DeliveryObject> => {
      const prefix = plan.errorPrefix.evaluate({ time: batch.oldest, zone: plan.zone, randomString: () => randomString(random), errorType })
      const key = prefix + objectName(around, batch.oldest, plan.zone, uuid(random))
      return { bucket: plan.bucket, key, body: concat(batch.items), contentType: CONTENT_TYPE, contentEncoding: undefined }
    }
    writer.write({ records: batch.items.length, held: batch.held, make, stored: (object) => stored(object, batch.items.length) })
  }

  return {
    add(failed) {
      const { type, record } = failed
      let gatherer = types.get(type)
      if (!gatherer) {
        gatherer = gather<Uint8Array>(clock, plan, budget, (batch) => write(batch, type))
        types.set(type, gatherer)
      }
      const line = encoder.encode(`${failed.line ?? lineOf(failed, lambdaArn, table)}\n`)
      gatherer.add(line, line.length, line.length, record.arrival)
    },
    end() {
      for (const gatherer of types.values()) gatherer.end()
    },
    gathered: () => [...types.values()].map((gatherer) => ({ held: gatherer.open?.held ?? 0, end: gatherer.end })),
  }
}

function lineOf({ type, record, code, message, attempts, attemptEnd }: Failed, lambdaArn: string | undefined, table: CatalogTable): string {
  const common = { data: record.original, code, message, attempts, arrival: record.arrival, attemptEnd: Math.floor(attemptEnd) }
  if (type === 'format-conversion-failed')
    return conversionFailureLine({ ...common, sequenceNumber: record.sequenceNumber, subSequenceNumber: record.subSequenceNumber, table })
  return lambdaArn !== undefined && code.startsWith('Lambda.') ? lambdaFailureLine({ ...common, lambdaArn }) : failureLine(common)
}
