// What the transformer tells a metrics sink of each invocation. Neither payloads nor ids are in it.
import type { MetricsSink } from '../kinesis/telemetry.js'
import type { FirehoseEvent } from './event.js'
import type { Answer, ResponsePlan } from './response.js'
import type { TransformFailure } from './transform-failure.js'

export interface Invocation {
  event: FirehoseEvent
  answers: readonly Answer[]
  plan: ResponsePlan
  /** Indices of answers that went elsewhere, since the response had no room for them. */
  settled: ReadonlySet<number>
  failures: readonly TransformFailure[]
  /** Given to `transform`: those in aggregates, log events and the like one by one. */
  userRecords: number
  milliseconds: number
}

/** What a settled overflow is shorter by than the plan has it. */
const DROPPED = 'ProcessingFailed'.length - 'Dropped'.length

export type Telemetry = (invocation: Invocation) => void

/** A sink that throws is not asked again: metrics are never a reason for a record not to arrive. */
export function createTelemetry(sink: MetricsSink | undefined): Telemetry {
  if (sink === undefined) return () => {}
  const records = sink.createCounter('millrace.firehose.records', { unit: '{record}', description: 'Records of events, by how they were answered' })
  const users = sink.createCounter('millrace.firehose.user_records', { unit: '{record}', description: 'User records given to transform' })
  const size = sink.createHistogram('millrace.firehose.response.size', { unit: 'By', description: 'Bytes of a response' })
  const duration = sink.createHistogram('millrace.firehose.duration', { unit: 's', description: 'Invocations' })
  let broken = false
  return ({ event, answers, plan, settled, failures, userRecords, milliseconds }) => {
    if (broken) return
    const arn: unknown = event.deliveryStreamArn
    const stream = typeof arn === 'string' ? (arn.split('/').at(-1) as string) : ''
    const common = { 'messaging.system': 'aws_firehose', 'messaging.destination.name': stream }
    const over = new Set(plan.overflow)
    const counts = new Map<string, number>()
    const count = (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1)
    for (const [i, { result }] of answers.entries()) if (!over.has(i) && result !== 'ProcessingFailed') count(result.toLowerCase())
    if (settled.size > 0) counts.set('overflowed', settled.size)
    const failed = new Map<string, number>()
    for (const { reason } of failures) failed.set(reason, (failed.get(reason) ?? 0) + 1)
    try {
      for (const [result, n] of counts) records.add(n, { ...common, result })
      for (const [reason, n] of failed) records.add(n, { ...common, result: 'failed', 'error.type': reason })
      users.add(userRecords, common)
      size.record(plan.bytes - DROPPED * settled.size, common)
      duration.record(milliseconds / 1000, common)
      // Between invocations a Lambda stands still: what is not written now is written with the next event, or never.
      if ('flush' in sink && typeof sink.flush === 'function') sink.flush()
    } catch {
      broken = true
    }
  }
}
