// Splunk's HTTP Event Collector with indexer acknowledgment: what is sent, and what its answers mean. Source: Splunk's
// "Troubleshoot HTTP Event Collector" and "About HTTP Event Collector Indexer Acknowledgment"; the words of each fault are
// those of Firehose's developer guide, "Splunk data delivery errors".
import type { WebResponse } from '../../ports/transport.js'
import { bodyText, type Silence } from './exchange.js'

export interface HecFault {
  code: string
  message: string
}

const FAULTS = {
  DisabledToken: 'The HEC token is disabled. Enable the token to allow data delivery to Splunk.',
  InvalidToken: 'The HEC token is invalid.',
  InvalidDataFormat: 'The data is not formatted correctly.',
  InvalidIndex: 'The HEC token or input is configured with an invalid index. Check your index configuration and try again.',
  ServerError: 'Data delivery to Splunk failed due to a server error from the HEC node.',
  DisabledAck: 'Indexer acknowledgement is disabled for the HEC token. Enable indexer acknowledgement and try again.',
  AckTimeout:
    "Did not receive an acknowledgement from HEC before the HEC acknowledgement timeout expired. Despite the acknowledgement timeout, it's possible the data was indexed successfully in Splunk.",
  ProxyWithoutStickySessions: 'If you have a proxy (ELB or other) between Firehose and the HEC node, you must enable sticky sessions to support HEC ACKs.',
  ConnectionTimeout: 'The connection to Splunk timed out.',
  ConnectionClosed: 'Unable to send data to Splunk due to a connection failure.',
  SSLHandshake: 'Could not connect to the HEC endpoint. Make sure that the certificate and the host are valid.',
  InvalidEndpoint: 'Could not connect to the HEC endpoint. Make sure that the HEC endpoint URL is valid and reachable.',
} as const

export const hecFault = (name: keyof typeof FAULTS, detail = ''): HecFault => ({
  code: `Splunk.${name}`,
  message: detail === '' ? FAULTS[name] : `${FAULTS[name]} ${detail}`,
})

const SILENCES = { timeout: 'ConnectionTimeout', reset: 'ConnectionClosed', tls: 'SSLHandshake', connect: 'InvalidEndpoint' } as const

/** HEC's own codes. */
const CODES: Readonly<Record<number, keyof typeof FAULTS>> = {
  1: 'DisabledToken',
  2: 'InvalidToken',
  3: 'InvalidToken',
  4: 'InvalidToken',
  5: 'InvalidDataFormat',
  6: 'InvalidDataFormat',
  7: 'InvalidIndex',
  12: 'InvalidDataFormat',
  13: 'InvalidDataFormat',
  14: 'DisabledAck',
  15: 'InvalidDataFormat',
}

/** Codes of a channel that this node does not know. */
const NO_CHANNEL = [10, 11]

/** The acknowledgment id of what was sent, or what is wrong. */
export function sentAs(answer: WebResponse | Silence): { ackId: number } | HecFault {
  if ('silence' in answer) return hecFault(SILENCES[answer.silence], answer.message)
  const { code, ackId } = read(answer)
  const raw = `${answer.status}: ${bodyText(answer.body)}`
  if (answer.status !== 200) return hecFault((typeof code === 'number' ? CODES[code] : undefined) ?? 'ServerError', raw)
  if (typeof ackId === 'number') return { ackId }
  return code === 0 ? hecFault('DisabledAck') : hecFault('ServerError', `expected an answer of HEC with code 0 and an ackId, got ${raw}`)
}

/** Whether it is indexed; a fault where asking on is of no use. */
export function acknowledged(answer: WebResponse | Silence, ackId: number): boolean | HecFault {
  if ('silence' in answer) return false
  const { code, acks } = read(answer)
  if (answer.status === 400 && NO_CHANNEL.includes(code as number)) return hecFault('ProxyWithoutStickySessions')
  return answer.status === 200 && (acks as Record<string, unknown> | null | undefined)?.[String(ackId)] === true
}

function read({ body }: WebResponse): { code?: unknown; ackId?: unknown; acks?: unknown } {
  try {
    return (JSON.parse(new TextDecoder().decode(body)) as object | null) ?? {}
  } catch {
    return {}
  }
}
