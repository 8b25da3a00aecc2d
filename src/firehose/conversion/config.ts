// DataFormatConversionConfiguration, as CreateDeliveryStream takes it: shapes and bounds of the API reference
// (API_DataFormatConversionConfiguration and what it names, 2015-08-04).
import { MillraceError, outOfRange, wrongType } from '../../errors.js'
import { type Check, flag, isObject, list, object, oneOf, optional, text, unused, whole } from '../delivery/config/shape.js'
import { compilePatterns } from './patterns.js'

export interface OpenXJsonSerDe {
  /** `a.b` is the column `a_b`; default false. */
  ConvertDotsInJsonKeysToUnderscores?: boolean | undefined
  /** Keys match columns whatever their case, and keys of maps become lower case; default true. */
  CaseInsensitive?: boolean | undefined
  /** Key in the JSON by the name of the column or member that it is for. */
  ColumnToJsonKeyMappings?: Readonly<Record<string, string>> | undefined
}

export interface HiveJsonSerDe {
  /** Patterns of Joda-Time's DateTimeFormat, or `millis`; java.sql.Timestamp.valueOf's form is tried after them. */
  TimestampFormats?: readonly string[] | undefined
}

export interface ParquetSerDe {
  /** Bytes of pages at which a row group ends, 64 MiB at least; default 256 MiB. */
  BlockSizeBytes?: number | undefined
  /** Bytes of a page before compression, 64 KiB at least; default 1 MiB. Above 64 MiB pages have 64 MiB. */
  PageSizeBytes?: number | undefined
  /** SNAPPY (default), GZIP or UNCOMPRESSED. Text, as the type of a JSON file that is imported has it. */
  Compression?: string | undefined
  /** Default false. */
  EnableDictionaryCompression?: boolean | undefined
  /** Taken and not used: row groups are padded to blocks of HDFS, which S3 has not. */
  MaxPaddingBytes?: number | undefined
  /** V1 (default) or V2. */
  WriterVersion?: string | undefined
}

/** Of the catalogue: what error objects say of the table. The table itself is handed in. */
export interface SchemaConfiguration {
  RoleARN?: string | undefined
  CatalogId?: string | undefined
  DatabaseName?: string | undefined
  TableName?: string | undefined
  Region?: string | undefined
  VersionId?: string | undefined
}

export interface DataFormatConversionConfiguration {
  /** Default true. */
  Enabled?: boolean | undefined
  SchemaConfiguration?: SchemaConfiguration | undefined
  InputFormatConfiguration?:
    | { Deserializer?: { OpenXJsonSerDe?: OpenXJsonSerDe | undefined; HiveJsonSerDe?: HiveJsonSerDe | undefined } | undefined }
    | undefined
  /** ORC is refused. */
  OutputFormatConfiguration?: { Serializer?: { ParquetSerDe?: ParquetSerDe | undefined; OrcSerDe?: object | undefined } | undefined } | undefined
}

/** A checked configuration. */
export interface ConversionPlan {
  serde: 'hive' | 'openx'
  caseInsensitive: boolean
  dotsToUnderscores: boolean
  /** Key in the JSON by name. */
  keys: ReadonlyMap<string, string>
  /** How the core reads text in timestamps before valueOf's form. */
  patterns: Uint8Array | undefined
  blockBytes: number
  pageBytes: number
  codec: 'snappy' | 'gzip' | 'none'
  dictionary: boolean
  version: 1 | 2
}

const KIB = 1024
const MIB = 1024 * KIB
/** No bound but that of the type is documented. */
const LARGEST = 2 ** 31 - 1

const named = text(1, 1024, /\S/, 'text of 1 to 1024 characters that are not all blank')

const keys: Check<Map<string, string>> = (value, path) => {
  if (!isObject(value)) throw wrongType(path, 'an object', value)
  return new Map(Object.entries(value).map(([column, key]) => [named(column, `${path} (a column)`), named(key, `${path}.${column}`)]))
}

const openx = object({
  ConvertDotsInJsonKeysToUnderscores: optional(flag),
  CaseInsensitive: optional(flag),
  ColumnToJsonKeyMappings: optional(keys),
})
const hive = object({ TimestampFormats: optional(list(named, 0, 1024)) })
const parquet = object({
  BlockSizeBytes: optional(whole(64 * MIB, LARGEST)),
  PageSizeBytes: optional(whole(64 * KIB, LARGEST)),
  Compression: optional(oneOf(['SNAPPY', 'GZIP', 'UNCOMPRESSED'])),
  EnableDictionaryCompression: optional(flag),
  MaxPaddingBytes: optional(whole(0, LARGEST)),
  WriterVersion: optional(oneOf(['V1', 'V2'])),
})
const orc: Check<undefined> = (value, path) => {
  if (value !== undefined) throw new MillraceError('CONFIG', `"${path}" expected ParquetSerDe in its place: ORC is not supported`)
  return undefined
}

const configuration = object({
  Enabled: optional(flag),
  SchemaConfiguration: optional(
    object({
      RoleARN: unused,
      CatalogId: optional(named),
      DatabaseName: optional(named),
      TableName: optional(named),
      Region: optional(named),
      VersionId: optional(named),
    }),
  ),
  InputFormatConfiguration: optional(object({ Deserializer: optional(object({ OpenXJsonSerDe: optional(openx), HiveJsonSerDe: optional(hive) })) })),
  OutputFormatConfiguration: optional(object({ Serializer: optional(object({ ParquetSerDe: optional(parquet), OrcSerDe: orc })) })),
})

const CODECS = { SNAPPY: 'snappy', GZIP: 'gzip', UNCOMPRESSED: 'none' } as const

/**
 * Reads a configuration; `year` is the one now, which two digits of a year are near. Throws TypeError or RangeError with
 * the path of what is unknown, of another type or out of AWS's bounds, CONFIG for ORC and for what is not exactly one
 * deserializer and one serializer.
 */
export function readConversion(config: unknown, path: string, year: number): ConversionPlan {
  const { Enabled, InputFormatConfiguration: input, OutputFormatConfiguration: output } = configuration(config, path)
  if (Enabled === false) throw outOfRange(`${path}.Enabled`, 'true, or nothing', Enabled)
  const { OpenXJsonSerDe: openx, HiveJsonSerDe: hive } = input?.Deserializer ?? {}
  if ((openx === undefined) === (hive === undefined))
    throw new MillraceError('CONFIG', `"${path}.InputFormatConfiguration.Deserializer" expected either OpenXJsonSerDe or HiveJsonSerDe`)
  const parquet = output?.Serializer?.ParquetSerDe
  if (parquet === undefined) throw new MillraceError('CONFIG', `"${path}.OutputFormatConfiguration.Serializer" expected ParquetSerDe`)
  const formats = hive?.TimestampFormats ?? []
  const at = `${path}.InputFormatConfiguration.Deserializer.HiveJsonSerDe.TimestampFormats`
  return {
    serde: hive ? 'hive' : 'openx',
    caseInsensitive: openx?.CaseInsensitive ?? true,
    dotsToUnderscores: openx?.ConvertDotsInJsonKeysToUnderscores ?? false,
    keys: openx?.ColumnToJsonKeyMappings ?? new Map(),
    patterns: formats.length > 0 ? compilePatterns(formats, at, year) : undefined,
    blockBytes: parquet.BlockSizeBytes ?? 256 * MIB,
    pageBytes: Math.min(parquet.PageSizeBytes ?? MIB, 64 * MIB),
    codec: CODECS[parquet.Compression ?? 'SNAPPY'],
    dictionary: parquet.EnableDictionaryCompression ?? false,
    version: parquet.WriterVersion === 'V2' ? 2 : 1,
  }
}
