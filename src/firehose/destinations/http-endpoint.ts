// The sender of Firehose's HTTP endpoint delivery. Source: developer guide, "HTTP endpoint delivery request and
// response specifications", "Handle data delivery failures" and "Troubleshooting HTTP endpoints".
import { toBase64 } from '../../engine/base64.js'
import { kindOf } from '../../errors.js'
import { FIREHOSE_LIMITS } from '../../limits.js'
import { neededGzip } from '../../ports/compression.js'
import type { WebRequest, WebResponse } from '../../ports/transport.js'
import { list, object, oneOf, optional, text } from '../delivery/config/shape.js'
import { uuid } from '../delivery/names.js'
import type { DeliveryRecord, FailedDelivery } from '../delivery/record.js'
import { httpEndpointFailureLine } from '../errors/error-object.js'
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
import { bodyText, exchange, type Silence } from './exchange.js'
import { createDataIds } from './ids.js'
import { createRetries } from './retries.js'

interface Fault {
  code: string
  message: string
  /** Not tried again. */
  permanent?: boolean
}

const encoder = new TextEncoder()

/**
 * From an HttpEndpointDestinationConfiguration; its URL may be http:// too, as servers on one's
 * own machine are. Throws TypeError or RangeError, with the path below `path`, for what AWS refuses, and CONFIG where
 * the runtime has no gzip. One buffer becomes as many requests, one after the other, as its records need. A 413 is
 * final, and its records come back as failed, where AWS says that it writes them nowhere.
 */
export function createHttpEndpoint(config: unknown, path: string, options: DestinationOptions): StreamDestination {
  const { EndpointConfiguration, RequestConfiguration, RetryOptions, BufferingHints, S3BackupMode } = read(config, path)
  const gzip = RequestConfiguration?.ContentEncoding === 'GZIP' ? neededGzip() : undefined
  const attributes = (RequestConfiguration?.CommonAttributes ?? []).map(({ AttributeName, AttributeValue }) => [AttributeName, AttributeValue] as const)
  const headers = headersOf(gzip !== undefined, EndpointConfiguration.AccessKey, attributes, options.deliveryStreamArn)
  const retrySeconds = RetryOptions?.DurationInSeconds ?? 300
  const { clock, random } = options.ports
  const dataId = createDataIds(random)
  return {
    hints: hintsOf(BufferingHints),
    backupAll: S3BackupMode === 'AllData',
    errorOutputType: 'http-endpoint-failed',
    failureLine: (failure) =>
      httpEndpointFailureLine({
        ...lineOf(failure),
        subsequenceNumber: failure.record.subSequenceNumber ?? 0,
        dataId: dataId(failure.record),
      }),
    async deliver(records, signal) {
      const failed: FailedDelivery[] = []
      const fail = (record: DeliveryRecord, { code, message }: Fault, attempts: number) =>
        failed.push({ record, code, message, attempts, attemptEnd: clock.now() })
      for (const batch of pack(records, (record) => fail(record, { code: 'HttpEndpoint.RequestTooLarge', message: TOO_LARGE }, 0))) {
        const requestId = uuid(random)
        const body = bodyOf(requestId, clock.now(), batch)
        const request: WebRequest = {
          method: 'POST',
          url: EndpointConfiguration.Url,
          headers: { ...headers, 'x-amz-firehose-request-id': requestId },
          body: gzip ? await gzip(body) : body,
        }
        const retries = createRetries(retrySeconds, 'waits', options.ports)
        for (let attempts = 1; ; attempts++) {
          const fault = judge(await exchange(request, { ...options, clock, timeout: TIMEOUT, mostBytes: MOST_ANSWER, signal }), requestId)
          if (!fault) break
          if (!fault.permanent && (await retries.again(signal))) continue
          for (const record of batch) fail(record, fault, attempts)
          break
        }
      }
      return failed
    },
  }
}

const TIMEOUT = FIREHOSE_LIMITS.httpEndpointTime.value
const MOST_ANSWER = FIREHOSE_LIMITS.httpEndpointAnswerBytes.value
const MOST_BODY = FIREHOSE_LIMITS.httpEndpointBytes.value
const MOST_RECORDS = FIREHOSE_LIMITS.httpEndpointCount.value
const TOO_LARGE = `expected a record that fits a request of ${MOST_BODY} bytes in base64`

const read = object({
  ...COMMON,
  EndpointConfiguration: object({ Url: endpointUrl(1000), Name: optional(text(1, 256)), AccessKey: optional(secret(4096)) }),
  RequestConfiguration: optional(
    object({
      ContentEncoding: optional(oneOf(['NONE', 'GZIP'])),
      CommonAttributes: optional(list(object({ AttributeName: text(1, 256), AttributeValue: text(0, 1024) }), 0, 50)),
    }),
  ),
  RetryOptions: retryOptions,
  BufferingHints: bufferingHints(64, 900),
  S3BackupMode: optional(oneOf(['FailedDataOnly', 'AllData'])),
  SecretsManagerConfiguration: noSecrets,
})

function headersOf(gzip: boolean, accessKey: string | undefined, attributes: readonly (readonly [string, string])[], deliveryStreamArn: string) {
  return {
    'content-type': 'application/json',
    'user-agent': 'Amazon Kinesis Data Firehose Agent/1.0',
    'x-amz-firehose-protocol-version': '1.0',
    'x-amz-firehose-source-arn': deliveryStreamArn,
    ...(gzip ? { 'content-encoding': 'gzip' } : {}),
    ...(accessKey ? { 'x-amz-firehose-access-key': accessKey } : {}),
    ...(attributes.length > 0 ? { 'x-amz-firehose-common-attributes': ascii(JSON.stringify({ commonAttributes: recordOf(attributes) })) } : {}),
  }
}

/** With own members only, so that one called `__proto__` is one too. */
function recordOf(entries: readonly (readonly [string, string])[]): Record<string, string> {
  const all: Record<string, string> = Object.create(null)
  for (const [name, value] of entries) all[name] = value
  return all
}

/** JSON in characters that a header may have. */
const ascii = (json: string) => json.replace(/[\x7f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** Bytes of `{"requestId":"...","timestamp":...,"records":[]}`. */
const ENVELOPE = 96
/** Bytes of a record, its comma counted. */
const sizeOf = ({ data }: DeliveryRecord) => 12 + 4 * Math.ceil(data.length / 3)

/** Records in their order, as few requests as take them. */
function* pack(records: readonly DeliveryRecord[], tooLarge: (record: DeliveryRecord) => void): Generator<DeliveryRecord[]> {
  let batch: DeliveryRecord[] = []
  let bytes = ENVELOPE
  for (const record of records) {
    const own = sizeOf(record)
    if (ENVELOPE + own > MOST_BODY) {
      tooLarge(record)
      continue
    }
    if (batch.length === MOST_RECORDS || bytes + own > MOST_BODY) {
      yield batch
      batch = []
      bytes = ENVELOPE
    }
    batch.push(record)
    bytes += own
  }
  if (batch.length > 0) yield batch
}

function bodyOf(requestId: string, time: number, records: readonly DeliveryRecord[]): Uint8Array {
  const parts = records.map(({ data }) => `{"data":"${toBase64(data)}"}`)
  return encoder.encode(`{"requestId":"${requestId}","timestamp":${time},"records":[${parts.join(',')}]}`)
}

const SILENCES: Readonly<Record<Silence['silence'], Fault>> = {
  timeout: { code: 'HttpEndpoint.RequestTimeout', message: 'The delivery timed out before a response was received and will be retried.' },
  reset: { code: 'HttpEndpoint.ConnectionReset', message: 'Unable to maintain connection with the endpoint.' },
  tls: { code: 'HttpEndpoint.SSLHandshakeFailure', message: 'Unable to complete an SSL handshake with the endpoint.' },
  connect: { code: 'HttpEndpoint.ConnectionFailed', message: 'Unable to connect to the destination endpoint.' },
}

/** What is wrong with an answer; undefined where the records are delivered. */
function judge(answer: WebResponse | Silence, requestId: string): Fault | undefined {
  if ('silence' in answer) {
    const { code, message } = SILENCES[answer.silence]
    return { code, message: `${message} ${answer.message}` }
  }
  const { status, headers, body } = answer
  if (status !== 200) {
    const message = `The following response was received from the endpoint destination. ${status}: ${bodyText(body)}`
    return { code: 'HttpEndpoint.DestinationException', message, permanent: status === 413 }
  }
  if (body === undefined) {
    return { code: 'HttpEndpoint.ResponseTooLarge', message: `The response received from the endpoint is too large: expected at most ${MOST_ANSWER} bytes.` }
  }
  const odd = oddity(headers, body, requestId)
  if (odd === undefined) return undefined
  return {
    code: 'HttpEndpoint.InvalidResponseFromDestination',
    message: `The response received from the specified endpoint is invalid. Response for request ${requestId} ${odd}. Raw response received: 200 ${bodyText(body)}`,
  }
}

function oddity(headers: WebResponse['headers'], body: Uint8Array, requestId: string): string | undefined {
  const type = headers['content-type']
  if (type === undefined || !/^application\/json\s*(?:;|$)/i.test(type)) return `has content-type ${kindOf(type)}, expected application/json`
  if (headers['content-encoding'] !== undefined) return 'has a content-encoding, expected none'
  if (headers['content-length'] === undefined) return 'has no content-length'
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    return 'is not recognized as valid JSON'
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return `is ${kindOf(value)}, expected a JSON object`
  const unexpected = Object.keys(value).find((name) => !['requestId', 'timestamp', 'errorMessage'].includes(name))
  if (unexpected !== undefined) return `has the unexpected field ${kindOf(unexpected)}`
  const { requestId: given, timestamp } = value as Record<string, unknown>
  if (given !== requestId) return `has requestId ${kindOf(given)}, expected the request's`
  if (typeof timestamp !== 'number') return `has timestamp ${kindOf(timestamp)}, expected a number`
  return undefined
}
