// A line whose text is encoded by threads, row group by row group (parallel.ts). Columns, which are no
// text, are encoded by a line of this thread between them.
import { checkWhole, MillraceError, outOfRange, wrongType } from '../errors.js'
import type { Threads } from '../ports/ports.js'
import type { FinishedRowGroup } from './file/rowgroup.js'
import { createSettlement, type Settlement } from './intake/bad-records.js'
import { rowLines } from './intake/rows.js'
import { rowOptions, type TakeMethods } from './intake/take.js'
import type { Turns } from './intake/turns.js'
import { createLine, type Line } from './line.js'
import { createParallel } from './parallel.js'
import type { ParquetWriterOptions } from './writer.js'
import type { WriterSettings } from './writer-options.js'

export interface Pool {
  threads: Threads
  count: number
  /** What a thread makes its settings of, beside the fields. */
  options: object
}

/** The threads that the options ask for; undefined for this one alone. Throws TypeError, RangeError or MISSING_PEER. */
export function poolOf({ threads: count = 1, ports, ...options }: ParquetWriterOptions): Pool | undefined {
  checkWhole('options.threads', count, 1, 256)
  if (count === 1) return undefined
  const threads = ports?.threads
  if (typeof ports !== 'object' || ports === null) throw wrongType('options.ports', 'ports with threads, for more than one thread', ports)
  if (!threads) throw new MillraceError('MISSING_PEER', 'these ports have no threads: give nodePorts of millrace/node, or threads: 1')
  if (typeof options.compression === 'object')
    throw outOfRange('options.compression', 'snappy, none, gzip, zstd or lz4_raw where there are threads, for a codec of yours is in this one', 'a codec')
  const { sink: _, onBadRecord: __, schema: ___, ...plain } = options
  // threads begin later, and options are what they are now
  return { threads, count, options: structuredClone(plain) }
}

export type ThreadedLine = Pick<Line, 'methods' | 'end' | 'stop' | 'bad'>

export function createThreadedLine(
  turn: Turns,
  settings: WriterSettings,
  { threads, count, options }: Pool,
  rowGroup: (group: FinishedRowGroup) => Promise<void>,
): ThreadedLine {
  const bad: Settlement = createSettlement(settings.onBadRecord)
  const parallel = createParallel(threads, count, options, settings, rowGroup, (record) => bad.settle(record))
  const text = new TextEncoder()
  const lines = rowLines(settings.fields, rowOptions(settings.lookup))
  let columns: Line | undefined
  const columnTurn = {
    ...turn,
    next: <T>(work: () => Promise<T>) =>
      turn.next(async () => {
        await parallel.flush()
        return work()
      }),
  }
  const methods: TakeMethods = {
    async writeJson(bytes) {
      if (!(bytes instanceof Uint8Array)) throw wrongType('bytes', 'a Uint8Array', bytes)
      return turn.next(async () => {
        await columns?.endRowGroup()
        await parallel.write(bytes)
      })
    },
    async writeRows(rows) {
      if (typeof rows?.[Symbol.iterator] !== 'function') throw wrongType('rows', 'an iterable of objects', rows)
      return turn.next(async () => {
        await columns?.endRowGroup()
        for (const piece of lines(rows)) await parallel.write(text.encode(piece))
      })
    },
    async writeColumns(given) {
      columns ??= createLine(columnTurn, settings, rowGroup)
      return columns.methods.writeColumns(given)
    },
    async startSource(name) {
      if (typeof name !== 'string') throw wrongType('name', 'a string', name)
      return turn.next(() => parallel.startSource(name))
    },
  }
  return {
    methods,
    bad,
    async end() {
      await parallel.flush()
      await columns?.endRowGroup()
    },
    async stop() {
      await Promise.all([parallel.stop(), columns?.stop()])
    },
  }
}
