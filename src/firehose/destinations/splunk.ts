// Delivery to Splunk by its HTTP Event Collector, raw or as events, each buffer acknowledged by the indexer. Source:
// Firehose's developer guide, "Understand data delivery" and "Handle data delivery failures".
import { concat } from '../../bytes.js'
import { object, oneOf, optional, whole } from '../delivery/config/shape.js'
import { uuid } from '../delivery/names.js'
import { splunkFailureLine } from '../errors/error-object.js'
import {
  bufferingHints,
  COMMON,
  type DestinationOptions,
  endpointUrl,
  hintsOf,
  lineOf,
  noSecrets,
  retryOptions,
  type StreamDestination,
  secret,
} from './destination.js'
import { exchange } from './exchange.js'
import { acknowledged, type HecFault, hecFault, sentAs } from './hec.js'
import { createDataIds } from './ids.js'
import { createRetries } from './retries.js'

/** Milliseconds for one request; AWS names no figure. */
const TIMEOUT = 180_000
const MOST_ANSWER = 1 << 20
/** Milliseconds between two questions whether it is indexed: twice as many each time, at most what Splunk recommends. */
const ASK = { first: 1_000, most: 10_000 }

const read = object({
  ...COMMON,
  HECEndpoint: endpointUrl(2048),
  HECEndpointType: oneOf(['Raw', 'Event']),
  HECToken: secret(2048),
  HECAcknowledgmentTimeoutInSeconds: optional(whole(180, 600)),
  RetryOptions: retryOptions,
  BufferingHints: bufferingHints(5, 60),
  S3BackupMode: optional(oneOf(['FailedEventsOnly', 'AllEvents'])),
  SecretsManagerConfiguration: noSecrets,
})

/**
 * From a SplunkDestinationConfiguration. Throws TypeError or RangeError, with the path below
 * `path`, for what AWS refuses. One buffer is one request, its records' bytes one behind the other, and is delivered once the
 * indexer has acknowledged it: HEC answers for all of it, so that one bad record fails them all. What is sent again may be indexed twice.
 */
export function createSplunk(config: unknown, path: string, options: DestinationOptions): StreamDestination {
  const { HECEndpoint, HECEndpointType, HECToken, HECAcknowledgmentTimeoutInSeconds = 180, RetryOptions, BufferingHints, S3BackupMode } = read(config, path)
  const { clock, random } = options.ports
  const eventId = createDataIds(random)
  const base = `${HECEndpoint.replace(/\/+$/, '')}/services/collector`
  const channel = uuid(random)
  const headers = { authorization: `Splunk ${HECToken}`, 'x-splunk-request-channel': channel }
  const post = (url: string, body: Uint8Array, timeout: number, signal: AbortSignal | undefined) =>
    exchange({ method: 'POST', url, headers, body }, { ...options, clock, timeout, mostBytes: MOST_ANSWER, signal })

  /** Undefined once the indexer has it. */
  const send = async (body: Uint8Array, signal: AbortSignal | undefined): Promise<HecFault | undefined> => {
    const sent = sentAs(await post(`${base}/${HECEndpointType === 'Raw' ? 'raw' : 'event'}`, body, TIMEOUT, signal))
    if ('code' in sent) return sent
    const end = clock.monotonic() + 1000 * HECAcknowledgmentTimeoutInSeconds
    const question = new TextEncoder().encode(JSON.stringify({ acks: [sent.ackId] }))
    for (let wait = ASK.first; ; wait = Math.min(2 * wait, ASK.most)) {
      const left = end - clock.monotonic()
      if (left <= 0) return hecFault('AckTimeout')
      await clock.sleep(Math.min(wait, left), signal)
      const answer = acknowledged(await post(`${base}/ack?channel=${channel}`, question, Math.max(end - clock.monotonic(), 1), signal), sent.ackId)
      if (answer !== false) return answer === true ? undefined : answer
    }
  }

  return {
    hints: hintsOf(BufferingHints, 60),
    backupAll: S3BackupMode === 'AllEvents',
    errorOutputType: 'splunk-failed',
    failureLine: (failure) => splunkFailureLine({ ...lineOf(failure), eventId: eventId(failure.record) }),
    async deliver(records, signal) {
      if (records.length === 0) return []
      const body = concat(records.map(({ data }) => data))
      const retries = createRetries(RetryOptions?.DurationInSeconds ?? 300, 'waits', options.ports)
      for (let attempts = 1; ; attempts++) {
        const fault = await send(body, signal)
        if (!fault) return []
        if (await retries.again(signal)) continue
        const attemptEnd = clock.now()
        return records.map((record) => ({ record, ...fault, attempts, attemptEnd }))
      }
    },
  }
}
