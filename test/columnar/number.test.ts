// Doubles bit for bit as JSON.parse reads them; floats as a rational number rounds; int64 and int32 exactly, as BigInt does.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { builds } from '../builds.js'
import { type ScanField, scanAll, scanValues } from '../columns.js'

const DOUBLE: ScanField[] = [{ name: 'd', type: 'double', nullable: false }]

const bits = (x: number) => {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, x)
  return view.getBigUint64(0)
}
const fromBits = (b: bigint) => {
  const view = new DataView(new ArrayBuffer(8))
  view.setBigUint64(0, b)
  return view.getFloat64(0)
}

/** The value of a finite double, exactly, in decimal digits: as long as it needs to be. */
function exact(x: number, halves = 0n): string {
  const b = bits(Math.abs(x))
  const field = b >> 52n
  // mantissa x 2^exponent, with one bit more for half an ulp
  let mantissa = ((b & ((1n << 52n) - 1n)) | (field > 0n ? 1n << 52n : 0n)) * 2n + halves
  const exponent = (field > 0n ? field : 1n) - 1076n
  const sign = x < 0 ? '-' : ''
  if (exponent >= 0n) return `${sign}${mantissa << exponent}`
  mantissa *= 5n ** -exponent
  const digits = mantissa.toString().padStart(Number(-exponent) + 1, '0')
  return `${sign}${digits.slice(0, Number(exponent))}.${digits.slice(Number(exponent))}`
}

const anyBits = fc.oneof(
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  // subnormals, the smallest normals, the largest of all, around 2^53, powers of two
  fc.bigInt({ min: 0n, max: 1n << 20n }),
  fc.bigInt({ min: (1n << 52n) - 64n, max: (1n << 52n) + 64n }),
  fc.bigInt({ min: 0x7fefffffffffffc0n, max: 0x7fefffffffffffffn }),
  fc.bigInt({ min: 0x433fffffffffffc0n, max: 0x4340000000000040n }),
  fc.bigInt({ min: 0n, max: 2046n }).map((e) => e << 52n),
)
const anyDouble = anyBits.map(fromBits).filter(Number.isFinite)
const digitString = (max: number) => fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: max })
const power = fc.oneof(
  fc.constant(''),
  fc.integer({ min: -400, max: 400 }).map((e) => `e${e}`),
  fc.integer({ min: -25, max: 25 }).map((e) => `E${e < 0 ? '' : '+'}${e}`),
)
const jsonNumber = (max: number) =>
  fc
    .tuple(fc.boolean(), digitString(max), fc.option(digitString(max)), power)
    .map(([minus, int, fraction, e]) => `${minus ? '-' : ''}${int.replace(/^0+(?=\d)/, '')}${fraction === null ? '' : `.${fraction}`}${e}`)

const floatBits = (x: number) => {
  const view = new DataView(new ArrayBuffer(4))
  view.setFloat32(0, x)
  return view.getUint32(0)
}

/** The float nearest to the number in `text`, ties to even, by exact distances to the neighbours of a guess; 0 to 2^128 for infinity. */
function nearestFloat(text: string): number {
  const [, sign, int, fraction = '', power = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text)!
  // Everything in units of 10^-p and 2^-150: one common denominator.
  const places = Math.max(-1200, Math.min(1200, Number(power) - fraction.length))
  const tens = 10n ** BigInt(Math.max(0, -places))
  const target = (BigInt(int + fraction) * 10n ** BigInt(Math.max(0, places))) << 150n
  const units = (bits: number) => {
    const field = bits >>> 23
    const mantissa = BigInt(bits & 0x7fffff) + (field > 0 ? 0x800000n : 0n)
    return (mantissa << BigInt(Math.max(field, 1))) * tens
  }
  const guess = floatBits(Math.abs(Math.fround(Number(text))))
  let best = -1
  let distance = 0n
  for (const bits of [guess - 1, guess, guess + 1]) {
    if (bits < 0 || bits > 0x7f800000) continue
    const d = units(bits) - target
    const away = d < 0n ? -d : d
    if (best < 0 || away < distance || (away === distance && bits % 2 === 0)) [best, distance] = [bits, away]
  }
  return best + (sign ? 0x80000000 : 0)
}

describe.each(builds)('%s', (_, engine) => {
  const doubles = (texts: string[]) => {
    const { rows, bad } = scanAll(engine, DOUBLE, texts.map((text) => `{"d":${text}}`).join('\n'))
    expect(bad).toEqual([])
    expect(rows.map(([d]) => bits(d as number))).toEqual(texts.map((text) => bits(JSON.parse(text))))
  }

  it('reads back every double that JSON.stringify and toPrecision wrote', () => {
    const texts = anyDouble.chain((x) => fc.constantFrom(JSON.stringify(x), x.toPrecision(17), x.toExponential(), x.toPrecision(21), x.toExponential(18)))
    fc.assert(fc.property(fc.array(texts, { maxLength: 200 }), doubles), { numRuns: 150 })
  })

  it('rounds half-way cases to even and their neighbours apart', () => {
    const texts = anyDouble.chain((x) => {
      const half = exact(x, 1n)
      const dot = half.includes('.') ? '' : '.'
      // A little less: the last digit of a midpoint's fraction is 5. A little more: anything behind it.
      return fc.constantFrom(
        exact(x),
        half,
        `${half}${dot}000000000001`,
        half.replace(/5$/, '4999999999'),
        `${half}${dot}${'0'.repeat(900)}1`,
        half.replace(/^(-?\d+)\./, '$1.').concat('e0'),
      )
    })
    fc.assert(fc.property(fc.array(texts, { maxLength: 30 }), doubles), { numRuns: 60 })
  })

  it('reads digit strings of up to 800 digits', () => {
    fc.assert(fc.property(fc.array(fc.oneof(jsonNumber(800), jsonNumber(40), jsonNumber(12)), { maxLength: 40 }), doubles), { numRuns: 100 })
  })

  it('knows every power of ten, the edges and the famous hard cases', () => {
    const texts = ['0', '-0', '0.0', '-0.0e5', '0e999999999999', '1e400', '-1e400', '1e-400', '1e99999999999999999999', '1e-99999999999999999999']
    for (let e = -345; e <= 310; e++)
      texts.push(`1e${e}`, `9007199254740993e${e}`, `18446744073709551615e${e}`, `1.7976931348623157e${e}`, `123456789012345678901234567890e${e}`)
    texts.push(
      '2.2250738585072011e-308',
      '2.2250738585072012e-308',
      '4.9406564584124654e-324',
      '2.4703282292062327e-324',
      '2.4703282292062328e-324',
      '1.7976931348623158e308',
      '1.7976931348623159e308',
    )
    texts.push(
      '6929495644600919.5',
      '3.7455744005952583e15',
      '8.533e+68',
      '9.5367431640625e-7',
      '5708990770823839207320493820740630171355185152001e-3',
      '9007199254740992.5',
      '9007199254740993',
      '9007199254740991.5',
    )
    texts.push(`0.${'0'.repeat(400)}1e401`, `1${'0'.repeat(400)}e-400`, `0.${'0'.repeat(5000)}123e5000`, `${'9'.repeat(800)}e-500`, `0.${'3'.repeat(800)}`)
    doubles(texts)
  })

  const floats = (texts: string[]) => {
    expect(scanValues(engine, { type: 'float' }, texts).map((x) => floatBits(x as number))).toEqual(texts.map(nearestFloat))
  }
  const anyFloatBits = fc.oneof(
    fc.nat(0x7f7fffff),
    fc.nat(64),
    fc.integer({ min: 0x7fffc0, max: 0x800040 }),
    fc.integer({ min: 0x7f7fffc0, max: 0x7f7fffff }),
    fc.nat(254).map((e) => e << 23),
  )
  /** The midpoint above a float, exactly. */
  const midpoint = (b: number) => {
    const field = b >>> 23
    const mantissa = BigInt(b & 0x7fffff) + (field > 0 ? 0x800000n : 0n)
    // mantissa x 2^(field - 150), and half a unit more
    const exponent = BigInt(Math.max(field, 1) - 151)
    const value = mantissa * 2n + 1n
    if (exponent >= 0n) return `${value << exponent}`
    const digits = (value * 5n ** -exponent).toString().padStart(Number(-exponent) + 1, '0')
    return `${digits.slice(0, Number(exponent))}.${digits.slice(Number(exponent))}`
  }

  it('rounds floats once, from the text', () => {
    const texts = fc.oneof(
      anyFloatBits.chain((b) => {
        const half = midpoint(b)
        const dot = half.includes('.') ? '' : '.'
        return fc.constantFrom(
          half,
          `${half}${dot}0000000000000000000000000000000001`,
          half.replace(/[1-9](?=0*$)/, (d) => `${Number(d) - 1}`).concat(`${dot}9999999999999999999`),
          `-${half}`,
          `${half}e0`,
          `${half}${dot}${'0'.repeat(800)}1`,
        )
      }),
      anyFloatBits.chain((b) => fc.constantFrom(9, 8, 7, 17).map((n) => new Float32Array(new Uint32Array([b]).buffer)[0].toPrecision(n))),
      anyDouble.map((x) => JSON.stringify(x)),
      jsonNumber(40),
      jsonNumber(12),
      fc.constantFrom(
        '0',
        '-0',
        '-0.0',
        '1e400',
        '1e-400',
        '16777217',
        '16777217.0000000000000000001',
        '16777219',
        '3.4028235677973366e38',
        '3.4028235677973365e38',
        '340282356779733661637539395458142568448',
        '340282356779733661637539395458142568447.999',
        '7.006492321624085e-46',
        '7.006492321624086e-46',
        '1.401298464324817e-45',
      ),
    )
    fc.assert(fc.property(fc.array(texts, { maxLength: 60 }), floats), { numRuns: 200 })
  })

  const integers = (type: 'int64' | 'int32', texts: string[]) => {
    const { rows, bad } = scanAll(engine, [{ name: 'n', type }], texts.map((text) => `{"n":${text}}`).join('\n'))
    const seen = new Map<number, string>(bad.map((b) => [b.record, b.message]))
    let row = 0
    return texts.map((_, i) => seen.get(i) ?? rows[row++][0])
  }

  it('reads int64 to its edges and refuses what is past them', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.bigInt({ min: -(1n << 64n), max: 1n << 64n }),
            fc.bigInt({ min: (1n << 63n) - 10n, max: (1n << 63n) + 10n }).map((x) => -x),
            fc.bigInt({ min: (1n << 63n) - 10n, max: (1n << 63n) + 10n }),
            fc.integer().map(BigInt),
          ),
          { maxLength: 50 },
        ),
        (values) => {
          const range = 'column "n" expected int64, got a number out of its range'
          expect(integers('int64', values.map(String))).toEqual(values.map((x) => (x === BigInt.asIntN(64, x) ? x : range)))
        },
      ),
      { numRuns: 200 },
    )
  })

  it('takes a number for an integer by its value, not by its spelling', () => {
    const range = (type: string) => `column "n" expected ${type}, got a number out of its range`
    const broken = (type: string) => `column "n" expected ${type}, got a number that is not whole`
    const cases: [string, bigint | 'range' | 'broken'][] = [
      ['1.0', 1n],
      ['-0', 0n],
      ['-0.0', 0n],
      ['1e3', 1000n],
      ['12.50e1', 125n],
      ['1000e-3', 1n],
      ['0e99', 0n],
      ['0.000e-99', 0n],
      ['9223372036854775807.000', 9223372036854775807n],
      ['922337203685477580.7e1', 9223372036854775807n],
      ['-9223372036854775808e0', -9223372036854775808n],
      ['9223372036854775808e0', 'range'],
      ['1e19', 'range'],
      ['1e18', 1000000000000000000n],
      ['1.5', 'broken'],
      ['1e-1', 'broken'],
      ['9007199254740993.5', 'broken'],
      ['12345678901234567890123.5', 'broken'],
      ['10000000000000000000000e-21', 10n],
      ['1e99999999999999999999', 'range'],
      ['1e-99999999999999999999', 'broken'],
      ['123456789012345678', 123456789012345678n],
      ['1234567890123456789', 1234567890123456789n],
    ]
    expect(
      integers(
        'int64',
        cases.map(([text]) => text),
      ),
    ).toEqual(cases.map(([, x]) => (x === 'range' ? range('int64') : x === 'broken' ? broken('int64') : x)))
    expect(
      integers('int32', [
        '2147483647',
        '-2147483648',
        '2147483648',
        '-2147483649',
        '2147483647.0',
        '21474836470e-1',
        '4294967296',
        '1e10',
        '0.5',
        '12345678901234567890',
      ]),
    ).toEqual([
      2147483647,
      -2147483648,
      range('int32'),
      range('int32'),
      2147483647,
      2147483647,
      range('int32'),
      range('int32'),
      broken('int32'),
      range('int32'),
    ])
  })
})
