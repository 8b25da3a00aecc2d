// The options that every writer of records has, checked: what the records are, and what the files.
import type { Coercion, Dialect, Format } from '../engine/columns.js'
import { type LeafColumn, leavesOf } from '../engine/leaves.js'
import { checkKeys, checkWhole, outOfRange, wrongType } from '../errors.js'
import type { Field } from '../types.js'
import { checkFileOptions, FILE_KEYS, type FileOptions, type FileSettings } from './file/options.js'
import { type BadRecordPolicy, checkPolicy } from './intake/bad-records.js'
import { checkFormat, MAX_RECORD_BYTES } from './intake/intake.js'
import { checkLookup } from './schema/mapping.js'
import { fieldsOf, type Schema } from './schema/schema.js'

export interface RecordOptions {
  /** In its own form, as DDL text, or what Glue's GetTable answers; see parseSchema(). */
  schema: Schema | string | object
  /**
   * How far a value may differ from its column's type, by the rules of Firehose's record format
   * conversion: `hive` and `openx` as the serdes of these names; default strict.
   */
  coercion?: Coercion
  /** Keys match names whatever the case of their ASCII letters; default false. */
  caseInsensitive?: boolean
  /** A dot in a key matches an underscore in a name; default false. */
  dotsToUnderscores?: boolean
  /**
   * Members that no column has: dropped (default), an error, or, those of the record itself, gathered
   * as one JSON object in the json column of that name.
   */
  unknown?: 'drop' | 'error' | { rest: string }
  /** A row group ends with the line feed of the text that brings it to so many lines, or with so many rows. Default 131,072. */
  rowGroupRows?: number
  /** Or with the first line feed at or behind so many bytes of text; or where its pages are so large before compression. Default 64 MiB. They wait in memory, compressed. */
  rowGroupBytes?: number
  /** Bounds memory: a record this long always is taken, one 512 KiB longer is a bad record. Default 16 MiB. */
  maxRecordBytes?: number
  /** Default fail: the first one rejects, perhaps a later call than the one that brought it, for text waits until it is worth a scan. */
  onBadRecord?: BadRecordPolicy
  /**
   * How records follow each other in writeJson: `lines` (NDJSON: a line feed ends a record wherever it
   * stands), `documents` (JSON texts with any white space or none between them, line feeds inside; an
   * array of objects is a text of many records), or `auto` (default): settled by the first line of
   * each source, documents where it opens an array or ends inside an object.
   */
  format?: Format
  /**
   * `dynamodb`: values are typed as DynamoDB does it (`{"S":"x"}`, `{"N":"5"}`; numbers keep every
   * digit, sets are lists, B is base64 text); records are items, alone or as an export or a stream
   * carries them (`{"Item":..}`, `NewImage`, `dynamodb.NewImage`). One without an item, such as the
   * removal of one, is a bad record. Default json.
   */
  dialect?: Dialect
}

const RECORD_KEYS = [
  'coercion',
  'caseInsensitive',
  'dotsToUnderscores',
  'unknown',
  'rowGroupRows',
  'rowGroupBytes',
  'maxRecordBytes',
  'onBadRecord',
  'format',
  'dialect',
]

/** What the scan is told of keys and values. */
export type LookupOptions = Pick<RecordOptions, 'coercion' | 'caseInsensitive' | 'dotsToUnderscores' | 'unknown' | 'dialect'>

/** RecordOptions, checked. */
export interface RecordSettings {
  fields: readonly Field[]
  lookup: LookupOptions
  limits: { rowGroupRows: number; rowGroupBytes: number; maxRecordBytes: number }
  onBadRecord: BadRecordPolicy
  format: Format | undefined
}

export interface WriterSettings extends RecordSettings {
  leaves: readonly LeafColumn[]
  file: FileSettings
}

const MIB = 1024 * 1024

/** Throws TypeError where `options` has what no option is, `more` being those of this writer besides. */
export function checkWriterKeys(options: unknown, more: readonly string[]): void {
  if (typeof options !== 'object' || options === null) throw wrongType('options', 'an object', options)
  checkKeys('options', options, ['schema', ...more, ...RECORD_KEYS, ...FILE_KEYS])
}

/** Throws TypeError or RangeError that names the option, `more` being those that this writer has besides. */
export function checkWriterOptions(options: RecordOptions & FileOptions, more: readonly string[]): WriterSettings {
  checkWriterKeys(options, more)
  return settingsOf(fieldsOf(options.schema, 'options.schema'), options)
}

/** The same of a schema that is checked already. */
export function settingsOf(fields: readonly Field[], options: Omit<RecordOptions, 'schema'> & FileOptions): WriterSettings {
  const records = checkRecordOptions(fields, options)
  const leaves = leavesOf(fields, options.coercion)
  return { ...records, leaves, file: checkFileOptions(options, leaves) }
}

export function checkRecordOptions(fields: readonly Field[], options: Omit<RecordOptions, 'schema'>): RecordSettings {
  const { coercion, caseInsensitive, dotsToUnderscores, unknown, dialect, onBadRecord = 'fail', format } = options
  if (fields.length === 0) throw outOfRange('options.schema.columns', 'at least one column', fields)
  const lookup = { coercion, caseInsensitive, dotsToUnderscores, unknown, dialect }
  checkLookupOptions(fields, lookup)
  const { rowGroupRows = 131_072, rowGroupBytes = 64 * MIB, maxRecordBytes = MAX_RECORD_BYTES } = options
  checkWhole('options.rowGroupRows', rowGroupRows, 1, 2 ** 30)
  checkWhole('options.rowGroupBytes', rowGroupBytes, 1, 1024 * MIB)
  checkWhole('options.maxRecordBytes', maxRecordBytes, 1, 256 * MIB)
  checkPolicy('options.onBadRecord', onBadRecord)
  checkFormat('options.format', format)
  return { fields, lookup, limits: { rowGroupRows, rowGroupBytes, maxRecordBytes }, onBadRecord, format }
}

function checkLookupOptions(fields: readonly Field[], options: LookupOptions): void {
  const { coercion, unknown } = options
  if (coercion !== undefined && !['strict', 'hive', 'openx'].includes(coercion)) throw outOfRange('options.coercion', 'strict, hive or openx', coercion)
  for (const name of ['caseInsensitive', 'dotsToUnderscores'] as const) {
    if (options[name] !== undefined && typeof options[name] !== 'boolean') throw wrongType(`options.${name}`, 'a boolean', options[name])
  }
  if (options.dialect !== undefined && options.dialect !== 'json' && options.dialect !== 'dynamodb')
    throw outOfRange('options.dialect', 'json or dynamodb', options.dialect)
  checkLookup(fields, options, 'options.schema')
  if (unknown === undefined || unknown === 'drop' || unknown === 'error') return
  if (typeof unknown !== 'object' || unknown === null) throw outOfRange('options.unknown', "'drop', 'error' or {rest}", unknown)
  checkKeys('options.unknown', unknown, ['rest'])
  const rest = fields.find(({ name }) => name === unknown.rest)
  if (rest?.leaf?.type !== 'json') throw outOfRange('options.unknown.rest', 'the name of a json column of the schema', unknown.rest)
}
