// What Firehose does with a response: the outcome table of its transformation contract.
// Sources: AWS documentation for DuplicatedRecordId; captures of real streams by floci and stackd for the others.
// Of a `result` that does not exist, and of bad base64, the two say different things: here the batch fails, as stackd has it.
import { fromBase64 } from '../engine/base64.js'
import { kindOf, messageOf } from '../errors.js'
import { readEvent } from './event.js'
import { RESPONSE_BYTES, utf8Size } from './response.js'

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

/** What comes of one record. */
export interface Verdict extends Outcome {
  /** Error message in Firehose's error object, where it has failed. */
  errorMessage: string | undefined
  /** What is delivered in the record's place. */
  data: Uint8Array | undefined
  /** `metadata.partitionKeys` as it stands in the response. */
  partitionKeys: unknown
}

/** Error messages as error objects of real streams have them. */
const MESSAGES = {
  'Lambda.FunctionError': 'The Lambda function was successfully invoked but it returned an error result.',
  'Lambda.MissingRecordId': 'One or more record Ids were not returned. Ensure that the Lambda function returns all received record Ids.',
  'Lambda.DuplicatedRecordId':
    'Multiple records were returned with the same record Id. Ensure that the Lambda function returns a unique record Id for each record.',
  'Lambda.ProcessingFailedStatus': 'ProcessingFailed status set for record',
  'Lambda.InvalidReturnFormat':
    'The data field cannot be null when the SourceType is DirectPut or KinesisStreamAsSource and processing result is Ok. The value field cannot be null when the SourceType is MSKAsSource and processing result is Ok.',
} as const

/** The error of every record of a batch whose function threw, timed out, or answered what cannot be read. */
export const FUNCTION_ERROR = { code: 'Lambda.FunctionError', message: MESSAGES['Lambda.FunctionError'] } as const

/** Plays Firehose: checks `response` against `event`. Throws TypeError for a malformed event only. */
export function explainResponse(event: unknown, response: unknown): Explanation {
  const { verdicts, batchFault, bytes } = judgeResponse([...new Set(readEvent(event).map(({ recordId }) => recordId))], response)
  const outcomes = verdicts.map(({ recordId, result, outcome, code, message }): Outcome => ({ recordId, result, outcome, code, message }))
  return { outcomes, batchFault, bytes }
}

/** What comes of the records with these ids, which are different ones. */
export function judgeResponse(ids: readonly string[], response: unknown): { verdicts: Verdict[]; batchFault: string | undefined; bytes: number } {
  const { text, fault } = written(response)
  const bytes = text === undefined ? 0 : utf8Size(text)
  const records = text === undefined ? undefined : (JSON.parse(text)?.records as unknown)
  const given = Array.isArray(records) ? records.filter((record) => typeof record === 'object' && record !== null).map(readAnswer) : []
  const answers = new Map<unknown, Answer[]>()
  for (const answer of given) {
    const before = answers.get(answer.recordId)
    if (before) before.push(answer)
    else answers.set(answer.recordId, [answer])
  }

  const batchFault =
    bytes > RESPONSE_BYTES
      ? `the response has ${bytes} bytes, Lambda allows ${RESPONSE_BYTES}`
      : (fault ?? given.map(({ fault }) => fault).find((fault) => fault !== undefined))
  const verdicts = ids.map((recordId) => judge(recordId, answers.get(recordId) ?? [], batchFault))
  const asked = new Set(ids)
  for (const [recordId, [first]] of answers) {
    if (!asked.has(recordId as string)) {
      verdicts.push({
        recordId: String(recordId),
        result: String(first.result),
        outcome: 'ignored',
        code: undefined,
        message: 'the event has no such recordId',
        ...NOTHING,
      })
    }
  }
  return { verdicts, batchFault, bytes }
}

/** As Lambda's runtime writes it: what is no JSON (a BigInt, a cycle) is an error of the function. */
function written(response: unknown): { text?: string; fault?: string } {
  try {
    return { text: JSON.stringify(response) }
  } catch (error) {
    return { fault: `the response cannot be written as JSON: ${messageOf(error)}` }
  }
}

const NOTHING = { errorMessage: undefined, data: undefined, partitionKeys: undefined }
interface Answer {
  recordId: unknown
  result: unknown
  data: Uint8Array | undefined
  partitionKeys: unknown
  /** What makes Firehose refuse a response as a whole. */
  fault: string | undefined
}

function readAnswer({ recordId, result, data, metadata }: Record<string, unknown>): Answer {
  const partitionKeys = (metadata as { partitionKeys?: unknown } | null | undefined)?.partitionKeys
  const answer = { recordId, result, data: undefined, partitionKeys, fault: undefined }
  const faulty = (what: string): Answer => ({ ...answer, fault: `record ${JSON.stringify(recordId)}: ${what}` })
  if (typeof result !== 'string' || !RESULTS.includes(result)) return faulty(`"result" expected one of ${RESULTS.join(', ')}, got ${kindOf(result)}`)
  if (data === undefined || data === null) return answer
  if (typeof data !== 'string') return faulty(`"data" expected base64 text, got ${kindOf(data)}`)
  try {
    return { ...answer, data: fromBase64(data, 'strict') }
  } catch (error) {
    return faulty(`"data": ${(error as Error).message}`)
  }
}

function judge(recordId: string, answers: readonly Answer[], batchFault: string | undefined): Verdict {
  const [answer] = answers
  const result = answer === undefined ? undefined : String(answer.result)
  const failed = (code: keyof typeof MESSAGES, message: string): Verdict => ({
    recordId,
    result,
    outcome: 'failed',
    code,
    message,
    ...NOTHING,
    errorMessage: MESSAGES[code],
  })
  if (batchFault) return failed('Lambda.FunctionError', 'the whole response is refused')
  if (!answer) return failed('Lambda.MissingRecordId', 'the response does not answer it; not tried again')
  if (answers.length > 1) return failed('Lambda.DuplicatedRecordId', `answered ${answers.length} times`)
  if (result === 'ProcessingFailed') return failed('Lambda.ProcessingFailedStatus', MESSAGES['Lambda.ProcessingFailedStatus'])
  if (result === 'Dropped') return { recordId, result, outcome: 'dropped', code: undefined, message: 'no output and no error', ...NOTHING }
  const { data, partitionKeys } = answer
  if (!data) return failed('Lambda.InvalidReturnFormat', 'Ok without data')
  return { recordId, result, outcome: 'delivered', code: undefined, message: `${data.length} bytes`, errorMessage: undefined, data, partitionKeys }
}
