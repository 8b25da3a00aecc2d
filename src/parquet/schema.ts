// The schema of a Parquet file in millrace's own JSON form, as far as flat records need it.
import { checkKeys, outOfRange, wrongType } from '../errors.js'
import type { TimeUnit } from '../types.js'

export type ColumnType = 'boolean' | 'int32' | 'int64' | 'double' | 'string' | 'timestamp'

export interface Column {
  /** The member of the JSON record, and the column of the file: the same, case and all. */
  name: string
  type: ColumnType
  /** Of a timestamp; default ms. Spark before 4 reads no ns. */
  unit?: TimeUnit
  /** Default true: absent members and null are nulls. */
  nullable?: boolean
}

export interface Schema {
  columns: Column[]
}

const TYPES: readonly ColumnType[] = ['boolean', 'int32', 'int64', 'double', 'string', 'timestamp']
const UNITS: readonly TimeUnit[] = ['ms', 'us', 'ns']

/**
 * Checks a schema of unknown origin and gives a copy of it. Throws TypeError or RangeError that
 * names the column and field, also for types that flat files do not have.
 */
export function parseSchema(value: unknown, label = 'schema'): Schema {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrongType(label, 'an object {columns}', value)
  checkKeys(label, value, ['columns'])
  const { columns } = value as { columns?: unknown }
  if (!Array.isArray(columns)) throw wrongType(`${label}.columns`, 'an array', columns)
  const names = new Set<string>()
  return {
    columns: columns.map((column, i) => {
      const parsed = parseColumn(column, `${label}.columns[${i}]`)
      if (names.has(parsed.name)) throw outOfRange(`${label}.columns[${i}].name`, 'a name that no other column has', parsed.name)
      names.add(parsed.name)
      return parsed
    }),
  }
}

function parseColumn(value: unknown, label: string): Column {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrongType(label, 'an object {name, type}', value)
  checkKeys(label, value, ['name', 'type', 'unit', 'nullable'])
  const { name, type, unit, nullable } = value as Record<string, unknown>
  if (typeof name !== 'string') throw wrongType(`${label}.name`, 'a string', name)
  if (name === '' || /\p{Surrogate}/u.test(name)) throw outOfRange(`${label}.name`, 'a name that has characters and is valid Unicode', name)
  if (!TYPES.includes(type as ColumnType)) throw outOfRange(`${label}.type`, `one of ${TYPES.join(', ')}`, type)
  if (unit !== undefined && type !== 'timestamp') throw outOfRange(`${label}.unit`, 'nothing, for only a timestamp has a unit', unit)
  if (unit !== undefined && !UNITS.includes(unit as TimeUnit)) throw outOfRange(`${label}.unit`, `one of ${UNITS.join(', ')}`, unit)
  if (nullable !== undefined && typeof nullable !== 'boolean') throw wrongType(`${label}.nullable`, 'a boolean', nullable)
  const column: Column = { name, type: type as ColumnType }
  if (type === 'timestamp') column.unit = (unit as TimeUnit | undefined) ?? 'ms'
  column.nullable = nullable ?? true
  return column
}
