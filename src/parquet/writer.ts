// NDJSON or objects -> one Parquet file.
import type { Format } from '../engine/columns.js'
import { createEngine, type Engine } from '../engine/engine.js'
import { leavesOf } from '../engine/leaves.js'
import { checkKeys, checkWhole, MillraceError, outOfRange, wrongType } from '../errors.js'
import type { Field } from '../types.js'
import type { ColumnInput } from './cells.js'
import { columnBatches } from './columns.js'
import { createParquetFile } from './file.js'
import { flatColumns, flatFields } from './flat.js'
import { type BadRecordPolicy, checkFormat, checkPolicy, createIntake, type Intake, MAX_RECORD_BYTES } from './intake.js'
import { checkFileOptions, FILE_KEYS, type FileOptions } from './options.js'
import { createRowGroupEncoder } from './rowgroup.js'
import { rowLines } from './rows.js'
import type { Schema } from './schema.js'
import type { ParquetSink } from './sink.js'

export interface ParquetWriterOptions extends FileOptions {
  schema: Schema
  sink: ParquetSink
  /** A row group ends with the batch (of at most 2,048 rows) that brings it to so many rows. Default 131,072. */
  rowGroupRows?: number
  /** Or to so many bytes, before compression. Default 128 MiB. The pages of one row group wait in memory, compressed. */
  rowGroupBytes?: number
  /** Bounds memory: a record this long always is taken, one 512 KiB longer is a bad record. Default 16 MiB. */
  maxRecordBytes?: number
  /** Default fail. */
  onBadRecord?: BadRecordPolicy
  /**
   * How records follow each other in writeJson: `lines` (NDJSON: a line feed ends a record wherever it
   * stands), `documents` (JSON texts with any white space or none between them, line feeds inside; an
   * array of objects is a text of many records), or `auto` (default): settled by the first line of
   * each source, documents where it opens an array or ends inside an object.
   */
  format?: Format
}

export interface ParquetSummary {
  rows: number
  /** Of the file. */
  bytes: number
  rowGroups: number
  badRecords: number
  /** How many for each reason; for a value that does not fit its column, "reason: column", of the first 64 such pairs. */
  badByReason: Record<string, number>
}

export interface ParquetWriter {
  /**
   * Takes JSON cut anywhere; `bytes` must not change until the promise resolves. Calls need not
   * be awaited one by one: they are served in order. Rejects with BAD_INPUT (position: source,
   * record, line, byte, column) under the policy `fail`, with whatever the sink rejects with, with OUT_OF_MEMORY;
   * the writer is then at its end and the sink aborted.
   */
  writeJson(bytes: Uint8Array): Promise<void>
  /**
   * Takes objects, exactly: BigInt in integer and decimal columns, Date in timestamps and dates,
   * Uint8Array in binary ones, Map or object in maps, arrays, typed arrays and sets in lists, anything
   * in json ones; `undefined` is an absent member, toJSON() is heeded. A row that does not fit its
   * columns is a bad record like any other, its index counted over all calls. Rejects with BAD_INPUT
   * for what a getter of a row throws.
   */
  writeRows(rows: Iterable<object>): Promise<void>
  /**
   * Takes columns by name, all of the same length, straight to the encoder. A column is an array or
   * typed array with one value a row, or {values, valid} with a byte a row (0: null), or {values,
   * validity} with Arrow's bit a row; null and undefined in a plain array are null, a nullable column
   * that is not given is null throughout. By type of the column:
   * - integers: typed arrays, numbers, bigints; decimal the same, unscaled (12.34 of scale 2 is 1234)
   * - float, double: typed arrays, numbers; NaN is a value
   * - boolean: booleans or bytes; date: days or Date; time and timestamp: its unit, or Date
   * - string, json: strings (json ones are not looked into), or Arrow's {bytes, offsets} in UTF-8
   * - binary: Uint8Arrays or {bytes, offsets}; uuid: text, or bytes, 16 each
   * Columns of lists, maps and structs are for writeRows and writeJson. Rejects with TypeError or
   * RangeError that names the cell, and then takes none of the call; the writer goes on. A record of
   * writeJson that has not ended, ends. Some MB a call are best: what is not in the column's own form
   * (Int32Array for int32, BigInt64Array for int64 ...) is first copied whole.
   */
  writeColumns(columns: Record<string, ColumnInput>): Promise<void>
  /** What follows comes from `name`: the record before it ends, positions count from 0, a byte order mark may come. */
  startSource(name: string): Promise<void>
  /** Writes the rest and the footer, closes the sink. */
  close(): Promise<ParquetSummary>
  /** Gives the file up and aborts the sink. */
  abort(reason?: unknown): Promise<void>
}

const MIB = 1024 * 1024
const WRITER_KEYS = ['schema', 'sink', 'rowGroupRows', 'rowGroupBytes', 'maxRecordBytes', 'onBadRecord', 'format', ...FILE_KEYS]

/**
 * A writer of one Parquet file; unless told otherwise: pages V1 of at most 1 MiB, dictionaries of at
 * most 1 MiB, statistics, page index, Snappy. A record's members that no column wants are left out; a member that
 * does not fit its column makes the record bad. Holds one row group, compressed, and some 20 MiB.
 *
 * @example
 * import { nodePorts } from 'millrace/node'
 * const schema: Schema = { columns: [{ name: 'origin', type: 'string' }, { name: 'delay', type: 'int32' }] }
 * const writer = createParquetWriter({ schema, sink: await fileSink(nodePorts, 'flights.parquet') })
 * for await (const chunk of createReadStream('flights.ndjson')) await writer.writeJson(chunk)
 * const { rows } = await writer.close()
 */
export function createParquetWriter(options: ParquetWriterOptions): ParquetWriter {
  if (typeof options !== 'object' || options === null) throw wrongType('options', 'an object', options)
  checkKeys('options', options, WRITER_KEYS)
  const { sink, onBadRecord = 'fail', format } = options
  const columns = flatColumns(options.schema, 'options.schema')
  if (columns.length === 0) throw outOfRange('options.schema.columns', 'at least one column', columns)
  if (typeof sink?.write !== 'function') throw wrongType('options.sink', 'an object with write(bytes)', sink)
  const limits = checkLimits(options)
  checkPolicy('options.onBadRecord', onBadRecord)
  checkFormat('options.format', format)

  const engine = createEngine()
  const fields = flatFields(columns)
  const leaves = leavesOf(fields)
  const settings = checkFileOptions(options, leaves)
  const file = createParquetFile(sink, fields, settings)
  let open = 0 // rows of the open row group
  const batch = async (rows: number) => {
    await encoder.append()
    open += rows
    if (open >= limits.rowGroupRows || encoder.size() >= limits.rowGroupBytes) await endRowGroup()
  }
  const intake = createIntake(engine, columns, { maxRecordBytes: limits.maxRecordBytes, onBadRecord, format }, batch)
  const encoder = createRowGroupEncoder(engine, intake.scan.columns, leaves, settings)
  const endRowGroup = async () => {
    const rows = open
    open = 0
    await file.rowGroup(await encoder.finish(rows))
  }

  const turn = turns((reason) => sink.abort?.(reason))
  return {
    ...intakeMethods(turn, engine, intake, flatFields(columns), batch),
    close: () =>
      turn.last(async () => {
        await intake.end()
        if (open > 0) await endRowGroup()
        await file.close()
        return { rows: file.rows, bytes: file.bytes, rowGroups: file.rowGroups, badRecords: intake.badRecords, badByReason: intake.badByReason }
      }),
    abort: (reason) => turn.abort(reason),
  }
}

/** What every writer takes records by; `ready` comes before the first of each call, `batch` is what the intake calls too. */
export function intakeMethods(
  turn: ReturnType<typeof turns>,
  engine: Engine,
  intake: Intake,
  fields: readonly Field[],
  batch: (rows: number, recordAt: (row: number) => number) => Promise<void> | void,
  ready?: () => Promise<unknown>,
): Pick<ParquetWriter, 'writeJson' | 'writeRows' | 'writeColumns' | 'startSource'> {
  const text = new TextEncoder()
  const lines = rowLines(fields)
  const { scan } = intake
  const columnsOf = columnBatches(engine, scan.columns, fields, leavesOf(fields), scan.capacity)
  return {
    async writeJson(bytes) {
      if (!(bytes instanceof Uint8Array)) throw wrongType('bytes', 'a Uint8Array', bytes)
      return turn.next(async () => {
        await ready?.()
        await intake.write(bytes)
      })
    },
    async writeRows(rows) {
      if (typeof rows?.[Symbol.iterator] !== 'function') throw wrongType('rows', 'an iterable of objects', rows)
      return turn.next(async () => {
        await ready?.()
        for (const piece of lines(rows)) await intake.write(text.encode(piece))
      })
    },
    async writeColumns(columns) {
      const batches = columnsOf(columns)
      return turn.next(async () => {
        await ready?.()
        await intake.end()
        let before = 0
        for (let rows = batches.next(); rows > 0; rows = batches.next()) {
          const first = before
          await batch(rows, (row) => first + row)
          before += rows
        }
      })
    },
    async startSource(name) {
      if (typeof name !== 'string') throw wrongType('name', 'a string', name)
      return turn.next(() => intake.startSource(name))
    },
  }
}

/** Checks the options that all writers share and fills in their defaults. */
export function checkLimits(options: Pick<ParquetWriterOptions, 'rowGroupRows' | 'rowGroupBytes' | 'maxRecordBytes'>) {
  const { rowGroupRows = 131_072, rowGroupBytes = 128 * MIB, maxRecordBytes = MAX_RECORD_BYTES } = options
  checkWhole('options.rowGroupRows', rowGroupRows, 1, 2 ** 30)
  checkWhole('options.rowGroupBytes', rowGroupBytes, 1, 1024 * MIB)
  checkWhole('options.maxRecordBytes', maxRecordBytes, 1, 256 * MIB)
  return { rowGroupRows, rowGroupBytes, maxRecordBytes }
}

/** Calls one after the other; after a failure, or after the last one, none. */
export function turns(onFailure: (reason: unknown) => Promise<void> | void) {
  let tail: Promise<unknown> = Promise.resolve()
  let ended: MillraceError | undefined
  const enqueue = <T>(work: () => Promise<T>): Promise<T> => {
    const result = tail.then(async () => {
      if (ended) throw ended
      try {
        return await work()
      } catch (error) {
        ended = new MillraceError('CLOSED', 'the writer failed before', { cause: error })
        // the first failure is the one to tell
        await Promise.resolve(onFailure(error)).catch(() => {})
        throw error
      }
    })
    tail = result.catch(() => {})
    return result
  }
  return {
    next: enqueue,
    last: <T>(work: () => Promise<T>): Promise<T> =>
      enqueue(async () => {
        const result = await work()
        ended = new MillraceError('CLOSED', 'the writer was closed before')
        return result
      }),
    abort: (reason: unknown): Promise<void> => {
      const result = tail.then(async () => {
        if (ended) return
        ended = new MillraceError('CLOSED', 'the writer was aborted before')
        await onFailure(reason)
      })
      tail = result.catch(() => {})
      return result
    },
  }
}
