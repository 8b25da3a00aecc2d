// Dynamic partitioning, end to end.
import { describe, expect, it } from 'vitest'
import { createDeliveryStream } from '../../../src/firehose/delivery/delivery-stream.js'
import { memoryStore } from '../../../src/firehose/delivery/store.js'
import type { DeliveryStreamOptions } from '../../../src/firehose/delivery/stream-options.js'
import { createSimulation } from '../../../src/ports/simulated.js'
import { bytesOf, configOf, linesOf, NOW, processing, processor, textOf } from './streams.js'

const query = (text: string) => processor('MetadataExtraction', { MetadataExtractionQuery: text, JsonParsingEngine: 'JQ-1.6' })
const partitioned = (Prefix: string, ...processors: ReturnType<typeof processor>[]) =>
  configOf({
    Prefix,
    ErrorOutputPrefix: 'errors/!{firehose:error-output-type}/',
    BufferingHints: { SizeInMBs: 64, IntervalInSeconds: 60 },
    DynamicPartitioningConfiguration: { Enabled: true, RetryOptions: { DurationInSeconds: 300 } },
    ...processing(...processors),
  })

async function run(config: object, records: string[], options: Partial<DeliveryStreamOptions> = {}) {
  const simulation = createSimulation(1, NOW)
  const store = memoryStore()
  const stream = createDeliveryStream(config, { store, ports: simulation, ...options })
  await simulation.run(
    (async () => {
      for (const record of records) await stream.put(bytesOf(record))
      await stream.close()
    })(),
  )
  return store.objects.map(({ key, body }) => ({ place: key.replace(/clicks-1-.*/, ''), body: textOf(body), bytes: body }))
}

const places = (objects: Awaited<ReturnType<typeof run>>) => Object.fromEntries(objects.map(({ place, body }) => [place, body]))

it('each partition has objects of its own', async () => {
  const config = partitioned(
    'c=!{partitionKeyFromQuery:c}/y=!{partitionKeyFromQuery:y}/',
    query('{c:.c, y:.t|strftime("%Y")}'),
    processor('AppendDelimiterToRecord'),
  )
  const records = ['{"c":"a","t":0}', '{"c":"b","t":0}', '{"c":"a","t":1}', '{"c":"a","t":1565382027}', '{"c":7,"t":0}', '{"c":false,"t":0}']
  expect(places(await run(config, records))).toEqual({
    'c=a/y=1970/2026/11/27/09/': '{"c":"a","t":0}\n{"c":"a","t":1}',
    'c=b/y=1970/2026/11/27/09/': '{"c":"b","t":0}',
    'c=a/y=2019/2026/11/27/09/': '{"c":"a","t":1565382027}',
    'c=7/y=1970/2026/11/27/09/': '{"c":7,"t":0}',
    'c=false/y=1970/2026/11/27/09/': '{"c":false,"t":0}',
  })
})

it('keys of the Lambda and of the query go together; the query sees what the Lambda gave', async () => {
  const config = partitioned(
    '!{partitionKeyFromLambda:day}/!{partitionKeyFromQuery:kind}/!{timestamp:yyyy}/',
    processor('Lambda', { LambdaArn: 'arn:aws:lambda:eu-central-1:1:function:f' }),
    query('{kind:.kind}'),
  )
  const handler = ({ records }: { records: { recordId: string; data: string }[] }) => ({
    records: records.map(({ recordId, data }, i) => ({
      recordId,
      result: 'Ok',
      data: Buffer.from(`{"kind":"k${Buffer.from(data, 'base64')}"}`).toString('base64'),
      ...[{ metadata: { partitionKeys: { day: 'monday' } } }, { metadata: { partitionKeys: { day: '' } } }, { metadata: null }, {}][i],
    })),
  })
  const objects = await run(config, ['1', '2', '3', '4'], { handler })
  expect(objects.map(({ place, body }) => [place, place.startsWith('errors') ? '' : body])).toEqual([
    ['monday/k1/2026/', '{"kind":"k1"}'],
    ['errors/processing-failed/', ''],
  ])
  expect(linesOf(objects[1].bytes).map(({ rawData, errorCode, errorMessage }) => [rawData, errorCode, errorMessage])).toEqual(
    ['2', '3', '4'].map((data) => [
      Buffer.from(data).toString('base64'),
      'DynamicPartitioning.MetadataExtractionFailed',
      'partitionKeys values must not be null or empty: the Lambda function gives none for "day"',
    ]),
  )
})

it('a record without its keys fails, with a reason', async () => {
  const config = partitioned('!{partitionKeyFromQuery:k}/', query('{k:.k|ascii_downcase}'))
  const objects = await run(config, ['no json', '[]', '{}', '{"k":""}', '{"k":"A"}', '{"k":"a"}{"k":"b"}', '', '['.repeat(5000) + ']'.repeat(5000)])
  expect(objects.map(({ place }) => place)).toEqual(['a/2026/11/27/09/', 'errors/processing-failed/'])
  const rows = linesOf(objects[1].bytes)
  expect(rows.map(({ rawData }) => Buffer.from(String(rawData), 'base64').toString().slice(0, 10))).toEqual([
    'no json',
    '[]',
    '{}',
    '{"k":""}',
    '{"k":"a"}{',
    '',
    '[[[[[[[[[[',
  ])
  expect(rows.map(({ errorMessage }) => String(errorMessage))).toEqual([
    expect.stringMatching(/^The record could not be parsed: expected JSON/),
    'The query could not be evaluated: cannot index array with string',
    expect.stringMatching(/^The query could not be evaluated: ascii_downcase input must be a string/),
    expect.stringMatching(/^partitionKeys values must not be null or empty: the query gives none for "k"/),
    expect.stringMatching(/^The record could not be parsed/),
    expect.stringMatching(/^The record could not be parsed/),
    'The query could not be evaluated: cannot index array with string',
  ])
  expect(Object.keys(rows[0])).not.toContain('lambdaARN')
})

it('beyond the limit of active partitions records go to activePartitionExceeded, until one is written', async () => {
  const simulation = createSimulation(1, NOW)
  const store = memoryStore()
  const stream = createDeliveryStream(partitioned('!{partitionKeyFromQuery:k}/', query('{k}')), { store, ports: simulation, maxActivePartitions: 2 })
  await simulation.run(
    (async () => {
      for (const k of ['a', 'b', 'c', 'a']) await stream.put(bytesOf(JSON.stringify({ k })))
      await simulation.clock.sleep(61_000)
      await stream.put(bytesOf('{"k":"c"}'))
      await stream.close()
    })(),
  )
  expect(store.objects.map(({ key, body }) => [key.split('/').slice(0, -1).join('/').replace('/2026/11/27/09', ''), textOf(body).length])).toEqual([
    ['a', 18],
    ['b', 9],
    ['errors/activePartitionExceeded', expect.any(Number)],
    ['c', 9],
  ])
  expect(linesOf(store.objects[2].body)).toMatchObject([
    { rawData: Buffer.from('{"k":"c"}').toString('base64'), errorCode: 'DynamicPartitioning.ActivePartitionLimitExceeded' },
  ])
})

describe('multi-record de-aggregation', () => {
  const json = processor('RecordDeAggregation', { SubRecordType: 'JSON' })
  const byHash = processor('RecordDeAggregation', { SubRecordType: 'DELIMITED', Delimiter: Buffer.from('####').toString('base64') })
  const keys = query('{k:.k}')

  it('JSON values one behind the other or on lines are records each, without line feeds', async () => {
    const config = partitioned('!{partitionKeyFromQuery:k}/', json, keys, processor('AppendDelimiterToRecord'))
    const objects = await run(config, ['{"k":1}{"k":2}', ' {"k":1}\n{"k":\n2}\n', '{"k":"}{"}', '[{"k":3}]'])
    expect(places(objects)).toMatchObject({ '1/2026/11/27/09/': '{"k":1}\n{"k":1}', '2/2026/11/27/09/': '{"k":2}\n{"k":2}', '}{/2026/11/27/09/': '{"k":"}{"}' })
    expect(objects.at(-1)?.place).toBe('errors/processing-failed/')
    expect(linesOf(objects.at(-1)?.bytes as Uint8Array)).toMatchObject([{ rawData: Buffer.from('[{"k":3}]').toString('base64') }])
  })

  it('what stands between delimiters is a record', async () => {
    const config = partitioned('!{partitionKeyFromQuery:k}/', byHash, keys)
    expect(places(await run(config, ['{"k":1}####{"k":2}####', '{"k":"##"}', '{"k":3}#####{"k":4}']))).toMatchObject({
      '1/2026/11/27/09/': '{"k":1}',
      '2/2026/11/27/09/': '{"k":2}',
      '##/2026/11/27/09/': '{"k":"##"}',
      '3/2026/11/27/09/': '{"k":3}',
    })
  })

  it('of more than 500 sub-records the whole record is an error', async () => {
    const config = partitioned('!{partitionKeyFromQuery:k}/', json, keys)
    const many = (count: number) => '{"k":1}'.repeat(count)
    const objects = await run(config, [many(500), many(501)])
    expect(objects.map(({ place, body }) => [place, place.startsWith('errors') ? '' : body.length])).toEqual([
      ['1/2026/11/27/09/', 3500],
      ['errors/processing-failed/', ''],
    ])
    expect(linesOf(objects[1].bytes)).toMatchObject([
      { rawData: Buffer.from(many(501)).toString('base64'), errorCode: 'DynamicPartitioning.DeAggregationRecordCountLimitExceeded' },
    ])
  })

  it('a Lambda is given such a record whole', async () => {
    const config = partitioned('!{partitionKeyFromLambda:k}/', json, processor('Lambda', { LambdaArn: 'arn:aws:lambda:eu-central-1:1:function:f' }))
    const sizes: number[][] = []
    const handler = ({ records }: { records: { recordId: string; data: string }[] }) => {
      sizes.push(records.map(({ data }) => Buffer.from(data, 'base64').length))
      return { records: records.map(({ recordId, data }) => ({ recordId, result: 'Ok', data, metadata: { partitionKeys: { k: 'x' } } })) }
    }
    await run(config, ['{"k":1}{"k":1}', '{"k":1}'.repeat(501)], { handler })
    expect(sizes).toEqual([[7, 7, 3507]])
  })
})

it.each([
  ['slashes and points', '../../etc/passwd', '../../etc/passwd/'],
  ['control characters', 'a\u0000b\nc', 'a\u0000b\nc/'],
  ['4-byte UTF-8', '😀', '😀/'],
])('a key with %s is a key of S3', async (_, k, place) => {
  const config = partitioned('!{partitionKeyFromQuery:k}/!{timestamp:yyyy}/', query('{k}'))
  expect((await run(config, [JSON.stringify({ k })])).map((object) => object.place)).toEqual([`${place}2026/`])
})

it.each([
  ['over 512 characters', 'x'.repeat(600), 'expected at most 512 characters once evaluated, got'],
  ['of more bytes than S3 has in a key', '😀'.repeat(250), 'the key of the object has more than 1024 bytes'],
])('a prefix that comes to %s fails its records', async (_, k, message) => {
  const config = partitioned('!{partitionKeyFromQuery:k}/!{timestamp:yyyy}/', query('{k}'))
  const objects = await run(config, [JSON.stringify({ k }), '{"k":"fine"}'])
  expect(objects.map(({ place }) => place).sort()).toEqual(['errors/processing-failed/', 'fine/2026/'])
  const rows = linesOf(objects.find(({ place }) => place.startsWith('errors'))?.bytes as Uint8Array)
  expect(rows).toMatchObject([{ rawData: Buffer.from(JSON.stringify({ k })).toString('base64'), errorMessage: expect.stringContaining(message) }])
})
