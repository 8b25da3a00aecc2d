// What is done with a record before the Lambda: it is unpacked, its log messages are taken out, it is split. Order and
// outcomes as captures of real streams have them.
import { isThenable } from '../../errors.js'
import { jsonOf } from '../../kinesis/payload.js'
import { FIREHOSE_LIMITS } from '../../limits.js'
import { gunzipWhole } from '../../ports/compression.js'
import { eachValue } from '../json-values.js'
import type { ProcessingPlan } from './config/processors.js'
import type { Failure } from './failure.js'
import { SLAB } from './input.js'
import type { Taken } from './taken.js'

const MOST_SUB_RECORDS = FIREHOSE_LIMITS.subRecordCount.value

export type Prepared = { records: Taken[] } | { failure: Failure }

const encoder = new TextEncoder()

/**
 * The records in one, or why there are none. `maxUnpacked`: bytes that its gzip may be unpacked to. A promise only where
 * the runtime unpacks by streams.
 */
export function prepareRecord(record: Taken, plan: ProcessingPlan, maxUnpacked: number): Prepared | Promise<Prepared> {
  if (!plan.decompress) return splitRecord(record, plan)
  const opened = (data: Uint8Array | undefined): Prepared => {
    if (data === undefined) return undone(`the data has more than ${maxUnpacked} bytes once decompressed`)
    const content = contentOf(data, plan.extract)
    return content ? splitRecord({ ...record, data: content }, plan) : undone(NO_LOG)
  }
  try {
    const data = gunzipWhole(record.data, maxUnpacked)
    return isThenable(data) ? data.then(opened, () => undone(NO_LOG)) : opened(data)
  } catch {
    return undone(NO_LOG)
  }
}

const NO_LOG = 'input data does not conform to cloudwatch log.'

const undone = (why: string): Prepared => ({
  failure: { type: 'decompression-failed', code: 'Decompression failed.', message: `Decompression failed because ${why}` },
})

/** The messages, a line feed behind each, empty ones too; nothing of a control message. Without extraction any JSON as it is. */
function contentOf(data: Uint8Array, extract: boolean): Uint8Array | undefined {
  let envelope: unknown
  try {
    envelope = jsonOf(data)
  } catch {
    return undefined
  }
  if (!extract) return data
  if (typeof envelope !== 'object' || envelope === null) return undefined
  const { messageType, logEvents } = envelope as Record<string, unknown>
  if (messageType === 'CONTROL_MESSAGE') return new Uint8Array(0)
  if (messageType !== 'DATA_MESSAGE' || !Array.isArray(logEvents)) return undefined
  const messages: unknown[] = logEvents.map((event: unknown) => (event as Record<string, unknown> | null)?.message)
  if (!messages.every((message) => typeof message === 'string')) return undefined
  return encoder.encode(messages.map((message) => `${message}\n`).join(''))
}

function splitRecord(record: Taken, { split, lambda }: ProcessingPlan): Prepared {
  if (split === undefined) return { records: [record] }
  const { parts, count } = split === 'JSON' ? jsonParts(record.data) : delimitedParts(record.data, split)
  if (count > MOST_SUB_RECORDS) {
    // The Lambda is given the whole record; without one it is an error.
    if (lambda) return { records: [record] }
    return {
      failure: {
        type: 'processing-failed',
        code: 'DynamicPartitioning.DeAggregationRecordCountLimitExceeded',
        message: `The record has ${count} sub-records; at most ${MOST_SUB_RECORDS} are de-aggregated.`,
      },
    }
  }
  if (parts.length === 1) return { records: [parts[0].length === record.data.length ? record : { ...record, data: parts[0] }] }
  // Each stands for itself from here on: an error object with the whole record would bring back the others too.
  return { records: parts.map((data) => ({ ...record, data, original: data })) }
}

/** Sub-records, and how many there are: more than are allowed are counted and not kept, as 64 MiB of unpacked data can have as many. */
interface Parts {
  parts: Uint8Array[]
  count: number
}

/** Of much memory a part is copied out: one that waits for its partition would keep all that stood beside it. */
const partOf = (data: Uint8Array, from: number, to: number): Uint8Array => (data.length > SLAB ? data.slice(from, to) : data.subarray(from, to))

/** JSON values one behind the other, without the line feeds in them; what ends inside a value is one part. */
function jsonParts(data: Uint8Array): Parts {
  const parts: Uint8Array[] = []
  let count = 0
  const open = eachValue(data, (from, to) => {
    if (count++ < MOST_SUB_RECORDS) parts.push(withoutFeeds(partOf(data, from, to)))
  })
  return open < data.length || count === 0 ? { parts: [data], count: 1 } : { parts, count }
}

/** Between the tokens of JSON a line feed says nothing, and within text it cannot stand. */
function withoutFeeds(value: Uint8Array): Uint8Array {
  return value.includes(10) || value.includes(13) ? value.filter((byte) => byte !== 10 && byte !== 13) : value
}

/** What stands between delimiters; behind the last one only where there is something. */
function delimitedParts(data: Uint8Array, delimiter: Uint8Array): Parts {
  const parts: Uint8Array[] = []
  let count = 0
  let from = 0
  const part = (to: number) => {
    if (count++ < MOST_SUB_RECORDS) parts.push(partOf(data, from, to))
  }
  for (let at = data.indexOf(delimiter[0]); at >= 0; at = data.indexOf(delimiter[0], at)) {
    if (delimiter.every((byte, i) => data[at + i] === byte)) {
      part(at)
      at += delimiter.length
      from = at
    } else at++
  }
  if (from < data.length || count === 0) part(data.length)
  return { parts, count }
}
