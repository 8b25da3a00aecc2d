// The delivery stream from put to object, in simulated time.
import { execFileSync } from 'node:child_process'
import { gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { objectCodec } from '../../../src/firehose/delivery/compression.js'
import { createDeliveryStream, type DeliveryStream } from '../../../src/firehose/delivery/delivery-stream.js'
import { type DeliveryObject, memoryStore } from '../../../src/firehose/delivery/store.js'
import type { DeliveryStreamOptions } from '../../../src/firehose/delivery/stream-options.js'
import { aggregate, ShardMap } from '../../../src/kinesis/index.js'
import { createSimulation } from '../../../src/ports/simulated.js'
import { bytesOf, configOf, HOUR, linesOf, NOW, processing, processor, textOf } from './streams.js'

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}'
const NAME = `clicks-1-2026-11-27-09-08-07-${UUID}`

type Work = (stream: DeliveryStream, simulation: ReturnType<typeof createSimulation>, objects: readonly DeliveryObject[]) => Promise<void>

/** Runs a stream to its end; its objects. */
async function run(config: ReturnType<typeof configOf>, work: Work, options: Partial<DeliveryStreamOptions> = {}) {
  const simulation = createSimulation(1, NOW)
  const store = memoryStore()
  const stream = createDeliveryStream(config, { store, ports: simulation, ...options })
  await simulation.run(
    (async () => {
      await work(stream, simulation, store.objects)
      await stream.close()
    })(),
  )
  return { objects: store.objects, metrics: stream.metrics() }
}

const put =
  (...records: string[]): Work =>
  async (stream) => {
    for (const record of records) await stream.put(bytesOf(record))
  }

const bodies = (objects: readonly DeliveryObject[]) => objects.map(({ body }) => textOf(body))

describe('objects', () => {
  it('are records one behind the other, named as Firehose names them', async () => {
    const { objects, metrics } = await run(configOf(), put('a', '', 'bc'))
    expect(objects).toHaveLength(1)
    expect(objects[0]).toEqual({
      bucket: 'lake',
      key: expect.stringMatching(new RegExp(`^${HOUR}${NAME}$`)),
      body: bytesOf('abc'),
      contentType: 'application/octet-stream',
      contentEncoding: undefined,
    })
    expect(metrics).toMatchObject({ accepted: 3, acceptedBytes: 3, delivered: 3, objects: 1, objectBytes: 3, heldBytes: 0, failures: {} })
  })

  it('have LF between records and none behind the last', async () => {
    const { objects } = await run(configOf(processing(processor('AppendDelimiterToRecord', { Delimiter: '\\n' }))), put('a', 'b\n', 'c'))
    expect(bodies(objects)).toEqual(['a\nb\n\nc'])
  })

  it('keep bytes that are no text', async () => {
    const data = Uint8Array.from({ length: 256 }, (_, i) => i)
    const { objects } = await run(configOf(), async (stream) => {
      await stream.put(data)
      data.fill(0)
    })
    expect([...objects[0].body]).toEqual(Array.from({ length: 256 }, (_, i) => i))
  })

  it('have prefix, time zone, extension', async () => {
    const destination = {
      Prefix: 'logs/!{timestamp:yyyy}/tz=!{timestamp:VV}/!{firehose:random-string}/',
      ErrorOutputPrefix: 'errors/!{firehose:error-output-type}/',
      CustomTimeZone: 'Asia/Tokyo',
      FileExtension: '.json',
    }
    const { objects } = await run(configOf(destination), put('{}'))
    expect(objects[0].key).toMatch(new RegExp(`^logs/2026/tz=Asia/Tokyo/[0-9a-f-]{11}/clicks-1-2026-11-27-18-08-07-${UUID}\\.json$`))
  })

  it.each([
    ['UNCOMPRESSED', '', undefined],
    ['GZIP', '.gz', 'gzip'],
    ['ZIP', '.zip', 'zip'],
    ['Snappy', '.snappy', 'snappy-java'],
    ['HADOOP_SNAPPY', '.snappy', 'hadoop-snappy'],
  ])('are compressed by CompressionFormat %s', async (CompressionFormat, extension, contentEncoding) => {
    const { objects } = await run(configOf({ CompressionFormat }), put('abc'.repeat(100)))
    const [{ key, body, contentEncoding: encoding }] = objects
    expect(key).toMatch(new RegExp(`${UUID}${extension.replace('.', '\\.')}$`))
    expect(encoding).toBe(contentEncoding)
    if (CompressionFormat === 'GZIP') expect(gunzipSync(body).toString()).toBe('abc'.repeat(100))
    // The formats themselves are read back by other programs in compression.test.ts.
    else if (CompressionFormat !== 'ZIP') expect(body).toEqual(await objectCodec(CompressionFormat, 'format').compress(bytesOf('abc'.repeat(100)), ''))
    else
      expect(
        execFileSync(
          'python3',
          ['-c', 'import sys,zipfile,io; z=zipfile.ZipFile(io.BytesIO(sys.stdin.buffer.read())); n,=z.namelist(); print(n, z.read(n).decode(), end="")'],
          { input: body },
        ).toString(),
      ).toMatch(new RegExp(`^${UUID} ${'abc'.repeat(100)}$`))
  })

  it('have the version of the stream in their name, from what DescribeDeliveryStream tells', async () => {
    const described = {
      DeliveryStreamDescription: {
        DeliveryStreamName: 'clicks',
        DeliveryStreamARN: 'arn:aws:firehose:eu-central-1:123456789012:deliverystream/clicks',
        DeliveryStreamStatus: 'ACTIVE',
        DeliveryStreamType: 'DirectPut',
        DeliveryStreamEncryptionConfiguration: { Status: 'DISABLED' },
        VersionId: '7',
        CreateTimestamp: 1,
        Destinations: [
          {
            DestinationId: 'destinationId-000000000001',
            S3DestinationDescription: { RoleARN: 'r', BucketARN: 'arn:aws:s3:::lake' },
            ExtendedS3DestinationDescription: {
              RoleARN: 'r',
              BucketARN: 'arn:aws:s3:::lake',
              Prefix: 'x/',
              BufferingHints: { SizeInMBs: 5, IntervalInSeconds: 300 },
              CompressionFormat: 'UNCOMPRESSED',
              EncryptionConfiguration: { NoEncryptionConfig: 'NoEncryption' },
              CloudWatchLoggingOptions: { Enabled: false },
              S3BackupMode: 'Enabled',
              S3BackupDescription: { BucketARN: 'arn:aws:s3:::raw' },
            },
          },
        ],
        HasMoreDestinations: false,
      },
    }
    const { objects } = await run(described as object, put('a'))
    expect(objects.map(({ bucket, key }) => `${bucket} ${key}`)).toEqual([
      expect.stringMatching(/^lake x\/2026\/11\/27\/09\/clicks-7-/),
      expect.stringMatching(/^raw 2026\/11\/27\/09\/clicks-7-/),
    ])
  })
})

describe('buffering hints', () => {
  const hints = (SizeInMBs: number, IntervalInSeconds: number) => ({ BufferingHints: { SizeInMBs, IntervalInSeconds } })

  it('write an object once the interval has passed since its first record', async () => {
    const written: number[] = []
    const { objects } = await run(configOf(hints(1, 60)), async (stream, { clock }, objects) => {
      await stream.put(bytesOf('a'))
      await clock.sleep(59_000)
      await stream.put(bytesOf('b'))
      await clock.sleep(999)
      written.push(objects.length)
      await clock.sleep(2)
      written.push(objects.length)
      await clock.sleep(58_000)
      await stream.put(bytesOf('c'))
      await clock.sleep(59_000)
      written.push(objects.length)
    })
    expect(written).toEqual([0, 1, 1])
    expect(bodies(objects)).toEqual(['ab', 'c'])
  })

  it('write an object once it has the size, counted before compression', async () => {
    const record = new Uint8Array(512 * 1024)
    const { objects } = await run(configOf({ ...hints(1, 900), CompressionFormat: 'GZIP' }), async (stream) => {
      for (let i = 0; i < 5; i++) await stream.put(record)
    })
    expect(objects.map(({ body }) => gunzipSync(body).length)).toEqual([1 << 20, 1 << 20, 1 << 19])
  })

  it('cut a batch where the size is reached', async () => {
    const { objects, metrics } = await run(configOf(hints(1, 900)), async (stream) => {
      await stream.putBatch(Array.from({ length: 300 }, (_, i) => new Uint8Array(10_000).fill(i)))
      await stream.putBatch([new Uint8Array(0), new Uint8Array(1_000_000)])
    })
    expect(objects.map(({ body }) => body.length)).toEqual([1_050_000, 1_050_000, 1_900_000])
    expect(metrics).toMatchObject({ accepted: 302, delivered: 302 })
  })

  it('are the same for records that come together as for each alone', async () => {
    const sizes = fc.array(fc.oneof(fc.nat(20), fc.integer({ min: 60_000, max: 70_000 }), fc.integer({ min: 200_000, max: 600_000 })), {
      minLength: 1,
      maxLength: 12,
    })
    await fc.assert(
      fc.asyncProperty(sizes, fc.boolean(), async (sizes, delimiter) => {
        const records = sizes.map((size, i) => new Uint8Array(size).fill(65 + i))
        fc.pre(records.reduce((sum, { length }) => sum + length, 0) <= 4 << 20)
        const config = configOf({ ...hints(1, 900), ...(delimiter ? processing(processor('AppendDelimiterToRecord')) : {}) })
        const together = await run(config, (stream) => stream.putBatch(records))
        const alone = await run(config, async (stream) => {
          // With an arrival of its own each record goes its own way.
          for (const data of records) await stream.put({ data, arrival: NOW })
        })
        const [a, b] = [together, alone].map(({ objects }) => objects.map(({ body }) => Buffer.from(body).toString('latin1')))
        expect(a).toEqual(b)
        expect({ ...together.metrics }).toEqual({ ...alone.metrics })
      }),
      { numRuns: 50 },
    )
  })

  it('keep what waits for the store apart from what comes, whose memory is that of stored objects', async () => {
    const simulation = createSimulation(4, NOW)
    const stored: string[] = []
    let free = () => {}
    const blocked = new Promise<void>((resolve) => {
      free = resolve
    })
    const store = {
      async put({ body }: DeliveryObject) {
        if (stored.length >= 3) await blocked
        stored.push(textOf(body))
      },
    }
    const delimiter = processing(processor('AppendDelimiterToRecord'))
    const stream = createDeliveryStream(configOf({ ...hints(1, 900), ...delimiter }), { store, ports: simulation })
    const expected: string[][] = [[]]
    let size = 0
    await simulation.run(
      (async () => {
        for (let call = 0; call < 60; call++) {
          const records = Array.from({ length: 500 }, (_, i) => `${call}.${i}.`.padEnd(1 + ((call * 500 + i * 7) % 900), 'x'))
          await stream.putBatch(records.map(bytesOf))
          // lets what is due be made and stored
          await simulation.clock.sleep(1)
          for (const record of records) {
            expected[expected.length - 1].push(record)
            size += record.length
            if (size < 1 << 20) continue
            expected.push([])
            size = 0
          }
        }
        expect(stored).toHaveLength(3)
        free()
        await stream.close()
      })(),
    )
    expect(stored.sort()).toEqual(expected.map((records) => records.join('\n')).sort())
    expect(stored.length).toBeGreaterThan(10)
  })

  it('of no interval write at once', async () => {
    const { objects } = await run(configOf(hints(1, 0)), async (stream, { clock }) => {
      await stream.put(bytesOf('a'))
      await clock.sleep(1)
      await stream.put(bytesOf('b'))
    })
    expect(bodies(objects)).toEqual(['a', 'b'])
  })

  it('take the oldest arrival for the object', async () => {
    const { objects } = await run(configOf(), async (stream) => {
      await stream.put({ data: bytesOf('a'), arrival: NOW })
      await stream.put({ data: bytesOf('b'), arrival: Date.UTC(2025, 0, 1) })
    })
    expect(objects[0].key).toMatch(/^2025\/01\/01\/00\/clicks-1-2025-01-01-00-00-00-/)
  })
})

describe('before the Lambda', () => {
  const envelope = (messages: (string | undefined)[], messageType = 'DATA_MESSAGE') =>
    gzipSync(
      JSON.stringify({
        messageType,
        owner: '1',
        logGroup: 'g',
        logStream: 's',
        logEvents: messages.map((message, i) => ({ id: `${i}`, timestamp: i, message })),
      }),
    )
  const logs = (extract: boolean) =>
    processing(
      ...(extract ? [processor('CloudWatchLogProcessing', { DataMessageExtraction: 'True' })] : []),
      processor('Decompression', { CompressionFormat: 'GZIP' }),
    )

  it('log messages are taken out, each with LF, empty ones too; a control message is an empty record', async () => {
    const { objects, metrics } = await run(configOf(logs(true)), async (stream) => {
      await stream.put(envelope(['one', '', 'é']))
      await stream.put(envelope(['CWL CONTROL MESSAGE'], 'CONTROL_MESSAGE'))
    })
    expect(bodies(objects)).toEqual(['one\n\né\n'])
    expect(metrics).toMatchObject({ accepted: 2, delivered: 2, split: 0 })
  })

  it('without extraction any JSON is decompressed', async () => {
    const { objects } = await run(configOf(logs(false)), async (stream) => stream.put(gzipSync('{"a": 1}')))
    expect(bodies(objects)).toEqual(['{"a": 1}'])
  })

  it('what is no gzip, no JSON or no envelope goes to decompression-failed as it came', async () => {
    const bad = [bytesOf('plain'), gzipSync('no json'), gzipSync('{"a":1}'), gzipSync('null'), envelope(['a', undefined]), envelope(['a']).subarray(0, 20)]
    const { objects, metrics } = await run(configOf(logs(true)), async (stream) => {
      for (const record of bad) await stream.put(record)
    })
    expect(objects).toHaveLength(1)
    expect(objects[0].key).toMatch(new RegExp(`^decompression-failed/${HOUR}${NAME}$`))
    const rows = linesOf(objects[0].body)
    expect(rows.map(({ rawData }) => rawData)).toEqual(bad.map((record) => Buffer.from(record).toString('base64')))
    expect(Object.keys(rows[0])).toEqual(['rawData', 'errorCode', 'errorMessage', 'attemptsMade', 'arrivalTimestamp', 'attemptEndingTimestamp'])
    expect(rows[0]).toMatchObject({
      errorCode: 'Decompression failed.',
      errorMessage: 'Decompression failed because input data does not conform to cloudwatch log.',
      attemptsMade: 1,
      arrivalTimestamp: NOW,
    })
    expect(metrics).toMatchObject({ failed: 6, failures: { 'Decompression failed.': 6 } })
  })

  it('a bomb is not unpacked', async () => {
    const bomb = gzipSync(new Uint8Array(1 << 20))
    const { objects } = await run(configOf(logs(false)), (stream) => stream.put(bomb), { maxUnpacked: 1000 })
    expect(linesOf(objects[0].body)).toMatchObject([{ errorMessage: 'Decompression failed because the data has more than 1000 bytes once decompressed' }])
  })

  it('aggregates of a Kinesis source are opened; the backup has their records', async () => {
    const [packed] = aggregate(
      [1, 2, 3].map((i) => ({ partitionKey: `k${i}`, data: bytesOf(`r${i}`) })),
      { shards: ShardMap.even(1) },
    ).records
    const config = configOf(
      {
        S3BackupMode: 'Enabled',
        S3BackupConfiguration: { BucketARN: 'arn:aws:s3:::raw', CompressionFormat: 'GZIP' },
        ...processing(processor('AppendDelimiterToRecord')),
      },
      {
        DeliveryStreamType: 'KinesisStreamAsSource',
        KinesisStreamSourceConfiguration: { KinesisStreamARN: 'arn:aws:kinesis:eu-central-1:1:stream/s', RoleARN: 'r' },
      },
    )
    const { objects, metrics } = await run(config, async (stream) => {
      await stream.put({ data: packed.Data, partitionKey: packed.PartitionKey, sequenceNumber: '495', shardId: 'shardId-000000000000', arrival: NOW })
      await stream.put({ data: bytesOf('alone'), partitionKey: 'k', sequenceNumber: '496', shardId: 'shardId-000000000000', arrival: NOW })
    })
    expect(textOf(objects[0].body)).toBe('r1\nr2\nr3\nalone')
    expect(gunzipSync(objects[1].body).toString()).toBe('r1r2r3alone')
    expect(metrics).toMatchObject({ accepted: 2, split: 2, delivered: 4, backedUp: 4 })
  })
})

describe('the backup', () => {
  it('has whole originals, those that fail and are dropped too, by its own hints and prefix, without a delimiter', async () => {
    const config = configOf({
      ...processing(processor('AppendDelimiterToRecord'), processor('Lambda', { LambdaArn: 'arn:aws:lambda:eu-central-1:1:function:f' })),
      S3BackupMode: 'Enabled',
      S3BackupConfiguration: { BucketARN: 'arn:aws:s3:::raw', Prefix: 'raw/', BufferingHints: { SizeInMBs: 1, IntervalInSeconds: 60 } },
    })
    const results = ['Ok', 'Dropped', 'ProcessingFailed']
    const handler = async (event: { records: { recordId: string }[] }) => ({
      records: event.records.map(({ recordId }, i) => ({ recordId, result: results[i], data: 'eA==' })),
    })
    const seen: string[][] = []
    const { objects } = await run(
      config,
      async (stream, { clock }, objects) => {
        await put('a', 'b', 'c')(stream, createSimulation(1), [])
        await clock.sleep(61_000)
        seen.push(objects.map(({ key }) => key.split('/')[0]))
      },
      { handler: handler as never },
    )
    expect(seen).toEqual([['raw']])
    expect(objects.map(({ bucket, key, body }) => [bucket, key.replace(/clicks.*/, ''), textOf(body).slice(0, 3)])).toEqual([
      ['raw', `raw/${HOUR}`, 'abc'],
      ['lake', HOUR, 'x'],
      ['lake', `processing-failed/${HOUR}`, '{"r'],
    ])
  })
})

describe('limits', () => {
  it('are those of PutRecord and PutRecordBatch', async () => {
    await run(configOf(), async (stream) => {
      await stream.put(new Uint8Array(1_024_000))
      await expect(stream.put(new Uint8Array(1_024_001))).rejects.toThrow('"record" expected at most 1024000 bytes, got 1024001')
      await expect(stream.putBatch([])).rejects.toThrow('"records" expected 1 to 500 records, got 0')
      await expect(stream.putBatch(Array(501).fill(bytesOf('a')))).rejects.toThrow('"records" expected 1 to 500 records, got 501')
      await stream.putBatch(Array(4).fill(new Uint8Array(1_024_000)))
      await expect(stream.putBatch(Array(5).fill(new Uint8Array(900_000)))).rejects.toThrow('"records" expected at most 4194304 bytes together, got 4500000')
      await expect(stream.put('text' as never)).rejects.toThrow('"record" expected a Uint8Array, or an object with data, got "text"')
      await expect(stream.putBatch([bytesOf('a'), null as never])).rejects.toThrow('"records[1]" expected a Uint8Array')
      await expect(stream.put({ data: bytesOf('a'), partitionKey: 5 as never })).rejects.toThrow('"record.partitionKey" expected text, got 5')
      await expect(stream.put({ data: bytesOf('a'), arrival: Number.NaN })).rejects.toThrow('"record.arrival" expected milliseconds')
    })
  })

  it('nothing is taken once it closes', async () => {
    let kept: DeliveryStream | undefined
    await run(configOf(), async (stream) => {
      kept = stream
      await stream.put(bytesOf('a'))
    })
    await expect(kept?.put(bytesOf('b'))).rejects.toMatchObject({ code: 'CLOSED' })
    await kept?.close()
  })
})

describe('memory', () => {
  it('at its limit put waits until something is stored, and the largest goes before its time', async () => {
    let most = 0
    const config = configOf({ BufferingHints: { SizeInMBs: 128, IntervalInSeconds: 900 } })
    const { objects, metrics } = await run(
      config,
      async (stream) => {
        for (let i = 0; i < 40; i++) {
          await stream.put(new Uint8Array(200_000))
          most = Math.max(most, stream.metrics().heldBytes)
        }
      },
      { maxBufferedBytes: 1 << 20 },
    )
    expect(most).toBeLessThan((1 << 20) + 200_250 + 1)
    expect(objects.length).toBeGreaterThan(5)
    expect(metrics).toMatchObject({ delivered: 40, heldBytes: 0 })
  })

  it('a store that fails holds the stream, and all is there once it works', async () => {
    const simulation = createSimulation(2, NOW)
    const objects: DeliveryObject[] = []
    const failures: number[] = []
    let works = false
    const store = {
      async put(object: DeliveryObject) {
        if (!works) throw new Error('disk full')
        objects.push(object)
      },
    }
    const stream = createDeliveryStream(configOf({ BufferingHints: { SizeInMBs: 1, IntervalInSeconds: 60 } }), {
      store,
      ports: simulation,
      maxBufferedBytes: 1 << 20,
      onStoreFailure: ({ failures: count }) => failures.push(count),
    })
    let accepted = 0
    await simulation.run(
      (async () => {
        const producer = (async () => {
          for (let i = 0; i < 30; i++) {
            await stream.put(new Uint8Array(100_000).fill(i))
            accepted++
          }
        })()
        await simulation.clock.sleep(600_000)
        expect(accepted).toBeLessThan(15)
        works = true
        await producer
        await stream.close()
      })(),
    )
    expect(Buffer.concat(objects.map(({ body }) => body)).length).toBe(3_000_000)
    expect(failures.length).toBeGreaterThan(10)
    expect(stream.metrics().storeRetries).toBe(failures.length)
  })

  it('close tells what could not be written', async () => {
    const simulation = createSimulation(3, NOW)
    const store = { put: () => Promise.reject(new Error('no such bucket')) }
    const stream = createDeliveryStream(configOf(), { store, ports: simulation })
    const error = await simulation.run(
      (async () => {
        await stream.put(bytesOf('a'))
        await stream.put(bytesOf('b'))
        return stream.close().then(
          () => undefined,
          (error: unknown) => error,
        )
      })(),
    )
    expect(error).toMatchObject({
      code: 'NOT_DONE',
      message: expect.stringMatching(/^1 object with 2 records could not be written; the first is "2026.*": no such bucket$/),
    })
    expect(stream.unwritten).toMatchObject([{ bucket: 'lake', records: 2, bytes: 2 }])
  })

  it('close with a signal that is aborted ends at once', async () => {
    const simulation = createSimulation(3, NOW)
    const stop = new AbortController()
    const store = { put: () => Promise.reject(new Error('down')) }
    const stream = createDeliveryStream(configOf(), { store, ports: simulation })
    await simulation.run(
      (async () => {
        await stream.put(bytesOf('a'))
        const before = simulation.clock.monotonic()
        const closed = expect(stream.close({ signal: stop.signal })).rejects.toMatchObject({ code: 'NOT_DONE' })
        await simulation.clock.sleep(1)
        stop.abort()
        await closed
        expect(simulation.clock.monotonic() - before).toBe(1)
      })(),
    )
  })

  it('flush waits for what was put before it', async () => {
    const sizes: number[] = []
    await run(configOf(), async (stream, _, objects) => {
      await stream.put(bytesOf('a'))
      await stream.flush()
      sizes.push(objects.length)
      await stream.flush()
      sizes.push(objects.length)
    })
    expect(sizes).toEqual([1, 1])
  })
})

it('whatever is put, every record is in an object, in an error object or was dropped', async () => {
  const record = fc.oneof(
    fc.json().map(bytesOf),
    fc.uint8Array({ maxLength: 40 }),
    fc.constantFrom('{"k":"a"}', '{"k":"b"}{"k":"c"}', '{"k":1}\n{"k":null}', '{"k":"/../"}', '{"k":""}', '').map(bytesOf),
    fc.string().map((text) => gzipSync(JSON.stringify({ k: text }))),
  )
  const shape = fc.record({
    seed: fc.nat(),
    records: fc.array(record, { maxLength: 40 }),
    decompress: fc.boolean(),
    split: fc.boolean(),
    lambda: fc.boolean(),
    backup: fc.boolean(),
    partitions: fc.integer({ min: 1, max: 4 }),
    faults: fc.integer({ min: 0, max: 3 }),
  })
  await fc.assert(
    fc.asyncProperty(shape, async ({ seed, records, decompress, split, lambda, backup, partitions, faults }) => {
      const simulation = createSimulation(seed, NOW)
      const objects: DeliveryObject[] = []
      const store = {
        async put(object: DeliveryObject) {
          await simulation.clock.sleep(1000 * simulation.random.next())
          if (simulation.random.next() < faults / 5) throw new Error('fault')
          objects.push(object)
        },
      }
      const processors = [
        ...(decompress ? [processor('Decompression')] : []),
        ...(split ? [processor('RecordDeAggregation', { SubRecordType: 'JSON' })] : []),
        ...(lambda ? [processor('Lambda', { LambdaArn: 'arn:aws:lambda:eu-central-1:1:function:f', NumberOfRetries: '1' })] : []),
        processor('MetadataExtraction', { JsonParsingEngine: 'JQ-1.6', MetadataExtractionQuery: '{k:.k}' }),
      ]
      const config = configOf({
        Prefix: 'k=!{partitionKeyFromQuery:k}/',
        ErrorOutputPrefix: 'errors/!{firehose:error-output-type}/',
        BufferingHints: { SizeInMBs: 64, IntervalInSeconds: 60 },
        DynamicPartitioningConfiguration: { Enabled: true },
        ...processing(...processors),
        ...(backup ? { S3BackupMode: 'Enabled', S3BackupConfiguration: { BucketARN: 'arn:aws:s3:::raw' } } : {}),
      })
      const { random, clock } = simulation
      const handler = async ({ records }: { records: { recordId: string; data: string }[] }) => {
        await clock.sleep(1000 * random.next())
        if (random.next() < 0.3) throw new Error('no')
        const answers = records.map(({ recordId, data }) => {
          const result = ['Ok', 'Ok', 'Dropped', 'ProcessingFailed'][Math.floor(4 * random.next())]
          return { recordId: random.next() < 0.1 ? 'other' : recordId, result, ...(random.next() < 0.1 ? {} : { data }) }
        })
        return { records: answers }
      }
      const stream = createDeliveryStream(config, {
        store,
        ports: simulation,
        maxActivePartitions: partitions,
        ...(lambda ? { handler: handler as never } : {}),
      })
      await simulation.run(
        (async () => {
          for (const data of records) {
            await stream.put(data)
            await clock.sleep(20_000 * random.next())
          }
          await stream.close().catch((error: unknown) => expect(error).toMatchObject({ code: 'NOT_DONE' }))
        })(),
      )
      const metrics = stream.metrics()
      // What has failed ten times since the stream was to close.
      const givenUp = (raw: boolean) => stream.unwritten.filter(({ bucket }) => (bucket === 'raw') === raw).reduce((sum, one) => sum + one.records, 0)
      expect(metrics.accepted).toBe(records.length)
      expect(metrics.delivered + metrics.failed + metrics.dropped + givenUp(false)).toBe(metrics.accepted + metrics.split)
      expect(metrics.heldBytes).toBe(0)
      const failed = objects.filter(({ key }) => key.startsWith('errors/'))
      expect(failed.flatMap(({ body }) => linesOf(body)).length).toBe(metrics.failed)
      expect(failed.every(({ key }) => /^errors\/(processing-failed|decompression-failed|activePartitionExceeded)\//.test(key))).toBe(true)
      if (backup && givenUp(true) === 0)
        expect(Buffer.concat(objects.filter(({ bucket }) => bucket === 'raw').map(({ body }) => body)).length).toBe(metrics.acceptedBytes)
    }),
    { numRuns: 150 },
  )
})
