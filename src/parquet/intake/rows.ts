// JavaScript objects -> lines of JSON for the scan, which alone knows what fits which column. Unlike
// JSON.stringify it is exact: a BigInt is a number's text, NaN is not null, a Map has its entries,
// bytes are base64 or hex as their column reads them. One function a field, put together once: 125 MB/s
// of text on flat rows where JSON.stringify makes 147 (Node 20). Straight into columns would be some
// 3 times that, at the price of a second set of rules for every type.
import { toBase64 } from '../../engine/base64.js'
import { MillraceError } from '../../errors.js'
import type { Field, Leaf } from '../../types.js'

/** The text of a value; undefined for what counts as absent: undefined itself, functions, symbols. */
type Text = (value: unknown, depth: number) => string | undefined

/** What the scan takes is at most 256 deep: what is deeper, or holds itself, is told by it. */
const DEPTH = 256
const TOO_DEEP = `${'{"":'.repeat(DEPTH + 1)}0${'}'.repeat(DEPTH + 1)}`
class TooDeep extends Error {}

/** Characters a piece; larger ones cost memory and no longer gain speed. */
const PIECE = 65536

export interface RowOptions {
  /** Members that no column has are written too, for a scan that does not drop them. */
  unknown?: boolean
  /** The scan's own way to find a column under another spelling of its name. */
  fold?: (key: string) => string
}

/**
 * Gives a generator of text for rows of `fields`, in pieces of about 64 K characters. What no JSON
 * stands for is written so that the scan refuses it and the row is a bad record: NaN as a string,
 * dates that are none, rows that are no objects. Throws BAD_INPUT with the row's index in `rows` for
 * what a getter or toJSON of the row throws.
 */
export function rowLines(fields: readonly Field[], options: RowOptions = {}): (rows: Iterable<unknown>) => Generator<string> {
  const line = structText(fields, options)
  return function* (rows) {
    let lines = ''
    let index = 0
    for (const row of rows) {
      try {
        lines += line(row, 0) ?? 'null'
      } catch (cause) {
        if (!(cause instanceof TooDeep))
          throw new MillraceError('BAD_INPUT', `rows[${index}]: ${cause instanceof Error ? cause.message : cause}`, { position: { record: index }, cause })
        lines += TOO_DEEP
      }
      lines += '\n'
      index++
      if (lines.length >= PIECE) {
        yield lines
        lines = ''
      }
    }
    if (lines !== '') yield lines
  }
}

function fieldText(field: Field, options: RowOptions): Text {
  if (field.struct) return structText(field.struct, options)
  if (field.list) return listText(fieldText(field.list, options))
  if (field.map) return mapText(fieldText(field.map.key, options), fieldText(field.map.value, options))
  return leafText(field.leaf as Leaf)
}

function structText(fields: readonly Field[], options: RowOptions): Text {
  const members = fields.map((field) => ({
    key: field.key,
    quoted: `${JSON.stringify(field.key)}:`,
    // a row need not have what every object inherits
    own: field.key in Object.prototype,
    text: fieldText(field, options),
  }))
  if (options.unknown || options.fold) return looseText(members, options)
  return (value, depth) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Map) return anyText(value, depth)
    const row = plainOf(value)
    if (typeof row !== 'object' || row === null) return anyText(row, depth)
    let text = ''
    for (const { key, quoted, own, text: textOf } of members) {
      if (own && !Object.hasOwn(row, key)) continue
      const cell = textOf((row as Record<string, unknown>)[key], depth + 1)
      if (cell !== undefined) text += text === '' ? quoted + cell : `,${quoted}${cell}`
    }
    return `{${text}}`
  }
}

/** Every member that the row has itself; the columns' own texts where one is meant. */
function looseText(members: readonly { key: string; text: Text }[], { fold = (key) => key }: RowOptions): Text {
  const exact = new Map(members.map(({ key, text }) => [key, text]))
  const folded = new Map(members.map(({ key, text }) => [fold(key), text]))
  return (value, depth) => {
    const row = typeof value === 'object' && value !== null ? plainOf(value) : value
    if (typeof row !== 'object' || row === null || Array.isArray(row) || row instanceof Map) return anyText(row, depth)
    return objectText(Object.entries(row), depth, (key) => exact.get(key) ?? folded.get(fold(key)) ?? anyText)
  }
}

function listText(element: Text): Text {
  return (value, depth) => {
    if (typeof value !== 'object' || value === null) return anyText(value, depth)
    const list = plainOf(value) as Iterable<unknown>
    if (list instanceof Map || typeof list?.[Symbol.iterator] !== 'function' || typeof list === 'string') return anyText(list, depth)
    return arrayText(list, depth, element)
  }
}

function mapText(key: Text, element: Text): Text {
  const keyText = (value: unknown, depth: number) => {
    const text = key(value, depth) ?? ''
    return text[0] === '"' ? text : quote(text)
  }
  return (value, depth) => {
    if (value instanceof Map) return entriesText(value, depth, keyText, () => element)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return anyText(value, depth)
    const map = plainOf(value)
    if (typeof map !== 'object' || map === null) return anyText(map, depth)
    return objectText(Object.entries(map), depth, () => element)
  }
}

function leafText(leaf: Leaf): Text {
  const { type } = leaf
  if (type === 'json') return anyText
  const floating = type === 'float' || type === 'double'
  return (value, depth) => {
    switch (typeof value) {
      case 'string':
        return quote(value)
      case 'number':
        // only these two tell zeros apart
        return floating && value === 0 && Object.is(value, -0) ? '-0.0' : Number.isFinite(value) ? `${value}` : endless(value)
      case 'object':
        if (value === null) return 'null'
        if (value instanceof Date) return dateText(value, leaf)
        if (value instanceof Uint8Array) return bytesText(value, leaf)
    }
    return anyText(value, depth)
  }
}

/** Infinities by numbers that no double reaches; NaN has none. */
function endless(value: number): string {
  return Number.isNaN(value) ? '"NaN"' : value > 0 ? '1e999' : '-1e999'
}

/** Any value, by what it is. */
function anyText(value: unknown, depth: number): string | undefined {
  switch (typeof value) {
    case 'string':
      return quote(value)
    case 'number':
      return Number.isFinite(value) ? (Object.is(value, -0) ? '-0.0' : `${value}`) : `"${value}"`
    case 'boolean':
    case 'bigint':
      return `${value}`
    case 'object':
      break
    default:
      return undefined
  }
  if (value === null) return 'null'
  if (depth > DEPTH) throw new TooDeep()
  if (value instanceof Date) return dateText(value)
  if (value instanceof Uint8Array) return bytesText(value)
  const plain = plainOf(value)
  if (plain !== value) return anyText(plain, depth + 1)
  if (Array.isArray(value)) return arrayText(value, depth, anyText)
  if (value instanceof Map)
    return entriesText(
      value,
      depth,
      (key) => quote(`${key}`),
      () => anyText,
    )
  if (value instanceof Number || value instanceof String || value instanceof Boolean) return anyText(value.valueOf(), depth + 1)
  if (ArrayBuffer.isView(value) || value instanceof Set) return arrayText(value as unknown as Iterable<unknown>, depth, anyText)
  return objectText(Object.entries(value), depth, () => anyText)
}

/** What an object of a class says that it is. */
function plainOf(value: object): unknown {
  const { toJSON } = value as { toJSON?: unknown }
  return typeof toJSON === 'function' && !(value instanceof Uint8Array) ? toJSON.call(value, '') : value
}

function arrayText(list: Iterable<unknown>, depth: number, element: Text): string {
  if (depth > DEPTH) throw new TooDeep()
  let text = ''
  for (const value of list) text += `${text === '' ? '' : ','}${element(value, depth + 1) ?? 'null'}`
  return `[${text}]`
}

function objectText(entries: Iterable<[string, unknown]>, depth: number, textOf: (key: string) => Text): string {
  return entriesText(entries, depth, quote as Text, textOf as (key: unknown) => Text)
}

function entriesText(entries: Iterable<[unknown, unknown]>, depth: number, keyText: Text, textOf: (key: unknown) => Text): string {
  if (depth > DEPTH) throw new TooDeep()
  let text = ''
  for (const [key, value] of entries) {
    const cell = textOf(key)(value, depth + 1)
    if (cell !== undefined) text += `${text === '' ? '' : ','}${keyText(key, depth + 1)}:${cell}`
  }
  return `{${text}}`
}

// JSON.stringify a string costs a call out of the compiled code; it also escapes lone surrogates, which the scan then tells.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what has to be escaped
const ESCAPED = /["\\\u0000-\u001f\ud800-\udfff]/

function quote(text: string): string {
  return ESCAPED.test(text) ? JSON.stringify(text) : `"${text}"`
}

const NUMBER: Partial<Record<string, bigint>> = { us: 1000n, ns: 1_000_000n }

function dateText(date: Date, leaf?: Leaf): string {
  const time = date.getTime()
  if (Number.isNaN(time)) return '"Invalid Date"'
  const year = date.getUTCFullYear()
  if (year >= 0 && year <= 9999) {
    const iso = date.toISOString()
    return leaf?.type === 'date' ? `"${iso.slice(0, 10)}"` : `"${iso}"`
  }
  // text has four digits of year: the number that the column counts, where it says which
  const counts = leaf?.type === 'timestamp' ? (leaf.epoch ?? leaf.unit ?? 'ms') : undefined
  if (counts === undefined || counts === 's' || counts === 'auto') return `"${date.toISOString()}"`
  return `${BigInt(time) * (NUMBER[counts] ?? 1n)}`
}

function bytesText(bytes: Uint8Array, leaf?: Leaf): string {
  if (leaf?.type === 'uuid' && bytes.length === 16) return `"${hexOf(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')}"`
  return `"${leaf?.encoding === 'hex' ? hexOf(bytes) : toBase64(bytes)}"`
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

function hexOf(bytes: Uint8Array): string {
  if (typeof Buffer !== 'undefined') return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
  let text = ''
  for (const byte of bytes) text += HEX[byte]
  return text
}
