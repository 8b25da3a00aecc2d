// The lines of the inputs of millrace deliver, as records.
import { messageOf } from '../errors.js'
import type { DeliveryStream } from '../firehose/delivery/delivery-stream.js'
import type { DeliveryInput } from '../firehose/delivery/input.js'
import type { Io } from './command.js'
import { readInputs } from './input.js'
import { lineBatches } from './lines.js'
import { dataField, Faults, parseLines, textField } from './ndjson.js'

const FEED = 10
const RETURN = 13

/** Puts them; gives how many lines were none. Blank lines are passed over. Ends early, and well, where a signal comes. */
export async function putRecords(
  io: Io,
  stream: Pick<DeliveryStream, 'put'>,
  inputs: readonly string[],
  { newline, records }: { newline: boolean; records: boolean },
): Promise<number> {
  let bad = 0
  for (const input of inputs) {
    const faults = new Faults(io, inputs.length > 1 ? `deliver: ${input}` : 'deliver')
    let line = 0
    for await (const { bytes, offset, fault } of lineBatches(piecesOf(io, input), 1)) {
      if (fault) faults.tell(++line, offset, fault)
      if (records) {
        const parsed = parseLines(bytes, { line, offset }, readRecord, (...told) => faults.tell(...told))
        for (const { value, line, offset } of parsed.lines) {
          const refused = await refusal(stream, value)
          if (refused !== undefined) faults.tell(line, offset, refused)
        }
        line += parsed.count
        continue
      }
      for (let at = 0; at < bytes.length; ) {
        const feed = bytes.indexOf(FEED, at)
        const end = feed < 0 ? bytes.length : feed
        const from = at
        line++
        at = end + 1
        const text = bytes.subarray(from, end > from && bytes[end - 1] === RETURN ? end - 1 : end)
        if (text.length === 0) continue
        const data = newline ? bytes.subarray(from, Math.min(at, bytes.length)) : text
        const refused = await refusal(stream, { data })
        if (refused !== undefined) faults.tell(line, offset + from, refused)
      }
    }
    faults.end(line)
    bad += faults.count
    if (io.signal.aborted) break
  }
  return bad
}

/** Why a record is none, too large say; anything else ends the command. */
async function refusal(stream: Pick<DeliveryStream, 'put'>, record: DeliveryInput): Promise<string | undefined> {
  try {
    await stream.put(record)
    return undefined
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) return messageOf(error)
    throw error
  }
}

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
