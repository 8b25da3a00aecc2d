// Rows as parquetjs-lite takes them (lib/shred.js, lib/types.js) -> lines of JSON. Its leniency is kept:
// numbers may be text, a single value may stand in an array. What it writes wrongly is not: integers keep
// every bit, and what does not fit is refused.
import { toBase64 } from '../engine/base64.js'
import { MillraceError } from '../errors.js'
import type { ParquetJsType, SchemaDefinition } from './parquetjs-schema.js'

const DAY = 86_400_000

/** Gives the line of a row; throws BAD_INPUT, in the words that parquetjs throws. */
export function rowText(schema: SchemaDefinition): (row: unknown) => string {
  return (row) => {
    if (typeof row !== 'object' || row === null) throw refused(`expected a row, got ${row}`)
    return groupText(schema, row as Record<string, unknown>)
  }
}

function refused(message: string): MillraceError {
  return new MillraceError('BAD_INPUT', message)
}

function groupText(schema: SchemaDefinition, record: Record<string, unknown>): string {
  let text = ''
  for (const name of Object.keys(schema)) {
    const { optional, repeated } = schema[name]
    const value = name in Object.prototype && !Object.hasOwn(record, name) ? undefined : record[name]
    const values = value === undefined || value === null ? [] : Array.isArray(value) ? value : [value]
    if (values.length === 0 && !optional && !repeated) throw refused(`missing required field: ${name}`)
    if (values.length > 1 && !repeated) throw refused(`too many values for field: ${name}`)
    const cell = repeated
      ? `[${values.map((one) => valueText(schema, name, one)).join(',')}]`
      : values.length === 0
        ? 'null'
        : valueText(schema, name, values[0])
    text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${cell}`
  }
  return `{${text}}`
}

function valueText(schema: SchemaDefinition, name: string, value: unknown): string {
  const { fields, type } = schema[name]
  if (!fields) return leafText(type as ParquetJsType, value)
  if (typeof value !== 'object' || value === null) throw refused(`invalid value for field ${name}: expected an object`)
  return groupText(fields, value as Record<string, unknown>)
}

/** Least and greatest value of each type of whole numbers. */
const RANGE: Partial<Record<ParquetJsType, [bigint, bigint]>> = {
  INT32: [-(2n ** 31n), 2n ** 31n - 1n],
  INT64: [-(2n ** 63n), 2n ** 63n - 1n],
  INT_8: [-128n, 127n],
  INT_16: [-32768n, 32767n],
  INT_32: [-(2n ** 31n), 2n ** 31n - 1n],
  INT_64: [-(2n ** 63n), 2n ** 63n - 1n],
  UINT_8: [0n, 255n],
  UINT_16: [0n, 65535n],
  UINT_32: [0n, 2n ** 32n - 1n],
  UINT_64: [0n, 2n ** 64n - 1n],
  // of a day, as the format has it
  TIME_MILLIS: [0n, BigInt(DAY) - 1n],
  TIME_MICROS: [0n, BigInt(DAY) * 1000n - 1n],
  TIMESTAMP_MILLIS: [0n, 2n ** 63n - 1n],
  TIMESTAMP_MICROS: [0n, 2n ** 63n - 1n],
}

function leafText(type: ParquetJsType, value: unknown): string {
  const invalid = () => refused(`invalid value for ${type.replace(/^(U?INT)_/, '$1')}: ${value}`)
  switch (type) {
    case 'BOOLEAN':
      return value ? 'true' : 'false'
    case 'FLOAT':
    case 'DOUBLE': {
      const number = Number.parseFloat(value as string)
      if (Number.isNaN(number)) throw invalid()
      // no double reaches 1e999
      return Object.is(number, -0) ? '-0.0' : Number.isFinite(number) ? `${number}` : `${number < 0 ? '-' : ''}1e999`
    }
    case 'UTF8':
    case 'ENUM':
      if (typeof value === 'string') return JSON.stringify(value)
      if (value instanceof Uint8Array) return JSON.stringify(new TextDecoder().decode(value))
      throw invalid()
    case 'JSON': {
      const text = JSON.stringify(value) as string | undefined
      if (text === undefined) throw invalid()
      return text
    }
    case 'BYTE_ARRAY':
      if (typeof value === 'string') return `"${toBase64(new TextEncoder().encode(value))}"`
      if (value instanceof Uint8Array) return `"${toBase64(value)}"`
      throw invalid()
    case 'DATE': {
      const days = value instanceof Date ? Math.floor(value.getTime() / DAY) : Number(wholeOf(value) ?? -1n)
      const date = new Date(days * DAY)
      if (!(value instanceof Date ? date.getUTCFullYear() >= 0 : days >= 0) || !(date.getUTCFullYear() <= 9999)) throw invalid()
      return `"${date.toISOString().slice(0, 10)}"`
    }
    case 'TIMESTAMP_MILLIS':
    case 'TIMESTAMP_MICROS':
      if (value instanceof Date) {
        if (Number.isNaN(value.getTime())) throw invalid()
        return `${type === 'TIMESTAMP_MILLIS' ? value.getTime() : BigInt(value.getTime()) * 1000n}`
      }
  }
  const whole = wholeOf(value)
  const [least, most] = RANGE[type] as [bigint, bigint]
  if (whole === undefined || whole < least || whole > most) throw invalid()
  return `${whole}`
}

/** As parseInt reads it, but exactly. */
function wholeOf(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return Number.isFinite(value) ? BigInt(Math.trunc(value)) : undefined
  const digits = /^\s*([+-]?)(\d{1,40})/.exec(String(value))
  return digits ? BigInt(digits[2]) * (digits[1] === '-' ? -1n : 1n) : undefined
}
