import { expect, test } from 'vitest'
import { type Lease, SHARD_END } from '../../../src/kinesis/consumer/checkpoint-store.js'
import { type Beginning, rowsToAdd } from '../../../src/kinesis/consumer/lineage.js'
import type { ShardDescription } from '../../../src/kinesis/service/listing.js'
import { compareSequence, openShards } from '../../../src/kinesis/service/shards.js'

const shard = (ShardId: string, parents: string[] = [], open = true, start = '0'): ShardDescription => ({
  ShardId,
  ParentShardId: parents[0],
  AdjacentParentShardId: parents[1],
  HashKeyRange: { StartingHashKey: start, EndingHashKey: '9' },
  SequenceNumberRange: { StartingSequenceNumber: '1', ...(open ? {} : { EndingSequenceNumber: '2' }) },
})
const ids = (rows: readonly Lease[]) => rows.map((row) => row.shardId)
const FROM_OLDEST = { latest: false, timestamp: undefined }

/** A table of rows; `add` gives those that are new, `finish` marks one as read to its end. */
function table(beginning: Beginning) {
  const rows = new Map<string, Lease>()
  return {
    rows,
    add(all: ShardDescription[]) {
      const fresh = rowsToAdd(all, rows, beginning)
      for (const row of fresh) rows.set(row.shardId, row)
      return ids(fresh)
    },
    // As the leases do: what began at LATEST has no time any more.
    finish: (id: string) => rows.set(id, { ...(rows.get(id) as Lease), checkpoint: SHARD_END, ...(beginning.latest ? { timestamp: undefined } : {}) }),
  }
}

test('a child has its row when both its parents are done, once', () => {
  const all = [shard('a', [], false), shard('b', [], false), shard('c', ['a', 'b']), shard('d', ['gone'])]
  const { add, finish } = table(FROM_OLDEST)
  expect(add(all)).toEqual(['a', 'b', 'd'])
  expect(add(all)).toEqual([])
  finish('b')
  expect(add(all)).toEqual([])
  finish('a')
  expect(add(all)).toEqual(['c'])
  expect(add(all)).toEqual([])
})

test('from the latest on, what is closed counts as read, and what comes later begins where its parents end', () => {
  const { add, finish, rows } = table({ latest: true, timestamp: 17 })
  expect(add([shard('a', [], false), shard('b', ['a'], false), shard('c', ['b']), shard('d')])).toEqual(['c', 'd'])
  expect(add([shard('b', ['a'], false), shard('c', ['b'], false), shard('e', ['c']), shard('d')])).toEqual([])
  expect(rows.get('c')).toMatchObject({ checkpoint: { sequenceNumber: 'LATEST' }, timestamp: 17 })
  finish('c')
  expect(add([shard('b', ['a'], false), shard('c', ['b'], false), shard('e', ['c']), shard('d')])).toEqual(['e'])
  expect(rows.get('e')).toMatchObject({ checkpoint: { sequenceNumber: 'TRIM_HORIZON' } })
})

test('from the latest on, a shard that has just closed is read: its children may not be listed yet', () => {
  const { add, finish } = table({ latest: true, timestamp: 17 })
  expect(add([shard('a', [], false)])).toEqual(['a'])
  expect(add([shard('a', [], false), shard('b', ['a']), shard('c', ['a'])])).toEqual([])
  finish('a')
  expect(add([shard('a', [], false), shard('b', ['a']), shard('c', ['a'])])).toEqual(['b', 'c'])
})

test('of a merge whose other parent was closed before the beginning nothing waits for that one', () => {
  const { add, finish } = table({ latest: true, timestamp: 17 })
  const all = [shard('old', [], false), shard('x', ['old'], false)]
  expect(add([...all, shard('y', [], false)])).toEqual(['x', 'y'])
  finish('x')
  finish('y')
  expect(add([...all, shard('y', [], false), shard('m', ['old', 'y'])])).toEqual(['m'])
})

test('open shards: no ending sequence number, no listed child, in the order of their ranges', () => {
  const all = [shard('a', [], false, '1'), shard('p', [], true, '2'), shard('z', ['p'], true, '10'), shard('y', ['p'], true, '9')]
  expect(openShards(all).map(({ ShardId }) => ShardId)).toEqual(['y', 'z'])
})

test('sequence numbers are compared as numbers', () => {
  expect(compareSequence('9', '10')).toBe(-1)
  expect(compareSequence(`4${'0'.repeat(54)}1`, `4${'0'.repeat(54)}0`)).toBe(1)
  expect(compareSequence('007', '7')).toBe(0)
})
