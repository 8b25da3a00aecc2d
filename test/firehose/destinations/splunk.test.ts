import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { DESTINATIONS } from '../../../src/firehose/destinations/choose.js'
import type { DestinationOptions } from '../../../src/firehose/destinations/destination.js'
import { createSplunk as create } from '../../../src/firehose/destinations/splunk.js'
import { replayErrors } from '../../../src/firehose/errors/replay.js'
import type { WebResponse } from '../../../src/ports/transport.js'
import { systemTransport } from '../../../src/ports/transport.js'
import { type Answer, bytes, failing, json, record, text, world } from './web.js'

const createSplunk = (config: unknown, options: DestinationOptions) => create(config, 'SplunkDestinationConfiguration', options)
const config = (more: object = {}) => ({ HECEndpoint: 'https://splunk.example.com:8088', HECEndpointType: 'Raw', HECToken: 'a-b-c', ...more })
const seconds = (DurationInSeconds: number) => ({ RetryOptions: { DurationInSeconds } })
const ok = (ackId: number) => json(200, { text: 'Success', code: 0, ackId })

/** Acknowledges at the n-th question; what is sent is answered by `sent`, or taken. */
function collector(at: number, sent?: (count: number) => WebResponse | Error | undefined): Answer {
  let taken = 0
  let posts = 0
  let asked = 0
  return ({ url, body }) => {
    if (!url.includes('/ack')) return sent?.(posts++) ?? ok(taken++)
    const [ackId] = JSON.parse(text(body)).acks
    expect(ackId).toBe(taken - 1)
    return json(200, { acks: { [ackId]: ++asked >= at } })
  }
}

describe('what is sent', () => {
  it.each([
    ['Raw', '/services/collector/raw'],
    ['Event', '/services/collector/event'],
  ])('%s: the bytes of all records, then the question whether they are indexed', async (HECEndpointType, path) => {
    const { options, run, sent, gaps } = world(collector(6))
    const splunk = createSplunk(config({ HECEndpointType, HECEndpoint: 'https://splunk.example.com:8088/' }), options)
    expect(await run(splunk.deliver([record('{"event":1}'), record(Uint8Array.of(0, 255)), record('x\n')]))).toEqual([])
    const [{ method, url, headers, body }, ask] = sent
    expect([method, url]).toEqual(['POST', `https://splunk.example.com:8088${path}`])
    const channel = headers['x-splunk-request-channel']
    expect(channel).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    expect(headers).toEqual({ authorization: 'Splunk a-b-c', 'x-splunk-request-channel': channel })
    expect([...body]).toEqual([...bytes('{"event":1}'), 0, 255, ...bytes('x\n')])
    expect(ask).toMatchObject({ method: 'POST', url: `https://splunk.example.com:8088/services/collector/ack?channel=${channel}`, headers })
    expect(text(ask.body)).toBe('{"acks":[0]}')
    expect(gaps()).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000])
  })

  it('is nothing where there are no records', async () => {
    const { options, run, sent } = world(collector(1))
    expect(await run(createSplunk(config(), options).deliver([]))).toEqual([])
    expect(sent).toEqual([])
  })
})

describe('a failure', () => {
  const hec = (status: number, code: number) => () => json(status, { text: 'T', code })
  it.each<[string, () => WebResponse | Error, string]>([
    ['1', hec(403, 1), 'DisabledToken'],
    ['2', hec(401, 2), 'InvalidToken'],
    ['3', hec(401, 3), 'InvalidToken'],
    ['4', hec(403, 4), 'InvalidToken'],
    ['5', hec(400, 5), 'InvalidDataFormat'],
    ['6', hec(400, 6), 'InvalidDataFormat'],
    ['7', hec(400, 7), 'InvalidIndex'],
    ['8', hec(500, 8), 'ServerError'],
    ['9', hec(503, 9), 'ServerError'],
    ['12', hec(400, 12), 'InvalidDataFormat'],
    ['14', hec(400, 14), 'DisabledAck'],
    ['no ackId', hec(200, 0), 'DisabledAck'],
    ['a page', () => json(502, '<html>'), 'ServerError'],
    ['a page with 200', () => json(200, 'hello'), 'ServerError'],
    ['null', () => json(200, 'null'), 'ServerError'],
    ['__proto__', () => json(400, '{"code":"__proto__"}'), 'ServerError'],
    ['nobody there', () => failing('ECONNREFUSED'), 'InvalidEndpoint'],
    ['a reset', () => failing('ECONNRESET'), 'ConnectionClosed'],
    ['no trust', () => failing('CERT_HAS_EXPIRED'), 'SSLHandshake'],
  ])('by code %s fails all, and is tried again', async (_, sent, code) => {
    const { options, run, clock, sent: requests } = world(collector(1, sent))
    const records = [record('a'), record('b')]
    const failed = await run(createSplunk(config(seconds(2)), options).deliver(records))
    const common = { code: `Splunk.${code}`, message: expect.any(String), attempts: 3, attemptEnd: clock.now() }
    expect(failed).toEqual(records.map((record) => ({ record, ...common })))
    expect(requests).toHaveLength(3)
    const passing = world(collector(1, (count) => (count === 0 ? (sent() as WebResponse) : undefined)))
    expect(await passing.run(createSplunk(config(), passing.options).deliver(records))).toEqual([])
  })

  it('is an acknowledgment that does not come in time, each attempt with a time of its own', async () => {
    const { options, run, sent, clock } = world(collector(Number.POSITIVE_INFINITY))
    const start = clock.monotonic()
    const failed = await run(createSplunk(config({ ...seconds(1), HECAcknowledgmentTimeoutInSeconds: 200 }), options).deliver([record('a')]))
    const posts = sent.filter(({ url }) => url.endsWith('/raw'))
    expect(failed).toMatchObject([{ code: 'Splunk.AckTimeout', attempts: posts.length }])
    expect(posts.length).toBeGreaterThan(1)
    // The time of the acknowledgments does not count against the duration.
    expect(clock.monotonic() - start).toBe(200_000 * posts.length + 1000)
    expect(sent.filter(({ at }) => at === 200_000)).toHaveLength(1)
  })

  it.each<[string, WebResponse | Error]>([
    ['nobody there', failing('ECONNREFUSED')],
    ['a busy node', json(503, { code: 9 })],
    ['no JSON', json(200, 'x')],
    ['null', json(200, { acks: null })],
    ['other ids', json(200, { acks: { 7: true } })],
  ])('of a question (%s) is no failure of the records', async (_, answer) => {
    const { options, run, sent } = world(({ url }, count) => (url.includes('/ack') ? (count < 4 ? answer : json(200, { acks: { 0: true } })) : ok(0)))
    expect(await run(createSplunk(config(), options).deliver([record('a')]))).toEqual([])
    expect(sent).toHaveLength(5)
  })

  it('is a node that does not know the channel', async () => {
    const { options, run, sent } = world(({ url }) => (url.includes('/ack') ? json(400, { text: 'Invalid data channel', code: 11 }) : ok(0)))
    expect(await run(createSplunk(config(seconds(0)), options).deliver([record('a')]))).toMatchObject([
      { code: 'Splunk.ProxyWithoutStickySessions', attempts: 1 },
    ])
    expect(sent).toHaveLength(2)
  })

  it('is none where the signal is aborted', async () => {
    for (const answer of [() => 'never', collector(Number.POSITIVE_INFINITY)] as Answer[]) {
      const { options, run, clock } = world(answer)
      const abort = new AbortController()
      const delivered = createSplunk(config(), options).deliver([record('x')], abort.signal)
      clock.sleep(20_500).then(() => abort.abort(new Error('enough')))
      await expect(run(delivered)).rejects.toThrow('enough')
    }
  })

  it('has a line as the guide prints it, which is read again', async () => {
    const { options, run } = world(collector(1, hec(403, 4)))
    const splunk = createSplunk(config(seconds(0)), options)
    const [failure] = await run(splunk.deliver([record('hi', { sequenceNumber: '495', subSequenceNumber: 1 })]))
    const line = splunk.failureLine(failure)
    expect(line).toBe(
      '{"attemptsMade":1,"arrivalTimestamp":1700000000000,"errorCode":"Splunk.InvalidToken","errorMessage":"The HEC token is invalid. 403: {\\"text\\":\\"T\\",\\"code\\":4}","attemptEndingTimestamp":1700000000000,"rawData":"aGk=","EventId":"495.1"}',
    )
    for await (const { data, code, fields } of replayErrors([bytes(line)]))
      expect([text(data), code, fields.EventId]).toEqual(['hi', 'Splunk.InvalidToken', '495.1'])
    expect(splunk.errorOutputType).toBe('splunk-failed')
  })
})

it('reaches a real server', async () => {
  const seen: string[] = []
  const server = createServer(async (incoming, response) => {
    const parts: Uint8Array[] = []
    for await (const part of incoming) parts.push(part)
    seen.push(`${incoming.method} ${incoming.url?.replace(/=.*/, '')} ${incoming.headers.authorization} ${Buffer.concat(parts)}`)
    response.end(incoming.url?.includes('/ack') ? '{"acks":{"3":true}}' : '{"text":"Success","code":0,"ackId":3}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { options } = world(() => 'never')
  // Waits for questions end at once, those that a request is given up by never.
  const sleep = (ms: number) => (ms <= 10_000 ? Promise.resolve() : new Promise<void>(() => {}))
  const splunk = createSplunk(config({ HECEndpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }), {
    ...options,
    ports: { ...options.ports, clock: { ...options.ports.clock, sleep } },
    transport: systemTransport,
  })
  expect(await splunk.deliver([record('a'), record('b')])).toEqual([])
  expect(seen).toEqual(['POST /services/collector/raw Splunk a-b-c ab', 'POST /services/collector/ack?channel Splunk a-b-c {"acks":[3]}'])
  server.closeAllConnections()
  server.close()
})

it.each([
  [config({ HECEndpoint: 'splunk:8088' }), 'HECEndpoint" expected an https:// or http:// URL'],
  [config({ HECEndpointType: 'raw' }), '"SplunkDestinationConfiguration.HECEndpointType" expected one of Raw, Event, got "raw"'],
  [config({ HECToken: undefined }), 'HECToken" expected text'],
  [config({ HECToken: 'a\n' }), 'HECToken" expected at most 2048 characters, none of them a control character'],
  [config({ HECAcknowledgmentTimeoutInSeconds: 179 }), 'HECAcknowledgmentTimeoutInSeconds" expected a whole number from 180 to 600, got 179'],
  [config({ BufferingHints: { SizeInMBs: 6 } }), 'SizeInMBs" expected a whole number from 1 to 5, got 6'],
  [config({ SecretsManagerConfiguration: { Enabled: true } }), 'SecretsManagerConfiguration" expected none'],
])('refuses %j', (wrong, message) => {
  expect(() => createSplunk(wrong, world(() => 'never').options)).toThrow(message)
})

it('says when a buffer is delivered, and what S3 gets', () => {
  const { options } = world(() => 'never')
  expect(createSplunk(config(), options)).toMatchObject({ hints: { bytes: 5 << 20, interval: 60_000 }, backupAll: false })
  expect(createSplunk(config({ S3BackupMode: 'AllEvents', BufferingHints: { SizeInMBs: 1, IntervalInSeconds: 0 } }), options)).toMatchObject({
    hints: { bytes: 1 << 20, interval: 0 },
    backupAll: true,
  })
})

it('every destination is chosen by the member of the configuration that it is made from', () => {
  const { options } = world(() => 'never')
  for (const [name, make] of Object.entries(DESTINATIONS))
    expect(() => make({ nonsense: 1 }, `config.${name}`, options)).toThrow(`"config.${name}" expected one of `)
})
