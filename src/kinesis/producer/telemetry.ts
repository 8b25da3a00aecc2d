// What the producer tells a metrics sink, under the names of OpenTelemetry's messaging conventions where
// they have one (opentelemetry.io/docs/specs/semconv/messaging/messaging-metrics). Neither payloads nor keys are in it.
import type { MetricsSink } from '../telemetry.js'

export interface Telemetry {
  accepted(records: number): void
  /** A Kinesis record was stored; `age`: milliseconds since its oldest user record was accepted. */
  stored(shardId: string, bytes: number, payloadUnits: number, age: number): void
  /** User records have their outcome; `code` where they failed. */
  settled(records: number, code?: string): void
  /** A Kinesis record was not stored. */
  missed(shardId: string, code: string, throttled: boolean, retried: boolean): void
  /** Places in the spool's files where records may have been that cannot be read. */
  damaged(places: number): void
  /** A PutRecords request has ended. */
  answered(records: number, milliseconds: number, code?: string): void
}

/** `stream`: name or ARN. A sink that throws is not asked again. */
export function createTelemetry(sink: MetricsSink | undefined, stream: string): Telemetry {
  if (sink === undefined) return { accepted() {}, stored() {}, settled() {}, missed() {}, damaged() {}, answered() {} }
  const common = { 'messaging.system': 'aws_kinesis', 'messaging.destination.name': stream }
  const shard = (id: string) => (id === '' ? common : { ...common, 'messaging.destination.partition.id': id })
  const failed = (code: string | undefined): Record<string, string> => (code === undefined ? {} : { 'error.type': code })
  const operation = { ...common, 'messaging.operation.name': 'PutRecords', 'messaging.operation.type': 'send' }
  const count = (name: string, unit: string, description: string) => sink.createCounter(name, { unit, description })
  const measure = (name: string, unit: string, description: string) => sink.createHistogram(name, { unit, description })
  const accepted = count('millrace.producer.accepted', '{record}', 'User records accepted')
  const settled = count('millrace.producer.settled', '{record}', 'User records that have their outcome, refused ones too')
  const sent = count('messaging.client.sent.messages', '{message}', 'Kinesis records in PutRecords requests, each time they are sent')
  const stored = count('millrace.producer.stored', '{message}', 'Kinesis records stored')
  const retried = count('millrace.producer.retried', '{message}', 'Kinesis records that will be sent again')
  const throttled = count('millrace.producer.throttled', '{message}', 'Kinesis records that were throttled')
  const bytes = count('millrace.producer.bytes', 'By', 'Bytes stored, partition keys included')
  const units = count('millrace.producer.payload_units', '{unit}', 'PUT payload units of 25 KB stored')
  const damaged = count('millrace.producer.spool.damaged', '{place}', 'Places in the files of the spool where records may have been that cannot be read')
  const age = measure('millrace.producer.buffer.age', 's', 'From the acceptance of the oldest user record in a Kinesis record to its storing')
  const duration = measure('messaging.client.operation.duration', 's', 'PutRecords requests')
  let broken = false
  // Metrics are never a reason for a record not to arrive.
  const guarded = <A extends unknown[]>(tell: (...args: A) => void) => {
    return (...args: A) => {
      if (broken) return
      try {
        tell(...args)
      } catch {
        broken = true
      }
    }
  }
  return {
    accepted: guarded((records) => accepted.add(records, common)),
    stored: guarded((shardId, size, payloadUnits, milliseconds) => {
      const at = shard(shardId)
      stored.add(1, at)
      bytes.add(size, at)
      units.add(payloadUnits, at)
      age.record(milliseconds / 1000, at)
    }),
    settled: guarded((records, code) => settled.add(records, { ...common, ...failed(code) })),
    missed: guarded((shardId, code, isThrottled, isRetried) => {
      const at = { ...shard(shardId), ...failed(code) }
      if (isThrottled) throttled.add(1, at)
      if (isRetried) retried.add(1, at)
    }),
    damaged: guarded((places) => damaged.add(places, common)),
    answered: guarded((records, milliseconds, code) => {
      sent.add(records, operation)
      duration.record(milliseconds / 1000, { ...operation, ...failed(code) })
    }),
  }
}
