// Two schemas of one data set: whether readers can take files of both for one table.
import type { Field, Leaf } from '../../types.js'
import { schemaOf, typeName } from './format.js'
import { fieldsOf, type Schema } from './schema.js'
import type { Shape } from './text.js'

export interface Change {
  /** Names from the column to the part that changed, lists' `element` and maps' `key` and `value` included. */
  path: string[]
  /**
   * added, removed: only one of the schemas has it. wider, narrower: the new type holds all values of
   * the old one, or the other way round. nullable, required: so in the new schema. unit: ms and us,
   * which readers tell apart by the file. type: another one. case: the name differs in case only.
   */
  kind: 'added' | 'removed' | 'wider' | 'narrower' | 'nullable' | 'required' | 'unit' | 'type' | 'case'
  /** Whether readers take files of both schemas for one table. */
  compatible: boolean
  /** Types as text, '' where there is none. */
  old: string
  new: string
}

export interface Evolution {
  /** Of the whole table: columns of both, the old ones first, each with the wider type. */
  schema: Schema
  changes: Change[]
  /** Whether all changes are. */
  compatible: boolean
}

/**
 * Compares the schema of a data set's files with that of further files. Compatible are, at any depth,
 * by name, wherever they stand:
 * - a column more or less, if it is nullable
 * - int8 < int16 < int32 < int64, the same of uint, float < double, decimals of more digits with the
 *   same scale, json < string: the widenings of Iceberg ("Schema Evolution") and such as change no
 *   physical type; in either direction, for both files are read as the wider one
 * - null where none was, and the other way round
 * - timestamps in ms and us
 *
 * All else is not, and the schema then keeps the old type. `key` does not count: it is not in files.
 * Throws as parseSchema() does.
 */
export function evolveSchema(old: Schema, next: Schema): Evolution {
  const changes: Change[] = []
  const fields = members(fieldsOf(old, 'old'), fieldsOf(next, 'next'), [], changes)
  return { schema: schemaOf(fields), changes, compatible: changes.every(({ compatible }) => compatible) }
}

function members(old: readonly Field[], next: readonly Field[], path: readonly string[], changes: Change[]): Field[] {
  const names = new Map(next.map((field) => [field.name, field]))
  const keys = new Set(next.map(({ key }) => key))
  const exact = new Set(old.map(({ name }) => name))
  const known = new Map(old.map(({ name }) => [name.toLowerCase(), name]))
  const merged = old.map((field) => {
    const other = names.get(field.name)
    const here = [...path, field.name]
    if (other) return { ...both(field, other, here, changes), key: other.key }
    changes.push({ path: here, kind: 'removed', compatible: field.nullable, old: typeName(field), new: '' })
    return keys.has(field.key) ? { ...field, key: field.name } : field
  })
  for (const field of next) {
    const twin = known.get(field.name.toLowerCase())
    if (exact.has(field.name)) continue
    const here = [...path, field.name]
    if (twin === undefined) {
      changes.push({ path: here, kind: 'added', compatible: field.nullable, old: '', new: typeName(field) })
      merged.push(field)
    } else changes.push({ path: here, kind: 'case', compatible: false, old: twin, new: field.name })
  }
  return merged
}

function both(old: Field, next: Field, path: string[], changes: Change[]): Field {
  const shape = join(old, next, path, changes)
  if (old.nullable !== next.nullable)
    changes.push({ path, kind: next.nullable ? 'nullable' : 'required', compatible: true, old: typeName(old), new: typeName(next) })
  return { name: old.name, key: old.key, nullable: old.nullable || next.nullable, ...shape }
}

/** The shape that holds both, or the old one where none does. */
function join(old: Shape, next: Shape, path: string[], changes: Change[]): Shape {
  const change = (path: string[], kind: Change['kind'], from: Shape, to: Shape) =>
    changes.push({ path, kind, compatible: kind !== 'type', old: typeName(from), new: typeName(to) })
  if (old.struct && next.struct) return { struct: members(old.struct, next.struct, path, changes) }
  if (old.list && next.list) return { list: both(old.list, next.list, [...path, 'element'], changes) }
  if (old.map && next.map) {
    const { key } = old.map
    // Keys of another type are other keys, even where one type holds both.
    if (compare(key.leaf as Leaf, next.map.key.leaf as Leaf)) change([...path, 'key'], 'type', key, next.map.key)
    return { map: { key, value: both(old.map.value, next.map.value, [...path, 'value'], changes) } }
  }
  const kind = old.leaf && next.leaf ? compare(old.leaf, next.leaf) : 'type'
  if (kind) change(path, kind, old, next)
  const { leaf, struct, list, map } = kind === 'wider' || (kind === 'unit' && next.leaf?.unit === 'us') ? next : old
  return leaf ? { leaf } : struct ? { struct } : list ? { list } : map ? { map } : {}
}

/** Each type holds all values of those before it, as the files have them. */
const LADDERS: Leaf['type'][][] = [
  ['int8', 'int16', 'int32', 'int64'],
  ['uint8', 'uint16', 'uint32', 'uint64'],
  ['float', 'double'],
  ['json', 'string'],
]

function compare(old: Leaf, next: Leaf): 'wider' | 'narrower' | 'unit' | 'type' | undefined {
  const order = (a: number, b: number) => (a === b ? undefined : a < b ? 'wider' : 'narrower')
  if (old.type !== next.type) {
    const ladder = LADDERS.find((types) => types.includes(old.type) && types.includes(next.type))
    return ladder ? order(ladder.indexOf(old.type), ladder.indexOf(next.type)) : 'type'
  }
  if (old.type === 'decimal') return (old.scale ?? 0) === (next.scale ?? 0) ? order(old.precision ?? 10, next.precision ?? 10) : 'type'
  if (old.type !== 'timestamp') return old.unit === next.unit ? undefined : 'type'
  if (old.int96 !== next.int96 || old.utc !== next.utc) return 'type'
  if (old.unit === next.unit) return undefined
  return old.unit === 'ns' || next.unit === 'ns' ? 'type' : 'unit'
}
