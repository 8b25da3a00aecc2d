// The short cuts of every type say what the long way says, and both builds the same, of any text.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Coercion } from '../../src/engine/columns.js'
import type { Leaf } from '../../src/types.js'
import { builds } from '../builds.js'
import { scanValues } from '../columns.js'

const num = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('', '-'),
      fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: 42 }),
      fc.option(fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: 42 })),
      fc.constantFrom('', '', '', 'e0', 'e5', 'E-7', 'e20', 'e-30'),
    )
    .map(([m, i, f, e]) => `${m}${i.replace(/^0+(?=\d)/, '')}${f === null ? '' : `.${f}`}${e}`),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => JSON.stringify(x)),
  fc.integer().map(String),
)
const text = fc
  .oneof(
    num,
    fc.date({ noInvalidDate: true }).map((d) => d.toISOString()),
    fc.string({ unit: fc.constantFrom(...'0123456789-:T Z.+abcdefABF='), maxLength: 40 }),
    fc.base64String(),
    fc.uuid(),
    fc.constantFrom('12:34:56', '2024-1-1 1:1:1', 'true'),
  )
  .map((t) => JSON.stringify(t))
const mutated = fc.tuple(text, fc.nat(60), fc.constantFrom('', '\\u0030', '0', ' ', ':', 'Z')).map(([t, at, c]) => {
  const k = 1 + (at % (t.length - 1))
  return t.slice(0, k) + c + t.slice(k)
})
const any = fc.oneof(
  num,
  text,
  mutated,
  fc.json().map((j) => j.replaceAll('\n', ' ')),
  fc.constantFrom('true', 'null'),
)
const leaf: fc.Arbitrary<Leaf> = fc.oneof(
  fc
    .constantFrom('boolean', 'int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64', 'float', 'double', 'string', 'json', 'uuid', 'date')
    .map((type) => ({ type }) as Leaf),
  fc.integer({ min: 1, max: 38 }).chain((precision) => fc.nat(precision).map((scale) => ({ type: 'decimal', precision, scale }) as Leaf)),
  fc.constantFrom('base64', 'hex').map((encoding) => ({ type: 'binary', encoding }) as Leaf),
  fc.constantFrom('ms', 'us', 'ns').map((unit) => ({ type: 'time', unit }) as Leaf),
  fc
    .tuple(fc.constantFrom('ms', 'us', 'ns'), fc.constantFrom('s', 'ms', 'us', 'ns', 'auto', undefined), fc.boolean())
    .map(([unit, epoch, int96]) => ({ type: 'timestamp', unit, ...(epoch ? { epoch } : {}), ...(int96 ? { int96 } : {}) }) as Leaf),
)
it('agrees with the long way, on both builds', () => {
  const levels = fc.constantFrom<Coercion>('strict', 'hive', 'openx')
  fc.assert(
    fc.property(leaf, levels, fc.array(any, { maxLength: 40 }), (leaf, level, texts) => {
      const [simd, scalar] = builds.map(([, engine]) => scanValues(engine, leaf, texts, level))
      expect(simd).toEqual(scalar)
      // A blank before the value is what no short cut takes.
      const spaced = texts.map((text) => ` ${text}`)
      expect(scanValues(builds[0][1], leaf, spaced, level)).toEqual(simd)
    }),
    { numRuns: 400 },
  )
})
