// The leaf columns of a schema, as the file has them: levels by Dremel's rule, physical type, order.
import type { Field, Leaf } from '../types.js'
import * as core from './core.js'
import type { Engine } from './engine.js'

/** Parquet's physical types (parquet.thrift, Type). */
export const PHYSICAL = { boolean: 0, int32: 1, int64: 2, int96: 3, float: 4, double: 5, byteArray: 6, fixed: 7 } as const

export interface LeafColumn {
  /** Names from the root to the leaf, list and map groups included: path_in_schema. */
  path: string[]
  field: Field
  leaf: Leaf
  /** Levels: each optional field and each repeated group adds one to maxDef, each repeated group one to maxRep. */
  maxDef: number
  maxRep: number
  /** Scanner's type and its parameter, see assembly/columnar/columns.ts. */
  type: number
  param: number
  physical: number
  /** Bytes of a packed value; 8, a reference, for byte arrays. */
  width: number
  order: number
}

/**
 * The leaves below `fields`, depth first, as Parquet orders its columns. In openx, numbers in a
 * timestamp that declares no epoch go by their magnitude.
 */
export function leavesOf(fields: readonly Field[], coercion: 'strict' | 'hive' | 'openx' = 'strict'): LeafColumn[] {
  const leaves: LeafColumn[] = []
  const walk = (field: Field, above: string[], def: number, rep: number) => {
    const path = [...above, field.name]
    const maxDef = def + (field.nullable ? 1 : 0)
    if (field.struct) for (const member of field.struct) walk(member, path, maxDef, rep)
    else if (field.list && field.bare) walk({ ...field.list, name: field.name }, above, def + 1, rep + 1)
    else if (field.list) walk(field.list, [...path, 'list'], maxDef + 1, rep + 1)
    else if (field.map) for (const part of [field.map.key, field.map.value]) walk(part, [...path, 'key_value'], maxDef + 1, rep + 1)
    else if (field.leaf) leaves.push({ path, field, leaf: field.leaf, maxDef, maxRep: rep, ...storage(field.leaf, coercion === 'openx') })
  }
  for (const field of fields) walk(field, [], 0, 0)
  return leaves
}

/** TIME_* of assembly/columnar/epoch.ts: what a number counts. */
const EPOCH = ['ms', 'us', 'ns', 's', 'auto']

function storage(leaf: Leaf, magnitude: boolean): Pick<LeafColumn, 'type' | 'param' | 'physical' | 'width' | 'order'> {
  const { boolean, int32, int64, int96, float, double, byteArray, fixed } = PHYSICAL
  const whole = (type: number, param: number, width: number, order: number = core.ORDER_SIGNED) => ({
    type,
    param,
    physical: width === 4 ? int32 : int64,
    width,
    order,
  })
  const bytes = (type: number, param = 0) => ({ type, param, physical: byteArray, width: 8, order: core.ORDER_BYTES })
  switch (leaf.type) {
    case 'boolean':
      return { type: core.TYPE_BOOLEAN, param: 0, physical: boolean, width: 1, order: core.ORDER_UNSIGNED }
    case 'int8':
    case 'int16':
    case 'int32':
      return whole(core.TYPE_INT32, Number(leaf.type.slice(3)), 4)
    case 'uint8':
    case 'uint16':
      return whole(core.TYPE_INT32, 128 + Number(leaf.type.slice(4)), 4, core.ORDER_UNSIGNED)
    case 'int64':
      return whole(core.TYPE_INT64, 0, 8)
    case 'uint32':
      return whole(core.TYPE_UNSIGNED, 32, 4, core.ORDER_UNSIGNED)
    case 'uint64':
      return whole(core.TYPE_UNSIGNED, 64, 8, core.ORDER_UNSIGNED)
    case 'float':
      return { type: core.TYPE_FLOAT, param: 0, physical: float, width: 4, order: core.ORDER_FLOATING }
    case 'double':
      return { type: core.TYPE_DOUBLE, param: 0, physical: double, width: 8, order: core.ORDER_FLOATING }
    case 'decimal': {
      const { precision = 10, scale = 0 } = leaf
      const param = (precision << 8) | scale
      if (precision > 18) return { type: core.TYPE_DECIMAL, param, physical: fixed, width: 16, order: core.ORDER_DECIMAL }
      return whole(core.TYPE_DECIMAL, param, precision > 9 ? 8 : 4)
    }
    case 'uuid':
      return { type: core.TYPE_UUID, param: 0, physical: fixed, width: 16, order: core.ORDER_BYTES }
    case 'date':
      return whole(core.TYPE_DATE, 0, 4)
    case 'time':
      return whole(core.TYPE_TIME, 0, leaf.unit === 'ms' || leaf.unit === undefined ? 4 : 8)
    case 'timestamp': {
      const epoch = EPOCH.indexOf(leaf.epoch ?? (magnitude ? 'auto' : (leaf.unit ?? 'ms')))
      if (leaf.int96) return { type: core.TYPE_INT96, param: epoch, physical: int96, width: 12, order: core.ORDER_NONE }
      return whole(core.TYPE_TIMESTAMP, epoch, 8)
    }
    case 'string':
      return bytes(core.TYPE_STRING)
    case 'json':
      return bytes(core.TYPE_JSON)
    case 'binary':
      return bytes(core.TYPE_BINARY, leaf.encoding === 'hex' ? 1 : 0)
  }
}

const UNITS = ['ms', 'us', 'ns']

/**
 * Reserves descriptors for `leaves`, with room for `capacity` entries each, and gives the address of
 * the first. Names are the scan's own business.
 */
export function layColumns(engine: Engine, leaves: readonly LeafColumn[], capacity: number): number {
  const columns = engine.reserve(leaves.length * core.COLUMN_SIZE)
  engine.bytes().fill(0, columns, columns + leaves.length * core.COLUMN_SIZE)
  leaves.forEach((leaf, i) => {
    const column = columns + i * core.COLUMN_SIZE
    const set = (offset: number, value: number) => {
      engine.words()[(column + offset) >> 2] = value
    }
    set(core.COLUMN_TYPE, leaf.type)
    set(core.COLUMN_PARAM, leaf.param)
    // of INT96 it is what most of its times fit (assembly/columnar/leaf.ts)
    set(core.COLUMN_UNIT, UNITS.indexOf(leaf.leaf.int96 ? 'us' : (leaf.leaf.unit ?? 'ms')))
    set(core.COLUMN_NULLABLE, leaf.field.nullable ? 1 : 0)
    set(core.COLUMN_MAX_DEF, leaf.maxDef)
    set(core.COLUMN_MAX_REP, leaf.maxRep)
    set(core.COLUMN_PHYSICAL, leaf.physical)
    set(core.COLUMN_WIDTH, leaf.width)
    set(core.COLUMN_ORDER, leaf.order)
    set(core.COLUMN_TEXT, leaf.leaf.type === 'string' || leaf.leaf.type === 'json' ? 1 : 0)
    growColumn(engine, column, leaf, capacity)
  })
  return columns
}

/** Gives a column room for `capacity` entries; what it held is gone. */
export function growColumn(engine: Engine, column: number, leaf: LeafColumn, capacity: number): void {
  // Encoders pad what they pack by up to 8 values.
  const values = engine.reserve((capacity + 8) * leaf.width)
  const levels = engine.reserve(capacity + 8)
  const reps = leaf.maxRep > 0 ? engine.reserve(capacity + 8) : 0
  const words = engine.words()
  words[(column + core.COLUMN_VALUES) >> 2] = values
  words[(column + core.COLUMN_LEVELS) >> 2] = levels
  words[(column + core.COLUMN_REPS) >> 2] = reps
  words[(column + core.COLUMN_CAPACITY) >> 2] = capacity
}
