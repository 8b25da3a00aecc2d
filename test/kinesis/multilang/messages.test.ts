import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { aggregate } from '../../../src/kinesis/aggregates/aggregate.js'
import { openDaemon } from '../../../src/kinesis/multilang/messages.js'
import { runProcessor } from '../../../src/kinesis/multilang/processor.js'
import { type KclRecord, readRecords } from '../../../src/kinesis/multilang/records.js'
import { ShardMap } from '../../../src/kinesis/shards/shard-map.js'
import { createSimulation } from '../../../src/ports/simulated.js'
import { initialize, record, records, talk } from './daemon.js'

const bytes = (text: string) => new TextEncoder().encode(text)

/** The messages in what comes in these pieces, and what was thrown. */
async function messagesIn(pieces: Iterable<Uint8Array>) {
  const daemon = openDaemon(
    (async function* () {
      yield* pieces
    })(),
    async () => {},
  )
  const messages: unknown[] = []
  try {
    for (let message = await daemon.next(); message; message = await daemon.next()) messages.push(message)
  } catch (error) {
    return { messages, error: error as Error & { code: string } }
  }
  return { messages }
}

describe('messages', () => {
  it('are the same however their bytes come', async () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 20 })
    const message = fc.record({ action: text, shardId: text, records: fc.array(fc.record({ data: text })) })
    const line = fc.tuple(message, fc.constantFrom('\n', '\r\n', '\n\n', '\n \r\n'))
    await fc.assert(
      fc.asyncProperty(fc.array(line), fc.array(fc.nat({ max: 60 })), async (lines, sizes) => {
        const all = bytes(lines.map(([one, end]) => JSON.stringify(one) + end).join(''))
        const pieces: Uint8Array[] = []
        for (let at = 0, i = 0; at < all.length; i++) {
          const size = sizes.length > 0 && sizes.some((n) => n > 0) ? sizes[i % sizes.length] : 7
          pieces.push(all.subarray(at, at + size))
          at += size
        }
        expect(await messagesIn(pieces)).toEqual({ messages: lines.map(([one]) => one) })
      }),
    )
  })

  it('of 24 MB come whole, in time that grows with their size', async () => {
    const data = 'A'.repeat(24_000_000)
    const line = bytes(`${JSON.stringify({ action: 'processRecords', records: [{ data }] })}\n`)
    const pieces = Array.from({ length: Math.ceil(line.length / 4096) }, (_, i) => line.subarray(4096 * i, 4096 * (i + 1)))
    const { messages } = await messagesIn(pieces)
    expect((messages as { records: { data: string }[] }[])[0].records[0].data.length).toBe(data.length)
  })

  it.each([
    ['{"action":"initialize"', 'standard input, line 1: expected a whole line, got 22 bytes and the end of the input'],
    ['{"action":"initialize"}', 'standard input, line 1: expected a whole line, got 23 bytes and the end of the input'],
    ['{"action":"a"}\n\nsecret\n', 'standard input, line 3: expected a message as JSON: '],
    ['{"secret":1}\n', 'standard input, line 1: expected a message with an action, got an object'],
    ['null\n', 'standard input, line 1: expected a message with an action, got null'],
    ['"secret"\n', 'standard input, line 1: expected a message with an action, got "secret"'],
    ['{"action":7}\n', 'standard input, line 1: expected a message with an action, got an object'],
  ])('%j are refused with their line', async (text, message) => {
    const { error } = await messagesIn([bytes(text)])
    expect(error).toMatchObject({ code: 'BAD_INPUT', message: expect.stringContaining(message) })
  })

  it('of a daemon that writes no UTF-8 are refused: a partition key would be another one', async () => {
    const { error } = await messagesIn([Buffer.from('{"action":"processRecords","records":[{"partitionKey":"Z\xfcrich"}]}\n', 'latin1')])
    expect(error).toMatchObject({ code: 'BAD_INPUT', message: expect.stringContaining('start the daemon with java -Dfile.encoding=UTF-8') })
  })

  it('are read only as the daemon is asked', async () => {
    let read = 0
    const daemon = openDaemon(
      (async function* () {
        for (; read < 100; read++) yield bytes('{"action":"a"}\n')
      })(),
      async () => {},
    )
    await daemon.next()
    await daemon.next()
    expect(read).toBe(1)
  })
})

it('a whole conversation is the same however the bytes of the daemon come', async () => {
  const script = [initialize, records(record(1, 0, 'ä'), record(1, 1, '')), records(record(2)), { action: 'shardEnded' }]
  const run = async (cut?: (line: Uint8Array) => Uint8Array[]) => {
    const simulation = createSimulation(1)
    const { daemon, replies } = talk(script, ['ThrottlingException'], cut)
    const seen: string[] = []
    const handler = { records: (batch: readonly KclRecord[]) => void seen.push(...batch.map((one) => one.text())) }
    await simulation.run(runProcessor(handler, { daemon, ports: simulation, checkpointInterval: 0, signal: new AbortController().signal, log: () => {} }))
    return { replies, seen }
  }
  const whole = await run()
  expect(whole.seen).toEqual(['ä', '', 'data 2/0'])
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 40 }), async (size) => {
      const cut = (line: Uint8Array) => Array.from({ length: Math.ceil(line.length / size) }, (_, i) => line.subarray(size * i, size * (i + 1)))
      expect(await run(cut)).toEqual(whole)
    }),
    { numRuns: 40 },
  )
})

describe('records', () => {
  const read = (...list: object[]) => readRecords(list, 'shardId-1')

  it('are the user records of the KCL', () => {
    const [first, second, third] = read(record(5, 0, '{"a":1}'), record(6, 0, new Uint8Array([0xff])), { ...record(6, 1, ''), partitionKey: null })
    expect(first).toMatchObject({ partitionKey: 'key-0', explicitHashKey: undefined, sequenceNumber: '5', subSequenceNumber: 0, aggregated: false })
    expect(first).toMatchObject({ reason: undefined, shardId: 'shardId-1', arrival: 1_700_000_000_123 })
    expect([first.text(), first.json()]).toEqual(['{"a":1}', { a: 1 }])
    expect(second).toMatchObject({ aggregated: true, data: new Uint8Array([0xff]) })
    expect(() => second.json()).toThrow(/^expected JSON: /)
    expect(third).toMatchObject({ aggregated: true, partitionKey: undefined, subSequenceNumber: 1 })
    expect(third.data).toHaveLength(0)
  })

  it('of a message class with its fields unset have none', () => {
    const unset = { data: null, partitionKey: null, sequenceNumber: '1', approximateArrivalTimestamp: null, subSequenceNumber: null, action: 'record' }
    expect(read(unset)[0]).toMatchObject({ data: new Uint8Array(0), partitionKey: undefined, arrival: undefined, subSequenceNumber: 0 })
  })

  it('that the KCL could not open come raw, with the reason; whole aggregates within aggregates as they are', () => {
    const users = [1, 2].map((n) => ({ partitionKey: `k${n}`, data: bytes(`d${n}`) }))
    const whole = aggregate(users, { shards: ShardMap.even(1) }).records[0].Data
    const broken = whole.slice()
    broken[broken.length - 1] ^= 1
    const seen = read(record(1, 0, whole), record(2, 0, broken), record(3, 0, whole.subarray(0, 10)), record(4, 0, whole), record(4, 1, broken))
    expect(seen.map(({ data, reason }) => [data.length, reason])).toEqual([
      [whole.length, undefined],
      [whole.length, 'BAD_CHECKSUM'],
      [10, 'TRUNCATED'],
      [whole.length, undefined],
      [whole.length, undefined],
    ])
  })
})
