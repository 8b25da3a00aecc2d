// Buffers of the page encoder: small at first, grown outside of scopes, lost row groups without damage.
import { describe, expect, it } from 'vitest'
import * as core from '../../src/engine/core.js'
import { createEngine, type Engine } from '../../src/engine/engine.js'
import { layColumns, leavesOf } from '../../src/engine/leaves.js'
import { createPageEncoder } from '../../src/engine/pages.js'
import type { Field } from '../../src/types.js'

const ROWS = 2048

function columnsOf(engine: Engine, count: number) {
  const fields = Array.from({ length: count }, (_, i): Field => ({ name: `c${i}`, key: `c${i}`, nullable: false, leaf: { type: 'int64' } }))
  const leaves = leavesOf(fields)
  const columns = layColumns(engine, leaves, ROWS)
  const fill = (value: (row: number) => number, rows = ROWS) => {
    for (let i = 0; i < count; i++) {
      const at = (columns + i * core.COLUMN_SIZE) >> 2
      const words = engine.words()
      const values = words[at + (core.COLUMN_VALUES >> 2)]
      const view = new DataView(engine.bytes().buffer)
      for (let row = 0; row < rows; row++) view.setBigInt64(values + row * 8, BigInt(value(row)), true)
      for (const field of [core.COLUMN_COUNT, core.COLUMN_ENTRIES, core.COLUMN_ROWS]) words[at + (field >> 2)] = rows
    }
  }
  return { columns, fill }
}

describe.each(['simd', 'scalar'] as const)('buffers (%s)', (build) => {
  it('take little for few rows, and no more after many row groups', () => {
    const engine = createEngine(build)
    const { columns, fill } = columnsOf(engine, 12)
    const before = engine.core.mark()
    const encoder = createPageEncoder(engine, columns, 12, { codec: 'snappy' })
    fill((row) => row % 5, 10)
    encoder.append()
    expect(encoder.finish().chunks.map(({ distinct }) => distinct)).toEqual(Array(12).fill(5))
    expect(engine.core.mark() - before).toBeLessThan(512 * 1024)
    let most = 0
    for (let group = 0; group < 12; group++) {
      for (let batch = 0; batch < 20; batch++) {
        fill((row) => (group % 2 === 0 ? row * 977 + batch * 31 : row % 100))
        encoder.append()
      }
      encoder.finish()
      if (group === 3) most = engine.core.mark()
    }
    expect(engine.core.mark()).toBe(most)
  })

  it('lose the row group when memory ends, and nothing else', () => {
    const engine = createEngine(build)
    const { columns, fill } = columnsOf(engine, 2)
    let left = Number.POSITIVE_INFINITY
    const tight: Engine = {
      ...engine,
      reserve(size) {
        if (left-- <= 0) throw new Error('no memory')
        return engine.reserve(size)
      },
    }
    const encoder = createPageEncoder(tight, columns, 2, { codec: 'none' })
    for (let fails = 0; fails < 12; fails++) {
      left = fails
      let failed = false
      for (let batch = 0; batch < 20 && !failed; batch++) {
        fill((row) => row + batch * ROWS)
        try {
          encoder.append()
        } catch {
          failed = true
        }
      }
      left = Number.POSITIVE_INFINITY
      if (failed) expect(encoder.size()).toBe(0)
      else encoder.finish()
      fill((row) => row, 3)
      encoder.append()
      const { pages, chunks } = encoder.finish()
      expect(chunks.map(({ values }) => values)).toEqual([3, 3])
      expect(pages.map(({ values }) => values)).toEqual([3, 3])
    }
  })
})
