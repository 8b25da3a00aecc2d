// What Firehose does with a response: the outcome table of its transformation contract.
// Sources: AWS documentation for DuplicatedRecordId; captures of real streams by floci and stackd for the others.
import { fromBase64 } from '../engine/base64.js'
import { kindOf } from '../errors.js'
import { readEvent } from './event.js'
import { RESPONSE_BYTES } from './response.js'

export interface Outcome {
  recordId: string
  /** What the response says; undefined where it says nothing. */
  result: string | undefined
  /** `delivered`, `dropped`, `failed` (the original goes to the error output), or `ignored`: not of the event. */
  outcome: 'delivered' | 'dropped' | 'failed' | 'ignored'
  /** Error code in Firehose's error object. */
  code: string | undefined
  message: string
}

export interface Explanation {
  /** A row for each recordId of the event, in its order, and for each one that the response made up. */
  outcomes: Outcome[]
  /** Why the whole batch fails, where it does: Firehose then calls again (3 times by default) before it gives up. */
  batchFault: string | undefined
  /** Bytes of the response as JSON. */
  bytes: number
}

const RESULTS = ['Ok', 'Dropped', 'ProcessingFailed']

/** Plays Firehose: checks `response` against `event`. Throws TypeError for a malformed event only. */
export function explainResponse(event: unknown, response: unknown): Explanation {
  const ids = [...new Set(readEvent(event).map(({ recordId }) => recordId))]
  const text: string | undefined = JSON.stringify(response)
  const bytes = text === undefined ? 0 : new TextEncoder().encode(text).length
  const records = text === undefined ? undefined : (JSON.parse(text)?.records as unknown)
  const given = Array.isArray(records) ? records.filter((record) => typeof record === 'object' && record !== null) : []
  const answers = new Map<string, Record<string, unknown>[]>()
  for (const record of given) answers.set(record.recordId, [...(answers.get(record.recordId) ?? []), record])

  const batchFault =
    bytes > RESPONSE_BYTES ? `the response has ${bytes} bytes, Lambda allows ${RESPONSE_BYTES}` : given.map(breaksBatch).find((fault) => fault !== undefined)
  const outcomes = ids.map((recordId) => judge(recordId, answers.get(recordId) ?? [], batchFault))
  for (const [recordId, [first]] of answers) {
    if (!ids.includes(recordId)) {
      outcomes.push({
        recordId: String(recordId),
        result: String(first.result),
        outcome: 'ignored',
        code: undefined,
        message: 'the event has no such recordId',
      })
    }
  }
  return { outcomes, batchFault, bytes }
}

/** What makes Firehose refuse a response as a whole. */
function breaksBatch({ recordId, result, data }: Record<string, unknown>): string | undefined {
  const id = JSON.stringify(recordId)
  if (typeof result !== 'string' || !RESULTS.includes(result)) return `record ${id}: "result" expected one of ${RESULTS.join(', ')}, got ${kindOf(result)}`
  if (data === undefined || data === null) return undefined
  if (typeof data !== 'string') return `record ${id}: "data" expected base64 text, got ${kindOf(data)}`
  try {
    fromBase64(data, 'strict')
    return undefined
  } catch (error) {
    return `record ${id}: "data": ${(error as Error).message}`
  }
}

function judge(recordId: string, answers: readonly Record<string, unknown>[], batchFault: string | undefined): Outcome {
  const [answer] = answers
  const result = answer === undefined ? undefined : String(answer.result)
  const failed = (code: string, message: string): Outcome => ({ recordId, result, outcome: 'failed', code, message })
  if (batchFault) return failed('Lambda.FunctionError', 'the whole response is refused')
  if (!answer) return failed('Lambda.MissingRecordId', 'the response does not answer it; not tried again')
  if (answers.length > 1) return failed('Lambda.DuplicatedRecordId', `answered ${answers.length} times`)
  if (result === 'ProcessingFailed') return failed('Lambda.ProcessingFailedStatus', 'ProcessingFailed status set for record')
  if (result === 'Dropped') return { recordId, result, outcome: 'dropped', code: undefined, message: 'no output and no error' }
  if (typeof answer.data !== 'string') return failed('Lambda.InvalidReturnFormat', 'Ok without data')
  return { recordId, result, outcome: 'delivered', code: undefined, message: `${fromBase64(answer.data).length} bytes` }
}
