// A store of the caller's own -> one that can be relied on: it answers in time, and what it is said to.
import { wrongType } from '../../errors.js'
import type { Clock } from '../../ports/ports.js'
import { withTimeout } from '../../ports/timeout.js'
import type { CheckpointStore, Lease } from './checkpoint-store.js'

/** Milliseconds after which a call counts as failed: dynamoCheckpoints gives up by itself after some 70 s. */
const PATIENCE = 90_000

export function checkedStore(store: CheckpointStore, clock: Clock): CheckpointStore {
  return {
    exclusive: store.exclusive === true,
    async read(outer) {
      const rows: unknown = await withTimeout(clock, PATIENCE, outer, (signal) => store.read(signal))
      if (!Array.isArray(rows)) throw wrongType('checkpoints.read()', 'an array of leases', rows)
      rows.forEach(checkLease)
      return rows
    },
    write: async (lease, counter) =>
      checkAnswer('checkpoints.write()', await withTimeout(clock, PATIENCE, undefined, (signal) => store.write(lease, counter, signal))),
    remove: async (shardId, counter) =>
      checkAnswer('checkpoints.remove()', await withTimeout(clock, PATIENCE, undefined, (signal) => store.remove(shardId, counter, signal))),
  }
}

/** Whether it was written, as the function says; TypeError where it says neither. */
export function checkAnswer(label: string, answer: unknown): boolean {
  if (typeof answer !== 'boolean') throw wrongType(label, 'true or false', answer)
  return answer
}

function checkLease(row: unknown, i: number): void {
  const label = `checkpoints.read()[${i}]`
  if (typeof row !== 'object' || row === null) throw wrongType(label, 'a lease', row)
  const { shardId, checkpoint, counter, parents } = row as Partial<Lease>
  if (typeof shardId !== 'string') throw wrongType(`${label}.shardId`, 'the id of a shard', shardId)
  if (typeof checkpoint?.sequenceNumber !== 'string') throw wrongType(`${label}.checkpoint.sequenceNumber`, 'text', checkpoint?.sequenceNumber)
  if (!Number.isSafeInteger(checkpoint.subSequenceNumber))
    throw wrongType(`${label}.checkpoint.subSequenceNumber`, 'a whole number', checkpoint.subSequenceNumber)
  if (!Number.isSafeInteger(counter)) throw wrongType(`${label}.counter`, 'a whole number', counter)
  if (!Array.isArray(parents)) throw wrongType(`${label}.parents`, 'an array of shard ids', parents)
}
