// NDJSON or objects -> one Parquet file.
import type { ScanField } from '../engine/columns.js'
import { createEngine } from '../engine/engine.js'
import { createPageEncoder } from '../engine/pages.js'
import { checkKeys, checkWhole, MillraceError, outOfRange, wrongType } from '../errors.js'
import { createParquetFile } from './file.js'
import { flatColumns } from './flat.js'
import { type BadRecordPolicy, checkPolicy, createIntake, type Intake, MAX_RECORD_BYTES } from './intake.js'
import { rowLines } from './rows.js'
import type { Schema } from './schema.js'
import type { ParquetSink } from './sink.js'

export type Compression = 'snappy' | 'none'

export interface ParquetWriterOptions {
  schema: Schema
  sink: ParquetSink
  /** Default snappy. */
  compression?: Compression
  /** A row group ends with the batch (of at most 2,048 rows) that brings it to so many rows. Default 131,072. */
  rowGroupRows?: number
  /** Or to so many bytes, before compression. Default 128 MiB. The pages of one row group wait in memory, compressed. */
  rowGroupBytes?: number
  /** Bounds memory: a record this long always is taken, one 512 KiB longer is a bad record. Default 16 MiB. */
  maxRecordBytes?: number
  /** Default fail. */
  onBadRecord?: BadRecordPolicy
}

export interface ParquetSummary {
  rows: number
  /** Of the file. */
  bytes: number
  rowGroups: number
  badRecords: number
}

export interface ParquetWriter {
  /**
   * Takes NDJSON cut anywhere; `bytes` must not change until the promise resolves. Calls need not
   * be awaited one by one: they are served in order. Rejects with BAD_INPUT (position: source,
   * record, byte) under the policy `fail`, with whatever the sink rejects with, with OUT_OF_MEMORY;
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
  /** What follows comes from `name`: the record before it ends, positions count from 0, a byte order mark may come. */
  startSource(name: string): Promise<void>
  /** Writes the rest and the footer, closes the sink. */
  close(): Promise<ParquetSummary>
  /** Gives the file up and aborts the sink. */
  abort(reason?: unknown): Promise<void>
}

const MIB = 1024 * 1024
const WRITER_KEYS = ['schema', 'sink', 'compression', 'rowGroupRows', 'rowGroupBytes', 'maxRecordBytes', 'onBadRecord']

/**
 * A writer of one Parquet file: pages V1 of at most 1 MiB, dictionaries of at most 1 MiB and then
 * PLAIN, statistics, Snappy. A record's members that no column wants are left out; a member that
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
  const { sink, onBadRecord = 'fail' } = options
  const columns = flatColumns(options.schema, 'options.schema')
  if (columns.length === 0) throw outOfRange('options.schema.columns', 'at least one column', columns)
  if (typeof sink?.write !== 'function') throw wrongType('options.sink', 'an object with write(bytes)', sink)
  const limits = checkLimits(options)
  checkPolicy('options.onBadRecord', onBadRecord)

  const engine = createEngine()
  const file = createParquetFile(sink)
  let open = 0 // rows of the open row group
  const intake = createIntake(engine, columns, { maxRecordBytes: limits.maxRecordBytes, onBadRecord }, async (rows) => {
    encoder.append()
    open += rows
    if (open >= limits.rowGroupRows || encoder.size() >= limits.rowGroupBytes) await endRowGroup()
  })
  const encoder = createPageEncoder(engine, intake.scan.columns, columns.length, { codec: limits.compression, logical: logicalTypes(columns) })
  const endRowGroup = async () => {
    const rows = open
    open = 0
    await file.rowGroup(encoder, rows)
  }

  const turn = turns((reason) => sink.abort?.(reason))
  return {
    ...intakeMethods(turn, intake, columns),
    close: () =>
      turn.last(async () => {
        await intake.end()
        if (open > 0) await endRowGroup()
        await file.close(encoder)
        return { rows: file.rows, bytes: file.bytes, rowGroups: file.rowGroups, badRecords: intake.badRecords }
      }),
    abort: (reason) => turn.abort(reason),
  }
}

/** What every writer takes records by; `ready` comes before the first of each call. */
export function intakeMethods(
  turn: ReturnType<typeof turns>,
  intake: Intake,
  columns: readonly ScanField[],
  ready?: () => Promise<unknown>,
): Pick<ParquetWriter, 'writeJson' | 'writeRows' | 'startSource'> {
  const text = new TextEncoder()
  const lines = rowLines(columns.map(({ name, type, unit, nullable = true }) => ({ name, key: name, nullable, leaf: { type, unit } })))
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
    async startSource(name) {
      if (typeof name !== 'string') throw wrongType('name', 'a string', name)
      return turn.next(() => intake.startSource(name))
    },
  }
}

/** Checks the options that all writers share and fills in their defaults. */
export function checkLimits(options: Pick<ParquetWriterOptions, 'compression' | 'rowGroupRows' | 'rowGroupBytes' | 'maxRecordBytes'>) {
  const { compression = 'snappy', rowGroupRows = 131_072, rowGroupBytes = 128 * MIB, maxRecordBytes = MAX_RECORD_BYTES } = options
  if (compression !== 'snappy' && compression !== 'none') throw outOfRange('options.compression', 'snappy or none', compression)
  checkWhole('options.rowGroupRows', rowGroupRows, 1, 2 ** 30)
  checkWhole('options.rowGroupBytes', rowGroupBytes, 1, 1024 * MIB)
  checkWhole('options.maxRecordBytes', maxRecordBytes, 1, 256 * MIB)
  return { compression, rowGroupRows, rowGroupBytes, maxRecordBytes }
}

/** What the footer says about the meaning of each column. */
export function logicalTypes(columns: readonly ScanField[]) {
  return columns.map(({ type, unit = 'ms' }) => (type === 'timestamp' ? unit : type === 'string' ? 'string' : 'none') as 'ms' | 'us' | 'ns' | 'string' | 'none')
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
