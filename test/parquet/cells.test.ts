import { describe, expect, it } from 'vitest'
import { leavesOf } from '../../src/engine/leaves.js'
import { cellsOf } from '../../src/parquet/intake/cells.js'
import type { Leaf } from '../../src/types.js'

const cells = (leaf: Leaf, input: unknown) => cellsOf('c', leavesOf([{ name: 'c', key: 'c', nullable: true, leaf }])[0], input)
const hex = (leaf: Leaf, input: unknown) => Buffer.from(cells(leaf, input).packed!).toString('hex')

describe('cellsOf', () => {
  it.each<[string, Leaf, unknown, string]>([
    ['int8', { type: 'int8' }, Int8Array.of(-128), '80ffffff'],
    ['uint8', { type: 'uint8' }, [255n], 'ff000000'],
    ['int16', { type: 'int16' }, [-32768], '0080ffff'],
    ['uint32', { type: 'uint32' }, [4294967295], 'ffffffff'],
    ['uint64', { type: 'uint64' }, [2n ** 64n - 1n], 'ffffffffffffffff'],
    ['float', { type: 'float' }, [0.1], 'cdcccc3d'],
    ['a boolean byte', { type: 'boolean' }, Uint8Array.of(0, 7), '0001'],
    ['decimal of 9 digits', { type: 'decimal', precision: 9, scale: 2 }, [-999_999_999], '013665c4'],
    ['decimal of 18 digits', { type: 'decimal', precision: 18, scale: 2 }, BigInt64Array.of(-1n), 'ffffffffffffffff'],
    [
      'decimal of 38 digits',
      { type: 'decimal', precision: 38, scale: 2 },
      [-2n, 2n ** 64n],
      'fffffffffffffffffffffffffffffffe00000000000000010000000000000000',
    ],
    ['a date', { type: 'date' }, [new Date(-1), 5], 'ffffffff05000000'],
    ['a time in ms', { type: 'time', unit: 'ms' }, Int32Array.of(1), '01000000'],
    ['a time in ns', { type: 'time', unit: 'ns' }, [1], '0100000000000000'],
    ['a Date in ns', { type: 'timestamp', unit: 'ns' }, [new Date(1)], '40420f0000000000'],
    [
      'the epoch as INT96',
      { type: 'timestamp', unit: 'ms', int96: true },
      [new Date(0), -1],
      '00000000000000008c3d2500' +
        'c0bf5fc4944e00008b3d2500'.replace('c0bf5fc4944e0000', Buffer.from(BigInt64Array.of(86_399_999_000_000n).buffer).toString('hex')),
    ],
    ['a UUID of text', { type: 'uuid' }, ['00010203-0405-0607-0809-0A0b0c0d0e0f'], '000102030405060708090a0b0c0d0e0f'],
    ['UUIDs as bytes', { type: 'uuid' }, new Uint8Array(32), '0'.repeat(64)],
  ])('packs %s', (_, leaf, input, expected) => {
    expect(hex(leaf, input)).toBe(expected)
  })

  it('copies nothing that has the form of the column', () => {
    const values = BigInt64Array.of(1n)
    expect(cells({ type: 'int64' }, values).packed!.buffer).toBe(values.buffer)
    expect(cells({ type: 'timestamp', unit: 'us' }, values).packed!.buffer).toBe(values.buffer)
  })

  it('joins byte arrays', () => {
    const { runs, valid } = cells({ type: 'binary' }, [Uint8Array.of(1, 2), null, new Uint8Array(0), Uint8Array.of(3)])
    expect([...runs!.bytes]).toEqual([1, 2, 3])
    expect([...runs!.offsets]).toEqual([0, 2, 2, 2, 3])
    expect([...valid!]).toEqual([1, 0, 1, 1])
  })

  it.each<[Leaf, unknown, string]>([
    [{ type: 'int8' }, [128], '"c[0]" expected int8, got 128'],
    [{ type: 'uint16' }, [-1], '"c[0]" expected uint16, got -1'],
    [{ type: 'decimal', precision: 3, scale: 1 }, [1000], '"c[0]" expected the unscaled value of a decimal of 3 digits, a bigint or whole number, got 1000'],
    [{ type: 'decimal', precision: 20 }, [10n ** 20n], '"c[0]" expected the unscaled value of a decimal of 20 digits'],
    [{ type: 'uuid' }, new Uint8Array(17), '"c.length" expected a multiple of 16, the bytes of a UUID, got 17'],
    [{ type: 'uuid' }, ['x'], '"c[0]" expected uuid, got "x"'],
    [{ type: 'binary' }, ['x'], '"c[0]" expected a Uint8Array, got "x"'],
    [{ type: 'float' }, ['1'], '"c[0]" expected float, got "1"'],
  ])('refuses %j %o', (leaf, input, message) => {
    expect(() => cells(leaf, input)).toThrow(message)
  })
})
