// The text of a jq query, token by token.
import type { MillraceError } from '../../../errors.js'

export interface Reader {
  at(): number
  ended(): boolean
  /** An error at this place, or at `at`. */
  fault(expected: string, at?: number): MillraceError
  /** Whether it goes on with this character. */
  peek(character: string): boolean
  /** Takes the symbol, where it is next; one that begins a longer one is not it. */
  symbol(symbol: string): boolean
  expect(symbol: string): void
  /** Takes the keyword, where it is next. */
  word(word: string): boolean
  expectWord(word: string): void
  /** Takes an identifier. */
  name(): string | undefined
  /** Whether `.name`, `."text"` or `.[` is next. */
  startsPath(): boolean
  /** Takes `.name`. */
  field(): string | undefined
  /** Takes the point of `."text"`. */
  dotText(): boolean
  /** Takes the point of `.[`. */
  dotBracket(): void
  number(): number | undefined
  /** Takes text in quotes: what stands between, and of each `\( )` what `inner` makes of it. */
  text<T>(inner: () => T): (string | T)[]
}

const SPACE = /(?:\s|#[^\n]*)*/y
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y
const NUMBER = /(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y
const LONGER: Readonly<Record<string, string>> = { '/': '//', '|': '|=', '?': '?//', '<': '<=', '>': '>=', '.': '..' }
const ESCAPES: Readonly<Record<string, string>> = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }

export function reader(query: string, faultAt: (at: number, expected: string) => MillraceError): Reader {
  let at = 0
  const match = (pattern: RegExp, from = at): string | undefined => {
    pattern.lastIndex = from
    return pattern.exec(query)?.[0]
  }
  const skip = () => {
    at += match(SPACE)?.length ?? 0
  }
  const take = (pattern: RegExp): string | undefined => {
    skip()
    const found = match(pattern)
    if (found !== undefined) at += found.length
    return found
  }
  const fault = (expected: string, where?: number) => {
    skip()
    return faultAt(where ?? at, expected)
  }
  const symbol = (wanted: string): boolean => {
    skip()
    if (!query.startsWith(wanted, at)) return false
    const longer = LONGER[wanted]
    if (longer !== undefined && query.startsWith(longer, at)) return false
    at += wanted.length
    return true
  }
  const word = (wanted: string): boolean => {
    skip()
    if (match(NAME) !== wanted) return false
    at += wanted.length
    return true
  }
  return {
    at() {
      skip()
      return at
    },
    ended() {
      skip()
      return at === query.length
    },
    fault,
    peek(character) {
      skip()
      return query[at] === character
    },
    symbol,
    expect(wanted) {
      if (!symbol(wanted)) throw fault(wanted)
    },
    word,
    expectWord(wanted) {
      if (!word(wanted)) throw fault(wanted)
    },
    name: () => take(NAME),
    startsPath() {
      skip()
      return query[at] === '.' && /[A-Za-z_"[]/.test(query[at + 1] ?? '')
    },
    field() {
      skip()
      if (query[at] !== '.') return undefined
      const found = match(NAME, at + 1)
      if (found !== undefined) at += 1 + found.length
      return found
    },
    dotText() {
      skip()
      if (!query.startsWith('."', at)) return false
      at++
      return true
    },
    dotBracket() {
      skip()
      if (query.startsWith('.[', at)) at++
    },
    number() {
      const found = take(NUMBER)
      return found === undefined ? undefined : Number(found)
    },
    text<T>(inner: () => T) {
      const parts: (string | T)[] = []
      const start = at
      let literal = ''
      for (at++; query[at] !== '"'; ) {
        if (at >= query.length) throw faultAt(start, 'a " at the end of the text')
        if (query[at] !== '\\') {
          literal += query[at++]
          continue
        }
        const letter = query[at + 1]
        const [unicode] = /^[0-9a-fA-F]{4}/.exec(query.slice(at + 2, at + 6)) ?? []
        if (letter === '(') {
          parts.push(literal)
          literal = ''
          at += 2
          parts.push(inner())
          if (!symbol(')')) throw fault(')')
        } else if (letter === 'u' && unicode !== undefined) {
          literal += String.fromCharCode(Number.parseInt(unicode, 16))
          at += 6
        } else if (letter !== undefined && Object.hasOwn(ESCAPES, letter)) {
          literal += ESCAPES[letter]
          at += 2
        } else throw faultAt(at, 'an escape of JSON or \\(')
      }
      at++
      parts.push(literal)
      return parts
    },
  }
}
