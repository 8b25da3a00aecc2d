// ParquetSchema of parquetjs-lite 0.8.7: its definitions, its table of fields, and the same tree as the
// engine has it. A `repeated` field is one without a LIST around it, as parquetjs writes it.
import { outOfRange, wrongType } from '../errors.js'
import type { Field, Leaf } from '../types.js'

export type ParquetJsType =
  | 'BOOLEAN'
  | 'INT32'
  | 'INT64'
  | 'FLOAT'
  | 'DOUBLE'
  | 'BYTE_ARRAY'
  | 'UTF8'
  | 'ENUM'
  | 'JSON'
  | 'DATE'
  | 'TIME_MILLIS'
  | 'TIME_MICROS'
  | 'TIMESTAMP_MILLIS'
  | 'TIMESTAMP_MICROS'
  | 'INT_8'
  | 'INT_16'
  | 'INT_32'
  | 'INT_64'
  | 'UINT_8'
  | 'UINT_16'
  | 'UINT_32'
  | 'UINT_64'

export interface FieldDefinition {
  /** Of a field with `fields`: LIST or MAP marks the group as one. */
  type?: ParquetJsType | 'LIST' | 'MAP' | (string & {})
  optional?: boolean
  repeated?: boolean
  fields?: SchemaDefinition
  /** The file has one codec: the first one named that is not UNCOMPRESSED. */
  compression?: 'UNCOMPRESSED' | 'GZIP' | 'SNAPPY' | (string & {})
  /** Taken as in parquetjs and left to the engine, which chooses by the data. */
  encoding?: 'PLAIN' | 'RLE' | (string & {})
  bitWidth?: number
  typeLength?: number
  statistics?: false | object
}

export type SchemaDefinition = Record<string, FieldDefinition>

/** A field as parquetjs describes it. */
export interface ParquetField {
  name: string
  path: string[]
  repetitionType: 'REQUIRED' | 'OPTIONAL' | 'REPEATED'
  rLevelMax: number
  dLevelMax: number
  primitiveType?: string
  originalType?: string
  encoding?: string
  compression?: string
  statistics?: false | object
  typeLength?: number
  isNested?: true
  fieldCount?: number
  fields?: Record<string, ParquetField>
}

const PRIMITIVE: Record<ParquetJsType, string> = {
  BOOLEAN: 'BOOLEAN',
  INT32: 'INT32',
  INT64: 'INT64',
  FLOAT: 'FLOAT',
  DOUBLE: 'DOUBLE',
  BYTE_ARRAY: 'BYTE_ARRAY',
  UTF8: 'BYTE_ARRAY',
  ENUM: 'BYTE_ARRAY',
  JSON: 'BYTE_ARRAY',
  DATE: 'INT32',
  TIME_MILLIS: 'INT32',
  TIME_MICROS: 'INT64',
  TIMESTAMP_MILLIS: 'INT64',
  TIMESTAMP_MICROS: 'INT64',
  INT_8: 'INT32',
  INT_16: 'INT32',
  INT_32: 'INT32',
  INT_64: 'INT64',
  UINT_8: 'INT32',
  UINT_16: 'INT32',
  UINT_32: 'INT32',
  UINT_64: 'INT64',
}

const LEAF: Record<ParquetJsType, Leaf> = {
  BOOLEAN: { type: 'boolean' },
  INT32: { type: 'int32' },
  INT64: { type: 'int64' },
  FLOAT: { type: 'float' },
  DOUBLE: { type: 'double' },
  BYTE_ARRAY: { type: 'binary' },
  UTF8: { type: 'string' },
  // parquetjs gives both the same annotation
  ENUM: { type: 'string' },
  JSON: { type: 'json' },
  DATE: { type: 'date' },
  TIME_MILLIS: { type: 'time', unit: 'ms' },
  TIME_MICROS: { type: 'time', unit: 'us' },
  TIMESTAMP_MILLIS: { type: 'timestamp', unit: 'ms' },
  TIMESTAMP_MICROS: { type: 'timestamp', unit: 'us' },
  INT_8: { type: 'int8' },
  INT_16: { type: 'int16' },
  INT_32: { type: 'int32' },
  INT_64: { type: 'int64' },
  UINT_8: { type: 'uint8' },
  UINT_16: { type: 'uint16' },
  UINT_32: { type: 'uint32' },
  UINT_64: { type: 'uint64' },
}

/** What to use for the types that are not supported. */
const INSTEAD: Record<string, string> = {
  INT96: 'TIMESTAMP_MILLIS or TIMESTAMP_MICROS, or createParquetWriter of millrace/parquet with int96: true',
  INTERVAL: 'INT64 with a unit of yours, or a group of three INT32',
  FIXED_LEN_BYTE_ARRAY: 'BYTE_ARRAY, or createParquetWriter of millrace/parquet for uuid and decimal',
  BSON: 'BYTE_ARRAY or JSON',
}

const CODECS = ['UNCOMPRESSED', 'GZIP', 'SNAPPY'] as const

/** Drop-in for the ParquetSchema of parquetjs-lite. */
export class ParquetSchema {
  readonly schema: SchemaDefinition
  readonly fields: Record<string, ParquetField>
  /** Groups and leaves, depth first. */
  readonly fieldList: ParquetField[]

  /**
   * Throws TypeError or RangeError where parquetjs throws a string, and for types that parquetjs
   * cannot write so that others read them: INT96 (cut to 64 bits, and no timestamp), INTERVAL, BSON,
   * FIXED_LEN_BYTE_ARRAY; the error names what to use.
   */
  constructor(schema: SchemaDefinition) {
    this.schema = schema
    this.fields = fieldsOf(schema, [], 0, 0)
    this.fieldList = listOf(this.fields)
  }

  /** By path, or by its names joined by commas. */
  findField(path: string | readonly string[]): ParquetField {
    const branch = this.findFieldBranch(path)
    return branch[branch.length - 1]
  }

  /** The field and all above it, outermost first. */
  findFieldBranch(path: string | readonly string[]): ParquetField[] {
    const names = typeof path === 'string' ? path.split(',') : path
    const branch: ParquetField[] = []
    let fields: Record<string, ParquetField> | undefined = this.fields
    for (const name of names) {
      const field: ParquetField = fields?.[name] as ParquetField
      branch.push(field)
      fields = field?.fields
    }
    return branch
  }
}

function fieldsOf(schema: SchemaDefinition, above: string[], rLevel: number, dLevel: number): Record<string, ParquetField> {
  const label = ['schema', ...above].join('.')
  if (typeof schema !== 'object' || schema === null) throw wrongType(label, 'an object of fields', schema)
  if (Object.keys(schema).length === 0) throw outOfRange(label, 'at least one field', schema)
  const fields: Record<string, ParquetField> = Object.create(null)
  for (const [name, definition] of Object.entries(schema)) {
    if (typeof definition !== 'object' || definition === null) throw wrongType(`${label}.${name}`, 'an object {type}', definition)
    const { type = '', optional, repeated, encoding = 'PLAIN', compression = 'UNCOMPRESSED', statistics } = definition
    const common = {
      name,
      path: [...above, name],
      repetitionType: repeated ? ('REPEATED' as const) : optional ? ('OPTIONAL' as const) : ('REQUIRED' as const),
      rLevelMax: rLevel + (repeated ? 1 : 0),
      dLevelMax: dLevel + (optional || repeated ? 1 : 0),
      statistics,
    }
    if (definition.fields) {
      const fieldCount = Object.keys(definition.fields).length
      fields[name] = { ...common, isNested: true, fieldCount, fields: fieldsOf(definition.fields, common.path, common.rLevelMax, common.dLevelMax) }
      if (type === 'LIST' || type === 'MAP') fields[name].originalType = type
      continue
    }
    if (typeof type === 'string' && Object.hasOwn(INSTEAD, type))
      throw outOfRange(`${label}.${name}.type`, `a type that is supported, such as ${INSTEAD[type]}`, type)
    if (typeof type !== 'string' || !Object.hasOwn(PRIMITIVE, type))
      throw outOfRange(`${label}.${name}.type`, `one of ${Object.keys(PRIMITIVE).join(', ')}`, type)
    if (encoding !== 'PLAIN' && encoding !== 'RLE') throw outOfRange(`${label}.${name}.encoding`, 'PLAIN or RLE', encoding)
    if (!CODECS.includes(compression as 'GZIP')) throw outOfRange(`${label}.${name}.compression`, `one of ${CODECS.join(', ')}`, compression)
    const primitiveType = PRIMITIVE[type as ParquetJsType]
    const originalType = type === 'ENUM' ? 'UTF8' : primitiveType === type ? undefined : type
    fields[name] = { ...common, primitiveType, originalType, encoding, compression, typeLength: definition.typeLength }
  }
  return fields
}

function listOf(fields: Record<string, ParquetField>): ParquetField[] {
  return Object.values(fields).flatMap((field) => [field, ...(field.fields ? listOf(field.fields) : [])])
}

/** The same schema for the engine. */
export function engineFields(schema: SchemaDefinition): Field[] {
  return Object.entries(schema).map(([name, { type, optional, repeated, fields }]) => {
    const annotation = type === 'LIST' ? 'list' : type === 'MAP' ? 'map' : undefined
    const shape = fields ? { struct: engineFields(fields), ...(annotation ? { annotation } : {}) } : { leaf: LEAF[type as ParquetJsType] }
    if (!repeated) return { name, key: name, nullable: optional === true, ...shape } as Field
    return { name, key: name, nullable: false, bare: true, list: { name, key: name, nullable: false, ...shape } } as Field
  })
}
