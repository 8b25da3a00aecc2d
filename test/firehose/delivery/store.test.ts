// Stores: a directory on this machine's file system, and S3 as s3rver has it, through the SDK's own client.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createDeliveryStream } from '../../../src/firehose/delivery/delivery-stream.js'
import { directoryStore } from '../../../src/firehose/delivery/directory-store.js'
import { s3Store } from '../../../src/firehose/delivery/s3-store.js'
import { nodePorts, nodeStorage } from '../../../src/ports/node.js'
import { bytesOf, configOf, textOf } from './streams.js'

const objectOf = (key: string, body = 'x', bucket = 'lake') => ({
  bucket,
  key,
  body: bytesOf(body),
  contentType: 'application/octet-stream',
  contentEncoding: undefined,
})

describe('a directory', () => {
  let home = ''
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'millrace-store-'))
  })
  afterEach(() => rm(home, { recursive: true, force: true }))
  const files = async () =>
    (await readdir(join(home, 'out'), { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(home.length + 5))

  it('has each object at the path of its key, and nothing else', async () => {
    const store = directoryStore(nodePorts, join(home, 'out'))
    await Promise.all([store.put(objectOf('a/b=1/x.gz', '1')), store.put(objectOf('a/b=1/y.gz', '2')), store.put(objectOf('z', '3', 'other'))])
    expect((await files()).sort()).toEqual(['a/b=1/x.gz', 'a/b=1/y.gz', 'z'])
    expect(await readFile(join(home, 'out/a/b=1/y.gz'), 'utf8')).toBe('2')
    await store.put(objectOf('z', 'again'))
    expect(await readFile(join(home, 'out/z'), 'utf8')).toBe('again')
  })

  it('has a directory for each bucket where that is asked for', async () => {
    const store = directoryStore(nodePorts, join(home, 'out'), { buckets: true })
    await store.put(objectOf('a/x', '1', 'lake'))
    await store.put(objectOf('a/x', '2', 'raw'))
    expect((await files()).sort()).toEqual(['lake/a/x', 'raw/a/x'])
  })

  it.each([
    ['../../etc/x', '%2E%2E/%2E%2E/etc/x'],
    ['./x', '%2E/x'],
    ['/a//b', '%/a/%/b'],
    ['a\u0000b\n/c\u007f', 'a%00b%0A/c%7F'],
    ['100%/..x/x..', '100%25/..x/x..'],
    ['a\\..\\b', 'a%5C..%5Cb'],
    ['😀/x', '😀/x'],
    [`${'é'.repeat(150)}/x`, `${'é'.repeat(100)}%/${'é'.repeat(50)}/x`],
  ])('the key %j is the path %j', async (key, path) => {
    await directoryStore(nodePorts, join(home, 'out')).put(objectOf(key))
    expect(await files()).toEqual([path])
  })

  it('no key leads out of it, and each has a path of its own', async () => {
    const part = fc.oneof(
      fc.constantFrom('', '.', '..', '%', '%2E', '\\', '\u0000', 'a'),
      fc.string({ unit: 'binary', maxLength: 6 }),
      fc.constant('x'.repeat(201)),
    )
    const written: string[] = []
    // What a file system would be told.
    const storage = {
      ...nodeStorage,
      makeDirectory: async () => {},
      syncDirectory: async () => {},
      create: async () => ({ write: async () => {}, sync: async () => {}, close: async () => {} }),
      rename: async (_: string, to: string) => void written.push(to),
    }
    const store = directoryStore({ storage }, 'out')
    const pathOf = async (key: string) => {
      await store.put(objectOf(key))
      return written.pop() as string
    }
    await fc.assert(
      fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 5 }), fc.array(part, { minLength: 1, maxLength: 5 }), async (one, other) => {
        const [a, b] = [await pathOf(one.join('/')), await pathOf(other.join('/'))]
        for (const path of [a, b]) {
          expect(path.startsWith('out/')).toBe(true)
          expect(
            path
              .split('/')
              .slice(1)
              .every((name) => name !== '' && name !== '.' && name !== '..' && Buffer.byteLength(name) <= 255),
          ).toBe(true)
          expect([...path].some((c) => c < ' ' || c === '\x7f' || c === '\\')).toBe(false)
        }
        if (one.join('/') !== other.join('/')) expect(a).not.toBe(b)
      }),
      { numRuns: 1000 },
    )
  })

  it('a write that fails leaves nothing, and the next try works', async () => {
    let fails = 1
    const storage = {
      ...nodeStorage,
      create: async (path: string) => {
        const file = await nodeStorage.create(path)
        return {
          ...file,
          sync: async () => {
            if (fails-- > 0) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })
            await file.sync()
          },
        }
      },
    }
    const store = directoryStore({ storage }, join(home, 'out'))
    await expect(store.put(objectOf('a/x'))).rejects.toMatchObject({ code: 'ENOSPC' })
    expect(await files()).toEqual([])
    await rm(join(home, 'out/a'), { recursive: true })
    await store.put(objectOf('a/x', 'there'))
    expect(await readFile(join(home, 'out/a/x'), 'utf8')).toBe('there')
  })

  it('that cannot be one is told', async () => {
    await writeFile(join(home, 'out'), '')
    await expect(directoryStore(nodePorts, join(home, 'out')).put(objectOf('x'))).rejects.toMatchObject({
      code: expect.stringMatching(/EEXIST|ENOTDIR/),
    })
    expect(() => directoryStore(nodePorts, '')).toThrow('"directory" expected the path of a directory')
    expect(() => directoryStore(nodePorts, 'x', { bucket: true } as never)).toThrow('"options" expected one of buckets')
  })
})

describe('S3', () => {
  let home = ''
  let server: { run(): Promise<{ port: number }>; close(): Promise<void> }
  let client: S3Client
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'millrace-s3-'))
    const S3rver = createRequire(import.meta.url)('s3rver')
    server = new S3rver({ address: '127.0.0.1', port: 0, silent: true, directory: home, configureBuckets: [{ name: 'lake' }, { name: 'raw' }] })
    const { port } = await server.run()
    client = new S3Client({
      endpoint: `http://127.0.0.1:${port}`,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' },
      requestChecksumCalculation: 'WHEN_REQUIRED',
    })
  })
  afterAll(async () => {
    client.destroy()
    await server.close()
    await rm(home, { recursive: true, force: true })
  })

  it('has the objects of the stream and of its backup, with their headers', async () => {
    const config = configOf({
      CompressionFormat: 'GZIP',
      Prefix: 'in/',
      S3BackupMode: 'Enabled',
      S3BackupConfiguration: { BucketARN: 'arn:aws:s3:::raw', CompressionFormat: 'Snappy' },
    })
    const stream = createDeliveryStream(config, { store: s3Store({ client }) })
    await stream.putBatch(['one\n', 'two\n'].map(bytesOf))
    await stream.close()
    const found = await Promise.all(
      ['lake', 'raw'].map(async (Bucket) => {
        const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }))
        expect(Contents).toHaveLength(1)
        const object = await client.send(new GetObjectCommand({ Bucket, Key: Contents[0].Key }))
        return { key: Contents[0].Key, type: object.ContentType, encoding: object.ContentEncoding, body: await object.Body?.transformToByteArray() }
      }),
    )
    expect(found).toMatchObject([
      { key: expect.stringMatching(/^in\/\d{4}\/.*\.gz$/), type: 'application/octet-stream', encoding: 'gzip' },
      { key: expect.stringMatching(/\.snappy$/), type: 'application/octet-stream', encoding: 'snappy-java' },
    ])
    expect(gunzipSync(found[0].body as Uint8Array).toString()).toBe('one\ntwo\n')
    expect(textOf((found[1].body as Uint8Array).subarray(1, 7))).toBe('SNAPPY')
  })

  it('takes the bucket and a prefix of ours', async () => {
    const stream = createDeliveryStream(configOf({}, { DeliveryStreamName: 'other' }), { store: s3Store({ client, bucket: 'raw', keyPrefix: 'copy/' }) })
    await stream.put(bytesOf('x'))
    await stream.close()
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: 'raw', Prefix: 'copy/' }))
    expect(Contents.map(({ Key }) => Key)).toEqual([expect.stringMatching(/^copy\/\d{4}\/.*\/other-1-/)])
  })

  it('without a package or credentials nothing is taken any more', async () => {
    const hopeless = s3Store({ client: { send: async () => ({}), config: { region: async () => Promise.reject(new Error('Region is missing')) } } as never })
    const stream = createDeliveryStream(configOf(), { store: hopeless })
    await stream.put(bytesOf('x'))
    await expect(stream.flush()).rejects.toThrow('nothing can be stored: AWS region')
    await expect(stream.put(bytesOf('y'))).rejects.toThrow('nothing can be stored: AWS region')
    await expect(stream.close()).rejects.toMatchObject({ code: 'NOT_DONE' })
  })
})
