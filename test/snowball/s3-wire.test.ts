// The store on a socket, through the SDK's own client: round trips with s3rver, and what requests look like to a
// Snowball or a MinIO.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GetObjectCommand, HeadObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { nodePorts } from '../../src/ports/node.js'
import { type S3ChunkStoreOptions, s3ChunkStore } from '../../src/snowball/store/s3-store.js'
import { sha256 } from '../archive/members.js'
import { md5 } from './bucket.js'
import { bytes, CHUNK, entryOf, MIB, put } from './s3-world.js'

const credentials = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' }

describe('s3rver', () => {
  let home = ''
  let server: { run(): Promise<{ port: number }>; close(): Promise<void> }
  let client: S3Client
  let endpoint = ''
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'millrace-chunks-'))
    const S3rver = createRequire(import.meta.url)('s3rver')
    server = new S3rver({ address: '127.0.0.1', port: 0, silent: true, directory: home, configureBuckets: [{ name: 'lake' }] })
    endpoint = `http://127.0.0.1:${(await server.run()).port}`
    client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials })
  })
  afterAll(async () => {
    client.destroy()
    await server.close()
    await rm(home, { recursive: true, force: true })
  })
  const open = (options: Partial<S3ChunkStoreOptions> = {}) =>
    s3ChunkStore({
      clientConfig: { endpoint, region: 'us-east-1', credentials },
      bucket: 'lake',
      prefix: 'in/',
      profile: 's3',
      ports: nodePorts,
      ...options,
    })
  const stored = async (Key: string) => {
    const { Body, ...head } = await client.send(new GetObjectCommand({ Bucket: 'lake', Key }))
    return { ...head, body: await Body!.transformToByteArray() }
  }

  it.each([0, 1, 8 * MIB - 1, 8 * MIB, 20 * MIB + 3])('has %d bytes as they were sent, single or in parts', async (size) => {
    const store = open()
    const data = bytes(size)
    const digest = await put(store, CHUNK, data)
    const object = await stored(`in/${CHUNK}`)
    expect(sha256(object.body)).toBe(sha256(data))
    expect(object).toMatchObject({ ContentType: 'application/x-tar', Metadata: { 'snowball-auto-extract': 'true' } })
    // s3rver gives an object in parts the MD5 of the whole, where S3 has that of the parts' MD5s
    if (size < 8 * MIB) expect(object.ETag).toBe(`"${digest.etag}"`)
    else expect(digest.etag).toBe(etagByHand(data))
    expect(await store.has(entryOf(digest))).toBe(true)
    expect(await store.has({ ...entryOf(digest), sha256: '0'.repeat(64), etag: '0'.repeat(32) })).toBe(false)
    await store.remove(entryOf(digest))
    expect(await store.has(entryOf(digest))).toBe(false)
    store.close()
  })

  it('is told by name where it has no such bucket, and asked no more than once for what it cannot do', async () => {
    const store = open()
    expect(await store.prepare()).toBe(undefined)
    const other = open({ bucket: 'none' })
    await expect(other.prepare()).rejects.toMatchObject({ code: 'IO', message: expect.stringContaining('NoSuchBucket') })
    store.close()
    other.close()
  })

  it('is sent an archive through a file, as a MinIO is', async () => {
    const spool = await mkdtemp(join(home, 'spool-'))
    const store = open({ profile: 'minio', spool })
    const data = bytes(9 * MIB)
    const digest = await put(store, CHUNK, data)
    expect(sha256((await stored(`in/${CHUNK}`)).body)).toBe(sha256(data))
    expect(Buffer.from((await stored(`in/${CHUNK}.sha256`)).body).toString()).toBe(`${sha256(data)}  ${CHUNK}\n`)
    const head = await client.send(new HeadObjectCommand({ Bucket: 'lake', Key: `in/${CHUNK}` }))
    expect(head.Metadata).toMatchObject({ 'minio-snowball-prefix': 'in' })
    expect(await readdir(spool)).toEqual([])
    expect(await store.has(entryOf(digest))).toBe(true)
    store.close()
  })
})

/** As S3 documents it for uploads in parts; by node:crypto. */
function etagByHand(data: Uint8Array): string {
  const parts = Array.from({ length: Math.ceil(data.length / (8 * MIB)) }, (_, i) => data.subarray(i * 8 * MIB, (i + 1) * 8 * MIB))
  return `${md5(Buffer.concat(parts.map((part) => createHash('md5').update(part).digest())))}-${parts.length}`
}

interface Seen {
  line: string
  headers: IncomingHttpHeaders
  body: Buffer
}

describe('on the wire', () => {
  let server: Server
  let seen: Seen[] = []
  /** Answers in place of the usual ones, for requests whose first line has the text. */
  let instead: [line: string, answer: { status: number; body: string } | 'reset'][] = []
  beforeEach(async () => {
    seen = []
    instead = []
    server = createServer(async (request, response) => {
      const pieces: Buffer[] = []
      for await (const piece of request) pieces.push(piece as Buffer)
      const body = Buffer.concat(pieces)
      const line = `${request.method} ${request.url}`
      seen.push({ line, headers: request.headers, body })
      const at = instead.findIndex(([text]) => line.includes(text))
      if (at >= 0) {
        const [, answer] = instead.splice(at, 1)[0]
        if (answer === 'reset') return request.socket.resetAndDestroy()
        return response.writeHead(answer.status, { 'content-type': 'application/xml' }).end(answer.body)
      }
      if (request.method === 'POST') response.setHeader('content-type', 'application/xml')
      if (line.includes('?uploads')) return response.end(xml('InitiateMultipartUploadResult', '<UploadId>u1</UploadId>'))
      if (request.method === 'POST') return response.end(xml('CompleteMultipartUploadResult', `<ETag>"${compose()}"</ETag>`))
      response.setHeader('etag', `"${md5(body)}"`)
      response.end()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  afterEach(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const xml = (name: string, content: string) =>
    `<?xml version="1.0" encoding="UTF-8"?>\n<${name} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${content}</${name}>`
  const partsSeen = () => {
    const parts = new Map(seen.filter(({ line }) => line.includes('partNumber=')).map(({ line, body }) => [Number(/partNumber=(\d+)/.exec(line)![1]), body]))
    return [...parts].sort(([a], [b]) => a - b).map(([, body]) => body)
  }
  const compose = () => `${md5(Buffer.concat(partsSeen().map((part) => Buffer.from(md5(part), 'hex'))))}-${partsSeen().length}`
  const open = (options: Partial<S3ChunkStoreOptions> = {}) =>
    s3ChunkStore({
      clientConfig: { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, credentials },
      bucket: 'lake',
      prefix: 'in/',
      profile: 'aws-snowball',
      ports: { ...nodePorts, clock: { ...nodePorts.clock, sleep: (ms, signal) => (ms < 30_000 ? Promise.resolve() : nodePorts.clock.sleep(ms, signal)) } },
      ...options,
    })
  /** No encoding but the plain one: a length, and the hash of the whole body in the signature. */
  const plain = ({ line, headers, body }: Seen) => {
    expect(line).toMatch(/^[A-Z]+ \/lake\//)
    expect(headers.host).toMatch(/^127\.0\.0\.1:/)
    expect(Object.keys(headers).filter((name) => /trailer|checksum|transfer-encoding|content-encoding|decoded-content-length/.test(name))).toEqual([])
    expect(JSON.stringify(headers)).not.toMatch(/aws-chunked|STREAMING/)
    if (body.length > 0) expect(headers['content-length']).toBe(String(body.length))
    expect(headers['x-amz-content-sha256']).toBe(sha256(body))
  }

  it('a Snowball sees plain requests, path style, region snow, and what has it extract', async () => {
    const store = open()
    const data = bytes(17 * MIB)
    await put(store, 'chunk-000002.tar.gz', data.subarray(0, 100))
    await put(store, CHUNK, data)
    store.close()
    for (const request of seen) plain(request)
    const lines = seen.map(({ line }) =>
      line
        .replace(/^(\w+) \/lake\/in\/([^?]*)\??(.*)/, '$1 $2 $3')
        .replace(/&?x-id=\w+/, '')
        .trim(),
    )
    // the parts come in any order
    expect([...lines.slice(0, 2), ...lines.slice(2, -1).sort(), ...lines.slice(-1)]).toEqual([
      'PUT chunk-000002.tar.gz',
      `POST ${CHUNK} uploads=`,
      ...[1, 2, 3].map((part) => `PUT ${CHUNK} partNumber=${part}&uploadId=u1`),
      `POST ${CHUNK} uploadId=u1`,
    ])
    const [single, begin] = seen
    expect(single.headers).toMatchObject({
      'x-amz-meta-snowball-auto-extract': 'true',
      'x-amz-meta-millrace-sha256': sha256(single.body),
      'content-type': 'application/gzip',
    })
    expect(begin.headers).toMatchObject({ 'x-amz-meta-snowball-auto-extract': 'true', 'content-type': 'application/x-tar' })
    expect(begin.headers.authorization).toContain('/snow/s3/aws4_request')
    expect(sha256(Buffer.concat(partsSeen()))).toBe(sha256(data))
  })

  it('a MinIO sees one PUT of a known length, its MD5 with it, read from a file', async () => {
    const spool = await mkdtemp(join(tmpdir(), 'millrace-spool-'))
    const store = open({ profile: 'minio', spool })
    instead = [['.tar?', 'reset']]
    const data = bytes(9 * MIB)
    await put(store, CHUNK, data)
    store.close()
    expect(await readdir(spool)).toEqual([])
    await rm(spool, { recursive: true })
    expect(seen.map(({ line }) => line.replace(/\?.*/, ''))).toEqual([
      `DELETE /lake/in/${CHUNK}.sha256`,
      `PUT /lake/in/${CHUNK}`,
      `PUT /lake/in/${CHUNK}`,
      `PUT /lake/in/${CHUNK}.sha256`,
    ])
    const archive = seen[2]
    expect(sha256(archive.body)).toBe(sha256(data))
    expect(archive.headers).toMatchObject({
      'content-length': String(data.length),
      'content-md5': Buffer.from(md5(data), 'hex').toString('base64'),
      'x-amz-checksum-sha256': Buffer.from(sha256(data), 'hex').toString('base64'),
      'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
      'x-amz-meta-snowball-auto-extract': 'true',
      'x-amz-meta-minio-snowball-prefix': 'in',
    })
    expect(JSON.stringify(archive.headers)).not.toMatch(/chunked|trailer|ignore-errors/)
  })

  it('an error in the body of a 200, a reset and a 503 are tried again', async () => {
    const store = open({
      profile: 's3',
      clientConfig: { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, region: 'us-east-1', credentials },
    })
    const slow = { status: 503, body: '<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>' }
    instead = [
      ['?uploads', slow],
      ['partNumber=2', 'reset'],
      [
        `${CHUNK}?uploadId`,
        { status: 200, body: '<?xml version="1.0"?>\n<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>' },
      ],
      ['partNumber=1', slow],
    ]
    const data = bytes(17 * MIB)
    await put(store, CHUNK, data)
    store.close()
    expect(instead).toEqual([])
    expect(seen.filter(({ line }) => line.startsWith('POST') && !line.includes('uploads')).length).toBe(2)
    expect(sha256(Buffer.concat(partsSeen()))).toBe(sha256(data))
  })

  it('what is forbidden is not tried again, and named', async () => {
    const store = open()
    instead = [['PUT', { status: 403, body: '<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>' }]]
    await expect(put(store, CHUNK, bytes(10))).rejects.toMatchObject({
      code: 'IO',
      message: `s3://lake/in/${CHUNK}: sending it failed: AccessDenied: Access Denied`,
    })
    store.close()
    expect(seen).toHaveLength(1)
  })
})
