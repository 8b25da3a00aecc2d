// What DuckDB, hyparquet and @dsnp/parquetjs read, in the canonical form of values.ts.
import {
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimeNSValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTimeValue,
  DuckDBUUIDValue,
} from '@duckdb/node-api'
import { parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { decimalText, floating, type Shape, type Want } from './values.js'

const PER_MICRO = { ms: (us: bigint) => us / 1000n, us: (us: bigint) => us, ns: (us: bigint) => us * 1000n }

/** A value of DuckDB's Node binding. */
export function fromDuck(value: unknown, shape: Shape): Want {
  if (value === null || value === undefined) return null
  if (value instanceof DuckDBListValue) return { list: value.items.map((item) => fromDuck(item, 'list' in shape ? shape.list : shape)) }
  if (value instanceof DuckDBMapValue) {
    const [key, inner] = 'map' in shape ? [shape.key, shape.map] : [shape, shape]
    return { map: value.entries.map((e) => [fromDuck(e.key, key) as string, fromDuck(e.value, inner)]) }
  }
  if (value instanceof DuckDBStructValue) {
    if (!('struct' in shape)) throw new Error('a struct where none was written')
    // by place: names that DuckDB takes for one are made different by it
    const members = Object.values(value.entries)
    return { struct: shape.struct.map((m, i) => fromDuck(members[i], m.shape)) }
  }
  if ('leaf' in shape && shape.leaf === 'int96' && value instanceof DuckDBTimestampValue) return String(value.micros * 1000n)
  const unit = 'leaf' in shape ? (shape.unit ?? 'us') : 'us'
  if (value instanceof DuckDBDecimalValue) return decimalText(value.value, value.scale)
  if (value instanceof DuckDBBlobValue) return Buffer.from(value.bytes).toString('hex')
  if (value instanceof DuckDBDateValue) return String(value.days)
  if (value instanceof DuckDBUUIDValue) return value.toString()
  if (value instanceof DuckDBTimeNSValue) return String((value.nanos / 1000n) * 1000n)
  if (value instanceof DuckDBTimeValue) return String(PER_MICRO[unit](value.micros))
  if (value instanceof DuckDBTimestampNanosecondsValue) return String(value.nanos)
  if (value instanceof DuckDBTimestampMillisecondsValue) return String(value.millis)
  if (value instanceof DuckDBTimestampTZValue || value instanceof DuckDBTimestampValue) return String(PER_MICRO[unit](value.micros))
  if (typeof value === 'number' && 'leaf' in shape && shape.leaf === 'double') return floating(value)
  return String(value)
}

/** What DuckDB cannot show as it was written: TIME and TIMESTAMP WITH TIME ZONE end at microseconds, cut towards zero. */
export function asDuck(want: Want, shape: Shape): Want {
  const cut = ({ leaf, unit, wall }: LeafShape) => unit === 'ns' && (leaf === 'time' || (leaf === 'timestamp' && !wall))
  return mapped(want, shape, (text, leaf) => (cut(leaf) ? String((BigInt(text) / 1000n) * 1000n) : text))
}

type LeafShape = Extract<Shape, { leaf: string }>
function mapped(want: Want, shape: Shape, leaf: (text: string, shape: LeafShape) => string): Want {
  if (want === null) return null
  if (typeof want === 'string') return 'leaf' in shape ? leaf(want, shape) : want
  if ('list' in want && 'list' in shape) return { list: want.list.map((w) => mapped(w, shape.list, leaf)) }
  if ('map' in want && 'map' in shape) return { map: want.map.map(([k, v]) => [k, mapped(v, shape.map, leaf)]) }
  if ('struct' in want && 'struct' in shape) return { struct: want.struct.map((w, i) => mapped(w, shape.struct[i].shape, leaf)) }
  throw new Error('value and shape differ')
}

const buffer = (file: Uint8Array) => file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength) as ArrayBuffer

/** Rows as hyparquet reads them, Snappy by itself and the rest by its compressors. */
export function readHyparquet(file: Uint8Array, options: { useOffsetIndex?: boolean; rowStart?: number; rowEnd?: number } = {}) {
  // not fatal: the bounds of binary columns go through it too
  const text = new TextDecoder('utf-8', { ignoreBOM: true })
  return parquetReadObjects({
    file: buffer(file),
    compressors,
    utf8: false,
    ...options,
    parsers: {
      timestampFromMilliseconds: (n) => n,
      timestampFromMicroseconds: (n) => n,
      timestampFromNanoseconds: (n) => n,
      dateFromDays: (n) => n,
      stringFromBytes: (bytes) => bytes && text.decode(bytes),
      jsonFromBytes: (bytes) => bytes && text.decode(bytes),
    },
  })
}

/** A value of hyparquet's. It makes decimals numbers, by the sum that asHyparquet repeats, and maps objects. */
export function fromHyparquet(value: unknown, shape: Shape): Want {
  if (value === null || value === undefined) return null
  if ('list' in shape) return { list: (value as unknown[]).map((item) => fromHyparquet(item, shape.list)) }
  if ('map' in shape) return { map: sorted(Object.entries(value as object).map(([k, v]) => [k, fromHyparquet(v, shape.map)])) }
  if ('struct' in shape) return { struct: shape.struct.map((m) => fromHyparquet((value as Record<string, unknown>)[m.name], m.shape)) }
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (shape.leaf === 'uint64') return String(BigInt.asUintN(64, BigInt(value as bigint)))
  return typeof value === 'number' && shape.leaf === 'double' ? floating(value) : String(value)
}

export function asHyparquet(want: Want, shape: Shape): Want {
  const plain = mapped(want, shape, (text, leaf) => (leaf.leaf === 'decimal' ? String(Number(text.replace('.', '')) * 10 ** -(leaf.scale ?? 0)) : text))
  return order(plain)
}

function order(want: Want): Want {
  if (want === null || typeof want === 'string') return want
  if ('list' in want) return { list: want.list.map(order) }
  if ('struct' in want) return { struct: want.struct.map(order) }
  return { map: sorted(want.map.map(([k, v]) => [k, order(v)])) }
}

function sorted(entries: [string, Want][]): [string, Want][] {
  return entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
}

// biome-ignore lint/suspicious/noExplicitAny: its types want those of the libraries below it
const dsnp = (await import('@dsnp/parquetjs' as string)) as any

/** Rows as @dsnp/parquetjs reads them. */
export async function readDsnp(file: Uint8Array): Promise<Record<string, unknown>[]> {
  const reader = await dsnp.ParquetReader.openBuffer(Buffer.from(file))
  const cursor = reader.getCursor()
  const rows: Record<string, unknown>[] = []
  for (let row = await cursor.next(); row !== null; row = await cursor.next()) rows.push(row)
  await reader.close()
  return rows
}

/** A value of @dsnp/parquetjs, which shows lists and maps as the groups that they are in the file. */
export function fromDsnp(value: unknown, shape: Shape): Want {
  if (value === null || value === undefined) return null
  const group = value as Record<string, unknown>
  const entries = (name: string) => (group[name] ?? []) as Record<string, unknown>[]
  if ('list' in shape) return { list: entries('list').map((entry) => fromDsnp(entry.element, shape.list)) }
  if ('map' in shape) return { map: entries('key_value').map((e) => [fromDsnp(e.key, shape.key) as string, fromDsnp(e.value, shape.map)]) }
  if ('struct' in shape) return { struct: shape.struct.map((m) => fromDsnp(group[m.name], m.shape)) }
  if (Buffer.isBuffer(value)) return shape.leaf === 'decimal' ? String(BigInt.asIntN(128, BigInt(`0x${value.toString('hex')}`))) : value.toString('hex')
  if (shape.leaf === 'json') return JSON.stringify(value)
  if (value instanceof Date) return String(shape.leaf === 'date' ? value.getTime() / 86_400_000 : value.getTime())
  return typeof value === 'number' && shape.leaf === 'double' ? floating(value) : String(value)
}

/** What it makes of values: of unsigned integers signed ones, of moments Dates in milliseconds, of small decimals numbers, of JSON values. */
export function asDsnp(want: Want, shape: Shape): Want {
  return mapped(want, shape, (text, { leaf, unit, scale = 0, precision = 0 }) => {
    if (leaf === 'json') return JSON.stringify(JSON.parse(text))
    if (leaf === 'timestamp' && unit === 'us') return String(BigInt(text) / 1000n)
    if (leaf === 'uint64' || leaf === 'uint32') return String(BigInt.asIntN(leaf === 'uint64' ? 64 : 32, BigInt(text)))
    if (leaf === 'uuid') return text.replaceAll('-', '')
    if (leaf !== 'decimal') return text
    return precision > 18 ? String(BigInt(text.replace('.', ''))) : String(Number(text.replace('.', '')) / 10 ** scale)
  })
}
