// Standard input -> batches of whole lines, so that a command crosses into the core once a batch.
import { concat } from '../bytes.js'

export interface LineBatch {
  /** Whole lines, each ending in LF but perhaps the very last one. A byte order mark is left out. */
  bytes: Uint8Array
  /** Offset of `bytes` in the input. */
  offset: number
  /** In place of bytes: one line that is too long, and why. */
  fault?: string
}

const BATCH = 1 << 20
/** A longer line is no record of any kind: more than twice what the service takes. */
const LONGEST = 32 << 20

/**
 * Batches of at least `least` bytes, 1 MiB where nothing else is said; 1 gives each piece of the input on as
 * soon as it has a whole line. A line of more than 32 MiB is passed over, with a batch of its own that says so.
 */
export async function* lineBatches(input: AsyncIterable<Uint8Array>, least: number = BATCH): AsyncGenerator<LineBatch> {
  let held: Uint8Array[] = []
  let size = 0
  let offset = 0
  let enough = least
  let first = true
  let long = false
  const take = (bytes: Uint8Array): LineBatch => {
    const mark = first && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
    first = false
    const batch = { bytes: bytes.subarray(mark), offset: offset + mark }
    offset += bytes.length
    return batch
  }
  for await (let chunk of input) {
    if (long) {
      const rest = chunk.indexOf(10) + 1
      offset += rest || chunk.length
      if (rest === 0) continue
      chunk = chunk.subarray(rest)
      long = false
    }
    held.push(chunk)
    size += chunk.length
    if (size < enough) continue
    const bytes = concat(held)
    const end = bytes.lastIndexOf(10) + 1
    if (end > 0) yield take(bytes.subarray(0, end))
    held = [bytes.subarray(end)]
    size -= end
    if (size >= LONGEST) {
      yield { bytes: bytes.subarray(end, end), offset, fault: `expected a line of at most ${LONGEST} bytes, got a longer one` }
      long = true
      first = false
      offset += size
      held = []
      size = 0
    }
    // Twice as much before the next look for an end, or a long line would take quadratic time.
    enough = Math.max(least, 2 * size)
  }
  if (size > 0) yield take(concat(held))
}
