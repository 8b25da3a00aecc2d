// One stream of records -> Parquet files one after the other, by size, rows and age.
import { checkWhole, wrongType } from '../errors.js'
import type { Clock } from '../ports/ports.js'
import { createParquetFile, type ParquetFile } from './file/file.js'
import type { FileOptions } from './file/options.js'
import { checkSink, type ParquetSink } from './file/sink.js'
import { createTally } from './file/tally.js'
import { turns } from './intake/turns.js'
import { createLine } from './line.js'
import type { ParquetSummary, ParquetWriter } from './writer.js'
import { checkWriterOptions, type RecordOptions } from './writer-options.js'

export interface ParquetFilesOptions extends RecordOptions, FileOptions {
  /** Gives the sink of file `index`, from 0; called when its first row group is there, so no file is empty. */
  next(index: number): ParquetSink | Promise<ParquetSink>
  /** A file ends with the batch (of at most 2,048 rows) that brings it to so many bytes; pages that are still open come on top. */
  maxBytes?: number
  /** Or with so many rows, exactly. */
  maxRows?: number
  /** Or with the batch that comes so long after its first one. Needs `ports`; where nothing comes, rotate() ends it. */
  maxMilliseconds?: number
  ports?: { clock: Pick<Clock, 'monotonic'> }
}

export interface ParquetFilesSummary extends ParquetSummary {
  /** Each file, in order. */
  files: { rows: number; bytes: number; rowGroups: number }[]
}

export interface ParquetFilesWriter extends Omit<ParquetWriter, 'close'> {
  /** Ends the file at hand, if it has rows; what of writeJson waits to be scanned, up to 512 KiB and a record, goes into the next one. */
  rotate(): Promise<void>
  /** Ends the last file. Of no rows there is none. */
  close(): Promise<ParquetFilesSummary>
}

/**
 * A writer of files that are whole one by one: each is closed before the next begins, and no record
 * is in two. After a failure or abort() the file at hand is aborted, those before it stay.
 *
 * @example
 * import { nodePorts } from 'millrace/node'
 * const next = (i: number) => fileSink(nodePorts, `flights-${i}.parquet`)
 * const writer = createParquetFiles({ schema, next, maxBytes: 256 * 1024 * 1024 })
 * for await (const bytes of fileSource(nodePorts, 'flights.ndjson')) await writer.writeJson(bytes)
 * const { files } = await writer.close()
 */
export function createParquetFiles(options: ParquetFilesOptions): ParquetFilesWriter {
  const settings = checkWriterOptions(options, ['next', 'maxBytes', 'maxRows', 'maxMilliseconds', 'ports'])
  const { next, maxBytes = Number.POSITIVE_INFINITY, maxRows = Number.POSITIVE_INFINITY, maxMilliseconds, ports } = options
  if (typeof next !== 'function') throw wrongType('options.next', 'a function that gives a sink', next)
  checkWhole('options.maxBytes', maxBytes, 1, Number.POSITIVE_INFINITY)
  checkWhole('options.maxRows', maxRows, 1, Number.POSITIVE_INFINITY)
  if (maxMilliseconds !== undefined) {
    checkWhole('options.maxMilliseconds', maxMilliseconds, 1, Number.MAX_SAFE_INTEGER)
    if (typeof ports?.clock?.monotonic !== 'function') throw wrongType('options.ports', 'ports with a clock, for maxMilliseconds', ports)
  }
  const now = () => (maxMilliseconds === undefined ? 0 : (ports as { clock: Pick<Clock, 'monotonic'> }).clock.monotonic())

  const tally = createTally(settings.leaves)
  const files: ParquetFilesSummary['files'] = []
  let current: { file: ParquetFile; sink: ParquetSink } | undefined
  let began: number | undefined // when the first batch of the file at hand came

  const turn = turns(async (reason) => {
    await line.stop()
    const { sink } = current ?? {}
    current = undefined
    await sink?.abort?.(reason)
  })
  const room = () => maxRows - (current?.file.rows ?? 0) - line.rows
  const line = createLine(
    turn,
    settings,
    async (group) => {
      if (!current) {
        const sink = await next(files.length)
        checkSink('options.next(index)', sink)
        current = { sink, file: createParquetFile(sink, settings.fields, settings.file, tally) }
      }
      await current.file.rowGroup(group)
    },
    {
      room,
      async after() {
        began ??= now()
        if (room() === 0 || (current?.file.bytes ?? 0) + line.held() >= maxBytes || now() - began >= (maxMilliseconds ?? Number.POSITIVE_INFINITY)) await end()
      },
    },
  )
  const end = async () => {
    await line.endRowGroup()
    began = undefined
    if (!current) return
    const { file } = current
    await file.close()
    current = undefined
    files.push({ rows: file.rows, bytes: file.bytes, rowGroups: file.rowGroups })
  }
  const sum = (of: 'rows' | 'bytes' | 'rowGroups') => files.reduce((total, file) => total + file[of], 0)

  return {
    ...line.methods,
    rotate: () => turn.next(end),
    close: () =>
      turn.last(async () => {
        await line.intake.end()
        await end()
        await line.stop()
        const { badRecords, badByReason } = line.intake
        return { files, rows: sum('rows'), bytes: sum('bytes'), rowGroups: sum('rowGroups'), badRecords, badByReason, columns: tally.columns() }
      }),
    abort: (reason) => turn.abort(reason),
  }
}
