// A batch of columns in an engine's arena, and the scan that fills it from JSON.
import { outOfRange } from '../errors.js'
import type { Leaf } from '../types.js'
import * as core from './core.js'
import type { Engine } from './engine.js'
import { layColumns, leavesOf } from './leaves.js'

/** How far a value may differ from its column's type: assembly/columnar/coerce.ts. */
export type Coercion = 'strict' | 'hive' | 'openx'

export interface ScanField extends Leaf {
  /** Name of the member, compared as it is, unescaped. */
  name: string
  /** Whether null or no such member is a null (default) or makes the record bad. */
  nullable?: boolean
}

/** How records follow each other (assembly/columnar/frame.ts). */
export type Format = 'auto' | 'lines' | 'documents'

/** A record that is not in the batch; all offsets count from the start of the text given to next(). */
export interface BadRecord {
  /** Index among the records of the whole input, good and bad. */
  record: number
  offset: number
  /** Behind the record and, where it closed a line of lines, its line feed. */
  end: number
  /** Where the fault was seen. */
  position: number
  /** What was expected, what was found; without the position. */
  message: string
  /** The same in one word, to be counted by. */
  reason: string
  /** Of a value that does not fit: whose. */
  column?: string
}

export interface ScanResult {
  rows: number
  /** Bytes of text done with, bad records included; the rest belongs to a record that goes on. */
  consumed: number
  bad: BadRecord[]
}

export interface Scan {
  /** Address of the first of `count` column descriptors (assembly/columnar/columns.ts). */
  readonly columns: number
  readonly count: number
  readonly capacity: number
  /**
   * Empties the batch and fills it from the text at `address` (SLACK bytes behind it) until it
   * holds `capacity` rows, the text ends, or 1,024 records were bad. `final`: no more text follows.
   * String cells point into the text or into the scan's own arena, until the next call.
   */
  next(address: number, length: number, final: boolean): ScanResult
  /** What follows is the start of a source in `format`; before the first call it is lines. */
  startSource(format: Format): void
  /** Passes over a piece of a record that is too long to be held, `first` its first; gives the bytes taken, and whether it has ended. */
  pass(address: number, length: number, first: boolean): { taken: number; ended: boolean }
}

// One call leaves at most this many reasons in JavaScript's memory.
const BAD_MAX = 1024

/**
 * Lays out `capacity` rows of `fields` in the engine's arena, for texts of at most `textBytes` a
 * call, and gives the scan over them. What it reserves lives until the caller rewinds.
 */
export function createScan(engine: Engine, fields: readonly ScanField[], capacity: number, textBytes: number, coercion: Coercion = 'strict'): Scan {
  const count = fields.length
  const encoder = new TextEncoder()
  const names = new Set<string>()
  const fieldsOf = fields.map(({ name, nullable = true, ...leaf }) => ({ name, key: name, nullable, leaf }))
  const leaves = leavesOf(fieldsOf, coercion)
  const level = ['strict', 'hive', 'openx'].indexOf(coercion) << core.SCAN_COERCION
  const columns = layColumns(engine, leaves, capacity)
  fields.forEach((field, i) => {
    if (names.has(field.name)) throw outOfRange(`fields[${i}].name`, 'a name that no other column has', field.name)
    names.add(field.name)
    const text = encoder.encode(field.name)
    const name = engine.put(text)
    const words = engine.words()
    const at = (columns + i * core.COLUMN_SIZE) >> 2
    words[at + (core.COLUMN_NAME >> 2)] = name
    words[at + (core.COLUMN_NAME_SIZE >> 2)] = text.length
  })
  const state = engine.reserve(engine.core.scanSize(count))
  const scratch = engine.reserve(textBytes)
  engine.core.scanInit(state, columns, count)
  engine.core.scanSource(state, core.FORMAT_LINES)
  const report = engine.core.report() >> 2
  let records = 0
  let started = false

  return {
    columns,
    count,
    capacity,
    next(address, length, final) {
      if (length > textBytes) throw outOfRange('length', `at most ${textBytes} bytes`, length)
      const bad: BadRecord[] = []
      let rows = 0
      let consumed = 0
      for (let append = 0; bad.length < BAD_MAX; append = core.SCAN_APPEND) {
        const flags = (final ? core.SCAN_FINAL : 0) | (started ? 0 : core.SCAN_FIRST) | append | level
        const result = engine.core.scanRows(state, address + consumed, length - consumed, scratch, capacity, flags)
        const words = engine.words()
        const taken = words[report]
        rows = words[report + 1]
        if (result !== core.BAD_INPUT) {
          consumed += taken
          started ||= consumed > 0
          break
        }
        const position = consumed + words[report + 2]
        const detail = words[report + 4]
        const message = reason(detail, engine.bytes()[address + position], fields)
        const column = OF_TEXT[detail & 0xff] ? {} : { column: fields[detail >>> 8].name }
        const word = OF_TEXT[detail & 0xff] ?? OF_COLUMN[detail & 0xff]
        bad.push({
          record: records + rows + bad.length,
          offset: consumed + taken,
          end: consumed + words[report + 5],
          position,
          message,
          reason: word,
          ...column,
        })
        consumed += words[report + 5]
        started = true
      }
      records += rows + bad.length
      return { rows, consumed, bad }
    },
    startSource(format) {
      engine.core.scanSource(state, { auto: core.FORMAT_AUTO, lines: core.FORMAT_LINES, documents: core.FORMAT_DOCUMENTS }[format])
      started = false
    },
    pass(address, length, first) {
      const taken = engine.core.scanPass(state, address, length, first ? 1 : 0)
      started = true
      records += first ? 1 : 0
      return { taken, ended: engine.words()[report + 1] === 1 }
    },
  }
}

const OF_TEXT: Record<number, string> = {
  [core.JSON_SYNTAX]: 'syntax',
  [core.JSON_LINE_ENDS]: 'truncated',
  [core.JSON_TEXT_ENDS]: 'truncated',
  [core.JSON_ARRAY_ENDS]: 'truncated',
  [core.JSON_CONTROL]: 'control',
  [core.JSON_ESCAPE]: 'escape',
  [core.JSON_DEPTH]: 'depth',
  [core.JSON_UTF8]: 'utf8',
  [core.JSON_NOT_OBJECT]: 'not-object',
  [core.JSON_TRAILING]: 'trailing',
  [core.JSON_SEPARATOR]: 'separator',
}
const OF_COLUMN: Record<number, string> = {
  [core.JSON_MISSING]: 'missing',
  [core.JSON_NULL]: 'null',
  [core.JSON_TYPE]: 'type',
  [core.JSON_FRACTION]: 'fraction',
  [core.JSON_RANGE]: 'range',
  [core.JSON_TIME]: 'time',
  [core.JSON_SURROGATE]: 'surrogate',
}

/** The fault in words: `detail` as scanRows() reports it, `byte` the one it points at. */
function reason(detail: number, byte: number, fields: readonly ScanField[]): string {
  const field = fields[detail >>> 8]
  const column = `column ${JSON.stringify(field?.name)}`
  switch (detail & 0xff) {
    case core.JSON_LINE_ENDS:
      return 'expected the record to end on its line, got the end of the line'
    case core.JSON_TEXT_ENDS:
      return 'expected the document to end, got the end of the input'
    case core.JSON_ARRAY_ENDS:
      return 'expected "]" behind the objects, got the end of the input'
    case core.JSON_SEPARATOR:
      return `expected "," or "]" behind an object of the array, got ${shown(byte)}`
    case core.JSON_CONTROL:
      return `expected an escape, got control character ${hex(byte)} in a string`
    case core.JSON_ESCAPE:
      return `expected an escape of JSON (\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX), got ${shown(byte)}`
    case core.JSON_DEPTH:
      return 'expected at most 256 levels of nesting, got more'
    case core.JSON_UTF8:
      return `expected UTF-8, got byte ${hex(byte)}`
    case core.JSON_NOT_OBJECT:
      return `expected a JSON object, got ${kind(byte)}`
    case core.JSON_TRAILING:
      return `expected the end of the line or a further object behind the record, got ${shown(byte)}`
    case core.JSON_MISSING:
      return `${column} expected ${typeName(field)}, got no such member`
    case core.JSON_NULL:
      return `${column} expected ${typeName(field)}, got null`
    case core.JSON_TYPE:
      return `${column} expected ${typeName(field)}, got ${kind(byte)}`
    case core.JSON_FRACTION:
      return `${column} expected ${typeName(field)}, got a number that is not whole`
    case core.JSON_RANGE:
      return `${column} expected ${typeName(field)}, got a number out of its range`
    case core.JSON_TIME:
      return `${column} expected timestamp, got a string that is no ISO 8601 time or out of range of ${field.unit ?? 'ms'}`
    case core.JSON_NUMBER:
      return `${column} expected ${typeName(field)}, got a string that is no number`
    case core.JSON_SCALE:
      return `${column} expected ${typeName(field)}, got more than ${field.scale ?? 0} digits behind the point`
    case core.JSON_PRECISION:
      return `${column} expected ${typeName(field)}, got more digits than it has`
    case core.JSON_DATE:
      return `${column} expected date, got a string that is no yyyy-MM-dd`
    case core.JSON_CLOCK:
      return `${column} expected time, got a string that is no HH:mm[:ss[.f]]`
    case core.JSON_UUID:
      return `${column} expected uuid, got a string that is none`
    case core.JSON_BASE64:
      return `${column} expected binary, got a string that is not base64`
    case core.JSON_HEX:
      return `${column} expected binary, got a string that is not hex`
    case core.JSON_SURROGATE:
      return `${column} expected string, got a lone surrogate, which has no UTF-8`
    default:
      return `expected JSON, got ${shown(byte)}`
  }
}

function typeName({ type, precision = 10, scale = 0 }: Leaf): string {
  return type === 'decimal' ? `decimal(${precision},${scale})` : type
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`
}

function shown(byte: number): string {
  return byte > 0x20 && byte < 0x7f ? `"${String.fromCharCode(byte)}"` : hex(byte)
}

function kind(byte: number): string {
  if (byte === 0x22) return 'a string'
  if (byte === 0x7b) return 'an object'
  if (byte === 0x5b) return 'an array'
  if (byte === 0x74 || byte === 0x66) return 'a boolean'
  if (byte === 0x6e) return 'null'
  if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) return 'a number'
  return shown(byte)
}
