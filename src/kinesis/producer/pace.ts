// How fast one shard may be written to: two token buckets with the service's own limits, slowed by what
// it throttles. The KPL has the buckets, fills them at 150 % and does not listen.
import { KINESIS } from '../../limits.js'

export interface Pace {
  /** Milliseconds until a Kinesis record of so many bytes (its key counted) may be sent; 0: now. */
  wait(bytes: number, now: number): number
  /** It is sent. */
  take(bytes: number, now: number): void
  /** The shard has throttled. */
  throttled(now: number): void
  /** Nothing is owed: a new pace would do as well. */
  rested(now: number): boolean
}

/** Of its rate, what a throttled shard keeps, and what it gains back each second. */
const DECREASE = 0.7
const INCREASE = 0.05
/** A shard is never given up: 50 records/s. */
const LEAST = 0.05

const FREE: Pace = { wait: () => 0, take() {}, throttled() {}, rested: () => true }

/**
 * Buckets of 1,000 records and 1 MiB, full at first, filled at as much a second; a record larger than
 * a bucket waits for a full one and leaves it in debt. `percent` of the limits, Infinity for no pace at
 * all. `open`: more than one shard may lie behind it, so that it grows past one shard's rate for as long
 * as nothing is throttled.
 */
export function createPace(percent: number, open = false): Pace {
  if (percent === Number.POSITIVE_INFINITY) return FREE
  const share = percent / 100
  let factor = 1
  let since = Number.NaN
  let records = 0
  let bytes = 0
  const most = (limit: number) => limit * share * Math.max(1, factor)
  const fill = (now: number) => {
    const first = Number.isNaN(since)
    const seconds = first ? 0 : Math.max(0, now - since) / 1000
    records = first
      ? most(KINESIS.shardWriteRecords.value)
      : Math.min(most(KINESIS.shardWriteRecords.value), records + seconds * rate(KINESIS.shardWriteRecords.value))
    bytes = first ? most(KINESIS.shardWriteBytes.value) : Math.min(most(KINESIS.shardWriteBytes.value), bytes + seconds * rate(KINESIS.shardWriteBytes.value))
    factor = Math.min(open ? Number.POSITIVE_INFINITY : 1, factor + (open ? 1 : INCREASE) * seconds)
    since = now
  }
  const rate = (limit: number) => limit * share * factor
  return {
    wait(size, now) {
      fill(now)
      // Not quite all: what the filling rounds off would else be waited for again.
      const need = Math.min(size, most(KINESIS.shardWriteBytes.value) - 1)
      const seconds = Math.max(
        (Math.min(1, most(KINESIS.shardWriteRecords.value)) - records) / rate(KINESIS.shardWriteRecords.value),
        (need - bytes) / rate(KINESIS.shardWriteBytes.value),
      )
      return seconds <= 1e-9 ? 0 : seconds * 1000
    },
    take(size, now) {
      fill(now)
      records--
      bytes -= size
    },
    throttled(now) {
      fill(now)
      factor = Math.max(LEAST, factor * DECREASE)
      // Another producer had what we thought was ours.
      records = Math.min(records, 0)
      bytes = Math.min(bytes, 0)
    },
    rested(now) {
      fill(now)
      return factor >= 1 && records >= most(KINESIS.shardWriteRecords.value) && bytes >= most(KINESIS.shardWriteBytes.value)
    },
  }
}
