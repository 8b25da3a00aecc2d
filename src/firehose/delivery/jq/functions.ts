// The functions of jq 1.6 that a partition query may call, by name and number of arguments.
import { gmtime, mktime, strftime, strptime } from './time.js'
import { isTrue, JqError, type Json, jsonText, split, textOf, typeOf } from './values.js'

export type JqFunction = (input: Json, ...args: Json[]) => Json

const text = (value: Json, name: string): string => {
  if (typeof value !== 'string') throw new JqError(`${name} input must be a string, got ${typeOf(value)}`)
  return value
}

const number = (value: Json, name: string): number => {
  if (typeof value !== 'number') throw new JqError(`${typeOf(value)} number required by ${name}`)
  return value
}

const cased = (value: Json, name: string, pattern: RegExp, change: (letters: string) => string): string => text(value, name).replace(pattern, change)

const ISO = '%Y-%m-%dT%H:%M:%SZ'
const fromdate: JqFunction = (value) => mktime(strptime(value, ISO))
const todate: JqFunction = (value) => strftime(value, ISO)

const FUNCTIONS: Readonly<Record<string, JqFunction>> = {
  'length/0': (value) => {
    if (value === null) return 0
    if (typeof value === 'string') return [...value].length
    if (typeof value === 'number') return Math.abs(value)
    if (typeof value === 'boolean') throw new JqError('boolean has no length')
    return Object.keys(value).length
  },
  'not/0': (value) => !isTrue(value),
  'type/0': typeOf,
  'tostring/0': textOf,
  'tojson/0': jsonText,
  'tonumber/0': (value) => {
    if (typeof value === 'number') return value
    if (typeof value !== 'string') throw new JqError(`${typeOf(value)} cannot be parsed as a number`)
    if (!/^\s*-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?\s*$/.test(value)) throw new JqError('string cannot be parsed as a number')
    return Number(value)
  },
  'ascii_downcase/0': (value) => cased(value, 'ascii_downcase', /[A-Z]+/g, (letters) => letters.toLowerCase()),
  'ascii_upcase/0': (value) => cased(value, 'ascii_upcase', /[a-z]+/g, (letters) => letters.toUpperCase()),
  'floor/0': (value) => Math.floor(number(value, 'floor')),
  'ceil/0': (value) => Math.ceil(number(value, 'ceil')),
  'round/0': (value) => Math.sign(number(value, 'round')) * Math.round(Math.abs(number(value, 'round'))),
  'gmtime/0': gmtime,
  'mktime/0': mktime,
  'strftime/1': strftime,
  'strptime/1': strptime,
  'fromdate/0': fromdate,
  'fromdateiso8601/0': fromdate,
  'todate/0': todate,
  'todateiso8601/0': todate,
  'startswith/1': (value, start) => text(value, 'startswith()').startsWith(text(start, 'startswith()')),
  'endswith/1': (value, end) => text(value, 'endswith()').endsWith(text(end, 'endswith()')),
  'ltrimstr/1': (value, start) => (typeof value === 'string' && typeof start === 'string' && value.startsWith(start) ? value.slice(start.length) : value),
  'rtrimstr/1': (value, end) =>
    typeof value === 'string' && typeof end === 'string' && value.endsWith(end) ? value.slice(0, value.length - end.length) : value,
  'split/1': (value, by) => {
    if (typeof value !== 'string' || typeof by !== 'string') throw new JqError('split input and separator must be strings')
    return split(value, by)
  },
  'join/1': (value, by) => {
    if (typeof value !== 'object' || value === null) throw new JqError(`cannot iterate over ${typeOf(value)}`)
    const parts = Object.values(value).map((part) => {
      if (Array.isArray(part) || typeOf(part) === 'object') throw new JqError(`string and ${typeOf(part)} cannot be added`)
      return part === null ? '' : textOf(part)
    })
    return parts.length === 0 ? '' : parts.join(text(by, 'join'))
  },
  'has/1': (value, key) => {
    if (value === null && (typeof key === 'string' || typeof key === 'number')) return false
    if (typeof key === 'string' && typeOf(value) === 'object') return Object.hasOwn(value as object, key)
    if (typeof key === 'number' && Array.isArray(value)) return key >= 0 && key < value.length
    throw new JqError(`cannot check whether ${typeOf(value)} has a key of type ${typeOf(key)}`)
  },
}

/** Undefined where this subset has none of that name. */
export const functionOf = (name: string, args: number): JqFunction | undefined =>
  Object.hasOwn(FUNCTIONS, `${name}/${args}`) ? FUNCTIONS[`${name}/${args}`] : undefined

/** As jq names them: name/arguments. */
export const FUNCTION_NAMES: readonly string[] = Object.keys(FUNCTIONS)
