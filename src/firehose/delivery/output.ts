// Records, and lines of errors, gathered into objects by buffering hints.
import { concat } from '../../bytes.js'
import { messageOf } from '../../errors.js'
import type { Clock, Random } from '../../ports/ports.js'
import { type CatalogTable, conversionFailureLine, failureLine, lambdaFailureLine } from '../errors/error-object.js'
import { type Batch, type Gatherer, gather } from './batch.js'
import type { Budget } from './budget.js'
import type { OutputPlan } from './config/stream.js'
import type { SourceConversion } from './conversion.js'
import type { ErrorOutputType, Failed } from './failure.js'
import type { Inputs } from './input.js'
import { objectName, randomString, uuid } from './names.js'
import { bodyOf, countOf, createPacker, type Item, portions, recordsAt, recordsOf, release, sizeOf } from './pack.js'
import { EXTRACTION_FAILED, type Partition, WHOLE } from './partition.js'
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

export interface RecordOutputOptions {
  plan: OutputPlan
  /** In place of the codec's. */
  extension: string | undefined
  /** Whether LF stands between records. */
  delimiter: boolean
  conversion: SourceConversion | undefined
  /** Told of records that cannot be in the object. */
  fail(failed: Failed): void
  /** Told of an object, and of how many records are in it. */
  stored(object: DeliveryObject, records: number): void
}

export interface RecordOutput extends Output {
  add(record: Taken, partition: Partition): void
  /** Records of no partition, which are copied; absent where each of them is looked at. */
  addAll?(inputs: Inputs, arrival: number): void
  /** Partitions for which records are gathered. */
  readonly active: number
  has(id: string): boolean
}

/** Objects of records: of each partition its own. */
export function recordOutput({ plan, extension, delimiter, conversion, fail, stored }: RecordOutputOptions, around: Surroundings): RecordOutput {
  const { clock, random, budget, writer } = around
  const partitions = new Map<string, Gatherer<Item>>()
  const packer = createPacker(delimiter || conversion !== undefined)

  function write({ items, oldest, held }: Batch<Item>, partition: Partition): void {
    let records = items.reduce((sum, item) => sum + countOf(item), 0)
    const objectOf = async (): Promise<DeliveryObject | undefined> => {
      const id = uuid(random)
      let prefix: string
      try {
        prefix = plan.prefix.evaluate({ time: oldest, zone: plan.zone, randomString: () => randomString(random), ...partition })
      } catch (error) {
        failAll(items, messageOf(error))
        return undefined
      }
      const key = `${prefix}${objectName(around, oldest, plan.zone, id)}${extension ?? conversion?.extension ?? plan.codec.extension}`
      if (encoder.encode(key).length > LONGEST_KEY) {
        failAll(items, `the key of the object has more than ${LONGEST_KEY} bytes`)
        return undefined
      }
      let body: Uint8Array | undefined
      if (conversion) {
        const made = await converted(conversion, items)
        records -= made.rejected
        body = made.body
      } else body = await plan.codec.compress(bodyOf(items, delimiter), id)
      if (body === undefined) return undefined
      const { contentEncoding } = conversion ?? plan.codec
      return { bucket: plan.bucket, key, body, contentType: CONTENT_TYPE, contentEncoding }
    }
    const make = () => objectOf().finally(() => release(items))
    writer.write({ records, held, make, stored: (object) => stored(object, records) })
  }

  function failAll(items: readonly Item[], message: string): void {
    const why = { type: 'processing-failed', code: EXTRACTION_FAILED, message, attempts: 1, attemptEnd: clock.now() } as const
    for (const record of recordsOf(items)) fail({ record, ...why })
  }

  async function converted(conversion: SourceConversion, items: readonly Item[]): Promise<{ body: Uint8Array | undefined; rejected: number }> {
    const object = conversion.begin()
    let rejected = 0
    for (const portion of portions(items)) {
      const bad = await object.take(portion)
      rejected += bad.length
      const records = recordsAt(portion, bad)
      for (const { code, message } of bad) {
        const record = records.next().value as Taken
        fail({ record, type: 'format-conversion-failed', code, message, attempts: 1, attemptEnd: clock.now() })
      }
    }
    return { body: await object.finish(), rejected }
  }

  function gathererOf(partition: Partition): Gatherer<Item> {
    let gatherer = partitions.get(partition.id)
    if (!gatherer) {
      gatherer = gather<Item>(clock, plan, budget, (batch) => {
        partitions.delete(partition.id)
        packer.end()
        write(batch, partition)
      })
      partitions.set(partition.id, gatherer)
    }
    return gatherer
  }

  return {
    add(record, partition) {
      gathererOf(partition).add(record, record.data.length, heldBytes(record), record.arrival)
    },
    addAll({ records }, arrival) {
      for (let next = 0; next < records.length; ) {
        const gatherer = gathererOf(WHOLE)
        const pack = packer.pack(records, next, plan.bytes - (gatherer.open?.bytes ?? 0), arrival)
        next += pack.ends.length
        gatherer.add(pack, sizeOf(pack), PACK_OVERHEAD + pack.bytes.length + pack.ends.buffer.byteLength, arrival)
      }
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

/** Bytes that a pack takes beside its own. */
const PACK_OVERHEAD = 500

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
