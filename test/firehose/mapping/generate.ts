// Mappings and records that have to do with one another: few names, so that paths meet members.
import fc from 'fast-check'
import { compileMapping } from '../../../src/firehose/mapping/compile.js'
import type { FirehoseMapping, MappingCondition, MappingText } from '../../../src/firehose/mapping/mapping.js'

const NAMES = ['a', 'b', 'c', 'id', '0', '1', 'ts', '', '__proto__', 'a/b', 'm~n', 'é', 'a_longer_name_than_eight', 'toString']
const name = fc.constantFrom(...NAMES)
const path = fc
  .oneof({ weight: 3, arbitrary: fc.tuple(name) }, fc.array(name, { minLength: 1, maxLength: 3 }))
  .map((names) => (names as string[]).map((n) => `/${n.replaceAll('~', '~0').replaceAll('/', '~1')}`).join(''))

const NUMBERS = [
  '0',
  '-0',
  '1',
  '-1',
  '1.0',
  '10e-1',
  '1e2',
  '1.5',
  '-2.50',
  '0.001',
  '1e400',
  '-1E-400',
  '9007199254740993',
  '123456789012345678901234567890',
  '1700000000',
  '1700000000123',
  '-1.0000000001',
  '1e70',
  '0.0',
  '5E+1',
  '999999999999',
  '1000000000000',
  '253402300799999',
  '253402300800000',
  '-62167219200000',
  '1.7e9',
  '1700000000.9999999999',
  '-0.0000000001',
]
const STRINGS = [
  '',
  'a',
  'x',
  'ab',
  'abab',
  'aab',
  'error',
  'insert',
  'delete',
  '12',
  '1.0',
  ' 1',
  '1e3',
  '-0',
  'true',
  'false',
  '1',
  '0',
  'é',
  '\u2028',
  'a,b',
  'a"b',
  'a\nb',
  '2026-03-01',
  '2026-03-01T12:34:56Z',
  '2026-03-01 12:34:56.123456',
  '2024-02-29T23:59:60Z',
  '2024-02-29T24:00:00+02:00',
  '0000-01-01T00:00+01',
  '2026-13-01',
  '2026-02-30T00:00:00Z',
  '9999-12-31T23:59:59-01:00',
  '2026-03-01T12:00:00.9,5',
  '2026-03-01t12:00z',
  '\ud83d\ude00',
]

/** A string's text in quotes, some of its characters escaped. */
const string = fc
  .tuple(fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...STRINGS) }, fc.string({ unit: 'binary' })), fc.nat(3), fc.nat())
  .map(([text, kind, at]) => {
    const plain = JSON.stringify(text)
    if (kind > 0 || text === '') return plain
    const escaped = [...text].map((c, i) =>
      i === at % text.length
        ? [...Array(c.length).keys()].map((k) => `\\u${c.charCodeAt(k).toString(16).padStart(4, '0')}`).join('')
        : JSON.stringify(c).slice(1, -1),
    )
    return `"${escaped.join('')}"`
  })
const lone = fc.constantFrom('"\\ud800"', '"a\\udc00b"', '"\\ud83d\\ud83d\\ude00"')
const blank = fc.constantFrom('', '', '', ' ', '\n', '\t \r\n')
const key = fc.tuple(name, fc.nat(9)).map(([n, kind]) => {
  if (kind > 0 || n === '') return JSON.stringify(n)
  return `"${[...n].map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0').toUpperCase()}`).join('')}"`
})

const scalar = fc.oneof({ weight: 4, arbitrary: string }, { weight: 4, arbitrary: fc.constantFrom(...NUMBERS) }, fc.constantFrom('true', 'false', 'null'), lone)
const { value, object } = fc.letrec<{ value: string; object: string; array: string }>((tie) => ({
  value: fc.oneof({ depthSize: 'small', withCrossShrink: true }, { weight: 4, arbitrary: scalar }, tie('object'), tie('array')),
  object: fc
    .tuple(blank, fc.array(fc.tuple(key, blank, tie('value'), blank), { maxLength: 6 }))
    .map(([b, members]) => `{${b}${members.map(([k, b1, v, b2]) => `${k}${b1}:${b2}${v}${b1}`).join(`,${b}`)}}`),
  array: fc.tuple(blank, fc.array(tie('value'), { maxLength: 4 })).map(([b, items]) => `[${b}${items.join(`${b},${b}`)}${b}]`),
}))
void value

const encoder = new TextEncoder()
const DAMAGE = ['"', '\\', '{', '}', '[', ']', ',', ':', '0', '-', '.', 'e', ' ', '\n', '\0', '\x1f', 'n', 'nul', '\\u', '\\u12', 'é'].map((text) =>
  encoder.encode(text),
)

const damaged = fc.tuple(object, fc.nat(), fc.nat(3), fc.oneof(fc.constantFrom(...DAMAGE), fc.uint8Array({ maxLength: 2 }))).map(([text, at, gone, bytes]) => {
  const whole = encoder.encode(text)
  const from = at % (whole.length + 1)
  return Uint8Array.from([...whole.subarray(0, from), ...bytes, ...whole.subarray(from + gone)])
})

export const record: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 6, arbitrary: object.map((text) => encoder.encode(text)) },
  { weight: 2, arbitrary: fc.tuple(blank, fc.array(object, { maxLength: 3 }), blank).map(([b, objects, c]) => encoder.encode(b + objects.join(c) + c)) },
  { weight: 3, arbitrary: damaged },
)

const json = fc.constantFrom<unknown>(null, 1, -0.5, 'x', 'a,"b"\n', '', true, [1, { a: 'é' }], {})
const text: fc.Arbitrary<MappingText> = fc.oneof(
  path,
  fc.record({ field: path, default: fc.constantFrom('none', '"\\\u0001é', undefined) }),
  fc.record({ value: fc.constantFrom('x', 'é"') }),
)
const operation: fc.Arbitrary<MappingText> = fc.oneof(
  fc.record({ field: path, default: fc.constantFrom('insert', 'delete', undefined) }),
  fc.constantFrom({ value: 'update' }),
)

const constant = fc.oneof(
  fc.constantFrom(...STRINGS),
  fc
    .constantFrom(...NUMBERS)
    .map(Number)
    .filter(Number.isFinite),
)
const leaf: fc.Arbitrary<MappingCondition> = fc.oneof(
  fc.record({ field: path, op: fc.constantFrom('==' as const, '!=' as const), value: fc.oneof(constant, fc.constantFrom(true, false, null)) }),
  fc.record({ field: path, op: fc.constantFrom('<' as const, '<=' as const, '>' as const, '>=' as const), value: constant }),
  fc.record({ field: path, op: fc.constant('in' as const), value: fc.array(fc.oneof(constant, fc.constantFrom(true, false, null)), { maxLength: 4 }) }),
  fc.record({ field: path, op: fc.constantFrom('prefix' as const, 'contains' as const), value: fc.constantFrom(...STRINGS) }),
  fc.record({ field: path, op: fc.constant('exists' as const) }),
)
const { condition } = fc.letrec<{ condition: MappingCondition }>((tie) => ({
  condition: fc.oneof(
    { depthSize: 'small' },
    { weight: 3, arbitrary: leaf },
    fc.record({ and: fc.array(tie('condition'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ or: fc.array(tie('condition'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ not: tie('condition') }),
  ),
}))

const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 })
const dictionary = <T>(keys: fc.Arbitrary<string>, values: fc.Arbitrary<T>, maxKeys = 3) =>
  // JSON.parse makes `__proto__` a member like any other
  fc.array(fc.tuple(keys, values), { maxLength: maxKeys }).map((entries) => Object.fromEntries(entries) as Record<string, T>)

/** Of any shape: what contradicts itself compileMapping() refuses. */
export const mapping: fc.Arbitrary<FirehoseMapping> = fc.record({
  where: optional(condition),
  select: optional(dictionary(name, path, 5)),
  rename: optional(dictionary(path, name, 2)),
  cast: optional(dictionary(path, fc.constantFrom('string', 'number', 'int', 'boolean', 'timestamp', 'sql-timestamp', 'epoch-ms', 'epoch-s'), 3)),
  onCast: fc.constantFrom('fail', 'null', 'keep', undefined),
  redact: optional(fc.oneof(fc.array(path, { maxLength: 2 }), dictionary(path, json, 2))),
  hash: optional(fc.array(path, { maxLength: 2 })),
  salt: fc.constantFrom('', 'salt', undefined),
  remove: optional(fc.array(path, { maxLength: 3 })),
  add: optional(dictionary(name, json, 2)),
  flatten: fc.constantFrom(true, false, '.', '"', undefined),
  format: fc.constantFrom('json', 'json', 'csv', undefined),
  partitionKeys: optional(dictionary(name, text, 2)),
  otf: optional(fc.record({ database: optional(text), table: optional(text), operation: optional(operation) })),
}) as fc.Arbitrary<FirehoseMapping>

/** A mapping that compiles: of a refused one parts are left out until it does. */
function tamed(mapping: FirehoseMapping): FirehoseMapping {
  const left: Record<string, unknown> = { ...mapping }
  for (const part of ['', 'flatten', 'format', 'rename', 'remove', 'hash', 'redact', 'cast', 'add', 'select', 'otf', 'partitionKeys']) {
    delete left[part]
    try {
      compileMapping(left as FirehoseMapping)
      return left as FirehoseMapping
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof RangeError)) throw error
    }
  }
  return { where: mapping.where }
}

export const mappingsAndRecords = fc.record({ mapping: mapping.map(tamed), records: fc.array(record, { minLength: 1, maxLength: 8 }) })
