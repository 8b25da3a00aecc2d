// Types as text, our own and Hive's, by one grammar:
//
//   type    = leaf | ("list" | "array") "<" type ">" | "map" "<" type "," type ">" | "struct" "<" members ">"
//   members = member *("," member)        member = name [":"] type ["not"] ["null"] ["comment" literal]
//   leaf    = word ["(" number *("," number) ")"]                                           see leaf.ts
//   name    = bare | "`" ... "`" | '"' ... '"'        a quote in a quoted name is written twice
//
// Words have no case. -- and /* */ comments count as blanks. Reads each character once; nesting ends
// at MAX_DEPTH.
import { kindOf } from '../../errors.js'
import type { Field, Leaf } from '../../types.js'
import { isKey, leafOf, type Range, TYPE_NAMES, withOptions } from './leaf.js'

/** Containers within containers; a leaf then has at most 201 definition levels of the 255 that there is room for. */
export const MAX_DEPTH = 100

/** A field but for its name. */
export type Shape = Pick<Field, 'leaf' | 'struct' | 'list' | 'map'>

const WORD = /[A-Za-z_][A-Za-z0-9_]*/y
const BARE = /[^\s:,<>()`'"=;]+/y
const NUMBER = /[0-9]+/y
const TOKEN = /[A-Za-z0-9_.$-]+|./suy

export interface TextOptions {
  /** In errors, before the position. */
  label: string
  /** What a timestamp is, of which the text says no more. */
  timestamp?: Leaf
  /** Whether names that differ in case only are the same. */
  folded?: boolean
}

export class TypeText {
  readonly #text: string
  readonly #options: TextOptions
  #at = 0

  constructor(text: string, options: TextOptions) {
    this.#text = text
    this.#options = options
    this.#blanks()
  }

  get ended(): boolean {
    return this.#at === this.#text.length
  }

  /** Where the next token begins, for failAt(). */
  get at(): number {
    return this.#at
  }

  fail(expected: string): never {
    const { label } = this.#options
    const got = this.ended ? 'the end of the text' : kindOf(match(TOKEN, this.#text, this.#at))
    throw new RangeError(`"${label} at ${this.#at}" expected ${expected}, got ${got}`)
  }

  /** As fail(), of what was read from `at` on. */
  failAt(at: number, expected: string): never {
    this.#at = at
    this.fail(expected)
  }

  /** Takes `sign` where it is next. */
  take(sign: string): boolean {
    if (!this.#text.startsWith(sign, this.#at)) return false
    this.#move(sign.length)
    return true
  }

  need(sign: string): void {
    if (!this.take(sign)) this.fail(kindOf(sign))
  }

  /** Takes the words where they are next, whatever their case. */
  words(...words: string[]): boolean {
    const start = this.#at
    for (const word of words) {
      const next = match(WORD, this.#text, this.#at)
      if (next?.toLowerCase() !== word) {
        this.#at = start
        return false
      }
      this.#move(word.length)
    }
    return true
  }

  /** A bare or quoted name, undefined where none is next. */
  name(): string | undefined {
    const quote = this.#text[this.#at]
    if (quote === '`' || quote === '"') {
      const start = this.#at
      const name = this.#quoted(quote, false)
      if (name === '' || /\p{Surrogate}/u.test(name)) this.failAt(start, 'a name that has characters and is valid Unicode')
      return name
    }
    const name = match(BARE, this.#text, this.#at)
    if (name === undefined) return undefined
    if (/\p{Surrogate}/u.test(name)) this.fail('a name that is valid Unicode')
    this.#move(name.length)
    return name
  }

  /** A literal in ' or ", undefined where none is next. */
  literal(): string | undefined {
    const quote = this.#text[this.#at]
    return quote === "'" || quote === '"' ? this.#quoted(quote, true) : undefined
  }

  /** Passes over one token, or over parentheses and all between. */
  pass(): void {
    let depth = 0
    do {
      if (this.ended) this.fail('")"')
      if (this.take('(')) depth++
      else if (this.take(')')) depth--
      else if (this.literal() === undefined && this.name() === undefined) this.#move(1)
    } while (depth > 0)
  }

  /** Members up to what is no comma; one without a type, where `bare` takes such, is told to it. */
  members(depth: number, bare?: (name: string, at: number) => void): Field[] {
    const names = new Set<string>()
    const fields: Field[] = []
    do {
      const at = this.#at
      const name = this.name()
      if (name === undefined) this.fail('a name')
      const known = this.#options.folded ? name.toLowerCase() : name
      if (names.has(known)) this.failAt(at, 'a name that no other member has')
      names.add(known)
      if (bare && /[,)]/.test(this.#text[this.#at] ?? '')) {
        bare(name, at)
        continue
      }
      this.take(':')
      const shape = this.type(depth)
      const nullable = !this.words('not', 'null')
      if (nullable) this.words('null')
      if (this.words('comment') && this.literal() === undefined) this.fail('a comment in quotes')
      fields.push({ name, key: name, nullable, ...shape })
    } while (this.take(','))
    return fields
  }

  /** A type in `depth` containers. */
  type(depth: number): Shape {
    const at = this.#at
    const word = match(WORD, this.#text, at)?.toLowerCase()
    if (word === undefined) this.fail('a type')
    if (word === 'list' || word === 'array' || word === 'map' || word === 'struct') {
      if (depth === MAX_DEPTH) this.fail(`at most ${MAX_DEPTH} levels of nesting`)
      this.#move(word.length)
      this.need('<')
      const shape =
        word === 'map' ? this.#map(depth + 1) : word === 'struct' ? { struct: this.members(depth + 1) } : { list: part('element', true, this.type(depth + 1)) }
      this.need('>')
      return shape
    }
    this.#move(word.length)
    if (word === 'double') this.words('precision')
    const leaf = leafOf(word, (ranges) => this.#parameters(ranges))
    if (!leaf) this.failAt(at, TYPE_NAMES)
    const { timestamp } = this.#options
    return { leaf: withOptions(leaf, leaf.type === 'timestamp' && timestamp ? { ...timestamp } : {}, '') as Leaf }
  }

  #map(depth: number): Shape {
    const at = this.#at
    const key = this.type(depth)
    if (!isKey(key.leaf)) this.failAt(at, 'a type that a JSON key can say')
    this.need(',')
    return { map: { key: part('key', false, key), value: part('value', true, this.type(depth)) } }
  }

  #parameters(ranges: readonly Range[]): number[] {
    const values: number[] = []
    if (ranges[0].optional && this.#text[this.#at] !== '(') return values
    this.need('(')
    for (const { what, least, most, optional } of ranges) {
      if (values.length > 0 && !this.take(',')) {
        if (optional) break
        this.fail('","')
      }
      const greatest = most === 'first' ? values[0] : most
      const digits = match(NUMBER, this.#text, this.#at)
      if (digits === undefined || Number(digits) < least || Number(digits) > greatest) this.fail(`${what} from ${least} to ${greatest}`)
      this.#move(digits.length)
      values.push(Number(digits))
    }
    this.need(')')
    return values
  }

  /** Text in quotes, which are doubled in it or, in a literal, escaped. */
  #quoted(quote: string, escapes: boolean): string {
    const start = this.#at
    let text = ''
    for (let at = start + 1, from = at; ; at++) {
      const c = this.#text[at]
      if (c === undefined) this.failAt(this.#text.length, `${kindOf(quote)} for the one at ${start}`)
      if (escapes && c === '\\') at++
      else if (c === quote) {
        text += this.#text.slice(from, at)
        if (this.#text[at + 1] !== quote) {
          this.#move(at + 1 - start)
          return escapes ? text.replace(/\\(.)/gs, '$1') : text
        }
        from = ++at
      }
    }
  }

  #move(by: number): void {
    this.#at += by
    this.#blanks()
  }

  #blanks(): void {
    const text = this.#text
    for (;;) {
      while (this.#at < text.length && /\s/.test(text[this.#at])) this.#at++
      const close = text.startsWith('--', this.#at) ? '\n' : text.startsWith('/*', this.#at) ? '*/' : undefined
      if (close === undefined) return
      const end = text.indexOf(close, this.#at + 2)
      // an open comment reaches to the end
      this.#at = end < 0 ? text.length : end + close.length
    }
  }
}

/** A list's element, a map's key or value. */
export function part(name: 'element' | 'key' | 'value', nullable: boolean, shape: Shape): Field {
  return { name, key: name, nullable, ...shape }
}

function match(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0]
}
