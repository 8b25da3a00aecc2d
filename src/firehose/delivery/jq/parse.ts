// A subset of jq 1.6, for MetadataExtractionQuery: filters that give one value each.
//
//   pipe         a | b
//   alternative  a // b           operators  or and == != < <= > >= + - * / %
//   term         .  .a  ."a"  .["a"]  .[0]  .[1:3]  (a)  "text \(a)"  1  null  true  false  [a, b]  {a, b: .c | d}
//                if a then b elif c then d else e end, name, name(a), and ? behind any
//
// As in jq 1.6 a value within { } is a chain of terms: // and + want parentheses there.
import { MillraceError } from '../../../errors.js'
import { FUNCTION_NAMES, functionOf } from './functions.js'
import { type Reader, reader } from './tokens.js'
import { added, calculated, compared, EMPTY, emptyObject, indexed, isTrue, JqError, type Json, type Output, sliced, textOf } from './values.js'

/** A filter: one value in, one out or none. Throws JqError. */
export type Filter = (input: Json) => Output

export interface Query {
  /** Members of the object that it gives, where all are named in the query itself; else undefined. */
  readonly keys: readonly string[] | undefined
  run: Filter
}

/** Hears of the keys where the whole of what is parsed is one object. */
type Told = (names: readonly string[] | undefined) => void

/** Deepest nesting of a query: each level is a call in a call. */
const DEEPEST = 100

/** Parses a query. Throws CONFIG with the character at which something else was expected; `label` names the query. */
export function parseQuery(text: string, label: string): Query {
  const read = reader(text, (at, expected) => {
    const got = at >= text.length ? 'the end' : JSON.stringify(text.slice(at, at + 12))
    return new MillraceError('CONFIG', `expected ${expected}, got ${got}, in a query of jq 1.6 of which a part is known here`, {
      position: { source: label, offset: at },
    })
  })
  let keys: readonly string[] | undefined
  const run = pipe(read, 0, (names) => {
    keys = names
  })
  if (!read.ended()) throw read.fault('the end of the query')
  return { keys, run }
}

function pipe(read: Reader, depth: number, told?: Told): Filter {
  if (depth > DEEPEST) throw read.fault(`at most ${DEEPEST} levels of nesting`)
  const first = alternative(read, depth, told)
  if (!read.symbol('|')) return first
  // What comes behind makes another value of it.
  told?.(undefined)
  const then = pipe(read, depth + 1, told)
  return (input) => after(first(input), then)
}

const after = (value: Output, then: (value: Json) => Output): Output => (value === EMPTY ? EMPTY : then(value))

function alternative(read: Reader, depth: number, told?: Told): Filter {
  const left = binary(read, depth, 0, told)
  if (!read.symbol('//')) return left
  told?.(undefined)
  const right = alternative(read, depth + 1)
  return (input) => {
    const value = left(input)
    return value !== EMPTY && isTrue(value) ? value : right(input)
  }
}

type Operator = (a: Json, b: Json) => Json

/** From those that bind least. */
const LEVELS: readonly Readonly<Record<string, Operator>>[] = [
  { or: (a, b) => isTrue(a) || isTrue(b) },
  { and: (a, b) => isTrue(a) && isTrue(b) },
  {
    '==': (a, b) => compared(a, b) === 0,
    '!=': (a, b) => compared(a, b) !== 0,
    '<=': (a, b) => compared(a, b) <= 0,
    '>=': (a, b) => compared(a, b) >= 0,
    '<': (a, b) => compared(a, b) < 0,
    '>': (a, b) => compared(a, b) > 0,
  },
  { '+': added, '-': (a, b) => calculated('-', a, b) },
  { '*': (a, b) => calculated('*', a, b), '/': (a, b) => calculated('/', a, b), '%': (a, b) => calculated('%', a, b) },
]
const COMPARISONS = 2

function binary(read: Reader, depth: number, level: number, told?: Told): Filter {
  if (level === LEVELS.length) return term(read, depth, told)
  let left = binary(read, depth, level + 1, told)
  for (let count = 0; ; count++) {
    const at = read.at()
    const name = Object.keys(LEVELS[level]).find((operator) => (/\w/.test(operator) ? read.word(operator) : read.symbol(operator)))
    if (name === undefined) return left
    if (level === COMPARISONS && count > 0) throw read.fault('one comparison, or parentheses', at)
    told?.(undefined)
    const apply = LEVELS[level][name]
    const before = left
    const right = binary(read, depth, level + 1)
    left = (input) => after(before(input), (a) => shortcut(name, a) ?? after(right(input), (b) => apply(a, b)))
  }
}

/** `and` and `or` do not look at their right where the left decides. */
function shortcut(operator: string, left: Json): boolean | undefined {
  if (operator === 'or' && isTrue(left)) return true
  return operator === 'and' && !isTrue(left) ? false : undefined
}

function term(read: Reader, depth: number, told?: Told): Filter {
  let filter = primary(read, depth, told)
  for (;;) {
    const base = filter
    const next = suffix(read, depth, base)
    if (next === undefined) return filter
    told?.(undefined)
    filter = next
  }
}

/** `.a`, `[..]` or `?` behind a term. */
function suffix(read: Reader, depth: number, base: Filter): Filter | undefined {
  if (read.symbol('?')) return tried(base)
  const index = step(read, depth)
  if (index === undefined) return undefined
  // A ? behind an index is about that index alone.
  const quiet = read.symbol('?')
  return (input) => after(base(input), (value) => (quiet ? tried((of: Json) => index(of, input))(value) : index(value, input)))
}

const tried =
  (filter: Filter): Filter =>
  (input) => {
    try {
      return filter(input)
    } catch (error) {
      if (error instanceof JqError) return EMPTY
      throw error
    }
  }

/** An index or a slice of `value`; what stands in the brackets is about `input`. */
function step(read: Reader, depth: number): ((value: Json, input: Json) => Output) | undefined {
  const field = read.field()
  if (field !== undefined) return (value) => indexed(value, field)
  if (read.dotText()) {
    const key = text(read, depth)
    return (value, input) => after(key(input), (index) => indexed(value, index))
  }
  read.dotBracket()
  if (!read.symbol('[')) return undefined
  if (read.symbol(']')) throw read.fault('an index: .[] gives many values, and a partition key is one')
  const none: Filter = () => null
  const from = read.symbol(':') ? none : pipe(read, depth + 1)
  if (from !== none && !read.symbol(':')) {
    read.expect(']')
    return (value, input) => after(from(input), (index) => indexed(value, index))
  }
  const to = read.symbol(']') ? none : pipe(read, depth + 1)
  if (to !== none) read.expect(']')
  return (value, input) => after(from(input), (start) => after(to(input), (end) => sliced(value, start, end)))
}

const identity: Filter = (input) => input

function primary(read: Reader, depth: number, told?: Told): Filter {
  if (read.symbol('(')) {
    const inner = pipe(read, depth + 1, told)
    read.expect(')')
    return inner
  }
  if (read.peek('"')) return text(read, depth)
  if (read.symbol('{')) return object(read, depth, told)
  if (read.symbol('[')) return array(read, depth)
  if (read.symbol('-')) {
    const inner = term(read, depth + 1)
    return (input) => after(inner(input), (value) => calculated('-', 0, value))
  }
  const number = read.number()
  if (number !== undefined) return () => number
  // What follows is a suffix, as behind any other term.
  if (read.startsPath() || read.symbol('.')) return identity
  if (read.word('if')) return condition(read, depth)
  return call(read, depth)
}

function condition(read: Reader, depth: number): Filter {
  const test = pipe(read, depth + 1)
  read.expectWord('then')
  const yes = pipe(read, depth + 1)
  let no: Filter
  if (read.word('elif')) no = condition(read, depth + 1)
  else {
    read.expectWord('else')
    no = pipe(read, depth + 1)
    read.expectWord('end')
  }
  return (input) => after(test(input), (decided) => (isTrue(decided) ? yes(input) : no(input)))
}

const WORDS: Readonly<Record<string, Json>> = { null: null, true: true, false: false }

function call(read: Reader, depth: number): Filter {
  const at = read.at()
  const name = read.name()
  if (name === undefined) throw read.fault('a path such as .a, text, a number, {, [, ( or a function')
  if (Object.hasOwn(WORDS, name)) return () => WORDS[name]
  const args: Filter[] = []
  if (read.symbol('(')) {
    do args.push(pipe(read, depth + 1))
    while (read.symbol(';'))
    read.expect(')')
  }
  const apply = functionOf(name, args.length)
  if (!apply) throw read.fault(`one of ${FUNCTION_NAMES.join(', ')}`, at)
  return (input) => {
    const values = args.map((arg) => arg(input))
    return values.every((value): value is Json => value !== EMPTY) ? apply(input, ...values) : EMPTY
  }
}

/** Text with \( ) in it. */
function text(read: Reader, depth: number): Filter {
  return joined(textParts(read, depth))
}

const textParts = (read: Reader, depth: number) => read.text((): Filter => pipe(read, depth + 1))

function joined(parts: readonly (string | Filter)[]): Filter {
  return (input) => {
    let made = ''
    for (const part of parts) {
      const value = typeof part === 'string' ? part : part(input)
      if (value === EMPTY) return EMPTY
      made += textOf(value)
    }
    return made
  }
}

function array(read: Reader, depth: number): Filter {
  if (read.symbol(']')) return () => []
  const items: Filter[] = []
  do items.push(pipe(read, depth + 1))
  while (read.symbol(','))
  read.expect(']')
  // An item without a value is none.
  return (input) => items.map((item) => item(input)).filter((value): value is Json => value !== EMPTY)
}

function object(read: Reader, depth: number, told?: Told): Filter {
  const members: { key: Filter; value: Filter }[] = []
  let names: string[] | undefined = []
  if (!read.symbol('}')) {
    do members.push(member(read, depth, (name) => (names = name === undefined ? undefined : names && [...names, name])))
    while (read.symbol(','))
    read.expect('}')
  }
  told?.(names)
  return (input) => {
    const made = emptyObject()
    for (const { key, value } of members) {
      const name = key(input)
      const content = value(input)
      if (name === EMPTY || content === EMPTY) return EMPTY
      if (typeof name !== 'string') throw new JqError('object keys must be strings')
      made[name] = content
    }
    return made
  }
}

function member(read: Reader, depth: number, named: (name: string | undefined) => void): { key: Filter; value: Filter } {
  let key: Filter
  let short = true
  const name = read.name()
  if (name !== undefined) {
    key = () => name
    named(name)
  } else if (read.peek('"')) {
    const parts = textParts(read, depth)
    key = joined(parts)
    named(parts.length === 1 && typeof parts[0] === 'string' ? parts[0] : undefined)
  } else if (read.symbol('(')) {
    key = pipe(read, depth + 1)
    read.expect(')')
    named(undefined)
    short = false
  } else throw read.fault('a key')
  if (!read.symbol(':')) {
    if (!short) throw read.fault(':')
    return { key, value: (input) => after(key(input), (index) => indexed(input, index)) }
  }
  let value = term(read, depth + 1)
  while (read.symbol('|')) {
    const [first, then] = [value, term(read, depth + 1)]
    value = (input) => after(first(input), then)
  }
  if (!read.peek(',') && !read.peek('}')) throw read.fault(', or } (within { } an operator wants parentheses around it)')
  return { key, value }
}
