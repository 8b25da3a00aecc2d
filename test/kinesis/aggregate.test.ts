import { createRequire } from 'node:module'
import { describe, expect, it } from 'vitest'
import { aggregate, aggregatePacked, NO_OUTER, type RecordBatch, ShardMap, type UserRecord } from '../../src/index.js'
import { aggregateAll, hashKeyOf } from '../record/oracle.js'

const agg = createRequire(import.meta.url)('aws-kinesis-agg')
const shards = ShardMap.even(4)
const text = new TextEncoder()
const record = (partitionKey: string, data: string | Uint8Array, explicitHashKey?: string | bigint): UserRecord => ({
  partitionKey,
  explicitHashKey,
  data: typeof data === 'string' ? text.encode(data) : data,
})
const many = (count: number, size: number) => Array.from({ length: count }, (_, i) => record(`key-${i % 100}x`, new Uint8Array(size).fill(i)))

function pack(records: UserRecord[]): RecordBatch {
  const parts: Uint8Array[] = []
  let at = 0
  const put = (bytes: Uint8Array) => {
    parts.push(bytes)
    at += bytes.length
    return [at - bytes.length, bytes.length]
  }
  const rows = records.map((r, i) => [
    ...put(text.encode(r.partitionKey)),
    ...(r.explicitHashKey === undefined ? [0, 0xffffffff] : put(text.encode(String(r.explicitHashKey)))),
    ...put(r.data),
    i,
    0,
  ])
  return { count: records.length, table: Uint32Array.from(rows.flat()), heap: new Uint8Array(Buffer.concat(parts)) }
}

describe('aggregate', () => {
  const records = [...many(1500, 100), record('ключ', 'snow'), record('low', 'first shard', '007'), record('high', 'last shard', 2n ** 128n - 1n)]

  it('gives the bytes of the canonical encoder, objects and packed alike', () => {
    const plain = records.map((r) => ({ key: r.partitionKey, hash: r.explicitHashKey?.toString(), data: r.data }))
    const want = aggregateAll(plain, (r) => Number(hashKeyOf(r) >> 126n), 4000, 0xffffffff)
    for (const input of [records, pack(records)]) {
      const { records: outer, outers, rejected } = aggregate(input, { shards, maxSize: 4000 })
      expect(rejected).toEqual([])
      expect(outer.map((o) => ({ key: o.PartitionKey, hash: o.ExplicitHashKey, shard: o.shard, n: o.userRecords }))).toEqual(
        want.map((o) => ({ key: o.key, hash: o.hash, shard: o.shard, n: o.members.length })),
      )
      outer.forEach((o, i) => {
        expect(Buffer.from(o.Data).equals(want[i].data)).toBe(true)
      })
      want.forEach((o, i) => {
        for (const m of o.members) expect(outers[m]).toBe(i)
      })
    }
  })

  it('leaves a byte order mark at the start of a key', () => {
    const { records: outer } = aggregate([record('\ufeff', 'alone')], { shards })
    expect(outer[0].PartitionKey).toBe('\ufeff')
  })

  it('is read back by aws-kinesis-agg', () => {
    const { records: outer } = aggregate(many(1000, 50), { shards })
    let seen = 0
    for (const o of outer) {
      agg.deaggregateSync(
        { data: Buffer.from(o.Data).toString('base64'), partitionKey: o.PartitionKey, sequenceNumber: '1' },
        true,
        (error: unknown, user: { partitionKey: string; data: string }[]) => {
          expect(error).toBeFalsy()
          for (const u of user) {
            const data = Buffer.from(u.data, 'base64')
            expect(data.length).toBe(50)
            expect(u.partitionKey).toMatch(/^key-\d+x$/)
            seen++
          }
        },
      )
    }
    expect(seen).toBe(1000)
  })

  it('rejects bad records one by one, with the reason', () => {
    const input = [
      record('a', '1'),
      record('', '2'),
      record('k'.repeat(257), '3'),
      record('a', '4', '12x'),
      record('a', '5', 2n ** 128n),
      record('a', new Uint8Array(1 << 20)),
      record('a', '7'),
    ]
    for (const result of [aggregate(input, { shards }), aggregatePacked(pack(input), { shards })]) {
      expect(result.rejected).toEqual([
        { record: 1, code: 'BAD_RECORD', message: 'its partition key has not 1 to 256 characters' },
        { record: 2, code: 'BAD_RECORD', message: 'its partition key has not 1 to 256 characters' },
        { record: 3, code: 'BAD_RECORD', message: 'its explicit hash key is not a decimal integer' },
        { record: 4, code: 'BAD_RECORD', message: 'its explicit hash key is not of 0 to 2^128 - 1' },
        { record: 5, code: 'RECORD_TOO_LARGE', message: 'its data and partition key are over 1048576 bytes' },
      ])
      expect([...result.outers]).toEqual([0, NO_OUTER, NO_OUTER, NO_OUTER, NO_OUTER, NO_OUTER, 0])
    }
    expect(aggregate([record('a', new Uint8Array(1 << 20))], { shards, maxRecordSize: 10 << 20 }).records[0].Data.length).toBe(1 << 20)
  })

  it('keeps an aggregate and its key within the limit of the stream', () => {
    const { records: outer } = aggregate(many(3000, 1000), { shards: ShardMap.even(1), maxSize: 10 << 20 })
    for (const o of outer) expect(o.Data.length + 1).toBeLessThanOrEqual(1 << 20)
    expect(Math.max(...outer.map((o) => o.Data.length))).toBeGreaterThan((1 << 20) - 1020)
  })

  it('writes into memory that it is given, where there is room', () => {
    const batch = pack(many(100, 100))
    const fresh = aggregatePacked(batch, { shards })
    const into = new Uint8Array(fresh.heap.length + 50).fill(7)
    const again = aggregatePacked(batch, { shards }, into)
    expect(again).toEqual(fresh)
    expect(again.heap.buffer).toBe(into.buffer)
    expect(into.subarray(fresh.heap.length)).toEqual(new Uint8Array(50).fill(7))
    expect(aggregatePacked(batch, { shards }, into.subarray(60))).toEqual(fresh)
    expect(() => aggregatePacked(batch, { shards }, [] as never)).toThrow(/"into" expected a Uint8Array, got an array/)
  })

  it('sends each record raw with maxCount 1, and makes nothing of nothing', () => {
    const { records: outer } = aggregate([record('10', 'x'), record('9', 'y')], { shards, maxCount: 1 })
    expect(outer.map((o) => [o.PartitionKey, Buffer.from(o.Data).toString(), o.userRecords])).toEqual([
      ['10', 'x', 1],
      ['9', 'y', 1],
    ])
    expect(aggregate([], { shards })).toEqual({ records: [], outers: new Uint32Array(0), rejected: [] })
  })

  it.each([
    [() => aggregate(5 as never, { shards }), /"records" expected an array of records or packed records, got 5/],
    [() => aggregate([null as never], { shards }), /"records\[0\]" expected a record, got null/],
    [() => aggregate([{ partitionKey: 5, data: new Uint8Array() } as never], { shards }), /"records\[0\]\.partitionKey" expected a string, got 5/],
    [() => aggregate([{ partitionKey: 'a', data: 'text' } as never], { shards }), /"records\[0\]\.data" expected a Uint8Array, got "text"/],
    [
      () => aggregate([{ partitionKey: 'a', explicitHashKey: 5, data: new Uint8Array() } as never], { shards }),
      /"records\[0\]\.explicitHashKey" expected a decimal/,
    ],
    [() => aggregate([], undefined as never), /"options" expected an object with shards, got undefined/],
    [() => aggregate([], { shards: [] as never }), /"shards" expected a ShardMap, got an array/],
    [() => aggregate([], { shards, maxsize: 1 } as never), /"options" expected one of shards, maxSize, maxCount, maxRecordSize, got "maxsize"/],
    [() => aggregate([], { shards, maxSize: 63 }), /"maxSize" expected a whole number from 64 to 10485760, got 63/],
    [() => aggregate([], { shards, maxCount: 0 }), /"maxCount" expected a whole number from 1 to 4294967295, got 0/],
    [() => aggregatePacked({ count: 1, table: new Uint32Array(4), heap: new Uint8Array() }, { shards }), /"batch.count" expected an integer from 0 to 0/],
    [
      () => aggregatePacked({ count: 1, table: Uint32Array.of(0, 9, 0, 0, 0, 0, 0, 0), heap: new Uint8Array(8) }, { shards }),
      /a row within the heap of 8 bytes/,
    ],
  ])('refuses wrong arguments: %s', (call, message) => {
    expect(call).toThrow(message)
  })
})
