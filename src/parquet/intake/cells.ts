// The values of one flat column, as its user has them, in the form in which the batch wants them:
// packed, `width` bytes a cell, or bytes and offsets. What is in that form already is not copied.
import type { LeafColumn } from '../../engine/leaves.js'
import { outOfRange, wrongType } from '../../errors.js'
import { type Runs, runsOf } from './runs.js'

/** A column with nulls: cells of rows that are null are there, but do not count. */
export interface ColumnWithNulls {
  values: ColumnCells
  /** One byte a row, 0 where it is null. */
  valid?: Uint8Array
  /** One bit a row, lowest first, 0 where it is null, as Arrow has it. */
  validity?: Uint8Array
}

/** Strings or binary as Arrow has them: cell i is bytes[offsets[i], offsets[i + 1]). */
export interface ColumnOfBytes {
  bytes: Uint8Array
  offsets: Int32Array | Uint32Array
  valid?: Uint8Array
  validity?: Uint8Array
}

export type ColumnCells =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | Float32Array
  | Float64Array
  | readonly unknown[]

export type ColumnInput = ColumnCells | ColumnWithNulls | ColumnOfBytes

/** A column's cells, one a row. */
export interface Cells {
  rows: number
  /** One byte a row, 0 where it is null; none where no row is. */
  valid?: Uint8Array
  /** Packed, `width` bytes each. */
  packed?: Uint8Array
  /** Or of any length. */
  runs?: Runs
}

type Numbers = Exclude<ColumnCells, readonly unknown[]>

/** Throws TypeError or RangeError that names the cell: `"columns.id[5]" expected int32, got "x"`. */
export function cellsOf(label: string, leaf: LeafColumn, input: unknown): Cells {
  if (typeof input !== 'object' || input === null) throw wrongType(label, 'a typed array, an array or {values}', input)
  const plain = isCells(input)
  const { values, bytes, offsets, valid, validity } = (plain ? { values: input } : input) as Partial<ColumnWithNulls & ColumnOfBytes>
  const cells: Cells = { rows: 0 }
  if (leaf.width === 8 && leaf.physical === 6) {
    const runs = runsOf(label, leaf.leaf.type, { values, bytes, offsets })
    cells.runs = runs.runs
    cells.rows = runs.runs.offsets.length - 1
    cells.valid = runs.valid
  } else {
    if (!isCells(values)) throw wrongType(plain ? label : `${label}.values`, 'a typed array or an array', values)
    Object.assign(cells, fixed(label, leaf, values))
  }
  const given = maskOf(label, cells.rows, valid, validity)
  if (given) cells.valid = cells.valid ? cells.valid.map((there, i) => there & given[i]) : given
  if (!leaf.field.nullable && cells.valid) {
    const missing = cells.valid.indexOf(0)
    if (missing >= 0) throw wrongType(`${label}[${missing}]`, leaf.leaf.type, null)
  }
  return cells
}

function isCells(value: unknown): value is ColumnCells {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView))
}

function maskOf(label: string, rows: number, valid: unknown, validity: unknown): Uint8Array | undefined {
  if (valid !== undefined) {
    if (!(valid instanceof Uint8Array)) throw wrongType(`${label}.valid`, 'a Uint8Array', valid)
    if (valid.length !== rows) throw outOfRange(`${label}.valid.length`, `${rows}, a byte a row`, valid.length)
    return valid.map((byte) => (byte === 0 ? 0 : 1))
  }
  if (validity === undefined) return undefined
  if (!(validity instanceof Uint8Array)) throw wrongType(`${label}.validity`, 'a Uint8Array', validity)
  if (validity.length < Math.ceil(rows / 8)) throw outOfRange(`${label}.validity.length`, `at least ${Math.ceil(rows / 8)}, a bit a row`, validity.length)
  const mask = new Uint8Array(rows)
  for (let i = 0; i < rows; i++) mask[i] = (validity[i >> 3] >> (i & 7)) & 1
  return mask
}

/** Cells of `leaf.width` bytes. */
function fixed(label: string, leaf: LeafColumn, values: ColumnCells): Cells {
  const { type } = leaf.leaf
  if (type === 'uuid' && values instanceof Uint8Array) {
    if (values.length % 16 !== 0) throw outOfRange(`${label}.length`, 'a multiple of 16, the bytes of a UUID', values.length)
    return { rows: values.length / 16, packed: values }
  }
  const rows = values.length
  const same = leaf.physical === 0 ? undefined : view(leaf, values)
  if (same) return { rows, packed: same }
  const packed = new Uint8Array(rows * leaf.width)
  const put = putter(leaf, packed, values)
  let valid: Uint8Array | undefined
  for (let i = 0; i < rows; i++) {
    const value = values[i]
    if (value === null || value === undefined) {
      valid ??= new Uint8Array(rows).fill(1)
      valid[i] = 0
    } else if (!put(i, value)) throw refused(`${label}[${i}]`, leaf, value)
  }
  return { rows, packed, valid }
}

function refused(label: string, leaf: LeafColumn, value: unknown) {
  const { type, precision = 10, unit } = leaf.leaf
  const what = type === 'decimal' ? `the unscaled value of a decimal of ${precision} digits, a bigint or whole number` : unit ? `${type} in ${unit}` : type
  return typeof value === 'number' || typeof value === 'bigint' ? outOfRange(label, what, value) : wrongType(label, what, value)
}

/** The bytes of an array that has the column's own form. */
function view(leaf: LeafColumn, values: ColumnCells): Uint8Array | undefined {
  const { type } = leaf.leaf
  const whole = type === 'int32' || type === 'int64' || type === 'date' || type === 'time' || (type === 'timestamp' && !leaf.leaf.int96)
  const same =
    (whole && leaf.width === 4 && values instanceof Int32Array) ||
    (whole && leaf.width === 8 && values instanceof BigInt64Array) ||
    (type === 'uint32' && values instanceof Uint32Array) ||
    (type === 'uint64' && values instanceof BigUint64Array) ||
    (type === 'float' && values instanceof Float32Array) ||
    (type === 'double' && values instanceof Float64Array)
  const { buffer, byteOffset, byteLength } = values as Numbers
  return same ? new Uint8Array(buffer, byteOffset, byteLength) : undefined
}

const PER_MS = { ms: 1n, us: 1000n, ns: 1_000_000n }
const NS = { ms: 1_000_000n, us: 1000n, ns: 1n }
const DAY_NS = 86_400_000_000_000n
const DAY_MS = 86_400_000
/** Julian day of 1970-01-01. */
const JULIAN = 2_440_588n

/** A function that writes one cell, or gives false for what the column cannot hold. */
function putter(leaf: LeafColumn, packed: Uint8Array, from: ColumnCells): (at: number, value: unknown) => boolean {
  const { type, unit = 'ms', int96, precision = 10 } = leaf.leaf
  const data = new DataView(packed.buffer)
  if (type === 'boolean')
    return (at, value) => {
      if (typeof value !== 'boolean' && !(from instanceof Uint8Array) && value !== 0 && value !== 1) return false
      packed[at] = value ? 1 : 0
      return true
    }
  if (type === 'float' || type === 'double')
    return (at, value) => {
      if (typeof value !== 'number' && typeof value !== 'bigint') return false
      if (leaf.width === 4) data.setFloat32(at * 4, Number(value), true)
      else data.setFloat64(at * 8, Number(value), true)
      return true
    }
  if (type === 'uuid') return (at, value) => putUuid(packed, at * 16, value)
  const moment = type === 'timestamp' ? PER_MS[unit] : undefined
  const wholeOf = (value: unknown): bigint | undefined => {
    if (typeof value === 'bigint') return value
    if (value instanceof Date && !Number.isNaN(value.getTime())) {
      if (type === 'date') return BigInt(Math.floor(value.getTime() / DAY_MS))
      return moment && BigInt(value.getTime()) * moment
    }
    return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : undefined
  }
  if (int96)
    return (at, value) => {
      const whole = wholeOf(value)
      if (whole === undefined || BigInt.asIntN(64, whole) !== whole) return false
      const ns = whole * NS[unit]
      const rest = ((ns % DAY_NS) + DAY_NS) % DAY_NS
      data.setBigUint64(at * 12, rest, true)
      data.setUint32(at * 12 + 8, Number(BigInt.asUintN(32, (ns - rest) / DAY_NS + JULIAN)), true)
      return true
    }
  const [least, most] = rangeOf(leaf, precision)
  if (leaf.width === 4) {
    const [low, high] = [Number(least), Number(most)]
    return (at, value) => {
      const whole = typeof value === 'number' ? value : Number(wholeOf(value) ?? Number.NaN)
      if (!(whole >= low && whole <= high) || Math.floor(whole) !== whole) return false
      data.setInt32(at * 4, whole, true)
      return true
    }
  }
  return (at, value) => {
    const whole = wholeOf(value)
    if (whole === undefined || whole < least || whole > most) return false
    if (leaf.width === 8) data.setBigInt64(at * 8, whole, true)
    else {
      data.setBigInt64(at * 16, whole >> 64n)
      data.setBigInt64(at * 16 + 8, BigInt.asIntN(64, whole))
    }
    return true
  }
}

function rangeOf({ leaf: { type }, width }: LeafColumn, precision: number): [bigint, bigint] {
  if (type === 'decimal') return [1n - 10n ** BigInt(precision), 10n ** BigInt(precision) - 1n]
  const bits = BigInt(/\d+$/.exec(type)?.[0] ?? width * 8)
  return type.startsWith('uint') ? [0n, 2n ** bits - 1n] : [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n]
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

function putUuid(packed: Uint8Array, at: number, value: unknown): boolean {
  if (value instanceof Uint8Array && value.length === 16) packed.set(value, at)
  else if (typeof value === 'string' && UUID.test(value)) {
    const digits = value.replaceAll('-', '')
    for (let i = 0; i < 16; i++) packed[at + i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16)
  } else return false
  return true
}
