import type { GetRecordsCommandOutput, SubscribeToShardEventStream } from '@aws-sdk/client-kinesis'
import type { KinesisStreamEvent } from 'aws-lambda'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  aggregate,
  aggregatePacked,
  type DroppedAggregate,
  deaggregate,
  deaggregatePacked,
  deaggregateReason,
  FROM_AGGREGATE,
  type KinesisRecords,
  ShardMap,
  type UserRecord,
} from '../../src/index.js'
import { open } from '../record/kcl.js'
import { field, MAGIC, seal, varint } from '../record/oracle.js'

const shards = ShardMap.even(3)
const records: UserRecord[] = Array.from({ length: 700 }, (_, i) => ({
  partitionKey: ['10', '9', `key-${i}`, 'ключ', 'x'.repeat(150)][i % 5],
  explicitHashKey: i % 7 === 0 ? String(i) : undefined,
  data: new Uint8Array(i % 90).fill(i),
}))
const { records: outer, outers } = aggregate(records, { shards, maxSize: 5000 })
const inOrder = outer.flatMap((_, id) => records.filter((_, i) => outers[i] === id))
const sequenced = outer.map((o, i) => ({ ...o, SequenceNumber: String(i) }))
const events = sequenced.map((o) => ({
  eventID: 'shardId-0:1',
  kinesis: {
    kinesisSchemaVersion: '1.0',
    partitionKey: o.PartitionKey,
    sequenceNumber: o.SequenceNumber,
    data: Buffer.from(o.Data).toString('base64'),
    approximateArrivalTimestamp: 1,
  },
}))

describe('deaggregate', () => {
  afterEach(() => vi.unstubAllGlobals())

  it('gives back what aggregate took, from SDK records, their JSON and Lambda events', () => {
    const text = sequenced.map((o) => ({ ...o, Data: Buffer.from(o.Data).toString('base64') }))
    for (const input of [sequenced, text, events, [...sequenced.slice(0, 5), ...text.slice(5)]]) {
      const out = deaggregate(input)
      expect(out.length).toBe(records.length)
      out.forEach((o, i) => {
        const { partitionKey, explicitHashKey, data } = inOrder[i]
        expect(o.partitionKey).toBe(partitionKey)
        if (o.aggregated) expect(o.explicitHashKey).toBe(explicitHashKey)
        expect(Buffer.from(o.data).equals(Buffer.from(data))).toBe(true)
        expect(o.reason).toBeUndefined()
      })
      outer.forEach((o, id) => {
        const own = out.filter((u) => u.sequenceNumber === String(id))
        expect(own.map((u) => u.subSequenceNumber)).toEqual(own.map((_, k) => k))
        expect(own.every((u) => u.aggregated === o.userRecords > 1)).toBe(true)
      })
    }
  })

  it('takes events and answers whole, in every form that they have', () => {
    const text = sequenced.map((o) => ({ ...o, Data: Buffer.from(o.Data).toString('base64') }))
    const want = deaggregate(sequenced).map(({ data, ...rest }) => ({ ...rest, data: Buffer.from(data).toString('hex') }))
    const forms: Record<string, KinesisRecords> = {
      'a Lambda event': { Records: events },
      'its data as bytes': { Records: events.map(({ kinesis }) => ({ kinesis: { ...kinesis, data: Buffer.from(kinesis.data, 'base64') } })) },
      'an answer of GetRecords': { NextShardIterator: 'x', MillisBehindLatest: 0, Records: sequenced } as KinesisRecords,
      'of the AWS command line': JSON.parse(JSON.stringify({ Records: text, NextShardIterator: 'x' })),
      'of the SDK, as JSON': JSON.parse(JSON.stringify({ Records: sequenced })),
      'of the SDK, as JSON of Buffers': JSON.parse(JSON.stringify({ Records: sequenced.map((o) => ({ ...o, Data: Buffer.from(o.Data) })) })),
      'an event of SubscribeToShard': { SubscribeToShardEvent: { Records: sequenced, ContinuationSequenceNumber: '1' } } as KinesisRecords,
      'what is inside it': { Records: sequenced, ContinuationSequenceNumber: '1', MillisBehindLatest: 0 } as KinesisRecords,
    }
    for (const [form, input] of Object.entries(forms)) {
      const got = deaggregate(input).map(({ data, ...rest }) => ({ ...rest, data: Buffer.from(data).toString('hex') }))
      expect(got, form).toEqual(want)
    }
    expect(deaggregate({ Records: [] })).toEqual([])
  })

  it('has types for what the AWS SDK and Lambda give', () => {
    const answer: GetRecordsCommandOutput = { Records: [{ Data: Buffer.of(1), PartitionKey: 'k', SequenceNumber: '1' }], $metadata: {} }
    const subscribed: SubscribeToShardEventStream = {
      SubscribeToShardEvent: { Records: answer.Records, ContinuationSequenceNumber: '1', MillisBehindLatest: 0 },
    }
    const event = { Records: [{ kinesis: { data: 'AQ==', partitionKey: 'k', sequenceNumber: '1' } }] } as KinesisStreamEvent
    for (const [{ data, ...rest }] of [deaggregate(answer), deaggregate(answer.Records ?? []), deaggregate(subscribed), deaggregate(event)]) {
      expect([...data]).toEqual([1])
      expect(rest).toMatchObject({ partitionKey: 'k', sequenceNumber: '1' })
    }
  })

  it('gives what is split already as it is', () => {
    const nested = aggregate(
      [
        { partitionKey: 'a', data: outer[0].Data },
        { partitionKey: 'b', data: MAGIC },
      ],
      { shards: ShardMap.even(1) },
    ).records
    const once = deaggregate([...nested, { Data: MAGIC, SequenceNumber: '1' }, ...sequenced, { Data: '!' }])
    expect(once[0].data).toEqual(outer[0].Data)
    for (const mode of ['keep', 'kcl', 'strict'] as const) {
      expect(deaggregate(once, { mode })).toEqual(once)
      expect(
        deaggregate(
          once.map((r) => ({ ...r, data: Buffer.from(r.data).toString('base64') })),
          { mode },
        ).map((r) => ({ ...r })),
      ).toEqual(once.map((r) => ({ ...r, data: new Uint8Array(r.data) })))
    }
    // of the MultiLangDaemon, of aws-kinesis-agg for Python
    expect(deaggregate([{ partitionKey: 'k', data: 'QQ==', subSequenceNumber: 3 }])).toMatchObject([{ subSequenceNumber: 3, aggregated: true }])
    expect(deaggregate([{ partitionKey: 'k', data: 'QQ==', subSequenceNumber: 0 }])).toMatchObject([{ subSequenceNumber: 0, aggregated: false }])
    const event = { kinesis: { data: 'QQ==', partitionKey: 'k', subSequenceNumber: 2, aggregated: true } }
    expect(deaggregate([event])).toMatchObject([{ partitionKey: 'k', subSequenceNumber: 2, aggregated: true }])
  })

  it('does the same without Buffer', () => {
    const want = deaggregate(events)
    vi.stubGlobal('Buffer', undefined)
    const got = deaggregate(events)
    vi.unstubAllGlobals()
    expect(got).toEqual(want)
  })

  it('points into the Data that it was given', () => {
    const big = new Uint8Array(outer[0].Data.length + 10)
    big.set(outer[0].Data, 5)
    const [first] = deaggregate([{ Data: big.subarray(5, 5 + outer[0].Data.length), PartitionKey: 'a' }])
    expect(first.data.buffer).toBe(big.buffer)
  })

  it('passes records that are no aggregates, with or without a partition key', () => {
    const Data = Buffer.from('plain')
    expect(deaggregate([{ Data, PartitionKey: 'k', ExplicitHashKey: '5', SequenceNumber: '7' }])).toEqual([
      { partitionKey: 'k', explicitHashKey: '5', data: Data, sequenceNumber: '7', subSequenceNumber: 0, aggregated: false, reason: undefined },
    ])
    expect(deaggregate([{ Data }])[0].partitionKey).toBeUndefined()
    expect(deaggregate([])).toEqual([])
  })

  it('keeps everything with a reason, or loses what the KCL loses', () => {
    const bad = seal(
      Buffer.concat([field(0x0a, Buffer.from('p')), ...[0, 1, 0].map((k) => field(0x1a, Buffer.concat([Buffer.of(8, k), field(0x1a, Buffer.of(65))])))]),
    )
    const kept = deaggregate([{ Data: bad, PartitionKey: 'a' }])
    expect(kept.map((r) => [r.partitionKey, r.reason])).toEqual([
      ['p', undefined],
      ['a', 'BAD_KEY_INDEX'],
      ['p', undefined],
    ])
    expect(deaggregate([{ Data: bad, PartitionKey: 'a' }], { mode: 'kcl' }).map((r) => r.partitionKey)).toEqual(['p'])
    expect(deaggregate([{ Data: MAGIC }])[0].reason).toBe('TRUNCATED')
  })

  it('tells what it drops in mode kcl, and why', () => {
    const record = (key: number) => field(0x1a, Buffer.concat([Buffer.of(8, key), field(0x1a, Buffer.of(65))]))
    const input = [
      { Data: Buffer.from('raw'), SequenceNumber: '10' },
      { Data: seal(Buffer.concat([field(0x0a, Buffer.from('p')), record(0), record(1), record(0)])), SequenceNumber: '11' },
      { Data: seal(field(0x0a, Buffer.from('p'))), SequenceNumber: '12' },
      { Data: MAGIC, SequenceNumber: '13' },
      { ...sequenced[1], SequenceNumber: '14' },
    ]
    const dropped: DroppedAggregate[] = []
    const options = { mode: 'kcl', range: { StartingHashKey: 0n, EndingHashKey: 0n }, onDropped: (one: DroppedAggregate) => dropped.push(one) } as const
    const wanted = [
      { record: 1, sequenceNumber: '11', reason: 'OUT_OF_RANGE', delivered: 0 },
      { record: 2, sequenceNumber: '12', reason: 'NO_RECORDS', delivered: 0 },
      { record: 4, sequenceNumber: '14', reason: 'OUT_OF_RANGE', delivered: 0 },
    ]
    deaggregate(input, options)
    expect(dropped).toEqual(wanted)
    deaggregate(input, { ...options, range: undefined })
    expect(dropped.slice(3)).toEqual([{ record: 1, sequenceNumber: '11', reason: 'BAD_KEY_INDEX', delivered: 1 }, wanted[1]])
    deaggregate(input, { ...options, mode: 'keep' })
    expect(dropped.length).toBe(5)
    const packed = deaggregatePacked({ count: 1, table: Uint32Array.of(0, 0, 0, 0xffffffff, 0, input[2].Data.length, 0, 0), heap: input[2].Data }, options)
    expect([packed.count, dropped.at(-1)]).toEqual([0, { record: 0, sequenceNumber: undefined, reason: 'NO_RECORDS', delivered: 0 }])
  })

  it('names record, sequence number, byte, reason and what was expected in mode strict', () => {
    const record = (key: number) => field(0x1a, Buffer.concat([Buffer.of(8, key), field(0x1a, Buffer.of(65))]))
    const bad = { Data: seal(Buffer.concat([field(0x0a, Buffer.from('p')), record(0), record(1)])), SequenceNumber: '49590338' }
    const strict = (input: KinesisRecords) => () => deaggregate(input, { mode: 'strict' })
    const code = expect.objectContaining({ name: 'MillraceError', code: 'BAD_INPUT', position: { record: 1, offset: 14 } })
    expect(strict([{ Data: 'QQ==' }, bad])).toThrow(code)
    expect(strict([{ Data: 'QQ==' }, bad])).toThrow(
      'record 1, byte 14: sequence number 49590338, BAD_KEY_INDEX: expected a user record with a partition key index below 1',
    )
    expect(strict([{ Data: MAGIC }])).toThrow('record 0, byte 4: TRUNCATED: expected more than 16 bytes behind the magic of an aggregate')
    expect(strict([{ Data: 'QUJD' }, { Data: 'QU!D', SequenceNumber: '7' }, { Data: 'é' }, bad])).toThrow(
      'record 1, byte 2: sequence number 7, BAD_BASE64: expected a character of base64',
    )
    // the first of two, whatever they are
    expect(strict([bad, { Data: '!' }])).toThrow('record 0, byte 14: ')
    expect(strict([{ Data: 'é' }, bad])).toThrow('record 0, byte 0: BAD_BASE64')
    expect(strict([...sequenced, { Data: 'QQ==' }])().length).toBe(records.length + 1)
    expect(() => deaggregatePacked({ count: 1, table: Uint32Array.of(0, 0, 0, 0xffffffff, 0, 4, 0, 0), heap: MAGIC }, { mode: 'strict' })).toThrow(
      /record 0, byte 4/,
    )
  })

  it('delivers text that is no base64, with a reason', () => {
    const out = deaggregate([{ Data: 'QUJD' }, { Data: 'QU!D' }, { Data: 'QUéD' }, { Data: 'QUJ\u0144' }, { Data: 'QUJ\nD' }, { Data: 'QUI' }])
    expect(out.map((r) => [Buffer.from(r.data).toString(), r.reason])).toEqual([
      ['ABC', undefined],
      ['QU!D', 'BAD_BASE64'],
      ['QUéD', 'BAD_BASE64'],
      // to Buffer U+0144 is "D"
      ['QUJ\u0144', 'BAD_BASE64'],
      ['ABC', undefined],
      ['AB', undefined],
    ])
  })

  it('judges by the range of the shard', () => {
    const { shards: list } = shards
    outer.forEach((o, id) => {
      const run = (range: (typeof list)[number], mode: 'keep' | 'kcl') => deaggregate([sequenced[id]], { range, mode })
      const all = run(list[o.shard], 'kcl')
      expect(all.length).toBe(o.userRecords)
      if (o.userRecords === 1) return
      const wrong = list[(o.shard + 1) % 3]
      expect(run(wrong, 'kcl')).toEqual([])
      expect(run(wrong, 'keep').every((r) => r.reason === 'OUT_OF_RANGE')).toBe(true)
    })
    expect(deaggregate(sequenced, { mode: 'kcl', range: outer.map((o) => list[o.shard]) }).length).toBe(records.length)
  })

  it('reads keys of any shape as the KCL does', () => {
    const key = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1 }),
      fc.uint8Array({ maxLength: 12 }).map((k) => Buffer.from(k).toString('latin1')),
    )
    const raw = fc.array(fc.tuple(fc.oneof(key, fc.uint8Array({ maxLength: 6 })), fc.nat(3)), { minLength: 1, maxLength: 9 })
    fc.assert(
      fc.property(raw, (entries) => {
        const body = Buffer.concat([
          ...entries.map(([k]) => field(0x0a, typeof k === 'string' ? Buffer.from(k) : k)),
          ...entries.map(([, n]) => field(0x1a, Buffer.concat([Buffer.of(8), varint(n % entries.length), field(0x1a, Buffer.of(n))]))),
        ])
        expect(deaggregate([{ Data: seal(body), PartitionKey: 'outer' }]).map((r) => r.partitionKey)).toEqual(open(seal(body), 'keep').rows.map((r) => r.key))
      }),
      { numRuns: 300, seed: 5 },
    )
  })

  it('reads an encoded surrogate as one U+FFFD, as Java does', () => {
    const keys = ['eda080', 'edb0', '61edbfbf62', 'eda080edb080', 'ed', 'edff', 'e0eda0', 'efbfbd'].map((key) => Buffer.from(key, 'hex'))
    const body = Buffer.concat([
      ...keys.map((key) => field(0x0a, key)),
      ...keys.map((_, i) => field(0x1a, Buffer.concat([Buffer.of(8, i), field(0x1a, Buffer.of(i))]))),
    ])
    const read = deaggregate([{ Data: seal(body) }]).map((r) => r.partitionKey?.replaceAll('\ufffd', '?'))
    expect(read).toEqual(['?', '?', 'a?b', '??', '?', '??', '??', '?'])
  })

  it('reads keys of 1 MiB once, however many records have them', () => {
    const long = 'é'.repeat(2 ** 19)
    const record = field(0x1a, Buffer.from('080010001a00', 'hex'))
    const body = Buffer.concat([field(0x0a, Buffer.from(long)), field(0x12, Buffer.from('9'.repeat(2 ** 20))), Buffer.alloc(50_000 * record.length, record)])
    const read = deaggregate([{ Data: seal(body) }])
    expect([read.length, read[49_999].partitionKey === long, read[49_999].explicitHashKey?.length]).toEqual([50_000, true, 2 ** 20])
    expect(read[0].reason).toBe('OUT_OF_RANGE')
  })

  it('gives columns that point into the heap it was given', () => {
    const packed = aggregatePacked(
      { count: 2, table: Uint32Array.of(0, 1, 0, 0xffffffff, 1, 2, 0, 0, 0, 1, 0, 0xffffffff, 1, 2, 1, 0), heap: Uint8Array.of(107, 1, 2) },
      { shards: ShardMap.even(1) },
    )
    const out = deaggregatePacked(packed)
    expect(out.heap).toBe(packed.heap)
    expect(out.count).toBe(2)
    expect([...out.status]).toEqual([FROM_AGGREGATE, FROM_AGGREGATE])
    expect([...out.outcomes]).toEqual([FROM_AGGREGATE])
    expect([...out.heap.subarray(out.table[12], out.table[12] + out.table[13])]).toEqual([1, 2])
    expect([out.table[6], out.table[7], out.table[14], out.table[15]]).toEqual([0, 0, 0, 1])
    expect(deaggregateReason(out.status[0])).toBeUndefined()
  })

  it.each([
    [() => deaggregate(5 as never), /"records" expected an array of Kinesis records, or an event or answer with Records, got 5/],
    [() => deaggregate({ Records: undefined }), /"records" expected an array of Kinesis records, or an event/],
    [() => deaggregate({ SubscribeToShardEvent: undefined, InternalFailureException: {} } as never), /"records" expected an array of Kinesis records/],
    [() => deaggregate([{ Data: { 0: 256 } } as never]), /"records\[0\]" expected a Kinesis record with Data/],
    [() => deaggregate([{ Data: new Map() } as never]), /"records\[0\]" expected a Kinesis record with Data/],
    [() => deaggregate([{ data: '' } as never]), /or a user record with data and subSequenceNumber, got an object/],
    [() => deaggregate([], null as never), /"options" expected an object, got null/],
    [() => deaggregate([], { onDropped: 1 as never }), /"onDropped" expected a function, got 1/],
    // biome-ignore lint/suspicious/noSparseArray: a hole is no record
    [() => deaggregate([, { Data: new Uint8Array(1) }] as never), /"records\[0\]" expected a Kinesis record with Data/],
    [() => deaggregate([{} as never]), /"records\[0\]" expected a Kinesis record with Data/],
    [() => deaggregate([{ Data: 5 } as never]), /"records\[0\]" expected a Kinesis record with Data/],
    [() => deaggregate([], { mode: 'all' as never }), /"mode" expected "keep", "kcl" or "strict", got "all"/],
    [() => deaggregate([], { verfy: true } as never), /"options" expected one of mode, range, verify, onDropped, got "verfy"/],
    [() => deaggregate([], { verify: 1 as never }), /"verify" expected true or false, got 1/],
    [() => deaggregate([], { range: { StartingHashKey: '5', EndingHashKey: '4' } }), /"range.EndingHashKey" expected at least the StartingHashKey 5/],
    [() => deaggregate([], { range: { StartingHashKey: 'x', EndingHashKey: '4' } }), /"range.StartingHashKey" expected a decimal integer/],
    [() => deaggregate([], { range: [{ StartingHashKey: '0', EndingHashKey: '4' }] }), /"range.length" expected 0, as many as records, got 1/],
    [() => deaggregatePacked(null as never), /"batch" expected packed records, got null/],
  ])('refuses wrong arguments: %s', (call, message) => {
    expect(call).toThrow(message)
  })

  it('never throws and never loses a byte silently on hostile Data', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 }), (list) => {
        const out = deaggregate(list.map((d, i) => ({ Data: i % 2 ? seal(d) : Buffer.concat([MAGIC, d]), SequenceNumber: String(i) })))
        for (let i = 0; i < list.length; i++) expect(out.some((r) => r.sequenceNumber === String(i))).toBe(true)
      }),
      { numRuns: 300, seed: 6 },
    )
  })
})
