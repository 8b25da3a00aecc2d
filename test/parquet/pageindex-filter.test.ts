// Filters that skip pages by the page index give what they give over all rows: hyparquet reads it, DuckDB does not.
import fc from 'fast-check'
import { type ParquetQueryFilter, parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { expect, it } from 'vitest'
import { bytesSink, createParquetWriter } from '../../src/parquet/index.js'

interface Row {
  n: number | null
  s: string | null
  d: number
  i: number
}

const words = fc.constantFrom('', 'a', 'b', 'zebra', '\ufffd', '\u{1f600}', 'x'.repeat(70), `${'x'.repeat(70)}y`, 'é')
const row = fc.record({
  n: fc.option(fc.integer({ min: -50, max: 50 }), { freq: 4 }),
  s: fc.option(words, { freq: 4 }),
  d: fc.constantFrom(-1.5, 0, 0.25, 1e300),
})
const order = fc.constantFrom('n', 's', 'd', 'none')

it('skips no page that has a row of the answer', async () => {
  let skipped = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(row, { minLength: 1, maxLength: 120 }),
      order,
      fc.constantFrom(3, 10),
      fc.constantFrom(1 as const, 2 as const),
      words,
      async (drawn, by, pageRows, pageVersion, word) => {
        // sorted rows are what pages can be skipped in
        const rows: Row[] = drawn
          .map((r) => ({ ...r }))
          .sort((a, b) => (by === 'none' ? 0 : Number((a[by] ?? '') > (b[by] ?? '')) - Number((a[by] ?? '') < (b[by] ?? ''))))
          .map((r, i) => ({ ...r, i }))
        const sink = bytesSink()
        const writer = createParquetWriter({ schema: 'n int, s string, d double, i int', sink, pageRows, pageVersion, rowGroupRows: 50 })
        await writer.writeRows(rows)
        await writer.close()
        const bytes = sink.bytes()
        let read = 0
        const file = {
          byteLength: bytes.length,
          slice(start: number, end = bytes.length) {
            read += end - start
            return bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + end) as ArrayBuffer
          },
        }
        const questions: [ParquetQueryFilter, (r: Row) => boolean][] = [
          [{ n: { $gt: 20 } }, (r) => r.n !== null && r.n > 20],
          [{ n: { $lte: -10 } }, (r) => r.n !== null && r.n <= -10],
          [{ n: { $eq: 7 } }, (r) => r.n === 7],
          [{ n: { $in: [1, 2, 50] } }, (r) => r.n !== null && [1, 2, 50].includes(r.n)],
          [{ s: { $eq: word } }, (r) => r.s === word],
          [{ d: { $lt: 0 } }, (r) => r.d < 0],
          [{ d: { $eq: 0 } }, (r) => r.d === 0],
        ]
        for (const [filter, keeps] of questions) {
          const ask = async (usePageIndex: boolean) => {
            read = 0
            const found = await parquetReadObjects({ file, compressors, filter, usePageIndex, useOffsetIndex: usePageIndex })
            return { found: found.map((r) => r.i), read }
          }
          const [with_, without] = [await ask(true), await ask(false)]
          expect(with_.found).toEqual(rows.filter(keeps).map((r) => r.i))
          if (with_.read < without.read) skipped++
        }
      },
    ),
    { numRuns: 60 },
  )
  expect(skipped).toBeGreaterThan(0)
})
