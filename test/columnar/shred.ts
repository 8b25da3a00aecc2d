// Dremel's levels of a record by recursion over what JSON.parse gives: the oracle of nested scans.
import type { Field, Leaf } from '../../src/types.js'
import type { Cell, Entry } from '../columns.js'

export type Json = null | boolean | string | Json[] | { [key: string]: Json }

/** The record with every string (keys too) behind an `s` and every number as a string behind an `n`: digits and order of keys survive. */
export function parse(line: string): Json | undefined {
  try {
    JSON.parse(line)
    const marked = line.replace(/"((?:[^"\\]|\\.)*)"|-?[0-9][0-9.eE+-]*/g, (m) => (m[0] === '"' ? `"s${m.slice(1)}` : `"n${m}"`))
    return JSON.parse(JSON.stringify(JSON.parse(marked)))
  } catch {
    return undefined
  }
}

export class Misfit extends Error {}

function cell({ type }: Leaf, value: Json): Cell {
  const string = typeof value === 'string' && value[0] === 's' ? value.slice(1) : undefined
  const number = typeof value === 'string' && value[0] === 'n' ? value.slice(1) : undefined
  if (type === 'boolean' && typeof value === 'boolean') return value
  if (type === 'string' && string !== undefined && !/\p{Surrogate}/u.test(string)) return string
  if (type === 'int64' && number !== undefined && int64(number) !== undefined) return int64(number) as bigint
  if (type === 'double' && number !== undefined) return Number(number)
  // not by Number(): -2e-324 is no whole number, though it rounds to one
  const whole = number === undefined ? undefined : int64(number)
  if (type === 'int32' && whole !== undefined && BigInt.asIntN(32, whole) === whole) return Number(whole)
  throw new Misfit(`${type}: ${JSON.stringify(value)}`)
}

/** The number's text as a whole number of 64 bits, or undefined. */
function int64(text: string): bigint | undefined {
  const [, sign, int, fraction = '', power = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) as RegExpExecArray
  const digits = (int + fraction).replace(/^0+/, '').replace(/0+$/, '')
  if (digits === '') return 0n
  const scale = Number(power) - fraction.length + (int + fraction).length - (int + fraction).replace(/0+$/, '').length
  if (scale < 0 || digits.length + scale > 19) return undefined
  const value = BigInt(`${sign}${digits}${'0'.repeat(scale)}`)
  return BigInt.asIntN(64, value) === value ? value : undefined
}

/** A map's key that is no string: what stands in its quotes. */
function scalarKey(text: string): Json {
  if (text === 'true' || text === 'false') return text === 'true'
  if (!/^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text)) throw new Misfit(`key ${text}`)
  return `n${text}`
}

/** The entries of one record in each leaf; throws Misfit. */
export function shred(fields: readonly Field[], record: Json, refuse = false): Entry[][] {
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

export const leavesBelow = (field: Field): Field[] =>
  field.leaf ? [field] : (field.struct ?? (field.list ? [field.list] : [field.map?.key as Field, field.map?.value as Field])).flatMap(leavesBelow)
