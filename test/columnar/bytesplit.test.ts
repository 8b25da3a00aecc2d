import { byteStreamSplit } from 'hyparquet/src/encoding.js'
import { describe, expect, it } from 'vitest'
import { OUTPUT_FULL } from '../../src/engine/core.js'
import { builds, report } from '../builds.js'

const noise = (size: number) => new Uint8Array(size).map((_, i) => Math.imul(i ^ (i >>> 7), 0x9e3779b1) >>> 24)

describe.each(builds)('BYTE_STREAM_SPLIT (%s)', (_, engine) => {
  it.each([1, 2, 4, 5, 8, 12, 16, 20])('values of %d bytes', (width) => {
    for (const count of [0, 1, 2, 15, 16, 17, 31, 32, 33, 100, 1000]) {
      const plain = noise(count * width)
      const split = engine.scope(() => {
        const src = engine.put(plain)
        const dst = engine.reserve(plain.length + 16)
        engine.bytes().fill(0xa5, dst, dst + plain.length + 16)
        if (count > 0) expect(engine.core.splitBytes(src, count, width, dst, plain.length - 1)).toBe(OUTPUT_FULL)
        expect(engine.core.splitBytes(src, count, width, dst, plain.length)).toBe(plain.length)
        expect(report(engine)).toMatchObject({ consumed: count, produced: plain.length })
        expect(engine.bytes().subarray(dst + plain.length, dst + plain.length + 16)).toEqual(new Uint8Array(16).fill(0xa5))
        return engine.bytes().slice(dst, dst + plain.length)
      })
      const want = new Uint8Array(plain.length)
      for (let i = 0; i < count; i++) for (let b = 0; b < width; b++) want[b * count + i] = plain[i * width + b]
      expect(split).toEqual(want)
      const view = new DataView(split.buffer)
      const back = byteStreamSplit({ view, offset: 0 }, count, 'FIXED_LEN_BYTE_ARRAY', width) as Uint8Array[]
      expect(Buffer.concat(back)).toEqual(Buffer.from(plain))
    }
  })
})
