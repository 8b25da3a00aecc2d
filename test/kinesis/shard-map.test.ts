import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { formatHashKey, MAX_HASH_KEY, parseHashKey } from '../../src/kinesis/shards/hash-key.js'
import { NO_SHARD, ShardMap, whyNoShard } from '../../src/kinesis/shards/shard-map.js'

const md5 = (key: string) => BigInt(`0x${createHash('md5').update(key).digest('hex')}`)
const range = (ShardId: string, start: bigint, end: bigint) => ({ ShardId, StartingHashKey: String(start), EndingHashKey: String(end) })
const listed = (ShardId: string, start: bigint, end: bigint, closed = false) => ({
  ShardId,
  HashKeyRange: { StartingHashKey: String(start), EndingHashKey: String(end) },
  SequenceNumberRange: { StartingSequenceNumber: '1', ...(closed ? { EndingSequenceNumber: '2' } : {}) },
})
const linear = (map: ShardMap, key: bigint) => {
  const i = map.shards.findIndex((s) => BigInt(s.StartingHashKey) <= key && key <= BigInt(s.EndingHashKey))
  return i < 0 ? NO_SHARD : i
}

describe('ShardMap.even', () => {
  it('is as Kinesis lays a stream out', () => {
    // DescribeStream of a stream of three shards
    expect(ShardMap.even(3).shards).toEqual([
      range('shardId-000000000000', 0n, 113427455640312821154458202477256070484n),
      range('shardId-000000000001', 113427455640312821154458202477256070485n, 226854911280625642308916404954512140969n),
      range('shardId-000000000002', 226854911280625642308916404954512140970n, MAX_HASH_KEY),
    ])
    expect(ShardMap.even(1).shards).toEqual([range('shardId-000000000000', 0n, MAX_HASH_KEY)])
  })

  it.each([0, -1, 1.5, 32768, Number.NaN, '4', null])('refuses %j', (count) => {
    expect(() => ShardMap.even(count as number)).toThrow(/"count" expected an integer from 1 to 32767, got/)
  })
})

describe('ShardMap.fromShards', () => {
  const half = 2n ** 127n

  it('reads a ListShards response, leaves closed shards out, sorts', () => {
    const map = ShardMap.fromShards({
      Shards: [
        listed('shardId-000000000000', 0n, MAX_HASH_KEY, true),
        listed('shardId-000000000002', half, MAX_HASH_KEY),
        listed('shardId-000000000001', 0n, half - 1n),
      ],
    })
    expect(map.shards).toEqual([range('shardId-000000000001', 0n, half - 1n), range('shardId-000000000002', half, MAX_HASH_KEY)])
    expect(ShardMap.fromShards(map.shards).shards).toEqual(map.shards)
    expect(ShardMap.fromShards([listed('a', 0n, 9n), range('b', 10n, MAX_HASH_KEY)]).shards).toHaveLength(2)
  })

  it.each<[string, unknown, RegExp]>([
    ['nothing', undefined, /^"shards" expected a ListShards response or an array of shards, got undefined/],
    ['a response without Shards', { StreamDescription: {} }, /^"shards" expected a ListShards response/],
    ['one page of several', { Shards: [listed('a', 0n, MAX_HASH_KEY)], NextToken: 't' }, /all pages of ListShards/],
    ['no open shard', [listed('a', 0n, MAX_HASH_KEY, true)], /at least one open shard/],
    ['null', [null], /^"shards\[0\]" expected a shard, got null/],
    ['no id', [{ HashKeyRange: { StartingHashKey: '0', EndingHashKey: '1' } }], /^"shards\[0\].ShardId" expected a shard id, got undefined/],
    ['no range', [{ ShardId: 'a' }], /^"shards\[0\].StartingHashKey" expected a decimal integer/],
    ['a hash key past 2^128 - 1', [range('a', 0n, MAX_HASH_KEY + 1n)], /^"shards\[0\].EndingHashKey" expected a decimal integer from 0 to 2\^128 - 1/],
    ['an end before its start', [range('a', 5n, 4n)], /^"shards\[0\].EndingHashKey" expected at least/],
    [
      'an overlap',
      [range('a', 0n, half), range('b', half, MAX_HASH_KEY)],
      /do not overlap, got b from 170141183460469231731687303715884105728 and a to 170141183460469231731687303715884105728/,
    ],
    ['a gap between', [range('a', 0n, 10n), range('b', 12n, MAX_HASH_KEY)], /got none for 11 to 11 \(between a and b\)/],
    ['a gap at the start', [range('a', 1n, MAX_HASH_KEY)], /got none for 0 to 0 \(between the first hash key and a\)/],
    ['a gap at the end', [range('a', 0n, MAX_HASH_KEY - 1n)], /between a and the last hash key/],
  ])('refuses %s', (_, shards, message) => {
    expect(() => ShardMap.fromShards(shards as [])).toThrow(message)
  })

  it('refuses unknown options', () => {
    expect(() => ShardMap.fromShards([], { gaps: 1 } as object)).toThrow('"options.gaps" expected true or false, got 1')
    expect(() => ShardMap.fromShards([], { gap: true } as object)).toThrow(/"options" expected one of gaps, got "gap"/)
  })

  it('allows gaps where asked to', () => {
    const map = ShardMap.fromShards([range('a', 10n, 20n), range('b', 30n, 40n)], { gaps: true })
    const keys = [0n, 9n, 10n, 20n, 21n, 29n, 30n, 40n, 41n, MAX_HASH_KEY]
    expect(keys.map((key) => map.shardOf('k', key))).toEqual([NO_SHARD, NO_SHARD, 0, 0, NO_SHARD, NO_SHARD, 1, 1, NO_SHARD, NO_SHARD])
    expect(whyNoShard(NO_SHARD)).toBe('no open shard holds its hash key')
    expect(whyNoShard(1)).toBeUndefined()
  })

  it('agrees with a linear search over splits and merges', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(), fc.boolean()), { maxLength: 60 }),
        fc.array(fc.string({ minLength: 1, unit: 'binary' }), { maxLength: 60 }),
        (steps, keys) => {
          const cuts = [0n, 2n ** 126n]
          for (const [n, split] of steps) {
            const i = n % cuts.length
            const end = cuts[i + 1] ?? MAX_HASH_KEY
            if (split) cuts.splice(i + 1, 0, (cuts[i] + end) / 2n)
            else if (i > 0) cuts.splice(i, 1)
          }
          const map = ShardMap.fromShards(cuts.map((start, i) => range(`s${i}`, start, (cuts[i + 1] ?? MAX_HASH_KEY + 1n) - 1n)))
          expect([...map.shardsOf(keys)]).toEqual(keys.map((key) => linear(map, md5(key))))
        },
      ),
      { numRuns: 100 },
    )
  })
})

describe('shards of records', () => {
  const map = ShardMap.even(1000)
  const keys = Array.from({ length: 20_000 }, (_, i) => `key-${i * 7919}`)
  const expected = keys.map((key) => Number(md5(key) / (2n ** 128n / 1000n)))

  it('of strings, packed keys and packed records are the same', () => {
    expect([...map.shardsOf(keys)]).toEqual(expected)
    const heap = Buffer.from(keys.join(''))
    let at = 0
    const ends = Uint32Array.from(keys, (key) => (at += key.length))
    expect([...map.shardsOfPacked({ heap, ends })]).toEqual(expected)
    const table = new Uint32Array(8 * keys.length)
    keys.forEach((key, i) => {
      table.set([ends[i] - key.length, key.length, 0, 0xffffffff, 0, 0, i, 0], 8 * i)
    })
    expect([...map.shardsOfPacked({ count: keys.length, table, heap })]).toEqual(expected)
    expect(map.shardsOf([])).toEqual(new Uint32Array(0))
    expect(map.shardsOfPacked({ heap, ends: new Uint32Array(0) })).toEqual(new Uint32Array(0))
  })

  it('of keys past ASCII are those of their UTF-8', () => {
    const odd = ['é', 'naïve', '日本', '😀', 'a', '\u0000', 'ÿ'.repeat(256), '😀'.repeat(256), '\ud800']
    const wanted = odd.map((key) => Number(md5(key) / (2n ** 128n / 1000n)))
    expect([...map.shardsOf(odd)]).toEqual(wanted)
    expect([...map.shardsOf([...keys, ...odd])]).toEqual([...expected, ...wanted])
    for (const key of odd) expect(map.shardOf(key)).toBe(Number(md5(key) / (2n ** 128n / 1000n)))
  })

  it('are the same without Buffer, as in a browser', () => {
    vi.stubGlobal('Buffer', undefined)
    try {
      expect([...map.shardsOf(keys.slice(0, 100))]).toEqual(expected.slice(0, 100))
      expect(map.shardOf(`${keys[0]}`)).toBe(expected[0])
    } finally {
      vi.unstubAllGlobals()
    }
  })

  it('follow explicit hash keys', () => {
    const explicit = keys.map((key, i) => (i % 3 === 0 ? undefined : i % 3 === 1 ? md5(`${key}!`) : `00${md5(`${key}!`)}`))
    expect([...map.shardsOf(keys, explicit)]).toEqual(keys.map((key, i) => Number(md5(i % 3 === 0 ? key : `${key}!`) / (2n ** 128n / 1000n))))
    expect(map.hashKeyOf('a', '0012')).toBe(12n)
    expect(map.hashKeyOf('a', MAX_HASH_KEY)).toBe(MAX_HASH_KEY)
    expect(map.hashKeyOf('a')).toBe(md5('a'))
    expect(map.shardOf('a', '340282366920938463463374607431768211455')).toBe(999)
  })

  it.each<[string, () => unknown, RegExp]>([
    ['no array', () => map.shardsOf('abc' as never), /"keys" expected an array of strings, got "abc"/],
    ['a key that is no string', () => map.shardsOf(['a', 5 as never]), /"keys\[1\]" expected a string, got 5/],
    ['an empty key', () => map.shardsOf([...keys, '']), /"keys\[20000\]" expected 1 to 256 characters, got ""/],
    ['a key of 257 characters', () => map.shardsOf(['a', 'x'.repeat(257)]), /"keys\[1\]" expected 1 to 256 characters, got a string of 257 characters/],
    [
      'a hash key that is none',
      () => map.shardsOf(['a', 'b'], [undefined, '1x']),
      /"explicitHashKeys\[1\]" expected a decimal integer from 0 to 2\^128 - 1, got "1x"/,
    ],
    ['a hash key out of range', () => map.shardsOf(['a'], [2n ** 128n]), /"explicitHashKeys\[0\]" expected a decimal/],
    ['a hash key of a wrong type', () => map.shardsOf(['a'], [1 as never]), /"explicitHashKeys\[0\]" expected a decimal integer from 0 to 2\^128 - 1, got 1/],
    ['too few hash keys', () => map.shardsOf(['a'], []), /"explicitHashKeys.length" expected 1, as many as keys, got 0/],
    ['a single empty key', () => map.shardOf(''), /"partitionKey" expected 1 to 256 characters, got ""/],
    ['a single key that is none', () => map.shardOf(1 as never), /"partitionKey" expected a string of 1 to 256 characters, got 1/],
    ['a single bad hash key', () => map.shardOf('a', '-1'), /"explicitHashKey" expected a decimal integer from 0 to 2\^128 - 1, got "-1"/],
    ['a single hash key of a wrong type', () => map.shardOf('a', 1 as never), /"explicitHashKey" expected a decimal/],
    [
      'ends past the heap',
      () => map.shardsOfPacked({ heap: new Uint8Array(4), ends: Uint32Array.of(2, 5) }),
      /"batch.ends\[1\]" expected an offset of 2 to 4, got 5/,
    ],
    ['ends that fall', () => map.shardsOfPacked({ heap: new Uint8Array(4), ends: Uint32Array.of(2, 1) }), /"batch.ends\[1\]" expected/],
    [
      'rows past the heap',
      () => map.shardsOfPacked({ count: 1, heap: new Uint8Array(4), table: Uint32Array.of(0, 5, 0, 0xffffffff, 0, 0, 0, 0) }),
      /"batch.table\[0\]" expected a row within/,
    ],
    [
      'rows that wrap around',
      () => map.shardsOfPacked({ count: 1, heap: new Uint8Array(4), table: Uint32Array.of(0xffffffff, 2, 0, 0xffffffff, 0, 0, 0, 0) }),
      /within the heap/,
    ],
    [
      'more rows than the table has',
      () => map.shardsOfPacked({ count: 2, heap: new Uint8Array(4), table: new Uint32Array(8) }),
      /"batch.count" expected an integer from 0 to 1/,
    ],
  ])('refuse %s, and work afterwards', (_, call, message) => {
    expect(call).toThrow(message)
    expect(map.shardOf(keys[1])).toBe(expected[1])
  })

  it('settle each packed record by itself', () => {
    const heap = Buffer.from('goodbad hash12x')
    const table = new Uint32Array([0, 4, 0, 0xffffffff, 0, 0, 0, 0, 0, 0, 0, 0xffffffff, 0, 0, 0, 0, 0, 4, 12, 3, 0, 0, 0, 0, 0, 4, 12, 2, 0, 0, 0, 0])
    const shards = map.shardsOfPacked({ count: 4, heap, table })
    expect(shards[0]).toBe(map.shardOf('good'))
    expect(whyNoShard(shards[1])).toBe('its partition key has not 1 to 256 characters')
    expect(whyNoShard(shards[2])).toBe('its explicit hash key is not a decimal integer')
    expect(shards[3]).toBe(0)
  })

  it('of several maps in turn do not mix', () => {
    const other = ShardMap.even(2)
    for (let i = 0; i < 10; i++) {
      expect(map.shardOf(keys[i])).toBe(expected[i])
      expect(other.shardOf(keys[i])).toBe(Number(md5(keys[i]) / 2n ** 127n))
    }
  })
})

describe('hash keys', () => {
  it('are read as the KPL reads them and written as the service takes them', () => {
    expect(parseHashKey('0')).toBe(0n)
    expect(parseHashKey('+0007')).toBe(7n)
    expect(parseHashKey('-0')).toBe(0n)
    expect(parseHashKey(String(MAX_HASH_KEY))).toBe(MAX_HASH_KEY)
    expect(formatHashKey(parseHashKey('007'))).toBe('7')
    for (const bad of ['', ' 1', '1 ', 'x', '1'.repeat(40), String(MAX_HASH_KEY + 1n), -1n, '-1', MAX_HASH_KEY + 1n, '0x1', '1n'])
      expect(() => parseHashKey(bad)).toThrow(/^"explicitHashKey" expected a decimal integer from 0 to 2\^128 - 1, got/)
    for (const bad of [1, null, undefined, {}]) expect(() => parseHashKey(bad as never, 'x')).toThrow(TypeError)
    expect(() => formatHashKey(-1n)).toThrow(/"hashKey"/)
  })

  it('are read in linear time', () => {
    expect(parseHashKey(`${'0'.repeat(1e6)}7`)).toBe(7n)
    expect(() => parseHashKey('1'.repeat(1e6))).toThrow(RangeError)
    expect(() => parseHashKey(`${'0'.repeat(1e6)}x`)).toThrow(RangeError)
  })
})
