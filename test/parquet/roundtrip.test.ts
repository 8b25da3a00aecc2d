// Whatever the schema, every cell that was written is read: by DuckDB and by hyparquet, whatever the
// page version, codec, page size and cut of the input.
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bytesSink, createParquetWriter, type ParquetWriterOptions } from '../../src/parquet/index.js'
import { type Duck, openDuck } from '../duck.js'
import { asDuck, asHyparquet, fromDuck, fromHyparquet, readHyparquet } from './readers.js'
import { type Table, tables, type Want } from './values.js'

let duck: Duck
beforeAll(async () => {
  duck = await openDuck()
})
afterAll(() => duck.close())

type How = Partial<ParquetWriterOptions>
const how: fc.Arbitrary<How> = fc.record({
  compression: fc.constantFrom('snappy' as const, 'none' as const, 'gzip' as const, 'lz4_raw' as const),
  pageVersion: fc.constantFrom(1 as const, 2 as const),
  pageRows: fc.constantFrom(1, 8, 64, 32_768),
  pageBytes: fc.constantFrom(1024, 65_536),
  rowGroupRows: fc.constantFrom(1, 7, 100_000),
  pageIndex: fc.boolean(),
  pageChecksums: fc.boolean(),
})

async function write(table: Table, options: How, cuts: readonly number[]): Promise<Uint8Array> {
  const sink = bytesSink()
  const writer = createParquetWriter({ ...options, schema: table.schema, sink })
  const text = Buffer.from(table.rows.map((row) => `${row.json}\n`).join(''))
  const ends = [...cuts.map((cut) => cut % (text.length + 1)), text.length].sort((a, b) => a - b)
  let at = 0
  for (const end of ends) {
    await writer.writeJson(text.subarray(at, end))
    at = end
  }
  const { rows, badRecords } = await writer.close()
  expect({ rows, badRecords }).toEqual({ rows: table.rows.length, badRecords: 0 })
  return sink.bytes()
}

let files = 0
async function throughDuck(file: Uint8Array, { shapes }: Table): Promise<Want[]> {
  const rows = await duck.rows(`SELECT * FROM '${duck.file(`${files++}.parquet`, file)}'`)
  return rows.map((row) => {
    const cells = Object.values(row)
    return { struct: shapes.map(({ shape }, i) => fromDuck(cells[i], shape)) }
  })
}

const wanted = (table: Table, as: typeof asDuck): Want[] =>
  table.rows.map(({ want }) => as(want, { struct: table.shapes.map(({ name, shape }) => ({ name, shape })) }))

describe('any schema', () => {
  it('is read by DuckDB and hyparquet as it was written', async () => {
    await fc.assert(
      fc.asyncProperty(tables(20), how, fc.array(fc.nat(), { maxLength: 3 }), async (table, options, cuts) => {
        const file = await write(table, options, cuts)
        expect(await throughDuck(file, table)).toEqual(wanted(table, asDuck))
        const rows = await readHyparquet(file)
        const read = rows.map((row): Want => ({ struct: table.shapes.map(({ name, shape }) => fromHyparquet(row[name], shape)) }))
        expect(read).toEqual(wanted(table, asHyparquet))
      }),
      { numRuns: 200 },
    )
  }, 120_000)
})
