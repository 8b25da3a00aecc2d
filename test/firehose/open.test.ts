// What is in a record of the event: gzip, aggregates, log events, several JSON values, and all of it at once.
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decoded, readEvent } from '../../src/firehose/event.js'
import {
  createFirehoseTransformer,
  explainFirehoseResponse,
  type FirehoseEvent,
  type FirehoseTransformerOptions,
  type TransformFailure,
} from '../../src/firehose/index.js'
import { openRecords } from '../../src/firehose/open.js'
import { aggregate, ShardMap } from '../../src/kinesis/index.js'

const bytes = (text: string) => new TextEncoder().encode(text)
const eventOf = (...data: (string | Uint8Array)[]): FirehoseEvent => ({
  records: data.map((d, i) => ({ recordId: `id-${i}`, data: Buffer.from(d as string).toString('base64') })),
})
async function run(event: FirehoseEvent, options: Partial<FirehoseTransformerOptions> = {}) {
  const failures: TransformFailure[] = []
  const handler = createFirehoseTransformer({ transform: ({ data }) => data, onFailure: (failure) => failures.push(failure), ...options })
  const response = await handler(event)
  expect(explainFirehoseResponse(event, response).batchFault).toBeUndefined()
  const texts = response.records.map(({ result, data }) => (result === 'Ok' ? Buffer.from(data ?? '', 'base64').toString() : result))
  return { texts, messages: failures.map(({ reason, message }) => `${reason}: ${message}`), response }
}
const kpl = (...data: Uint8Array[]) =>
  aggregate(
    data.map((d, i) => ({ partitionKey: `k${i}`, data: d })),
    { shards: ShardMap.even(1) },
  ).records[0].Data
const logs = (messages: string[], more = {}) =>
  JSON.stringify({
    messageType: 'DATA_MESSAGE',
    owner: '123456789012',
    logGroup: 'g',
    logStream: 's',
    subscriptionFilters: ['f'],
    logEvents: messages.map((message, i) => ({ id: `e${i}`, timestamp: 1_700_000_000_000 + i, message })),
    ...more,
  })
const control = JSON.stringify({
  messageType: 'CONTROL_MESSAGE',
  owner: 'CloudwatchLogs',
  logGroup: '',
  logStream: '',
  logEvents: [{ id: '', timestamp: 1, message: 'CWL CONTROL MESSAGE' }],
})

describe('gzip', () => {
  it('is unpacked, of several members too, unless that is switched off', async () => {
    const packed = gzipSync('{"a":1}')
    expect((await run(eventOf(packed, 'plain', Buffer.concat([packed, gzipSync('x')])))).texts).toEqual(['{"a":1}\n', 'plain\n', '{"a":1}x\n'])
    const { response } = await run(eventOf(packed), { gunzip: false, delimiter: '' })
    expect(response.records[0].data).toBe(packed.toString('base64'))
  })

  it('that is cut short or is none fails alone, and the original goes back', async () => {
    const packed = gzipSync('hello hello hello hello')
    const cut = packed.subarray(0, packed.length - 3)
    const { texts, messages, response } = await run(eventOf(cut, 'ok', Uint8Array.of(0x1f, 0x8b, 8, 1, 2, 3)))
    expect(texts).toEqual(['ProcessingFailed', 'ok\n', 'ProcessingFailed'])
    expect(messages).toEqual([expect.stringMatching(/^data: expected gzip, got other data/), expect.stringMatching(/^data: expected gzip, got other data/)])
    expect(response.records[0].data).toBe(cut.toString('base64'))
  })

  it('is unpacked as far as all of an event may take, and no further', async () => {
    const packed = ['12345', '1234567', '', '1', '123', 'plain', ''].map((text) => (text === 'plain' ? bytes(text) : gzipSync(text)))
    const arrived = readEvent(eventOf(...packed, kpl(gzipSync('1'), gzipSync('2')))).map(decoded)
    const options = { deaggregate: true, gunzip: true, logs: false, splitJson: false, maxUnpacked: 6, maxUnpackedOfAll: 9 }
    const opened = await openRecords(arrived, options)
    expect(opened.map((one) => (Array.isArray(one) ? one.map((input) => input.text()) : one.message))).toEqual([
      ['12345'],
      'gzip: expected at most 9 bytes of all records once unpacked, got more',
      [''],
      ['1'],
      ['123'],
      ['plain'],
      [''],
      'gzip: expected at most 9 bytes of all records once unpacked, got more',
    ])
  })

  it('that unpacks to more than is allowed fails, in little memory', async () => {
    const bomb = gzipSync(new Uint8Array(100 << 20))
    const { texts, messages } = await run(eventOf(bomb), { maxUnpacked: 1 << 20 })
    expect(texts).toEqual(['ProcessingFailed'])
    expect(messages).toEqual(['data: gzip: expected at most 1048576 bytes once unpacked, got more'])
    // of an aggregate all user records together
    const half = gzipSync(new Uint8Array(700 << 10))
    expect((await run(eventOf(kpl(half, half)), { maxUnpacked: 1 << 20 })).texts).toEqual(['ProcessingFailed'])
    expect((await run(eventOf(gzipSync('12345')), { maxUnpacked: 5 })).texts).toEqual(['12345\n'])
    expect((await run(eventOf(gzipSync('')))).texts).toEqual(['\n'])
  })

  it('in gzip stays, whatever else is in the event', async () => {
    const twice = gzipSync(gzipSync('x'))
    const inner = gzipSync('x').toString('base64')
    const one = await run(eventOf(twice), { delimiter: '' })
    const beside = await run(eventOf(twice, kpl(bytes('a'), bytes('b'))), { delimiter: '' })
    expect([one, beside].map(({ response }) => response.records[0].data)).toEqual([inner, inner])
  })

  it('is found around an aggregate and in it', async () => {
    expect((await run(eventOf(gzipSync(kpl(bytes('a'), gzipSync('b')))))).texts).toEqual(['a\nb\n'])
  })
})

describe('CloudWatch Logs', () => {
  it('envelopes are opened: a record each log event, a control message dropped', async () => {
    const seen: unknown[] = []
    const { texts } = await run(eventOf(gzipSync(logs(['one', '{"two":2}\n', ''])), gzipSync(control), gzipSync(logs([])), 'no envelope'), {
      transform: (record) => {
        if (record.log) seen.push(record.log)
        return record.data
      },
    })
    expect(texts).toEqual(['one\n{"two":2}\n\n', 'Dropped', 'Dropped', 'no envelope\n'])
    expect(seen).toEqual([0, 1, 2].map((i) => ({ owner: '123456789012', logGroup: 'g', logStream: 's', id: `e${i}`, timestamp: 1_700_000_000_000 + i })))
  })

  it('envelopes behind one another, and in aggregates, are opened too', async () => {
    expect((await run(eventOf(logs(['a']) + control + logs(['b'])))).texts).toEqual(['a\nb\n'])
    expect((await run(eventOf(kpl(gzipSync(logs(['a'])), gzipSync(logs(['b', 'c'])))))).texts).toEqual(['a\nb\nc\n'])
  })

  it.each([
    [logs(['a']).slice(0, -1), 'CloudWatch Logs: expected the end of the envelope, got the end of the record'],
    [logs(['a'], { messageType: 'OTHER' }), 'CloudWatch Logs envelope 0: "messageType" expected DATA_MESSAGE or CONTROL_MESSAGE, got "OTHER"'],
    [logs(['a'], { logEvents: 5 }), 'CloudWatch Logs envelope 0: "logEvents" expected an array, got 5'],
    [control + logs(['a'], { logEvents: [{ message: 'x' }, { message: 7 }] }), 'CloudWatch Logs envelope 1: "logEvents[1].message" expected text, got 7'],
    [logs(['a'], { logEvents: [null] }), 'CloudWatch Logs envelope 0: "logEvents[0].message" expected text, got undefined'],
    ['{"messageType":"DATA_MESSAGE",}', 'expected JSON: '],
  ])('%j fails', async (envelope, message) => {
    const { texts, messages } = await run(eventOf(envelope, 'ok'))
    expect(texts).toEqual(['ProcessingFailed', 'ok\n'])
    expect(messages[0]).toContain(`data: ${message}`)
  })

  it('a failure names the log event', async () => {
    const { messages } = await run(eventOf(logs(['a', 'b'])), {
      transform(record) {
        if (record.text() === 'b') throw new Error('no')
        return record.data
      },
    })
    expect(messages).toEqual(['transform: log event e1: no'])
  })
})

describe('several JSON values', () => {
  it.each([
    ['{"a":1}{"a":"}{"}', ['{"a":1}', '{"a":"}{"}']],
    ['{"a":1}\r\n\n{"a":2}\n', ['{"a":1}', '{"a":2}']],
    ['[1][2]{"a":"\\"}"} 5 "x"', ['[1]', '[2]', '{"a":"\\"}"}', '5', '"x"']],
    ['{"a":1}', ['{"a":1}']],
    [' {"a":1} ', [' {"a":1} ']],
    ['', ['']],
    ['{"a":1}{"b":', ['{"a":1}{"b":']],
  ])('%j', async (text, values) => {
    const seen: string[] = []
    await run(eventOf(text), {
      splitJson: true,
      transform: (record) => {
        seen.push(record.text())
        return null
      },
    })
    expect(seen).toEqual(values)
  })

  it('are one record unless that is asked for', async () => {
    expect((await run(eventOf('{"a":1}{"a":2}'), { delimiter: '' })).texts).toEqual(['{"a":1}{"a":2}'])
  })

  it('a failure names the value', async () => {
    const { messages } = await run(eventOf('{"a":1}{"a":}'), { splitJson: true, transform: (record) => record.json() as object })
    expect(messages).toEqual([expect.stringMatching(/^transform: value 1: expected JSON/)])
  })
})

it('any bytes go through as they came where they are no gzip (property)', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 20 }), async (payloads) => {
      const { response } = await run(eventOf(...payloads), { delimiter: '' })
      const back = response.records.map(({ result, data }) => (result === 'Ok' ? data : ''))
      expect(back).toEqual(payloads.map((payload) => Buffer.from(payload).toString('base64')))
    }),
  )
})

it.each(['deaggregate', 'gunzip', 'logs', 'splitJson'])('"%s" is true or false', (name) => {
  expect(() => createFirehoseTransformer({ transform: () => null, [name]: 1 } as never)).toThrow(`"${name}" expected true or false, got 1`)
})
