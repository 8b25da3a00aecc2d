// Record format conversion within a delivery stream; the objects are read by DuckDB.
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { ExtendedS3Configuration } from '../../../src/firehose/delivery/config/configuration.js'
import { createDeliveryStream, type DeliveryStream } from '../../../src/firehose/delivery/delivery-stream.js'
import { memoryStore } from '../../../src/firehose/delivery/store.js'
import { createSimulation } from '../../../src/ports/simulated.js'
import { type Duck, openDuck } from '../../duck.js'
import { bytesOf, configOf, linesOf, NOW, processing, processor } from './streams.js'

let duck: Duck
beforeAll(async () => {
  duck = await openDuck()
})
afterAll(() => duck.close())

const table = {
  Table: {
    Name: 't',
    StorageDescriptor: {
      Columns: [
        { Name: 'id', Type: 'bigint' },
        { Name: 'name', Type: 'string' },
      ],
    },
    PartitionKeys: [{ Name: 'day', Type: 'string' }],
  },
}
const conversion = {
  DataFormatConversionConfiguration: {
    SchemaConfiguration: { RoleARN: 'r', DatabaseName: 'lake', TableName: 't', Region: 'eu-central-1' },
    InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: {} } },
    OutputFormatConfiguration: { Serializer: { ParquetSerDe: { Compression: 'SNAPPY' } } },
  },
}

async function run(destination: ExtendedS3Configuration, records: string[]) {
  const simulation = createSimulation(1, NOW)
  const store = memoryStore()
  const stream = createDeliveryStream(configOf({ ...conversion, ...destination }), { store, ports: simulation, table })
  await simulation.run(
    (async () => {
      for (const record of records) await stream.put(bytesOf(record))
      await stream.close()
    })(),
  )
  return { objects: store.objects, metrics: stream.metrics() }
}

it('rows are in Parquet, and what cannot be one is in an error object with the table', async () => {
  const { objects, metrics } = await run({}, ['{"id":1,"name":"a"}', '{"id":"two"}', '{"ID":3}{"id":4}', '[]', '', '{"id":5,"name":"é","more":true}'])
  expect(objects.map(({ key, contentEncoding }) => [key.replace(/clicks-1.*?(\.parquet)?$/, '$1'), contentEncoding])).toEqual([
    ['2026/11/27/09/.parquet', 'hadoop-snappy'],
    ['format-conversion-failed/2026/11/27/09/', undefined],
  ])
  const file = duck.file('a.parquet', objects[0].body)
  expect(await duck.rows(`SELECT id, name FROM '${file}' ORDER BY id`)).toEqual([
    { id: 1n, name: 'a' },
    { id: 3n, name: null },
    { id: 4n, name: null },
    { id: 5n, name: 'é' },
  ])
  const rows = linesOf(objects[1].body)
  expect(rows.map(({ rawData }) => Buffer.from(String(rawData), 'base64').toString())).toEqual(['{"id":"two"}', '[]', ''])
  expect(rows[0]).toEqual({
    attemptsMade: 1,
    arrivalTimestamp: NOW,
    lastErrorCode: 'DataFormatConversion.MalformedData',
    lastErrorMessage: expect.stringContaining('Data does not match the schema.'),
    attemptEndingTimestamp: NOW,
    rawData: Buffer.from('{"id":"two"}').toString('base64'),
    sequenceNumber: null,
    subSequenceNumber: null,
    dataCatalogTable: { catalogId: null, databaseName: 'lake', tableName: 't', region: 'eu-central-1', versionId: 'LATEST', catalogArn: null },
  })
  expect(metrics).toMatchObject({ accepted: 6, delivered: 3, failed: 3, objects: 1, errorObjects: 1 })
})

it('does with records that come together what it does with each alone', async () => {
  const documents = fc.constantFrom('{"id":1}', '{"id":2,"name":"b"}', '{\n"id":3\n}', '{"id":4}{"id":5}', '{"name":"\\n"}')
  const bad = fc.constantFrom('{"id":"x"}', '{"id":6}{"id":[]}', '[]', '{', '{"name":"a\nb"}', '7')
  const blank = fc.constantFrom('', ' ', '\n', '\n\n', ' \r\n\t')
  const record = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.tuple(fc.constantFrom('', '', ' ', '\ufeff'), documents, fc.constantFrom('', '\n', '\r\n', '\n\n')).map((parts) => parts.join('')),
    },
    { weight: 1, arbitrary: fc.tuple(bad, fc.constantFrom('', '\n', '{"id":7}')).map((parts) => parts.join('')) },
    { weight: 1, arbitrary: blank },
  )
  // Longer than shares its memory with others.
  const long = fc.integer({ min: 65_500, max: 70_000 }).map((length) => [`{"id":8,"name":"${'y'.repeat(length)}"}`])
  // Some hundred a call: a text ends between calls, a batch within one.
  const call = fc.tuple(fc.array(record, { minLength: 1, maxLength: 12 }), fc.integer({ min: 1, max: 40 }), fc.oneof(fc.constant([]), long))
  const calls = fc.array(
    call.map(([records, times, long]) => [...Array.from({ length: times }, () => records).flat(), ...long]),
    { minLength: 1, maxLength: 12 },
  )
  await fc.assert(
    fc.asyncProperty(calls, async (calls) => {
      const deliver = async (put: (stream: DeliveryStream, records: Uint8Array[]) => Promise<void>) => {
        const simulation = createSimulation(1, NOW)
        const store = memoryStore()
        const stream = createDeliveryStream(configOf(conversion), { store, ports: simulation, table })
        await simulation.run(
          (async () => {
            for (const records of calls) await put(stream, records.map(bytesOf))
            await stream.close()
          })(),
        )
        const [lines = [], files = []] = [false, true].map((file) =>
          store.objects.filter(({ key }) => key.endsWith('.parquet') === file).map(({ body }) => body),
        )
        return { files: files.map((body) => Buffer.from(body).toString('latin1')), lines: lines.map((body) => linesOf(body)), metrics: stream.metrics() }
      }
      const together = await deliver((stream, records) => stream.putBatch(records))
      // With an arrival of its own each goes its own way.
      const alone = await deliver(async (stream, records) => {
        for (const data of records) await stream.put({ data, arrival: NOW })
      })
      expect(together).toEqual(alone)
    }),
    { numRuns: 40 },
  )
})

it('of a buffer without a row there is no object', async () => {
  const { objects, metrics } = await run({}, ['no', 'json'])
  expect(objects.map(({ key }) => key.split('/')[0])).toEqual(['format-conversion-failed'])
  expect(metrics).toMatchObject({ delivered: 0, failed: 2 })
})

it('each partition is a file, and FileExtension takes the place of .parquet', async () => {
  const { objects } = await run(
    {
      Prefix: 'day=!{partitionKeyFromQuery:day}/',
      ErrorOutputPrefix: 'errors/',
      FileExtension: '.snappy.parquet',
      DynamicPartitioningConfiguration: { Enabled: true },
      ...processing(processor('MetadataExtraction', { MetadataExtractionQuery: '{day:.day}', JsonParsingEngine: 'JQ-1.6' })),
    },
    ['{"id":1,"day":"mon"}', '{"id":2,"day":"tue"}', '{"id":3,"day":"mon"}'],
  )
  expect(objects.map(({ key }) => key.replace(/\/2026.*(clicks)-1-[^.]*/, '/$1'))).toEqual(['day=mon/clicks.snappy.parquet', 'day=tue/clicks.snappy.parquet'])
  const [monday, tuesday] = objects.map(({ body }, i) => duck.file(`day${i}.parquet`, body))
  expect(await duck.rows(`SELECT id FROM '${monday}' ORDER BY id`)).toEqual([{ id: 1n }, { id: 3n }])
  expect(await duck.rows(`SELECT id FROM '${tuesday}'`)).toEqual([{ id: 2n }])
})

it('wants the table, and a size of 64 MiB at least', () => {
  const options = { store: memoryStore() }
  expect(() => createDeliveryStream(configOf(conversion), options)).toThrow('expected "table", by which records are converted')
  expect(() => createDeliveryStream(configOf({ ...conversion, BufferingHints: { SizeInMBs: 63, IntervalInSeconds: 60 } }), { ...options, table })).toThrow(
    'SizeInMBs" expected at least 64',
  )
})
