import { execFileSync } from 'node:child_process'
import * as zlib from 'node:zlib'
import { describe, expect, it, vi } from 'vitest'
import { unzstd } from '../../src/ports/unzstd.js'
import { pieces } from '../pieces.js'

// by the zstd command, which is neither of the decoders that are tested
const zstd = (bytes: Uint8Array, ...args: string[]) => execFileSync('zstd', ['-c', '-q', ...args], { input: bytes, maxBuffer: 2 ** 28 })
const has = (() => {
  try {
    return zstd(Buffer.from('x')).length > 0
  } catch {
    return false
  }
})()
const native = 'createZstdDecompress' in zlib

const TEXT = Buffer.from(Array.from({ length: 60_000 }, (_, i) => `{"a":${i % 997}}\n`).join(''))

async function unpacked(bytes: Uint8Array, size = 1000) {
  const parts: Uint8Array[] = []
  for await (const piece of unzstd(pieces(bytes, size), 'in.zst')) parts.push(piece.slice())
  return Buffer.concat(parts)
}

describe.runIf(has).each(native ? ['node:zlib', 'zstd-codec'] : ['zstd-codec'])('unzstd by %s', (how) => {
  const given = () => {
    if (how === 'zstd-codec') vi.spyOn(process, 'getBuiltinModule').mockReturnValue(undefined)
    return { [Symbol.dispose]: () => vi.restoreAllMocks() }
  }
  const check = async (bytes: Uint8Array, expected: Uint8Array, size?: number) => {
    given()
    expect((await unpacked(bytes, size)).equals(expected)).toBe(true)
    vi.restoreAllMocks()
  }
  const refused = async (bytes: Uint8Array, message: string | RegExp, code = 'CORRUPT') => {
    given()
    await expect(unpacked(bytes)).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
    vi.restoreAllMocks()
  }

  it.each([1, 7, 100_000])('unpacks pieces of %d bytes', (size) => check(zstd(TEXT), TEXT, size))

  it.each([
    ['levels', ['-19'], TEXT],
    ['no checksum', ['--no-check'], TEXT],
    ['no content size', ['--no-content-size'], TEXT],
    ['what does not compress', ['-1'], Buffer.from(Array.from({ length: 400_000 }, (_, i) => (Math.imul(i, 2654435761) >>> 13) & 255))],
    ['zeros', ['-3'], Buffer.alloc(5_000_000)],
    ['nothing', ['-3'], Buffer.alloc(0)],
    ['a byte', ['-3'], Buffer.from('x')],
    // sizes whose field has one, two and four bytes
    ['256 bytes', ['-3'], TEXT.subarray(0, 256)],
    ['66,000 bytes', ['-3'], TEXT.subarray(0, 66_000)],
  ])('unpacks %s', (_, args, bytes) => check(zstd(bytes, ...args), bytes))

  it('takes frames one after the other as one text, and passes over those that are to be skipped', async () => {
    const skip = Buffer.from([0x5e, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9])
    const small = zstd(Buffer.from('small'))
    const all = Buffer.concat([skip, small, zstd(TEXT), skip, skip, zstd(Buffer.alloc(0)), small])
    await check(all, Buffer.concat([Buffer.from('small'), TEXT, Buffer.from('small')]))
    // many: what a decoder holds must be let go
    await check(Buffer.concat(Array(300).fill(small)), Buffer.from('small'.repeat(300)))
  })

  it('refuses what is cut, damaged, no zstd, or goes on as something else, with its place', async () => {
    const packed = zstd(TEXT)
    for (const size of [1, 3, 4, 5, 9, 20, packed.length - 5, packed.length - 1])
      await refused(packed.subarray(0, size), new RegExp(`in\\.zst, byte ${size < 4 ? 0 : size}: `))
    await refused(Buffer.alloc(0), 'in.zst, byte 0: expected the end or another frame of zstd')
    await refused(TEXT, 'in.zst, byte 0: expected zstd, got other data')
    await refused(Buffer.concat([packed, Buffer.from('more')]), `in.zst, byte ${packed.length}: expected the end or another frame of zstd`)
    await refused(Buffer.concat([packed, packed.subarray(0, 30)]), `in.zst, byte ${packed.length + 30}: expected zstd to its end`)
    const damaged = Buffer.from(packed)
    damaged[packed.length - 1] ^= 1
    await refused(damaged, 'in.zst, byte 0: expected zstd, got other data')
  })

  it('refuses a window that would take the memory', async () => {
    // a frame of a few bytes that asks for a window of 2 GiB, and one of 128 MiB, which a Node with zstd has
    const frame = (exponent: number) => Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, exponent << 3, 1, 0, 0])
    await refused(frame(21), 'in.zst, byte 0: expected a zstd frame with a window of at most 128 MiB, got 2147483648 bytes')
    if (how === 'zstd-codec') await refused(frame(17), 'in.zst: a window of 134217728 bytes needs a Node with zstd', 'MISSING_PEER')
    else await check(frame(17), Buffer.alloc(0))
  })

  it('hands on what reading fails with', async () => {
    given()
    const failing = async function* () {
      yield zstd(TEXT).subarray(0, 100)
      throw Object.assign(new Error('EIO'), { code: 'EIO' })
    }
    const all = async () => {
      for await (const _ of unzstd(failing())) {
      }
    }
    await expect(all()).rejects.toMatchObject({ code: 'EIO' })
    vi.restoreAllMocks()
  })
})
