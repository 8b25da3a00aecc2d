// From error objects back to the records: `millrace replay`, and for who reads them from a bucket.
import { concat } from '../../bytes.js'
import { MillraceError, wrongType } from '../../errors.js'
import { splitValues } from '../json-values.js'
import { type ErrorRecord, readErrorObject } from './error-object.js'

/**
 * Bytes of one record's object: a delivery stream of ours keeps what it has unpacked, 64 MiB by default, which are 90 MB
 * in base64; AWS's own have 14 MB at most.
 */
const LONGEST = 128 * 1024 * 1024

/**
 * The records of an error object, in order, from its bytes in pieces of any size: objects one a line, or one behind
 * the other. Throws BAD_INPUT with record and byte offset (and `source`, where given) for what is no error object,
 * ends inside one, or has a record of more than 128 MiB; what came before was given by then. Holds one piece and one
 * record at a time.
 *
 * @example
 * for await (const { data, code } of replayFirehoseErrors(body)) console.log(code, new TextDecoder().decode(data))
 */
export async function* replayErrors(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { source }: { source?: string | undefined } = {},
): AsyncGenerator<ErrorRecord> {
  if (typeof pieces !== 'object' || pieces === null || !(Symbol.asyncIterator in pieces || Symbol.iterator in pieces)) {
    throw wrongType('pieces', 'an iterable of byte pieces', pieces)
  }
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  let record = 0
  let offset = 0
  let rest: Uint8Array[] = []
  let size = 0
  /** Bytes at which the rest is looked at again: twice as many each time, so that a record of n pieces takes linear time. */
  let due = 0
  const take = function* (bytes: Uint8Array, last: boolean): Generator<ErrorRecord, Uint8Array> {
    // A byte order mark is white space to us.
    if (offset === 0 && record === 0 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) bytes.fill(0x20, 0, 3)
    const { values, open } = splitValues(bytes)
    for (const { from, to } of values) {
      // A number or a word may go on in the next piece; it is a fault either way, which the end tells.
      if (!last && to === bytes.length && bytes[to - 1] !== 0x7d) return bytes.slice(from)
      const position = { record, offset: offset + from, ...(source === undefined ? {} : { source }) }
      yield readErrorObject(decoder.decode(bytes.subarray(from, to)), position)
      record++
    }
    if (last && open < bytes.length) {
      const position = { record, offset: offset + open, ...(source === undefined ? {} : { source }) }
      throw new MillraceError('BAD_INPUT', 'expected the end of a Firehose error object, got the end of the input', { position })
    }
    return bytes.slice(open)
  }
  for await (const piece of pieces) {
    if (!(piece instanceof Uint8Array)) throw wrongType('piece', 'a Uint8Array', piece)
    rest.push(piece.slice())
    size += piece.length
    if (size < due && size <= LONGEST) continue
    const bytes = concat(rest)
    const left = yield* take(bytes, false)
    offset += bytes.length - left.length
    if (left.length > LONGEST) {
      const position = { record, offset, ...(source === undefined ? {} : { source }) }
      throw new MillraceError('BAD_INPUT', `expected a Firehose error object of at most ${LONGEST} bytes, got a longer one`, { position })
    }
    rest = [left]
    size = left.length
    due = 2 * size
  }
  yield* take(concat(rest), true)
}
