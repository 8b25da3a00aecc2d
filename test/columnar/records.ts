// Records of a schema, from a generator of their own.
import type { Field, Leaf } from '../../src/types.js'

export const NAMES = ['a', 'b', 'id', 'é', '', '__proto__', 'constructor', 'a name of more than thirty-two bytes in all', 'q"\\', '7', '😀']

export function random(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** Writes records of any schema from one seed: trouble 0 fits and is plain, 1 and more is neither. */
export function writer(seed: number, trouble: number) {
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
    if (type === 'int64') return pick(['0', '-7', '9007199254740993', '9223372036854775807', '-9223372036854775808', '1.5e1', '12e2'])
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
