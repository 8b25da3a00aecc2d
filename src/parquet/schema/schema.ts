// The schema of a Parquet file: millrace's own JSON form, and the one door for all forms.
import { checkKeys, jsonFault, outOfRange, wrongType } from '../../errors.js'
import type { Field, Leaf, LeafType } from '../../types.js'
import { parseDdl, type TableFields } from './ddl.js'
import { ddlOf, schemaOf } from './format.js'
import { isGlue, parseGlue } from './glue.js'
import { checkName, isKey, LEAF_OPTIONS, type LeafOptions, TYPE_NAMES, withOptions } from './leaf.js'
import type { TableOptions } from './mapping.js'
import { MAX_DEPTH, part, type Shape, TypeText } from './text.js'

type Text = string & Record<never, never>

/**
 * A type as text: a leaf (`decimal(p,s)`: p digits, 1 to 38, s of them behind the point), or
 * `list<T>`, `map<K, V>`, `struct<a: T, b: T>` of such, at most 100 deep; Hive's names are read as
 * well. Or an object, where a part of it is not nullable, has options or another key.
 */
export type ColumnType = Exclude<LeafType, 'decimal'> | Text | ListType | MapType | StructType | ValueType

export interface ListType extends Nullable {
  type: 'list'
  element: ColumnType
}

/** Keys are leaves, never null, string by default; any leaf but json, read from the text of the JSON key. */
export interface MapType extends Nullable {
  type: 'map'
  key?: ColumnType
  value: ColumnType
}

export interface StructType extends Nullable {
  type: 'struct'
  /** At least one. */
  fields: Column[]
}

/** A type as text with what may be said of its values. */
export interface ValueType extends Nullable, LeafOptions {
  type: Exclude<LeafType, 'decimal'> | Text
}

interface Nullable {
  /** Of a list's element or a map's value: whether it may be null. Default true. A column says it itself. */
  nullable?: boolean
}

/** A column of the file, or a member of a struct. */
export interface Column extends LeafOptions {
  /** In the file. */
  name: string
  type: ColumnType
  /** The member of the JSON object that holds it; default the name. */
  key?: string
  /** Default true: absent members and null are nulls. */
  nullable?: boolean
}

export interface Schema {
  columns: Column[]
}

/** What a table in a catalogue says: a writer of its files takes it all as options. */
export interface Table extends TableOptions {
  /** Partition columns included, last. */
  schema: Schema
  /** Names of partition columns, outermost first. */
  partitionBy: string[]
}

/**
 * Checks a schema of unknown origin and gives it in its own JSON form, defaults filled in. Reads
 * - that form, as an object or as JSON text: `{columns: [{name, type, ...}]}`
 * - DDL: `a int, b array<struct<c:bigint>>`, `struct<a:int>`, `CREATE EXTERNAL TABLE t (...)`
 * - what Glue's GetTable answers
 *
 * Of a table it gives the columns alone, partition columns last; parseTable() gives the rest.
 * Throws TypeError or RangeError with the path, and in text the position: `"schema.columns[2].type
 * at 14" expected ">", got ","`.
 */
export function parseSchema(value: unknown, label = 'schema'): Schema {
  return schemaOf(tableOf(value, label).fields)
}

/**
 * The schema of a table with its partition columns and what its JSON serde says of keys and values.
 * Hive's `timestamp` is taken as microseconds, numbers in it by their magnitude, `char(n)` and
 * `varchar(n)` as string without the length. Reads what parseSchema() reads, throws the same.
 */
export function parseTable(value: unknown, label = 'table'): Table {
  const { fields, ...rest } = tableOf(value, label)
  return { schema: schemaOf(fields), ...rest }
}

/**
 * The columns as Hive DDL has them, a line each: `name` type. Unsigned integers, UUIDs, JSON and times
 * of day, which Hive lacks, become the type that holds their values in the file; units, keys and
 * whether a value may be null are not said.
 */
export function formatDdl(schema: Schema): string {
  return ddlOf(fieldsOf(schema))
}

/** The schema as the engine takes it. */
export function fieldsOf(schema: unknown, label = 'schema'): Field[] {
  return tableOf(schema, label).fields
}

function tableOf(value: unknown, label: string): TableFields {
  if (typeof value === 'string') return /^\s*[{[]/.test(value) ? tableOf(json(value, label), label) : parseDdl(value, label)
  const forms = 'an object {columns}, DDL text or a GetTable response'
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrongType(label, forms, value)
  if (isGlue(value)) return parseGlue(value, label)
  checkKeys(label, value, ['columns'])
  return { fields: columnsOf((value as { columns?: unknown }).columns, `${label}.columns`, 0), partitionBy: [] }
}

function json(text: string, label: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new RangeError(`"${label}" expected JSON or DDL: ${jsonFault(error)}`)
  }
}

/** Columns or members, in `depth` containers. */
function columnsOf(columns: unknown, label: string, depth: number): Field[] {
  if (!Array.isArray(columns)) throw wrongType(label, 'an array', columns)
  const names = new Set<string>()
  const keys = new Set<string>()
  return columns.map((column: unknown, i) => {
    const at = `${label}[${i}]`
    const field = columnOf(column, at, depth)
    if (names.has(field.name)) throw outOfRange(`${at}.name`, 'a name that no other column has', field.name)
    if (keys.has(field.key)) throw outOfRange(`${at}.key`, 'a key that no other column has', field.key)
    names.add(field.name)
    keys.add(field.key)
    return field
  })
}

function columnOf(value: unknown, label: string, depth: number): Field {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrongType(label, 'an object {name, type}', value)
  checkKeys(label, value, ['name', 'type', 'key', 'nullable', ...LEAF_OPTIONS])
  const { name, key = name, type, nullable, ...options } = value as Record<string, unknown>
  checkName(`${label}.name`, name)
  checkName(`${label}.key`, key)
  // What a column says of itself, and what the object of its type says.
  const { nullable: below, ...shape } = shapeOf(type, `${label}.type`, depth)
  if (below !== undefined) throw outOfRange(`${label}.type.nullable`, 'nothing, for the column says it', below)
  if (typeof type === 'object') withOptions(undefined, options, label)
  else if (shape.leaf) shape.leaf = withOptions(shape.leaf, options, label) as Leaf
  else withOptions(undefined, options, label)
  return { name, key, nullable: nullableOf(nullable, label), ...shape }
}

function nullableOf(value: unknown, label: string): boolean {
  if (value !== undefined && typeof value !== 'boolean') throw wrongType(`${label}.nullable`, 'a boolean', value)
  return value ?? true
}

/** A type in `depth` containers, and what it says of null. */
function shapeOf(value: unknown, label: string, depth: number): Shape & { nullable?: boolean } {
  if (typeof value === 'string') return textOf(value, label, depth)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrongType(label, TYPE_NAMES, value)
  const { type, nullable, ...rest } = value as Record<string, unknown>
  const nulls = nullable === undefined ? {} : { nullable: nullableOf(nullable, label) }
  const kinds: Record<string, string[]> = { list: ['element'], map: ['key', 'value'], struct: ['fields'] }
  const parts = typeof type === 'string' && Object.hasOwn(kinds, type) ? kinds[type] : undefined
  checkKeys(label, value, ['type', 'nullable', ...(parts ?? LEAF_OPTIONS)])
  if (!parts) {
    if (typeof type === 'object') throw wrongType(`${label}.type`, 'text', type)
    const shape = textOf(type, `${label}.type`, depth)
    const leaf = withOptions(shape.leaf, rest, label)
    return { ...shape, ...(leaf ? { leaf } : {}), ...nulls }
  }
  if (depth === MAX_DEPTH) throw outOfRange(label, `at most ${MAX_DEPTH} levels of nesting`, value)
  return { ...containerOf(type as string, rest, label, depth + 1), ...nulls }
}

function containerOf(type: string, rest: Record<string, unknown>, label: string, depth: number): Shape {
  if (type === 'list') return { list: partOf('element', rest.element, label, depth) }
  if (type === 'struct') {
    const struct = columnsOf(rest.fields, `${label}.fields`, depth)
    if (struct.length === 0) throw outOfRange(`${label}.fields`, 'at least one field', rest.fields)
    return { struct }
  }
  const key = partOf('key', rest.key ?? { type: 'string', nullable: false }, label, depth)
  if (!isKey(key.leaf)) throw outOfRange(`${label}.key`, 'a type that a JSON key can say', rest.key)
  return { map: { key, value: partOf('value', rest.value, label, depth) } }
}

function partOf(name: 'element' | 'key' | 'value', value: unknown, label: string, depth: number): Field {
  const { nullable = name !== 'key', ...shape } = shapeOf(value, `${label}.${name}`, depth)
  if (name === 'key' && nullable) throw outOfRange(`${label}.key.nullable`, 'false, for no key is null', true)
  return part(name, nullable, shape)
}

function textOf(value: unknown, label: string, depth: number): Shape {
  if (typeof value !== 'string') throw wrongType(label, TYPE_NAMES, value)
  const text = new TypeText(value, { label })
  const shape = text.type(depth)
  if (!text.ended) text.fail('the end of the text')
  return shape
}
