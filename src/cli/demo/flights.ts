// The demo's input: real US flights of 2001, from the npm package vega-datasets, as NDJSON.
import type { Peers } from './peers.js'

/** All rows that the file holds. */
export const ALL_FLIGHTS = 3_000_000
/** Rows a batch: about 1 MB of NDJSON. */
const BATCH = 10_000

export interface FlightBatch {
  /** One JSON object a line, LF behind each. */
  ndjson: Uint8Array
  rows: number
}

interface Columns {
  date: string[]
  delay: bigint[]
  distance: bigint[]
  origin: string[]
  destination: string[]
}

/** The first `rows` flights in file order; one row group of the input is in memory at a time. */
export async function* readFlights(peers: Peers, rows: number): AsyncGenerator<FlightBatch> {
  const { asyncBufferFromFile, parquetMetadataAsync, parquetRead } = peers.hyparquet
  const file = await asyncBufferFromFile(peers.flights)
  const metadata = await parquetMetadataAsync(file)
  const parsers = { timestampFromMicroseconds: (micros: bigint) => new Date(Number(micros / 1000n)).toISOString() }
  const encoder = new TextEncoder()
  for (let group = 0, start = 0; group < metadata.row_groups.length && start < rows; group++) {
    const end = Math.min(start + Number(metadata.row_groups[group].num_rows), rows)
    const columns: Record<string, unknown> = {}
    const onChunk = (chunk: { columnName: string; columnData: unknown }) => {
      columns[chunk.columnName] = chunk.columnData
    }
    await parquetRead({ file, metadata, compressors: peers.compressors, parsers, rowStart: start, rowEnd: end, onChunk })
    for (let at = 0; at < end - start; at += BATCH) {
      const count = Math.min(BATCH, end - start - at)
      yield { ndjson: encoder.encode(lines(columns as unknown as Columns, at, at + count)), rows: count }
    }
    start = end
  }
}

// Airports are three letters and dates have no quotes: nothing in a flight needs an escape.
function lines({ date, delay, distance, origin, destination }: Columns, from: number, to: number): string {
  let text = ''
  for (let i = from; i < to; i++)
    text += `{"date":"${date[i]}","delay":${delay[i]},"distance":${distance[i]},"origin":"${origin[i]}","destination":"${destination[i]}"}\n`
  return text
}
