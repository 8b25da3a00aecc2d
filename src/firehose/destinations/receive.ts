// The other end of Firehose's HTTP endpoint delivery: a request checked and answered as Firehose wants it. Source:
// developer guide, "HTTP endpoint delivery request and response specifications".
import { fromBase64 } from '../../engine/base64.js'
import { jsonFault, kindOf, messageOf } from '../../errors.js'
import { FIREHOSE_LIMITS } from '../../limits.js'
import { gunzipWhole } from '../../ports/compression.js'
import type { Clock } from '../../ports/ports.js'

/** What a request says besides its records. */
export interface HttpEndpointMeta {
  /** The same in each attempt at one request: to know what was taken already. */
  requestId: string
  /** When Firehose made the request, milliseconds since the epoch; undefined where it does not say. */
  timestamp: number | undefined
  /** ARN of the delivery stream. */
  sourceArn: string | undefined
  /** As they are configured in the delivery stream. */
  commonAttributes: Readonly<Record<string, string>>
}

/** Takes the records of one request, all or none: where it throws, Firehose sends all of them again. */
export type HttpEndpointConsumer = (records: Uint8Array[], meta: HttpEndpointMeta) => unknown

/** A request as each server's own is read into. */
export interface Received {
  method: string
  header(name: string): string | undefined
  /** The body; undefined where it is larger than `most`. */
  body(most: number): Promise<Uint8Array | undefined>
}

export interface Reply {
  status: number
  headers: Record<string, string>
  body: Uint8Array
}

export interface ReceiveOptions {
  consumer: HttpEndpointConsumer
  /** Each of them is let in; anybody where there is none. */
  accessKeys: readonly Uint8Array[]
  maxBodyBytes: number
  clock: Clock
}

/** Why a request is not taken. */
class Refusal extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

const encoder = new TextEncoder()

/** Never rejects: what fails, the consumer included, is in the reply. */
export async function receive(request: Received, { consumer, accessKeys, maxBodyBytes, clock }: ReceiveOptions): Promise<Reply> {
  let requestId = request.header('x-amz-firehose-request-id') ?? ''
  const reply = (status: number, errorMessage?: string): Reply => {
    const body = encoder.encode(JSON.stringify({ requestId, timestamp: clock.now(), errorMessage }))
    return { status, headers: { 'content-type': 'application/json', 'content-length': String(body.length) }, body }
  }
  try {
    if (request.method !== 'POST') throw new Refusal(405, `expected POST, got ${kindOf(request.method)}`)
    // Before the body: nobody has it read who may not send it.
    if (accessKeys.length > 0 && !isKnown(accessKeys, request.header('x-amz-firehose-access-key'))) {
      throw new Refusal(401, '"X-Amz-Firehose-Access-Key" expected an access key of this endpoint, got none or another one')
    }
    const body = readBody(await unpacked(request, maxBodyBytes))
    if (requestId !== '' && body.requestId !== requestId) throw new Refusal(400, '"requestId" expected the one in X-Amz-Firehose-Request-Id, got another one')
    requestId = body.requestId
    const meta = {
      requestId,
      timestamp: body.timestamp,
      sourceArn: request.header('x-amz-firehose-source-arn'),
      commonAttributes: attributesOf(request.header('x-amz-firehose-common-attributes')),
    }
    await consumer(body.records, meta)
    return reply(200)
  } catch (error) {
    return reply(error instanceof Refusal ? error.status : 500, messageOf(error).slice(0, FIREHOSE_LIMITS.httpEndpointMessage.value))
  }
}

/** In a time that depends on the length of what was sent alone, so that nobody can feel their way along a key. */
function isKnown(keys: readonly Uint8Array[], sent: string | undefined): boolean {
  // Servers give header bytes as Latin-1.
  const given = Uint8Array.from(sent ?? '', (c) => c.charCodeAt(0))
  let known = 0
  for (const key of keys) {
    let differs = key.length ^ given.length
    for (let i = 0; i < given.length; i++) differs |= given[i] ^ (key[i % key.length] ?? 0)
    known |= Number(differs === 0)
  }
  return known === 1
}

async function unpacked(request: Received, most: number): Promise<Uint8Array> {
  const encoding = request.header('content-encoding')?.trim().toLowerCase() ?? 'identity'
  if (encoding !== 'gzip' && encoding !== 'identity') throw new Refusal(415, `"Content-Encoding" expected gzip or none, got ${kindOf(encoding)}`)
  let text: Uint8Array | undefined
  try {
    const body = await request.body(most)
    text = body && encoding === 'gzip' ? await gunzipWhole(body, most) : body
  } catch (error) {
    throw new Refusal(400, messageOf(error))
  }
  if (!text) throw new Refusal(413, `expected a body of at most ${most} bytes`)
  return text
}

function readBody(bytes: Uint8Array): { requestId: string; timestamp: number | undefined; records: Uint8Array[] } {
  const expected = (what: string, got: unknown) => new Refusal(400, `${what}, got ${kindOf(got)}`)
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw new Refusal(400, `expected a body of JSON in UTF-8: ${jsonFault(error)}`)
  }
  if (typeof value !== 'object' || value === null) throw expected('expected a Firehose request as JSON', value)
  const { requestId, timestamp, records } = value as Record<string, unknown>
  if (typeof requestId !== 'string' || requestId === '') throw expected('"requestId" expected text', requestId)
  if (timestamp !== undefined && typeof timestamp !== 'number') throw expected('"timestamp" expected a number of milliseconds', timestamp)
  if (!Array.isArray(records)) throw expected('"records" expected an array', records)
  const most = FIREHOSE_LIMITS.httpEndpointCount.value
  if (records.length === 0 || records.length > most) throw expected(`"records" expected 1 to ${most} records`, records.length)
  return {
    requestId,
    timestamp,
    records: records.map((record: { data?: unknown } | null, i) => {
      if (typeof record?.data !== 'string') throw expected(`"records[${i}].data" expected base64 text`, record?.data)
      try {
        return fromBase64(record.data, 'lenient')
      } catch (error) {
        throw new Refusal(400, `"records[${i}].data": ${messageOf(error)}`)
      }
    }),
  }
}

function attributesOf(header: string | undefined): Readonly<Record<string, string>> {
  const attributes: Record<string, string> = Object.create(null)
  if (header === undefined) return attributes
  const label = '"X-Amz-Firehose-Common-Attributes"'
  let value: unknown
  try {
    value = JSON.parse(header)
  } catch (error) {
    throw new Refusal(400, `${label} expected JSON: ${jsonFault(error)}`)
  }
  const given = (value as { commonAttributes?: unknown } | null)?.commonAttributes
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw new Refusal(400, `${label} expected {"commonAttributes":{...}}`)
  for (const [name, attribute] of Object.entries(given)) {
    if (typeof attribute !== 'string') throw new Refusal(400, `${label} expected text for ${kindOf(name)}, got ${kindOf(attribute)}`)
    attributes[name] = attribute
  }
  return attributes
}
