// The whole line: one stage after the other, each taking what the one before it gave.
import { check } from './check.js'
import { deliver } from './deliver.js'
import { produce } from './produce.js'
import type { Report } from './report.js'
import { ship } from './ship.js'
import type { Line } from './stage.js'
import { startStream } from './stream.js'

/** Runs all stages below `folder`. Throws where one cannot do its work; what came out is in the verdict. */
export async function runLine(line: Line & { folder: string }): Promise<Pick<Report, 'units' | 'files' | 'verdict'>> {
  const { peers, rows, io, meter, folder } = line
  const parquet = `${folder}/parquet`
  const unpacked = `${folder}/unpacked`
  const stream = await startStream(peers, `${folder}/kinesis`, io.ports.clock, io.signal)
  try {
    const produced = await produce(line, stream)
    const delivered = await deliver(line, stream, parquet)
    const shipped = await ship(line, parquet, `${folder}/snowball`, unpacked, { count: delivered.parquetFiles, bytes: delivered.parquetBytes })
    const judging = meter.begin('compare', rows)
    const verdict = await judging.time(() => check(peers, rows, unpacked))
    judging.add(verdict.read, delivered.parquetBytes, 0)
    judging.end()
    return {
      units: { before: produced.unitsBefore, after: produced.unitsAfter, dollarsPerMillion: DOLLARS_PER_MILLION_UNITS },
      files: { ...produced, ...delivered, ...shipped },
      verdict,
    }
  } finally {
    await stream.close()
  }
}

// aws.amazon.com/kinesis/data-streams/pricing, us-east-1, read 2026-11
const DOLLARS_PER_MILLION_UNITS = 0.014
