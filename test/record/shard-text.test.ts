import { describe, expect, it } from 'vitest'
import { OUTPUT_FULL, UNCOVERED } from '../../src/engine/core.js'
import { builds } from '../builds.js'

describe.each(builds)('shardText (%s)', (_, engine) => {
  const keys = ['a', 'a longer key than eight', '', 'tab\tin it', 'ünï', 'x'.repeat(300)]
  const hashes = [0n, 2n ** 128n - 1n, 7n, 10n ** 38n, 2n ** 64n, 12345n]
  const shards = [0, 9, 10, 32766, UNCOVERED, 2 ** 31 - 1]

  const run = (spare: number) =>
    engine.scope(() => {
      const texts = keys.map((key) => Buffer.from(key))
      const heap = engine.put(Buffer.concat(texts))
      let at = 0
      const rows = texts.flatMap((text) => {
        at += text.length
        return [at - text.length, text.length]
      })
      const put = (values: number[]) => engine.put(new Uint8Array(new Int32Array(values).buffer))
      const table = put(rows)
      const hash = engine.put(Buffer.from(hashes.map((h) => h.toString(16).padStart(32, '0')).join(''), 'hex'))
      const shard = put(shards)
      const cap = at + 64 * keys.length - spare
      const dst = engine.reserve(cap + 16)
      engine.bytes().fill(0xee, dst + cap, dst + cap + 16)
      const size = engine.core.shardText(heap, table, keys.length, hash, shard, dst, cap)
      expect(engine.bytes().slice(dst + cap, dst + cap + 16)).toEqual(new Uint8Array(16).fill(0xee))
      return size < 0 ? size : Buffer.from(engine.bytes().slice(dst, dst + size)).toString()
    })

  it('writes key, hash key and shard', () => {
    const lines = keys.map((key, i) => `${key}\t${hashes[i]}\t${shards[i]}\n`).filter((_, i) => shards[i] >= 0)
    expect(run(0)).toBe(lines.join(''))
  })

  it('says when there is no room, and writes nowhere else', () => {
    expect(run(64 * 6)).toBe(OUTPUT_FULL)
    expect(run(64 * 6 + 250)).toBe(OUTPUT_FULL)
  })
})
