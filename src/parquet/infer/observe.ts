// What records hold, member by member: counts of every kind of value, in a tree of the size of the
// schema, whatever the size of the input. Reads the text of values, not what JSON.parse makes of it:
// 1 and 1.0 are not the same column, nor are 2^53 and 2^53 + 1.
import { MillraceError } from '../../errors.js'
import { MAX_DEPTH } from '../schema/text.js'
import { isDate, isTime, isUuid } from './kinds.js'
import { type Member, Members, Seen } from './seen.js'

/** Members of one object, beyond which they are taken for data: a map, whose values are one. */
const MEMBERS = 1000
/** Bytes that the tree may take, by the estimate that a member takes MEMBER and its name. */
const ROOM = 64 * 1024 * 1024
const MEMBER = 500

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d

/** Thrown where an object has two members of one name. */
const DUPLICATE = new Error('duplicate')
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** Goes through records that are known to be JSON objects. */
export class Observer {
  readonly root = new Seen()
  #bytes: Uint8Array = new Uint8Array(0)
  #objects = 0
  #room = ROOM
  /** Whether duplicates are looked for before they are counted. */
  #careful = false

  /**
   * Counts the record that begins at `at` and is valid JSON. Of duplicate members the last one
   * counts. Throws LIMIT_EXCEEDED where the records have more different members than memory holds.
   */
  record(bytes: Uint8Array, at: number): void {
    this.#bytes = bytes
    if (this.#walk(at, 1)) return
    // The same way again takes back what was counted, up to the same duplicate.
    this.#walk(at, -1)
    this.#careful = true
    this.#value(this.root, at, 1, -1)
    this.#careful = false
  }

  /** Whether the record has no duplicate; else all before the first one was counted. */
  #walk(at: number, sign: number): boolean {
    try {
      this.#value(this.root, at, sign, -1)
      return true
    } catch (error) {
      if (error !== DUPLICATE) throw error
      return false
    }
  }

  /** Adds `sign` for the value at `p`; gives the byte behind it. */
  #value(seen: Seen, p: number, sign: number, depth: number): number {
    const bytes = this.#bytes
    switch (bytes[p]) {
      case QUOTE:
        return this.#string(seen, p + 1, sign)
      case OPEN_BRACE:
        if (depth < MAX_DEPTH) return this.#object(seen, p + 1, sign, depth + 1)
        break
      case OPEN_BRACKET:
        if (depth < MAX_DEPTH) return this.#list(seen, p + 1, sign, depth + 1)
        break
      case 0x6e: // null
        seen.nulls += sign
        return p + 4
      case 0x74: // true
        seen.booleans += sign
        return p + 4
      case 0x66: // false
        seen.booleans += sign
        return p + 5
      default:
        return this.#number(seen, p, sign)
    }
    seen.deep += sign
    return this.#skip(p)
  }

  #object(seen: Seen, from: number, sign: number, depth: number): number {
    const bytes = this.#bytes
    const object = ++this.#objects
    seen.objects += sign
    if (this.#careful) return this.#lastOnes(seen, from, depth)
    let next = 0
    let p = this.#blank(from)
    while (bytes[p] !== CLOSE_BRACE) {
      if (bytes[p] === COMMA) p = this.#blank(p + 1)
      const start = p + 1
      // Members of records mostly come in one order.
      const predicted = seen.members?.all[next]
      let member: Member | undefined
      if (predicted && matches(bytes, start, predicted.text)) {
        member = predicted
        p = start + predicted.text.length + 1
      } else {
        p = this.#close(start) + 1
        member = this.#member(seen, start, p - 1, depth)
      }
      p = this.#blank(this.#blank(p) + 1)
      const place = member ? member.seen : seen.collapse()
      if (member) {
        next = member.index + 1
        if (place.object === object) throw DUPLICATE
        place.object = object
      }
      p = this.#blank(this.#value(place, p, sign, depth))
    }
    return p + 1
  }

  /** An object's members, of each name the last one alone. Passes over each level once more: 100 times at most. */
  #lastOnes(seen: Seen, from: number, depth: number): number {
    const bytes = this.#bytes
    const last = new Map<string, { from: number; end: number; value: number }>()
    let p = this.#blank(from)
    while (bytes[p] !== CLOSE_BRACE) {
      if (bytes[p] === COMMA) p = this.#blank(p + 1)
      const end = this.#close(p + 1)
      const value = this.#blank(this.#blank(end + 1) + 1)
      last.set(this.#name(p + 1, end), { from: p + 1, end, value })
      p = this.#blank(this.#skip(value))
    }
    for (const { from, end, value } of last.values()) this.#value(this.#member(seen, from, end, depth)?.seen ?? seen.collapse(), value, 1, depth)
    return p + 1
  }

  #name(from: number, end: number): string {
    const text = decoder.decode(this.#bytes.subarray(from, end))
    return text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text
  }

  #spend(room: number): void {
    this.#room -= room
    if (this.#room < 0) throw new MillraceError('LIMIT_EXCEEDED', 'the records have more different members than a schema can be inferred from; give a schema')
  }

  /** The member whose name stands in [from, end); undefined where members are values of a map. */
  #member(seen: Seen, from: number, end: number, depth: number): Member | undefined {
    if (seen.value) return undefined
    const name = this.#name(from, end)
    seen.members ??= new Members()
    const known = seen.members.byName.get(name)
    if (known) return known
    this.#spend(MEMBER + 3 * name.length)
    if (depth > 0 && seen.members.all.length === MEMBERS) {
      seen.collapse()
      return undefined
    }
    return seen.members.enter(name)
  }

  #list(seen: Seen, from: number, sign: number, depth: number): number {
    const bytes = this.#bytes
    seen.lists += sign
    let p = this.#blank(from)
    if (bytes[p] === CLOSE_BRACKET) return p + 1
    if (!seen.element) {
      this.#spend(MEMBER)
      seen.element = new Seen()
    }
    for (;;) {
      p = this.#blank(this.#value(seen.element, p, sign, depth))
      if (bytes[p] === CLOSE_BRACKET) return p + 1
      p = this.#blank(p + 1)
    }
  }

  #string(seen: Seen, from: number, sign: number): number {
    const bytes = this.#bytes
    const end = this.#close(from)
    const size = end - from
    if (size === 10 && bytes[from + 4] === 0x2d && isDate(bytes, from)) seen.dates += sign
    else if (size >= 20 && size <= 32 && bytes[from + 10] === 0x54 && isTime(bytes, from, end)) {
      if (bytes[end - 1] === 0x5a) seen.times += sign
      else seen.zoned += sign
    } else if (size === 36 && bytes[from + 8] === 0x2d && isUuid(bytes, from)) seen.uuids += sign
    else seen.strings += sign
    return end + 1
  }

  #number(seen: Seen, from: number, sign: number): number {
    const bytes = this.#bytes
    const first = bytes[from] === 0x2d ? from + 1 : from
    let p = first
    while (bytes[p] >= 0x30 && bytes[p] <= 0x39) p++
    const digits = p - first
    const c = bytes[p]
    if (c === 0x2e || c === 0x65 || c === 0x45) {
      do p++
      while ((bytes[p] >= 0x30 && bytes[p] <= 0x39) || bytes[p] === 0x65 || bytes[p] === 0x45 || bytes[p] === 0x2b || bytes[p] === 0x2d)
      seen.doubles += sign
      if (p - first > 18 && significant(bytes, first, p) > 17) seen.inexact += sign
      return p
    }
    if (digits < 16 && !(p === from + 2 && bytes[from] === 0x2d && bytes[first] === 0x30)) seen.wholes += sign
    else this.#large(seen, decoder.decode(bytes.subarray(from, p)), sign)
    return p
  }

  /** A whole number of 16 digits or more, or -0, which is no integer: it has a sign. */
  #large(seen: Seen, text: string, sign: number): void {
    const digits = text.replace('-', '')
    const size = digits.length
    // Texts of one length compare as their numbers do.
    if (text === '-0') seen.doubles += sign
    else if (size < 19 || (size === 19 && digits <= (text[0] === '-' ? '9223372036854775808' : '9223372036854775807'))) seen.wholes += sign
    else if (size <= 38) seen.wides += sign
    else seen.doubles += sign
    if (size > 16 || (size === 16 && digits > '9007199254740992')) seen.inexact += sign
  }

  /** The quote that closes a string. */
  #close(from: number): number {
    const bytes = this.#bytes
    let p = from
    while (bytes[p] !== QUOTE) p += bytes[p] === BACKSLASH ? 2 : 1
    return p
  }

  #blank(from: number): number {
    const bytes = this.#bytes
    let p = from
    while (bytes[p] <= 0x20) p++
    return p
  }

  /** Passes over a value of any depth. */
  #skip(from: number): number {
    const bytes = this.#bytes
    let depth = 0
    let p = from
    do {
      const c = bytes[p++]
      if (c === QUOTE) p = this.#close(p) + 1
      else if (c === OPEN_BRACE || c === OPEN_BRACKET) depth++
      else if (c === CLOSE_BRACE || c === CLOSE_BRACKET) depth--
      else if (depth === 0) while (bytes[p] !== COMMA && bytes[p] !== CLOSE_BRACE && bytes[p] !== CLOSE_BRACKET && bytes[p] > 0x20) p++
    } while (depth > 0)
    return p
  }
}

function matches(bytes: Uint8Array, at: number, text: Uint8Array): boolean {
  const size = text.length
  if (bytes[at + size] !== QUOTE) return false
  for (let i = 0; i < size; i++) if (bytes[at + i] !== text[i]) return false
  return true
}

/** Digits of a number from its first to its last that is not 0, up to its exponent. */
function significant(bytes: Uint8Array, from: number, end: number): number {
  let first = 0
  let last = 0
  let digits = 0
  for (let p = from; p < end && (bytes[p] | 0x20) !== 0x65; p++) {
    if (bytes[p] === 0x2e) continue
    digits++
    if (bytes[p] === 0x30) continue
    first ||= digits
    last = digits
  }
  return last - first + 1
}
