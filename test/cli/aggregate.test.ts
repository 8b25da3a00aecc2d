import { describe, expect, it } from 'vitest'
import { command as aggregate } from '../../src/cli/aggregate.js'
import { UsageError } from '../../src/cli/command.js'
import { command as deaggregate } from '../../src/cli/deaggregate.js'
import { aggregateAll, encodeBody, hashKeyOf, type Plain, seal } from '../record/oracle.js'
import { runCommand } from './io.js'

const plain: Plain[] = Array.from({ length: 400 }, (_, i) => ({
  key: ['10', 'ключ', `k${i}`][i % 3],
  hash: i % 9 ? undefined : String(i),
  data: Buffer.alloc(i % 50, i),
}))
const line = (r: Plain) => JSON.stringify({ partitionKey: r.key, explicitHashKey: r.hash, data: Buffer.from(r.data).toString('base64') })
const parse = (out: string) =>
  out
    .split('\n')
    .slice(0, -1)
    .map((l) => JSON.parse(l))

/** Text in pieces that end anywhere. */
const pieces = (text: string, size: number) => {
  const bytes = new TextEncoder().encode(text)
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size))
}

describe('millrace aggregate', () => {
  it('passes over a line too long to hold', async () => {
    const long = new Uint8Array(1 << 20).fill(32)
    const input = [`${line(plain[1])}\n`, ...Array.from({ length: 34 }, () => long), `\nno\n${line(plain[1])}`]
    const { code, out, err } = await runCommand(aggregate, { shards: '1' }, input)
    expect([code, parse(out)[0].userRecords]).toEqual([1, 2])
    expect(err).toEqual([
      expect.stringMatching(/line 2, byte \d+: expected a line of at most 33554432 bytes, got a longer one/),
      expect.stringMatching(/line 3, byte \d+: expected a JSON object/),
      'millrace aggregate: 2 of 4 lines left out',
    ])
  })

  it('writes the records of the canonical encoder, in the fixed form', async () => {
    const { code, out, err } = await runCommand(aggregate, { shards: '3', 'max-size': '2000' }, pieces(plain.map(line).join('\n'), 777))
    expect([code, err]).toEqual([0, []])
    const size = 2n ** 128n / 3n
    const want = aggregateAll(plain, (r) => Math.min(2, Number(hashKeyOf(r) / size)), 2000, 0xffffffff)
    expect(parse(out)).toEqual(
      want.map((o) => ({ PartitionKey: o.key, ExplicitHashKey: o.hash, Data: o.data.toString('base64'), shard: o.shard, userRecords: o.members.length })),
    )
    expect(out.split('\n')[0]).toMatch(/^\{"PartitionKey":"a","ExplicitHashKey":"\d+","Data":"84mawg[^"]+","shard":\d,"userRecords":\d+\}$/)
  })

  it('fills aggregates across rounds', async () => {
    const records = Array.from({ length: 9000 }, (_, i) => ({ key: `key ${i % 50}`, data: Buffer.alloc(1000, i) }))
    const { out } = await runCommand(aggregate, { shards: '2' }, [`${records.map(line).join('\n')}\n`])
    const sizes = parse(out).map((o) => [o.shard, Buffer.from(o.Data, 'base64').length])
    for (const shard of [0, 1]) {
      const own = sizes.filter(([s]) => s === shard).map(([, n]) => n)
      for (const n of own.slice(0, -1)) expect(n).toBeGreaterThan(50_000)
    }
    expect(parse(out).reduce((sum, o) => sum + o.userRecords, 0)).toBe(9000)
  })

  it('reports each line that is no record, and goes on', async () => {
    const lines = [
      line(plain[1]),
      '{"partitionKey":"a","data":"QU',
      '[1]',
      '{"partitionKey":"a"}',
      '{"partitionKey":5,"data":""}',
      '{"partitionKey":"a","data":"QU!D"}',
      '{"partitionKey":"a","data":"","explicithashkey":"1"}',
      '',
      `{"partitionKey":"${'x'.repeat(257)}","data":""}`,
      '{"partitionKey":"a","data":"","explicitHashKey":"340282366920938463463374607431768211456"}',
      line(plain[2]),
    ]
    const input = [new TextEncoder().encode(`\ufeff${lines.join('\r\n')}\r\n`), Uint8Array.of(0x22, 0xff, 0x22)]
    const { code, out, err } = await runCommand(aggregate, { shards: '1' }, input)
    expect(code).toBe(1)
    expect(parse(out).map((o) => o.userRecords)).toEqual([2])
    const at = (n: number) => new TextEncoder().encode(`\ufeff${lines.slice(0, n - 1).join('\r\n')}\r\n`).length
    expect(err).toEqual([
      expect.stringMatching(new RegExp(`^millrace aggregate: line 2, byte ${at(2)}: expected a JSON object: `)),
      `millrace aggregate: line 3, byte ${at(3)}: expected a JSON object, got an array`,
      `millrace aggregate: line 4, byte ${at(4)}: "data" expected a string, got undefined`,
      `millrace aggregate: line 5, byte ${at(5)}: "partitionKey" expected a string, got 5`,
      `millrace aggregate: line 6, byte ${at(6)}: "data": byte 2: expected base64: this character has no place here`,
      expect.stringMatching(/line 7, byte \d+: expected the fields partitionKey, explicitHashKey, data, .*, got "explicithashkey"$/),
      `millrace aggregate: line 12, byte ${at(12)}: expected UTF-8`,
      `millrace aggregate: line 9, byte ${at(9)}: its partition key has not 1 to 256 characters`,
      `millrace aggregate: line 10, byte ${at(10)}: its explicit hash key is not of 0 to 2^128 - 1`,
      'millrace aggregate: 9 of 11 lines left out',
    ])
  })

  it('takes ranges from a file, checked against --shards where both are given', async () => {
    const files = {
      'r.ndjson':
        '{"ShardId":"a","StartingHashKey":"0","EndingHashKey":"9"}\n{"ShardId":"b","StartingHashKey":"10","EndingHashKey":"340282366920938463463374607431768211455"}\n',
    }
    const input = ['{"partitionKey":"x","explicitHashKey":"9","data":""}\n{"partitionKey":"x","explicitHashKey":"10","data":""}']
    const { out } = await runCommand(aggregate, { ranges: 'r.ndjson', shards: '2' }, input, files)
    expect(parse(out).map((o) => o.shard)).toEqual([0, 1])
    await expect(runCommand(aggregate, { ranges: 'r.ndjson', shards: '3' }, input, files)).rejects.toThrow(UsageError)
  })

  it('writes nothing for no input', async () => {
    expect(await runCommand(aggregate, { shards: '1' })).toEqual({ code: 0, out: '', err: [] })
  })

  it.each([
    [{}, [], /expected either --shards N or --ranges FILE/],
    [{ shards: '1', 'max-size': '63' }, [], /--max-size expected a whole number from 64 to 10485760, got "63"/],
    [{ shards: '1', 'max-count': 'x' }, [], /--max-count expected a whole number from 1/],
    [{ shards: '1' }, ['file'], /expected records on standard input, got the argument "file"/],
  ])('refuses %j %j', async (values, positionals, message) => {
    const ran = runCommand(aggregate, values, [], {}, positionals)
    await expect(ran).rejects.toThrow(message)
    await expect(ran).rejects.toThrow(UsageError)
  })
})

describe('millrace deaggregate', () => {
  it('undoes aggregate, in the fixed form', async () => {
    const made = await runCommand(aggregate, { shards: '1', 'max-size': '3000' }, [plain.map(line).join('\n')])
    const sequenced = parse(made.out).map((o, i) => JSON.stringify({ ...o, SequenceNumber: String(i) }))
    const { code, out, err } = await runCommand(deaggregate, {}, pieces(sequenced.join('\n'), 1000))
    expect([code, err]).toEqual([0, []])
    const counts = parse(made.out).map((o) => o.userRecords)
    const ids = counts.flatMap((n: number, i: number) => Array.from({ length: n }, (_, k) => [i, k]))
    expect(parse(out)).toEqual(
      plain.map((r, i) => ({
        partitionKey: r.key,
        ...(r.hash === undefined ? {} : { explicitHashKey: r.hash }),
        data: Buffer.from(r.data).toString('base64'),
        sequenceNumber: String(ids[i][0]),
        subSequenceNumber: ids[i][1],
        aggregated: true,
      })),
    )
    const again = await runCommand(aggregate, { shards: '1', 'max-size': '3000' }, [out])
    expect(again.out).toBe(made.out)
  })

  it('passes what is no aggregate, and says what is wrong', async () => {
    const input = ['{"Data":"aGk="}\n{"Data":"84mawg==","PartitionKey":"k","ExplicitHashKey":"5","SequenceNumber":"9"}\n{"Data":7}\n{"Data":"*"}\nnull']
    const { code, out, err } = await runCommand(deaggregate, {}, input)
    expect(code).toBe(1)
    expect(out).toBe(
      '{"data":"aGk=","subSequenceNumber":0,"aggregated":false}\n' +
        '{"partitionKey":"k","explicitHashKey":"5","data":"84mawg==","sequenceNumber":"9","subSequenceNumber":0,"aggregated":false,"reason":"TRUNCATED"}\n',
    )
    expect(err).toEqual([
      'millrace deaggregate: line 3, byte 98: "Data" expected a string, got 7',
      'millrace deaggregate: line 4, byte 109: "Data": byte 0: expected base64: this character has no place here',
      'millrace deaggregate: line 5, byte 122: expected a JSON object, got null',
      'millrace deaggregate: TRUNCATED in 1 Kinesis record',
      'millrace deaggregate: 3 of 5 lines left out',
    ])
  })

  it('keeps or drops what is outside --range', async () => {
    const input = [
      (
        await runCommand(aggregate, { shards: '1' }, [
          '{"partitionKey":"a","explicitHashKey":"5","data":""}\n{"partitionKey":"b","explicitHashKey":"6","data":""}',
        ])
      ).out,
    ]
    const run = (values: Record<string, string>) => runCommand(deaggregate, values, input)
    expect(parse((await run({ range: '5-6' })).out).map((r) => r.reason)).toEqual([undefined, undefined])
    expect(parse((await run({ range: '0-5' })).out).map((r) => r.reason)).toEqual([undefined, 'OUT_OF_RANGE'])
    expect(await run({ range: '0-5', mode: 'kcl' })).toEqual({
      code: 0,
      out: '',
      err: [
        'millrace deaggregate: line 1, byte 0: OUT_OF_RANGE: dropped as the KCL drops it, 0 of its user records written',
        'millrace deaggregate: OUT_OF_RANGE in 1 Kinesis record',
      ],
    })
  })

  it('ends at the first fault in mode strict, what is before it written', async () => {
    const damaged = seal(encodeBody([plain[1], plain[2]]))
    damaged[damaged.length - 1] ^= 1
    const lines = ['{"Data":"aGk="}', '', `{"Data":"${damaged.toString('base64')}","SequenceNumber":"49"}`, '{"Data":"aGk="}']
    expect(await runCommand(deaggregate, { mode: 'strict' }, [lines.join('\n')])).toEqual({
      code: 1,
      out: '{"data":"aGk=","subSequenceNumber":0,"aggregated":false}\n',
      err: [
        `millrace deaggregate: line 3, byte 17: "Data": byte ${damaged.length - 16}: sequence number 49, BAD_CHECKSUM: expected the MD5 of the bytes between the magic and here`,
      ],
    })
  })

  it('gives back its own output', async () => {
    const inner = seal(encodeBody([plain[1], plain[2]]))
    const made = await runCommand(aggregate, { shards: '1' }, [line({ key: 'a', data: inner }), '\n', line(plain[4])])
    const once = await runCommand(deaggregate, {}, [made.out, '{"Data":"84mawg=="}\n'])
    expect(parse(once.out).length).toBe(3)
    expect(await runCommand(deaggregate, {}, [once.out])).toEqual({ ...once, err: [] })
    expect(await runCommand(deaggregate, {}, ['{"data":"","subSequenceNumber":"1"}'])).toMatchObject({
      code: 1,
      err: ['millrace deaggregate: line 1, byte 0: "subSequenceNumber" expected a whole number, got "1"', expect.anything()],
    })
  })

  it.each([
    [{ range: '5' }, /--range expected START-END/],
    [{ range: '6-5' }, /--range expected an END of at least 6, got 5/],
    [{ range: '0-340282366920938463463374607431768211456' }, /"--range END" expected a decimal integer/],
    [{ mode: 'x' }, /--mode expected keep, kcl or strict, got "x"/],
  ])('refuses %j', async (values, message) => {
    const ran = runCommand(deaggregate, values)
    await expect(ran).rejects.toThrow(message)
    await expect(ran).rejects.toThrow(UsageError)
  })
})
