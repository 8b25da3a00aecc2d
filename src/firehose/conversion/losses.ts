// What a conversion does to a record without a word: fields that no column has, digits that are rounded, values
// that change their form. By the rules of conversion (rules.ts of the tests has their sources), on records that
// are converted.
import type { Field, Leaf } from '../../types.js'
import type { ConversionPlan } from './config.js'
import { documentsOf, Members, NumberText, type Tree } from './documents.js'

/**
 * unknown-field: no column has it, it is dropped. duplicate-key: of members of one name the last one counts.
 * rounded: a decimal has more digits behind the point than its column. inexact: a whole number that a float or double
 * does not hold. infinite: a number beyond them. fraction-cut: a time with more digits than its column.
 * timestamp-wraps: beyond the years 1677 to 2262, where AWS's nanoseconds in 64 bits become another time, while here it
 * is kept. as-text: an object or array in a string column. lower-case: keys of a map or of such an object. wrapped: a
 * value in place of a list became the list of it. by-position: an array in place of a struct, its elements in the order
 * of the members, further ones dropped.
 */
export type LossKind =
  | 'unknown-field'
  | 'duplicate-key'
  | 'rounded'
  | 'inexact'
  | 'infinite'
  | 'fraction-cut'
  | 'timestamp-wraps'
  | 'as-text'
  | 'lower-case'
  | 'wrapped'
  | 'by-position'

/** `column`: its path, of a field that no column has the path that it would have. `example`: the value, cut. */
export type Tell = (kind: LossKind, column: string, example: string) => void

/** Tells the losses of a record that the conversion takes. */
export function lossesOf(text: string, fields: readonly Field[], plan: ConversionPlan, tell: Tell): void {
  const walk = new Walk(plan, tell)
  for (const document of documentsOf(text)) if (document instanceof Members) walk.members(document, fields, [])
}

class Walk {
  readonly #plan: ConversionPlan
  readonly #tell: Tell
  readonly #lowers: boolean

  constructor(plan: ConversionPlan, tell: Tell) {
    this.#plan = plan
    this.#tell = tell
    this.#lowers = plan.serde === 'openx' && plan.caseInsensitive
  }

  members({ entries }: Members, fields: readonly Field[], path: readonly string[]): void {
    const known = new Map(fields.map((field) => [this.#folded(field.key), field]))
    const seen = new Set<Field>()
    for (const [key, value] of entries) {
      const field = known.get(this.#folded(key))
      if (!field) {
        this.#say('unknown-field', [...path, key], value)
        continue
      }
      if (seen.has(field)) this.#say('duplicate-key', [...path, field.name], value)
      seen.add(field)
      this.#value(value, field, [...path, field.name])
    }
  }

  #value(value: Tree, field: Field, path: readonly string[]): void {
    if (value === null) return
    const { leaf, struct, list, map } = field
    if (struct) {
      if (value instanceof Members) this.members(value, struct, path)
      else if (Array.isArray(value)) {
        this.#say('by-position', path, value)
        for (const [i, member] of struct.entries()) if (i < value.length) this.#value(value[i], member, [...path, member.name])
      }
    } else if (list) {
      const below = [...path, 'list', list.name]
      if (!Array.isArray(value)) this.#say('wrapped', path, value)
      for (const one of Array.isArray(value) ? value : [value]) this.#value(one, list, below)
    } else if (map && value instanceof Members) {
      const seen = new Set<string>()
      for (const [key, member] of value.entries) {
        const kept = this.#lowers ? lower(key) : key
        if (kept !== key) this.#say('lower-case', path, key)
        if (seen.has(kept)) this.#say('duplicate-key', path, key)
        seen.add(kept)
        this.#value(member, map.value, [...path, 'key_value', 'value'])
      }
    } else if (leaf) this.#leaf(value, leaf, path)
  }

  #leaf(value: Tree, leaf: Leaf, path: readonly string[]): void {
    if (leaf.type === 'string') {
      if (!(value instanceof Members) && !Array.isArray(value)) return
      this.#say('as-text', path, value)
      if (this.#lowers && hasUpperKey(value)) this.#say('lower-case', path, value)
      return
    }
    const text = value instanceof NumberText ? value.text : typeof value === 'string' ? value : undefined
    if (text === undefined) return
    const kind =
      leaf.type === 'decimal' && fractionDigits(text) > (leaf.scale ?? 0)
        ? 'rounded'
        : leaf.type === 'double' || leaf.type === 'float'
          ? floating(text, leaf.type)
          : leaf.type === 'timestamp'
            ? this.#timestamp(text, leaf)
            : undefined
    if (kind) this.#say(kind, path, value)
  }

  #timestamp(text: string, leaf: Leaf): LossKind | undefined {
    const year = /^(\d{4})-/.exec(text)
    const number = Number(text)
    const counts = year || !isNumber(text) ? undefined : Math.abs(number) < 1e12 && this.#plan.serde === 'openx' ? 1e9 : 1e6
    if (year ? Number(year[1]) < 1678 || Number(year[1]) > 2261 : counts !== undefined && Math.abs(number) * counts >= 2 ** 63) return 'timestamp-wraps'
    // a pattern says itself what it reads
    if (this.#plan.patterns) return undefined
    const digits = counts === 1e6 ? fractionDigits(text) + 3 : fractionDigits(text)
    const kept = leaf.int96 ? 9 : { ms: 3, us: 6, ns: 9 }[leaf.unit ?? 'ms']
    return digits > kept ? 'fraction-cut' : undefined
  }

  #folded(key: string): string {
    const { caseInsensitive, dotsToUnderscores } = this.#plan
    const cased = caseInsensitive ? lower(key) : key
    return dotsToUnderscores ? cased.replaceAll('.', '_') : cased
  }

  #say(kind: LossKind, path: readonly string[], value: Tree): void {
    this.#tell(kind, path.join('.'), shown(value))
  }
}

const lower = (key: string) => key.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())

const isNumber = (text: string) => /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(text)

function hasUpperKey(value: Tree): boolean {
  if (Array.isArray(value)) return value.some(hasUpperKey)
  return value instanceof Members && value.entries.some(([key, member]) => lower(key) !== key || hasUpperKey(member))
}

/** Digits behind the point of a number, or of a time, but zeros at the end: as it would be written without an exponent. */
function fractionDigits(text: string): number {
  const [mantissa, power = '0'] = text.split(/[eE]/, 2)
  const digits = mantissa.replace(/Z$/, '')
  const point = digits.lastIndexOf('.')
  let last = digits.length - 1
  while (digits[last] === '0' || digits[last] === '.') last--
  if (last < 0 || !/\d/.test(digits[last])) return 0
  // the place of the last digit that counts: 1 is the first behind the point, 0 the one before it
  const place = last - (point < 0 ? digits.length - 1 : last > point ? point : point - 1)
  return Math.max(0, place - Number(power))
}

function floating(text: string, type: 'double' | 'float'): LossKind | undefined {
  if (!isNumber(text)) return undefined
  const number = type === 'float' ? Math.fround(Number(text)) : Number(text)
  if (!Number.isFinite(number)) return 'infinite'
  return /^[+-]?\d+$/.test(text) && BigInt(text.replace('+', '')) !== BigInt(number) ? 'inexact' : undefined
}

const LONGEST = 60

/** The value as JSON, cut. */
function shown(value: Tree): string {
  const text =
    typeof value === 'string' ? JSON.stringify(value.slice(0, LONGEST + 1)) : value instanceof NumberText ? value.text : JSON.stringify(plain(value, 3))
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text
}

/** Of `depth` levels. */
function plain(value: Tree, depth: number): unknown {
  if (value instanceof NumberText) return Number(value.text)
  if (value instanceof Members)
    return depth === 0 ? {} : Object.fromEntries(value.entries.slice(0, LONGEST).map(([key, member]) => [key, plain(member, depth - 1)]))
  if (Array.isArray(value)) return depth === 0 ? [] : value.slice(0, LONGEST).map((one) => plain(one, depth - 1))
  return value
}
