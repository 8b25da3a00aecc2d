// Firehose's deserializers once more, slowly and on JSON.parse: the judge of what the core makes of records.
// Sources by letter, as in rules.ts.

export type Type =
  | 'int'
  | 'bigint'
  | 'tinyint'
  | 'double'
  | 'boolean'
  | 'string'
  | 'date'
  | 'timestamp'
  | { decimal: [precision: number, scale: number] }
  | { array: Type }
  | { map: Type }
  | { struct: Record<string, Type> }

export interface Serde {
  name: 'openx' | 'hive'
  caseInsensitive: boolean
  dots: boolean
  keys: Record<string, string>
}

export const OPENX: Serde = { name: 'openx', caseInsensitive: true, dots: false, keys: {} }
export const HIVE: Serde = { ...OPENX, name: 'hive' }

type Row = Record<string, unknown>

class Mismatch extends Error {}
const fail = (): never => {
  throw new Mismatch()
}

/** The rows of a record, or the code by which it is rejected: that of the first document at fault. */
export function convert(record: string, columns: Record<string, Type>, serde: Serde): Row[] | string {
  const blank = (text: string) => text.replace(/^[ \t\r\n]+/, '')
  let rest = blank(record.replace(/^\ufeff/, ''))
  if (rest === '') return 'DataFormatConversion.MalformedData'
  if (!rest.startsWith('{')) return parses(rest) ? 'DataFormatConversion.MalformedData' : 'DataFormatConversion.ParseError'
  const rows: Row[] = []
  while (rest !== '') {
    const end = [...rest.matchAll(/\}/g)].map(({ index }) => index + 1).find((at) => parses(rest.slice(0, at)))
    if (end === undefined) return 'DataFormatConversion.ParseError'
    const document = rest.slice(0, end)
    rest = blank(rest.slice(end))
    // behind an object nothing but objects may stand
    if (!/^(\{|$)/.test(rest)) return 'DataFormatConversion.ParseError'
    try {
      rows.push(struct(JSON.parse(document), columns, serde))
    } catch (error) {
      if (error instanceof Mismatch) return 'DataFormatConversion.MalformedData'
      throw error
    }
  }
  return rows
}

function parses(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function fold(key: string, { caseInsensitive, dots }: Serde): string {
  const cased = caseInsensitive ? key.replace(/[A-Z]/g, (c) => c.toLowerCase()) : key
  return dots ? cased.replaceAll('.', '_') : cased
}

/** Members by name: absent ones are null, others are dropped [D], the last of several counts. */
function struct(value: object, members: Record<string, Type>, serde: Serde): Row {
  const given = new Map(Object.entries(value).map(([key, member]) => [fold(key, serde), member as unknown]))
  return Object.fromEntries(Object.entries(members).map(([name, type]) => [name, cell(given.get(fold(serde.keys[name] ?? name, serde)) ?? null, type, serde)]))
}

function cell(value: unknown, type: Type, serde: Serde): unknown {
  if (value === null) return null
  if (typeof type === 'object') return container(value, type, serde)
  switch (type) {
    case 'tinyint':
      return whole(value, 8, serde)
    case 'int':
      return whole(value, 32, serde)
    case 'bigint':
      return whole(value, 64, serde)
    case 'double':
      return Number(numberText(value, serde))
    case 'boolean':
      if (typeof value === 'boolean') return value
      return typeof value === 'string' && /^(true|false)$/i.test(value) ? /^t/i.test(value) : fail()
    case 'string':
      if (typeof value === 'string') return value
      if (typeof value !== 'object') return String(value)
      return serde.name !== 'openx' ? fail() : serde.caseInsensitive ? loweredText(value) : JSON.stringify(value)
    case 'date': {
      const date = typeof value === 'string' ? /^(\d{4})-(\d{1,2})-(\d{1,2})$/.exec(value) : null
      return date ? day(date).toISOString().slice(0, 10) : fail()
    }
    case 'timestamp':
      return time(value, serde)
  }
}

function container(value: unknown, type: Exclude<Type, string>, serde: Serde): unknown {
  if ('decimal' in type) return decimal(numberText(value, serde), type.decimal)
  const lenient = serde.name === 'openx'
  if ('array' in type) {
    if (!Array.isArray(value)) return lenient ? [cell(value, type.array, serde)] : fail()
    return value.map((one) => cell(one, type.array, serde))
  }
  if ('struct' in type && Array.isArray(value) && lenient) {
    return Object.fromEntries(Object.entries(type.struct).map(([name, member], i) => [name, cell(value[i] ?? null, member, serde)]))
  }
  if (typeof value !== 'object' || Array.isArray(value)) return fail()
  if ('struct' in type) return struct(value as object, type.struct, serde)
  const lower = lenient && serde.caseInsensitive
  const entries = Object.entries(value as object).map(([key, member]) => [lower ? fold(key, { ...serde, dots: false }) : key, cell(member, type.map, serde)])
  return Object.fromEntries(entries)
}

/** Of openx text as well; a boolean never. */
function numberText(value: unknown, serde: Serde): string {
  if (typeof value === 'number') return String(value)
  if (serde.name === 'openx' && typeof value === 'string' && /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value)) return value
  return fail()
}

function whole(value: unknown, bits: number, serde: Serde): string {
  const number = Number(numberText(value, serde))
  const most = 2n ** BigInt(bits - 1)
  if (!Number.isInteger(number) || BigInt(number) >= most || BigInt(number) < -most) return fail()
  return String(BigInt(number))
}

/** Rounded to its scale, half away from zero. */
function decimal(text: string, [precision, scale]: [number, number]): string {
  const scaled = Number(text) * 10 ** scale
  const rounded = Math.sign(scaled) * Math.round(Math.abs(Number(scaled.toPrecision(15))))
  if (Math.abs(rounded) >= 10 ** precision) return fail()
  return (rounded / 10 ** scale).toFixed(scale).replace(/^-(0\.?0*)$/, '$1')
}

/** JSON with keys in lower case at every depth, as OpenX puts them; two that are one then both stand there. */
function loweredText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(loweredText)}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  return `{${Object.entries(value).map(([key, member]) => `${JSON.stringify(key.replace(/[A-Z]/g, (c) => c.toLowerCase()))}:${loweredText(member)}`)}}`
}

function day([, y, m, d]: readonly string[]): Date {
  const [year, month, date] = [y, m, d].map(Number)
  const time = new Date(Date.UTC(2000, month - 1, date))
  time.setUTCFullYear(year, month - 1, date)
  return time.getUTCMonth() === month - 1 && time.getUTCDate() === date ? time : fail()
}

/** Nanoseconds since the epoch, as text. */
function time(value: unknown, serde: Serde): string {
  const text = typeof value === 'string' ? value : typeof value === 'number' ? String(value) : fail()
  const sql = /^(\d{4})-(\d{1,2})-(\d{1,2}) (\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,9}))?$/.exec(text)
  const iso = serde.name === 'openx' ? /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z$/.exec(text) : null
  const parts = sql ?? iso
  if (parts) {
    const [hour, minute, second] = parts.slice(4, 7).map(Number)
    if (hour > 23 || minute > 59 || second > 59) return fail()
    const ms = day(parts).getTime() + ((hour * 60 + minute) * 60 + second) * 1000
    return String(BigInt(ms) * 1_000_000n + BigInt((parts[7] ?? '').padEnd(9, '0')))
  }
  if (serde.name === 'hive') return fail()
  const number = Number(numberText(value, serde))
  // where the column cannot hold it, AWS wraps; here it is refused
  if (Math.abs(number) > 9.2e15) return fail()
  const ns = (x: number, unit: bigint) => BigInt(Math.trunc(x)) * unit + BigInt(Math.round((x - Math.trunc(x)) * 1e6)) * (unit / 1_000_000n)
  return String(Math.abs(number) < 1e12 ? ns(number, 1_000_000_000n) : ns(number, 1_000_000n))
}
