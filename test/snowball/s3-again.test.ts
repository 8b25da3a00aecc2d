// What has changed between a plan and its pack, or between two packs, into a bucket.
import { describe, expect, it } from 'vitest'
import { nodeSha256 } from '../../src/ports/node-hash.js'
import { createChunker, type ManifestLine, type PlannedChunk, packSnowball as pack, planSnowball as plan } from '../../src/snowball/index.js'
import type { Profile } from '../../src/snowball/store/profile.js'
import { npmTarStream, sha256 } from '../archive/members.js'
import { type FakeBucket, fakeBucket, serviceError } from './bucket.js'
import { bytes, MIB, world as storeWorld } from './s3-world.js'

/** A tree in memory and a bucket. */
function world(profile: Profile = 's3', bucket: FakeBucket = fakeBucket(profile)) {
  const w = storeWorld(profile, {}, bucket)
  // compression takes its own time, so no simulation can wait for it: files rest at once, and no request ends by its timeout
  const clock = { ...w.clock, sleep: async () => {} }
  const never = { ...w.clock, sleep: (_: number, signal?: AbortSignal) => new Promise<void>((_, reject) => signal?.addEventListener('abort', reject)) }
  const ports = { clock, storage: w.storage, sha256: nodeSha256 }
  const open = (client = bucket.client) => w.open({ client, ports: { ...ports, clock: never, random: { next: () => 0.5 } } })
  const run = (options: object = {}) => pack({ source: '/in', output: '/out', store: open(), ports, ...options })
  const write = (path: string, data: Uint8Array | string) => w.storage.write(`/in/${path}`, data)
  const manifest = (): ManifestLine[] =>
    new TextDecoder()
      .decode(w.storage.nodes.get('/out/manifest.ndjson')!.data)
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  return { bucket, storage: w.storage, ports, open, run, write, manifest }
}

const keys = (bucket: FakeBucket) => [...bucket.objects.keys()].sort()

describe.each(['s3', 'minio'] as const)('a file that grows after it was planned, %s', (profile) => {
  it.each([
    ['none', 100_000, 3],
    ['gzip', 100_000, 3],
    ['none', 9 * MIB, 2],
  ] as const)('is in its chunk while that has the parts it was planned with (%s, %i bytes)', async (compression, size, members) => {
    const w = world(profile)
    for (const name of ['a', 'b', 'c']) w.write(name, bytes(1000))
    const planned: PlannedChunk[] = []
    const limits = { smallBytes: 16 * MIB }
    for await (const item of plan({ source: '/in', ports: w.ports, ...limits })) planned.push(item as PlannedChunk)
    w.write('b', bytes(size, 2))
    async function* items() {
      yield* planned
    }
    expect(await w.run({ plan: items(), compression, ...limits })).toMatchObject({ members, failed: 3 - members })
    const [, chunk, ...lines] = w.manifest()
    expect(chunk).toMatchObject({ type: 'chunk', partBytes: 0 })
    if (members === 2) expect(lines).toContainEqual(expect.objectContaining({ type: 'failed', path: 'b', reason: 'changed' }))
    else expect(lines).toContainEqual(expect.objectContaining({ key: 'b', size, sha256: sha256(bytes(size, 2)) }))
  })
})

describe('a second run', () => {
  it('removes an archive whose name a large file has by now', async () => {
    const w = world()
    w.write('a', bytes(1000))
    await w.run()
    expect(keys(w.bucket)).toEqual(['in/chunk-000001.tar', 'in/manifest.ndjson'])
    await w.run({ smallBytes: 0 })
    expect(keys(w.bucket)).toEqual(['in/a', 'in/manifest.ndjson'])
  })

  it('that ends while it removes is gone on with', async () => {
    const w = world()
    w.write('a', bytes(1000))
    await w.run()
    w.bucket.fail = (name) => (name === 'DeleteObject' ? { error: serviceError('AccessDenied', 403) } : undefined)
    await expect(w.run({ smallBytes: 0 })).rejects.toMatchObject({ code: 'IO' })
    w.bucket.fail = undefined
    expect(await w.run({ smallBytes: 0 })).toMatchObject({ members: 1, reused: 1 })
    expect(keys(w.bucket)).toEqual(['in/a', 'in/manifest.ndjson'])
  })

  it('sends no object again because a file has come before it', async () => {
    const w = world()
    w.write('b', bytes(1000))
    await w.run({ smallBytes: 0 })
    w.write('a', bytes(1000))
    expect(await w.run({ smallBytes: 0 })).toMatchObject({ members: 2, reused: 1 })
    expect(keys(w.bucket)).toEqual(['in/a', 'in/b', 'in/manifest.ndjson'])
  })

  it.each(['s3', 'minio'] as const)('removes an object before it comes out of an archive, %s', async (profile) => {
    const w = world(profile)
    for (const name of ['a', 'b']) w.write(name, bytes(1000))
    await w.run({ smallBytes: 0 })
    expect(keys(w.bucket)).toEqual(['in/a', 'in/b', 'in/manifest.ndjson'])
    const done: string[] = []
    w.bucket.fail = (name, { Key }) => void (/Put|Delete/.test(name) && done.push(`${name} ${Key}`))
    await w.run()
    const put = done.indexOf('PutObject in/chunk-000001.tar')
    for (const key of ['a', 'b']) {
      const removed = done.indexOf(`DeleteObject in/${key}`)
      expect(removed, key).toBeGreaterThanOrEqual(0)
      expect(removed, key).toBeLessThan(put)
    }
  })

  it('into another bucket removes nothing that is not what the first one had', async () => {
    const w = world()
    w.write('a', bytes(1000))
    w.write('b', bytes(1000))
    await w.run({ smallBytes: 0 })
    const other = fakeBucket()
    other.objects.set('in/b', { body: Buffer.from('of somebody else'), etag: undefined, metadata: {}, type: undefined })
    w.storage.nodes.delete('/in/b')
    await w.run({ smallBytes: 0, store: w.open(other.client) })
    expect(keys(other)).toEqual(['in/a', 'in/b', 'in/manifest.ndjson'])
    expect(other.objects.get('in/b')!.body.toString()).toBe('of somebody else')
  })
})

describe('a key that is ours in a bucket', () => {
  const OURS = ['manifest.ndjson', 'chunk-000001.tar', 'chunk-9.tar.gz', 'device-01-chunk-000001.tar.sha256']
  it.each([0, MIB])('is told of, and its file in no chunk (files over %i bytes apart)', async (smallBytes) => {
    const w = world('minio')
    for (const key of [...OURS, 'sub/manifest.ndjson', 'other']) w.write(key, bytes(100))
    expect(await w.run({ smallBytes })).toMatchObject({ members: 2, failed: 4, left: { key: 4 } })
    const told = w.manifest().flatMap((line) => (line.type === 'failed' ? [line.path] : []))
    expect(told.sort()).toEqual([...OURS].sort())
    const inDirectory = await w.run({ smallBytes, store: undefined, output: '/files' })
    expect(inDirectory).toMatchObject({ members: 6, failed: 0 })
  })

  it.each([
    ['k'.repeat(931), 'expected a key of at most 933 bytes with its prefix, got 934'],
    ['../up', 'expected a key without .. segments'],
    ['\u0001', 'expected characters that XML can have, as S3 lists keys in it, got U+0001'],
  ])('and one that cannot be, in a plan that was given, are left out (%.10s)', async (key, message) => {
    const w = world()
    for (const name of ['a', 'b', 'c']) w.write(name, bytes(1000))
    async function* renamed() {
      for await (const item of plan({ source: '/in', ports: w.ports }))
        if (item.type === 'chunk') yield { ...item, members: item.members.map((one) => (one.path === 'b' ? { ...one, key } : one)) }
    }
    expect(await w.run({ plan: renamed() })).toMatchObject({ members: 2, failed: 1 })
    expect(w.manifest()[1]).toEqual({ type: 'failed', path: 'b', reason: 'key', message })
    expect((await npmTarStream(w.bucket.objects.get('in/chunk-000001.tar')!.body)).map(({ name }) => name)).toEqual(['a', 'c'])
  })

  it.each([0, MIB])('is told of by a chunker (files over %i bytes apart)', async (smallBytes) => {
    const w = world()
    const left: string[] = []
    const chunker = createChunker({ smallBytes, onLeft: ({ path, reason }) => left.push(`${reason} ${path}`) })
    const files = [...OURS, 'other'].map((key) => ({ key, data: bytes(100) }))
    const summary = await chunker.write(files, w.open())
    expect(summary).toMatchObject({ members: 1, failed: 4 })
    expect(left).toEqual(OURS.map((key) => `key ${key}`))
    const tar = w.bucket.objects.get('in/chunk-000001.tar')
    if (smallBytes > 0) expect((await npmTarStream(tar!.body)).map(({ name }) => name)).toEqual(['other'])
    else expect(keys(w.bucket)).toEqual(['in/manifest.ndjson', 'in/other'])
  })
})
