// JSON texts as trees that keep what JSON.parse drops: the digits of numbers, and members whose key comes again.
// For text that is known to be valid, and nested as deep as the scan goes.

/** A number as it is written. */
export class NumberText {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** An object's members in their order. */
export class Members {
  readonly entries: readonly (readonly [key: string, value: Tree])[]
  constructor(entries: readonly (readonly [key: string, value: Tree])[]) {
    this.entries = entries
  }
}

export type Tree = null | boolean | string | NumberText | Members | Tree[]

/** The documents of a record, one behind the other. */
export function documentsOf(text: string): Tree[] {
  const reader = new Reader(text)
  const documents: Tree[] = []
  while (!reader.ended) documents.push(reader.value())
  return documents
}

const NUMBER = /[-+.0-9eE]+/y

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  get ended(): boolean {
    return this.#next() === undefined
  }

  /** The next character that is no white space. */
  #next(): string | undefined {
    while (this.#text.charCodeAt(this.#at) <= 0x20) this.#at++
    return this.#text[this.#at]
  }

  value(): Tree {
    const c = this.#next()
    if (c === '"') return this.#string()
    if (c === '{') return new Members(this.#list('}', () => this.#member()))
    if (c === '[') return this.#list(']', () => this.value())
    for (const [word, value] of [
      ['null', null],
      ['true', true],
      ['false', false],
    ] as const) {
      if (c !== word[0]) continue
      this.#at += word.length
      return value
    }
    NUMBER.lastIndex = this.#at
    const text = NUMBER.exec(this.#text)?.[0]
    if (text === undefined) throw new SyntaxError(`expected JSON at character ${this.#at}`)
    this.#at += text.length
    return new NumberText(text)
  }

  #member(): readonly [string, Tree] {
    this.#next()
    const key = this.#string()
    this.#next()
    this.#at++
    return [key, this.value()]
  }

  #list<T>(end: string, item: () => T): T[] {
    const items: T[] = []
    this.#at++
    while (this.#next() !== end) {
      if (this.ended) throw new SyntaxError(`expected ${end}, got the end of the text`)
      if (this.#next() === ',') this.#at++
      items.push(item())
    }
    this.#at++
    return items
  }

  #string(): string {
    const start = this.#at
    let end = start
    let slashes = 0
    do {
      end = this.#text.indexOf('"', end + 1)
      for (slashes = 0; this.#text[end - 1 - slashes] === '\\'; ) slashes++
    } while (slashes % 2 === 1)
    if (end < 0) throw new SyntaxError(`expected " for the one at character ${start}`)
    this.#at = end + 1
    return JSON.parse(this.#text.slice(start, end + 1)) as string
  }
}
