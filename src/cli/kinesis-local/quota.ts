// The service's limits for each shard, which no local server has. Buckets that hold one second's worth:
// "Kinesis Data Streams quotas and limits" (service-sizes-and-limits) and the API reference of GetRecords.
import type { Clock } from '../../ports/ports.js'

/** A second's worth for a shard. */
export interface ShardLimits {
  writeRecords: number
  writeBytes: number
  readCalls: number
  readBytes: number
}

export const SHARD_LIMITS: ShardLimits = { writeRecords: 1000, writeBytes: 1_048_576, readCalls: 5, readBytes: 2 * 1_048_576 }

interface Bucket {
  left: number
  at: number
}

export interface Quota {
  /** Whether the shard takes a record of so many bytes, key included, now. */
  write(shard: string, bytes: number): boolean
  /** Whether the shard answers a GetRecords now. */
  read(shard: string): boolean
  /** What a GetRecords gave: more than a second's worth is paid for by the seconds after it, 10 MiB by five. */
  given(shard: string, bytes: number): void
}

export function createQuota(clock: Clock, limits: ShardLimits): Quota {
  const buckets = new Map<string, Bucket>()
  const bucket = (shard: string, kind: keyof ShardLimits): Bucket => {
    const name = `${shard} ${kind}`
    const now = clock.monotonic()
    let found = buckets.get(name)
    if (!found) {
      found = { left: limits[kind], at: now }
      buckets.set(name, found)
    }
    found.left = Math.min(limits[kind], found.left + ((now - found.at) / 1000) * limits[kind])
    found.at = now
    return found
  }
  return {
    write(shard, bytes) {
      const [records, volume] = [bucket(shard, 'writeRecords'), bucket(shard, 'writeBytes')]
      if (records.left < 1 || volume.left < bytes) return false
      records.left--
      volume.left -= bytes
      return true
    },
    read(shard) {
      const calls = bucket(shard, 'readCalls')
      if (calls.left < 1 || bucket(shard, 'readBytes').left <= 0) return false
      calls.left--
      return true
    },
    given(shard, bytes) {
      bucket(shard, 'readBytes').left -= bytes
    },
  }
}
