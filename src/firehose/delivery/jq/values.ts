// Values as jq 1.6 has them: JSON, and what its operators do with each type.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** In place of a value: `.a?` of what cannot be indexed gives none. */
export const EMPTY: unique symbol = Symbol('empty')
/** One value, or none. */
export type Output = Json | typeof EMPTY

/** A record for which the query gives an error. Its message quotes nothing of the payload. */
export class JqError extends Error {
  override readonly name = 'JqError'
}

export type Type = 'null' | 'boolean' | 'number' | 'string' | 'array' | 'object'

export function typeOf(value: Json): Type {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return typeof value as Type
}

/** Only null and false are not. */
export const isTrue = (value: Json): boolean => value !== null && value !== false

/** Without a prototype, so that `__proto__` is a key as any other. */
export const emptyObject = (): { [key: string]: Json } => Object.create(null)

const isObject = (value: Json): value is { [key: string]: Json } => typeOf(value) === 'object'

/** `.[index]`: a key of an object, or a place in an array, from its end where it is below 0; null where there is none. */
export function indexed(value: Json, index: Json): Json {
  if (typeof index === 'string' && (value === null || isObject(value))) return value && Object.hasOwn(value, index) ? value[index] : null
  if (typeof index === 'number' && (value === null || Array.isArray(value))) {
    const at = Math.floor(index)
    return value?.[at < 0 ? value.length + at : at] ?? null
  }
  throw new JqError(`cannot index ${typeOf(value)} with ${typeOf(index)}`)
}

/** `.[from:to]` of text, by code points, or of an array. */
export function sliced(value: Json, from: Json, to: Json): Json {
  if (value === null) return null
  const ends = [from, to].map((end) => {
    if (end === null) return undefined
    if (typeof end === 'number') return end
    throw new JqError('start and end indices of a slice must be numbers')
  })
  const [start, end] = [ends[0] === undefined ? undefined : Math.floor(ends[0]), ends[1] === undefined ? undefined : Math.ceil(ends[1])]
  if (typeof value === 'string') return [...value].slice(start, end).join('')
  if (Array.isArray(value)) return value.slice(start, end)
  throw new JqError(`cannot index ${typeOf(value)} with object`)
}

const ORDER: readonly string[] = ['null', 'false', 'true', 'number', 'string', 'array', 'object']
const rank = (value: Json) => ORDER.indexOf(typeof value === 'boolean' ? String(value) : typeOf(value))

/** Below 0, 0 or above, in jq's order: null, false, true, numbers, text by code points, arrays, objects. */
export function compared(a: Json, b: Json): number {
  if (rank(a) !== rank(b)) return rank(a) - rank(b)
  if (typeof a === 'number') return a - (b as number)
  if (typeof a === 'string') return comparedText(a, b as string)
  if (Array.isArray(a)) return comparedLists(a, b as Json[])
  if (!isObject(a) || !isObject(b)) return 0
  const [left, right] = [a, b].map((object) => Object.keys(object).sort(comparedText))
  const other = b
  return (
    comparedLists(left, right) ||
    comparedLists(
      left.map((key) => a[key]),
      right.map((key) => other[key]),
    )
  )
}

function comparedLists(a: readonly Json[], b: readonly Json[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const order = compared(a[i], b[i])
    if (order !== 0) return order
  }
  return a.length - b.length
}

/** JavaScript compares UTF-16 units, in which surrogates come before U+E000. */
function comparedText(a: string, b: string): number {
  for (let i = 0; i < Math.min(a.length, b.length); ) {
    const [x, y] = [a.codePointAt(i) as number, b.codePointAt(i) as number]
    if (x !== y) return x - y
    i += x > 0xffff ? 2 : 1
  }
  return a.length - b.length
}

export function added(a: Json, b: Json): Json {
  if (a === null) return b
  if (b === null) return a
  if (typeof a === 'number' && typeof b === 'number') return a + b
  if (typeof a === 'string' && typeof b === 'string') return a + b
  if (Array.isArray(a) && Array.isArray(b)) return [...a, ...b]
  if (isObject(a) && isObject(b)) return Object.assign(emptyObject(), a, b)
  throw new JqError(`${typeOf(a)} and ${typeOf(b)} cannot be added`)
}

export function calculated(operator: '-' | '*' | '/' | '%', a: Json, b: Json): Json {
  const verb = { '-': 'subtracted', '*': 'multiplied', '/': 'divided', '%': 'divided' }[operator]
  if (operator === '-' && Array.isArray(a) && Array.isArray(b)) return a.filter((one) => !b.some((other) => compared(one, other) === 0))
  if (operator === '/' && typeof a === 'string' && typeof b === 'string') return split(a, b)
  if (typeof a !== 'number' || typeof b !== 'number') throw new JqError(`${typeOf(a)} and ${typeOf(b)} cannot be ${verb}`)
  if (operator === '-') return a - b
  if (operator === '*') return a * b
  if (operator === '%') {
    if (Math.trunc(b) === 0) throw new JqError('numbers cannot be divided because the divisor is zero')
    // Of the whole parts; the sign is that of the left one, and there is no -0.
    return (Math.trunc(a) % Math.abs(Math.trunc(b))) + 0
  }
  if (b === 0) throw new JqError('numbers cannot be divided because the divisor is zero')
  return a / b
}

export const split = (text: string, by: string): string[] => (text === '' ? [] : by === '' ? [...text] : text.split(by))

/** A number as jq 1.6 prints it: shortest digits, with an exponent sooner than JavaScript's, of two digits at least. */
export function numberText(value: number): string {
  if (Number.isNaN(value)) return 'null'
  if (!Number.isFinite(value)) return value > 0 ? '1.7976931348623157e+308' : '-1.7976931348623157e+308'
  const [mantissa, power] = value.toExponential().split('e')
  const digits = mantissa.replace(/[-.]/g, '')
  const point = Number(power) + 1
  if (value !== 0 && (point <= -4 || point > digits.length + 15)) return `${mantissa}e${power[0]}${power.slice(1).padStart(2, '0')}`
  const size = Math.abs(value)
  const text = size >= 1e21 ? BigInt(size).toString() : size !== 0 && size < 1e-6 ? size.toFixed(digits.length - point) : String(size)
  return `${value < 0 || Object.is(value, -0) ? '-' : ''}${text}`
}

/** tojson. */
export function jsonText(value: Json): string {
  if (typeof value === 'number') return numberText(value)
  if (Array.isArray(value)) return `[${value.map(jsonText).join(',')}]`
  if (isObject(value)) {
    const members = Object.keys(value).map((key) => `${JSON.stringify(key)}:${jsonText(value[key])}`)
    return `{${members.join(',')}}`
  }
  return JSON.stringify(value)
}

/** tostring. */
export const textOf = (value: Json): string => (typeof value === 'string' ? value : jsonText(value))
