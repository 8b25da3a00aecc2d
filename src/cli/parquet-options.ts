// The flags of millrace parquet that say how records are read and what the files are like.
import { type ParquetEncoding, type ParquetFileOptions, type ParquetRecordOptions, type ParquetSortingColumn, type Table, zstdCodec } from '../parquet/index.js'
import { systemZstd } from '../ports/compression.js'
import { loadZstdPeer } from '../ports/zstd-peer.js'
import { type Command, oneOf, UsageError, type Values, wholeOption } from './command.js'

const text = { type: 'string' } as const
const flag = { type: 'boolean' } as const

export const writerFlags: Command['options'] = {
  format: text,
  dialect: text,
  coercion: text,
  'case-insensitive': flag,
  'case-sensitive': flag,
  'dots-to-underscores': flag,
  unknown: text,
  'max-record-bytes': text,
  compression: text,
  'compression-level': text,
  'row-group-rows': text,
  'row-group-bytes': text,
  'page-version': text,
  'page-rows': text,
  'page-bytes': text,
  'page-checksums': flag,
  'dictionary-bytes': text,
  encodings: text,
  bloom: text,
  'sorted-by': text,
  'key-value': { type: 'string', multiple: true },
}

/** Flags of other names than their options. */
export const writerLabels = { bloomFilters: 'bloom', sortingColumns: 'sorted-by', keyValueMetadata: 'key-value' }

export const recordsHelp = `How records are read:
      --format FORMAT       lines, documents or auto (default): how records follow each
                            other, settled by the first line
      --dialect DIALECT     json (default), or dynamodb: values as DynamoDB types them,
                            {"S":"x"}, as an export or a stream has them; needs --schema
      --coercion LEVEL      strict (default), hive or openx: how far a value may differ
                            from its column's type
      --case-insensitive    keys match names whatever their case; of tables the default,
                            which --case-sensitive ends
      --dots-to-underscores a dot in a key matches an underscore in a name
      --unknown HOW         members that no column has: drop (default), error, or the json
                            column that keeps them; one of that name is added to columns
                            that are inferred
      --max-record-bytes B  longest record (16777216)
`

export const filesHelp = `What the files are like:
      --compression CODEC   snappy (default), none, gzip, lz4_raw, or zstd: of Node from
                            22.15 and 23.8 on, else of the package zstd-codec
      --compression-level N gzip 1 to 9, zstd 1 to 22
      --row-group-rows N    rows of a row group (131072)
      --row-group-bytes B   or bytes of it, before compression (67108864)
      --page-version N      1 (default) or 2, which Athena and others fail on now and then
      --page-rows N         rows of a page (32768)
      --page-bytes B        or bytes of it, before compression (1048576)
      --page-checksums      CRC-32 of each page
      --dictionary-bytes B  of a column's dictionary in a row group (1048576)
      --encodings HOW       smallest, or COLUMN=ENCODING,... of plain, dictionary, delta,
                            delta_length, delta_byte_array, byte_stream_split, smallest,
                            auto
      --bloom A,B           columns that get a bloom filter in each row group
      --sorted-by A,B:desc  what the rows are sorted by, said in the file, neither done nor
                            checked; behind a name :desc, :nulls-first
      --key-value KEY=VALUE into the footer; may be repeated
`

/** Of the values, without what a table may say. Throws UsageError; of columns the writer itself. */
export async function writerOptions(values: Values): Promise<Omit<ParquetRecordOptions, 'schema' | 'onBadRecord'> & ParquetFileOptions> {
  if (values['case-insensitive'] && values['case-sensitive']) throw new UsageError('--case-insensitive expected no --case-sensitive')
  const { unknown = 'drop' } = values
  return {
    format: oneOf(values, 'format', ['auto', 'lines', 'documents']),
    dialect: oneOf(values, 'dialect', ['json', 'dynamodb']),
    unknown: unknown === 'drop' || unknown === 'error' ? unknown : { rest: String(unknown) },
    maxRecordBytes: wholeOption(values, 'max-record-bytes', 1),
    compression: await compressionOf(values),
    compressionLevel: wholeOption(values, 'compression-level', 1),
    rowGroupRows: wholeOption(values, 'row-group-rows', 1),
    rowGroupBytes: wholeOption(values, 'row-group-bytes', 1),
    pageVersion: oneOf(values, 'page-version', ['1', '2']) === '2' ? 2 : 1,
    pageRows: wholeOption(values, 'page-rows', 1),
    pageBytes: wholeOption(values, 'page-bytes', 1),
    pageChecksums: values['page-checksums'] === true,
    dictionaryBytes: wholeOption(values, 'dictionary-bytes', 1),
    encodings: encodingsOf(values.encodings),
    bloomFilters: namesOption(values, 'bloom'),
    sortingColumns: namesOption(values, 'sorted-by')?.map(sorted),
    keyValueMetadata: keyValuesOf(values['key-value']),
  }
}

/** What a table says and the values do not. */
export function lookupOptions(values: Values, table: Partial<Table>): Pick<ParquetRecordOptions, 'coercion' | 'caseInsensitive' | 'dotsToUnderscores'> {
  const { coercion = 'strict', caseInsensitive = false, dotsToUnderscores = false } = table
  return {
    coercion: values.coercion === undefined ? coercion : oneOf(values, 'coercion', ['strict', 'hive', 'openx']),
    caseInsensitive: values['case-insensitive'] === true || (values['case-sensitive'] !== true && caseInsensitive),
    dotsToUnderscores: values['dots-to-underscores'] === true || dotsToUnderscores,
  }
}

/** Names between commas. */
export function namesOption(values: Values, option: string): string[] | undefined {
  const value = values[option]
  if (value === undefined) return undefined
  const names = String(value)
    .split(',')
    .map((name) => name.trim())
  if (names.includes('')) throw new UsageError(`--${option} expected column names between commas, got ${JSON.stringify(value)}`)
  return names
}

async function compressionOf(values: Values): Promise<ParquetFileOptions['compression']> {
  const compression = oneOf(values, 'compression', ['snappy', 'none', 'gzip', 'zstd', 'lz4_raw'])
  if (compression !== 'zstd' || systemZstd()) return compression
  return zstdCodec((await loadZstdPeer()) as Parameters<typeof zstdCodec>[0])
}

function encodingsOf(value: Values[string]): ParquetFileOptions['encodings'] {
  if (value === undefined || value === 'auto' || value === 'smallest') return value
  const pairs = String(value)
    .split(',')
    .map((pair) => /^\s*(.+)=([a-z_]+)\s*$/.exec(pair))
  if (pairs.includes(null)) throw new UsageError(`--encodings expected smallest, auto or COLUMN=ENCODING,..., got ${JSON.stringify(value)}`)
  return Object.fromEntries(pairs.map((pair) => (pair as RegExpExecArray).slice(1) as [string, ParquetEncoding]))
}

function sorted(name: string): ParquetSortingColumn {
  const [, column, how] = /^(.*?)((?::desc|:nulls-first)*)$/.exec(name) as RegExpExecArray
  return { column, descending: how.includes(':desc'), nullsFirst: how.includes(':nulls-first') }
}

function keyValuesOf(values: Values[string]): Record<string, string> | undefined {
  if (!Array.isArray(values)) return undefined
  const pairs = values.map((value) => {
    const at = String(value).indexOf('=')
    if (at < 1) throw new UsageError(`--key-value expected KEY=VALUE, got ${JSON.stringify(value)}`)
    return [String(value).slice(0, at), String(value).slice(at + 1)]
  })
  return Object.fromEntries(pairs)
}
