// What an error of an AWS service means for what was asked of it. Names: API reference of
// PutRecords, ListShards and GetRecords, and "Common errors" of the same reference.

/**
 * throttle: the shard or account is over its rate, nothing was stored; transient: may pass, and
 * the records may have been stored all the same; permanent: will not pass by itself.
 */
export type FaultKind = 'throttle' | 'transient' | 'permanent'

export interface Fault {
  kind: FaultKind
  code: string
  message: string
  /** The service may have stored the records although it did not say so. */
  uncertain: boolean
  /** Perhaps one record of the request is to blame for all of it. */
  divisible: boolean
}

const THROTTLES = new Set([
  'ProvisionedThroughputExceededException',
  'ThrottlingException',
  'Throttling',
  'ThrottledException',
  'TooManyRequestsException',
  'RequestLimitExceeded',
  'RequestThrottled',
  'LimitExceededException',
  'KMSThrottlingException',
  'SlowDown',
])

// Refused by name although the status is a client's: a clock or a token that will be put right, a list that is asked for anew. The SDK
// corrects its clock by the answer that tells it of a skew, and signs the next request by it.
const PASSING = new Set([
  'RequestTimeout',
  'RequestTimeoutException',
  'RequestExpired',
  'RequestTimeTooSkewed',
  'RequestInTheFuture',
  'ExpiredTokenException',
  'ExpiredToken',
  'ResourceInUseException',
  'ExpiredNextTokenException',
])

// "Unknown" is what the SDK calls an error without a type, as a proxy's 413 is.
const DIVISIBLE = new Set(['ValidationException', 'InvalidArgumentException', 'SerializationException', 'RequestEntityTooLargeException'])

/** Whether one record alone may be what the service refuses with this code. */
export const isOfOneRecord = (code: string): boolean => DIVISIBLE.has(code)

/** What a rejected request means. Never throws: an error that cannot be read is one without a name. */
export function faultOf(error: unknown): Fault {
  try {
    return judge(error)
  } catch {
    return { kind: 'transient', code: 'Error', message: 'an error that cannot be read', uncertain: true, divisible: false }
  }
}

function judge(error: unknown): Fault {
  const { name, message, status } = read(error)
  const fault = (kind: FaultKind, uncertain: boolean, divisible = false): Fault => ({ kind, code: name, message, uncertain, divisible })
  if (THROTTLES.has(name) || status === 429) return fault('throttle', false)
  if (PASSING.has(name)) return fault('transient', name.startsWith('RequestTimeout'))
  // Kinesis names a skewed clock as it does a wrong secret; only the words differ.
  if (name === 'InvalidSignatureException' && /expired|not yet current/i.test(message)) return fault('transient', false)
  // No status: no answer arrived, and the request may have.
  if (status === undefined) return isOurs(error) ? fault('permanent', false) : fault('transient', true)
  if (status >= 500) return fault('transient', true)
  if (status === 408) return fault('transient', true)
  if (status < 400) return fault('transient', true)
  return fault('permanent', false, DIVISIBLE.has(name) || status === 413)
}

/** What an entry of a PutRecords answer means. */
export function recordFault(code: string, message: string): Fault {
  const kind = THROTTLES.has(code)
    ? 'throttle'
    : code === 'InternalFailure' || code === 'ServiceUnavailable' || code === 'InternalFailureException'
      ? 'transient'
      : 'permanent'
  return { kind, code, message, uncertain: kind === 'transient', divisible: false }
}

function read(error: unknown): { name: string; message: string; status: number | undefined } {
  if (error === null || typeof error !== 'object') return { name: 'Error', message: String(error), status: undefined }
  const { name, code, message, $metadata, $fault } = error as Record<string, unknown> & { $metadata?: { httpStatusCode?: unknown } }
  // What comes inside an event stream has no status of its own; the SDK says whose fault the service calls it.
  const status = $metadata?.httpStatusCode ?? ($fault === 'client' ? 400 : $fault === 'server' ? 500 : undefined)
  // Network errors say ECONNRESET in `code`; errors of the service have their name only. The SDK calls a
  // connection that was reset a TimeoutError, which would have everybody look for what was slow.
  const label = typeof code === 'string' && (name === 'Error' || name === 'TimeoutError') ? code : typeof name === 'string' ? name : 'Error'
  return { name: label, message: typeof message === 'string' ? message : '', status: typeof status === 'number' ? status : undefined }
}

// Errors raised before anything was sent: no peer, no region, no credentials, a bug in the caller's client.
// A fetch without an answer is a TypeError too: "Failed to fetch", "NetworkError ...", "Load failed" (WebKit).
function isOurs(error: unknown): boolean {
  if (error instanceof ReferenceError) return true
  if (error instanceof TypeError || error instanceof RangeError) return !/fetch|network|load failed/i.test(error.message)
  const name = (error as { name?: unknown } | null)?.name
  if (name === 'MillraceError' || name === 'CredentialsProviderError' || name === 'TokenProviderError') return true
  return error instanceof Error && /region is missing/i.test(error.message)
}
