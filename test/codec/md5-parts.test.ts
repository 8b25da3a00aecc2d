import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createEngine } from '../../src/engine/engine.js'
import { createEtagBack } from '../../src/snowball/pack/etag-back.js'
import { builds } from '../builds.js'

const START = Buffer.from('0123456789abcdeffedcba9876543210', 'hex')

describe.each(builds)('md5Parts (%s)', (_, engine) => {
  it('takes messages side by side, piece by piece, as node:crypto does one by one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }), fc.nat(), (count, cuts, seed) => {
        const blocks = cuts.reduce((sum, n) => sum + n, 0)
        const stride = blocks * 64 + (seed % 3) * 16
        const data = Uint8Array.from({ length: count * stride + 64 }, (_, i) => (i * 31 + seed) ^ (i >> 8))
        const digests = engine.scope(() => {
          const src = engine.put(data)
          const states = engine.put(new Uint8Array(Buffer.concat(Array.from({ length: count }, () => START))))
          let at = 0
          for (const n of cuts) {
            engine.core.md5Parts(states, src + at * 64, stride, count, n)
            at += n
          }
          // the padding of all is the same
          const tail = Buffer.alloc(64)
          tail[0] = 0x80
          tail.writeBigUInt64LE(BigInt(blocks) * 512n, 56)
          engine.core.md5Parts(states, engine.put(tail), 0, count, 1)
          return Buffer.from(engine.bytes().slice(states, states + 16 * count))
        })
        for (let n = 0; n < count; n++) {
          const expected = createHash('md5')
            .update(data.subarray(n * stride, n * stride + blocks * 64))
            .digest('hex')
          expect(digests.subarray(n * 16, n * 16 + 16).toString('hex')).toBe(expected)
        }
      }),
    )
  })
})

describe('an ETag of what is read back', () => {
  const PART = 8 << 20
  const whole = Buffer.alloc(25 * PART + 12_345)
  for (let i = 0; i < whole.length; i += 4) whole.writeUInt32LE(Math.imul(i, 2654435761) >>> 0, i - (i % 4) > whole.length - 4 ? whole.length - 4 : i)
  const md5 = (data: Buffer) => createHash('md5').update(data).digest()

  it.each([0, 5, PART - 1, PART, 2 * PART + 1, 3 * PART, 12 * PART, 13 * PART - 1, 24 * PART, whole.length])(
    '%i bytes, whatever pieces come and are read',
    async (size) => {
      const data = whole.subarray(0, size)
      const parts: Buffer[] = []
      for (let at = 0; at < size; at += PART) parts.push(md5(data.subarray(at, at + PART)))
      const expected =
        size < PART
          ? { etag: md5(data).toString('hex'), partBytes: 0 }
          : { etag: `${md5(Buffer.concat(parts)).toString('hex')}-${parts.length}`, partBytes: PART }
      const engine = createEngine()
      let reads = 0
      const etag = createEtagBack(engine, whole.length, async (target, at) => {
        // a short read now and then
        const most = ++reads % 7 === 0 ? Math.ceil(target.length / 3) : target.length
        const piece = data.subarray(at, at + most)
        target.set(piece)
        return piece.length
      })
      for (let at = 0; at < size; at += 5_000_000) await etag.update(data.subarray(at, at + 5_000_000))
      expect(await etag.digest()).toEqual(expected)
      engine.release()
    },
  )

  it('of a file that has become shorter is an error, no wrong ETag', async () => {
    const engine = createEngine()
    const etag = createEtagBack(engine, whole.length, async () => 0)
    await etag.update(whole.subarray(0, 9_000_000))
    await expect(etag.digest()).rejects.toThrow('got the end of the file')
    engine.release()
  })
})
