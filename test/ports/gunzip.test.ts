import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { gunzip } from '../../src/ports/gunzip.js'
import { pieces } from '../pieces.js'

const TEXT = '{"a":1}\n'.repeat(200_000)
const packed = gzipSync(TEXT)
const small = gzipSync('x')

async function text(bytes: Uint8Array, size = 1000) {
  const parts: Uint8Array[] = []
  for await (const piece of gunzip(pieces(bytes, size), 'in.gz')) parts.push(piece.slice())
  return Buffer.concat(parts).toString()
}

afterEach(() => void vi.restoreAllMocks())

describe.each(['zlib', 'DecompressionStream'])('by %s', (how) => {
  const given = () => {
    if (how !== 'zlib') vi.spyOn(process, 'getBuiltinModule').mockReturnValue(undefined)
  }

  it.each([1, 7, 100_000])('unpacks pieces of %d bytes', async (size) => {
    given()
    expect(await text(packed.subarray(0), size)).toBe(TEXT)
  })

  it('takes several members as one text', async () => {
    given()
    const bytes = Buffer.concat([small, gzipSync(''), packed, small])
    // Browsers' DecompressionStream knows one member only, as its standard says, and so does that of Node 24.
    if (how === 'zlib' || Number(process.versions.node.split('.')[0]) < 24) expect(await text(bytes)).toBe(`x${TEXT}x`)
    else await expect(text(bytes)).rejects.toMatchObject({ code: 'CORRUPT', message: expect.stringContaining('in.gz: expected gzip, got other data') })
  })

  it.each([
    ['cut short', packed.subarray(0, packed.length - 1), 'in.gz: expected gzip to its end, got less: it was cut short'],
    ['cut in a later member', Buffer.concat([small, packed.subarray(0, 50)]), /it was cut short|Trailing junk/],
    ['empty', new Uint8Array(0), 'it was cut short'],
    ['no gzip', Buffer.from(TEXT), 'in.gz: expected gzip, got other data'],
    ['damaged', packed.map((byte, i) => (i === packed.length - 6 ? byte ^ 1 : byte)), 'expected gzip, got other data'],
  ])('refuses what is %s', async (_, bytes, message) => {
    given()
    await expect(text(bytes)).rejects.toMatchObject({ code: 'CORRUPT', message: expect.stringMatching(message) })
  })

  it('hands on what reading fails with, and stops reading when nobody asks any more', async () => {
    given()
    const failing = async function* () {
      yield small
      throw Object.assign(new Error('EIO'), { code: 'EIO' })
    }
    const all = async () => {
      for await (const _ of gunzip(failing())) {
      }
    }
    await expect(all()).rejects.toMatchObject({ code: 'EIO' })
    let closed = false
    const endless = async function* () {
      try {
        for (;;) yield packed
      } finally {
        closed = true
      }
    }
    for await (const _ of gunzip(endless())) break
    await new Promise((done) => setTimeout(done, 20))
    expect(closed).toBe(true)
  })
})
