// Compression of chunks: read back by independent decoders, equal however it is cut, bounded.
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import zstdPackage from 'zstd-codec'
import { systemZstd } from '../../src/ports/compression.js'
import { zstdOpener } from '../../src/ports/zstd-peer.js'
import type { Compression } from '../../src/snowball/manifest/manifest.js'
import { checkCompression, compressedBound, createCompressor } from '../../src/snowball/pack/compress.js'
import { sha256 } from '../archive/members.js'
import { bytes, MIB } from './s3-world.js'

const ZSTD = '/usr/bin/zstd'
const zstd = zstdOpener(zstdPackage)

/** By decoders of others; several frames or one. */
async function unpacked(kind: Compression, packed: Uint8Array): Promise<Buffer> {
  if (kind === 'gzip') return gunzipSync(packed)
  if (existsSync(ZSTD)) return execFileSync(ZSTD, ['-dcq'], { input: packed, maxBuffer: 2 ** 30 })
  const { Streaming } = (await zstd()) as unknown as { Streaming: new () => { decompress(data: Uint8Array): Uint8Array } }
  return Buffer.from(new Streaming().decompress(packed))
}

/** Compresses `data` cut into pieces of `sizes` in turn, in one buffer that is written over. */
async function packed(kind: Compression, data: Uint8Array, sizes: number[], level?: number): Promise<Buffer> {
  const compressor = await createCompressor(kind, level)
  const out: Uint8Array[] = []
  const piece = new Uint8Array(Math.max(1, ...sizes))
  for (let at = 0, i = 0; at < data.length; i++) {
    const part = piece.subarray(0, Math.min(sizes[i % sizes.length], data.length - at))
    part.set(data.subarray(at, at + part.length))
    const got = await compressor.push(part)
    part.fill(0xee)
    if (got) out.push(got.slice())
    at += part.length
  }
  out.push(await compressor.end())
  return Buffer.concat(out)
}

/** Half noise, half text that repeats. */
function sample(size: number): Uint8Array {
  const data = bytes(size & ~3, 3)
  for (let at = 0; at + 1000 < data.length; at += 2000)
    data.set(new TextEncoder().encode(`line ${at} of a log that says the same again and again\n`.repeat(18)).subarray(0, 1000), at)
  return data
}

const KINDS: Compression[] = ['gzip', 'zstd']

describe.each(KINDS)('%s', (kind) => {
  it.each([0, 4, 256 * 1024, 256 * 1024 + 4, 2 * MIB, 5 * MIB + 12])('of %d bytes is read back by others', async (size) => {
    const data = sample(size)
    const result = await packed(kind, data, [1 << 20])
    expect(sha256(await unpacked(kind, result))).toBe(sha256(data))
    if (size > MIB) expect(result.length).toBeLessThan(0.65 * size)
  })

  it('is the same however the data is cut', async () => {
    const data = sample(3 * MIB)
    const whole = sha256(await packed(kind, data, [data.length]))
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.integer({ min: 1, max: 600_000 }), fc.constantFrom(1, 512, 1 << 18, 1 << 20)), { minLength: 1, maxLength: 5 }),
        async (sizes) => {
          // not by the byte for ever
          fc.pre(sizes.reduce((sum, size) => sum + size, 0) > 20_000)
          expect(sha256(await packed(kind, data, sizes))).toBe(whole)
        },
      ),
      { numRuns: 25 },
    )
  })

  it('comes out while data goes in', async () => {
    const compressor = await createCompressor(kind)
    let came = 0
    for (let i = 1; i <= 16; i++) {
      // noise does not shrink: what has not come out is held
      came += (await compressor.push(bytes(MIB, i)))?.length ?? 0
      expect(i * MIB - came).toBeLessThanOrEqual(5 * MIB)
    }
    compressor.discard()
  })

  it.each([0, 1, 100, 65_536, 5 * MIB])('of %d bytes of noise is within the bound', async (size) => {
    for (const level of [1, undefined, 9]) {
      const result = await packed(kind, bytes(size + 4).subarray(0, size), [MIB], level)
      expect(result.length).toBeLessThanOrEqual(compressedBound(size))
    }
  })

  it('of a higher level is no larger', async () => {
    const data = sample(3 * MIB)
    const [low, high] = [await packed(kind, data, [MIB], 1), await packed(kind, data, [MIB], 9)]
    expect(high.length).toBeLessThanOrEqual(low.length)
    expect(sha256(await unpacked(kind, high))).toBe(sha256(data))
  })
})

it('a gzip header tells neither time nor name nor system', async () => {
  const result = await packed('gzip', sample(1000), [100])
  // RFC 1952: magic, deflate, no flags, no time, extra flags, unknown system
  expect([...result.subarray(0, 10)]).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255])
})

it('pieces are no Buffers, whose slice() would be no copy', async () => {
  const compressor = await createCompressor('gzip')
  const pieces = [await compressor.push(bytes(5 * MIB)), await compressor.end()]
  for (const piece of pieces) expect(piece!.constructor).toBe(Uint8Array)
})

describe('without node:zlib', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
  })
  const noZlib = () => vi.stubGlobal('process', { ...process, getBuiltinModule: () => undefined })

  it('gzip is the CompressionStream’s, the same however the data is cut', async () => {
    noZlib()
    const data = sample(3 * MIB)
    const results = [await packed('gzip', data, [data.length]), await packed('gzip', data, [70_001, 3])]
    vi.unstubAllGlobals()
    expect(sha256(results[0])).toBe(sha256(results[1]))
    expect(results[0][9]).toBe(255)
    expect(sha256(gunzipSync(results[0]))).toBe(sha256(data))
  })

  it('there are no levels of it', async () => {
    noZlib()
    await expect(createCompressor('gzip', 5)).rejects.toThrow('"compressionLevel" expected nothing, for the CompressionStream')
  })

  it('nor without a CompressionStream is there any', async () => {
    noZlib()
    vi.stubGlobal('CompressionStream', undefined)
    await expect(createCompressor('gzip')).rejects.toMatchObject({ code: 'CONFIG' })
  })

  it('one that is given up is let go', async () => {
    noZlib()
    const compressor = await createCompressor('gzip')
    await compressor.push(bytes(MIB))
    compressor.discard()
  })
})

it.each([
  ['lz4', undefined, '"compression" expected one of gzip, zstd, got "lz4"'],
  ['__proto__', undefined, '"compression" expected one of gzip, zstd'],
  [undefined, undefined, '"compression" expected one of gzip, zstd'],
  ['gzip', 10, '"compressionLevel" expected a whole number from 1 to 9'],
  ['gzip', 0, '"compressionLevel" expected a whole number from 1 to 9'],
  ['zstd', 20, '"compressionLevel" expected a whole number from 1 to 19'],
  ['zstd', '3', '"compressionLevel" expected a whole number'],
])('compression %j of level %j is none', (kind, level, message) => {
  expect(() => checkCompression(kind, level)).toThrow(message)
})

it.skipIf(systemZstd())('a level that the package has not is refused', async () => {
  await expect(createCompressor('zstd', 10)).rejects.toThrow('"compressionLevel" expected at most 9 for zstd-codec')
})
