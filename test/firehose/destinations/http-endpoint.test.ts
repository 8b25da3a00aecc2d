import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { DestinationOptions } from '../../../src/firehose/destinations/destination.js'
import { createHttpEndpoint as create } from '../../../src/firehose/destinations/http-endpoint.js'
import { replayErrors } from '../../../src/firehose/errors/replay.js'
import { type Answer, bytes, failing, json, record, type Sent, text, world } from './web.js'

const createHttpEndpoint = (config: unknown, options: DestinationOptions) => create(config, 'HttpEndpointDestinationConfiguration', options)
const URL = 'https://example.com/in?x=1'
const config = (more: object = {}) => ({ EndpointConfiguration: { Url: URL }, ...more })
const seconds = (DurationInSeconds: number) => ({ RetryOptions: { DurationInSeconds } })
const bodyOf = ({ body }: Sent) => JSON.parse(text(body))
const taken: Answer = (request) => json(200, { requestId: request.headers['x-amz-firehose-request-id'], timestamp: 1 })

describe('the request', () => {
  it('has body and headers as the guide prints them', async () => {
    const { options, run, sent } = world(taken)
    const endpoint = createHttpEndpoint(
      config({
        EndpointConfiguration: { Url: URL, Name: 'n', AccessKey: 'k e y' },
        RequestConfiguration: {
          CommonAttributes: [
            { AttributeName: 'deployment -context', AttributeValue: 'pre-prod-gamma' },
            { AttributeName: '__proto__', AttributeValue: 'Zürich 🏔' },
          ],
        },
      }),
      options,
    )
    expect(await run(endpoint.deliver([record('hello'), record(Uint8Array.of(0, 255)), record('')]))).toEqual([])
    const [{ method, url, headers, body }] = sent
    expect([method, url]).toEqual(['POST', URL])
    const requestId = headers['x-amz-firehose-request-id']
    expect(requestId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(text(body)).toBe(`{"requestId":"${requestId}","timestamp":1700000000000,"records":[{"data":"aGVsbG8="},{"data":"AP8="},{"data":""}]}`)
    expect(headers).toEqual({
      'content-type': 'application/json',
      'user-agent': 'Amazon Kinesis Data Firehose Agent/1.0',
      'x-amz-firehose-protocol-version': '1.0',
      'x-amz-firehose-request-id': requestId,
      'x-amz-firehose-source-arn': 'arn:aws:firehose:eu-central-1:1:deliverystream/s',
      'x-amz-firehose-access-key': 'k e y',
      'x-amz-firehose-common-attributes': '{"commonAttributes":{"deployment -context":"pre-prod-gamma","__proto__":"Z\\u00fcrich \\ud83c\\udfd4"}}',
    })
  })

  it('is gzip where that is asked for', async () => {
    const { options, run, sent } = world(taken)
    const endpoint = createHttpEndpoint(config({ RequestConfiguration: { ContentEncoding: 'GZIP' } }), options)
    await run(endpoint.deliver([record('hello')]))
    expect(sent[0].headers['content-encoding']).toBe('gzip')
    expect(JSON.parse(gunzipSync(sent[0].body).toString()).records).toEqual([{ data: 'aGVsbG8=' }])
  })

  it('has 10,000 records and 64 MiB at most; a record that fits none fails alone', async () => {
    const { options, run, sent } = world(taken)
    const endpoint = createHttpEndpoint(config(), options)
    await run(endpoint.deliver(Array.from({ length: 20_001 }, () => record('x'))))
    expect(sent.map((request) => bodyOf(request).records.length)).toEqual([10_000, 10_000, 1])
    expect(new Set(sent.map(({ headers }) => headers['x-amz-firehose-request-id'])).size).toBe(3)
    sent.length = 0
    const large = record(new Uint8Array(24 << 20))
    const failed = await run(endpoint.deliver([large, record(new Uint8Array(49 << 20)), large, record('x')]))
    // Two of them would be 64 MiB and what is round them.
    expect(sent.map(({ body }) => body.length >> 20)).toEqual([32, 32])
    expect(failed).toMatchObject([{ code: 'HttpEndpoint.RequestTooLarge', attempts: 0 }])
  })
})

describe('an answer that is none', () => {
  const id = (request: Sent) => bodyOf(request).requestId
  it.each<[string, Answer, string, string]>([
    ['another status', () => json(503, { errorMessage: 'busy' }), 'DestinationException', '503: {"errorMessage":"busy"}'],
    ['202', (r) => json(202, { requestId: id(r), timestamp: 1 }), 'DestinationException', '202: '],
    ['a redirect', () => json(302, '', { location: '/' }), 'DestinationException', '302: '],
    [
      'another type',
      (r) => json(200, { requestId: id(r), timestamp: 1 }, { 'content-type': 'text/html' }),
      'InvalidResponseFromDestination',
      'content-type "text/html"',
    ],
    ['an encoding', (r) => json(200, { requestId: id(r), timestamp: 1 }, { 'content-encoding': 'gzip' }), 'InvalidResponseFromDestination', 'content-encoding'],
    [
      'no length',
      (r) => ({ ...json(200, { requestId: id(r), timestamp: 1 }), headers: { 'content-type': 'application/json' } }),
      'InvalidResponseFromDestination',
      'no content-length',
    ],
    ['no JSON', () => json(200, 'ok'), 'InvalidResponseFromDestination', 'is not recognized as valid JSON. Raw response received: 200 ok'],
    ['null', () => json(200, 'null'), 'InvalidResponseFromDestination', 'is null'],
    ['another id', () => json(200, { requestId: 'x', timestamp: 1 }), 'InvalidResponseFromDestination', 'requestId "x"'],
    ['a timestamp in text', (r) => json(200, { requestId: id(r), timestamp: '1' }), 'InvalidResponseFromDestination', 'timestamp "1"'],
    ['an unexpected field', (r) => json(200, { requestId: id(r), timestamp: 1, ok: true }), 'InvalidResponseFromDestination', 'the unexpected field "ok"'],
    ['too large', () => json(200, ' '.repeat((1 << 20) + 1)), 'ResponseTooLarge', '1048576 bytes'],
    ['a reset', () => failing('ECONNRESET'), 'ConnectionReset', 'ECONNRESET: no'],
    ['a body that breaks off', () => failing('UND_ERR_SOCKET'), 'ConnectionReset', 'UND_ERR_SOCKET'],
    ['nobody there', () => failing('ECONNREFUSED'), 'ConnectionFailed', 'ECONNREFUSED'],
    ['a failure without a code', () => failing(undefined), 'ConnectionFailed', 'no'],
    ['no trust', () => failing('DEPTH_ZERO_SELF_SIGNED_CERT'), 'SSLHandshakeFailure', 'SELF_SIGNED'],
    ['none in three minutes', () => 'never', 'RequestTimeout', 'no answer within 180000 ms'],
  ])('%s', async (_, answer, code, message) => {
    const { options, run, sent, clock } = world(answer)
    const start = clock.now()
    const one = record('x')
    const failed = await run(createHttpEndpoint(config(seconds(0)), options).deliver([one]))
    expect(failed).toEqual([{ record: one, code: `HttpEndpoint.${code}`, message: expect.stringContaining(message), attempts: 1, attemptEnd: clock.now() }])
    expect(clock.now() - start).toBe(code === 'RequestTimeout' ? 180_000 : 0)
    expect(sent).toHaveLength(1)
  })

  it('is taken with a charset, and an errorMessage beside 200', async () => {
    const { options, run } = world((r) =>
      json(200, { requestId: id(r), timestamp: 1, errorMessage: '' }, { 'content-type': 'application/json; charset=utf-8' }),
    )
    expect(await run(createHttpEndpoint(config(), options).deliver([record('x')]))).toEqual([])
  })
})

describe('a failure is tried again', () => {
  it('after 1 s x 2^n, 15 % more or less, at most 120 s, with the same request, until it is taken', async () => {
    const { options, run, sent, gaps } = world((request, count) => (count < 11 ? json(500, '') : taken(request, count)))
    expect(await run(createHttpEndpoint(config(seconds(7200)), options).deliver([record('x')]))).toEqual([])
    expect(gaps()).toHaveLength(11)
    for (const [n, gap] of gaps().entries()) {
      expect(gap).toBeGreaterThanOrEqual(Math.min(850 * 2 ** n, 120_000 * 0.85))
      expect(gap).toBeLessThanOrEqual(Math.min(1150 * 2 ** n, 120_000))
    }
    expect(new Set(gaps().map((gap, n) => gap / 2 ** n)).size).toBeGreaterThan(5)
    expect(new Set(sent.map(({ body }) => text(body))).size).toBe(1)
  })

  it('until the duration is over, in which the time of the answers does not count', async () => {
    const slow = world(() => json(500, ''), { latency: 60_000 })
    const failed = await slow.run(createHttpEndpoint(config(seconds(10)), slow.options).deliver([record('x'), record('y')]))
    // The waits alone make ten seconds; the last one is cut to what is left of them.
    expect(slow.gaps().reduce((sum, gap) => sum + gap - 60_000, 0)).toBe(10_000)
    expect(failed).toMatchObject([{ attempts: slow.sent.length }, { attempts: slow.sent.length }])
    expect(slow.sent.length).toBe(5)
  })

  it('by default for 300 s', async () => {
    const { options, run, gaps } = world(() => json(500, ''))
    await run(createHttpEndpoint(config(), options).deliver([record('x')]))
    expect(gaps().reduce((sum, gap) => sum + gap, 0)).toBe(300_000)
  })

  it('but for 413, which is final, and leaves the other requests alone', async () => {
    const { options, run, sent } = world((request, count) => (count === 0 ? json(413, { errorMessage: 'Payload too large' }) : taken(request, count)))
    const failed = await run(createHttpEndpoint(config(), options).deliver(Array.from({ length: 10_001 }, () => record('x'))))
    expect(failed).toHaveLength(10_000)
    expect(failed[0]).toMatchObject({
      code: 'HttpEndpoint.DestinationException',
      attempts: 1,
      message: expect.stringContaining('413: {"errorMessage":"Payload too large"}'),
    })
    expect(sent).toHaveLength(2)
  })

  it('but where the signal is aborted, in an answer and in a wait', async () => {
    for (const answer of [() => 'never', () => json(500, '')] as Answer[]) {
      const { options, run, clock } = world(answer)
      const abort = new AbortController()
      const delivered = createHttpEndpoint(config(seconds(7200)), options).deliver([record('x')], abort.signal)
      clock.sleep(90_000).then(() => abort.abort(new Error('enough')))
      await expect(run(delivered)).rejects.toThrow('enough')
    }
    const { options, run, clock } = world(() => 'never')
    const abort = new AbortController()
    const delivered = createHttpEndpoint(config(seconds(0)), options).deliver([record('x')], abort.signal)
    clock.sleep(1).then(() => abort.abort(new Error('enough')))
    await expect(run(delivered)).rejects.toThrow('enough')
  })
})

it("a failure's line is as the guide prints it, and is read again", async () => {
  const { options, run } = world(() => json(500, 'no'))
  const endpoint = createHttpEndpoint(config(seconds(0)), options)
  const records = [record('sent', { sequenceNumber: '49607357361271740811418664280693044274821622880012337186', subSequenceNumber: 3 }), record('b')]
  const failed = await run(endpoint.deliver(records))
  const lines = failed.map((failure) => endpoint.failureLine(failure))
  expect(lines[0]).toBe(
    '{"attemptsMade":1,"arrivalTimestamp":1700000000000,"errorCode":"HttpEndpoint.DestinationException","errorMessage":"The following response was received from the endpoint destination. 500: no","attemptEndingTimestamp":1700000000000,"rawData":"c2VudA==","subsequenceNumber":3,"dataId":"49607357361271740811418664280693044274821622880012337186.3"}',
  )
  const { dataId, subsequenceNumber } = JSON.parse(lines[1])
  expect(dataId).toMatch(/^49\d{54}\.0$/)
  expect(subsequenceNumber).toBe(0)
  expect(endpoint.failureLine(failed[1])).toBe(lines[1])
  const read = []
  for await (const one of replayErrors([bytes(lines.join('\n'))])) read.push(one)
  expect(read.map(({ data, code, subSequenceNumber }) => [text(data), code, subSequenceNumber])).toEqual([
    ['sent', 'HttpEndpoint.DestinationException', 3],
    ['b', 'HttpEndpoint.DestinationException', 0],
  ])
  expect(endpoint.errorOutputType).toBe('http-endpoint-failed')
})

it.each([
  [{}, '"HttpEndpointDestinationConfiguration.EndpointConfiguration" expected an object, got undefined'],
  [config({ EndpointConfiguration: {} }), 'EndpointConfiguration.Url" expected an https:// or http:// URL of at most 1000 characters, got undefined'],
  [config({ EndpointConfiguration: { Url: 'ftp://x' } }), 'Url" expected an https:// or http:// URL of at most 1000 characters, got "ftp://x"'],
  [config({ EndpointConfiguration: { Url: 'https://[' } }), 'Url" expected an https:// or http:// URL'],
  [config({ EndpointConfiguration: { Url: `https://${'x'.repeat(1000)}` } }), 'Url" expected an https:// or http:// URL'],
  [config({ EndpointConfiguration: { Url: URL, Key: 'x' } }), 'EndpointConfiguration" expected one of Url, Name, AccessKey, got "Key"'],
  [config({ EndpointConfiguration: { Url: URL, AccessKey: 'a\nb' } }), 'AccessKey" expected at most 4096 characters, none of them a control character'],
  [config({ EndpointConfiguration: { Url: URL, AccessKey: 'k'.repeat(4097) } }), 'AccessKey" expected at most 4096 characters'],
  [config({ EndpointConfiguration: { Url: URL, AccessKey: 5 } }), 'AccessKey" expected text'],
  [config(seconds(7201)), 'RetryOptions.DurationInSeconds" expected a whole number from 0 to 7200, got 7201'],
  [config({ RequestConfiguration: { ContentEncoding: 'BROTLI' } }), 'ContentEncoding" expected one of NONE, GZIP, got "BROTLI"'],
  [config({ RequestConfiguration: { CommonAttributes: [{ AttributeName: '' }] } }), 'CommonAttributes[0].AttributeName" expected text of 1 to 256 characters'],
  [config({ RequestConfiguration: { CommonAttributes: Array(51).fill({}) } }), 'CommonAttributes" expected 0 to 50 entries, got 51'],
  [config({ RequestConfiguration: [] }), 'RequestConfiguration" expected an object, got an array'],
  [config({ SecretsManagerConfiguration: { Enabled: true } }), 'SecretsManagerConfiguration" expected none: AWS Secrets Manager is not read here'],
  [config({ Endpoint: 1 }), '"HttpEndpointDestinationConfiguration" expected one of '],
  [config({ BufferingHints: { SizeInMBs: 65 } }), 'BufferingHints.SizeInMBs" expected a whole number from 1 to 64, got 65'],
])('refuses %j', (wrong, message) => {
  expect(() => createHttpEndpoint(wrong, world(taken).options)).toThrow(message)
})

it('says when a buffer is delivered, and what S3 gets', () => {
  const { options } = world(taken)
  expect(createHttpEndpoint(config({ SecretsManagerConfiguration: { Enabled: false }, S3Configuration: {} }), options)).toMatchObject({
    hints: { bytes: 5 << 20, interval: 300_000 },
    backupAll: false,
  })
  expect(createHttpEndpoint(config({ S3BackupMode: 'AllData', BufferingHints: { SizeInMBs: 64, IntervalInSeconds: 0 } }), options)).toMatchObject({
    hints: { bytes: 64 << 20, interval: 0 },
    backupAll: true,
  })
})
