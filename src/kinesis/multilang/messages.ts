// What the KCL's MultiLangDaemon writes to its record processor's standard input: a JSON object a line
// (software.amazon.kinesis.multilang.messages of amazon-kinesis-client-multilang).
import { concat } from '../../bytes.js'
import { jsonFault, kindOf, MillraceError } from '../../errors.js'

/** Of a message only the members that its action has; what they hold is checked where it is used. */
export interface Message {
  action: string
  /** initialize */
  shardId?: unknown
  /** initialize, checkpoint */
  sequenceNumber?: unknown
  subSequenceNumber?: unknown
  /** processRecords */
  records?: unknown
  millisBehindLatest?: unknown
  /** checkpoint: the simple class name of the exception, null where there was none */
  error?: unknown
  /** shutdown */
  reason?: unknown
}

/** The daemon at the other end. */
export interface Daemon {
  send(message: object): Promise<void>
  /** Its next message; undefined where it has closed its end. Throws as readMessages. */
  next(): Promise<Message | undefined>
}

/** `write`: of standard output. A line begins anew, as what else the process runs may have left one open there. */
export function openDaemon(input: AsyncIterable<Uint8Array>, write: (text: string) => Promise<void>): Daemon {
  const messages = readMessages(input)
  return {
    send: (message) => write(`\n${JSON.stringify(message)}\n`),
    next: async () => (await messages.next()).value,
  }
}

/**
 * A message is one answer of GetRecords (10 MiB at most) as the KCL opened it, and small records grow by a
 * factor of ten and more in JSON. V8 has no strings of more than 2^29 - 24 characters.
 */
const LONGEST = 2 ** 29 - 24

/**
 * The messages in `input`, in order, however its bytes are cut; empty lines are none. `input` is read only
 * as far as messages are asked for. Throws BAD_INPUT for a line that is no message and for an end amid a
 * line, LIMIT_EXCEEDED for one of more than 512 MiB; errors name the line, never what is in it.
 */
async function* readMessages(input: AsyncIterable<Uint8Array>): AsyncGenerator<Message, undefined> {
  let held: Uint8Array[] = []
  let size = 0
  let line = 1
  for await (const chunk of input) {
    let at = 0
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, at)) {
      held.push(chunk.subarray(at, end))
      at = end + 1
      const message = parse(held.length > 1 ? concat(held) : held[0], line++)
      held = []
      size = 0
      if (message) yield message
    }
    held.push(chunk.subarray(at))
    size += chunk.length - at
    if (size > LONGEST) throw new MillraceError('LIMIT_EXCEEDED', `expected a message of at most ${LONGEST} bytes, got a longer one`, { position: where(line) })
  }
  if (size > 0) throw new MillraceError('BAD_INPUT', `expected a whole line, got ${size} bytes and the end of the input`, { position: where(line) })
}

const LF = 10
const where = (line: number) => ({ source: 'standard input', line })
const decoder = new TextDecoder('utf-8', { fatal: true })

function parse(bytes: Uint8Array, line: number): Message | undefined {
  let text: string
  try {
    text = decoder.decode(bytes)
  } catch (cause) {
    const message = 'expected JSON in UTF-8, got other bytes: start the daemon with java -Dfile.encoding=UTF-8'
    throw new MillraceError('BAD_INPUT', message, { position: where(line), cause })
  }
  if (text.trim() === '') return undefined
  let message: unknown
  try {
    message = JSON.parse(text)
  } catch (cause) {
    throw new MillraceError('BAD_INPUT', `expected a message as JSON: ${jsonFault(cause)}`, { position: where(line), cause })
  }
  const action = typeof message === 'object' && message !== null && 'action' in message ? message.action : undefined
  if (typeof action !== 'string') throw new MillraceError('BAD_INPUT', `expected a message with an action, got ${kindOf(message)}`, { position: where(line) })
  return message as Message
}
