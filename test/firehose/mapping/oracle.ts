// A mapping by JSON.parse, regular expressions, Date and BigInt: what the kernel is held against. Of white space between
// tokens it says nothing: compare what compact() makes of both.
import { createHash } from 'node:crypto'
import type { FirehoseMapping, MappingCast, MappingCondition, MappingScalar, MappingText } from '../../../src/firehose/mapping/mapping.js'

/** A value with its text: [from, to) of the record's. */
interface Node {
  raw: string
  value: unknown
  members?: { key: string; raw: string; node: Node }[]
  items?: Node[]
}

export type Mapped = { output: string; metadata: string | undefined } | 'dropped' | 'failed'

class Refused extends Error {}

/** What becomes of a record of one or several objects; of bytes that are no such 'failed'. */
export function mapped(bytes: Uint8Array, mapping: FirehoseMapping, delimiter = '\n'): Mapped {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    const outputs = objectsOf(text).flatMap((record) => one(parse(record), mapping) ?? [])
    if (outputs.length === 0) return 'dropped'
    const [{ metadata }] = outputs
    if (outputs.some((o) => o.metadata !== metadata)) return 'failed'
    return { output: outputs.map(({ output }) => (output.endsWith(delimiter) ? output : output + delimiter)).join(''), metadata }
  } catch (error) {
    if (error instanceof Refused || error instanceof SyntaxError || error instanceof TypeError) return 'failed'
    throw error
  }
}

/** The objects in the text: each ends at the first brace where JSON.parse takes it. */
function objectsOf(text: string): string[] {
  const objects: string[] = []
  let at = 0
  for (;;) {
    at += /^[ \t\r\n]*/.exec(text.slice(at))?.[0].length ?? 0
    if (at === text.length && objects.length > 0) return objects
    if (text[at] !== '{') throw new Refused()
    let end = at
    for (;;) {
      end = text.indexOf('}', end) + 1
      if (end === 0) throw new Refused()
      try {
        JSON.parse(text.slice(at, end))
        break
      } catch {}
    }
    objects.push(text.slice(at, end))
    at = end
  }
}

const TOKEN = /[ \t\r\n]*("(?:[^"\\]|\\.)*"|[{}[\],:]|[^ \t\r\n"{}[\],:]+)/sy

/** Text that JSON.parse takes, as a tree. */
function parse(text: string): Node {
  const tokens = new RegExp(TOKEN)
  const next = () => {
    const token = tokens.exec(text)
    if (!token) throw new Error('no token')
    return { token: token[1], from: tokens.lastIndex - token[1].length }
  }
  const peek = () => {
    const at = tokens.lastIndex
    const { token } = next()
    tokens.lastIndex = at
    return token
  }
  const treeOf = (): Node => {
    const { token, from } = next()
    const node: Node = { raw: '', value: undefined }
    if (token === '{') {
      node.members = []
      while (peek() !== '}') {
        if (peek() === ',') next()
        const key = next().token
        next()
        node.members.push({ key: JSON.parse(key), raw: key, node: treeOf() })
      }
      next()
    } else if (token === '[') {
      node.items = []
      while (peek() !== ']') {
        if (peek() === ',') next()
        node.items.push(treeOf())
      }
      next()
    }
    node.raw = text.slice(from, tokens.lastIndex)
    node.value = JSON.parse(node.raw)
    return node
  }
  return treeOf()
}

const tokensOf = (path: string) =>
  path.startsWith('/')
    ? path
        .slice(1)
        .split('/')
        .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
    : [path]

function find(node: Node | undefined, path: string): Node | undefined {
  return tokensOf(path).reduce<Node | undefined>((at, token) => {
    if (at?.members) return at.members.findLast(({ key }) => key === token)?.node
    return at?.items && /^(0|[1-9]\d*)$/.test(token) ? at.items[Number(token)] : undefined
  }, node)
}

const wellFormed = (text: string) => text.replace(/\p{Surrogate}/gu, '\ufffd')
const textOf = (node: Node) => (typeof node.value === 'string' ? wellFormed(node.value) : node.raw)

/** undefined: turned away. */
function one(record: Node, mapping: FirehoseMapping): { output: string; metadata: string | undefined } | undefined {
  if (depthOf(record) > 256) throw new Refused()
  if (mapping.where && !holds(record, mapping.where)) return undefined
  const metadata = metadataOf(record, mapping)
  const { select, add = {}, flatten = false, format } = mapping
  const separator = flatten === true ? '_' : flatten
  const edits = editsOf(mapping)
  let members: { name: string; text: string; node: Node; path: string[] }[]
  if (select) {
    members = Object.entries(select).flatMap(([name, path]) => {
      const node = find(record, path)
      const text = node && written(node, tokensOf(path), edits)
      return node && text !== undefined ? [{ name: JSON.stringify(name), text, node, path: tokensOf(path) }] : []
    })
    if (format === 'csv') {
      const cells = Object.entries(select).map(([, path]) => {
        const node = find(record, path)
        const text = node && written(node, tokensOf(path), edits)
        return text === undefined ? '' : cell(text)
      })
      return { output: [...cells, ...Object.values(add).map((value) => cell(JSON.stringify(value)))].join(','), metadata }
    }
  } else members = membersOf(record, [], edits).filter(({ path }) => !Object.hasOwn(add, path[0]) || edits.rename.has(idOf(path)))
  const flat = separator === false ? members : members.flatMap(({ name, node, path, text }) => flattened(name, text, node, path, edits, separator))
  const all = [...flat, ...Object.entries(add).map(([name, value]) => ({ name: JSON.stringify(name), text: JSON.stringify(value) }))]
  return { output: `{${all.map(({ name, text }) => `${name}:${text}`).join(',')}}`, metadata }
}

interface Edits {
  rename: Map<string, string>
  /** By path: a text, or undefined where the member goes. */
  edit: Map<string, (node: Node) => string | undefined>
}

const idOf = (path: readonly string[]) => JSON.stringify(path)

function editsOf({ rename = {}, cast = {}, onCast = 'fail', redact = [], hash = [], salt = '', remove = [] }: FirehoseMapping): Edits {
  const edit: Edits['edit'] = new Map()
  const id = (path: string) => idOf(tokensOf(path))
  for (const [path, to] of Object.entries(cast)) {
    edit.set(id(path), (node) => {
      if (node.value === null) return 'null'
      const text = castTo(node, to)
      if (text === undefined && onCast === 'fail') throw new Refused()
      return text ?? (onCast === 'null' ? 'null' : node.raw)
    })
  }
  const redactions: [string, unknown][] = Array.isArray(redact) ? redact.map((path) => [path, null]) : Object.entries(redact)
  for (const [path, value] of redactions) edit.set(id(path), () => JSON.stringify(value))
  for (const path of hash) {
    edit.set(id(path), (node) =>
      node.value === null
        ? 'null'
        : `"${createHash('sha256')
            .update(salt + textOf(node))
            .digest('hex')}"`,
    )
  }
  for (const path of remove) edit.set(id(path), () => undefined)
  return { edit, rename: new Map(Object.entries(rename).map(([path, to]) => [id(path), to])) }
}

function membersOf(node: Node, path: readonly string[], edits: Edits) {
  return (node.members ?? []).flatMap(({ key, raw, node: child }) => {
    const at = [...path, key]
    const text = written(child, at, edits)
    const to = edits.rename.get(idOf(at))
    return text === undefined ? [] : [{ name: to === undefined ? raw : JSON.stringify(to), text, node: child, path: at }]
  })
}

/** The value with all edits in it, as it stands where there are none, else without white space; undefined where it goes. */
function written(node: Node, path: readonly string[], edits: Edits): string | undefined {
  const edit = edits.edit.get(idOf(path))
  if (edit) return edit(node)
  let text = node.raw
  if (node.members)
    text = `{${membersOf(node, path, edits)
      .map(({ name, text }) => `${name}:${text}`)
      .join(',')}}`
  if (node.items) text = `[${node.items.flatMap((item, i) => written(item, [...path, String(i)], edits) ?? []).join(',')}]`
  return text === compact(node.raw) ? node.raw : text
}

function flattened(name: string, text: string, node: Node, path: readonly string[], edits: Edits, separator: string): { name: string; text: string }[] {
  if (!node.members || node.members.length === 0 || edits.edit.has(idOf(path))) return [{ name, text }]
  return membersOf(node, path, edits).flatMap((member) => {
    const joined = `"${name.slice(1, -1)}${JSON.stringify(separator).slice(1, -1)}${member.name.slice(1, -1)}"`
    return flattened(joined, member.text, member.node, member.path, edits, separator)
  })
}

function castTo({ value, raw }: Node, to: MappingCast): string | undefined {
  const text = typeof value === 'string' ? wellFormed(value) : raw
  const number = typeof value === 'number' || (typeof value === 'string' && /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text))
  switch (to) {
    case 'string':
      return typeof value === 'string' ? raw : JSON.stringify(raw)
    case 'number':
      return number ? text : undefined
    case 'int':
      return number ? whole(text) : undefined
    case 'boolean':
      if (typeof value === 'object') return undefined
      return text === 'true' || text === '1' ? 'true' : text === 'false' || text === '0' ? 'false' : undefined
    default: {
      const ms = typeof value === 'string' ? timeOfText(text) : typeof value === 'number' ? timeOfNumber(raw) : undefined
      if (ms === undefined) return undefined
      if (to === 'epoch-ms') return String(ms)
      if (to === 'epoch-s') return String(floor(ms, 1000n))
      const date = new Date(Number(ms))
      if (Number.isNaN(date.getTime()) || date.getUTCFullYear() < 0 || date.getUTCFullYear() > 9999) return undefined
      const iso = date.toISOString()
      return to === 'timestamp' ? `"${iso}"` : `"${iso.replace('T', ' ').replace('Z', '')}"`
    }
  }
}

const floor = (a: bigint, b: bigint) => (a >= 0n ? a / b : -((-a + b - 1n) / b))

/** A number as digits x 10^exponent. */
function decimalOf(text: string): { digits: bigint; exponent: bigint } {
  const [, sign, integer, fraction = '', power = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]\+?(-?\d+))?$/.exec(text) ?? []
  return {
    digits: BigInt(`${sign}${integer}${fraction}` === '-' ? 0 : `${sign}${BigInt(integer + fraction)}`),
    exponent: BigInt(power) - BigInt(fraction.length),
  }
}

function whole(text: string): string | undefined {
  if (/^-?[1-9]\d*$/.test(text)) return text
  const { digits, exponent } = decimalOf(text)
  if (digits === 0n) return '0'
  if (exponent >= 0n) return exponent > 64n ? undefined : String(digits * 10n ** exponent)
  if (-exponent > BigInt(String(digits).length)) return undefined
  const unit = 10n ** -exponent
  return digits % unit === 0n ? String(digits / unit) : undefined
}

function timeOfNumber(text: string): bigint | undefined {
  const { digits, exponent } = decimalOf(text)
  if (digits === 0n) return 0n
  const size = BigInt(String(digits).replace('-', '').length) + exponent
  if (size > 15n) return undefined
  // in nanoseconds, cut towards the past
  const power = exponent + 9n
  if (power < -400n) return digits < 0n ? -1n : 0n
  const nanos = power >= 0n ? digits * 10n ** power : floor(digits, 10n ** -power)
  return floor(nanos, size > 12n ? 1_000_000_000n : 1_000_000n)
}

const TIME = /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?(?:([Zz])|([+-])(\d\d):(\d\d)|([+-])(\d\d)(\d\d)?)?)?$/

function timeOfText(text: string): bigint | undefined {
  const m = TIME.exec(text)
  if (!m) return undefined
  const [year, month, day, hour, minute, second] = [1, 2, 3, 4, 5, 6].map((i) => Number(m[i] ?? 0))
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined
  const fraction = m[7] ?? ''
  if (minute > 59 || second > 59 || hour > 24 || (hour === 24 && (minute > 0 || second > 0 || /[1-9]/.test(fraction)))) return undefined
  const sign = m[9] ?? m[12]
  const [offsetHour, offsetMinute] = [Number(m[10] ?? m[13] ?? 0), Number(m[11] ?? m[14] ?? 0)]
  if (offsetHour > 23 || offsetMinute > 59) return undefined
  const offset = (offsetHour * 60 + offsetMinute) * (sign === '-' ? -60 : 60)
  return BigInt(date.getTime() + (hour * 3600 + minute * 60 + second - offset) * 1000 + Number(fraction.padEnd(3, '0').slice(0, 3)))
}

function holds(record: Node, condition: MappingCondition): boolean {
  if ('and' in condition) return condition.and.every((c) => holds(record, c))
  if ('or' in condition) return condition.or.some((c) => holds(record, c))
  if ('not' in condition) return !holds(record, condition.not)
  const node = find(record, condition.field)
  switch (condition.op) {
    case 'exists':
      return node !== undefined
    case '==':
      return node !== undefined && equal(node, condition.value)
    case '!=':
      return !(node !== undefined && equal(node, condition.value))
    case 'in':
      return node !== undefined && condition.value.some((value) => equal(node, value))
    case 'prefix':
      return typeof node?.value === 'string' && wellFormed(node.value).startsWith(condition.value)
    case 'contains':
      return typeof node?.value === 'string' && wellFormed(node.value).includes(condition.value)
    default: {
      const order = node && orderOf(node, condition.value)
      if (order === undefined) return false
      return condition.op === '<' ? order < 0 : condition.op === '<=' ? order <= 0 : condition.op === '>' ? order > 0 : order >= 0
    }
  }
}

const equal = (node: Node, value: MappingScalar) => (typeof value === 'string' || typeof value === 'number' ? orderOf(node, value) === 0 : node.value === value)

function orderOf(node: Node, value: string | number): number | undefined {
  if (typeof node.value !== typeof value) return undefined
  if (typeof value === 'string') return Buffer.compare(Buffer.from(wellFormed(node.value as string)), Buffer.from(value))
  const [a, b] = [decimalOf(node.raw), decimalOf(JSON.stringify(value))]
  if (a.digits === 0n || b.digits === 0n) return a.digits === b.digits ? 0 : a.digits < b.digits ? -1 : 1
  // a difference of exponents that no digits make up for decides by itself
  const top = (n: typeof a) => n.exponent + BigInt(String(n.digits).replace('-', '').length)
  if (a.digits < 0n !== b.digits < 0n) return a.digits < 0n ? -1 : 1
  if (top(a) !== top(b)) return top(a) < top(b) === a.digits > 0n ? -1 : 1
  const least = a.exponent < b.exponent ? a.exponent : b.exponent
  const [x, y] = [a.digits * 10n ** (a.exponent - least), b.digits * 10n ** (b.exponent - least)]
  return x < y ? -1 : x > y ? 1 : 0
}

function metadataOf(record: Node, { partitionKeys, otf }: FirehoseMapping): string | undefined {
  if (!partitionKeys && !otf) return undefined
  const text = (source: MappingText, operation: boolean): string => {
    if (typeof source === 'object' && 'value' in source) return source.value
    const { field, default: otherwise } = typeof source === 'string' ? { field: source, default: undefined } : source
    const node = find(record, field)
    const found = node === undefined || node.value === null || typeof node.value === 'object' ? '' : textOf(node)
    if (found !== '' && (!operation || /^(insert|update|delete)$/.test(found))) return found
    if (otherwise === undefined) throw new Refused()
    return otherwise
  }
  // fromEntries would do, but that names which are numbers would come first
  const object = (entries: [string, string][]) => `{${entries.map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`).join(',')}}`
  const keys = object(Object.entries(partitionKeys ?? {}).map(([name, source]) => [name, text(source, false)]))
  if (!otf) return `{"partitionKeys":${keys}}`
  const names = { database: 'destinationDatabaseName', table: 'destinationTableName', operation: 'operation' } as const
  const routing = Object.entries(names).flatMap(([key, name]): [string, string][] => {
    const source = otf[key as keyof typeof names]
    return source === undefined ? [] : [[name, text(source, key === 'operation')]]
  })
  return `{"partitionKeys":${keys},"otfMetadata":${object(routing)}}`
}

function cell(json: string): string {
  if (json === 'null') return ''
  const value = json.startsWith('"') ? wellFormed(JSON.parse(json)) : json
  return value === '' || /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value
}

function depthOf(node: Node): number {
  return 1 + Math.max(0, ...[...(node.members ?? []).map((m) => m.node), ...(node.items ?? [])].filter((n) => n.members || n.items).map(depthOf))
}

/** JSON without white space between its tokens. */
export const compact = (text: string): string => text.replace(/"(?:[^"\\]|\\.)*"|[ \t\r\n]+/gs, (token) => (token.startsWith('"') ? token : ''))
