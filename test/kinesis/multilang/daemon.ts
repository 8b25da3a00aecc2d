// The daemon's side of the protocol, as MultiLangProtocol of the KCL has it: a message, then the answers to
// checkpoints until the status comes, then the next message.
import type { Daemon } from '../../../src/kinesis/multilang/messages.js'
import { openDaemon } from '../../../src/kinesis/multilang/messages.js'

export interface Talk {
  daemon: Daemon
  /** What the processor wrote, in order. */
  replies: Record<string, unknown>[]
}

/**
 * `script`: messages in order. `errors`: of the checkpoints, in order; then none. `cut`: makes pieces of what the
 * daemon writes. The processor's input ends behind the last status.
 */
export function talk(script: readonly object[], errors: readonly (string | null)[] = [], cut: (line: Uint8Array) => Uint8Array[] = (line) => [line]): Talk {
  const replies: Record<string, unknown>[] = []
  const left = [...errors]
  let wake = () => {}
  let read = 0
  const reply = async () => {
    while (read === replies.length) await new Promise<void>((resolve) => (wake = resolve))
    return replies[read++]
  }
  const bytes = (message: object) => new TextEncoder().encode(`${JSON.stringify(message)}\n`)
  async function* input() {
    for (const message of script) {
      yield* cut(bytes(message))
      for (let said = await reply(); said.action !== 'status'; said = await reply()) {
        const { sequenceNumber, subSequenceNumber } = said
        yield* cut(bytes({ action: 'checkpoint', sequenceNumber, subSequenceNumber, error: left.shift() ?? null }))
      }
    }
  }
  const write = async (text: string) => {
    if (!/^\n.*\n$/.test(text)) throw new Error(`no message on a line of its own: ${JSON.stringify(text)}`)
    replies.push(JSON.parse(text))
    wake()
  }
  return { daemon: openDaemon(input(), write), replies }
}

/** A record as the KCL writes it. */
export const record = (
  sequence: number | string,
  sub = 0,
  data: string | Uint8Array = `data ${sequence}/${sub}`,
  partitionKey: string | null = `key-${sub}`,
) => ({
  data: Buffer.from(data).toString('base64'),
  partitionKey,
  sequenceNumber: String(sequence),
  approximateArrivalTimestamp: 1_700_000_000_123,
  subSequenceNumber: sub,
  action: 'record',
})

export const initialize = { action: 'initialize', shardId: 'shardId-000000000007', sequenceNumber: 'TRIM_HORIZON', subSequenceNumber: 0 }
export const records = (...list: object[]) => ({ action: 'processRecords', records: list, millisBehindLatest: 12 })
