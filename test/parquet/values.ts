// Schemas, and values of them: as JSON text, and as what every reader must make of it. Generated, so
// that no parser of ours is asked what it thinks of its own output.
import fc from 'fast-check'
import type { Column, ColumnType, Schema } from '../../src/parquet/index.js'

/** A value as canonical text, or null; a list or map of such; a struct's members in the order of the schema. */
export type Want = string | null | { list: Want[] } | { map: [string, Want][] } | { struct: Want[] }

export interface Sample {
  json: string
  want: Want
}

/** A type, and how its values are made. */
export interface Kind {
  type: ColumnType
  sample: fc.Arbitrary<Sample>
  /** Canonical text of a leaf as DuckDB's binding or hyparquet shows it is made by readers.ts from `leaf`. */
  shape: Shape
}

export type Shape =
  | { leaf: string; unit?: 'ms' | 'us' | 'ns'; wall?: boolean; scale?: number; precision?: number }
  | { list: Shape }
  | { map: Shape; key: Shape }
  | { struct: { name: string; shape: Shape }[] }

const text = (unit: fc.Arbitrary<string>, maxLength = 12) => fc.string({ unit, maxLength })
const characters = fc.oneof(
  fc.constantFrom('a', 'b', 'Z', '0', ' ', '"', '\\', '/', '\n', '\t', '\u0000', '\u001f', '\u007f', 'é', '山', '\u{1f600}', '\ufffd', '\uffff'),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }).filter((c) => !/\p{Surrogate}/u.test(c)),
)

/** A JSON string of `s`, every character as it is, escaped short or as \u. */
const spelled = (s: string, how: number): string => {
  if (how === 0) return JSON.stringify(s)
  const units = [...Array(s.length).keys()].map((i) => s.charCodeAt(i))
  if (how === 1) return `"${units.map((u) => `\\u${u.toString(16).padStart(4, '0')}`).join('')}"`
  return JSON.stringify(s).replaceAll('/', '\\/')
}

const integer = (bits: number, signed: boolean) => {
  const min = signed ? -(1n << BigInt(bits - 1)) : 0n
  const max = (1n << BigInt(signed ? bits - 1 : bits)) - 1n
  return fc
    .oneof(fc.bigInt({ min, max }), fc.bigInt({ min: signed ? -9n : 0n, max: 9n }), fc.constantFrom(min, max))
    .map((n): Sample => ({ json: String(n), want: String(n) }))
}

const doubles = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer({ min: -1000, max: 1000 }).map((n) => n / 8),
  fc.constantFrom(0, -0, 5e-324, 1.7976931348623157e308, 0.1, 1 / 3),
)
/** A zero's sign is kept by every reader. */
export const floating = (x: number) => (Object.is(x, -0) ? '-0' : String(x))
const number = (x: number) => (Object.is(x, -0) ? '-0' : String(x))

export const decimalText = (unscaled: bigint, scale: number) => {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  const point = scale > 0 ? `${digits.slice(0, -scale)}.${digits.slice(-scale)}` : digits
  return `${unscaled < 0n ? '-' : ''}${point}`
}

const pad = (n: number | bigint, width: number) => String(n).padStart(width, '0')
const PER_SECOND = { ms: 1000n, us: 1_000_000n, ns: 1_000_000_000n }
const FRACTION = { ms: 3, us: 6, ns: 9 }

/** In any of its spellings; 1700 to 2260, what 64 bits of nanoseconds hold. */
const moments = (unit: 'ms' | 'us' | 'ns') =>
  fc.tuple(fc.integer({ min: -8_500_000_000, max: 9_150_000_000 }), fc.bigInt({ min: 0n, max: PER_SECOND[unit] - 1n }), fc.nat(3)).map(([s, f, how]) => {
    const iso = new Date(s * 1000).toISOString().slice(0, 19)
    const fraction = pad(f, FRACTION[unit])
    const n = BigInt(s) * PER_SECOND[unit] + f
    if (how === 0) return { json: String(n), n }
    return { json: how === 1 ? `"${iso}.${fraction}Z"` : how === 2 ? `"${iso.replace('T', ' ')}.${fraction}"` : `"${iso}.${fraction}+00:00"`, n }
  })

const leaves: fc.Arbitrary<Kind>[] = [
  fc.constant({ type: 'boolean', shape: { leaf: 'boolean' }, sample: fc.boolean().map((b) => ({ json: String(b), want: String(b) })) }),
  ...([8, 16, 32, 64] as const).flatMap((bits) => [
    fc.constant<Kind>({ type: `int${bits}`, shape: { leaf: 'integer' }, sample: integer(bits, true) }),
    fc.constant<Kind>({ type: `uint${bits}`, shape: { leaf: bits > 16 ? `uint${bits}` : 'integer' }, sample: integer(bits, false) }),
  ]),
  fc.constant({ type: 'double', shape: { leaf: 'double' }, sample: doubles.map((x) => ({ json: number(x), want: floating(x) })) }),
  fc.constant({
    type: 'float',
    shape: { leaf: 'double' },
    sample: fc.float({ noNaN: true, noDefaultInfinity: true }).map((x) => ({ json: number(x), want: floating(x) })),
  }),
  fc
    .integer({ min: 1, max: 38 })
    .chain((precision) => fc.tuple(fc.constant(precision), fc.integer({ min: 0, max: precision })))
    .map(([precision, scale]): Kind => {
      const max = 10n ** BigInt(precision) - 1n
      const sample = fc
        .tuple(fc.oneof(fc.bigInt({ min: -max, max }), fc.bigInt({ min: -9n, max: 9n }), fc.constantFrom(max, -max)), fc.boolean())
        .map(([n, quoted]): Sample => {
          const shown = decimalText(n, scale)
          return { json: quoted ? `"${shown}"` : shown, want: decimalText(n, scale) }
        })
      return { type: `decimal(${precision},${scale})`, shape: { leaf: 'decimal', scale, precision }, sample }
    }),
  fc.constant({
    type: 'string',
    shape: { leaf: 'string' },
    sample: fc.tuple(text(characters), fc.nat(2)).map(([s, how]) => ({ json: spelled(s, how), want: s })),
  }),
  fc.constant({
    type: 'json',
    shape: { leaf: 'json' },
    sample: fc
      .json({ maxDepth: 2 })
      .filter((t) => t !== 'null')
      .map((t) => ({ json: t, want: t })),
  }),
  fc.constantFrom('base64' as const, 'hex' as const).map((encoding) => ({
    type: { type: 'binary', encoding },
    shape: { leaf: 'binary' },
    sample: fc.uint8Array({ maxLength: 12 }).map((b) => {
      const bytes = Buffer.from(b)
      return { json: `"${bytes.toString(encoding)}"`, want: bytes.toString('hex') }
    }),
  })),
  fc.constant({ type: 'uuid', shape: { leaf: 'uuid' }, sample: fc.uuid().map((u) => ({ json: `"${u}"`, want: u })) }),
  fc.constant({
    type: 'date',
    shape: { leaf: 'date' },
    // years that every reader's dates hold
    sample: fc
      .integer({ min: -25_000, max: 2_900_000 })
      .map((days) => {
        const day = new Date(days * 86_400_000).toISOString().slice(0, 10)
        return { json: `"${day}"`, want: String(days) }
      })
      .filter(({ json }) => json.length === 12),
  }),
  fc.constantFrom('ms' as const, 'us' as const, 'ns' as const).map((unit) => ({
    type: { type: 'time', unit },
    shape: { leaf: 'time', unit },
    sample: fc.bigInt({ min: 0n, max: 86_400n * PER_SECOND[unit] - 1n }).map((n) => {
      const seconds = n / PER_SECOND[unit]
      const fraction = pad(n % PER_SECOND[unit], FRACTION[unit])
      return { json: `"${pad(seconds / 3600n, 2)}:${pad((seconds / 60n) % 60n, 2)}:${pad(seconds % 60n, 2)}.${fraction}"`, want: String(n) }
    }),
  })),
  ...[{ wall: false }, { wall: true }].map(({ wall }) =>
    fc.constantFrom('ms' as const, 'us' as const, 'ns' as const).map((unit) => ({
      type: { type: 'timestamp', unit, utc: !wall },
      shape: { leaf: 'timestamp', unit, wall },
      sample: moments(unit).map(({ json, n }) => ({ json, want: String(n) })),
    })),
  ),
  // by its reader a moment in nanoseconds: DuckDB's end at microseconds
  fc.constant({
    type: { type: 'timestamp', int96: true, epoch: 'us' },
    shape: { leaf: 'int96' },
    sample: moments('us').map(({ json, n }) => ({ json, want: String(n * 1000n) })),
  }),
]

const leafKind = fc.oneof(...leaves)
// no __proto__: the readers make objects of rows
const name = fc.oneof(
  fc.constantFrom('a', 'b', 'c', 'id', 'élan', 'x.y', 'toString', 'constructor', 'a b'),
  fc.string({ unit: fc.constantFrom('p', 'q', 'r', '_'), minLength: 1, maxLength: 40 }),
)

/** A value that may be absent: null in the JSON, or no member at all. */
const nullable = (sample: fc.Arbitrary<Sample>): fc.Arbitrary<Sample> => fc.option(sample, { nil: { json: 'null', want: null }, freq: 4 })

const withNull = (type: ColumnType, isNullable: boolean): ColumnType =>
  typeof type === 'string' ? (isNullable ? type : { type, nullable: false }) : { ...type, nullable: isNullable }

function listKind(element: Kind, isNullable: boolean): Kind {
  const sample = fc
    .array(isNullable ? nullable(element.sample) : element.sample, { maxLength: 4 })
    .map((items): Sample => ({ json: `[${items.map((i) => i.json).join(',')}]`, want: { list: items.map((i) => i.want) } }))
  return { type: { type: 'list', element: withNull(element.type, isNullable) }, shape: { list: element.shape }, sample }
}

function mapKind(value: Kind, isNullable: boolean): Kind {
  const entry = fc.tuple(text(characters, 6), isNullable ? nullable(value.sample) : value.sample)
  const sample = fc.uniqueArray(entry, { maxLength: 4, selector: ([k]) => k }).map(
    (entries): Sample => ({
      json: `{${entries.map(([k, v]) => `${JSON.stringify(k)}: ${v.json}`).join(' , ')}}`,
      want: { map: entries.map(([k, v]) => [k, v.want]) },
    }),
  )
  return { type: { type: 'map', value: withNull(value.type, isNullable) }, shape: { map: value.shape, key: { leaf: 'string' } }, sample }
}

export interface Member {
  column: Column
  kind: Kind
}

/** JSON of an object with the members in any order, absent ones left out or null, strangers and duplicates between. */
function object(members: readonly Member[]): fc.Arbitrary<Sample> {
  const values = members.map(({ column, kind }) => (column.nullable === false ? kind.sample : nullable(kind.sample)))
  const noise = fc.record({
    order: fc.array(fc.nat(1000), { minLength: members.length, maxLength: members.length }),
    leave: fc.boolean(),
    stranger: fc.option(fc.json({ maxDepth: 1 }), { nil: undefined, freq: 3 }),
    twice: fc.nat(5),
    blank: fc.constantFrom('', '', ' ', '\t '),
  })
  return fc.tuple(fc.tuple(...values), noise).map(([samples, { order, leave, stranger, twice, blank }]): Sample => {
    const shown = members
      .map(({ column }, i) => ({ at: order[i], key: `${JSON.stringify(column.name)}${blank}:`, sample: samples[i] }))
      .filter(({ sample }) => !(leave && sample.want === null))
      .sort((a, b) => a.at - b.at)
    const texts = shown.map(({ key, sample }) => `${key}${sample.json}`)
    // one that the same key replaces further on: what it is does not matter
    if (twice === 0 && shown.length > 0) texts.unshift(`${shown[shown.length - 1].key}[{"a":1}]`)
    if (stranger !== undefined) texts.push(`"no column ${order.length}":${stranger}`)
    return { json: `{${blank}${texts.join(`,${blank}`)}}`, want: { struct: samples.map((s) => s.want) } }
  })
}

const members = (kind: fc.Arbitrary<Kind>, max: number): fc.Arbitrary<Member[]> =>
  fc
    .uniqueArray(fc.record({ name, kind, isNullable: fc.boolean() }), { minLength: 1, maxLength: max, selector: (m) => m.name.toLowerCase() })
    .map((all) => all.map(({ name, kind, isNullable }) => ({ column: { name, type: kind.type, nullable: isNullable }, kind })))

const { kind } = fc.letrec<{ kind: Kind }>((tie) => ({
  kind: fc.oneof(
    { maxDepth: 3, depthSize: 'medium' },
    leafKind,
    leafKind,
    fc.tuple(tie('kind'), fc.boolean()).map(([k, n]) => listKind(k, n)),
    fc.tuple(tie('kind'), fc.boolean()).map(([k, n]) => mapKind(k, n)),
    members(tie('kind') as fc.Arbitrary<Kind>, 3).map(
      (inner): Kind => ({
        type: { type: 'struct', fields: inner.map((m) => m.column) },
        shape: { struct: inner.map((m) => ({ name: m.column.name, shape: m.kind.shape })) },
        sample: object(inner),
      }),
    ),
  ),
}))

export interface Table {
  schema: Schema
  shapes: { name: string; shape: Shape }[]
  rows: Sample[]
}

/** A schema with up to `maxRows` rows of it. */
export const tables = (maxRows: number): fc.Arbitrary<Table> =>
  members(kind, 5).chain((columns) =>
    fc.array(object(columns), { maxLength: maxRows }).map((rows) => ({
      schema: { columns: columns.map((m) => m.column) },
      shapes: columns.map((m) => ({ name: m.column.name, shape: m.kind.shape })),
      rows,
    })),
  )

/** The same table with `rows` rows, of those it has, in no order. */
export function repeated(table: Table, rows: number, seed: number): Table {
  let state = seed
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  if (table.rows.length === 0) return table
  // runs as well, of what lies near each other
  return { ...table, rows: Array.from({ length: rows }, (_, i) => table.rows[Math.floor((next() < 0.3 ? next() : i / rows) * table.rows.length)]) }
}
