// What a stream holds, asked of the service itself.
import { GetRecordsCommand, GetShardIteratorCommand, type KinesisClient, ListShardsCommand, type Shard } from '@aws-sdk/client-kinesis'
import type { FakeRecord } from './fake.js'

export async function allShards(client: KinesisClient): Promise<Shard[]> {
  const shards: Shard[] = []
  let NextToken: string | undefined
  do {
    const page = await client.send(new ListShardsCommand(NextToken ? { NextToken } : { StreamName: 's' }))
    shards.push(...(page.Shards ?? []))
    NextToken = page.NextToken
  } while (NextToken)
  return shards
}

/** The open ones in the order of their ranges. */
export const openShards = async (client: KinesisClient) =>
  (await allShards(client))
    // kinesis-local gives closed shards an end that is smaller than their start, but it gives one
    .filter(({ SequenceNumberRange }) => SequenceNumberRange?.EndingSequenceNumber === undefined)
    .sort((a, b) => (BigInt(a.HashKeyRange?.StartingHashKey ?? 0) < BigInt(b.HashKeyRange?.StartingHashKey ?? 0) ? -1 : 1))

/** Every Kinesis record of every shard, with the ranges by which the KCL judges aggregates. */
export async function rawStream(client: KinesisClient) {
  const shards: { ShardId: string; parents: string[]; start: bigint; end: bigint; records: FakeRecord[] }[] = []
  for (const { ShardId = '', HashKeyRange, ParentShardId, AdjacentParentShardId } of await allShards(client)) {
    const records: FakeRecord[] = []
    let { ShardIterator } = await client.send(new GetShardIteratorCommand({ StreamName: 's', ShardId, ShardIteratorType: 'TRIM_HORIZON' }))
    for (let empty = 0; ShardIterator && empty < 3; ) {
      const page: { Records?: unknown[]; NextShardIterator?: string } = await client.send(new GetRecordsCommand({ ShardIterator }))
      records.push(...((page.Records ?? []) as FakeRecord[]))
      empty = page.Records?.length ? 0 : empty + 1
      ShardIterator = page.NextShardIterator
    }
    const parents = [ParentShardId, AdjacentParentShardId].filter((id) => id !== undefined)
    shards.push({ ShardId, parents, start: BigInt(HashKeyRange?.StartingHashKey ?? 0), end: BigInt(HashKeyRange?.EndingHashKey ?? 0), records })
  }
  return { shards }
}
