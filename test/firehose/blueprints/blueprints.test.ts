import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { markedData } from '../../../src/firehose/again.js'
import {
  createFirehoseTransformer,
  type FirehoseBlueprintName,
  type FirehoseEventRecord,
  type FirehoseTransformerOptions,
  firehoseBlueprint,
  type OverflowRecord,
  type TransformFailure,
} from '../../../src/firehose/index.js'
import { aggregate, ShardMap } from '../../../src/kinesis/index.js'

const base64 = (data: string | Uint8Array) => Buffer.from(data as string).toString('base64')
const recordsOf = (...data: (string | Uint8Array)[]): FirehoseEventRecord[] => data.map((one, i) => ({ recordId: `id-${i}`, data: base64(one) }))
const aggregateOf = (...lines: string[]) =>
  aggregate(
    lines.map((line, i) => ({ partitionKey: `k${i}`, data: Buffer.from(line) })),
    { shards: ShardMap.even(1) },
  ).records[0].Data
const envelope = (...messages: string[]) =>
  JSON.stringify({
    messageType: 'DATA_MESSAGE',
    owner: '1',
    logGroup: 'g',
    logStream: 's',
    logEvents: messages.map((message, i) => ({ id: `${i}`, timestamp: 1, message })),
  })

async function run(options: FirehoseTransformerOptions, records: FirehoseEventRecord[]) {
  const failures: TransformFailure[] = []
  const transform = createFirehoseTransformer({ ...options, onFailure: (failure) => failures.push(failure) })
  const plan = await transform.plan({ records })
  const response = await transform({ records })
  // Dropped is nine bytes shorter than what the plan has for what is taken elsewhere
  const shorter = (plan.bytes - Buffer.byteLength(JSON.stringify(response))) / 9
  expect([...plan.records.filter(({ result }) => result === 'Overflow').keys(), -1].map((n) => n + 1)).toContain(shorter)
  const texts = response.records.map(({ result, data = '' }) => (result === 'Ok' ? Buffer.from(data, 'base64').toString() : result))
  return { response, texts, failures, plan }
}

const APACHE = '2001:db8::1 - - [07/Mar/2004:16:10:02 -0800] "GET / HTTP/1.1" 304 -'
const APACHE_JSON =
  '{"host":"2001:db8::1","ident":"-","authuser":"-","request":"GET / HTTP/1.1","response":304,"bytes":0,"verb":"GET","@timestamp":"2004-03-07T16:10:02.000-08:00","timezone":"-0800","@timestamp_utc":"2004-03-08T00:10:02.000Z"}\n'
const SYSLOG = '<34>Oct 11 22:14:15 mymachine su: failed, again'

describe('through the transformer', () => {
  it.each([
    ['apachelog-to-json', APACHE, APACHE_JSON],
    ['apachelog-to-csv', APACHE, '2001:db8::1,-,-,07/Mar/2004:16:10:02 -0800,GET / HTTP/1.1,304,0,,,\n'],
    ['syslog-to-json', SYSLOG, '{"timestamp":"Oct 11 22:14:15","hostname":"mymachine","program":"su","message":"failed, again","facility":4,"severity":2}\n'],
    ['syslog-to-csv', SYSLOG, 'Oct 11 22:14:15,mymachine,su,,"failed, again",4,2,,\n'],
    ['json-to-csv', '{"a":1,"b":"x,y"}', '1,"x,y"\n'],
    ['dynamodb-to-json', '{"dynamodb":{"Keys":{"id":{"N":"5"}}}}', '{"dynamodb":{"Keys":{"id":5}}}\n'],
  ] as [FirehoseBlueprintName, string, string][])('%s, whatever the line comes in', async (name, line, wanted) => {
    const records = recordsOf(
      line,
      `${line}\n`,
      gzipSync(line),
      aggregateOf(line, line),
      gzipSync(envelope(line, line)),
      envelope(line),
      aggregateOf(line, 'x'),
      'x',
      '',
    )
    records.push({ recordId: 'kafka', kafkaRecordValue: base64(line) }, { recordId: 'padded', data: `${base64(line).replace(/=*$/, '')}===` })
    const { texts, failures } = await run(firehoseBlueprint(name), records)
    const two = wanted + wanted
    expect(texts).toEqual([wanted, wanted, wanted, two, two, wanted, 'ProcessingFailed', 'ProcessingFailed', 'Dropped', wanted, wanted])
    expect(failures).toMatchObject([
      { record: 6, reason: 'transform', message: expect.stringMatching(/^user record 1: byte \d+: expected .*, got something else$/) },
      { record: 7, reason: 'transform', message: expect.stringMatching(/^byte \d+: expected /) },
    ])
  })

  it('cloudwatch-logs-processor: messages as lines, control messages dropped, anything else fails', async () => {
    const { texts, failures } = await run(
      firehoseBlueprint('cloudwatch-logs-processor'),
      recordsOf(gzipSync(envelope('a', 'b\n', '')), gzipSync(JSON.stringify({ messageType: 'CONTROL_MESSAGE' })), 'x'),
    )
    expect(texts).toEqual(['a\nb\n\n', 'Dropped', 'ProcessingFailed'])
    expect(failures).toMatchObject([{ record: 2, message: 'expected an envelope of CloudWatch Logs, got something else' }])
  })
})

it('a kernel does with every event what a function does that does the same', async () => {
  const line = fc.string({ unit: 'binary', maxLength: 30 })
  const data = fc.oneof(
    fc.uint8Array({ maxLength: 40 }).map(base64),
    line.map((text) => base64(gzipSync(text))),
    fc.array(line, { minLength: 1, maxLength: 4 }).map((lines) => base64(aggregateOf(...lines))),
    fc.array(line, { maxLength: 4 }).map((lines) => base64(gzipSync(envelope(...lines)))),
    line.map((text) => base64(markedData(Buffer.from(text), 2))),
    fc.uint8Array({ maxLength: 10 }).map((bytes) => `${base64(bytes)}=`),
    fc.constantFrom('!', 'YQ', 'Y Q==', 'é', '\u0141Q==', base64(new Uint8Array([0x1f, 0x8b, 8, 1])), base64('{"messageType":"X"}')),
    fc.constantFrom(undefined, null, 5),
  )
  const id = fc.constantFrom('a', 'b', 'é"', '\ud800')
  const metadata = fc.constantFrom(undefined, { partitionKey: 'k' }, { partitionKey: 'millrace-again-3/k' })
  const record = fc.record({ recordId: id, data, kinesisRecordMetadata: metadata }) as fc.Arbitrary<unknown> as fc.Arbitrary<FirehoseEventRecord>
  const ids = fc.boolean()
  const options = fc.record({
    deaggregate: fc.boolean(),
    gunzip: fc.boolean(),
    logs: fc.boolean(),
    delimiter: fc.constantFrom('\n', '', 'end'),
    responseLimit: fc.constantFrom(6_291_456, 700),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(record, { maxLength: 8 }), ids, options, async (given, own, chosen) => {
      const records = own ? given.map((one, i) => ({ ...one, recordId: `${one.recordId}${i}` })) : given
      const overflows: unknown[] = []
      const overflow = async (over: readonly OverflowRecord[]) => {
        overflows.push(over)
        return over.map(() => 'no')
      }
      const kernel = await run({ ...chosen, overflow, transform: firehoseBlueprint('kpl').transform }, structuredClone(records))
      const byHand = await run({ ...chosen, overflow, transform: ({ data }) => data }, structuredClone(records))
      expect(kernel).toEqual(byHand)
      expect(overflows.length % 2).toBe(0)
      expect(overflows[0]).toEqual(overflows[1])
    }),
    { numRuns: 500 },
  )
})

it('what has no room is told with what was made of it', async () => {
  const over: OverflowRecord[] = []
  const overflow = async (records: readonly OverflowRecord[]) => {
    over.push(...records)
    return records.map(() => undefined)
  }
  const { texts } = await run({ ...firehoseBlueprint('apachelog-to-json'), overflow, responseLimit: 500 }, recordsOf(APACHE, APACHE))
  expect(texts).toEqual([APACHE_JSON, 'Dropped'])
  expect(over.map(({ original, output, rounds }) => [Buffer.from(original).toString(), Buffer.from(output).toString(), rounds])).toEqual([
    [APACHE, APACHE_JSON, 0],
  ])
})

it('a name or option that is none is a mistake', () => {
  const bad = (...args: unknown[]) => expect(() => (firehoseBlueprint as (...args: unknown[]) => unknown)(...args))
  bad('constructor').toThrow('"name" expected one of process-record, apachelog-to-json, ')
  bad(undefined).toThrow(RangeError)
  bad('kpl', null).toThrow('"options" expected an object, got null')
  bad('kpl', { compact: true }).toThrow('"options" expected one of compat, got "compact"')
  bad('kpl', { compat: 1 }).toThrow('"compat" expected true or false, got 1')
})
