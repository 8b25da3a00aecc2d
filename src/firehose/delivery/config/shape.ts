// Shapes of AWS's JSON: what a member may be, and an error that names its path where it is something else.
import { kindOf, outOfRange, wrongType } from '../../../errors.js'

/** Gives the value, checked; throws TypeError or RangeError with `path`. */
export type Check<T> = (value: unknown, path: string) => T

type Shape = Readonly<Record<string, Check<unknown>>>
type Checked<S extends Shape> = { [K in keyof S]: ReturnType<S[K]> }

/** What JSON has as an object. */
export const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

/** An object with these members and no others; a member that is null counts as absent, as it does to AWS. */
export function object<S extends Shape>(shape: S): Check<Checked<S>> {
  return (value, path) => {
    if (!isObject(value)) throw wrongType(path, 'an object', value)
    for (const key of Object.keys(value)) {
      if (!Object.hasOwn(shape, key)) throw new TypeError(`"${path}" expected one of ${Object.keys(shape).join(', ')}, got ${kindOf(key)}`)
    }
    const checked: Record<string, unknown> = {}
    for (const [key, check] of Object.entries(shape)) {
      const member: unknown = Object.hasOwn(value, key) ? value[key] : undefined
      checked[key] = check(member ?? undefined, `${path}.${key}`)
    }
    return checked as Checked<S>
  }
}

export const optional =
  <T>(check: Check<T>): Check<T | undefined> =>
  (value, path) =>
    value === undefined ? undefined : check(value, path)

export const list =
  <T>(check: Check<T>, least: number, most: number): Check<T[]> =>
  (value, path) => {
    if (!Array.isArray(value)) throw wrongType(path, 'an array', value)
    if (value.length < least || value.length > most) throw new RangeError(`"${path}" expected ${least} to ${most} entries, got ${value.length}`)
    return Array.from(value, (one: unknown, i) => check(one ?? undefined, `${path}[${i}]`))
  }

/** Of `least` to `most` characters; `expected` tells what the pattern wants. */
export const text =
  (least: number, most: number, pattern?: RegExp, expected?: string): Check<string> =>
  (value, path) => {
    const wanted = expected ?? `text of ${least} to ${most} characters`
    if (typeof value !== 'string') throw wrongType(path, wanted, value)
    if (value.length < least || value.length > most || (pattern && !pattern.test(value))) throw outOfRange(path, wanted, value)
    return value
  }

export const oneOf =
  <const T extends readonly string[]>(words: T): Check<T[number]> =>
  (value, path) => {
    if (typeof value !== 'string') throw wrongType(path, `one of ${words.join(', ')}`, value)
    if (!words.includes(value)) throw outOfRange(path, `one of ${words.join(', ')}`, value)
    return value
  }

export const whole =
  (least: number, most: number): Check<number> =>
  (value, path) => {
    const expected = `a whole number from ${least} to ${most}`
    if (typeof value !== 'number') throw wrongType(path, expected, value)
    if (!(Number.isInteger(value) && value >= least && value <= most)) throw outOfRange(path, expected, value)
    return value
  }

export const flag: Check<boolean> = (value, path) => {
  if (typeof value !== 'boolean') throw wrongType(path, 'true or false', value)
  return value
}

export const arn: Check<string> = text(1, 512, /^arn:/, 'an ARN')
export const bucketArn: Check<string> = text(1, 2048, /^arn:[^:]+:s3:::[\w.-]{1,255}$/, 'the ARN of a bucket, arn:aws:s3:::NAME')
export const bucketOf = (arn: string): string => arn.slice(arn.lastIndexOf(':') + 1)

/** What concerns AWS alone (roles, keys, logging): any value, and nothing is done with it. */
export const unused: Check<unknown> = (value) => value

/** What is known to AWS and not to us: refused where it is given. */
export const refused =
  (why: string): Check<undefined> =>
  (value, path) => {
    if (value !== undefined) throw new TypeError(`"${path}" expected to be absent (${why}), got ${kindOf(value)}`)
    return undefined
  }
