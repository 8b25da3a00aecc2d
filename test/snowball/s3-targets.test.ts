// What the kinds of targets change in the store: how a MinIO extracts, what a Snowball refuses, and which options will do.
import * as commands from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import { type S3ChunkStoreOptions, s3ChunkStore } from '../../src/snowball/store/s3-store.js'
import { sha256 } from '../archive/members.js'
import { reset, serviceError } from './bucket.js'
import { failing } from './memory.js'
import { bytes, CHUNK, entryOf, MIB, put, world } from './s3-world.js'

const SPOOLED = `/spool/${CHUNK}.tmp`
const RECEIPT = `in/${CHUNK}.sha256`

describe('a MinIO', () => {
  it.each([100, 8 * MIB - 1, 8 * MIB, 20 * MIB])('is given an archive of %d bytes in one PUT, and a receipt tells of it', async (size) => {
    const { bucket, run, storage, store } = world('minio')
    const data = bytes(size)
    const digest = await run(put(store, CHUNK, data, { piece: 700_001 }))
    expect(bucket.requests).toEqual(['DeleteObject', 'PutObject', 'PutObject'])
    expect(bucket.extracted.map(({ prefix, body }) => [prefix, sha256(body)])).toEqual([['in', sha256(data)]])
    expect([...bucket.objects.keys()]).toEqual([RECEIPT])
    expect(bucket.objects.get(RECEIPT)!.body.toString()).toBe(`${sha256(data)}  ${CHUNK}\n`)
    expect(storage.nodes.has(SPOOLED)).toBe(false)
    expect(await run(store.has(entryOf(digest)))).toBe(true)
    expect(await run(store.has({ ...entryOf(digest), sha256: '0'.repeat(64) }))).toBe(false)
    await run(store.remove(entryOf(digest)))
    expect(await run(store.has(entryOf(digest)))).toBe(false)
  })

  it('extracts at the root where there is no prefix', async () => {
    const { bucket, run, store } = world('minio', { prefix: '' })
    await run(put(store, CHUNK, bytes(100)))
    expect(bucket.extracted).toMatchObject([{ prefix: undefined }])
  })

  it('has large files as objects, in parts', async () => {
    const { bucket, run, store } = world('minio')
    const data = bytes(17 * MIB)
    await run(put(store, 'films/a', data, { object: true }))
    expect(sha256(bucket.objects.get('in/films/a')!.body)).toBe(sha256(data))
    expect(bucket.extracted).toEqual([])
  })

  it('is sent the whole archive again where the first attempts fail', async () => {
    const { bucket, run, storage, store } = world('minio')
    const data = bytes(9 * MIB)
    bucket.fail = (name, _input, n) => (name !== 'PutObject' || n > 2 ? undefined : { error: n === 1 ? serviceError('SlowDown', 503) : reset(), done: n === 2 })
    await run(put(store, CHUNK, data))
    expect(bucket.extracted.map(({ body }) => sha256(body))).toEqual([sha256(data), sha256(data)])
    expect(storage.nodes.has(SPOOLED)).toBe(false)
  })

  it('that fails to extract leaves no receipt, not even one of before', async () => {
    const { bucket, run, storage, store } = world('minio')
    const before = await run(put(store, CHUNK, bytes(9 * MIB)))
    bucket.fail = (name) => (name === 'PutObject' ? { error: serviceError('BadRequest', 400), done: true } : undefined)
    await expect(run(put(store, CHUNK, bytes(9 * MIB, 2)))).rejects.toThrow('sending it failed: BadRequest')
    expect(await run(store.has(entryOf(before)))).toBe(false)
    expect(bucket.objects.size).toBe(0)
    expect(storage.nodes.has(SPOOLED)).toBe(false)
  })

  it('does without the receipt of an archive whose PUT was interrupted', async () => {
    const over = new AbortController()
    const { bucket, clock, run, storage, store } = world('minio', { signal: over.signal })
    bucket.pause = () => clock.sleep(1000)
    const work = put(store, CHUNK, bytes(9 * MIB))
    work.catch(() => {})
    await run(clock.sleep(1500))
    over.abort()
    await expect(run(work)).rejects.toMatchObject({ code: 'CLOSED' })
    expect(bucket.objects.size).toBe(0)
    expect(storage.nodes.has(SPOOLED)).toBe(false)
  })

  it.each([
    ['create', 'cannot write: ENOSPC'],
    ['write', 'cannot write: ENOSPC'],
    ['open', 'cannot read: ENOSPC'],
    ['read', 'cannot read: ENOSPC'],
  ])('a spool that fails at its %s is no failure of the network', async (operation, message) => {
    const { bucket, run, storage, store } = world('minio')
    storage.hook = (asked, path) => {
      if (asked === operation && path === SPOOLED) throw failing('ENOSPC')
    }
    await expect(run(put(store, CHUNK, bytes(9 * MIB)))).rejects.toThrow(`${SPOOLED}: ${message}`)
    expect(bucket.requests.filter((name) => name === 'PutObject').length).toBeLessThanOrEqual(1)
    expect(bucket.extracted).toEqual([])
    expect(storage.nodes.has(SPOOLED)).toBe(false)
  })

  it('a spool that was cut is told', async () => {
    const { run, storage, store } = world('minio')
    storage.hook = (asked, path) => {
      if (asked === 'open' && path === SPOOLED) storage.nodes.get(SPOOLED)!.data = bytes(5)
    }
    await expect(run(put(store, CHUNK, bytes(9 * MIB)))).rejects.toThrow(`expected ${9 * MIB} bytes, got 5`)
  })

  it('without a spool takes small archives only', async () => {
    const { run, store } = world('minio', { spool: undefined })
    await run(put(store, CHUNK, bytes(100)))
    await expect(run(put(store, CHUNK, bytes(8 * MIB)))).rejects.toMatchObject({ code: 'CONFIG', message: expect.stringContaining('expected "spool"') })
  })
})

describe('archives', () => {
  it.each([
    ['aws-snowball', 'zstd', 1e9, '"compression" expected none or gzip for aws-snowball'],
    ['aws-snowball', undefined, 1e11 + 1, '"chunkBytes" expected at most 100000000000 bytes for aws-snowball'],
    ['minio', undefined, 5 * 2 ** 30 + 1, '"chunkBytes" expected at most 5368709120 bytes for minio'],
  ] as const)('that %s would not extract are refused: %s, %d bytes', async (profile, compression, chunkBytes, message) => {
    const { run, store } = world(profile)
    expect(() => store.check({ compression, chunkBytes })).toThrow(message)
    await expect(run(store.create(compression ? 'chunk-000001.tar.zst' : CHUNK, { bound: chunkBytes, object: false }))).rejects.toThrow(RangeError)
    store.check({ compression: 'gzip', chunkBytes: 1e9 })
  })

  it.each(['s3', 'minio'] as const)('of zstd are taken by %s', (profile) => world(profile).store.check({ compression: 'zstd', chunkBytes: 1e9 }))

  it('and objects have keys that the prefix does not make too long', async () => {
    const { run, store } = world('aws-snowball', { prefix: `${'p'.repeat(99)}/` })
    expect(store.prefix).toHaveLength(100)
    await run(put(store, 'k'.repeat(833), bytes(1), { object: true }))
    await expect(run(put(store, 'k'.repeat(834), bytes(1), { object: true }))).rejects.toMatchObject({ code: 'BAD_INPUT' })
    await expect(run(put(store, '../k', bytes(1), { object: true }))).rejects.toThrow('without .. segments')
  })

  it('of more than 10,000 parts of 512 MB are none', async () => {
    const { run, store } = world()
    await expect(run(store.create('big', { bound: 6e12, object: true }))).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' })
  })
})

describe('a client of the user’s', () => {
  const configured = (config: object) => ({ send: async () => ({ ETag: '"x"', ContentLength: 1 }), config })
  it.each<[config: object, message: string]>([
    [{ requestChecksumCalculation: async () => 'WHEN_SUPPORTED' }, 'requestChecksumCalculation "WHEN_REQUIRED"'],
    [{ requestChecksumCalculation: async () => 'WHEN_REQUIRED', forcePathStyle: false }, 'forcePathStyle true'],
  ])('that a Snowball cannot understand is refused', async (config, message) => {
    const { run, store } = world('aws-snowball', { client: configured(config) })
    await expect(run(put(store, CHUNK, bytes(1)))).rejects.toMatchObject({ code: 'CONFIG', message: expect.stringContaining(message) })
    await expect(run(store.prepare())).rejects.toMatchObject({ code: 'CONFIG' })
  })

  it('that is made for it will do, and so will any for others', async () => {
    const right = { requestChecksumCalculation: async () => 'WHEN_REQUIRED', forcePathStyle: true }
    const snowball = world('aws-snowball', { client: configured(right) })
    await snowball.run(put(snowball.store, CHUNK, bytes(1)))
    const other = world('minio', { client: configured({ requestChecksumCalculation: async () => 'WHEN_SUPPORTED' }) })
    await other.run(put(other.store, 'a', bytes(1), { object: true }))
  })
})

it.each([
  [{ profile: 'gcs' }, '"profile" expected one of s3, aws-snowball, minio, got "gcs"'],
  [{ profile: '__proto__' }, '"profile" expected one of'],
  [{ bucket: '' }, '"bucket" expected the name of a bucket'],
  [{ prefix: 'in' }, '"prefix" expected a path of the form "a/b/"'],
  [{ prefix: '/' }, '"prefix" expected a path'],
  [{ prefix: 'a//b/' }, '"prefix" expected a path'],
  [{ prefix: 'a/../' }, '"prefix" expected a path'],
  [{ prefix: 1 }, '"prefix" expected a string'],
  [{ prefix: 'fotos-für/', profile: 'minio' }, '"prefix" expected printable ASCII for minio'],
  [{ prefix: ' a/', profile: 'minio' }, '"prefix" expected printable ASCII for minio'],
  [{ partsAtOnce: 0 }, '"partsAtOnce" expected a whole number from 1'],
  [{ retries: -1 }, '"retries" expected a whole number from 0'],
  [{ spool: '/x', ports: {} }, '"ports" expected ports with a storage'],
  [{ spool: 5 }, '"spool" expected the path of a directory'],
  [{ ports: { clock: {} } }, '"ports" expected ports with a clock'],
  [{ signal: {} }, '"signal" expected an AbortSignal'],
  [{ onOrphan: 1 }, '"onOrphan" expected a function'],
  [{ onRetry: 1 }, '"onRetry" expected a function'],
  [{ client: {} }, '"client" expected an object with send(command)'],
  [{ partSize: 5 }, '"options" expected one of'],
])('the options %j will not do', (options, message) => {
  expect(() => s3ChunkStore({ bucket: 'lake', profile: 's3', client: { send: async () => ({}) }, commands, ...options } as S3ChunkStoreOptions)).toThrow(
    message,
  )
})
