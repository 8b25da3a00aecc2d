import { MillraceError } from '../errors.js'
import { temporaryDirectory } from '../ports/node-place.js'
import { type Command, UsageError, wholeOption } from './command.js'
import { ALL_FLIGHTS } from './demo/flights.js'
import { runLine } from './demo/line.js'
import { createMeter } from './demo/meter.js'
import { loadPeers } from './demo/peers.js'
import { table, verified } from './demo/report.js'

const DEFAULT_ROWS = 300_000

export const command: Command = {
  summary: 'the whole line on real records, embedded servers included, checked at the end',
  help: `Usage: millrace demo [--rows N | --all] [--keep DIR] [--json]

Sends real US flights of 2001 down the whole line: NDJSON, aggregated into a Kinesis stream of four
shards (kinesalite, in this process) of which one splits half-way, consumed, de-aggregated, run
through a Firehose transform, written as Parquet by origin airport in a Hive layout, packed into
Snowball chunks, unpacked and verified. DuckDB then compares every row and every airport's sums with
the input. Needs millrace's development packages.

  --rows N     how many flights, 1 to 3,000,000; default 300,000
  --all        all 3,000,000
  --keep DIR   leave the files in DIR, a new or empty directory, instead of a temporary one
  --json       the result as one JSON object

Exit: 0 every row verified, 1 something differs or failed, 2 wrong usage.

Example: millrace demo --rows 50000 --keep flights-out
`,
  options: {
    rows: { type: 'string' },
    all: { type: 'boolean' },
    keep: { type: 'string' },
    json: { type: 'boolean' },
  },
  async run(values, positionals, io) {
    if (positionals.length > 0) throw new UsageError(`expected no arguments, got ${JSON.stringify(positionals[0])}`)
    if (values.all && values.rows !== undefined) throw new UsageError('--rows and --all exclude each other')
    const rows = values.all ? ALL_FLIGHTS : (wholeOption(values, 'rows', 1, ALL_FLIGHTS) ?? DEFAULT_ROWS)
    const { storage, clock } = io.ports
    const keep = values.keep as string | undefined
    if (keep !== undefined) await claim(keep, storage)

    const start = clock.monotonic()
    const peers = await loadPeers()
    const folder = keep ?? (await temporaryDirectory('millrace-demo-'))
    const meter = createMeter(io)
    try {
      const line = await runLine({ peers, rows, folder, io, meter })
      const report = { rows, stages: meter.stages, ...line, peakBytes: meter.peakBytes(), seconds: (clock.monotonic() - start) / 1000 }
      const ok = verified(report)
      await io.write(values.json ? `${JSON.stringify({ verified: ok, ...report })}\n` : table(report))
      if (keep !== undefined) io.log(`files in ${keep}`)
      return ok ? 0 : 1
    } catch (error) {
      // What a server that is half open, or closing, says then is not why it ended.
      io.signal.throwIfAborted()
      throw error
    } finally {
      if (keep === undefined) await storage.remove(folder)
    }
  },
}

// DuckDB will read whatever Parquet lies there, so nobody else's may.
async function claim(folder: string, storage: { makeDirectory(path: string): Promise<void>; list(path: string): AsyncIterable<unknown> }): Promise<void> {
  await storage.makeDirectory(folder)
  for await (const _ of storage.list(folder)) throw new MillraceError('IO', `--keep ${folder} expected a new or empty directory`)
}
