import { expect, test } from 'vitest'
import { createLineage } from '../../../src/kinesis/consumer/lineage.js'
import type { ShardDescription } from '../../../src/kinesis/service.js'
import { compareSequence, openShards } from '../../../src/kinesis/shards.js'

const shard = (ShardId: string, parents: string[] = [], open = true, start = '0'): ShardDescription => ({
  ShardId,
  ParentShardId: parents[0],
  AdjacentParentShardId: parents[1],
  HashKeyRange: { StartingHashKey: start, EndingHashKey: '9' },
  SequenceNumberRange: { StartingSequenceNumber: '1', ...(open ? {} : { EndingSequenceNumber: '2' }) },
})
const ids = (shards: ShardDescription[]) => shards.map((s) => s.ShardId)

test('a child starts when both its parents are done, once', () => {
  const all = [shard('a', [], false), shard('b', [], false), shard('c', ['a', 'b']), shard('d', ['gone'])]
  const lineage = createLineage(false)
  expect(ids(lineage.update(all))).toEqual(['a', 'b', 'd'])
  expect(lineage.update(all)).toEqual([])
  expect(lineage.finish('b')).toEqual([])
  expect(ids(lineage.finish('a'))).toEqual(['c'])
  expect(lineage.finish('a')).toEqual([])
  expect([lineage.hasChild('a'), lineage.hasChild('b'), lineage.hasChild('c')]).toEqual([true, true, false])
})

test('from the latest on, what is closed counts as read', () => {
  const lineage = createLineage(true)
  expect(ids(lineage.update([shard('a', [], false), shard('b', ['a'], false), shard('c', ['b']), shard('d')]))).toEqual(['c', 'd'])
  expect(ids(lineage.update([shard('c', ['b'], false), shard('e', ['c'])]))).toEqual([])
  expect(ids(lineage.finish('c'))).toEqual(['e'])
})

test('open shards: no ending sequence number, no listed child, in the order of their ranges', () => {
  const all = [shard('a', [], false, '1'), shard('p', [], true, '2'), shard('z', ['p'], true, '10'), shard('y', ['p'], true, '9')]
  expect(ids(openShards(all))).toEqual(['y', 'z'])
})

test('sequence numbers are compared as numbers', () => {
  expect(compareSequence('9', '10')).toBe(-1)
  expect(compareSequence(`4${'0'.repeat(54)}1`, `4${'0'.repeat(54)}0`)).toBe(1)
  expect(compareSequence('007', '7')).toBe(0)
})
