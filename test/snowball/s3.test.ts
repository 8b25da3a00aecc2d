// The store of chunks in a bucket: what is sent, what comes of failures, what is recognised.
import * as commands from '@aws-sdk/client-s3'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MillraceError } from '../../src/errors.js'
import { nodeSha256 } from '../../src/ports/node-hash.js'
import type { ManifestObject } from '../../src/snowball/manifest/manifest.js'
import { putFile } from '../../src/snowball/pack/put-file.js'
import { sha256 } from '../archive/members.js'
import { fakeBucket, md5, reset, serviceError } from './bucket.js'
import { bytes, CHUNK, count, digestOf, entryOf, MIB, put, world } from './s3-world.js'

describe('what is sent', () => {
  it('is one PUT below 8 MiB, with the metadata that has it extracted', async () => {
    const { bucket, run, store } = world()
    const data = bytes(8 * MIB - 1)
    const digest = await run(put(store, CHUNK, data, { bound: 20 * MIB }))
    expect(bucket.requests).toEqual(['PutObject'])
    expect(bucket.objects.get(`in/${CHUNK}`)).toMatchObject({
      etag: digest.etag,
      type: 'application/x-tar',
      metadata: { 'snowball-auto-extract': 'true', 'millrace-sha256': sha256(data) },
    })
    expect(digest.etag).toBe(md5(data))
  })

  it.each([8 * MIB, 8 * MIB + 1, 16 * MIB, 16 * MIB + 5, 20 * MIB])('of %d bytes are parts of 8 MiB, with the ETag that was told before', async (size) => {
    const { bucket, run, store } = world()
    const data = bytes(size)
    const digest = await run(put(store, CHUNK, data, { bound: size + 12_345, piece: 700_001 }))
    const stored = bucket.objects.get(`in/${CHUNK}`)
    expect(stored).toMatchObject({ etag: digest.etag, type: 'application/x-tar', metadata: { 'snowball-auto-extract': 'true' } })
    expect(sha256(stored!.body)).toBe(sha256(data))
    expect(count(bucket, 'UploadPart')).toBe(Math.ceil(size / (8 * MIB)))
    expect(bucket.uploads.size).toBe(0)
  })

  it('has the type of its name, and an object no metadata that would extract it', async () => {
    const { bucket, run, store } = world()
    await run(put(store, 'chunk-000002.tar.gz', bytes(10)))
    await run(put(store, 'chunk-000003.tar.zst', bytes(10)))
    await run(put(store, 'films/archive.tar', bytes(10), { object: true }))
    await run(put(store, 'manifest.ndjson', bytes(10), { object: true }))
    await run(put(store, 'films/none', new Uint8Array(0), { object: true }))
    expect([...bucket.objects].map(([key, { type, metadata }]) => [key, type, metadata['snowball-auto-extract']])).toEqual([
      ['in/chunk-000002.tar.gz', 'application/gzip', 'true'],
      ['in/chunk-000003.tar.zst', 'application/zstd', 'true'],
      ['in/films/archive.tar', 'application/octet-stream', undefined],
      ['in/manifest.ndjson', 'application/x-ndjson', undefined],
      ['in/films/none', 'application/octet-stream', undefined],
    ])
  })

  it('is at most as many parts at once as were asked for, of all uploads together, and the writer waits', async () => {
    const { bucket, clock, run, store } = world('s3', { partsAtOnce: 3 })
    bucket.pause = () => clock.sleep(1000)
    const data = bytes(41 * MIB)
    await run(Promise.all([put(store, CHUNK, data), put(store, 'chunk-000002.tar', data)]))
    expect(bucket.load.most).toBe(3)
    for (const name of [CHUNK, 'chunk-000002.tar']) expect(sha256(bucket.objects.get(`in/${name}`)!.body)).toBe(sha256(data))
  })

  it('is the same however it is written', async () => {
    const data = bytes(17 * MIB)
    const expected = digestOf(data, data.length)
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(fc.integer({ min: 0, max: 9 * MIB }), fc.constant(8 * MIB)), { maxLength: 6 }), async (sizes) => {
        const { bucket, run, store } = world()
        const work = async () => {
          const sink = await store.create(CHUNK, { bound: data.length, object: false })
          let at = 0
          for (const size of [...sizes, data.length]) {
            await sink.write(data.subarray(at, at + size))
            at = Math.min(at + size, data.length)
          }
          await sink.finish(expected)
        }
        await run(work())
        expect(bucket.objects.get(`in/${CHUNK}`)?.etag).toBe(expected.etag)
      }),
      { numRuns: 10 },
    )
  })

  it('more than was announced is refused', async () => {
    const { bucket, run, store } = world()
    await expect(run(put(store, CHUNK, bytes(9 * MIB), { bound: 9 * MIB - 1 }))).rejects.toMatchObject({
      code: 'IO',
      message: expect.stringContaining('at most'),
    })
    expect(bucket.uploads.size + bucket.objects.size).toBe(0)
  })

  it('is a file of this machine too', async () => {
    const { bucket, run, storage, store } = world()
    const data = bytes(9 * MIB)
    storage.write('/out/manifest.ndjson', data)
    await run(putFile(store, { storage, sha256: nodeSha256 }, '/out/manifest.ndjson', 'manifest.ndjson'))
    expect(sha256(bucket.objects.get('in/manifest.ndjson')!.body)).toBe(sha256(data))
  })
})

describe('a failure that may pass', () => {
  const passing: [string, () => Error][] = [
    ['500', () => serviceError('InternalError', 500)],
    ['a throttle', () => serviceError('SlowDown', 503)],
    ['a reset', reset],
    ['damage on the way', () => serviceError('BadDigest', 400)],
  ]

  it.each(passing)('is tried again after a wait: %s', async (_, error) => {
    const { bucket, clock, run, store } = world()
    bucket.fail = (_name, _input, n) => (n <= 2 ? { error: error() } : undefined)
    const data = bytes(17 * MIB)
    const before = clock.monotonic()
    const digest = await run(put(store, CHUNK, data))
    expect(bucket.objects.get(`in/${CHUNK}`)?.etag).toBe(digest.etag)
    // begin and complete, twice each: 200 ms and 400 ms, half of it by chance
    expect(clock.monotonic() - before).toBeGreaterThanOrEqual(2 * 300)
    expect(clock.monotonic() - before).toBeLessThanOrEqual(4 * 600)
  })

  it.each(passing)('of a single PUT is tried again: %s', async (_, error) => {
    const { bucket, run, store } = world()
    bucket.fail = (_name, _input, n) => (n <= 5 ? { error: error() } : undefined)
    await run(put(store, CHUNK, bytes(100)))
    expect(bucket.requests).toHaveLength(6)
  })

  it('may be no answer at all', async () => {
    const { bucket, clock, run, store } = world()
    bucket.fail = (name, _input, n) => (name === 'UploadPart' && n === 1 ? 'hang' : undefined)
    const before = clock.monotonic()
    await run(put(store, CHUNK, bytes(17 * MIB)))
    // 60 s and what 8 MiB take at 1 MB/s
    expect(clock.monotonic() - before).toBeGreaterThan(68_000)
    expect(bucket.objects.has(`in/${CHUNK}`)).toBe(true)
  })

  it('may be an answer that was lost', async () => {
    const { bucket, run, store } = world()
    bucket.fail = (name, _input, n) => (n === 1 && /Part$|^Complete/.test(name) ? { error: reset(), done: true } : undefined)
    const data = bytes(17 * MIB)
    const digest = await run(put(store, CHUNK, data))
    expect(bucket.requests.slice(-3)).toEqual(['CompleteMultipartUpload', 'CompleteMultipartUpload', 'HeadObject'])
    expect(bucket.objects.get(`in/${CHUNK}`)?.etag).toBe(digest.etag)
  })

  it('is told before it is tried again, and who throws at that is not heard', async () => {
    const told: unknown[] = []
    const { bucket, run, store } = world('s3', {
      retries: 2,
      onRetry(retry) {
        told.push(retry)
        throw new Error('not our business')
      },
    })
    bucket.fail = () => ({ error: serviceError('SlowDown', 503) })
    await expect(run(put(store, CHUNK, bytes(100)))).rejects.toThrow('sending it failed: SlowDown: SlowDown: injected (3 attempts)')
    expect(told).toEqual([1, 2].map((attempt) => ({ what: 'sending it', key: `in/${CHUNK}`, attempt, message: 'SlowDown: SlowDown: injected' })))
  })

  it('is waited for longer each time, some 45 s in all, when it goes on', async () => {
    const { bucket, clock, run, store } = world()
    bucket.fail = () => ({ error: serviceError('ServiceUnavailable', 503) })
    const before = clock.monotonic()
    await expect(run(put(store, CHUNK, bytes(100)))).rejects.toThrow('(9 attempts)')
    expect(clock.monotonic() - before).toBeGreaterThan(22_000)
    expect(clock.monotonic() - before).toBeLessThan(46_000)
  })

  it('that goes on is given up, and nothing is left', async () => {
    const { bucket, run, store, orphans } = world('s3', { retries: 3 })
    bucket.fail = (name, input) => (name === 'UploadPart' && input.PartNumber === 2 ? { error: serviceError('SlowDown', 503) } : undefined)
    await expect(run(put(store, CHUNK, bytes(17 * MIB)))).rejects.toMatchObject({
      code: 'IO',
      message: `s3://lake/in/${CHUNK}: sending its part 2 failed: SlowDown: SlowDown: injected (4 attempts)`,
    })
    expect(count(bucket, 'UploadPart')).toBeLessThanOrEqual(6)
    expect(bucket.uploads.size + bucket.objects.size + orphans.length).toBe(0)
  })
})

describe('a failure that will not pass', () => {
  it.each([
    ['AccessDenied', 403],
    ['NoSuchBucket', 404],
    ['InvalidArgument', 400],
    ['NotImplemented', 501],
  ])('is not tried again: %s', async (name, status) => {
    const { bucket, clock, run, store } = world()
    bucket.fail = () => ({ error: serviceError(name, status) })
    const before = clock.monotonic()
    await expect(run(put(store, CHUNK, bytes(100)))).rejects.toThrow(MillraceError)
    await expect(run(put(store, CHUNK, bytes(9 * MIB)))).rejects.toThrow(`beginning its upload failed: ${name}`)
    expect(bucket.requests).toEqual(['PutObject', 'CreateMultipartUpload'])
    expect(clock.monotonic()).toBe(before)
  })

  it('of the client is the caller’s, not the network’s', async () => {
    const hopeless = { send: async () => ({}), config: { region: async () => Promise.reject(new Error('Region is missing')) } }
    const { run, store } = world('s3', { client: hopeless })
    await expect(run(put(store, CHUNK, bytes(1)))).rejects.toMatchObject({ code: 'CONFIG' })
  })

  it('of a part ends the others, and the upload', async () => {
    const { bucket, clock, run, store } = world()
    bucket.pause = () => clock.sleep(50)
    bucket.fail = (name, input) => (name === 'UploadPart' && input.PartNumber === 2 ? { error: serviceError('AccessDenied', 403) } : undefined)
    await expect(run(put(store, CHUNK, bytes(80 * MIB)))).rejects.toThrow('sending its part 2 failed: AccessDenied')
    expect(count(bucket, 'UploadPart')).toBeLessThan(10)
    expect(bucket.requests.at(-1)).toBe('AbortMultipartUpload')
    expect(bucket.uploads.size).toBe(0)
  })

  it('of the abort as well is told', async () => {
    const { bucket, run, store, orphans } = world()
    bucket.fail = (name) =>
      name === 'CompleteMultipartUpload' ? { error: serviceError('AccessDenied', 403) } : name === 'AbortMultipartUpload' ? { error: reset() } : undefined
    await expect(run(put(store, CHUNK, bytes(9 * MIB)))).rejects.toThrow('completing its upload failed')
    expect(orphans).toMatchObject([{ key: `in/${CHUNK}`, uploadId: [...bucket.uploads.keys()][0], cause: { code: 'IO' } }])
  })

  it('a part that the target has lost fails the upload', async () => {
    const { bucket, run, store } = world()
    bucket.fail = (name) => {
      if (name === 'CompleteMultipartUpload') for (const upload of bucket.uploads.values()) upload.parts.delete(2)
      return undefined
    }
    await expect(run(put(store, CHUNK, bytes(17 * MIB)))).rejects.toThrow('completing its upload failed: InvalidPart')
    expect(bucket.objects.size + bucket.uploads.size).toBe(0)
  })

  it.each(['CreateMultipartUpload', 'UploadPart'])('an answer to %s without what it is for is none', async (name) => {
    const { bucket, run, store } = world()
    bucket.answer = (asked, answer) => (asked === name ? {} : answer)
    await expect(run(put(store, CHUNK, bytes(9 * MIB)))).rejects.toThrow(/expected an (UploadId|ETag) in the answer to/)
    expect(bucket.objects.size).toBe(0)
  })

  it('a signal ends what is under way', async () => {
    const over = new AbortController()
    const { bucket, clock, run, store } = world('s3', { signal: over.signal })
    bucket.pause = () => clock.sleep(1000)
    const work = put(store, CHUNK, bytes(80 * MIB))
    work.catch(() => {})
    await run(clock.sleep(3500))
    over.abort()
    await expect(run(work)).rejects.toMatchObject({ code: 'CLOSED' })
    expect(bucket.uploads.size + bucket.objects.size).toBe(0)
  })
})

describe('what was stored', () => {
  it('with another ETag is an error, and is removed', async () => {
    for (const size of [100, 9 * MIB]) {
      const { bucket, run, store } = world()
      bucket.answer = (name, answer) => (/Put|Complete/.test(name) ? { ETag: `"${'a'.repeat(32)}${size > 100 ? '-2' : ''}"` } : answer)
      await expect(run(put(store, CHUNK, bytes(size)))).rejects.toThrow(/stored with the ETag a+(-2)?, expected/)
      expect(bucket.objects.size + bucket.uploads.size).toBe(0)
    }
  })

  it.each([
    ['s3', { ETag: '"0123456789abcdef0123456789abcdef"', ServerSideEncryption: 'aws:kms' }],
    ['s3', { ETag: '"0123456789abcdef0123456789abcdef"', SSECustomerAlgorithm: 'AES256' }],
    ['s3', { ETag: '"CNDK9vf="' }],
    ['s3', {}],
    ['minio', { ETag: '"0123456789abcdef0123456789abcdef"' }],
    ['aws-snowball', {}],
  ] as const)('by %s with an ETag that tells nothing is known by its size: %j', async (profile, answered) => {
    const { bucket, run, store } = world(profile)
    bucket.answer = (name, answer) => (name === 'PutObject' ? answered : answer)
    await run(put(store, 'big', bytes(100), { object: true }))
    expect(bucket.requests).toEqual(['PutObject', 'HeadObject'])
    bucket.answer = (name, answer) => (name === 'PutObject' ? answered : name === 'HeadObject' ? { ...answer, ContentLength: 99 } : answer)
    await expect(run(put(store, 'big', bytes(100), { object: true }))).rejects.toThrow('stored with 99 bytes, expected 100')
    expect(bucket.objects.size).toBe(0)
  })

  it('by a MinIO that was not said to be one is not there', async () => {
    const { bucket, run, store } = world('s3', {}, fakeBucket('minio'))
    bucket.answer = (name, answer) => (name === 'PutObject' ? {} : answer)
    await expect(run(put(store, CHUNK, bytes(100)))).rejects.toThrow('does the endpoint extract archives by itself, as a MinIO (profile minio)?')
  })

  it.each(['s3', 'aws-snowball'] as const)('on %s is recognised by its content', async (profile) => {
    for (const size of [100, 9 * MIB]) {
      const { bucket, run, store } = world(profile)
      const data = bytes(size)
      const entry = entryOf(await run(put(store, CHUNK, data)))
      expect(await run(store.has(entry))).toBe(true)
      const object = bucket.objects.get(`in/${CHUNK}`)!
      const change = (changed: Partial<typeof object>) => bucket.objects.set(`in/${CHUNK}`, { ...object, ...changed })
      // as a target does that makes ETags of its own: the bytes are read
      change({ etag: 'opaque', metadata: {} })
      expect(await run(store.has(entry))).toBe(true)
      const other = bytes(size, 2)
      change({ body: Buffer.from(other), etag: 'opaque', metadata: {} })
      expect(await run(store.has(entry))).toBe(false)
      if (profile === 's3') {
        change({ body: Buffer.from(other), etag: digestOf(other, size).etag })
        expect(await run(store.has(entry))).toBe(false)
      }
      change({ body: Buffer.from(data.subarray(1)) })
      expect(await run(store.has(entry))).toBe(false)
      await run(store.remove(entry))
      expect(await run(store.has(entry))).toBe(false)
    }
  })

  it('that cannot be read to its end is not recognised', async () => {
    const { bucket, run, store } = world('aws-snowball')
    const entry = entryOf(await run(put(store, CHUNK, bytes(9 * MIB))))
    bucket.objects.get(`in/${CHUNK}`)!.etag = 'opaque'
    bucket.answer = (name, answer) => (name === 'GetObject' ? { Body: broken() } : answer)
    expect(await run(store.has(entry))).toBe(false)
    bucket.fail = (name) => (name === 'HeadObject' ? { error: serviceError('AccessDenied', 403) } : undefined)
    await expect(run(store.has(entry))).rejects.toThrow('looking it up failed: AccessDenied')
  })

  async function* broken() {
    yield bytes(5)
    throw reset()
  }

  it('as an object of its own too', async () => {
    const { run, store } = world()
    const { bytes: size, ...digest } = await run(put(store, 'films/a', bytes(9 * MIB), { object: true }))
    const entry: ManifestObject = { type: 'object', path: 'a', key: 'films/a', size, crc32c: '00000000', plan: '0'.repeat(64), ...digest }
    expect(await run(store.has(entry))).toBe(true)
    expect(await run(store.has({ ...entry, size: size + 1 }))).toBe(false)
  })
})

describe('a run that was killed', () => {
  it('leaves uploads of chunks, which the next one aborts, and those alone; then all is as it would have been', async () => {
    const { bucket, run, open, store } = world()
    const data = bytes(20 * MIB)
    // as a kill does: nothing after the second part
    for (const name of [CHUNK, 'chunk-000002.tar.gz', 'device-02-chunk-000003.tar']) {
      const sink = await store.create(name, { bound: data.length, object: false })
      await run(sink.write(data.subarray(0, 17 * MIB)))
    }
    for (const key of ['in/chunk-of-mine', 'in/chunk-000001.tar.old', 'other/chunk-000001.tar', 'in/films/big'])
      await bucket.client.send(new commands.CreateMultipartUploadCommand({ Bucket: 'lake', Key: key }))
    const next = open()
    expect(await run(next.prepare())).toBe(3)
    expect([...bucket.uploads.values()].map(({ key }) => key).sort()).toEqual([
      'in/chunk-000001.tar.old',
      'in/chunk-of-mine',
      'in/films/big',
      'other/chunk-000001.tar',
    ])
    const digest = await run(put(next, CHUNK, data))
    expect(bucket.objects.get(`in/${CHUNK}`)?.etag).toBe(digest.etag)
  })

  it.each(['NotImplemented', 'MethodNotAllowed', 'AccessDenied'])('is not cleared up where the endpoint says %s', async (name) => {
    const { bucket, run, store } = world()
    bucket.fail = () => ({ error: serviceError(name, name === 'NotImplemented' ? 501 : 403) })
    expect(await run(store.prepare())).toBe(undefined)
    expect(bucket.requests).toEqual(['ListMultipartUploads'])
  })

  it('and a bucket that is not there is told before anything is packed', async () => {
    const { bucket, run, store } = world()
    bucket.fail = () => ({ error: serviceError('NoSuchBucket', 404) })
    await expect(run(store.prepare())).rejects.toMatchObject({ code: 'IO' })
  })
})
