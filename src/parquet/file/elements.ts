// The schema in the footer: the tree of fields as a list of SchemaElements, depth first, each leaf with
// the meaning of its values twice: as logical type, and as converted type for readers before format 2.4.
import { type LeafColumn, leavesOf, PHYSICAL } from '../../engine/leaves.js'
import type { Field, Leaf, TimeUnit } from '../../types.js'
import type { ThriftWriter } from './thrift.js'

const REQUIRED = 0
const OPTIONAL = 1
const REPEATED = 2

/** What the values of a column are beyond their physical type. */
interface Meaning {
  /** ConvertedType; of UUIDs and nanoseconds there is none. */
  converted?: number
  /** Field id in the union LogicalType. */
  logical: number
  /** Fields of that logical type. */
  fields?: (w: ThriftWriter) => void
}

const LIST: Meaning = { converted: 3, logical: 3 }
const MAP: Meaning = { converted: 1, logical: 2 }
const UNITS: readonly TimeUnit[] = ['ms', 'us', 'ns']

/**
 * Writes the elements of `fields` below a root, one for each call of the returned thunks: lists and maps
 * have the three levels of LogicalTypes.md, `list.element` and `key_value.key`.
 */
export function schemaElements(fields: readonly Field[], w: ThriftWriter): (() => void)[] {
  const leaves = leavesOf(fields)
  let next = 0
  const elements: (() => void)[] = []
  const group = (name: string, repetition: number | undefined, children: number, meaning?: Meaning) =>
    elements.push(() =>
      w.structElement(() => {
        if (repetition !== undefined) w.i32(3, repetition)
        w.binary(4, name)
        w.i32(5, children)
        if (meaning) putMeaning(w, meaning)
      }),
    )
  const walk = (field: Field, repetition = field.nullable ? OPTIONAL : REQUIRED) => {
    if (field.struct) {
      group(field.name, repetition, field.struct.length, field.annotation && { list: LIST, map: MAP }[field.annotation])
      for (const member of field.struct) walk(member)
    } else if (field.list && field.bare) walk({ ...field.list, name: field.name }, REPEATED)
    else if (field.list) {
      group(field.name, repetition, 1, LIST)
      group('list', REPEATED, 1)
      walk(field.list)
    } else if (field.map) {
      group(field.name, repetition, 1, MAP)
      group('key_value', REPEATED, 2)
      walk(field.map.key)
      walk(field.map.value)
    } else {
      const leaf = leaves[next++]
      elements.push(() => w.structElement(() => leafElement(w, leaf, repetition)))
    }
  }
  group('schema', undefined, fields.length)
  for (const field of fields) walk(field)
  return elements
}

function leafElement(w: ThriftWriter, { path, leaf, physical, width }: LeafColumn, repetition: number): void {
  w.i32(1, physical)
  if (physical === PHYSICAL.fixed) w.i32(2, width)
  w.i32(3, repetition)
  w.binary(4, path[path.length - 1])
  const meaning = meaningOf(leaf)
  if (meaning) putMeaning(w, meaning, leaf.type === 'decimal' ? { precision: 10, scale: 0, ...leaf } : undefined)
}

/** Fields 6 (converted type), 7 and 8 (of decimals) and 10 (logical type). */
function putMeaning(w: ThriftWriter, { converted, logical, fields }: Meaning, decimal?: { scale: number; precision: number }): void {
  if (converted !== undefined) w.i32(6, converted)
  if (decimal) {
    w.i32(7, decimal.scale)
    w.i32(8, decimal.precision)
  }
  w.struct(10, () => w.struct(logical, () => fields?.(w)))
}

/** Undefined where the physical type says it all. */
function meaningOf(leaf: Leaf): Meaning | undefined {
  switch (leaf.type) {
    case 'string':
      return { converted: 0, logical: 1 }
    case 'json':
      return { converted: 19, logical: 12 }
    case 'date':
      return { converted: 6, logical: 6 }
    case 'uuid':
      return { logical: 14 }
    case 'decimal': {
      const { precision = 10, scale = 0 } = leaf
      const fields = (w: ThriftWriter) => {
        w.i32(1, scale)
        w.i32(2, precision)
      }
      return { converted: 5, logical: 5, fields }
    }
    case 'int8':
      return integer(15, 8, true)
    case 'int16':
      return integer(16, 16, true)
    case 'uint8':
      return integer(11, 8, false)
    case 'uint16':
      return integer(12, 16, false)
    case 'uint32':
      return integer(13, 32, false)
    case 'uint64':
      return integer(14, 64, false)
    case 'time':
      // a time of day is of no zone
      return clock(7, 7, leaf.utc ?? false, leaf.unit)
    case 'timestamp':
      return leaf.int96 ? undefined : clock(8, 9, leaf.utc ?? true, leaf.unit)
  }
}

function integer(converted: number, bits: number, signed: boolean): Meaning {
  const fields = (w: ThriftWriter) => {
    w.i8(1, bits)
    w.bool(2, signed)
  }
  return { converted, logical: 10, fields }
}

/**
 * A time or timestamp; `millis` is the converted type of milliseconds, the next one that of microseconds.
 * Both say UTC, but LogicalTypes.md wants them on local times too. Nanoseconds have none.
 */
function clock(logical: number, millis: number, utc: boolean, unit: TimeUnit = 'ms'): Meaning {
  const fields = (w: ThriftWriter) => {
    w.bool(1, utc)
    w.struct(2, () => w.name(UNITS.indexOf(unit) + 1))
  }
  return unit === 'ns' ? { logical, fields } : { converted: unit === 'ms' ? millis : millis + 1, logical, fields }
}
