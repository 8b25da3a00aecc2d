// The chunker beside packSnowball where both store the same: in a bucket, compressed, by targets of all kinds.
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { nodeSha256 } from '../../src/ports/node-hash.js'
import { createChunker, packSnowball } from '../../src/snowball/index.js'
import type { Profile } from '../../src/snowball/store/profile.js'
import { npmTarStream, sha256 } from '../archive/members.js'
import { bytes, collect } from './chunks.js'
import { memoryStorage } from './memory.js'
import { world } from './s3-world.js'

/** The same files as a tree and one by one; the large ones first, so that both number alike. */
function files() {
  const storage = memoryStorage(() => 1_700_000_000_000)
  const given = []
  for (const [key, size] of [
    ['0/large', 9_000_000],
    ['0/larger', 17_000_001],
  ] as const) {
    storage.write(`/in/${key}`, bytes(size))
    given.push({ key, size, data: new Blob([bytes(size)]) })
  }
  for (let i = 0; i < 20; i++) {
    const key = `a/${String(i).padStart(2, '0')}`
    storage.write(`/in/${key}`, bytes(i * 100, i))
    given.push({ key, data: bytes(i * 100, i) })
  }
  const ports = { storage, clock: { now: () => 1_700_000_009_000, monotonic: () => 0, sleep: async () => {} }, sha256: nodeSha256 }
  return { storage, given, ports }
}
const plans = (text: Uint8Array) => new TextDecoder().decode(text).replaceAll(/"plan":"[0-9a-f]{64}"/g, '')

describe('in a bucket', () => {
  it.each<Profile>(['s3', 'aws-snowball'])('of %s the objects are those of packSnowball, large files as they are', async (profile) => {
    const { given, ports } = files()
    const [a, b] = [world(profile, { prefix: 'in/' }), world(profile, { prefix: 'in/' })]
    await packSnowball({ source: '/in', output: '/out', ports, store: a.store, prefix: 'p/', chunkFiles: 15 })
    const summary = await createChunker({ ports, prefix: 'p/', chunkFiles: 15 }).write(given, b.store)
    expect(summary).toMatchObject({ chunks: 2, members: 22, failed: 0 })
    const names = [...a.bucket.objects.keys()].sort()
    expect([...b.bucket.objects.keys()].sort()).toEqual(names)
    expect(names).toContain('in/p/0/large')
    for (const name of names) {
      const [x, y] = [a, b].map(({ bucket }) => bucket.objects.get(name)!.body)
      if (name.endsWith('manifest.ndjson')) expect(plans(y)).toBe(plans(x))
      else expect(sha256(y), name).toBe(sha256(x))
    }
  })

  it('a large file that fails leaves no object and no upload', async () => {
    const { store, bucket } = world('s3', { prefix: 'in/' })
    async function* short() {
      yield bytes(20_000_000)
    }
    const summary = await createChunker().write(
      [
        { key: 'short', size: 30_000_000, data: short() },
        { key: 'good', data: 'x' },
      ],
      store,
    )
    expect(summary).toMatchObject({ chunks: 1, members: 1, failed: 1, left: { changed: 1 } })
    expect([...bucket.objects.keys()].sort()).toEqual(['in/chunk-000002.tar', 'in/manifest.ndjson'])
    expect(bucket.uploads.size).toBe(0)
  })

  it('the prefix of the store counts as part of a key', async () => {
    const { store } = world('s3', { prefix: `${'p'.repeat(99)}/` })
    expect(await createChunker().write([{ key: 'k'.repeat(850), data: '' }], store)).toMatchObject({ members: 0, left: { key: 1 } })
  })

  it('archives that it would not extract are refused before anything is stored', async () => {
    const { store, bucket } = world('aws-snowball')
    await expect(createChunker({ compression: 'zstd' }).write([], store)).rejects.toThrow(RangeError)
    expect(bucket.requests).toEqual([])
  })
})

describe('compressed', () => {
  it('chunks are those of packSnowball', async () => {
    const { given, storage, ports } = files()
    await packSnowball({ source: '/in', output: '/out', ports, compression: 'gzip', compressionLevel: 3 })
    const { tars, lines } = await collect(given, { compression: 'gzip', compressionLevel: 3 })
    expect([...tars.keys()]).toEqual(['chunk-000001.tar.gz', 'chunk-000002.tar.gz', 'chunk-000003.tar.gz'])
    for (const [name, tar] of tars) expect(Buffer.compare(tar, storage.nodes.get(`/out/${name}`)!.data), name).toBe(0)
    expect(plans(Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join('')))).toBe(plans(storage.nodes.get('/out/manifest.ndjson')!.data))
    expect((await npmTarStream(gunzipSync(tars.get('chunk-000003.tar.gz')!))).length).toBe(20)
  })

  it('by what there is, else not at all', () => {
    expect(() => createChunker({ compression: 'lz4' as never })).toThrow('"compression" expected one of gzip, zstd, got "lz4"')
    expect(() => createChunker({ compression: 'gzip', compressionLevel: 10 })).toThrow('"compressionLevel" expected a whole number from 1 to 9')
    expect(() => createChunker({ compressionLevel: 1 })).toThrow('"compressionLevel" expected nothing without compression')
  })
})
