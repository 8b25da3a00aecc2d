// Stable ids in the aggregates themselves. The format has tags in each of its records, which the KPL does
// not write and the KCL skips (aggregation-format.md; AggregatorUtil reads no tags): the first record of an
// aggregate carries the ids of all, so that a record is known again however it was packed when it was sent anew.
//
//   tags: { key: "millrace", value: PRODUCER "." NUMBERS }
//   NUMBERS  base64 of varints: the first record's number, then for each the difference to the one before
import { fromBase64, toBase64 } from '../../engine/base64.js'
import { md5 } from '../../engine/digest.js'
import { hasMagic, MAGIC } from './magic.js'

/** Whose records are in an aggregate, and which: a pair of both is the same for a record whenever it is sent. */
export interface RecordIds {
  producer: string
  /** In the order of the aggregate's records. */
  numbers: Float64Array
}

const TAG = 'millrace'
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** The aggregate with ids of its records in it. `numbers` ascend. */
export function tagAggregate(data: Uint8Array, { producer, numbers }: RecordIds): Uint8Array {
  const body = data.subarray(4, data.length - 16)
  const first = firstRecord(body) as Field
  const tag = tagField(producer, numbers)
  const record = [...lengthOf(3, first.end - first.at + tag.length)]
  return sealed([body.subarray(0, first.start), Uint8Array.from(record), body.subarray(first.at, first.end), tag, body.subarray(first.end)])
}

/** An aggregate of one record, with its id. `key` and `hash` as UTF-8. */
export function tagSingle(key: Uint8Array, hash: Uint8Array | undefined, data: Uint8Array, { producer, numbers }: RecordIds): Uint8Array {
  const tag = tagField(producer, numbers)
  const head = Uint8Array.from([0x08, 0, ...(hash ? [0x10, 0] : []), ...lengthOf(3, data.length)])
  const parts = [Uint8Array.from(lengthOf(1, key.length)), key]
  if (hash) parts.push(Uint8Array.from(lengthOf(2, hash.length)), hash)
  return sealed([...parts, Uint8Array.from(lengthOf(3, head.length + data.length + tag.length)), head, data, tag])
}

/**
 * The ids of the records in a Kinesis record that a producer with `stableIds` has sent, or undefined.
 * Takes any bytes; the checksum is not looked at again: give it what de-aggregation has taken for an aggregate.
 */
export function recordIdsOf(data: Uint8Array): RecordIds | undefined {
  if (data.length <= 20 || !hasMagic(data)) return undefined
  const body = data.subarray(4, data.length - 16)
  const first = firstRecord(body)
  if (!first) return undefined
  for (const field of fieldsOf(body, first.at, first.end)) {
    if (field.number !== 4) continue
    const parts = [...fieldsOf(body, field.at, field.end)]
    const text = (number: number) => {
      const found = parts.find((part) => part.number === number)
      return found ? decoder.decode(body.subarray(found.at, found.end)) : ''
    }
    if (text(1) === TAG) return parse(text(2))
  }
  return undefined
}

function parse(value: string): RecordIds | undefined {
  const dot = value.indexOf('.')
  const bytes = dot > 0 ? bytesOf(value.slice(dot + 1)) : undefined
  if (!bytes) return undefined
  const numbers: number[] = []
  let number = 0
  for (let at = 0; at < bytes.length; ) {
    let step = 0
    for (let scale = 1; ; scale *= 128) {
      if (at === bytes.length || scale > Number.MAX_SAFE_INTEGER) return undefined
      step += (bytes[at] & 0x7f) * scale
      if (bytes[at++] < 0x80) break
    }
    number += step
    if (!Number.isSafeInteger(number)) return undefined
    numbers.push(number)
  }
  return { producer: value.slice(0, dot), numbers: Float64Array.from(numbers) }
}

function bytesOf(text: string): Uint8Array | undefined {
  try {
    return fromBase64(text)
  } catch {
    return undefined
  }
}

function tagField(producer: string, numbers: Float64Array): Uint8Array {
  const steps: number[] = []
  for (let i = 0, before = 0; i < numbers.length; before = numbers[i++]) steps.push(...varint(numbers[i] - before))
  const value = encoder.encode(`${producer}.${toBase64(Uint8Array.from(steps))}`)
  const key = encoder.encode(TAG)
  const inner = [...lengthOf(1, key.length), ...key, ...lengthOf(2, value.length), ...value]
  return Uint8Array.from([...lengthOf(4, inner.length), ...inner])
}

function sealed(parts: Uint8Array[]): Uint8Array {
  const size = parts.reduce((sum, part) => sum + part.length, 0)
  const data = new Uint8Array(size + 20)
  data.set(MAGIC)
  let at = 4
  for (const part of parts) {
    data.set(part, at)
    at += part.length
  }
  data.set(md5(data.subarray(4, at)), at)
  return data
}

interface Field {
  number: number
  /** Of its tag. */
  start: number
  /** Of its content. */
  at: number
  end: number
}

const firstRecord = (body: Uint8Array): Field | undefined => {
  for (const field of fieldsOf(body, 0, body.length)) if (field.number === 3) return field
  return undefined
}

/** Fields of a message up to one that is malformed, those of numbers without a content. */
function* fieldsOf(bytes: Uint8Array, from: number, to: number): Generator<Field> {
  let at = from
  const read = () => {
    let value = 0
    for (let scale = 1; scale <= 2 ** 35; scale *= 128) {
      if (at >= to) return -1
      value += (bytes[at] & 0x7f) * scale
      if (bytes[at++] < 0x80) return value
    }
    return -1
  }
  while (at < to) {
    const start = at
    const tag = read()
    const kind = tag % 8
    const size = kind === 2 ? read() : kind === 0 ? (read() < 0 ? -1 : 0) : kind === 1 ? 8 : kind === 5 ? 4 : -1
    if (tag < 0 || size < 0 || at + size > to) return
    yield { number: Math.floor(tag / 8), start, at, end: at + size }
    at += size
  }
}

const lengthOf = (field: number, size: number) => [(field << 3) | 2, ...varint(size)]

function varint(value: number): number[] {
  const bytes: number[] = []
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return [...bytes, left]
    bytes.push((left % 128) | 0x80)
  }
}
