// Packing into a bucket: from a tree to objects of s3rver, in threads and without; interrupted, and gone on with.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import * as commands from '@aws-sdk/client-s3'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { nodePorts } from '../../src/ports/node.js'
import { packSnowball as pack } from '../../src/snowball/index.js'
import type { ManifestChunk, ManifestLine, ManifestObject } from '../../src/snowball/manifest/manifest.js'
import { type S3ChunkStoreOptions, s3ChunkStore } from '../../src/snowball/store/s3-store.js'
import { npmTarStream, sha256 } from '../archive/members.js'
import { fakeBucket, md5, reset } from './bucket.js'
import { bytes, MIB } from './s3-world.js'

let root = ''
const at = (...parts: string[]) => join(root, ...parts)
const { threads: _, ...unthreaded } = nodePorts
const WAYS = [
  ['in threads', nodePorts],
  ['without threads', unthreaded],
] as const
const expected = new Map<string, string>()

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace-s3-pack-'))
  // two chunks of 10 MB and a part of one, an empty file, and a large one that goes as it is
  for (let i = 0; i < 300; i++) file(`small/${String(i).padStart(3, '0')}-ünï`, bytes(80_000 - i, i + 1))
  file('empty', new Uint8Array(0))
  file('large', bytes(9 * MIB + 5))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))
afterEach(() => {
  for (const name of readdirSync(root)) if (name !== 'in') rmSync(at(name), { recursive: true })
})

function file(path: string, data: Uint8Array) {
  mkdirSync(dirname(at('in', path)), { recursive: true })
  writeFileSync(at('in', path), data)
  expected.set(path, sha256(data))
}

const manifest = (): ManifestLine[] =>
  readFileSync(at('out/manifest.ndjson'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
const linesOf = <T extends ManifestLine['type']>(type: T) => manifest().filter((line): line is Extract<ManifestLine, { type: T }> => line.type === type)
const options = { source: '', output: '', chunkBytes: 10_000_000 }
beforeEach(() => Object.assign(options, { source: at('in'), output: at('out') }))

/** What the target has of the tree, as the manifest says where. */
async function contents(read: (key: string) => Promise<Uint8Array>): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const line of linesOf('chunk')) {
    const data = await read(`in/${line.chunk}`)
    expect([data.length, sha256(data)]).toEqual([line.bytes, line.sha256])
    for (const { name, sha256 } of await npmTarStream(data)) found.set(name, sha256)
  }
  for (const line of linesOf('object')) found.set(line.key, sha256(await read(`in/${line.key}`)))
  return found
}

describe.each(WAYS)('%s', (_name, ports) => {
  describe('into s3rver', () => {
    let server: { run(): Promise<{ port: number }>; close(): Promise<void> }
    let endpoint = ''
    let client: commands.S3Client
    const credentials = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' }
    beforeAll(async () => {
      const S3rver = createRequire(import.meta.url)('s3rver')
      const directory = mkdtempSync(join(tmpdir(), 'millrace-s3rver-'))
      server = new S3rver({ address: '127.0.0.1', port: 0, silent: true, directory, configureBuckets: [{ name: 'lake' }] })
      endpoint = `http://127.0.0.1:${(await server.run()).port}`
      client = new commands.S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials })
      return async () => {
        client.destroy()
        await server.close()
        rmSync(directory, { recursive: true })
      }
    })
    const open = (more: Partial<S3ChunkStoreOptions> = {}) =>
      s3ChunkStore({ clientConfig: { endpoint, region: 'us-east-1', credentials }, bucket: 'lake', prefix: 'in/', profile: 's3', ports, ...more })
    const read = async (Key: string) => {
      const { Body } = await client.send(new commands.GetObjectCommand({ Bucket: 'lake', Key }))
      return Body!.transformToByteArray()
    }

    it('chunks and objects are there whole; a second run finds them, a third makes what is missing', async () => {
      const store = open()
      expect(await pack({ ...options, store, ports })).toMatchObject({ chunks: 3, objects: 1, members: 302, failed: 0, reused: 0 })
      expect(linesOf('chunk').map(({ partBytes }) => partBytes)).toEqual([8 * MIB, 8 * MIB, 0])
      expect(await contents(read)).toEqual(expected)
      const first = readFileSync(at('out/manifest.ndjson'), 'utf8')
      const [one] = linesOf('chunk')
      expect(await pack({ ...options, store, ports })).toMatchObject({ chunks: 3, objects: 1, members: 302, reused: 4 })
      await client.send(new commands.DeleteObjectCommand({ Bucket: 'lake', Key: `in/${one.chunk}` }))
      expect(await pack({ ...options, store, ports })).toMatchObject({ members: 302, reused: 3 })
      expect(await contents(read)).toEqual(expected)
      expect(readFileSync(at('out/manifest.ndjson'), 'utf8')).toBe(first)
      store.close()
    })
  })

  describe('into a bucket whose requests fail', () => {
    const open = (bucket: ReturnType<typeof fakeBucket>, more: Partial<S3ChunkStoreOptions> = {}) =>
      s3ChunkStore({ client: bucket.client, commands, bucket: 'lake', prefix: 'in/', profile: 's3', ports, ...more })
    const read = (bucket: ReturnType<typeof fakeBucket>) => async (key: string) => bucket.objects.get(key)!.body
    const etags = (bucket: ReturnType<typeof fakeBucket>) => [...bucket.objects].map(([key, { etag }]) => [key, etag]).sort()

    it('an upload that is cut anywhere is gone on with, to the same objects', async () => {
      const whole = fakeBucket()
      await pack({ ...options, store: open(whole), ports })
      rmSync(at('out'), { recursive: true })
      const bucket = fakeBucket()
      let runs = 0
      for (; runs < 20; runs++) {
        // one request more each time, and then none is answered any more; as after a kill nothing is undone
        let left = 3 + runs
        bucket.fail = () => (left-- > 0 ? undefined : { error: Object.assign(new Error('gone'), { name: 'AccessDenied', $metadata: { httpStatusCode: 403 } }) })
        const run = pack({ ...options, store: open(bucket, { retries: 0 }), ports, concurrency: 1 })
        if (await run.then(() => true).catch(() => false)) break
        bucket.fail = undefined
        await open(bucket).prepare()
      }
      expect(runs).toBeGreaterThan(2)
      expect(runs).toBeLessThan(20)
      bucket.fail = undefined
      expect(etags(bucket)).toEqual(etags(whole))
      expect(await contents(read(bucket))).toEqual(expected)
      for (const line of [...linesOf('chunk'), ...linesOf('object')]) expect(bucket.objects.get(`in/${nameOf(line)}`)!.etag).toBe(line.etag)
    })

    it('what passes costs no chunk', async () => {
      const bucket = fakeBucket()
      bucket.fail = (_command, _input, n) => (n % 3 === 1 ? { error: reset() } : undefined)
      const clock = { ...ports.clock, sleep: (ms: number, signal?: AbortSignal) => (ms < 30_000 ? Promise.resolve() : ports.clock.sleep(ms, signal)) }
      await pack({ ...options, store: open(bucket, { ports: { ...ports, clock } }), ports })
      expect(await contents(read(bucket))).toEqual(expected)
    })

    it('archives that are compressed have their type, and what would not be extracted is refused before', async () => {
      const bucket = fakeBucket()
      await pack({ ...options, store: open(bucket), ports, compression: 'gzip', compressionLevel: 1 })
      const found = new Map<string, string>()
      for (const line of linesOf('chunk')) {
        const object = bucket.objects.get(`in/${line.chunk}`)!
        expect([object.type, object.etag, object.body.length]).toEqual(['application/gzip', line.etag, line.bytes])
        for (const { name, sha256 } of await npmTarStream(gunzipSync(object.body))) found.set(name, sha256)
      }
      for (const line of linesOf('object')) found.set(line.key, sha256(bucket.objects.get(`in/${line.key}`)!.body))
      expect(found).toEqual(expected)
      const device = fakeBucket('aws-snowball')
      const refused = pack({ ...options, output: at('zst'), store: open(device, { profile: 'aws-snowball' }), ports, compression: 'zstd' })
      await expect(refused).rejects.toThrow('"compression" expected none or gzip for aws-snowball')
      expect(device.requests).toEqual([])
    })

    it('a MinIO is given each archive in one PUT, and its ETag is the MD5', async () => {
      const bucket = fakeBucket('minio')
      const store = open(bucket, { profile: 'minio', spool: at('out') })
      await pack({ ...options, store, ports })
      const found = new Map<string, string>()
      for (const { body } of bucket.extracted) for (const { name, sha256 } of await npmTarStream(body)) found.set(name, sha256)
      for (const line of linesOf('object')) found.set(line.key, sha256(bucket.objects.get(`in/${line.key}`)!.body))
      expect(found).toEqual(expected)
      const archives = new Map(bucket.extracted.map(({ body }) => [sha256(body), body]))
      for (const line of linesOf('chunk')) expect(line).toMatchObject({ partBytes: 0, etag: md5(archives.get(line.sha256)!) })
      expect(readdirSync(at('out'))).toEqual(['manifest.ndjson'])
      expect(await pack({ ...options, store, ports })).toMatchObject({ reused: 4 })
      expect(bucket.extracted).toHaveLength(3)
    })
  })
})

const nameOf = (line: ManifestChunk | ManifestObject) => (line.type === 'chunk' ? line.chunk : line.key)
