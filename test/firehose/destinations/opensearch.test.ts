import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DestinationOptions } from '../../../src/firehose/destinations/destination.js'
import { createOpenSearch as createDomain, createElasticsearch, createOpenSearchServerless } from '../../../src/firehose/destinations/opensearch.js'
import { replayErrors } from '../../../src/firehose/errors/replay.js'
import { systemTransport } from '../../../src/ports/transport.js'
import { type Answer, bytes, failing, json, record, type Sent, text, world } from './web.js'

const SERVICES = {
  AmazonopensearchserviceDestination: createDomain,
  ElasticsearchDestination: createElasticsearch,
  AmazonOpenSearchServerlessDestination: createOpenSearchServerless,
}
const createOpenSearch = (service: keyof typeof SERVICES, config: unknown, options: DestinationOptions) =>
  SERVICES[service](config, `${service}Configuration`, options)
const SERVICE = 'AmazonopensearchserviceDestination'
const config = (more: object = {}) => ({ ClusterEndpoint: 'https://search.example.com', IndexName: 'clicks', IndexRotationPeriod: 'NoRotation', ...more })
const seconds = (DurationInSeconds: number) => ({ RetryOptions: { DurationInSeconds } })

/** The documents of a request, by the rules of the bulk API: pairs of lines, the last one ended too. */
function documentsOf({ body }: { body: Uint8Array }) {
  const lines = text(body).split('\n')
  expect(lines.pop()).toBe('')
  expect(lines.length % 2).toBe(0)
  return lines.flatMap((line, i) => (i % 2 === 0 ? [{ action: JSON.parse(line).index, source: JSON.parse(lines[i + 1]) }] : []))
}

/** Each document is answered by its own member `s`, a list of statuses for one attempt after the other. */
function cluster() {
  const tries = new Map<string, number>()
  const indexed = new Map<string, unknown[]>()
  const answer: Answer = (request) => {
    const items = documentsOf(request).map(({ action, source }) => {
      const count = tries.get(source.n) ?? 0
      tries.set(source.n, count + 1)
      const status = source.s?.[Math.min(count, source.s.length - 1)] ?? 201
      if (status < 300) indexed.set(source.n, [...(indexed.get(source.n) ?? []), action])
      return { index: { _index: action._index, _id: action._id, status, ...(status < 300 ? {} : { error: { type: 't', reason: `r${status}` } }) } }
    })
    return json(200, { took: 1, errors: true, items })
  }
  return { answer, indexed, tries }
}

describe('a bulk request', () => {
  it('has a line to say where to and a line of JSON for each record', async () => {
    const { options, run, sent } = world(cluster().answer)
    const search = createOpenSearch(SERVICE, config({ TypeName: '', ClusterEndpoint: 'https://search.example.com/' }), {
      ...options,
      headers: { authorization: 'Basic eA==' },
    })
    const first = record('{"a":1}', { sequenceNumber: '495', subSequenceNumber: 2 })
    expect(await run(search.deliver([first, record(' {"b":"ü"}\r\n')]))).toEqual([])
    const [{ method, url, headers, body }] = sent
    expect([method, url]).toEqual(['POST', 'https://search.example.com/_bulk'])
    expect(headers).toEqual({ 'content-type': 'application/x-ndjson', authorization: 'Basic eA==' })
    expect(text(body)).toMatch(
      /^\{"index":\{"_index":"clicks","_id":"495\.2"\}\}\n\{"a":1\}\n\{"index":\{"_index":"clicks","_id":"49\d{54}\.0"\}\}\n\{"b":"ü"\}\n$/,
    )
  })

  it('has a type and no ids where the configuration says so', async () => {
    const { options, run, sent } = world(cluster().answer)
    const search = createOpenSearch(SERVICE, config({ TypeName: '_doc', DocumentIdOptions: { DefaultDocumentIdFormat: 'NO_DOCUMENT_ID' } }), options)
    await run(search.deliver([record('{}')]))
    expect(text(sent[0].body)).toBe('{"index":{"_index":"clicks","_type":"_doc"}}\n{}\n')
  })

  it('has the index of each record, of its day where nothing else is said', async () => {
    const { options, run, sent } = world(cluster().answer)
    const search = createOpenSearch(SERVICE, config({ IndexRotationPeriod: undefined }), options)
    await run(search.deliver(['2024-12-31T23:59:59Z', '2025-01-01T00:00:00Z'].map((iso) => record('{}', { arrival: Date.parse(iso) }))))
    expect(documentsOf(sent[0]).map(({ action }) => action._index)).toEqual(['clicks-2024-12-31', 'clicks-2025-01-01'])
  })

  it('goes to a serverless collection and to Elasticsearch too', async () => {
    const { options, run, sent } = world(cluster().answer)
    await run(createOpenSearch('AmazonOpenSearchServerlessDestination', { CollectionEndpoint: 'https://c', IndexName: 'i' }, options).deliver([record('{}')]))
    await run(createOpenSearch('ElasticsearchDestination', config(), options).deliver([record('{}')]))
    expect(sent.map(({ url }) => url)).toEqual(['https://c/_bulk', 'https://search.example.com/_bulk'])
    expect(documentsOf(sent[0])[0].action).toEqual({ _index: 'i', _id: expect.any(String) })
  })
})

describe('a record that is no document', () => {
  it.each<[string | Uint8Array, string]>([
    ['', 'Unexpected end of JSON input'],
    ['hello', 'on a single line: '],
    ['[1]', 'got an array'],
    ['null', 'got null'],
    ['"x"', 'got "x"'],
    ['{"a":1}{"b":2}', 'expected one JSON object in UTF-8 on a single line'],
    ['{"a":1}\n{"b":2}', 'expected one JSON object in UTF-8 on a single line'],
    ['\n{"a":\n1}', 'got a line break at byte 6'],
    ['{"a":\r1}', 'got a line break at byte 5'],
    ['\uFEFF{}', 'expected one JSON object'],
    [Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d), 'not valid UTF-8'],
  ])('%j fails alone', async (data, message) => {
    const { options, run, sent } = world(cluster().answer)
    const wrong = record(data)
    const failed = await run(createOpenSearch(SERVICE, config(), options).deliver([record('{"n":1}'), wrong, record('{"n":2}')]))
    expect(failed).toEqual([{ record: wrong, code: '400', message: expect.stringContaining(message), attempts: 0, attemptEnd: 1_700_000_000_000 }])
    expect(documentsOf(sent[0]).map(({ source }) => source.n)).toEqual([1, 2])
  })

  it('is never sent, and no request goes out where there is no other', async () => {
    const { options, run, sent } = world(cluster().answer)
    expect(await run(createOpenSearch(SERVICE, config(), options).deliver([record('x')]))).toHaveLength(1)
    expect(await run(createOpenSearch(SERVICE, config(), options).deliver([]))).toEqual([])
    expect(sent).toEqual([])
  })
})

describe('what the index refuses', () => {
  it('is tried again alone, with the same id, but for what would be refused for ever', async () => {
    const { answer, indexed } = cluster()
    const { options, run, sent } = world(answer)
    const search = createOpenSearch(SERVICE, config(), options)
    const records = ['{"n":"a"}', '{"n":"b","s":[429,503,201]}', '{"n":"c","s":[400]}', '{"n":"d","s":[429,409]}', '{"n":"e","s":[403,200]}'].map((data) =>
      record(data),
    )
    const failed = await run(search.deliver(records))
    expect(
      sent.map((request) =>
        documentsOf(request)
          .map(({ source }) => source.n)
          .join(''),
      ),
    ).toEqual(['abcde', 'bde', 'b'])
    expect(failed.map(({ record, code, message, attempts }) => [record, code, message, attempts])).toEqual([
      [records[2], '400', '{"type":"t","reason":"r400"}', 1],
      [records[3], '409', '{"type":"t","reason":"r409"}', 2],
    ])
    const ids = sent.flatMap((request) => documentsOf(request).filter(({ source }) => source.n === 'b')).map(({ action }) => action._id)
    expect(new Set(ids).size).toBe(1)
    expect([...indexed.keys()]).toEqual(['a', 'e', 'b'])
  })

  it('fails once the duration is over, the time of the answers counted', async () => {
    const { options, run, sent, clock } = world(cluster().answer, { latency: 20_000 })
    const failed = await run(createOpenSearch(SERVICE, config(seconds(60)), options).deliver([record('{"n":1,"s":[429]}')]))
    expect(failed).toMatchObject([{ code: '429', attempts: sent.length, attemptEnd: clock.now() }])
    // Attempts at 0, 21, 43 and, the wait cut short, at nothing more: 60 s are over with the third.
    expect(sent.length).toBe(3)
    const once = world(cluster().answer)
    expect(await once.run(createOpenSearch(SERVICE, config(seconds(0)), once.options).deliver([record('{"n":1,"s":[429]}')]))).toMatchObject([{ attempts: 1 }])
  })

  it.each<[string, Answer, string, string]>([
    ['no permission', () => json(403, 'forbidden'), '403', 'forbidden'],
    ['a gateway', () => json(502, '<html>'), '502', '<html>'],
    ['too much', () => json(413, ''), '413', ''],
    ['nobody there', () => failing('ECONNREFUSED'), 'ConnectionFailed', 'ECONNREFUSED: no'],
    ['no answer', () => 'never', 'RequestTimeout', 'no answer within 180000 ms'],
    ['no bulk API', () => json(200, 'hello'), 'InvalidResponse', 'expected an item for each of 2 documents, got no answer of the bulk API'],
    ['null', () => json(200, 'null'), 'InvalidResponse', 'no answer of the bulk API'],
    ['too few items', () => json(200, { items: [{}] }), 'InvalidResponse', 'each of 2 documents, got 1'],
    ['items without a status', () => json(200, { items: [null, { index: {} }] }), 'InvalidResponse', 'expected a status, got undefined'],
    ['an answer without end', () => json(200, ' '.repeat(2 << 20)), 'InvalidResponse', 'no answer of the bulk API'],
    ['an old error', () => json(200, { items: [1, 2].map(() => ({ index: { status: 500, error: 'Boom' } })) }), '500', 'Boom'],
  ])('all of it, by %s, is tried again', async (_, answer, code, message) => {
    const { options, run, sent } = world(answer)
    const failed = await run(createOpenSearch(SERVICE, config(seconds(2)), options).deliver([record('{"n":1}'), record('{"n":2}')]))
    expect(failed).toMatchObject([
      { code, message: expect.stringContaining(message), attempts: sent.length },
      { code, attempts: sent.length },
    ])
    expect(sent.length).toBe(code === 'RequestTimeout' ? 1 : 3)
  })

  it('or takes: each record is settled once, whatever the statuses', async () => {
    const statuses = fc.array(fc.constantFrom(200, 201, 400, 403, 404, 409, 429, 500, 503), { minLength: 1, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(fc.array(statuses, { maxLength: 20 }), fc.integer(), async (all, seed) => {
        const { answer, indexed, tries } = cluster()
        const { options, run } = world(answer, { seed })
        const failed = await run(createOpenSearch(SERVICE, config(), options).deliver(all.map((s, n) => record(JSON.stringify({ n, s })))))
        const lost = failed.map(({ record, attempts }) => ({ n: JSON.parse(text(record.data)).n, attempts }))
        expect([...indexed.keys(), ...lost.map(({ n }) => n)].map(Number).sort((a, b) => a - b)).toEqual(all.map((_, n) => n))
        for (const actions of indexed.values()) expect(actions).toHaveLength(1)
        for (const { n, attempts } of lost) expect(attempts).toBe(tries.get(n))
      }),
    )
  })

  it('is given up where the signal is aborted', async () => {
    const { options, run, clock } = world(() => json(500, ''))
    const abort = new AbortController()
    const delivered = createOpenSearch(SERVICE, config(), options).deliver([record('{}')], abort.signal)
    clock.sleep(10_000).then(() => abort.abort(new Error('enough')))
    await expect(run(delivered)).rejects.toThrow('enough')
  })
})

describe("a failure's line", () => {
  const lineOf = async (service: Parameters<typeof createOpenSearch>[0], own: object) => {
    const { options, run } = world(cluster().answer)
    const search = createOpenSearch(service, own, options)
    const [failure] = await run(search.deliver([record('{"s":[400]}', { sequenceNumber: '495', arrival: Date.UTC(2024, 0, 1) })]))
    return { line: search.failureLine(failure), errorOutputType: search.errorOutputType }
  }
  const START =
    '{"attemptsMade":1,"arrivalTimestamp":1704067200000,"errorCode":"400","errorMessage":"{\\"type\\":\\"t\\",\\"reason\\":\\"r400\\"}","attemptEndingTimestamp":1700000000000,'
  const END = '"rawData":"eyJzIjpbNDAwXX0="}'

  it.each<[Parameters<typeof createOpenSearch>[0], object, string, string]>([
    [
      SERVICE,
      config({ TypeName: 't', IndexRotationPeriod: 'OneMonth' }),
      '"esDocumentId":"495.0","esIndexName":"clicks-2024-01","esTypeName":"t",',
      'AmazonOpenSearchService-failed',
    ],
    [
      SERVICE,
      config({ DocumentIdOptions: { DefaultDocumentIdFormat: 'NO_DOCUMENT_ID' } }),
      '"esDocumentId":null,"esIndexName":"clicks","esTypeName":"",',
      'AmazonOpenSearchService-failed',
    ],
    ['ElasticsearchDestination', config({ TypeName: 't' }), '"esDocumentId":"495.0","esIndexName":"clicks","esTypeName":"t",', 'elasticsearch-failed'],
    [
      'AmazonOpenSearchServerlessDestination',
      { CollectionEndpoint: 'https://c', IndexName: 'i' },
      '"osDocumentId":"495.0","osIndexName":"i",',
      'AmazonOpenSearchService-failed',
    ],
  ])('of %s %j is as the guide prints it, and is read again', async (service, own, middle, errorOutputType) => {
    const made = await lineOf(service, own)
    expect(made).toEqual({ line: `${START}${middle}${END}`, errorOutputType })
    for await (const { data, code, fields } of replayErrors([bytes(made.line)])) {
      expect([text(data), code]).toEqual(['{"s":[400]}', '400'])
      expect(fields).toMatchObject(JSON.parse(`{${middle.slice(0, -1)}}`))
    }
  })
})

it('reaches a real server', async () => {
  const seen: Sent[] = []
  const server = createServer(async (incoming, response) => {
    const parts: Uint8Array[] = []
    for await (const part of incoming) parts.push(part)
    const body = Buffer.concat(parts)
    seen.push({ method: incoming.method as string, url: incoming.url as string, headers: incoming.headers as Record<string, string>, body, at: 0 })
    response.end(JSON.stringify({ items: documentsOf({ body }).map(() => ({ index: { status: 201 } })) }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { options } = world(() => 'never')
  const ports = { ...options.ports, clock: { ...options.ports.clock, sleep: () => new Promise<void>(() => {}) } }
  const search = createOpenSearch(SERVICE, config({ ClusterEndpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }), {
    ...options,
    ports,
    transport: systemTransport,
  })
  expect(await search.deliver([record('{"a":"ü"}')])).toEqual([])
  expect(seen).toMatchObject([{ method: 'POST', url: '/_bulk', headers: { 'content-type': 'application/x-ndjson' } }])
  server.closeAllConnections()
  server.close()
})

it.each([
  [SERVICE, {}, '"AmazonopensearchserviceDestinationConfiguration.IndexName" expected text of 1 to 80 characters, got undefined'],
  [SERVICE, { IndexName: 'i', DomainARN: 'arn:aws:es:d' }, 'ClusterEndpoint" expected an https:// or http:// URL of at most 512 characters, got undefined'],
  [SERVICE, config({ IndexName: '' }), 'IndexName" expected text of 1 to 80 characters, got ""'],
  [SERVICE, config({ IndexRotationPeriod: 'OneYear' }), 'IndexRotationPeriod" expected one of NoRotation, OneHour, OneDay, OneWeek, OneMonth, got "OneYear"'],
  [
    SERVICE,
    config({ DocumentIdOptions: { DefaultDocumentIdFormat: 'X' } }),
    'DefaultDocumentIdFormat" expected one of FIREHOSE_DEFAULT, NO_DOCUMENT_ID, got "X"',
  ],
  [SERVICE, config({ CollectionEndpoint: 'https://c' }), 'got "CollectionEndpoint"'],
  [SERVICE, config(seconds(-1)), 'DurationInSeconds" expected a whole number from 0 to 7200, got -1'],
  [SERVICE, config({ BufferingHints: { SizeInMBs: 101 } }), 'SizeInMBs" expected a whole number from 1 to 100, got 101'],
  ['ElasticsearchDestination', config({ DocumentIdOptions: {} }), 'got "DocumentIdOptions"'],
  [
    'AmazonOpenSearchServerlessDestination',
    { IndexName: 'i' },
    'CollectionEndpoint" expected an https:// or http:// URL of at most 512 characters, got undefined',
  ],
  ['AmazonOpenSearchServerlessDestination', config(), 'got "ClusterEndpoint"'],
] as const)('refuses %s %j', (service, wrong, message) => {
  expect(() => createOpenSearch(service, wrong, world(() => 'never').options)).toThrow(message)
})

it('says when a buffer is delivered, and what S3 gets', () => {
  const { options } = world(() => 'never')
  expect(createOpenSearch(SERVICE, config(), options)).toMatchObject({ hints: { bytes: 5 << 20, interval: 300_000 }, backupAll: false })
  const own = config({ BufferingHints: { SizeInMBs: 100, IntervalInSeconds: 1 }, S3BackupMode: 'AllDocuments' })
  expect(createOpenSearch(SERVICE, own, options)).toMatchObject({ hints: { bytes: 100 << 20, interval: 1000 }, backupAll: true })
})
