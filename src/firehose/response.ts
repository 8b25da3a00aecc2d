// The response, planned before it is built: its exact size is known while its data still is bytes.
import { MillraceError } from '../errors.js'
import { FIREHOSE_LIMITS } from '../limits.js'
import { type Body, bodyCharacters, bodyText } from './body.js'
import type { FirehoseMetadata, FirehoseResponse, FirehoseResponseRecord } from './event.js'

/** Bytes that a response may have; one more loses the batch. */
export const RESPONSE_BYTES: number = FIREHOSE_LIMITS.transformBytes.value

/** How one recordId is answered. */
export interface Answer {
  recordId: string
  result: FirehoseResponseRecord['result']
  /** For a failure the original, undefined where that was no base64. */
  body: Body | undefined
  /** JSON text. */
  metadata: string | undefined
}

export interface ResponsePlan {
  /** Exact bytes of the response as JSON. */
  bytes: number
  /** Answers that keep their data. The others are failures without data, or dropped. */
  withData: boolean[]
  /** Indices of answers that were Ok and are not, because the response has no room for them. */
  overflow: number[]
}

const FRAME = '{"records":[]}'.length

const encoder = new TextEncoder()
/** Bytes of text. */
export const utf8Size = (text: string): number => (typeof Buffer !== 'undefined' ? Buffer.byteLength(text) : encoder.encode(text).length)

/** Printable ASCII that JSON has no escapes for, as Firehose's own ids are: four times faster than JSON.stringify. */
const PLAIN = /^[ !#-[\]-~]*$/

/** Bytes of an answer without its data. */
function bareSize({ recordId }: Answer, result: Answer['result']): number {
  const id = PLAIN.test(recordId) ? recordId.length + 2 : utf8Size(JSON.stringify(recordId))
  return '{"recordId":,"result":""}'.length + id + result.length
}

/** `known`: sizes of metadata, which many records share. */
function dataSize({ body = '', metadata }: Answer, known: Map<string, number>): number {
  let keys = 0
  if (metadata !== undefined) {
    let size = known.get(metadata)
    if (size === undefined) {
      size = utf8Size(metadata)
      known.set(metadata, size)
    }
    keys = ',"metadata":'.length + size
  }
  return ',"data":""'.length + bodyCharacters(body) + keys
}

/** Bytes of an answer in a response, without the comma. */
export const answerSize = (answer: Answer, withData: boolean, known = new Map<string, number>()): number =>
  bareSize(answer, answer.result) + (withData ? dataSize(answer, known) : 0)

/** Bytes of a response with this answer alone. */
export const sizeAlone = (answer: Answer): number => FRAME + answerSize(answer, true)

/**
 * Fits the answers into `limit` bytes. First failures lose their copy of the original, which Firehose
 * has anyway; then, where it still is too much, records in order keep their data as long as all behind
 * them can at least be answered, and those that do not fit become failures: Firehose writes them to
 * its error output, and none is lost. Throws LIMIT_EXCEEDED where not even that fits.
 */
export function planResponse(answers: readonly Answer[], limit: number): ResponsePlan {
  const has = answers.map(({ result, body }) => result !== 'Dropped' && body !== undefined)
  const commas = Math.max(answers.length - 1, 0)
  const known = new Map<string, number>()
  let bytes = FRAME + commas
  for (let i = 0; i < answers.length; i++) bytes += answerSize(answers[i], has[i], known)
  if (bytes <= limit) return { bytes, withData: has, overflow: [] }

  const withData = answers.map(({ result }) => result === 'Ok')
  const overflow: number[] = []
  const failed = answers.map((answer, i) => bareSize(answer, withData[i] ? 'ProcessingFailed' : answer.result))
  bytes = FRAME + commas + failed.reduce((a, b) => a + b, 0)
  if (bytes > limit)
    throw new MillraceError('LIMIT_EXCEEDED', `the response cannot have ${limit} bytes: ${answers.length} records without any data take ${bytes}`)
  answers.forEach((answer, i) => {
    if (!withData[i]) return
    const more = answerSize(answer, true, known) - failed[i]
    if (bytes + more <= limit) bytes += more
    else {
      withData[i] = false
      overflow.push(i)
    }
  })
  return { bytes, withData, overflow }
}

/** `settled`: those of the overflow that have gone elsewhere, and are answered Dropped. */
export function buildResponse(answers: readonly Answer[], plan: ResponsePlan, settled: ReadonlySet<number>): FirehoseResponse {
  const over = new Set(plan.overflow)
  const metadataOf = metadataReader()
  return {
    records: answers.map(({ recordId, result, body = '', metadata }, i): FirehoseResponseRecord => {
      if (!plan.withData[i]) return { recordId, result: settled.has(i) ? 'Dropped' : over.has(i) ? 'ProcessingFailed' : result }
      const data = bodyText(body)
      return metadata === undefined ? { recordId, result, data } : { recordId, result, data, metadata: metadataOf(metadata) }
    }),
  }
}

/** Parses each text once: records with the same metadata share the object. */
function metadataReader(): (text: string) => FirehoseMetadata {
  const known = new Map<string, FirehoseMetadata>()
  return (text) => {
    let metadata = known.get(text)
    if (metadata === undefined) {
      metadata = JSON.parse(text) as FirehoseMetadata
      known.set(text, metadata)
    }
    return metadata
  }
}
