// Fields as text: a schema in its own JSON form, and Hive DDL.
import type { Field, Leaf } from '../../types.js'
import type { LeafOptions } from './leaf.js'
import type { Column, ColumnType, Schema } from './schema.js'
import type { Shape } from './text.js'

const BARE = /^[A-Za-z_][A-Za-z0-9_]*$/

/** The schema of `fields`: types as text where text says all of them. */
export function schemaOf(fields: readonly Field[]): Schema {
  return { columns: fields.map(columnOf) }
}

function columnOf({ name, key, nullable, ...shape }: Field): Column {
  const { type, options } = typeOf(shape)
  return { name, ...(key === name ? {} : { key }), type, ...options, nullable }
}

/** A type, and the options that stand beside it. */
function typeOf(shape: Shape): { type: ColumnType; options: LeafOptions } {
  const { leaf, struct, list, map } = shape
  if (leaf) return { type: leafName(leaf), options: optionsOf(leaf) }
  const text = textOf(shape)
  if (text !== undefined) return { type: text, options: {} }
  if (list) return { type: { type: 'list', element: partOf(list) }, options: {} }
  if (map) return { type: { type: 'map', key: partOf(map.key), value: partOf(map.value) }, options: {} }
  return { type: { type: 'struct', fields: (struct as Field[]).map(columnOf) }, options: {} }
}

/** A list's element, a map's key or value. */
function partOf(field: Field): ColumnType {
  const { type, options } = typeOf(field)
  const said = { ...options, ...(field.nullable || field.name === 'key' ? {} : { nullable: false }) }
  if (Object.keys(said).length === 0) return type
  return typeof type === 'object' ? ({ ...type, ...said } as ColumnType) : { type, ...said }
}

function leafName({ type, precision = 10, scale = 0 }: Leaf): string {
  return type === 'decimal' ? `decimal(${precision},${scale})` : type
}

function optionsOf({ unit, epoch, int96, utc, encoding }: Leaf): LeafOptions {
  return {
    ...(unit === undefined ? {} : { unit }),
    ...(epoch === undefined ? {} : { epoch }),
    ...(int96 ? { int96 } : {}),
    ...(utc === false ? { utc } : {}),
    ...(encoding === undefined ? {} : { encoding }),
  }
}

/** A type as text for people, who see units but not keys. */
export function typeName(shape: Shape): string {
  return textOf(shape, true) as string
}

/** A type as text; undefined where that does not say all of it, unless `most` of it will do. */
function textOf({ leaf, struct, list, map }: Shape, most = false): string | undefined {
  if (leaf) {
    const { unit = 'ms', ...others } = optionsOf(leaf)
    if (most) return `${leafName(leaf)}${leaf.int96 ? '(int96)' : leaf.unit ? `(${leaf.unit})` : ''}${leaf.utc === false ? ' of no zone' : ''}`
    return unit === 'ms' && Object.keys(others).length === 0 ? leafName(leaf) : undefined
  }
  const parts = struct ?? (list ? [list] : map ? [map.key, map.value] : [])
  const texts: string[] = []
  for (const part of parts) {
    const text = most || (part.key === part.name && (part.nullable || part === map?.key)) ? textOf(part, most) : undefined
    if (text === undefined) return undefined
    texts.push(struct ? `${BARE.test(part.name) ? part.name : quoted(part.name)}: ${text}` : text)
  }
  return `${struct ? 'struct' : list ? 'list' : 'map'}<${texts.join(', ')}>`
}

function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}

/** Hive's type that holds all values of ours, as the file has them. */
const HIVE: Record<Leaf['type'], string> = {
  boolean: 'boolean',
  int8: 'tinyint',
  int16: 'smallint',
  int32: 'int',
  int64: 'bigint',
  uint8: 'smallint',
  uint16: 'int',
  uint32: 'bigint',
  uint64: 'decimal(20,0)',
  float: 'float',
  double: 'double',
  decimal: 'decimal',
  string: 'string',
  json: 'string',
  binary: 'binary',
  uuid: 'binary',
  date: 'date',
  time: 'bigint',
  timestamp: 'timestamp',
}

/** A column a line, `name` type. */
export function ddlOf(fields: readonly Field[]): string {
  return fields.map((field) => `${quoted(field.name)} ${hiveType(field)}`).join(',\n')
}

/** A Hive type, as a column of a Glue table has it. */
export function hiveType({ leaf, struct, list, map }: Shape): string {
  if (leaf?.type === 'decimal') return leafName(leaf)
  if (leaf?.type === 'time') return leaf.unit === 'ms' ? 'int' : 'bigint'
  if (leaf) return HIVE[leaf.type]
  if (list) return `array<${hiveType(list)}>`
  if (map) return `map<${hiveType(map.key)},${hiveType(map.value)}>`
  return `struct<${(struct as Field[]).map((field) => `${BARE.test(field.name) ? field.name : quoted(field.name)}:${hiveType(field)}`).join(',')}>`
}
