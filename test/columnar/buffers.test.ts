// Buffers of the page encoder: small at first, grown outside of scopes, lost row groups without damage.
import { describe, expect, it } from 'vitest'
import * as core from '../../src/engine/core.js'
import { createEngine, type Engine } from '../../src/engine/engine.js'
import { layColumns, leavesOf } from '../../src/engine/leaves.js'
import { createPageEncoder } from '../../src/engine/pages.js'
import type { Field, Leaf } from '../../src/types.js'

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

  it('touch nothing outside of them, whatever the levels', () => {
    const engine = createEngine(build)
    const blocks: [at: number, size: number][] = []
    const watched: Engine = {
      ...engine,
      reserve(size) {
        const at = engine.reserve(size)
        blocks.push([at, size])
        return at
      },
    }
    const rows = 1 << 18
    const leaves = leavesOf(['boolean', 'int32', 'string'].map((type) => ({ name: type, key: type, nullable: true, leaf: { type } as Leaf })))
    const columns = layColumns(engine, leaves, rows)
    for (const version of [1, 2] as const) {
      blocks.length = 0
      const encoder = createPageEncoder(watched, columns, leaves.length, { codec: 'none', version, pageRows: rows, encodings: ['auto', 'plain', 'auto'] })
      // static data and the columns; the report block aside
      const before = engine.bytes().slice(0, columns)
      const report = engine.core.report()
      // nulls alone, and 24 of them before 512 levels that are packed with a head of two bytes
      for (const level of [() => 0, (row: number) => (row % 536 < 24 ? 0 : row & 1)]) {
        const words = engine.words()
        const levels = Uint8Array.from({ length: rows }, (_, row) => level(row))
        const present = levels.reduce((sum, l) => sum + l, 0)
        leaves.forEach(({ width }, i) => {
          const at = (columns + i * core.COLUMN_SIZE) >> 2
          const values = words[at + (core.COLUMN_VALUES >> 2)]
          engine.bytes().fill(0, values, values + rows * width)
          engine.bytes().set(levels, words[at + (core.COLUMN_LEVELS >> 2)])
          words[at + (core.COLUMN_COUNT >> 2)] = present
          words[at + (core.COLUMN_ENTRIES >> 2)] = words[at + (core.COLUMN_ROWS >> 2)] = rows
        })
        const pages = encoder.append()
        pages.push(...encoder.finish().pages)
        expect(pages.filter(({ dictionary }) => !dictionary).map(({ values, nulls }) => [values, nulls])).toEqual(Array(3).fill([rows, rows - present]))
        const after = engine.bytes().slice(0, columns)
        after.set(before.subarray(report, report + 32), report)
        expect(after.findIndex((byte, i) => byte !== before[i])).toBe(-1)
        for (const [at, size] of blocks) expect(engine.words()[at >> 2]).toBe(size)
      }
    }
  })
})
