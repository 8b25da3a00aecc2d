// Requests to an S3 endpoint, tried again where that may help.
import { inform, MillraceError } from '../../errors.js'
import { type AwsClient, createS3Client, loadS3Peer } from '../../ports/aws.js'
import { backoff } from '../../ports/backoff.js'
import { type ClientOptions, createCalls } from '../../ports/calls.js'
import { faultOf } from '../../ports/faults.js'
import type { Clock, Random } from '../../ports/ports.js'
import { checkOwnClient, type Rules } from './profile.js'

/** Milliseconds that a request has beside those for its body, and the bytes that a millisecond must carry of that. */
const TIMEOUT = 60_000
const SLOWEST = 1_000
const FIRST_WAIT = 200
const MOST_WAIT = 20_000

/** A place in the bucket, for errors. */
export const placeOf = (bucket: string, key: string) => `s3://${bucket}/${key}`

export const timeoutOf = (bytes: number) => TIMEOUT + bytes / SLOWEST

/** Damage on the way, and a collision with another request of ours: refused with a client's status, and right the next time. */
const PASSING = new Set(['BadDigest', 'XAmzContentSHA256Mismatch', 'IncompleteBody', 'OperationAborted'])

export interface RequestOptions {
  /** For errors: what could not be done, and the key it concerns. */
  what: string
  key: string
  /** Of the body. */
  bytes?: number
  /** Ends the request, and the attempts; with `whole` an attempt that is under way is waited for. */
  signal?: AbortSignal | undefined
  whole?: boolean
  /** In place of the store's. */
  retries?: number
}

export interface Requests {
  /** Sends `${command}Command`, Bucket and Key added. Rejects with IO once it is given up, its last error as the cause; with CLOSED where aborted. */
  send<T>(command: string, input: object, options: RequestOptions): Promise<T>
  /** As send(), for who sends by `call` what has to be made anew for each attempt. */
  attempts<T>(options: RequestOptions, attempt: (call: Call) => Promise<T>): Promise<T>
  /** Once, for an answer that goes on as a stream. */
  open<T>(command: string, input: object, key: string, signal: AbortSignal): Promise<T>
  destroy(): void
}

export type Call = <T>(command: string, input: object, signal: AbortSignal | undefined) => Promise<T>

export interface Retry {
  /** What is tried again, and on which key; of a bucket as a whole "". */
  what: string
  key: string
  /** The attempt that failed, from 1. */
  attempt: number
  /** What the endpoint or the connection said. */
  message: string
}

export interface RequestsOptions {
  client: ClientOptions
  bucket: string
  rules: Rules
  /** Attempts after the first. */
  retries: number
  onRetry: (retry: Retry) => void
  clock: Clock
  random: Random
}

export function createRequests({ client, bucket, rules, retries: usual, onRetry, clock, random }: RequestsOptions): Requests {
  const clientConfig = client.client ? undefined : { ...rules.client, ...client.clientConfig }
  const calls = createCalls({ client: client.client, commands: client.commands, clientConfig }, { load: loadS3Peer, create: createS3Client }, clock, TIMEOUT)
  let checked: Promise<void> | undefined
  const check = () => {
    checked ??= client.client ? checkOwnClient(rules, client.client as AwsClient) : Promise.resolve()
    return checked
  }
  const inputOf = (input: object, key: string) => ({ Bucket: bucket, ...(key === '' ? {} : { Key: key }), ...input })

  async function attempts<T>({ what, key, bytes = 0, signal, retries = usual }: RequestOptions, attempt: (call: Call) => Promise<T>): Promise<T> {
    const source = placeOf(bucket, key)
    const closed = () => new MillraceError('CLOSED', `${what}: interrupted`, { position: { source }, cause: signal?.reason })
    const call: Call = (command, input, ended) => calls.call(command, inputOf(input, key), ended, timeoutOf(bytes))
    for (let tries = 1; ; tries++) {
      if (signal?.aborted) throw closed()
      try {
        await check()
        return await attempt(call)
      } catch (error) {
        if (signal?.aborted) throw closed()
        if (error instanceof MillraceError) throw error
        const { kind, code, message } = faultOf(error)
        const said = `${code}${message && message !== code ? `: ${message}` : ''}`
        if (tries > retries || !mayPass(kind, code)) {
          const times = tries > 1 ? ` (${tries} attempts)` : ''
          throw new MillraceError('IO', `${what} failed: ${said}${times}`, {
            position: { source },
            cause: error,
          })
        }
        inform(() => onRetry({ what, key, attempt: tries, message: said }))
        await clock.sleep(backoff(tries, random, FIRST_WAIT, MOST_WAIT), signal).catch(() => {})
      }
    }
  }
  return {
    attempts,
    send: (command, input, options) => attempts(options, (call) => call(command, input, options.whole ? undefined : options.signal)),
    async open(command, input, key, signal) {
      await check()
      return calls.open(command, inputOf(input, key), signal)
    },
    destroy: calls.destroy,
  }
}

// What an endpoint has not, it will not have: 501 is no fault that passes.
const mayPass = (kind: string, code: string) => code !== 'NotImplemented' && (kind !== 'permanent' || PASSING.has(code))

/** The service's name for what went wrong, of an error of send(). */
export const causeOf = (error: unknown): string => faultOf((error as { cause?: unknown } | null)?.cause).code
