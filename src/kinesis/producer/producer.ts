// The producer's public face: records in, receipts out.
import { checkKeys, MillraceError, type Position, wrongType } from '../../errors.js'
import type { Refused } from '../dead-letter.js'
import { createService } from '../service/service.js'
import { signalOf, unlessAborted } from '../service/signal.js'
import { parseHashKey } from '../shards/hash-key.js'
import { createAccount } from './account.js'
import { createAdmission, type Many } from './admission.js'
import { createClosing } from './closing.js'
import { afterConnect } from './connected.js'
import type { NdjsonLine, NdjsonOptions } from './ndjson.js'
import { createLineReader, type LineRows, plainEnd, ROWS, readRow, stretch } from './ndjson-rows.js'
import { createPipeline } from './pipeline.js'
import type { Pipeline, ProducerMetrics } from './pipeline-face.js'
import { type ProducerOptions, producerSettings } from './producer-options.js'
import { type BatchReceipt, type BatchTicket, createBatchTicket, type Receipt, SingleTicket, type Ticket } from './receipt.js'
import { checkMemory, checkRecord, checkRecords, faultOfRecord, type ProducerRecord } from './record.js'
import { type Sent, sending, type WritableOptions, writableOf } from './streams.js'

export interface PutOptions {
  /**
   * Ends the waiting for acceptance: the call rejects with its reason, at once. A record that waited for room is not accepted.
   * What was accepted by then, and with a spool what had been given to its device, is delivered all the same: put
   * again, it may be in the stream twice.
   */
  signal?: AbortSignal | undefined
}

export interface Producer {
  /**
   * Resolves when the record is accepted, which waits while the buffer is full; the receipt's
   * `outcome` resolves when the record is stored or given up. Accepted records live in memory, and do not
   * survive the process, unless there is a spool: then they are on its device. A record that breaks a limit fails alone, in its outcome.
   * Its data must not be changed until this resolves.
   * Throws TypeError for a field of the wrong type; CLOSED after close(); the signal's reason; the spool's error; CONFIG or
   * MISSING_PEER, and takes nothing in, while the client has no region or credentials, or cannot be made.
   */
  put(record: ProducerRecord, options?: PutOptions): Promise<Receipt>
  /** The same for many records with one receipt; throws TypeError before any is accepted. Neither list nor records may be changed until this resolves. */
  putBatch(records: readonly ProducerRecord[], options?: PutOptions): Promise<BatchReceipt>
  /**
   * One record a line, the line without its end (LF or CRLF) being the data; blank lines, of JSON's white space alone, are no records. `bytes`
   * ends with a whole line, its last line end may be missing. A line that is no JSON object or has
   * no key fails alone (BAD_JSON, BAD_PARTITION_KEY), and says where: `record` is its index among the records, as in
   * the receipt, `line` counts from 1, blank lines included. Must not be changed until this resolves. Lines are read
   * by the core, without an object for any; only those whose key is no plain one (text of up to 256 bytes, a
   * boolean, a whole number of up to 15 digits) go through JSON.parse.
   */
  putNdjson(bytes: Uint8Array, options: NdjsonOptions & PutOptions): Promise<BatchReceipt>
  /**
   * Puts what the source gives, as fast as it is accepted, and gives each record with its outcome, in the
   * order of the source. Whoever leaves the loop early stops the source; what was accepted is delivered. A record of the wrong
   * type stops it too, and its TypeError comes after the outcomes before it; the signal ends the loop at once.
   *
   * @example
   * for await (const { record, outcome } of producer.send(source)) if (outcome.status === 'failed') console.warn(outcome.code)
   */
  send(source: AsyncIterable<ProducerRecord> | Iterable<ProducerRecord>, options?: PutOptions): AsyncGenerator<Sent>
  /**
   * A WritableStream of records, or of arrays of them: a write resolves when they are accepted. Closing it
   * waits until all that was written has settled, and leaves the producer open. A Writable of Node's over it:
   * `Writable.fromWeb(producer.writable(), { objectMode: true })`.
   */
  writable(options?: WritableOptions): WritableStream<ProducerRecord | readonly ProducerRecord[]>
  /** Sends without waiting for company; resolves when all that was accepted before has settled. Rejects with the signal's reason when that is aborted first. */
  flush(options?: PutOptions): Promise<void>
  /**
   * Accepts no more, flushes, and closes a client that the producer made. Puts that wait for room are
   * still taken in. When the signal is aborted, what is not stored by then fails as ABORTED (and goes to the
   * dead-letter sink) or, where a spool has it, as SPOOLED; what is under way is waited for, for requestTimeout at
   * most, and so is the device of a spool: puts that still wait for it then, and this call, reject with IO, and the
   * spool keeps its lock until the device answers. May be called again, with a signal to end the wait.
   * Rejects with the spool's error where it has failed, once what was accepted has its outcome.
   */
  close(options?: PutOptions): Promise<void>
  metrics(): ProducerMetrics
  [Symbol.asyncDispose](): Promise<void>
}

const encoder = new TextEncoder()

/** Records of a list that are taken in together: their keys are joined and written at once. */
const MANY = 1_024

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
  const account = createAccount(settings.maxBytes, settings.maxRecords, (more) => pipeline.held(more))
  const closing = createClosing(settings.clock, settings.requestTimeout, {
    abandon: () => pipeline.abandon(),
    finish: () => finish(),
    release() {
      pipeline.close()
      return admission.close().finally(() => service.destroy())
    },
  })
  const admission = afterConnect(
    service.connect,
    createAdmission(account, () => pipeline, settings, closing.late),
    settings.spool !== undefined,
  )
  const pipeline: Pipeline = createPipeline(service, settings, account, admission)
  const taking = new Set<Promise<unknown>>()

  const assertOpen = () => {
    if (closing.begun) throw new MillraceError('CLOSED', 'the producer is closed')
  }

  // Keeps close() from closing while a put is still taking in.
  const track = <T>(work: Promise<T>): Promise<T> => {
    const done = work.finally(() => taking.delete(done))
    taking.add(done)
    return done
  }

  // Whoever put it may leave; close() waits until the sink has it.
  const refuse = (ticket: Ticket, index: number, letter: Refused, signal: AbortSignal | undefined): Promise<void> | undefined => {
    const buried = pipeline.refuse(ticket, index, letter)
    return buried && unlessAborted(track(buried), signal)
  }

  const accepted = (signal: AbortSignal | undefined): Promise<void> | undefined => {
    const durable = admission.accepted()
    return durable && unlessAborted(durable, signal)
  }

  // One record: taken in or refused at once, or waited for.
  const take = (
    ticket: Ticket,
    index: number,
    key: string,
    hash: string | bigint | undefined,
    data: Uint8Array,
    signal: AbortSignal | undefined,
    position?: Position,
  ): Promise<void> | undefined => {
    const fault = faultOfRecord(key, hash, data, settings.maxRecordSize)
    if (fault) return refuse(ticket, index, { ...fault, ...letterOf(key, hash, data, position) }, signal)
    const decimal = hash === undefined ? undefined : String(parseHashKey(hash))
    return admission.one(ticket, index, key, decimal, data, signal)
  }

  const takeLine = (ticket: BatchTicket, { line, offset, key, hash, data, fault }: NdjsonLine, signal: AbortSignal | undefined): Promise<void> | undefined => {
    const index = ticket.add()
    const position = { record: index, line: line + 1, offset }
    if (fault) return refuse(ticket, index, { ...fault, ...letterOf(key, hash, data, position) }, signal)
    return take(ticket, index, key, hash, data, signal, position)
  }

  const takeRows = (ticket: BatchTicket, text: Uint8Array, rows: LineRows, from: number, to: number, signal: AbortSignal | undefined) =>
    admission.rows(ticket, ticket.add(to - from), text, rows, from, to, signal)

  // Records from `from` on that have no fault, some for an eighth of the buffer.
  const manyFrom = (ticket: BatchTicket, records: readonly ProducerRecord[], from: number): Many => {
    const hashes: (string | undefined)[] = []
    const data: Uint8Array[] = []
    const alone = pipeline.alone()
    let to = from
    let bytes = 0
    for (; to < records.length && to - from < MANY && 8 * (to - from) <= settings.maxRecords; to++) {
      const { partitionKey, explicitHashKey } = records[to]
      const own = bytesOf(records[to].data)
      if (faultOfRecord(partitionKey, explicitHashKey, own, settings.maxRecordSize)) break
      bytes += own.length + partitionKey.length + alone
      if (to > from && 8 * bytes > settings.maxBytes) break
      hashes.push(explicitHashKey === undefined ? undefined : String(parseHashKey(explicitHashKey)))
      data.push(own)
    }
    return { ticket, index: to > from ? ticket.add(to - from) : 0, records, from, to, hashes, data }
  }

  // Between two stretches of a long put the requests get a turn of the event loop.
  const breathe = async (signal: AbortSignal | undefined) => {
    pipeline.drain(false)
    await settings.clock.sleep(0)
    signal?.throwIfAborted()
  }

  // A spool that fails has taken nothing back: what was accepted before has its outcome first.
  const settled = async () => {
    let failure: { error: unknown } | undefined
    const note = (error: unknown) => {
      failure ??= { error }
    }
    const opening = admission.open()
    if (opening) await opening.catch(note)
    const drained = account.drained()
    const durable = admission.accepted()
    if (durable) await durable.catch(note)
    pipeline.drain(true)
    await drained
    if (failure) throw failure.error
  }

  const finish = async () => {
    while (taking.size > 0) await Promise.allSettled([...taking])
    await settled()
  }

  const producer: Producer = {
    async put(record, given) {
      assertOpen()
      checkRecord('record', record)
      const signal = signalOf(given)
      const ticket = new SingleTicket(account.epoch)
      const waiting = take(ticket, 0, record.partitionKey, record.explicitHashKey, bytesOf(record.data), signal)
      if (waiting) await track(waiting)
      const durable = accepted(signal)
      if (durable) await track(durable)
      return { outcome: ticket.outcome }
    },
    async putBatch(records, given) {
      assertOpen()
      if (!Array.isArray(records)) throw wrongType('records', 'an array', records)
      checkRecords(records)
      const signal = signalOf(given)
      const ticket = createBatchTicket(account.epoch)
      const work = async () => {
        for (let from = 0; from < records.length; ) {
          const batch = manyFrom(ticket, records, from)
          const { partitionKey, explicitHashKey, data } = records[from]
          // One that is refused comes alone, and words its own fault.
          const waiting = batch.to > from ? admission.many(batch, signal) : take(ticket, ticket.add(), partitionKey, explicitHashKey, bytesOf(data), signal)
          from = Math.max(batch.to, from + 1)
          if (waiting) await waiting
          if (pipeline.full) await breathe(signal)
        }
        await accepted(signal)
        return ticket.close()
      }
      return track(work())
    },
    async putNdjson(bytes, fields) {
      assertOpen()
      if (!(bytes instanceof Uint8Array)) throw wrongType('bytes', 'a Uint8Array', bytes)
      checkMemory('bytes', bytes)
      checkFields(fields)
      const signal = signalOf({ signal: fields.signal })
      const read = createLineReader(fields, settings.maxRecordSize)
      const ticket = createBatchTicket(account.epoch)
      const work = async () => {
        let line = 0
        let offset = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
        while (offset < bytes.length) {
          const text = stretch(bytes, offset)
          const rows = read(text, ROWS)
          for (let from = 0, to = 0; from < rows.count; from = to) {
            to = plainEnd(rows, from, settings, pipeline.alone())
            const waiting =
              to === from ? takeLine(ticket, readRow(text, rows, to++, line, offset, fields), signal) : takeRows(ticket, text, rows, from, to, signal)
            if (waiting) await waiting
            if (pipeline.full) await breathe(signal)
          }
          line += rows.lines
          offset += rows.consumed
        }
        await accepted(signal)
        return ticket.close()
      }
      return track(work())
    },
    send: (source, given) => sending(producer, source, signalOf(given), settings.maxRecords),
    writable: (given) => writableOf(producer, given),
    flush: async (given) => unlessAborted(settled(), signalOf(given)),
    close: async (given) => closing.close(signalOf(given, false)),
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
  checkKeys('options', fields, ['partitionKey', 'explicitHashKey', 'signal'])
  const field = 'the name of a field, or a JSON Pointer'
  if (typeof fields.partitionKey !== 'string') throw wrongType('options.partitionKey', field, fields.partitionKey)
  if (fields.explicitHashKey !== undefined && typeof fields.explicitHashKey !== 'string')
    throw wrongType('options.explicitHashKey', field, fields.explicitHashKey)
}
