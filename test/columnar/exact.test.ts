// Whole numbers and decimals against BigInt, however the number is spelt.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Leaf } from '../../src/types.js'
import { builds } from '../builds.js'
import { scanValues } from '../columns.js'
import { cpuTime } from '../cpu.js'

/** The number in `text` times 10^scale: the whole part and whether digits were left, by BigInt alone. */
function exact(text: string, scale: number): { value: bigint; rest: bigint; unit: bigint } {
  const [, sign, int, fraction = '', power = '0'] = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text)!
  const digits = BigInt(`${int}${fraction}` || '0')
  const places = Math.max(-2000, Math.min(2000, Number(power) - fraction.length + scale))
  const unit = places < 0 ? 10n ** BigInt(-places) : 1n
  const magnitude = places < 0 ? digits / unit : digits * 10n ** BigInt(places)
  return { value: sign === '-' ? -magnitude : magnitude, rest: places < 0 ? digits % unit : 0n, unit }
}

const digits = (max: number) => fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: max })
const anyNumber = fc.oneof(
  fc
    .tuple(
      fc.boolean(),
      digits(24),
      fc.option(digits(24)),
      fc.oneof(
        fc.constant(''),
        fc.integer({ min: -45, max: 45 }).map((e) => `e${e}`),
      ),
    )
    .map(([minus, int, fraction, e]) => `${minus ? '-' : ''}${int.replace(/^0+(?=\d)/, '')}${fraction === null ? '' : `.${fraction}`}${e}`),
  fc.tuple(fc.integer(), fc.nat(9999)).map(([a, b]) => `${a}.${b}`),
  fc
    .tuple(fc.constantFrom(7n, 8n, 9n, 15n, 16n, 31n, 32n, 63n, 64n, 127n), fc.integer({ min: -2, max: 2 }), fc.boolean())
    .map(([b, d, minus]) => `${minus ? '-' : ''}${(1n << b) + BigInt(d)}`),
  fc
    .tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 20 }), fc.constantFrom('', '.0', '.5', '.49', '.00', 'e0'))
    .map(([n, z, tail]) => `${'9'.repeat(n)}${'0'.repeat(z)}`.replace(/^0*$/, '0') + tail),
)

const RANGES: Partial<Record<Leaf['type'], [bigint, bigint]>> = {
  int8: [-128n, 127n],
  int16: [-32768n, 32767n],
  int32: [-(1n << 31n), (1n << 31n) - 1n],
  int64: [-(1n << 63n), (1n << 63n) - 1n],
  uint8: [0n, 255n],
  uint16: [0n, 65535n],
  uint32: [0n, (1n << 32n) - 1n],
  uint64: [0n, (1n << 64n) - 1n],
}
const number = (cell: unknown) => (typeof cell === 'number' ? BigInt(cell) : cell)

describe.each(builds)('%s', (_, engine) => {
  it.each(Object.entries(RANGES) as [Leaf['type'], [bigint, bigint]][])('reads %s to its edges, by value and not by spelling', (type, [low, high]) => {
    const near = fc
      .tuple(fc.constantFrom(low, high, 0n), fc.bigInt({ min: -3n, max: 3n }), fc.constantFrom('', '.0', '.000', 'e0', '0e-1', '.10'))
      .map(([a, b, tail]) => `${a + b}${tail}`.replace(/^(-?)00/, '$10'))
    fc.assert(
      fc.property(fc.array(fc.oneof(near, fc.bigInt({ min: low, max: high }).map(String), anyNumber), { maxLength: 60 }), (texts) => {
        const expected = texts.map((text) => {
          const { value, rest } = exact(text, 0)
          if (rest > 0n) return { message: `${type}, got a number that is not whole` }
          return value < low || value > high ? { message: `${type}, got a number out of its range` } : value
        })
        expect(scanValues(engine, { type }, texts).map(number)).toEqual(expected)
      }),
      { numRuns: 150 },
    )
  })

  const decimal = fc.integer({ min: 1, max: 38 }).chain((precision) => fc.integer({ min: 0, max: precision }).map((scale) => ({ precision, scale })))

  it('reads decimals of every precision and scale exactly, from numbers and from text', () => {
    fc.assert(
      fc.property(decimal, fc.array(anyNumber, { maxLength: 40 }), fc.boolean(), ({ precision, scale }, texts, quoted) => {
        const type = `decimal(${precision},${scale})`
        const expected = texts.map((text) => {
          const { value, rest } = exact(text, scale)
          if (rest > 0n) return { message: `${type}, got more than ${scale} digits behind the point` }
          return value <= -(10n ** BigInt(precision)) || value >= 10n ** BigInt(precision) ? { message: `${type}, got more digits than it has` } : value
        })
        expect(scanValues(engine, { type: 'decimal', precision, scale }, quoted ? texts.map((t) => `"${t}"`) : texts)).toEqual(expected)
      }),
      { numRuns: 400 },
    )
  })

  it.each(['hive', 'openx'] as const)('rounds decimals half up in %s', (level) => {
    fc.assert(
      fc.property(decimal, fc.array(anyNumber, { maxLength: 40 }), ({ precision, scale }, texts) => {
        const expected = texts.map((text) => {
          const { value, rest, unit } = exact(text, scale)
          const rounded = rest * 2n >= unit && rest > 0n ? value + (text[0] === '-' ? -1n : 1n) : value
          const most = 10n ** BigInt(precision)
          return rounded <= -most || rounded >= most ? { message: `decimal(${precision},${scale}), got more digits than it has` } : rounded
        })
        expect(scanValues(engine, { type: 'decimal', precision, scale }, texts, level)).toEqual(expected)
      }),
      { numRuns: 300 },
    )
    const money: Omit<Leaf, never> = { type: 'decimal', precision: 5, scale: 2 }
    const cells = scanValues(engine, money, ['12.345', '-12.345', '12.3449999', '999.994', '999.995', '0.005', '0.00499', '-0.005', '"12.345"'], level)
    expect(cells).toEqual([1235n, -1235n, 1234n, 99999n, { message: 'decimal(5,2), got more digits than it has' }, 1n, 0n, -1n, 1235n])
  })

  it('takes text for a decimal where it is a number, as Java reads one, and nothing else', () => {
    const money: Leaf = { type: 'decimal', precision: 6, scale: 2 }
    expect(scanValues(engine, money, ['"+1.5"', '".5"', '"5."', '"007"', '"1e2"', '"-0"', '"1\\u002e5"'])).toEqual([150n, 50n, 500n, 700n, 10000n, 0n, 150n])
    const wrong = ['', ' 1', '1 ', '.', '+', '-', '--1', '1e', 'e5', '1.2.3', '0x10', 'NaN', 'Infinity', '1,5', '1_000', '１', '1e+', '\\ud800']
    expect(
      scanValues(
        engine,
        money,
        wrong.map((t) => `"${t}"`),
      ),
    ).toEqual(wrong.map(() => ({ message: 'decimal(6,2), got a string that is no number' })))
    expect(scanValues(engine, money, ['true', '[1]', '{}'])).toEqual(
      ['a boolean', 'an array', 'an object'].map((kind) => ({ message: `decimal(6,2), got ${kind}` })),
    )
  })

  it('reads 5,000 digits and huge exponents in linear time', () => {
    const zeros = '0'.repeat(5000)
    const wide: Leaf = { type: 'decimal', precision: 38, scale: 10 }
    const cells = scanValues(engine, wide, [
      `0.${zeros}1e5001`,
      `1${zeros}e-5000`,
      `${'9'.repeat(5000)}e-4990`,
      `1e${zeros}1`,
      '1e999999999999999999',
      '1e-999999999999999999',
      '0e999999999999999999',
    ])
    expect(cells).toEqual([
      1n * 10n ** 10n,
      1n * 10n ** 10n,
      { message: 'decimal(38,10), got more than 10 digits behind the point' },
      10n * 10n ** 10n,
      { message: 'decimal(38,10), got more digits than it has' },
      { message: 'decimal(38,10), got more than 10 digits behind the point' },
      0n,
    ])
    const text = `{"v":${'1234567890'.repeat(100_000)}}`
    const start = cpuTime()
    for (const type of ['int64', 'uint64', 'double', 'float'] as const) scanValues(engine, { type }, [text.slice(5, -1)])
    expect(scanValues(engine, wide, [text.slice(5, -1), `"${text.slice(5, -1)}"`])).toEqual(
      [1, 2].map(() => ({ message: 'decimal(38,10), got more digits than it has' })),
    )
    expect(cpuTime() - start).toBeLessThan(2000)
  })
})
