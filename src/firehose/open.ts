// What is in a record of the event: KPL aggregates, gzip, envelopes of CloudWatch Logs, several JSON values.
//
//   gunzip -> aggregates -> gunzip -> log events -> JSON values
//
// Each step passes over what is not its kind. The aggregates of a whole event are opened in one crossing.
import { ROW_WORDS } from '../engine/batch.js'
import { kindOf, MillraceError, messageOf } from '../errors.js'
import { FROM_AGGREGATE } from '../kinesis/aggregates/deaggregate.js'
import type { Outer } from '../kinesis/aggregates/kinesis-record.js'
import { hasMagic } from '../kinesis/aggregates/magic.js'
import { type Make, makeRecords, openOuters } from '../kinesis/aggregates/user-records.js'
import { jsonOf } from '../kinesis/payload.js'
import { gunzipWhole } from '../ports/compression.js'
import type { Arrived } from './event.js'
import { FirehoseInput } from './input.js'
import { splitValues } from './json-values.js'

export interface OpenOptions {
  /** Whether KPL aggregates are opened. */
  deaggregate: boolean
  /** Whether gzip is unpacked. */
  gunzip: boolean
  /** Whether envelopes of CloudWatch Logs are opened: a record for each log event, none for a control message. */
  logs: boolean
  /** Whether several JSON values in one record are a record each. */
  splitJson: boolean
  /** Bytes that one record may be unpacked to. */
  maxUnpacked: number
  /** And all of them together. */
  maxUnpackedOfAll: number
}

/** The records in one of the event, in order, or why it cannot be opened. */
export type Opened = FirehoseInput[] | { message: string; cause: unknown }

/** Of all that was opened. */
export const countInputs = (opened: readonly Opened[]): number => opened.reduce((sum, inputs) => sum + (Array.isArray(inputs) ? inputs.length : 0), 0)

/** One for each of `arrived`. */
export async function openRecords(arrived: readonly Arrived[], options: OpenOptions): Promise<Opened[]> {
  const { deaggregate, gunzip } = options
  const limits = { one: options.maxUnpacked, all: options.maxUnpackedOfAll, left: options.maxUnpackedOfAll }
  let all = arrived.map(({ data, record, partitionKey }): Opened => (data ? [new FirehoseInput(data, record, partitionKey, undefined)] : []))
  if (gunzip) await unpack(all, limits, () => true)
  if (deaggregate) {
    const before = all
    all = openAggregates(arrived, before)
    // What was looked at before is not unpacked twice.
    if (gunzip) await unpack(all, limits, (i) => all[i] !== before[i])
  }
  return all.map((one) => openMessages(one, options))
}

const isGzip = (data: Uint8Array) => data.length > 2 && data[0] === 0x1f && data[1] === 0x8b && data[2] === 8

/** Bytes. */
interface Limits {
  one: number
  all: number
  /** Of all, what is not taken yet. */
  left: number
}

const tooLarge = ({ one, all, left }: Limits, room: number) =>
  new MillraceError('LIMIT_EXCEEDED', `gzip: expected at most ${left < room ? `${all} bytes of all records` : `${one} bytes`} once unpacked, got more`)

/** Puts in the place of records that are gzip what is in them. Only where the runtime has no other way this waits for anything. */
async function unpack(records: Opened[], limits: Limits, chosen: (i: number) => boolean): Promise<void> {
  for (const [i, inputs] of records.entries()) {
    if (!Array.isArray(inputs) || !chosen(i) || !inputs.some(({ data }) => isGzip(data))) continue
    try {
      let room = limits.one
      const unpacked: FirehoseInput[] = []
      for (const input of inputs) {
        if (!isGzip(input.data)) {
          unpacked.push(input)
          continue
        }
        const most = Math.min(room, limits.left)
        const data = await gunzipWhole(input.data, most)
        // of a limit of nothing gunzipWhole makes one byte
        if (data === undefined || data.length > most) throw tooLarge(limits, room)
        room -= data.length
        limits.left -= data.length
        unpacked.push(withData(input, data))
      }
      records[i] = unpacked
    } catch (cause) {
      records[i] = { message: messageOf(cause), cause }
    }
  }
}

const withData = ({ source, partitionKey, subSequenceNumber, log }: FirehoseInput, data: Uint8Array) =>
  new FirehoseInput(data, source, partitionKey, subSequenceNumber, log)

/** Those that are an aggregate as its user records, the others as they are. */
function openAggregates(arrived: readonly Arrived[], records: readonly Opened[]): Opened[] {
  const all = [...records]
  const suspects = records.flatMap((inputs, i) => (Array.isArray(inputs) && inputs.length > 0 && hasMagic(inputs[0].data) ? [i] : []))
  if (suspects.length === 0) return all
  const outers = suspects.map((i): Outer => {
    const [{ data, partitionKey: key }] = records[i] as FirehoseInput[]
    return { data, key, hash: undefined, sequence: undefined, split: undefined }
  })
  const opened = openOuters(outers, {})
  const make: Make<FirehoseInput> = (outer, key, _hash, within, at, size, place) =>
    new FirehoseInput(new Uint8Array(within.buffer as ArrayBuffer, at, size), arrived[suspects[outer]].record, key, place)
  for (let row = 0; row < opened.count; ) {
    const users: FirehoseInput[] = []
    const first = row
    row = makeRecords(opened, first, users, 0, make)
    // What only looks like an aggregate stays what it is.
    if (opened.status[first] & FROM_AGGREGATE) all[suspects[opened.table[ROW_WORDS * first + 6]]] = users
  }
  return all
}

const encoder = new TextEncoder()

function openMessages(inputs: Opened, { logs, splitJson }: OpenOptions): Opened {
  if (!Array.isArray(inputs) || (!logs && !splitJson)) return inputs
  try {
    return inputs.flatMap((input) => (logs && isEnvelope(input.data) ? logEvents(input) : splitJson ? jsonValues(input) : [input]))
  } catch (cause) {
    return { message: messageOf(cause), cause }
  }
}

/** `{"messageType":"` is how CloudWatch Logs begins every envelope (subscription filters' documentation). */
const ENVELOPE = encoder.encode('{"messageType":"')
const isEnvelope = (data: Uint8Array) => data.length > ENVELOPE.length && ENVELOPE.every((byte, i) => data[i] === byte)

/** The log events of one envelope or several one behind the other; a message that has none, as CONTROL_MESSAGE, gives nothing. */
function logEvents(input: FirehoseInput): FirehoseInput[] {
  const { values, open } = splitValues(input.data)
  if (open < input.data.length) throw new MillraceError('BAD_INPUT', 'CloudWatch Logs: expected the end of the envelope, got the end of the record')
  return values.flatMap(({ from, to }, envelope) => {
    const { messageType, owner, logGroup, logStream, logEvents: events } = jsonOf(input.data.subarray(from, to)) as Record<string, unknown>
    if (messageType === 'CONTROL_MESSAGE') return []
    if (messageType !== 'DATA_MESSAGE') throw unreadable(envelope, 'messageType', 'DATA_MESSAGE or CONTROL_MESSAGE', messageType)
    if (!Array.isArray(events)) throw unreadable(envelope, 'logEvents', 'an array', events)
    return events.map((event: unknown, i) => {
      const { message, id, timestamp } = (event ?? {}) as Record<string, unknown>
      if (typeof message !== 'string') throw unreadable(envelope, `logEvents[${i}].message`, 'text', message)
      const log = { owner: String(owner), logGroup: String(logGroup), logStream: String(logStream), id: String(id), timestamp: Number(timestamp) }
      return new FirehoseInput(encoder.encode(message), input.source, input.partitionKey, input.subSequenceNumber, log)
    })
  })
}

const unreadable = (envelope: number, field: string, expected: string, got: unknown) =>
  new MillraceError('BAD_INPUT', `CloudWatch Logs envelope ${envelope}: "${field}" expected ${expected}, got ${kindOf(got)}`)

/** `{..}{..}` as a record each; what ends inside a value stays whole, and fails where it is parsed. */
function jsonValues(input: FirehoseInput): FirehoseInput[] {
  const { values, open } = splitValues(input.data)
  if (values.length < 2 || open < input.data.length) return [input]
  return values.map(({ from, to }) => withData(input, input.data.subarray(from, to)))
}
