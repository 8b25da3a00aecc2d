// The scan as the stages hold it: batches, bad records, positions in the whole input.
import { describe, expect, it } from 'vitest'
import { createScan } from '../../src/engine/columns.js'
import { COLUMN_PHYSICAL, COLUMN_SIZE, COLUMN_TEXT } from '../../src/engine/core.js'
import { builds } from '../builds.js'
import { cells, flat, type ScanField, scanAll } from '../columns.js'

const FIELDS: ScanField[] = [
  { name: 'n', type: 'int64', nullable: false },
  { name: 's', type: 'string' },
]
const encoder = new TextEncoder()

describe.each(builds)('%s', (_, engine) => {
  it('leaves alone what the encoder is to see of a column, also where a value did not fit', () => {
    engine.scope(() => {
      const text = encoder.encode('{"n":1,"s":"a"}\n{"n":2,"s":3}\n')
      const at = engine.put(text)
      const scan = createScan(engine, flat(FIELDS), { capacity: 4, textBytes: text.length })
      const seen = () =>
        Array.from(engine.words().slice((scan.columns + COLUMN_SIZE + COLUMN_PHYSICAL) >> 2, (scan.columns + COLUMN_SIZE + COLUMN_TEXT) / 4 + 1))
      const before = seen()
      expect(scan.next(at, text.length, true)).toMatchObject({ rows: 1, bad: [{ reason: 'type' }] })
      expect(seen()).toEqual(before)
    })
  })

  it('fills batch after batch from one text', () => {
    engine.scope(() => {
      const text = encoder.encode(Array.from({ length: 10 }, (_, i) => `{"n":${i},"s":"\\u0041${i}"}\n`).join(''))
      const at = engine.put(text)
      const scan = createScan(engine, flat(FIELDS), { capacity: 4, textBytes: text.length })
      const batches: unknown[] = []
      let done = 0
      for (;;) {
        const { rows, consumed, bad } = scan.next(at + done, text.length - done, false)
        done += consumed
        expect(bad).toEqual([])
        if (rows === 0) break
        batches.push(cells(engine, scan, rows))
      }
      expect(done).toBe(text.length)
      expect(batches).toEqual([
        [
          [0n, 1n, 2n, 3n],
          ['A0', 'A1', 'A2', 'A3'],
        ],
        [
          [4n, 5n, 6n, 7n],
          ['A4', 'A5', 'A6', 'A7'],
        ],
        [
          [8n, 9n],
          ['A8', 'A9'],
        ],
      ])
    })
  })

  it('leaves bad records out and goes on in the same batch', () => {
    const { rows, bad } = scanAll(engine, FIELDS, '{"s":"\\n1","n":1}\n{"s":"\\n?","n":"x"}\n{"s":"\\n2","n":2}\n{"s":"\\n?"\n\n{"n":3}\n{}', { capacity: 8 })
    expect(rows).toEqual([
      [1n, '\n1'],
      [2n, '\n2'],
      [3n, null],
    ])
    expect(bad.map((b) => [b.record, b.text, b.position - b.offset])).toEqual([
      [1, '{"s":"\\n?","n":"x"}\n', 15],
      [3, '{"s":"\\n?"\n', 10],
      [5, '{}', 1],
    ])
  })

  it('counts records and offsets over the whole input, in pieces too', () => {
    const text = Array.from({ length: 5000 }, (_, i) => (i % 3 === 0 ? 'x' : `{"n":${i}}`)).join('\n')
    for (const chunk of [64, 1000, 1 << 20]) {
      const { rows, bad } = scanAll(engine, FIELDS, text, { chunk, capacity: 100 })
      expect(rows).toHaveLength(3333)
      expect(bad.map((b) => b.record)).toEqual(Array.from({ length: 1667 }, (_, i) => 3 * i))
      expect(bad.every((b) => b.text.trim() === 'x')).toBe(true)
    }
  })

  it('gives at most 1,024 reasons a call', () => {
    engine.scope(() => {
      const text = encoder.encode('x\n'.repeat(3000))
      const at = engine.put(text)
      const scan = createScan(engine, flat(FIELDS), { capacity: 10, textBytes: text.length })
      const result = scan.next(at, text.length, true)
      expect([result.rows, result.bad.length, result.consumed]).toEqual([0, 1024, 2048])
    })
  })

  it('reads rows without a column wanted, and columns by the hundred', () => {
    expect(scanAll(engine, [], '{"a":1}\n{}\nx\n{"b":[]}')).toMatchObject({ rows: [[], [], []], bad: [{ record: 2 }] })
    const many: ScanField[] = Array.from({ length: 500 }, (_, i) => ({ name: `column${i}`, type: 'int32' }))
    const row = Object.fromEntries(many.map((f, i) => [f.name, i]))
    const back = Object.fromEntries(Object.entries(row).reverse())
    const text = `${JSON.stringify(row)}\n${JSON.stringify(back)}\n${JSON.stringify(row)}`
    expect(scanAll(engine, many, text).rows).toEqual(Array.from({ length: 3 }, () => many.map((_, i) => i)))
  })

  it('refuses two columns of one name and texts larger than it was made for', () => {
    engine.scope(() => {
      expect(() => createScan(engine, flat([FIELDS[0], FIELDS[0]]), { capacity: 4, textBytes: 10 })).toThrow(
        new RangeError('"fields[1].name" expected a name that no other column has, got "n"'),
      )
      const scan = createScan(engine, flat(FIELDS), { capacity: 4, textBytes: 10 })
      expect(() => scan.next(0, 11, true)).toThrow(new RangeError('"length" expected at most 10 bytes, got 11'))
    })
  })
})
