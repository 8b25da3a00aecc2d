import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { command } from '../../src/cli/shard.js'
import { ShardMap } from '../../src/kinesis/shards/shard-map.js'
import { runCommand } from './io.js'

const md5 = (key: string) => BigInt(`0x${createHash('md5').update(key).digest('hex')}`)
const line = (key: string, count: number) => {
  const shard = Number(md5(key) / (2n ** 128n / BigInt(count)))
  return `${key}\t${md5(key)}\t${Math.min(shard, count - 1)}\n`
}
const shard = (input: Iterable<string | Uint8Array>, values = {}, files = {}) => runCommand(command, { shards: '4', ...values }, input, files)

describe('millrace shard', () => {
  it('gives key, hash key and shard, in order', async () => {
    const keys = Array.from({ length: 30_000 }, (_, i) => `key ${i} ${'é'.repeat(i % 9)}`)
    const text = Buffer.from(`${keys.join('\n')}\n`)
    const pieces = Array.from({ length: Math.ceil(text.length / 9973) }, (_, i) => text.subarray(i * 9973, (i + 1) * 9973))
    expect(await shard(pieces, { shards: '1000' })).toEqual({ code: 0, out: keys.map((key) => line(key, 1000)).join(''), err: [] })
  })

  it.each<[string, (string | Uint8Array)[], string[]]>([
    ['nothing', [], []],
    ['an empty piece', [''], []],
    ['a byte order mark alone', ['\ufeff'], []],
    ['no final newline', ['a\nb'], ['a', 'b']],
    ['CRLF', ['a\r\nb\r\n'], ['a', 'b']],
    ['a byte order mark', ['\ufeffa\nb\n'], ['a', 'b']],
    ['a byte order mark in two pieces', [Uint8Array.of(0xef), Uint8Array.of(0xbb, 0xbf, 0x61)], ['a']],
    ['spaces and tabs in keys', [' a \nb\tc\n'], [' a ', 'b\tc']],
    ['a character in two pieces', [Uint8Array.of(0xc3), Uint8Array.of(0xa9, 10)], ['é']],
    ['the longest keys', [`${'x'.repeat(256)}\n${'😀'.repeat(256)}`], ['x'.repeat(256), '😀'.repeat(256)]],
  ])('takes %s', async (_, input, keys) => {
    expect(await shard(input)).toEqual({ code: 0, out: keys.map((key) => line(key, 4)).join(''), err: [] })
  })

  it('reports what is no key, and goes on with the rest', async () => {
    const input = ['a\n\n', `${'x'.repeat(257)}\nb\n`, Uint8Array.of(0x63, 0xff, 10, 0xc3), '\nlast']
    expect(await shard(input)).toEqual({
      code: 1,
      out: ['a', 'b', 'last'].map((key) => line(key, 4)).join(''),
      err: [
        'millrace shard: line 2, byte 2: expected a partition key of 1 to 256 characters, got an empty line',
        'millrace shard: line 3, byte 3: expected a partition key of 1 to 256 characters, got 257 bytes',
        'millrace shard: line 5, byte 263: expected UTF-8, got the byte 0xff in column 2',
        'millrace shard: line 6, byte 266: expected UTF-8, got the byte 0xc3 in column 1',
        'millrace shard: 4 of 7 lines left out',
      ],
    })
  })

  it('passes over a line too long to hold, and goes on behind it', async () => {
    const long = new Uint8Array(1 << 20).fill(120)
    const input = ['a\n', ...Array.from({ length: 70 }, () => long), 'x\nb\nc', 'd\n\n']
    const at = 2 + 70 * (1 << 20) + 2
    expect(await shard(input)).toEqual({
      code: 1,
      out: ['a', 'b', 'cd'].map((key) => line(key, 4)).join(''),
      err: [
        'millrace shard: line 2, byte 2: expected a line of at most 33554432 bytes, got a longer one',
        `millrace shard: line 5, byte ${at + 5}: expected a partition key of 1 to 256 characters, got an empty line`,
        'millrace shard: 2 of 5 lines left out',
      ],
    })
    expect(await shard([...Array.from({ length: 40 }, () => long)])).toMatchObject({
      code: 1,
      out: '',
      err: [expect.anything(), 'millrace shard: 1 of 1 lines left out'],
    })
  })

  it('counts lines and bytes over batches, and does not drown in faults', async () => {
    const filler = `${'k'.repeat(99)}\n`.repeat(30_000)
    const { code, err } = await shard([filler, '\n'.repeat(50)])
    expect(code).toBe(1)
    expect(err[0]).toBe('millrace shard: line 30001, byte 3000000: expected a partition key of 1 to 256 characters, got an empty line')
    expect(err.slice(20)).toEqual(['millrace shard: and 30 more', 'millrace shard: 50 of 30050 lines left out'])
  })

  it('writes JSON', async () => {
    const { out } = await shard(['"a"\n\nb'], { json: true })
    expect(
      out
        .trim()
        .split('\n')
        .map((text) => JSON.parse(text)),
    ).toEqual([
      { partitionKey: '"a"', hashKey: String(md5('"a"')), shard: Number(md5('"a"') >> 126n), shardId: `shardId-00000000000${md5('"a"') >> 126n}` },
      { partitionKey: 'b', hashKey: String(md5('b')), shard: Number(md5('b') >> 126n), shardId: `shardId-00000000000${md5('b') >> 126n}` },
    ])
  })

  describe('--ranges', () => {
    const { shards } = ShardMap.even(4)
    const ndjson = shards.map((s) => JSON.stringify(s)).join('\n')
    const listed = {
      Shards: [...shards].reverse().map(({ ShardId, ...HashKeyRange }) => ({ ShardId, HashKeyRange, SequenceNumberRange: { StartingSequenceNumber: '1' } })),
    }
    const withRanges = (text: string) => shard(['a\nb\n'], { shards: undefined, ranges: 'r' }, { r: text })

    it.each([
      ['NDJSON', ndjson],
      ['NDJSON with CRLF, blank lines and a byte order mark', `\ufeff${ndjson.replaceAll('\n', '\r\n\r\n')}\r\n`],
      ['a ListShards response', JSON.stringify(listed, null, 2)],
      ['an array', JSON.stringify(shards)],
    ])('reads %s', async (_, text) => {
      expect(await withRanges(text)).toEqual({ code: 0, out: line('a', 4) + line('b', 4), err: [] })
    })

    it.each([
      ['', /^r: expected hash key ranges, got an empty file/],
      [`${ndjson}\nnonsense`, /^r, line 5: expected JSON like {"ShardId","StartingHashKey","EndingHashKey"}, got "nonsense"/],
      [
        shards
          .slice(1)
          .map((s) => JSON.stringify(s))
          .join('\n'),
        /^r: "shards" expected an open shard for every hash key, got none for 0 to /,
      ],
      ['{"Shards":[]}', /^r: "shards" expected at least one open shard, got none/],
      ['{"ShardId":"a","StartingHashKey":"0","EndingHashKey":"x"}', /^r: "shards\[0\].EndingHashKey" expected a decimal integer/],
    ])('refuses %.60j', async (text, message) => {
      await expect(withRanges(text)).rejects.toThrow(message)
    })

    it('says which file it cannot read', async () => {
      await expect(shard([], { shards: undefined, ranges: 'nowhere' })).rejects.toThrow(/ENOENT.*'nowhere'/)
    })
  })

  it.each([
    [{ shards: undefined }, /either --shards N or --ranges FILE/],
    [{ ranges: 'r' }, /either --shards N or --ranges FILE/],
    [{ shards: 'many' }, /--shards expected a number of shards, got "many"/],
    [{ shards: '-1' }, /--shards expected/],
    [{ shards: '0' }, /--shards expected an integer from 1 to 32767, got 0/],
    [{ shards: '32768' }, /--shards expected an integer from 1 to 32767/],
  ])('refuses %j', async (values, message) => {
    await expect(shard([], values)).rejects.toThrow(message)
  })

  it('refuses arguments', async () => {
    await expect(runCommand(command, { shards: '4' }, [], {}, ['keys.txt'])).rejects.toThrow(/expected keys on standard input, got the argument "keys.txt"/)
  })
})
