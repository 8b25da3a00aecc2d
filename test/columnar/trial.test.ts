import { describe, expect, it } from 'vitest'
import { encode } from './batches.js'

/** Draws from `of` different values, as a clock's low bits would not. */
function draw(count: number, of: number): number[] {
  let state = 7
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * of)
  })
}

describe.each(['simd', 'scalar'] as const)('the trial of a dictionary (%s)', (build) => {
  it.each([
    // pays from the first values on
    [100, 40_000, true],
    // 2,796 of the first 4,096 are new, 8,057 of the first 16,384
    [5000, 40_000, true],
    [12_000, 80_000, true],
    // would fill it
    [200_000, 80_000, false],
    [2 ** 31, 40_000, false],
    // hopeful, but the row group ends before it has paid
    [12_000, 17_000, false],
  ])('values out of %d, %d of them: %s', async (of, count, kept) => {
    const values = draw(count, of)
    const field = { name: 'd', key: 'd', nullable: false, leaf: { type: 'double' as const } }
    const shreds = { defs: values.map(() => 0), reps: values.map(() => 0), values }
    const { pages, chunks } = await encode(build, [field], [shreds], { codec: 'none' }, 2048)
    expect(pages.some((page) => page.dictionary)).toBe(kept)
    expect(chunks[0].distinct).toBe(kept ? new Set(values).size : undefined)
  })
})
