// JSON, objects or columns -> one Parquet file.
import type { Threads } from '../ports/ports.js'
import type { Field } from '../types.js'
import { createParquetFile } from './file/file.js'
import { createFlow } from './file/flow.js'
import type { FileOptions } from './file/options.js'
import type { FinishedRowGroup } from './file/rowgroup.js'
import { checkSink, endable, type ParquetSink } from './file/sink.js'
import { type ColumnSummary, createTally } from './file/tally.js'
import type { ColumnInput } from './intake/cells.js'
import { type Turns, turns } from './intake/turns.js'
import { createLine } from './line.js'
import { createThreadedLine, type Pool, poolOf } from './threads.js'
import { checkWriterOptions, type RecordOptions, settingsOf, type WriterSettings } from './writer-options.js'

export interface ParquetWriterOptions extends RecordOptions, FileOptions {
  sink: ParquetSink
  /**
   * Threads that encode the text of writeJson and writeRows, each a share of the row groups; the file is
   * the same for any number of them. Default 1: this one. More take `ports` and as many times the
   * memory, up to 64 MiB of text each. What cannot be cut at line feeds, documents, goes to one.
   */
  threads?: number
  ports?: { threads?: Threads }
}

export interface ParquetSummary {
  rows: number
  /** Of the file. */
  bytes: number
  rowGroups: number
  badRecords: number
  /** How many for each reason; for a value that does not fit its column, "reason: column", of the first 64 such pairs. */
  badByReason: Record<string, number>
  /** Of the file, one a column that has values, in its order. */
  columns: ColumnSummary[]
}

export interface ParquetWriter {
  /**
   * Takes JSON cut anywhere, gzip through gunzip(); `bytes` must not change until the promise resolves. Calls need not
   * be awaited one by one: they are served in order. Rejects with BAD_INPUT (position: source,
   * record, line, byte, column) under the policy `fail`, with whatever the sink rejects with, with OUT_OF_MEMORY;
   * the writer is then at its end and the sink aborted.
   */
  writeJson(bytes: Uint8Array): Promise<void>
  /**
   * Takes objects, exactly: BigInt in integer and decimal columns, Date in timestamps and dates,
   * Uint8Array in binary ones, Map or object in maps, arrays, typed arrays and sets in lists, anything
   * in json ones; `undefined` is an absent member, toJSON() is heeded. A row that does not fit its
   * columns is a bad record like any other, its index counted over all calls, line and byte those of
   * the JSON that rows become. There is none for NaN, which writeColumns takes. Rejects with BAD_INPUT
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

/**
 * A writer of one Parquet file. By default: Snappy, pages V1 of at most 1 MiB, dictionaries while they
 * pay, statistics and page index. A member that does not fit its column makes the record bad. Holds
 * one row group, compressed, and some 20 MiB; one of up to 16 MiB goes to the sink while the next is made,
 * so that a failure to write it may come with a later call. Throws for wrong options, and then aborts the sink too.
 *
 * @example
 * import { nodePorts } from 'millrace/node'
 * const schema: Schema = { columns: [{ name: 'origin', type: 'string' }, { name: 'delay', type: 'int32' }] }
 * const writer = createParquetWriter({ schema, sink: await fileSink(nodePorts, 'flights.parquet') })
 * for await (const bytes of fileSource(nodePorts, 'flights.ndjson')) await writer.writeJson(bytes)
 * const { rows } = await writer.close()
 */
export function createParquetWriter(options: ParquetWriterOptions): ParquetWriter {
  try {
    const settings = checkWriterOptions(options, ['sink', 'threads', 'ports'])
    checkSink('options.sink', options.sink)
    return writerOf(settings, options.sink, poolOf(options))
  } catch (error) {
    // a file may have been made for it
    giveUp(options?.sink, error)
    throw error
  }
}

/** A row group of at most so many bytes is written while the next one is made: 6 to 8 % of the time of a file in memory. */
const BEHIND = 16 * 1024 * 1024

/** Aborts what may be a sink; what goes wrong with it is not the error to tell. */
async function giveUp(sink: Partial<ParquetSink> | undefined, reason: unknown): Promise<void> {
  try {
    await sink?.abort?.(reason)
  } catch {}
}

/** A writer whose settings can still be seen; of `fields` that no schema says. */
export interface OpenWriter extends ParquetWriter {
  readonly settings: WriterSettings
}

export function openWriter(fields: readonly Field[], sink: ParquetSink, options: Omit<RecordOptions, 'schema'> & FileOptions): OpenWriter {
  const settings = settingsOf(fields, options)
  return { ...writerOf(settings, sink), settings }
}

function writerOf(settings: WriterSettings, sink: ParquetSink, pool?: Pool): ParquetWriter {
  const tally = createTally(settings.leaves)
  const target = endable(sink)
  const file = createParquetFile(target, settings.fields, settings.file, tally)
  const writes = createFlow(1, Number.POSITIVE_INFINITY)
  const calls = turns(async (reason) => {
    // a write that hangs may end by the sink's abort only, and the line's threads may wait for that write
    await Promise.all([line.stop(), target.abort(reason)])
  })
  const turn: Turns = {
    ...calls,
    next: (work) =>
      calls.next(() => {
        writes.check()
        return work()
      }),
  }
  const rowGroup = async (group: FinishedRowGroup) => {
    await writes.run(group.bytes, () => file.rowGroup(group))
    if (group.bytes > BEHIND) await writes.idle()
  }
  const line = pool ? createThreadedLine(turn, settings, pool, rowGroup) : createLine(turn, settings, rowGroup)
  return {
    ...line.methods,
    close: () =>
      turn.last(async () => {
        await line.end()
        await line.stop()
        await writes.idle()
        await file.close()
        const { rows, bytes, rowGroups } = file
        const { badRecords, badByReason } = line.bad
        return { rows, bytes, rowGroups, badRecords, badByReason, columns: tally.columns() }
      }),
    abort: (reason) => turn.abort(reason),
  }
}
