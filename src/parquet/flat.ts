// A schema as far as a scan of flat records goes.
import { outOfRange } from '../errors.js'
import type { Field, TimeUnit } from '../types.js'
import { parseSchema } from './schema.js'

const TYPES = ['boolean', 'int32', 'int64', 'double', 'string', 'timestamp'] as const

export interface ScanField {
  name: string
  type: (typeof TYPES)[number]
  unit?: TimeUnit
  nullable?: boolean
}

/** The same as the engine takes it. */
export function flatFields(columns: readonly ScanField[]): Field[] {
  return columns.map(({ name, type, unit, nullable = true }) => ({ name, key: name, nullable, leaf: { type, ...(unit ? { unit } : {}) } }))
}

/** The columns of a schema of unknown origin; throws RangeError for what is not flat. */
export function flatColumns(schema: unknown, label: string): ScanField[] {
  return parseSchema(schema, label).columns.map(({ name, type, key, unit, nullable }, i) => {
    const flat = TYPES.find((known) => known === type)
    if (!flat) throw outOfRange(`${label}.columns[${i}].type`, `one of ${TYPES.join(', ')}`, type)
    if (key !== undefined) throw outOfRange(`${label}.columns[${i}].key`, 'the name', key)
    return { name, type: flat, ...(unit ? { unit } : {}), nullable: nullable ?? true }
  })
}
