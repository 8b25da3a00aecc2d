import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { putRecords } from '../../src/engine/batch.js'
import type { Engine } from '../../src/engine/engine.js'
import { builds, report } from '../builds.js'
import { aggregateAll, hashKeyOf, type Outer, type Plain } from './oracle.js'

const ABSENT = 0xffffffff

function aggregate(
  e: Engine,
  records: Plain[],
  shardOf: (r: Plain, i: number) => number,
  shardCount: number,
  maxSize = 51_200,
  maxCount = ABSENT,
  recordLimit = 1 << 20,
  // 0: shardMany has left no hash keys
  known = true,
  // partition keys that are no text
  keys: Buffer[] = [],
): { outers: Outer[]; left: number[]; crowded: number } {
  return e.scope(() => {
    const { heap, table } = putRecords(
      e,
      records.map((r) => ({ partitionKey: r.key, explicitHashKey: r.hash, data: r.data })),
    )
    const count = records.length
    keys.forEach((bytes, i) => {
      e.words().set([e.put(bytes) - heap, bytes.length], (table >> 2) + i * 8)
    })
    const shards = e.reserve(count * 4)
    const block = e.reserve(count * 16)
    const hashes = known ? block : 0
    records.forEach((r, i) => {
      e.words()[(shards >> 2) + i] = shardOf(r, i)
      e.bytes().set(Buffer.from(hashKeyOf(r).toString(16).padStart(32, '0'), 'hex'), block + 16 * i)
    })
    const plan = e.reserve(e.core.aggregatePlanSize(count, shardCount))
    const made = e.core.aggregatePlan(heap, table, shards, hashes, count, shardCount, maxSize, maxCount, recordLimit, plan)
    const { consumed: dataSize, produced: room, detail: crowded } = report(e)
    const dst = e.reserve(dataSize + room)
    e.bytes()[dst + dataSize] = 77
    const out = e.reserve(made * 36 + count * 4)
    const half = made >> 1
    const first = e.core.aggregateWrite(heap, table, count, plan, 0, half, dst, dataSize)
    expect(first + e.core.aggregateWrite(heap, table, count, plan, half, made, dst + first, dataSize - first)).toBe(dataSize)
    expect(e.bytes()[dst + dataSize]).toBe(77)
    expect(e.core.aggregateRows(heap, table, hashes, count, plan, made, dataSize, dst + dataSize, room, out)).toBeLessThanOrEqual(room)
    const text = (at: number, n: number) => Buffer.from(e.bytes().slice(dst + at, dst + at + n))
    const w = e.words().slice(out >> 2)
    const assigned = [...w.subarray(made * 9, made * 9 + count)]
    const outers = Array.from({ length: made }, (_, i) => {
      const [keyAt, keySize, hashAt, hashSize, dataAt, dataSize, source, item] = w.subarray(i * 8, i * 8 + 8)
      const members = assigned.flatMap((id, r) => (id === i ? [r] : []))
      expect(members[0]).toBe(source)
      expect(members.length).toBe(item)
      return { key: text(keyAt, keySize).toString(), hash: text(hashAt, hashSize).toString(), data: text(dataAt, dataSize), shard: w[made * 8 + i], members }
    })
    return { outers, left: assigned.flatMap((id, r) => (id === ABSENT ? [r] : [])), crowded }
  })
}

const key = fc.oneof(fc.constantFrom('10', '9', 'a', '__proto__', 'ключ', '鍵', 'x'.repeat(200)), fc.string({ minLength: 1, maxLength: 40 }), fc.uuid())
const hash = fc.oneof(
  fc.constantFrom('0', '00', '+7', '0007', '-0', String(2n ** 128n - 1n), `000${2n ** 128n - 1n}`),
  fc.bigInt(0n, 2n ** 128n - 1n).map(String),
)
const record = fc.record({ key, hash: fc.option(hash, { nil: undefined, freq: 2 }), data: fc.uint8Array({ maxLength: 300 }) })

/** Keys whose hash collides, whatever the table's size: top bits that the multiplication only carries over. */
function crafted(bits: number): Buffer[] {
  return Array.from({ length: 2 ** bits }, (_, i) => {
    const bytes = Buffer.alloc(16 * bits, 1)
    for (let bit = 0; bit < bits; bit++) {
      if (!((i >> bit) & 1)) continue
      bytes[16 * bit + 7] ^= 0x80
      bytes[16 * bit + 11] ^= 0x80
      bytes[16 * bit + 15] ^= 0x80
    }
    return bytes
  })
}

describe.each(builds)('aggregate (%s)', (_, engine) => {
  it('needs no hash keys where one shard takes all', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 40 }), fc.constantFrom(64, 500, 51_200), (records, maxSize) => {
        const { outers } = aggregate(engine, records, () => 0, 1, maxSize, ABSENT, 1 << 20, false)
        expect(outers).toEqual(aggregateAll(records, () => 0, maxSize, ABSENT))
      }),
      { numRuns: 200, seed: 2 },
    )
  })

  it('hashes keys that were made to collide by MD5', () => {
    const keys = crafted(11)
    const run = (known: boolean) => {
      const { outers, crowded } = aggregate(
        engine,
        keys.map((_, i) => ({ key: String(10_000 + i), data: new Uint8Array(1) })),
        () => 0,
        1,
        10_000_000,
        ABSENT,
        1 << 20,
        known,
        keys,
      )
      return { crowded, data: outers.map((o) => o.data) }
    }
    const [fast, safe] = [run(false), run(true)]
    expect([fast.crowded, safe.crowded]).toEqual([1, 0])
    expect(fast.data).toEqual(safe.data)
  })

  it('is byte for byte the canonical encoder, over shards, sizes and counts', () => {
    fc.assert(
      fc.property(
        fc.array(record, { maxLength: 40 }),
        fc.integer({ min: 1, max: 5 }),
        fc.constantFrom(64, 100, 500, 2000, 51_200),
        fc.constantFrom(1, 2, 3, ABSENT),
        (records, shardCount, maxSize, maxCount) => {
          const shardOf = (r: Plain) => Number(hashKeyOf(r) % BigInt(shardCount))
          const { outers, left } = aggregate(engine, records, shardOf, shardCount, maxSize, maxCount)
          expect(outers).toEqual(aggregateAll(records, shardOf, maxSize, maxCount))
          expect(left).toEqual([])
          for (const o of outers) if (o.members.length > 1) expect(o.data.length).toBeLessThanOrEqual(maxSize)
        },
      ),
      { numRuns: 400, seed: 1 },
    )
  })

  it('indexes tables of more than 127 and more than 16,383 keys', () => {
    const records = Array.from({ length: 17_000 }, (_, i) => ({
      key: `k${i % 16_900}`,
      hash: i % 3 ? undefined : String(i % 16_800),
      data: Buffer.alloc(i % 5),
    }))
    const { outers } = aggregate(engine, records, () => 0, 1, 10 << 20)
    expect(outers).toHaveLength(1)
    const [want] = aggregateAll(records.slice(0, 2), () => 0, 10 << 20, ABSENT)
    expect(outers[0].members).toHaveLength(17_000)
    expect(outers[0].data.subarray(0, 6)).toEqual(want.data.subarray(0, 6))
  })

  it('leaves out records without a shard or over the limit, and keeps the others', () => {
    const records = ['a', 'b', 'c', 'd'].map((k) => ({ key: k, data: Buffer.alloc(k === 'b' ? 1000 : 10) }))
    const { outers, left } = aggregate(engine, records, (_, i) => (i === 2 ? -1 : 0), 1, 51_200, ABSENT, 1000)
    expect(left).toEqual([1, 2])
    expect(outers.map((o) => o.members)).toEqual([[0, 3]])
  })

  it('sends a record alone and raw that fits no aggregate, and keeps the order around it', () => {
    const records = [10, 10, 500_000, 10, 10].map((n, i) => ({ key: `k${i}`, data: Buffer.alloc(n, i) }))
    const { outers } = aggregate(engine, records, () => 0, 1)
    expect(outers.map((o) => o.members)).toEqual([[0, 1], [2], [3, 4]])
    expect(outers[1].key).toBe('k2')
    expect(outers[1].data.equals(records[2].data)).toBe(true)
  })

  it('makes nothing of nothing', () => {
    expect(aggregate(engine, [], () => 0, 3)).toEqual({ outers: [], left: [], crowded: 0 })
  })
})
