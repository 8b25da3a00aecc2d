// The lines of the inputs of millrace deliver, as records.
import type { DeliveryStream } from '../firehose/delivery/delivery-stream.js'
import type { DeliveryInput } from '../firehose/delivery/input.js'
import type { Io } from './command.js'
import { readInputs } from './input.js'
import { lineBatches } from './lines.js'
import { dataField, Faults, parseLines, textField } from './ndjson.js'

const FEED = 10
const RETURN = 13

/** A record and where it stands. */
interface Placed {
  line: number
  offset: number
  record: DeliveryInput
}

/** Records and bytes of one put. */
const GROUP = { records: 500, bytes: 1 << 20 }

/** Puts them; gives how many lines were none. Blank lines are passed over. Ends early, and well, where a signal comes. */
export async function putRecords(
  io: Io,
  stream: Pick<DeliveryStream, 'put' | 'putBatch'>,
  inputs: readonly string[],
  { newline, records }: { newline: boolean; records: boolean },
): Promise<number> {
  let bad = 0
  for (const input of inputs) {
    const faults = new Faults(io, inputs.length > 1 ? `deliver: ${input}` : 'deliver')
    let line = 0
    for await (const { bytes, offset, fault } of lineBatches(piecesOf(io, input), 1)) {
      if (fault) faults.tell(++line, offset, fault)
      const before = { line, offset }
      const placed = records ? parsed(bytes, before, faults) : lines(bytes, before, newline)
      line = placed.line
      try {
        for (const group of groups(placed.all)) await putGroup(stream, group, faults, io.signal)
      } catch (error) {
        // It waited for a store that fails.
        if (!io.signal.aborted) throw error
        break
      }
    }
    faults.end(line)
    bad += faults.count
    if (io.signal.aborted) break
  }
  return bad
}

function parsed(bytes: Uint8Array, before: { line: number; offset: number }, faults: Faults): { all: Placed[]; line: number } {
  const read = parseLines(bytes, before, readRecord, (...told) => faults.tell(...told))
  return { all: read.lines.map(({ line, offset, value }) => ({ line, offset, record: value })), line: before.line + read.count }
}

function lines(bytes: Uint8Array, { line, offset }: { line: number; offset: number }, newline: boolean): { all: Placed[]; line: number } {
  const all: Placed[] = []
  for (let at = 0; at < bytes.length; ) {
    const feed = bytes.indexOf(FEED, at)
    const end = feed < 0 ? bytes.length : feed
    const text = bytes.subarray(at, end > at && bytes[end - 1] === RETURN ? end - 1 : end)
    line++
    if (text.length > 0) all.push({ line, offset: offset + at, record: { data: newline ? bytes.subarray(at, end + 1) : text } })
    at = end + 1
  }
  return { all, line }
}

function* groups(all: readonly Placed[]): Generator<readonly Placed[]> {
  for (let from = 0; from < all.length; ) {
    let to = from
    for (let bytes = 0; to < all.length && to - from < GROUP.records && bytes < GROUP.bytes; to++) bytes += all[to].record.data.length
    yield all.slice(from, to)
    from = to
  }
}

/** A record that is none, too large say, is one line's fault; anything else ends the command. */
async function putGroup(stream: Pick<DeliveryStream, 'put' | 'putBatch'>, group: readonly Placed[], faults: Faults, signal: AbortSignal): Promise<void> {
  try {
    await stream.putBatch(
      group.map(({ record }) => record),
      { signal },
    )
    return
  } catch (error) {
    if (!isRefusal(error)) throw error
  }
  // Nothing of the group was taken: which of them it is, each alone tells.
  for (const { line, offset, record } of group) {
    try {
      await stream.put(record, { signal })
    } catch (error) {
      if (!isRefusal(error)) throw error
      faults.tell(line, offset, error.message)
    }
  }
}

const isRefusal = (error: unknown): error is Error => error instanceof RangeError || error instanceof TypeError

/** In memory of their own: a line may go on in the next piece, which takes the place of this one. */
async function* piecesOf(io: Io, input: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const { bytes } of readInputs(io, [input])) yield bytes.slice()
  } catch (error) {
    // What was read by then is delivered.
    if (!io.signal.aborted) throw error
  }
}

/** Throws an Error that says what was expected. */
function readRecord(object: Record<string, unknown>): DeliveryInput {
  const { arrival } = object
  const time = typeof arrival === 'string' ? Date.parse(arrival) : arrival
  if (time !== undefined && time !== null && !(typeof time === 'number' && Number.isFinite(time)))
    throw new Error('"arrival" expected milliseconds since the epoch, or a time of ISO 8601')
  return {
    data: dataField(object, 'data'),
    arrival: (time ?? undefined) as number | undefined,
    partitionKey: textField(object, 'partitionKey', true),
    sequenceNumber: textField(object, 'sequenceNumber', true),
    shardId: textField(object, 'shardId', true),
  }
}
