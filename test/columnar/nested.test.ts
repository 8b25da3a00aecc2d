// Nested values against an independent shredder: JSON.parse, then Dremel's levels by recursion.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { leavesOf } from '../../src/engine/leaves.js'
import type { Field, Leaf } from '../../src/types.js'
import { builds } from '../builds.js'
import { type Cell, type Entry, scanTree } from '../columns.js'

type Json = null | boolean | string | Json[] | { [key: string]: Json }

/** The record with every string (keys too) behind an `s` and every number as a string behind an `n`: digits and order of keys survive. */
function parse(line: string): Json | undefined {
  try {
    JSON.parse(line)
    const marked = line.replace(/"((?:[^"\\]|\\.)*)"|-?[0-9][0-9.eE+-]*/g, (m) => (m[0] === '"' ? `"s${m.slice(1)}` : `"n${m}"`))
    return JSON.parse(JSON.stringify(JSON.parse(marked)))
  } catch {
    return undefined
  }
}

class Misfit extends Error {}

function cell({ type }: Leaf, value: Json): Cell {
  const string = typeof value === 'string' && value[0] === 's' ? value.slice(1) : undefined
  const number = typeof value === 'string' && value[0] === 'n' ? value.slice(1) : undefined
  if (type === 'boolean' && typeof value === 'boolean') return value
  if (type === 'string' && string !== undefined && !/\p{Surrogate}/u.test(string)) return string
  if (type === 'double' && number !== undefined) return Number(number)
  if (type === 'int32' && number !== undefined && Number.isInteger(Number(number)) && Number(number) === (Number(number) | 0)) return Number(number) | 0
  throw new Misfit(`${type}: ${JSON.stringify(value)}`)
}

/** A map's key that is no string: what stands in its quotes. */
function scalarKey(text: string): Json {
  if (text === 'true' || text === 'false') return text === 'true'
  if (!/^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text)) throw new Misfit(`key ${text}`)
  return `n${text}`
}

/** The entries of one record in each leaf; throws Misfit. */
function shred(fields: readonly Field[], record: Json, refuse = false): Entry[][] {
  const out: Entry[][] = []
  const walk = (field: Field, value: Json | undefined, def: number, rep: number, level: number, columns: Entry[][]) => {
    if (value === undefined || value === null) {
      if (!field.nullable && value !== undefined && def >= 0) throw new Misfit(`${field.name}: null`)
      absent(field, def, rep, columns)
      return
    }
    const here = def + (field.nullable ? 1 : 0)
    if (field.leaf) columns.push([[rep, here, cell(field.leaf, value)]])
    else if (field.struct) object(field.struct, value, here, rep, level, columns)
    else if (field.list) {
      if (!Array.isArray(value)) throw new Misfit(`${field.name}: no array`)
      repeat(
        [field.list],
        value.map((element) => [element]),
        here,
        rep,
        level,
        columns,
      )
    } else if (field.map) {
      if (typeof value !== 'object' || Array.isArray(value)) throw new Misfit(`${field.name}: no object`)
      const key = field.map.key.leaf as Leaf
      const pairs = Object.entries(value).map(([k, v]): Json[] => [key.type === 'string' ? k : scalarKey(k.slice(1)), v])
      repeat([field.map.key, field.map.value], pairs, here, rep, level, columns)
    }
  }
  const object = (members: readonly Field[], value: Json, def: number, rep: number, level: number, columns: Entry[][]) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Misfit('no object')
    if (refuse) for (const key of Object.keys(value)) if (!members.some((m) => `s${m.key}` === key)) throw new Misfit(`unknown ${key}`)
    for (const member of members) {
      const own = Object.hasOwn(value, `s${member.key}`) ? value[`s${member.key}`] : undefined
      if (own === undefined && !member.nullable) throw new Misfit(`${member.name}: missing`)
      walk(member, own, def, rep, level, columns)
    }
  }
  const absent = (field: Field, def: number, rep: number, columns: Entry[][]) => {
    for (const _ of leavesBelow(field)) columns.push([[rep, def]])
  }
  const repeat = (parts: Field[], items: Json[][], def: number, rep: number, level: number, columns: Entry[][]) => {
    const mine: Entry[][] = parts.flatMap((part) => leavesBelow(part).map(() => []))
    items.forEach((item, i) => {
      const one: Entry[][] = []
      parts.forEach((part, n) => {
        walk(part, item[n], def + 1, i === 0 ? rep : level + 1, level + 1, one)
      })
      one.forEach((entries, n) => {
        mine[n].push(...entries)
      })
    })
    for (const entries of mine) columns.push(items.length === 0 ? [[rep, def]] : entries)
  }
  object(fields, record, 0, 0, 0, out)
  return out
}

const leavesBelow = (field: Field): Field[] =>
  field.leaf ? [field] : (field.struct ?? (field.list ? [field.list] : [field.map?.key as Field, field.map?.value as Field])).flatMap(leavesBelow)

// Schemas

const NAMES = ['a', 'b', 'id', 'é', '', '__proto__', 'constructor', 'a name of more than thirty-two bytes in all', 'q"\\', '7', '😀']
const leafType: fc.Arbitrary<Leaf> = fc.constantFrom<Leaf>({ type: 'int32' }, { type: 'string' }, { type: 'double' }, { type: 'boolean' })
const { schema } = fc.letrec<{ field: Field; schema: Field[] }>((tie) => ({
  field: fc
    .tuple(
      fc.boolean(),
      fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        { weight: 3, arbitrary: leafType.map((leaf) => ({ leaf })) },
        { weight: 2, arbitrary: tie('schema').map((struct) => ({ struct: struct as Field[] })) },
        { weight: 2, arbitrary: tie('field').map((element) => ({ list: { ...(element as Field), name: 'element', key: 'element' } })) },
        {
          weight: 2,
          arbitrary: fc
            .tuple(fc.oneof({ weight: 4, arbitrary: fc.constant<Leaf>({ type: 'string' }) }, { weight: 1, arbitrary: leafType }), tie('field'))
            .map(([leaf, value]) => ({
              map: { key: { name: 'key', key: 'key', nullable: false, leaf }, value: { ...(value as Field), name: 'value', key: 'value' } },
            })),
        },
      ),
    )
    .map(([nullable, shape]): Field => ({ name: '', key: '', nullable, ...(shape as object) })),
  schema: fc
    .uniqueArray(fc.tuple(fc.constantFrom(...NAMES), tie('field')), { minLength: 1, maxLength: 4, selector: ([name]) => name })
    .map((members) => members.map(([name, field]) => ({ ...(field as Field), name, key: name }))),
}))

// Records of a schema, from a generator of their own: trouble 0 fits and is plain, 1 and more is neither

function random(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

function writer(seed: number, trouble: number) {
  const next = random(seed)
  const below = (n: number) => Math.floor(next() * n)
  const pick = <T>(of: readonly T[]): T => of[below(of.length)]
  const chance = (p: number) => next() < p * trouble
  const blank = () => (chance(0.05) ? pick([' ', '\t', '\r', '  ', ' \t ']) : '')
  const string = (text: string) =>
    chance(0.1)
      ? `"${[...text].map((c) => (c.length === 1 && next() < 0.3 ? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}` : JSON.stringify(c).slice(1, -1))).join('')}"`
      : JSON.stringify(text)
  const scalar = ({ type }: Leaf): string => {
    if (type === 'boolean') return pick(['true', 'false'])
    if (type === 'string') return string(pick(['', 'x', 'a longer string than sixteen bytes', 'é😀', 'tab\t"quoted"\\', ...NAMES]))
    if (type === 'double') return pick(['0', '1.5', '-2.25e3', '123456789.125', '5e-324'])
    return pick(['0', '-1', '7', '2147483647', '-2147483648', '1e2'])
  }
  const strange = (depth: number): string => {
    const kind = below(depth > 3 ? 4 : 6)
    if (kind === 4) return `[${blank()}${Array.from({ length: below(3) }, () => strange(depth + 1)).join(',')}]`
    if (kind === 5) return `{${Array.from({ length: below(3) }, () => `${string(pick(NAMES))}${blank()}:${strange(depth + 1)}${blank()}`).join(',')}}`
    return kind === 0 ? 'null' : scalar({ type: pick(['int32', 'string', 'boolean', 'double'] as const) })
  }
  const value = (field: Field): string => {
    if (chance(0.02)) return strange(0)
    if ((field.nullable && next() < 0.2) || chance(0.01)) return 'null'
    if (field.leaf) return scalar(field.leaf)
    if (field.struct) return object(field.struct)
    if (field.list) {
      const { list } = field
      return `[${blank()}${Array.from({ length: below(4) }, () => value(list) + blank()).join(`,${blank()}`)}]`
    }
    const { key, value: part } = field.map as NonNullable<Field['map']>
    const many = chance(0.02) ? 40 + below(20) : below(5)
    const keys = Array.from({ length: many }, (_, i) =>
      key.leaf?.type === 'string' ? (many > 5 ? `${i}` : pick(NAMES)) : scalar(key.leaf as Leaf).replace(/"/g, ''),
    )
    const wanted = chance(0.3) ? keys : [...new Set(keys)]
    if (chance(0.2) && many > 5) wanted.push(pick(wanted))
    return `{${blank()}${wanted.map((k) => `${string(k)}${blank()}:${blank()}${value(part)}${blank()}`).join(`,${blank()}`)}}`
  }
  const object = (members: readonly Field[]): string => {
    let out: string[] = members.flatMap((m) =>
      (m.nullable && next() < 0.15) || chance(0.01) ? [] : [`${string(m.key)}${blank()}:${blank()}${value(m)}${blank()}`],
    )
    if (chance(0.1)) out.push(`${string(pick(NAMES))}:${strange(0)}`)
    if (chance(0.15)) {
      const again = pick(members)
      out.push(`${string(again.key)}:${value(again)}`)
    }
    if (chance(0.3))
      out = out
        .map((m) => [next(), m] as const)
        .sort((x, y) => x[0] - y[0])
        .map(([, m]) => m)
    return `{${blank()}${out.join(`,${blank()}`)}}`
  }
  return { record: object, below }
}

interface Case {
  fields: Field[]
  lines: string[]
}

const cases = (most: number): fc.Arbitrary<Case> =>
  fc.tuple(schema, fc.array(fc.tuple(fc.nat(), fc.constantFrom(0, 1, 1, 3)), { minLength: 1, maxLength: most })).map(([fields, seeds]) => ({
    fields: fields as Field[],
    lines: seeds.map(([seed, trouble]) => writer(seed, trouble).record(fields as Field[])),
  }))

function expected({ fields, lines }: Case, refuse = false) {
  const leaves: Entry[][] = leavesOf(fields).map(() => [])
  const bad: number[] = []
  lines.forEach((line, i) => {
    try {
      const value = parse(line)
      if (value === undefined) throw new Misfit('no JSON')
      shred(fields, value, refuse).forEach((entries, n) => {
        leaves[n].push(...entries)
      })
    } catch (error) {
      if (!(error instanceof Misfit)) throw error
      bad.push(i)
    }
  })
  return { leaves, bad }
}

describe.each(builds)('%s', (_, engine) => {
  it('shreds records of any schema as Dremel does, and refuses what does not fit', () => {
    fc.assert(
      fc.property(cases(8), fc.integer({ min: 1, max: 9 }), fc.boolean(), (made, capacity, refuse) => {
        const { leaves, bad } = expected(made, refuse)
        const got = scanTree(engine, made.fields, made.lines.join('\n'), { capacity, unknown: refuse ? 'error' : 'drop' })
        expect(got.bad.map((b) => b.record)).toEqual(bad)
        expect(got.leaves).toEqual(leaves)
      }),
      { numRuns: 1500 },
    )
  })
})
