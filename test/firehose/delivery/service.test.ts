// Firehose's API, through the SDK's own client over a socket; and by hand what that client would not send.
import {
  CreateDeliveryStreamCommand,
  DeleteDeliveryStreamCommand,
  DescribeDeliveryStreamCommand,
  FirehoseClient,
  ListDeliveryStreamsCommand,
  ListTagsForDeliveryStreamCommand,
  PutRecordBatchCommand,
  PutRecordCommand,
  StartDeliveryStreamEncryptionCommand,
  TagDeliveryStreamCommand,
  UntagDeliveryStreamCommand,
  UpdateDestinationCommand,
} from '@aws-sdk/client-firehose'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFirehoseService, type FirehoseService, MOST_REQUEST_BYTES } from '../../../src/firehose/delivery/service/service.js'
import { type MemoryStore, memoryStore } from '../../../src/firehose/delivery/store.js'
import { createFirehosePut } from '../../../src/firehose/index.js'
import { type HttpServer, serve } from '../../../src/ports/node.js'
import { createSimulation } from '../../../src/ports/simulated.js'
import { bytesOf, configOf, processing, processor, textOf } from './streams.js'

const destination = { RoleARN: 'arn:aws:iam::1:role/r', BucketARN: 'arn:aws:s3:::lake' }

describe('FirehoseClient', () => {
  let store: MemoryStore
  let service: FirehoseService
  let server: HttpServer
  let client: FirehoseClient
  beforeEach(async () => {
    store = memoryStore()
    const handler = ({ records }: { records: { recordId: string; data: string }[] }) => ({
      records: records.map(({ recordId, data }) => ({
        recordId,
        result: 'Ok',
        data: Buffer.from(Buffer.from(data, 'base64').toString().toUpperCase()).toString('base64'),
      })),
    })
    service = createFirehoseService({ store, handler })
    server = await serve({ host: '127.0.0.1', port: 0, mostBytes: MOST_REQUEST_BYTES }, service.handle)
    client = new FirehoseClient({
      region: 'us-east-1',
      endpoint: `http://127.0.0.1:${server.port}`,
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
      requestHandler: new NodeHttpHandler(),
      maxAttempts: 1,
    })
  })
  afterEach(async () => {
    client.destroy()
    await service.close()
    await server.close()
  })

  const create = (DeliveryStreamName: string, more: object = {}) =>
    client.send(new CreateDeliveryStreamCommand({ DeliveryStreamName, ExtendedS3DestinationConfiguration: { ...destination, ...more } }))
  const put = (DeliveryStreamName: string, text: string) => client.send(new PutRecordCommand({ DeliveryStreamName, Record: { Data: bytesOf(text) } }))

  it('makes a stream, puts records, and they are delivered', async () => {
    const { DeliveryStreamARN } = await create('clicks', processing(processor('Lambda', { LambdaArn: 'arn:aws:lambda:us-east-1:1:function:f' })))
    expect(DeliveryStreamARN).toBe('arn:aws:firehose:us-east-1:000000000000:deliverystream/clicks')
    expect(await put('clicks', 'a')).toMatchObject({ RecordId: expect.stringMatching(/^[0-9a-f-]{36}$/), Encrypted: false })
    const batch = await client.send(
      new PutRecordBatchCommand({ DeliveryStreamName: 'clicks', Records: ['b', '', 'c'].map((text) => ({ Data: bytesOf(text) })) }),
    )
    expect(batch).toMatchObject({ FailedPutCount: 0, Encrypted: false })
    expect(new Set(batch.RequestResponses?.map(({ RecordId }) => RecordId)).size).toBe(3)
    await service.close()
    expect(store.objects.map(({ body }) => textOf(body))).toEqual(['ABC'])
  })

  it('is taken by createFirehosePut too', async () => {
    await create('clicks')
    const outcomes = await createFirehosePut({ deliveryStreamName: 'clicks', client }).put([bytesOf('x'), new Uint8Array([0xff, 0])])
    expect(outcomes.map(({ status }) => status)).toEqual(['delivered', 'delivered'])
    await service.close()
    expect([...store.objects[0].body]).toEqual([0x78, 0xff, 0])
  })

  it('is told of a stream as the service tells it', async () => {
    await create('clicks', { S3BackupMode: 'Enabled', S3BackupConfiguration: { ...destination, Prefix: 'raw/' }, Prefix: 'in/' })
    const { DeliveryStreamDescription: told } = await client.send(new DescribeDeliveryStreamCommand({ DeliveryStreamName: 'clicks' }))
    expect(told).toMatchObject({
      DeliveryStreamName: 'clicks',
      DeliveryStreamStatus: 'ACTIVE',
      DeliveryStreamType: 'DirectPut',
      VersionId: '1',
      CreateTimestamp: expect.any(Date),
      DeliveryStreamEncryptionConfiguration: { Status: 'DISABLED' },
      HasMoreDestinations: false,
    })
    const s3 = {
      ...destination,
      Prefix: 'in/',
      BufferingHints: { SizeInMBs: 5, IntervalInSeconds: 300 },
      CompressionFormat: 'UNCOMPRESSED',
      EncryptionConfiguration: { NoEncryptionConfig: 'NoEncryption' },
      CloudWatchLoggingOptions: { Enabled: false },
    }
    expect(told?.Destinations).toEqual([
      {
        DestinationId: 'destinationId-000000000001',
        S3DestinationDescription: s3,
        ExtendedS3DestinationDescription: { ...s3, S3BackupMode: 'Enabled', S3BackupDescription: { ...s3, Prefix: 'raw/' } },
      },
    ])
    // What it tells makes a stream like it.
    await client.send(new DeleteDeliveryStreamCommand({ DeliveryStreamName: 'clicks' }))
    expect(service.create(told as object).name).toBe('clicks')
  })

  it('has a stream to another destination, and tells no secret of it', async () => {
    const HttpEndpointDestinationConfiguration = {
      EndpointConfiguration: { Url: 'http://127.0.0.1:1/', Name: 'n', AccessKey: 'secret' },
      RetryOptions: { DurationInSeconds: 0 },
      S3Configuration: destination,
    }
    await client.send(new CreateDeliveryStreamCommand({ DeliveryStreamName: 's', HttpEndpointDestinationConfiguration }))
    const { DeliveryStreamDescription } = await client.send(new DescribeDeliveryStreamCommand({ DeliveryStreamName: 's' }))
    expect(DeliveryStreamDescription?.Destinations).toMatchObject([
      {
        DestinationId: 'destinationId-000000000001',
        HttpEndpointDestinationDescription: {
          EndpointConfiguration: { Url: 'http://127.0.0.1:1/', Name: 'n' },
          S3DestinationDescription: { ...destination, CompressionFormat: 'UNCOMPRESSED' },
        },
      },
    ])
    expect(JSON.stringify(DeliveryStreamDescription)).not.toContain('secret')
    const update = {
      DeliveryStreamName: 's',
      CurrentDeliveryStreamVersionId: '1',
      DestinationId: 'destinationId-000000000001',
      ExtendedS3DestinationUpdate: {},
    }
    await expect(client.send(new UpdateDestinationCommand(update))).rejects.toThrow('Only the destination of a stream to S3 can be updated here.')
    await put('s', 'a')
    await service.close()
    expect(store.objects).toHaveLength(1)
    expect(JSON.parse(textOf(store.objects[0].body))).toMatchObject({ errorCode: 'HttpEndpoint.ConnectionFailed', rawData: 'YQ==' })
  })

  it('lists, tags and deletes', async () => {
    for (const name of ['c', 'a', 'b']) await create(name)
    expect(await client.send(new ListDeliveryStreamsCommand({ Limit: 2 }))).toMatchObject({ DeliveryStreamNames: ['a', 'b'], HasMoreDeliveryStreams: true })
    expect(await client.send(new ListDeliveryStreamsCommand({ ExclusiveStartDeliveryStreamName: 'b' }))).toMatchObject({
      DeliveryStreamNames: ['c'],
      HasMoreDeliveryStreams: false,
    })
    await client.send(new TagDeliveryStreamCommand({ DeliveryStreamName: 'a', Tags: [{ Key: 'x', Value: '1' }, { Key: '__proto__' }] }))
    await client.send(new UntagDeliveryStreamCommand({ DeliveryStreamName: 'a', TagKeys: ['x'] }))
    expect((await client.send(new ListTagsForDeliveryStreamCommand({ DeliveryStreamName: 'a' }))).Tags).toEqual([{ Key: '__proto__', Value: '' }])
    await client.send(new StartDeliveryStreamEncryptionCommand({ DeliveryStreamName: 'a' }))
    expect(
      (await client.send(new DescribeDeliveryStreamCommand({ DeliveryStreamName: 'a' }))).DeliveryStreamDescription?.DeliveryStreamEncryptionConfiguration
        ?.Status,
    ).toBe('ENABLED')
    await put('a', 'kept')
    await client.send(new DeleteDeliveryStreamCommand({ DeliveryStreamName: 'a' }))
    await expect(put('a', 'x')).rejects.toMatchObject({ name: 'ResourceNotFoundException', message: 'Firehose a under account 000000000000 not found.' })
    await service.close()
    expect(store.objects.map(({ body }) => textOf(body))).toEqual(['kept'])
  })

  it('updates a destination: what came before is delivered as it was to be, and the version counts', async () => {
    await create('clicks', { Prefix: 'old/' })
    const update = (more: object, CurrentDeliveryStreamVersionId = '1') =>
      client.send(
        new UpdateDestinationCommand({
          DeliveryStreamName: 'clicks',
          CurrentDeliveryStreamVersionId,
          DestinationId: 'destinationId-000000000001',
          ExtendedS3DestinationUpdate: more,
        }),
      )
    await put('clicks', 'one')
    await update({})
    await update({ Prefix: 'old/' })
    await update({ Prefix: 'new/', ProcessingConfiguration: { Enabled: true, Processors: [{ Type: 'AppendDelimiterToRecord' }] } })
    await expect(update({ Prefix: 'x/' })).rejects.toMatchObject({
      name: 'ConcurrentModificationException',
      message: 'Cannot update firehose: clicks since the current version id: 2 and specified version id: 1 do not match',
    })
    await expect(update({ BufferingHints: { SizeInMBs: 500, IntervalInSeconds: 60 } }, '2')).rejects.toMatchObject({ name: 'InvalidArgumentException' })
    await put('clicks', 'two')
    await put('clicks', 'three')
    expect((await client.send(new DescribeDeliveryStreamCommand({ DeliveryStreamName: 'clicks' }))).DeliveryStreamDescription).toMatchObject({
      VersionId: '2',
      LastUpdateTimestamp: expect.any(Date),
    })
    await service.close()
    expect(store.objects.map(({ key, body }) => [key.replace(/\d{4}\/.*(clicks-\d).*/, '$1'), textOf(body)])).toEqual([
      ['old/clicks-1', 'one'],
      ['new/clicks-2', 'two\nthree'],
    ])
  })

  it('is refused with the names and limits of the service', async () => {
    await create('clicks')
    const batch = (Records: { Data: Uint8Array }[]) => client.send(new PutRecordBatchCommand({ DeliveryStreamName: 'clicks', Records }))
    await expect(create('clicks')).rejects.toMatchObject({ name: 'ResourceInUseException', $metadata: { httpStatusCode: 400 } })
    await expect(create('bad', { BufferingHints: { SizeInMBs: 0, IntervalInSeconds: 60 } })).rejects.toMatchObject({
      name: 'InvalidArgumentException',
      message: '"config.ExtendedS3DestinationConfiguration.BufferingHints.SizeInMBs" expected a whole number from 1 to 128, got 0',
    })
    await expect(create('a b')).rejects.toMatchObject({ name: 'InvalidArgumentException' })
    await expect(put('none', 'x')).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
    await expect(client.send(new PutRecordCommand({ DeliveryStreamName: 'clicks', Record: { Data: new Uint8Array(1_024_001) } }))).rejects.toMatchObject({
      name: 'ValidationException',
      message: "1 validation error detected: Value at 'record.data' failed to satisfy constraint: Member must have length less than or equal to 1024000",
    })
    await expect(batch([])).rejects.toMatchObject({
      name: 'ValidationException',
      message: expect.stringContaining("'records' failed to satisfy constraint: Member must have length greater"),
    })
    await expect(batch(Array(501).fill({ Data: bytesOf('x') }))).rejects.toMatchObject({ name: 'ValidationException' })
    await expect(batch(Array(5).fill({ Data: new Uint8Array(900_000) }))).rejects.toMatchObject({ name: 'InvalidArgumentException' })
    await batch(Array(4).fill({ Data: new Uint8Array(1_024_000) }))
    expect(service.stream('clicks')?.metrics()).toMatchObject({ accepted: 4, acceptedBytes: 4_096_000 })
  })
})

describe('a request', () => {
  const ask = async (service: FirehoseService, target: string | undefined, body: string | Uint8Array) => {
    const answer = await service.handle({
      headers: target === undefined ? {} : { 'x-amz-target': target },
      body: typeof body === 'string' ? bytesOf(body) : body,
    })
    return { status: answer.status, type: answer.headers['x-amzn-errortype'], body: JSON.parse(textOf(answer.body)) }
  }

  it.each<[string | undefined, string | Uint8Array, string]>([
    [undefined, '{}', 'UnknownOperationException'],
    ['Firehose_20150804.Nonsense', '{}', 'UnknownOperationException'],
    ['Firehose_20150804.__proto__', '{}', 'UnknownOperationException'],
    ['Firehose_20150804.toString', '{}', 'UnknownOperationException'],
    ['Kinesis_20131202.PutRecord', '{}', 'UnknownOperationException'],
    ['Firehose_20150804.PutRecord', '{', 'SerializationException'],
    ['Firehose_20150804.PutRecord', new Uint8Array([0xff]), 'SerializationException'],
    ['Firehose_20150804.PutRecord', '[]', 'SerializationException'],
    ['Firehose_20150804.PutRecord', '{"Record":{"Data":"a"}}', 'SerializationException'],
    ['Firehose_20150804.PutRecord', '{"Record":{"Data":5}}', 'SerializationException'],
    ['Firehose_20150804.PutRecord', '{"Record":{}}', 'ValidationException'],
    ['Firehose_20150804.PutRecord', '{"DeliveryStreamName":"clicks"}', 'ValidationException'],
    ['Firehose_20150804.PutRecord', '{"Record":{"Data":""}}', 'ValidationException'],
    ['Firehose_20150804.PutRecord', '{"DeliveryStreamName":5,"Record":{"Data":""}}', 'SerializationException'],
    ['Firehose_20150804.PutRecordBatch', '{"Records":"x"}', 'SerializationException'],
    ['Firehose_20150804.PutRecordBatch', '{"DeliveryStreamName":"clicks","Records":[null]}', 'ValidationException'],
    ['Firehose_20150804.TagDeliveryStream', '{"DeliveryStreamName":"clicks","Tags":[null]}', 'ValidationException'],
    ['Firehose_20150804.ListDeliveryStreams', '{"Limit":0}', 'ValidationException'],
    ['Firehose_20150804.CreateDeliveryStream', '', 'InvalidArgumentException'],
  ])('to %j with %j is %s', async (target, body, name) => {
    const service = createFirehoseService({ store: memoryStore() })
    service.create(configOf())
    const { status, type, body: said } = await ask(service, target, body)
    expect([status, type, said.__type, typeof said.message]).toEqual([400, name, name, 'string'])
    await service.close()
  })

  it('whatever it is, is answered, and never with a fault of ours', async () => {
    const service = createFirehoseService({ store: memoryStore() })
    service.create(configOf())
    const names = [
      'PutRecord',
      'PutRecordBatch',
      'CreateDeliveryStream',
      'DescribeDeliveryStream',
      'ListDeliveryStreams',
      'UpdateDestination',
      'TagDeliveryStream',
      'UntagDeliveryStream',
    ]
    const member = fc.constantFrom(
      'Record',
      'Records',
      'Tags',
      'TagKeys',
      'Limit',
      'DestinationId',
      'CurrentDeliveryStreamVersionId',
      'ExtendedS3DestinationUpdate',
      '__proto__',
    )
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...names), fc.dictionary(member, fc.jsonValue({ maxDepth: 3 })), async (name, members) => {
        const { status } = await ask(service, `Firehose_20150804.${name}`, JSON.stringify({ DeliveryStreamName: 'clicks', ...members }))
        expect([200, 400]).toContain(status)
      }),
      { numRuns: 500 },
    )
    await service.close()
  })

  it('to a stream with a Kinesis source is refused', async () => {
    const service = createFirehoseService({ store: memoryStore() })
    service.create(configOf({}, { DeliveryStreamType: 'KinesisStreamAsSource', KinesisStreamSourceConfiguration: { KinesisStreamARN: 'arn:aws:kinesis:x' } }))
    const { body } = await ask(service, 'Firehose_20150804.PutRecord', '{"DeliveryStreamName":"clicks","Record":{"Data":""}}')
    expect(body).toEqual({ __type: 'InvalidArgumentException', message: 'This operation is not permitted on KinesisStreamAsSource delivery stream type.' })
    await service.close()
  })

  it('that finds no room for five seconds is to come again, and nothing of it is taken', async () => {
    const simulation = createSimulation(1)
    let works = false
    const objects: Uint8Array[] = []
    const store = {
      async put({ body }: { body: Uint8Array }) {
        if (!works) throw new Error('full')
        objects.push(body)
      },
    }
    const service = createFirehoseService({ store, maxBufferedBytes: 1 << 20, ports: simulation })
    const stream = service.create(configOf())
    const record = JSON.stringify({ DeliveryStreamName: 'clicks', Record: { Data: Buffer.alloc(700_000).toString('base64') } })
    await simulation.run(
      (async () => {
        const answers = []
        for (let i = 0; i < 4; i++) answers.push(await ask(service, 'Firehose_20150804.PutRecord', record))
        expect(answers.map(({ status, type }) => [status, type])).toEqual([
          [200, undefined],
          [200, undefined],
          [503, 'ServiceUnavailableException'],
          [503, 'ServiceUnavailableException'],
        ])
        expect(stream.metrics().accepted).toBe(2)
        works = true
        await service.close()
        expect(objects.reduce((sum, { length }) => sum + length, 0)).toBe(1_400_000)
        expect((await ask(service, 'Firehose_20150804.PutRecord', record)).status).toBe(503)
      })(),
    )
  })
})
