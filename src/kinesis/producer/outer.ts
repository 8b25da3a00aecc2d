// The Kinesis record that carries user records, from its making to its outcome.
import type { Past } from '../service/attempt.js'
import type { PutRecordsEntry } from '../service/service.js'
import { createPack } from './intake.js'
import type { Pack } from './pack.js'

/**
 * What an outer record takes beside its user records, in the buffer's account: its objects, views and texts. Measured (Node 20): 100,000
 * tiny records alone take 590 to 650 bytes of heap each, row and text of 75 bytes included. Uncounted, 850,000 of them
 * fitted into 64 MiB with an RSS of 930 MB; counted, some 110,000 do, with 190 to 240 MB.
 */
export const OUTER_BYTES = 512

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
  let text = 0
  let size = 0
  for (const { entry, pack, rows } of outers) {
    users += rows.length
    size += entry.Data.length
    for (const row of rows) text += pack.textSize(row)
  }
  const own = createPack(users, text)
  // One block for all: an array of its own for each is three times its view.
  const block = new Uint8Array(size)
  const all = Uint32Array.from({ length: users }, (_, i) => i)
  let at = 0
  return outers.map((outer) => {
    const { entry, pack, rows } = outer
    const first = own.count
    for (const row of rows) own.move(pack, row, pack.past(row))
    block.set(entry.Data, at)
    at += entry.Data.length
    return { ...outer, entry: { ...entry, Data: block.subarray(at - entry.Data.length, at) }, pack: own, rows: all.subarray(first, own.count) }
  })
}
