// The producer's public face: records in, receipts out.
import { checkKeys, MillraceError, type Position, wrongType } from '../errors.js'
import { createAccount } from './account.js'
import { parseHashKey } from './hash-key.js'
import { ROW_BYTES } from './intake.js'
import { type NdjsonOptions, readNdjson } from './ndjson.js'
import { createPipeline, type ProducerMetrics } from './pipeline.js'
import { type ProducerOptions, producerSettings } from './producer-options.js'
import { type BatchReceipt, createBatchTicket, createReceipt, type Receipt, type Ticket } from './receipt.js'
import { checkRecord, faultOfRecord, type ProducerRecord } from './record.js'
import { createService } from './service.js'

export interface Producer {
  /**
   * Resolves when the record is accepted, which waits while the buffer is full; the receipt's
   * `outcome` resolves when the record is stored or given up. Accepted records live in memory:
   * they do not survive the process. A record that breaks a limit fails alone, in its outcome.
   * Throws TypeError for a field of the wrong type; CLOSED after close().
   */
  put(record: ProducerRecord): Promise<Receipt>
  /** The same for many records with one receipt; throws TypeError before any is accepted. */
  putBatch(records: readonly ProducerRecord[]): Promise<BatchReceipt>
  /**
   * One record a line, the line without its end being the data; empty lines are no records. `bytes`
   * ends with a whole line, its last line end may be missing. A line that is no JSON object or has
   * no key fails alone (BAD_JSON, BAD_PARTITION_KEY). Must not be changed until this resolves.
   */
  putNdjson(bytes: Uint8Array, options: NdjsonOptions): Promise<BatchReceipt>
  /** Sends without waiting for company; resolves when all that was accepted before has settled. */
  flush(): Promise<void>
  /** Accepts no more, flushes, and closes a client that the producer made. */
  close(): Promise<void>
  metrics(): ProducerMetrics
  [Symbol.asyncDispose](): Promise<void>
}

const encoder = new TextEncoder()

/**
 * A producer for one stream. Unless `ordering` says otherwise, records of one key may be stored in
 * another order after a retry. Options beyond their bounds throw RangeError, unknown ones TypeError.
 *
 * @example
 * const producer = createProducer({ streamName: 'flights', clientConfig: { region: 'eu-central-1' } })
 * const receipt = await producer.put({ partitionKey: 'AMS', data: new TextEncoder().encode('{"delay":3}') })
 * const outcome = await receipt.outcome // { status: 'delivered', shardId, sequenceNumber, ... } or { status: 'failed', code, ... }
 * await producer.close()
 */
export function createProducer(options: ProducerOptions): Producer {
  const settings = producerSettings(options)
  const service = createService(options, settings.clock, settings.requestTimeout)
  const account = createAccount(settings.maxBytes, settings.maxRecords)
  const pipeline = createPipeline(service, settings, account)
  const taking = new Set<Promise<unknown>>()
  let closing: Promise<void> | undefined

  const assertOpen = () => {
    if (closing) throw new MillraceError('CLOSED', 'the producer is closed')
  }

  // One record: taken in or refused at once, or waited for.
  const take = (
    ticket: Ticket,
    index: number,
    key: string,
    hash: string | bigint | undefined,
    data: Uint8Array,
    position?: Position,
  ): Promise<void> | undefined => {
    const fault = faultOfRecord(key, hash, data, settings.maxRecordSize)
    if (fault) return pipeline.refuse(ticket, index, { ...fault, ...letterOf(key, hash, data, position) })
    const decimal = hash === undefined ? undefined : String(parseHashKey(hash))
    return account.admit(key.length + data.length + ROW_BYTES, () => pipeline.add(ticket, index, key, decimal, data))
  }

  // Keeps close() from closing while a put is still taking in.
  const track = <T>(work: Promise<T>): Promise<T> => {
    const done = work.finally(() => taking.delete(done))
    taking.add(done)
    return done
  }

  // Between two stretches of a long put the requests get a turn of the event loop.
  const breathe = () => {
    pipeline.drain(false)
    return settings.clock.sleep(0)
  }

  const flush = async () => {
    const drained = account.drained()
    pipeline.drain(true)
    await drained
  }

  const close = async () => {
    while (taking.size > 0) await Promise.allSettled([...taking])
    await flush()
    service.destroy()
  }

  const producer: Producer = {
    async put(record) {
      assertOpen()
      checkRecord('record', record)
      const ticket = createReceipt(account.epoch)
      const waiting = take(ticket, 0, record.partitionKey, record.explicitHashKey, bytesOf(record.data))
      if (waiting) await track(waiting)
      return { outcome: ticket.outcome }
    },
    async putBatch(records) {
      assertOpen()
      if (!Array.isArray(records)) throw wrongType('records', 'an array', records)
      for (let i = 0; i < records.length; i++) checkRecord(`records[${i}]`, records[i])
      const ticket = createBatchTicket(account.epoch)
      const work = async () => {
        for (const { partitionKey, explicitHashKey, data } of records) {
          const waiting = take(ticket, ticket.add(), partitionKey, explicitHashKey, bytesOf(data))
          if (waiting) await waiting
          if (pipeline.full) await breathe()
        }
        return ticket.close()
      }
      return track(work())
    },
    async putNdjson(bytes, fields) {
      assertOpen()
      if (!(bytes instanceof Uint8Array)) throw wrongType('bytes', 'a Uint8Array', bytes)
      checkFields(fields)
      const ticket = createBatchTicket(account.epoch)
      const work = async () => {
        for (const { line, offset, key, hash, data, fault } of readNdjson(bytes, fields)) {
          const position = { record: line, offset }
          const index = ticket.add()
          const waiting = fault
            ? pipeline.refuse(ticket, index, { ...fault, ...letterOf(key, hash, data, position) })
            : take(ticket, index, key, hash, data, position)
          if (waiting) await waiting
          if (pipeline.full) await breathe()
        }
        return ticket.close()
      }
      return track(work())
    },
    flush,
    close() {
      closing ??= close()
      return closing
    },
    metrics: () => pipeline.metrics,
    [Symbol.asyncDispose]: () => producer.close(),
  }
  return producer
}

const letterOf = (partitionKey: string, hash: string | bigint | undefined, data: Uint8Array, position: Position | undefined) => ({
  partitionKey,
  ...(hash === undefined ? {} : { explicitHashKey: String(hash) }),
  data: data.slice(),
  ...(position ? { position } : {}),
})

const bytesOf = (data: Uint8Array | string) => (typeof data === 'string' ? encoder.encode(data) : data)

function checkFields(fields: NdjsonOptions): void {
  if (fields === null || typeof fields !== 'object') throw wrongType('options', 'an object', fields)
  checkKeys('options', fields, ['partitionKey', 'explicitHashKey'])
  if (typeof fields.partitionKey !== 'string') throw wrongType('options.partitionKey', 'the name of a field', fields.partitionKey)
  if (fields.explicitHashKey !== undefined && typeof fields.explicitHashKey !== 'string') {
    throw wrongType('options.explicitHashKey', 'the name of a field', fields.explicitHashKey)
  }
}
