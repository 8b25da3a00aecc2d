// `where` as instructions in postfix order: what it asks first, then what that is joined by.

import {
  WHERE_AND,
  WHERE_AT_LEAST,
  WHERE_AT_MOST,
  WHERE_CONTAINS,
  WHERE_EQUALS,
  WHERE_EXISTS,
  WHERE_GREATER,
  WHERE_LESS,
  WHERE_NOT,
  WHERE_OR,
  WHERE_PREFIX,
} from '../../engine/transform-core.js'
import { checkKeys, outOfRange, wrongType } from '../../errors.js'
import { checkText, type Fields } from './fields.js'

/** One instruction; `constants` where it compares. */
export interface Instruction {
  op: number
  node: number
  constants: Constant[]
}

/** A value to compare with, as the core reads it: type is the first byte of its JSON, `0` of every number. */
export interface Constant {
  type: number
  text: string
  /** For `contains`: Knuth, Morris and Pratt's table over the bytes of `text`. */
  failures: Uint16Array | undefined
}

/** Verdicts that the core holds at once are 64. */
const DEPTH = 60

const COMPARISONS: Record<string, number> = {
  '==': WHERE_EQUALS,
  '!=': WHERE_EQUALS,
  '<': WHERE_LESS,
  '<=': WHERE_AT_MOST,
  '>': WHERE_GREATER,
  '>=': WHERE_AT_LEAST,
  in: WHERE_EQUALS,
  prefix: WHERE_PREFIX,
  contains: WHERE_CONTAINS,
  exists: WHERE_EXISTS,
}
const OPS = Object.keys(COMPARISONS)

/** Throws TypeError, RangeError, naming the place in the mapping. */
export function compileCondition(condition: unknown, label: string, fields: Fields): Instruction[] {
  const out: Instruction[] = []
  const join = (op: number) => out.push({ op, node: 0, constants: [] })
  const compile = (given: unknown, label: string, depth: number): void => {
    if (typeof given !== 'object' || given === null || Array.isArray(given)) throw wrongType(label, 'a condition', given)
    if (depth > DEPTH) throw outOfRange(label, `at most ${DEPTH} levels`, depth)
    const kinds = ['and', 'or', 'not', 'field'].filter((key) => Object.hasOwn(given, key))
    if (kinds.length !== 1) throw new TypeError(`"${label}" expected one of and, or, not, field, got ${kinds.length === 0 ? 'none' : kinds.join(' and ')}`)
    const [kind] = kinds
    const value = (given as Record<string, unknown>)[kind]
    if (kind === 'field') {
      comparison(given as Record<string, unknown>, label)
      return
    }
    checkKeys(label, given, [kind])
    if (kind === 'not') {
      compile(value, `${label}.not`, depth + 1)
      join(WHERE_NOT)
      return
    }
    if (!Array.isArray(value) || value.length === 0) throw wrongType(`${label}.${kind}`, 'an array with at least one condition', value)
    for (let i = 0; i < value.length; i++) {
      compile(value[i], `${label}.${kind}[${i}]`, depth + 1)
      if (i > 0) join(kind === 'and' ? WHERE_AND : WHERE_OR)
    }
  }
  const comparison = (given: Record<string, unknown>, label: string) => {
    const { field, op, value } = given
    if (typeof op !== 'string' || !OPS.includes(op)) throw new TypeError(`"${label}.op" expected one of ${OPS.join(' ')}, got ${JSON.stringify(op)}`)
    checkKeys(label, given, op === 'exists' ? ['field', 'op'] : ['field', 'op', 'value'])
    const constants = op === 'exists' ? [] : op === 'in' ? listOf(value, `${label}.value`) : [constantOf(value, op, `${label}.value`)]
    out.push({ op: COMPARISONS[op], node: fields.at(field, `${label}.field`).id, constants })
    if (op === '!=') join(WHERE_NOT)
  }
  compile(condition, label, 1)
  return out
}

function listOf(values: unknown, label: string): Constant[] {
  if (!Array.isArray(values)) throw wrongType(label, 'an array of values', values)
  return Array.from(values, (value: unknown, i) => constantOf(value, '==', `${label}[${i}]`))
}

function constantOf(value: unknown, op: string, label: string): Constant {
  const ofText = op === 'prefix' || op === 'contains'
  if (typeof value === 'string') {
    checkText(value, label)
    return { type: 0x22, text: value, failures: op === 'contains' ? failuresOf(value, label) : undefined }
  }
  if (typeof value === 'number' && !ofText) {
    if (!Number.isFinite(value)) throw outOfRange(label, 'a finite number', value)
    return { type: 0x30, text: JSON.stringify(value), failures: undefined }
  }
  const equality = op === '==' || op === '!='
  if (equality && (value === null || typeof value === 'boolean')) {
    const text = String(value)
    return { type: text.charCodeAt(0), text, failures: undefined }
  }
  throw wrongType(label, ofText ? 'text' : equality ? 'text, a number, true, false or null' : 'text or a number', value)
}

function failuresOf(text: string, label: string): Uint16Array {
  const bytes = new TextEncoder().encode(text)
  if (bytes.length > 0xffff) throw outOfRange(label, 'text of at most 65535 bytes', text)
  const failures = new Uint16Array(bytes.length)
  for (let i = 1, matched = 0; i < bytes.length; i++) {
    while (matched > 0 && bytes[i] !== bytes[matched]) matched = failures[matched - 1]
    if (bytes[i] === bytes[matched]) matched++
    failures[i] = matched
  }
  return failures
}
