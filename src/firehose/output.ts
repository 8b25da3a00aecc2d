// What a user's function gives back, settled into one answer for a record.
import { kindOf } from '../errors.js'
import { type FirehoseMetadata, OPERATIONS } from './event.js'

/** Known to every copy of the class: a module of CommonJS has another one than the command, which is an ES module. */
const OUTPUT = Symbol.for('millrace.FirehoseOutput')

const isOutput = (value: unknown): value is FirehoseOutput => typeof value === 'object' && value !== null && OUTPUT in value

/** Bytes, text, or a value for JSON, with metadata. Made by `withMetadata`. */
export class FirehoseOutput {
  readonly data: string | Uint8Array | object
  readonly metadata: Partial<FirehoseMetadata>

  constructor(data: string | Uint8Array | object, metadata: Partial<FirehoseMetadata>) {
    this.data = data
    this.metadata = metadata
  }

  get [OUTPUT](): true {
    return true
  }
}

/**
 * An output with partition keys or Iceberg routing: `return withMetadata(row, { partitionKeys: { day } })`.
 * All outputs of one record share the record's metadata, so they must have the same.
 */
export function withMetadata(data: string | Uint8Array | object, metadata: Partial<FirehoseMetadata>): FirehoseOutput {
  return new FirehoseOutput(data, metadata)
}

/**
 * Text and bytes go out as they are, objects as JSON. An array is so many outputs of the record; none
 * (or null) drops it. Nothing else is an answer, undefined least of all: that is what a forgotten
 * `return` gives.
 */
export type TransformResult = string | Uint8Array | FirehoseOutput | object | null | readonly (string | Uint8Array | FirehoseOutput | object)[]

const encoder = new TextEncoder()
const utf8 = (text: string): Uint8Array => (typeof Buffer !== 'undefined' ? Buffer.from(text) : encoder.encode(text))

/** What ends each output, as bytes and, where it was given so, as text. */
export interface Delimiter {
  bytes: Uint8Array
  text: string | undefined
}

export const delimiterOf = (given: string | Uint8Array): Delimiter =>
  typeof given === 'string' ? { bytes: encoder.encode(given), text: given } : { bytes: given.slice(), text: undefined }

/** The outputs' bytes and metadata of one user record. Throws, saying what was wrong. */
export function readResult(result: unknown, delimiter: Delimiter): { parts: Uint8Array[]; metadata: string | undefined } {
  if (result === null) return { parts: [], metadata: undefined }
  const outputs: readonly unknown[] = Array.isArray(result) ? result : [result]
  const parts: Uint8Array[] = []
  let metadata: string | undefined
  for (let i = 0; i < outputs.length; i++) {
    const output = outputs[i]
    const tagged = isOutput(output) ? output : undefined
    parts.push(toBytes(tagged ? tagged.data : output, delimiter))
    const own = tagged && readMetadata(tagged.metadata)
    if (i > 0 && own !== metadata) throw new TypeError('expected the same metadata for all outputs of a record, got different ones')
    metadata = own
  }
  return { parts, metadata }
}

const EXPECTED = 'text, bytes, an object, an array of such, or null'

/** One output with its delimiter, in memory of its own: the function may use its buffer again for the next record. */
function toBytes(value: unknown, delimiter: Delimiter): Uint8Array {
  if (typeof value === 'string') return ended(value, delimiter)
  if (ArrayBuffer.isView(value)) return endedBytes(new Uint8Array(value.buffer, value.byteOffset, value.byteLength), delimiter)
  if (value instanceof ArrayBuffer) return endedBytes(new Uint8Array(value), delimiter)
  if (typeof value !== 'object' || value === null) throw new TypeError(`expected ${EXPECTED}, got ${kindOf(value)}`)
  // JSON would make {} of these, and their content would be lost without a word.
  const lost = lostOf(value)
  if (lost !== undefined) throw new TypeError(`expected ${EXPECTED}, got ${lost}`)
  const json: unknown = JSON.stringify(value)
  if (typeof json !== 'string') throw new TypeError(`expected ${EXPECTED}, got an object that is nothing in JSON`)
  return ended(json, delimiter)
}

/** What it is, where its content is not in members: a promise, an error, or what is iterated over, as a Map or the generator of a `function*`. */
function lostOf(value: object): string | undefined {
  if (typeof (value as { then?: unknown }).then === 'function') return 'a promise'
  if (Array.isArray(value) || typeof (value as { toJSON?: unknown }).toJSON === 'function') return undefined
  if (value instanceof Map || value instanceof Set || value instanceof Error) return kindOf(value)
  return Symbol.iterator in value || Symbol.asyncIterator in value ? 'an iterator or a stream' : undefined
}

function ended(text: string, delimiter: Delimiter): Uint8Array {
  if (delimiter.text === undefined) return endedBytes(utf8(text), delimiter)
  return utf8(text.endsWith(delimiter.text) ? text : text + delimiter.text)
}

function endedBytes(bytes: Uint8Array, { bytes: delimiter }: Delimiter): Uint8Array {
  const from = bytes.length - delimiter.length
  if (from >= 0 && delimiter.every((byte, i) => bytes[from + i] === byte)) return bytes.slice()
  const all = new Uint8Array(bytes.length + delimiter.length)
  all.set(bytes)
  all.set(delimiter, bytes.length)
  return all
}

/** Checked metadata as it goes into the response, as JSON text so that it can be compared and counted. */
function readMetadata(metadata: Partial<FirehoseMetadata>): string {
  if (typeof metadata !== 'object' || metadata === null) throw new TypeError(`expected an object as metadata, got ${kindOf(metadata)}`)
  const { partitionKeys = {}, otfMetadata } = metadata
  for (const [name, value] of Object.entries({ partitionKeys, otfMetadata })) {
    if (value !== undefined && (typeof value !== 'object' || value === null || Array.isArray(value)))
      throw new TypeError(`expected an object as ${name}, got ${kindOf(value)}`)
  }
  for (const [name, value] of Object.entries(partitionKeys)) {
    if (typeof value !== 'string') throw new TypeError(`expected text for the partition key ${JSON.stringify(name)}, got ${kindOf(value)}`)
    // An empty one would make the prefix run together; Firehose refuses it.
    if (value === '') throw new TypeError(`expected text for the partition key ${JSON.stringify(name)}, got ""`)
  }
  if (otfMetadata?.operation !== undefined && !OPERATIONS.includes(otfMetadata.operation)) {
    throw new TypeError(`expected one of ${OPERATIONS.join(', ')} for the operation, got ${kindOf(otfMetadata.operation)}`)
  }
  return JSON.stringify(otfMetadata ? { partitionKeys, otfMetadata } : { partitionKeys })
}
