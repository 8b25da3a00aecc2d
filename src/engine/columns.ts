// A batch of columns in an engine's arena, and the scan that fills it from JSON.
import { MillraceError, outOfRange } from '../errors.js'
import type { Field } from '../types.js'
import * as core from './core.js'
import type { Engine } from './engine.js'
import { type Reason, reasonOf } from './faults.js'
import { layGroups } from './groups.js'
import { growColumn, type LeafColumn, layColumns, leavesOf } from './leaves.js'

export interface ScanOptions {
  /** Most rows of a batch. */
  capacity: number
  /** Most bytes of text of a call of next(). */
  textBytes: number
  /** Default strict. */
  coercion?: Coercion | undefined
  /**
   * Of hive and openx: values are read as Firehose reads them, not more leniently. Keys of maps then
   * keep their case where `caseInsensitive` is false; `patterns`, of hive, tell how text is a time
   * before the level's own form (assembly/columnar/patterns.ts).
   */
  exact?: { patterns?: Uint8Array | undefined } | undefined
  /** Keys match whatever the case of their ASCII letters. */
  caseInsensitive?: boolean | undefined
  /** Points in keys are read as underscores. */
  dotsToUnderscores?: boolean | undefined
  /**
   * Members of an object that no column wants: dropped (default), an error, or, those of the record
   * itself, gathered as the JSON text of one object in the `json` column of that name (no key leads there).
   */
  unknown?: 'drop' | 'error' | { rest: string } | undefined
  /** dynamodb: DynamoDB-typed JSON (assembly/columnar/dynamodb.ts), which the scan makes plain in the text that it is given. */
  dialect?: Dialect | undefined
}

export type Dialect = 'json' | 'dynamodb'

/** How far a value may differ from its column's type: assembly/columnar/coerce.ts. */
export type Coercion = 'strict' | 'hive' | 'openx'

/** How records follow each other (assembly/columnar/frame.ts). */
export type Format = 'auto' | 'lines' | 'documents'

/** A record that is not in the batch; all offsets count from the start of the text given to next(). */
export interface BadRecord extends Reason {
  /** Index among the records of the whole input, good and bad. */
  record: number
  offset: number
  /** Behind the record and, where it closed a line of lines, its line feed. */
  end: number
  /** Where the fault was seen. */
  position: number
}

export interface ScanResult {
  rows: number
  /** Bytes of text done with, bad records included; the rest belongs to a record that goes on. */
  consumed: number
  bad: BadRecord[]
}

export interface Scan {
  /** Address of the first of `count` column descriptors (assembly/columnar/columns.ts), those of `leaves`. */
  readonly columns: number
  readonly count: number
  readonly leaves: readonly LeafColumn[]
  readonly capacity: number
  /**
   * Empties the batch and fills it from the text at `address` (SLACK bytes behind it) until it
   * holds `capacity` rows or `most`, a leaf below a list or map is full, the text ends, or 1,024 records were
   * bad. `final`: no more text follows. String cells point into the text or into the scan's own arena,
   * until the next call. May reserve: call it in no scope that ends before the scan does.
   */
  next(address: number, length: number, final: boolean, most?: number): ScanResult
  /** The format of the source whose text begins so, settled where it was auto and the text tells. To be called before next(), if at all. */
  settle(address: number, length: number, final: boolean): Format
  /** What follows is the start of a source in `format`, or goes on where it has `begun`: no byte order mark then. Before the first call it is lines. */
  startSource(format: Format, begun?: boolean): void
  /** Passes over a piece of a record that is too long to be held, `first` its first; gives the bytes taken, and whether it has ended. */
  pass(address: number, length: number, first: boolean): { taken: number; ended: boolean }
}

/** By their FORMAT_*. */
const FORMATS: readonly Format[] = ['auto', 'lines', 'documents']

// One call leaves at most this many reasons in JavaScript's memory.
const BAD_MAX = 1024
// A leaf below a list that is full before `capacity` rows are there gets room for twice the entries, up to
// so many bytes, within which a batch stays in the second-level cache; further only for a single record.
const SOFT_BYTES = 256 * 1024
// All that single records may make the columns grow by: lists of `{}` make 10 bytes a leaf of 3 bytes of text.
const HARD_BYTES = 512 * 1024 * 1024

/**
 * Lays out `capacity` rows of `fields` in the engine's arena, for texts of at most `textBytes` a
 * call, and gives the scan over them. What it reserves lives until the caller rewinds. Throws
 * RangeError for fields that no file or no scan can have.
 */
export function createScan(engine: Engine, fields: readonly Field[], options: ScanOptions): Scan {
  const { capacity, textBytes, coercion = 'strict', unknown = 'drop', exact } = options
  const leaves = exact && coercion === 'hive' ? leavesOf(fields).map(timesInText) : leavesOf(fields, coercion)
  const flags = (exact ? core.COERCE_EXACT : 0) | (exact && options.caseInsensitive === false ? core.COERCE_CASED : 0)
  const level = (['strict', 'hive', 'openx'].indexOf(coercion) | flags) << core.SCAN_COERCION
  const columns = layColumns(engine, leaves, capacity)
  const count = leaves.length
  const fold = (options.caseInsensitive ? core.FOLD_CASE : 0) | (options.dotsToUnderscores ? core.FOLD_DOTS : 0)
  const rest = typeof unknown === 'object' ? restField(fields, unknown.rest) : undefined
  const { root, subjects, repeated } = layGroups(engine, fields, columns, leaves, { fold, rest })
  const state = engine.reserve(core.SCAN_STATE)
  // What maps and the rest column note of a member takes up to 20 bytes, its text at least 5.
  const factor = rest || subjects.some(({ type }) => type === 'map') ? 5 : 1
  let room = 0
  let scratch = 0
  const restColumn = rest ? columns + leaves.findIndex((leaf) => leaf.field === rest) * core.COLUMN_SIZE : 0
  engine.core.scanInit(
    state,
    columns,
    count,
    root,
    restColumn,
    (unknown === 'error' ? core.SCAN_REFUSE : 0) | (options.dialect === 'dynamodb' ? core.SCAN_DYNAMODB : 0),
    exact?.patterns ? engine.put(exact.patterns) : 0,
  )
  engine.core.scanSource(state, core.FORMAT_LINES)
  const report = engine.core.report() >> 2
  let records = 0
  let started = false
  let grown = 0
  let tight = -1 // the leaf that ended the last batch too soon

  const bytesOf = (leaf: number) => engine.words()[(columns + leaf * core.COLUMN_SIZE + core.COLUMN_CAPACITY) >> 2] * (leaves[leaf].width + 2)

  /** Room for twice the entries of a leaf and of those that have as many; false where that would be too much. */
  const grow = (full: number, limit: number): boolean => {
    const together = leaves.flatMap((_, i) => (repeated[i] === repeated[full] ? [i] : []))
    if (together.some((i) => 2 * bytesOf(i) > limit)) return false
    const more = together.reduce((sum, i) => sum + 2 * bytesOf(i), 0)
    if (grown + more > HARD_BYTES) return false
    try {
      for (const i of together) {
        const column = columns + i * core.COLUMN_SIZE
        growColumn(engine, column, leaves[i], 2 * engine.words()[(column + core.COLUMN_CAPACITY) >> 2])
      }
    } catch (error) {
      if (error instanceof MillraceError && error.code === 'OUT_OF_MEMORY') return false
      throw error
    }
    grown += more
    return true
  }

  const pass = (address: number, length: number, first: boolean) => {
    const taken = engine.core.scanPass(state, address, length, first ? 1 : 0)
    return { taken, ended: engine.words()[report + 1] === 1 }
  }

  return {
    columns,
    count,
    leaves,
    capacity,
    next(address, length, final, most = capacity) {
      if (length > textBytes) throw outOfRange('length', `at most ${textBytes} bytes`, length)
      if (length * factor > room) {
        room = Math.max(length * factor, Math.min(2 * room, textBytes * factor))
        scratch = engine.reserve(room)
      }
      if (tight >= 0) grow(tight, SOFT_BYTES)
      tight = -1
      const bad: BadRecord[] = []
      let rows = 0
      let consumed = 0
      const settle = (offset: number, end: number, position: number, why: Reason) => {
        bad.push({ record: records + rows + bad.length, offset, end, position, ...why })
        consumed = end
        started = true
      }
      for (let append = 0; bad.length < BAD_MAX; ) {
        const flags = (final ? core.SCAN_FINAL : 0) | (started ? 0 : core.SCAN_FIRST) | append | level
        const result = engine.core.scanRows(state, address + consumed, length - consumed, scratch, room, Math.min(most, capacity), flags)
        const words = engine.words()
        const from = consumed
        const [taken, scanned, fault, , detail, end] = words.subarray(report, report + 6)
        rows = scanned
        if (result === core.BAD_INPUT) {
          settle(from + taken, from + end, from + fault, reasonOf(detail, engine.bytes(), address + from + fault, address + from + end, subjects))
          append = core.SCAN_APPEND
          continue
        }
        consumed += taken
        started ||= consumed > 0
        if (result !== core.OUTPUT_FULL) break
        if (rows > 0) {
          tight = detail
          break
        }
        append = 0
        if (grow(detail, HARD_BYTES)) continue
        const { taken: size, ended } = pass(address + consumed, length - consumed, true)
        if (!ended && !final) break
        const column = subjects[detail].path
        const message = `column ${JSON.stringify(column)} expected lists that take at most ${HARD_BYTES / 1048576} MiB as columns, got more`
        settle(consumed, consumed + size, consumed, { message, reason: 'size', column })
      }
      records += rows + bad.length
      return { rows, consumed, bad }
    },
    settle(address, length, final) {
      const flags = (final ? core.SCAN_FINAL : 0) | (started ? 0 : core.SCAN_FIRST)
      return FORMATS[engine.core.scanSettle(state, address, length, flags)]
    },
    startSource(format, begun = false) {
      engine.core.scanSource(state, FORMATS.indexOf(format))
      started = begun
    },
    pass(address, length, first) {
      started = true
      records += first ? 1 : 0
      return pass(address, length, first)
    },
  }
}

/** Numbers in timestamps are the text that they are. */
const timesInText = (leaf: LeafColumn): LeafColumn => (leaf.leaf.type === 'timestamp' ? { ...leaf, param: core.TIME_TEXT } : leaf)

function restField(fields: readonly Field[], name: string): Field {
  const field = fields.find((f) => f.name === name)
  if (field?.leaf?.type !== 'json') throw outOfRange('unknown.rest', 'the name of a top-level json column', name)
  return field
}
