// The Kinesis record that carries user records, from its making to its outcome.
import type { Past } from './attempt.js'
import { createPack } from './intake.js'
import type { Pack } from './pack.js'
import type { PutRecordsEntry } from './service.js'

/** One Kinesis record to send: an aggregate, or a user record of its own. */
export interface Outer {
  readonly entry: PutRecordsEntry
  /** Counted as the service counts: data and partition key. */
  readonly bytes: number
  readonly aggregated: boolean
  /** Predicted shard; '' where the shards are not known. */
  readonly shardId: string
  /** Version of the shard map that predicted it. */
  readonly version: number
  /** The user records in it: rows of `pack`, in aggregate order. */
  readonly pack: Pack
  readonly rows: Uint32Array
  /** Monotonic milliseconds at which its oldest user record was accepted. */
  readonly since: number
  /** How it fared, beside what its rows had met before. */
  past: Past | undefined
}

/**
 * The same records over memory of their own, in place of the batch's that they were made from. One that
 * waits for a throttled shard would else keep its whole batch, and of a batch for 32 shards that is 80
 * times what the buffer's account says.
 */
export function detach(outers: readonly Outer[]): Outer[] {
  let users = 0
  let bytes = 0
  for (const { pack, rows } of outers) {
    users += rows.length
    for (const row of rows) bytes += pack.size(row)
  }
  const own = createPack(users, bytes)
  return outers.map((outer) => {
    const { entry, pack, rows } = outer
    const first = own.count
    for (const row of rows) own.move(pack, row, pack.past(row))
    return { ...outer, entry: { ...entry, Data: entry.Data.slice() }, pack: own, rows: rows.map((_, i) => first + i) }
  })
}
