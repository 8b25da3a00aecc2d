// A schema from the records themselves: a sample or all of them, in memory of the size of the schema.
import { checkKeys, outOfRange, wrongType } from '../../errors.js'
import { schemaOf } from '../schema/format.js'
import type { Schema } from '../schema/schema.js'
import type { RecordOptions } from '../writer-options.js'
import { type Choices, fieldsFrom, type Note } from './decide.js'
import { Observer } from './observe.js'
import { createRecords } from './records.js'

/** The last three as of a writer; its defaults are theirs. */
export interface InferenceOptions extends Choices, Pick<RecordOptions, 'onBadRecord' | 'format' | 'maxRecordBytes'> {}

export interface Inferred {
  schema: Schema
  /** What the types do not say, in the order of the columns. */
  notes: Note[]
  records: number
  badRecords: number
}

export interface Inference {
  /** Takes JSON records cut anywhere; one call after the other. */
  write(bytes: Uint8Array): Promise<void>
  /** What follows comes from `name`: the record before it ends, positions count from 0. */
  startSource(name: string): Promise<void>
  /** `complete`: all was given. Else the last record, which may be cut, is left out. */
  end(complete?: boolean): Promise<Inferred>
}

/**
 * Infers a schema from records in pieces, one place of the records at a time:
 *
 * | all values, null aside | type |
 * |---|---|
 * | true, false | boolean |
 * | whole numbers of 64 bits | int64 |
 * | whole numbers of at most 38 digits | decimal(38,0), noted |
 * | numbers | double; noted where a double does not keep all digits |
 * | strings `yyyy-MM-dd` | date |
 * | strings `yyyy-MM-ddTHH:mm:ss[.f]zone`, f of at most 6 digits | timestamp (us); under openx only with Z |
 * | other strings | string; with `uuid`, where all are UUIDs in lower case, uuid |
 * | lists | list of what the elements are; of string where all are empty, noted |
 * | objects | struct of what the members are; json where all are empty, noted |
 * | objects whose keys look like data | map<string, ...> of what the values are, noted |
 * | several of these lines | json, noted; scalars under the coercions hive and openx: string |
 * | nothing but null | string, noted |
 *
 * Keys look like data where an object has more than 1,000 of them; where it has more than 50 and on
 * average a tenth of them at once; where it has three or more, all of them numbers, dates or UUIDs;
 * the last two only where the values agree. Of duplicate members the last one counts. All columns
 * are nullable, in the order of their first appearance. The tree of members takes at most 64 MiB;
 * beyond that LIMIT_EXCEEDED is thrown.
 */
export function createInference(options: InferenceOptions = {}): Inference {
  if (typeof options !== 'object' || options === null) throw wrongType('options', 'an object', options)
  checkKeys('options', options, ['coercion', 'uuid', 'onBadRecord', 'format', 'maxRecordBytes'])
  const { coercion = 'strict', uuid = false, ...rest } = options
  if (coercion !== 'strict' && coercion !== 'hive' && coercion !== 'openx') throw outOfRange('options.coercion', 'strict, hive or openx', coercion)
  if (typeof uuid !== 'boolean') throw wrongType('options.uuid', 'true or false', uuid)
  const observer = new Observer()
  const records = createRecords(rest, (bytes, at) => observer.record(bytes, at))
  return {
    async write(bytes) {
      if (!(bytes instanceof Uint8Array)) throw wrongType('bytes', 'a Uint8Array', bytes)
      await records.write(bytes)
    },
    async startSource(name) {
      if (typeof name !== 'string') throw wrongType('name', 'a string', name)
      await records.startSource(name)
    },
    async end(complete = true) {
      if (typeof complete !== 'boolean') throw wrongType('complete', 'true or false', complete)
      await records.end(complete)
      const { fields, notes } = fieldsFrom(observer.root, { coercion, uuid })
      return { schema: schemaOf(fields), notes, records: records.records, badRecords: records.badRecords }
    },
  }
}

/**
 * The schema of the records in `input`, as createInference() finds it, and what it is unsure of.
 * `options.complete` says that the input is all there is (default); else its last record, which may
 * be cut, is left out. Rejects with BAD_INPUT, with the record and byte, for what is no record to a writer either.
 *
 * @example
 * const { schema, notes } = await inferSchema(fileSource(nodePorts, 'flights.ndjson'))
 * for (const { path, message } of notes) console.warn(path.join('.'), message)
 */
export async function inferSchema(
  input: Uint8Array | AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: InferenceOptions & { complete?: boolean } = {},
): Promise<Inferred> {
  if (typeof options !== 'object' || options === null) throw wrongType('options', 'an object', options)
  const { complete = true, ...choices } = options
  if (typeof complete !== 'boolean') throw wrongType('options.complete', 'true or false', complete)
  const inference = createInference(choices)
  const pieces = input instanceof Uint8Array ? [input] : input
  if (typeof pieces !== 'object' || pieces === null || !(Symbol.asyncIterator in pieces || Symbol.iterator in pieces))
    throw wrongType('input', 'a Uint8Array or an iterable of such', input)
  for await (const bytes of pieces) await inference.write(bytes)
  return inference.end(complete)
}
