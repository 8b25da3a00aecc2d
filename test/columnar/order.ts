// The orders of parquet.thrift's ColumnOrder, by BigInt and Buffer.
import { expect } from 'vitest'
import * as core from '../../src/engine/core.js'
import type { Bounds } from '../../src/engine/encoded.js'
import { type LeafColumn, PHYSICAL } from '../../src/engine/leaves.js'

/** < 0, 0 or > 0 of two packed values; the column has an order and the values have one in it. */
export function compare({ order, width, physical }: LeafColumn, a: Uint8Array, b: Uint8Array): number {
  const [x, y] = [Buffer.from(a), Buffer.from(b)]
  if (order === core.ORDER_BYTES || physical === PHYSICAL.boolean) return Buffer.compare(x, y)
  if (order === core.ORDER_DECIMAL) {
    const signed = (v: Buffer) => BigInt.asIntN(128, BigInt(`0x${v.toString('hex')}`))
    return Number(signed(x) - signed(y))
  }
  if (order === core.ORDER_FLOATING) {
    const [p, q] = width === 4 ? [x.readFloatLE(), y.readFloatLE()] : [x.readDoubleLE(), y.readDoubleLE()]
    return p < q ? -1 : p > q ? 1 : 0
  }
  const of = (v: Buffer) => {
    const bits = width === 4 ? BigInt(v.readUInt32LE()) : v.readBigUInt64LE()
    return order === core.ORDER_SIGNED ? BigInt.asIntN(width * 8, bits) : bits
  }
  return Number(of(x) - of(y))
}

/** That `bounds` are those of `values`: exact where they say so, else below and above. */
export function checkBounds(leaf: LeafColumn, values: readonly Uint8Array[], bounds: Bounds | undefined): void {
  const notANumber = (v: Uint8Array) =>
    leaf.order === core.ORDER_FLOATING && Number.isNaN(leaf.width === 4 ? Buffer.from(v).readFloatLE() : Buffer.from(v).readDoubleLE())
  const ordered = leaf.order === core.ORDER_NONE ? [] : values.filter((v) => !notANumber(v)).sort((a, b) => compare(leaf, a, b))
  // what has NaN has no bounds (assembly/columnar/statistics.ts)
  if (ordered.length === 0 || ordered.length < values.length) {
    expect(bounds).toBeUndefined()
    return
  }
  const [low, high] = [ordered[0], ordered[ordered.length - 1]]
  const long = leaf.physical === PHYSICAL.byteArray ? 64 : Number.POSITIVE_INFINITY
  if (bounds === undefined) {
    // no bytes are above all that begin so
    expect(high.length).toBeGreaterThan(long)
    return
  }
  const { min, max, minExact, maxExact } = bounds
  expect(min.length).toBeLessThanOrEqual(Math.min(low.length, long))
  expect(max.length).toBeLessThanOrEqual(long + 1)
  expect(minExact).toBe(low.length <= long)
  expect(maxExact).toBe(high.length <= long)
  if (minExact) expect(compare(leaf, min, low)).toBe(0)
  else expect(compare(leaf, min, low)).toBeLessThan(0)
  if (maxExact) expect(compare(leaf, max, high)).toBe(0)
  else expect(compare(leaf, max, high)).toBeGreaterThan(0)
  // either zero may stand for the other
  if (leaf.order === core.ORDER_FLOATING) {
    const number = (v: Uint8Array) => (leaf.width === 4 ? Buffer.from(v).readFloatLE() : Buffer.from(v).readDoubleLE())
    expect(Object.is(number(min), 0)).toBe(false)
    expect(Object.is(number(max), -0)).toBe(false)
  }
}
