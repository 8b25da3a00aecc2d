// The response plan as data: how each record of an event would be answered, and what that takes.
import { bodyBytes } from './body.js'
import type { Arrived } from './event.js'
import { type Answer, answerSize, type ResponsePlan } from './response.js'
import type { TransformFailure } from './transform-failure.js'

export interface FirehosePlanRecord {
  recordId: string
  /** Index in the event of the first one with this recordId. */
  record: number
  /** How it is answered. `Overflow`: the response has no room for its output, which is left to `overflow`; without that it is ProcessingFailed. */
  result: 'Ok' | 'Dropped' | 'ProcessingFailed' | 'Overflow'
  /** Bytes of its output, before base64. */
  outputBytes: number
  /** Bytes that it takes in the response, or would take there. */
  responseBytes: number
  /** Where it is ProcessingFailed. */
  failure: TransformFailure | undefined
}

export interface FirehosePlan {
  /** Bytes of the response as JSON: exactly, but that each `Overflow` which is taken elsewhere makes it nine bytes shorter. */
  bytes: number
  /** Bytes that it may have. */
  limit: number
  /** One for each recordId, in the order in which they first come. */
  records: FirehosePlanRecord[]
}

export function describePlan(
  arrived: readonly Arrived[],
  answers: readonly Answer[],
  failures: readonly TransformFailure[],
  { bytes, withData, overflow }: ResponsePlan,
  limit: number,
): FirehosePlan {
  const places = new Map<string, number>()
  for (const [record, { recordId }] of arrived.entries()) if (!places.has(recordId)) places.set(recordId, record)
  const failed = new Map(failures.map((failure) => [failure.recordId, failure]))
  const over = new Set(overflow)
  const records = answers.map((answer, i): FirehosePlanRecord => {
    const { recordId, result, body = '' } = answer
    return {
      recordId,
      record: places.get(recordId) as number,
      result: over.has(i) ? 'Overflow' : result,
      outputBytes: result === 'Ok' ? bodyBytes(body) : 0,
      responseBytes: answerSize(answer, withData[i] || over.has(i)),
      failure: result === 'ProcessingFailed' ? failed.get(recordId) : undefined,
    }
  })
  return { bytes, limit, records }
}
