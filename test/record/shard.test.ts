import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ABSENT, BAD_INPUT, HASH_MALFORMED, HASH_RANGE, KEY_LENGTH, ROW_SIZE, UNCOVERED } from '../../src/engine/core.js'
import type { Engine } from '../../src/engine/engine.js'
import { packPieces } from '../../src/kinesis/shards/shard-image.js'
import type { Piece } from '../../src/kinesis/shards/shard-list.js'
import { builds, report } from '../builds.js'

const MAX = 2n ** 128n - 1n
const md5 = (key: string | Uint8Array) => BigInt(`0x${createHash('md5').update(key).digest('hex')}`)

interface Row {
  key: string
  hash?: string
}

/** The kernel over rows of whole records, or of keys alone. */
function run(engine: Engine, pieces: Piece[], rows: Row[], keysOnly = false) {
  return engine.scope(() => {
    const map = engine.put(packPieces(pieces))
    const stride = keysOnly ? 8 : ROW_SIZE
    const parts: Uint8Array[] = []
    const table = new Uint32Array((rows.length * stride) / 4)
    let at = 0
    const add = (text: string) => {
      const bytes = Buffer.from(text)
      parts.push(bytes)
      at += bytes.length
      return [at - bytes.length, bytes.length]
    }
    rows.forEach(({ key, hash }, i) => {
      table.set(add(key), (i * stride) / 4)
      if (!keysOnly) table.set(hash === undefined ? [0, ABSENT] : add(hash), (i * stride) / 4 + 2)
    })
    const heap = engine.put(Buffer.concat(parts))
    const rowsAt = engine.put(new Uint8Array(table.buffer))
    const hashes = engine.reserve(16 * rows.length)
    const out = engine.reserve(4 * rows.length)
    const result = engine.core.shardMany(map, heap, rowsAt, stride, rows.length, hashes, out)
    return {
      result,
      shards: [...new Int32Array(engine.bytes().slice(out, out + 4 * rows.length).buffer)],
      hashes: rows.map((_, i) => BigInt(`0x${Buffer.from(engine.bytes().subarray(hashes + 16 * i, hashes + 16 * i + 16)).toString('hex')}`)),
    }
  })
}

const even = (count: number): Piece[] => Array.from({ length: count }, (_, shard) => ({ start: BigInt(shard) * (2n ** 128n / BigInt(count)), shard }))
const oracle = (pieces: Piece[], key: bigint) => pieces.findLast((piece) => piece.start <= key)?.shard

/** Pieces at random starts, some of them close together, some of them gaps. */
const anyPieces = fc
  .uniqueArray(fc.oneof(fc.bigInt(1n, MAX), fc.bigInt(1n, 2n ** 20n), fc.bigInt(MAX - 2n ** 70n, MAX), fc.bigInt(2n ** 127n, 2n ** 127n + 2n ** 66n)), {
    maxLength: 300,
  })
  .chain((starts) => {
    const sorted = [0n, ...starts].sort((a, b) => (a < b ? -1 : 1))
    return fc
      .array(fc.boolean(), { minLength: sorted.length, maxLength: sorted.length })
      .map((gaps) => sorted.map((start, i) => ({ start, shard: gaps[i] ? i : UNCOVERED })))
  })

describe.each(builds)('shardMany (%s)', (_, engine) => {
  it.each([1, 2, 3, 7, 16, 1000, 10_000])('%i even shards, by partition key', (count) => {
    const rows = Array.from({ length: 2000 }, (_, i) => ({ key: `key-${i}`.padEnd(i % 70, 'x') || 'k' }))
    const pieces = even(count)
    const { result, shards, hashes } = run(engine, pieces, rows, count % 2 === 0)
    expect(result).toBe(rows.length)
    expect(hashes).toEqual(rows.map(({ key }) => md5(key)))
    const size = 2n ** 128n / BigInt(count)
    expect(shards).toEqual(hashes.map((hash) => Math.min(Number(hash / size), count - 1)))
  })

  it('any ranges, at and beside their ends', () => {
    fc.assert(
      fc.property(anyPieces, fc.array(fc.bigInt(0n, MAX), { maxLength: 20 }), (pieces, others) => {
        const keys = [...pieces.flatMap(({ start }) => [start - 1n, start, start + 1n]), MAX, ...others].filter((key) => key >= 0n && key <= MAX)
        const { shards, hashes } = run(
          engine,
          pieces,
          keys.map((key) => ({ key: 'k', hash: String(key) })),
        )
        expect(hashes).toEqual(keys)
        expect(shards).toEqual(keys.map((key) => oracle(pieces, key)))
      }),
      { numRuns: 60 },
    )
  })

  it('10,000 ranges within one prefix', () => {
    const pieces = even(1).concat(Array.from({ length: 10_000 }, (_, i) => ({ start: 2n ** 100n + BigInt(i) * 3n, shard: i + 1 })))
    const keys = Array.from({ length: 3000 }, (_, i) => 2n ** 100n - 5n + BigInt(i * 10))
    const { shards } = run(
      engine,
      pieces,
      keys.map((key) => ({ key: 'k', hash: String(key) })),
    )
    expect(shards).toEqual(keys.map((key) => oracle(pieces, key)))
  })

  it('says why a row has no shard, and does all the others', () => {
    const rows: Row[] = [
      { key: 'a' },
      { key: '' },
      { key: 'x'.repeat(256) },
      { key: 'x'.repeat(257) },
      { key: '😀'.repeat(256) },
      { key: '😀'.repeat(257) },
      { key: 'é'.repeat(256), hash: '7' },
      { key: 'b', hash: '' },
      { key: 'b', hash: '12x' },
      { key: 'b', hash: String(MAX + 1n) },
      { key: '', hash: '5' },
      { key: 'z' },
    ]
    const { result, shards } = run(engine, even(1), rows)
    expect(shards).toEqual([0, KEY_LENGTH, 0, KEY_LENGTH, 0, KEY_LENGTH, 0, HASH_MALFORMED, HASH_MALFORMED, HASH_RANGE, KEY_LENGTH, 0])
    expect(result).toBe(BAD_INPUT)
    expect(report(engine)).toMatchObject({ record: 1, position: 1, detail: KEY_LENGTH })
    run(engine, even(1), rows.slice(6, 9))
    expect(report(engine)).toMatchObject({ record: 1, position: 512 + 1 + 1, detail: HASH_MALFORMED })
  })

  it('gives nothing for nothing', () => {
    expect(run(engine, even(4), []).result).toBe(0)
  })
})
