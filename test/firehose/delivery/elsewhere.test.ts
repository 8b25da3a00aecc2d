// A delivery stream to another destination than S3, from put to its end, in simulated time.
import { describe, expect, it } from 'vitest'
import type { DeliveryStreamConfiguration } from '../../../src/firehose/delivery/config/configuration.js'
import { createDeliveryStream } from '../../../src/firehose/delivery/delivery-stream.js'
import { memoryStore } from '../../../src/firehose/delivery/store.js'
import type { DeliveryStreamOptions } from '../../../src/firehose/delivery/stream-options.js'
import type { RedshiftLoad } from '../../../src/firehose/destinations/redshift.js'
import { replayErrors } from '../../../src/firehose/errors/replay.js'
import { createSimulation } from '../../../src/ports/simulated.js'
import type { Transport, WebRequest, WebResponse } from '../../../src/ports/transport.js'
import { bytesOf, HOUR, linesOf, NOW, processing, processor, textOf } from './streams.js'

const S3Configuration = { RoleARN: 'arn:aws:iam::1:role/r', BucketARN: 'arn:aws:s3:::lake', Prefix: 'p/' }
const configOf = (destination: object): DeliveryStreamConfiguration => ({ DeliveryStreamName: 'clicks', ...destination })
const answer = (status: number, value: unknown): WebResponse => {
  const body = bytesOf(JSON.stringify(value))
  return { status, headers: { 'content-type': 'application/json', 'content-length': String(body.length) }, body }
}

async function run(
  config: DeliveryStreamConfiguration,
  records: readonly string[],
  reply: (request: WebRequest) => WebResponse,
  options: Partial<DeliveryStreamOptions> = {},
) {
  const simulation = createSimulation(1, NOW)
  const store = memoryStore()
  const sent: WebRequest[] = []
  const transport: Transport = {
    async send(request) {
      sent.push(request)
      return reply(request)
    },
  }
  const stream = createDeliveryStream(config, { store, ports: simulation, transport, ...options })
  const work = async () => {
    for (const record of records) await stream.put(bytesOf(record))
    await stream.close()
  }
  await simulation.run(work())
  return { objects: store.objects, sent, metrics: stream.metrics() }
}

const taken = ({ headers }: WebRequest) => answer(200, { requestId: headers['x-amz-firehose-request-id'], timestamp: 1 })
const http = (more: object = {}) =>
  configOf({ HttpEndpointDestinationConfiguration: { EndpointConfiguration: { Url: 'https://x' }, S3Configuration, ...more } })

describe('an HTTP endpoint', () => {
  it('gets the records, and S3 nothing', async () => {
    const { objects, sent, metrics } = await run(http(), ['a', 'b'], taken)
    expect(objects).toEqual([])
    expect(sent).toHaveLength(1)
    expect(sent[0].headers['x-amz-firehose-source-arn']).toBe('arn:aws:firehose:us-east-1:000000000000:deliverystream/clicks')
    expect(JSON.parse(textOf(sent[0].body)).records).toEqual([{ data: 'YQ==' }, { data: 'Yg==' }])
    expect(metrics).toMatchObject({ accepted: 2, delivered: 2, failed: 0, heldBytes: 0 })
  })

  it('has what it does not take in S3, as it was to be delivered', async () => {
    const upper = async ({ records }: { records: { recordId: string; data?: string | undefined }[] }) => ({
      records: records.map(({ recordId, data = '' }) => ({
        recordId,
        result: 'Ok' as const,
        data: Buffer.from(Buffer.from(data, 'base64').toString().toUpperCase()).toString('base64'),
      })),
    })
    const config = http({ RetryOptions: { DurationInSeconds: 0 }, ...processing(processor('Lambda', { LambdaArn: 'arn:aws:lambda:us-east-1:1:function:f' })) })
    const { objects, metrics } = await run(config, ['a', 'b'], () => answer(500, {}), { handler: upper as never })
    expect(objects).toHaveLength(1)
    expect(objects[0]).toMatchObject({ bucket: 'lake', key: expect.stringMatching(`^p/http-endpoint-failed/${HOUR}clicks-1-`) })
    expect(linesOf(objects[0].body)).toMatchObject([
      { errorCode: 'HttpEndpoint.DestinationException', rawData: 'QQ==', dataId: expect.stringMatching(/^49\d{54}\.0$/) },
      { rawData: 'Qg==' },
    ])
    const read = []
    for await (const { data } of replayErrors([objects[0].body])) read.push(textOf(data))
    expect(read).toEqual(['A', 'B'])
    expect(metrics).toMatchObject({ delivered: 0, failed: 2, errorObjects: 1, heldBytes: 0, failures: { 'HttpEndpoint.DestinationException': 2 } })
  })

  it('has all records in S3 too where that is wanted', async () => {
    const { objects, metrics } = await run(http({ S3BackupMode: 'AllData' }), ['a', 'b'], taken)
    expect(objects.map(({ key, body }) => [key.slice(0, 16), textOf(body)])).toEqual([[`p/${HOUR}`, 'ab']])
    expect(metrics).toMatchObject({ delivered: 2, backedUp: 2, backupObjects: 1 })
  })

  it('is delivered to by its own buffering hints, and given up when the stream is', async () => {
    const simulation = createSimulation(1, NOW)
    let requests = 0
    const transport: Transport = {
      async send() {
        requests++
        return answer(500, {})
      },
    }
    const config = http({ BufferingHints: { SizeInMBs: 1, IntervalInSeconds: 10 }, RetryOptions: { DurationInSeconds: 7200 } })
    const stream = createDeliveryStream(config, { store: memoryStore(), ports: simulation, transport })
    const abort = new AbortController()
    const work = async () => {
      await stream.put(bytesOf('a'))
      await simulation.clock.sleep(9_999)
      expect(requests).toBe(0)
      await simulation.clock.sleep(1)
      await simulation.clock.sleep(0)
      expect(requests).toBe(1)
      simulation.clock.sleep(60_000).then(() => abort.abort(new Error('enough')))
      await stream.close({ signal: abort.signal })
    }
    await expect(simulation.run(work())).rejects.toThrow('1 object with 1 records could not be written')
  })
})

it('OpenSearch gets documents, and S3 those that it refuses', async () => {
  const config = configOf({
    AmazonopensearchserviceDestinationConfiguration: { ClusterEndpoint: 'https://x', IndexName: 'i', IndexRotationPeriod: 'OneMonth', S3Configuration },
  })
  const items = [{ index: { status: 201 } }, { index: { status: 400, error: { type: 't' } } }]
  const { objects, sent, metrics } = await run(config, ['{"a":1}', 'no JSON', '{"b":2}'], () => answer(200, { items }), {
    searchHeaders: { authorization: 'Basic x' },
  })
  expect(sent[0].headers.authorization).toBe('Basic x')
  expect(objects).toHaveLength(1)
  expect(objects[0].key).toMatch(`p/AmazonOpenSearchService-failed/${HOUR}`)
  expect(linesOf(objects[0].body)).toMatchObject([
    { attemptsMade: 0, rawData: Buffer.from('no JSON').toString('base64') },
    { attemptsMade: 1, errorCode: '400', esIndexName: 'i-2026-11', rawData: Buffer.from('{"b":2}').toString('base64') },
  ])
  expect(metrics).toMatchObject({ delivered: 1, failed: 2 })
})

it('Splunk, as DescribeDeliveryStream tells of it', async () => {
  const SplunkDestinationDescription = { HECEndpoint: 'https://x', HECEndpointType: 'Raw', HECToken: 't', S3DestinationDescription: S3Configuration }
  const described = { DeliveryStreamDescription: { DeliveryStreamName: 'clicks', Destinations: [{ DestinationId: 'd', SplunkDestinationDescription }] } }
  const reply = ({ url }: WebRequest) => answer(200, url.includes('/ack') ? { acks: { 0: true } } : { code: 0, ackId: 0 })
  const { sent, metrics } = await run(described as DeliveryStreamConfiguration, ['a', 'b'], reply)
  expect(textOf(sent[0].body)).toBe('ab')
  expect(metrics).toMatchObject({ delivered: 2, failed: 0 })
})

describe('Redshift', () => {
  const redshift = (more: object = {}) =>
    configOf({
      RedshiftDestinationConfiguration: {
        RoleARN: 'arn:aws:iam::1:role/r',
        ClusterJDBCURL: 'jdbc:redshift://c:5439/dev',
        CopyCommand: { DataTableName: 't' },
        S3Configuration,
        ...more,
      },
    })
  const nobody = () => expect.unreachable()

  it('copies the objects by their manifest', async () => {
    const statements: string[] = []
    const loads: RedshiftLoad[] = []
    const { objects, metrics } = await run(redshift(), ['a', 'b'], nobody, {
      redshiftQuery: async (statement) => void statements.push(statement),
      onRedshiftLoad: (load) => loads.push(load),
    })
    const [data, manifest] = objects
    expect([data.key.startsWith(`p/${HOUR}clicks-1-`), textOf(data.body)]).toEqual([true, 'ab'])
    expect(manifest.key).toBe(`p/manifests/${data.key.slice(2)}`)
    expect(JSON.parse(textOf(manifest.body))).toEqual({ entries: [{ url: `s3://lake/${data.key}`, mandatory: true }] })
    expect(statements).toEqual([`COPY t FROM 's3://lake/${manifest.key}' CREDENTIALS 'aws_iam_role=arn:aws:iam::1:role/r' MANIFEST;`])
    expect(loads).toMatchObject([{ status: 'copied' }])
    expect(metrics).toMatchObject({ delivered: 2, copied: 1, skipped: 0, objects: 1 })
  })

  it('leaves a manifest under errors/ where it cannot', async () => {
    const { objects, metrics } = await run(redshift({ RetryOptions: { DurationInSeconds: 0 } }), ['a'], nobody, {
      redshiftQuery: () => Promise.reject(new Error('no')),
    })
    expect(objects.map(({ key }) => key.slice(0, 19))).toEqual([`p/${HOUR}clic`.slice(0, 19), 'p/manifests/2026/11', 'p/errors/manifests/'])
    expect(metrics).toMatchObject({ copied: 0, skipped: 1 })
  })

  it('is told of as not done where it is given up', async () => {
    const simulation = createSimulation(1, NOW)
    const redshiftQuery = () => Promise.reject(new Error('no'))
    const stream = createDeliveryStream(redshift(), { store: memoryStore(), ports: simulation, redshiftQuery })
    const abort = new AbortController()
    const work = async () => {
      await stream.put(bytesOf('a'))
      simulation.clock.sleep(60_000).then(() => abort.abort(new Error('enough')))
      await stream.close({ signal: abort.signal })
    }
    await expect(simulation.run(work())).rejects.toThrow('1 object is stored and was not copied into Redshift')
  })
})

it.each([
  [http({ EndpointConfiguration: {} }), '"config.HttpEndpointDestinationConfiguration.EndpointConfiguration.Url" expected an https:// or http:// URL'],
  [http({ S3Configuration: undefined }), '"config.HttpEndpointDestinationConfiguration.S3Configuration" expected an object, got undefined'],
  [
    http({ ProcessingConfiguration: { Enabled: 1 } }),
    '"config.HttpEndpointDestinationConfiguration.ProcessingConfiguration.Enabled" expected true or false, got 1',
  ],
  [configOf({ SplunkDestinationConfiguration: 5 }), '"config.SplunkDestinationConfiguration" expected an object, got 5'],
  [configOf({ RedshiftDestinationConfiguration: { S3Configuration } }), '"config.RedshiftDestinationConfiguration.RoleARN" expected an ARN, got undefined'],
])('refuses %j', (config, message) => {
  expect(() => createDeliveryStream(config, { store: memoryStore() })).toThrow(message)
})
