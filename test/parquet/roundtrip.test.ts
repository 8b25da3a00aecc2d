// Whatever the schema, every cell that was written is read: by DuckDB, hyparquet and @dsnp/parquetjs,
// whatever the page version, codec, encodings, page size, threads and cut of the input.
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import zstdPackage from 'zstd-codec'
import { type LeafColumn, leavesOf, PHYSICAL } from '../../src/engine/leaves.js'
import type { Encoding } from '../../src/parquet/file/options.js'
import { bytesSink, createParquetWriter, type ParquetWriterOptions, zstdCodec } from '../../src/parquet/index.js'
import { fieldsOf } from '../../src/parquet/schema/schema.js'
import { nodePorts } from '../../src/ports/node.js'
import { type Duck, openDuck } from '../duck.js'
import { asDsnp, asDuck, asHyparquet, fromDsnp, fromDuck, fromHyparquet, readDsnp, readHyparquet } from './readers.js'
import { repeated, type Shape, type Table, tables, type Want } from './values.js'

let duck: Duck
beforeAll(async () => {
  duck = await openDuck()
})
afterAll(() => duck.close())

type Options = Partial<ParquetWriterOptions>
interface How {
  options: Options
  /** Encodings and bloom filters by leaf column. */
  picks: number[]
  cuts: number[]
}

const zstd = zstdCodec(zstdPackage)
const CODECS = ['snappy', 'none', 'gzip', 'lz4_raw'] as const
const ways = (pageRows: number[], rowGroupRows: number[]): fc.Arbitrary<How> =>
  fc.record({
    options: fc.record({
      compression: fc.constantFrom(...CODECS, zstd),
      pageVersion: fc.constantFrom(1 as const, 2 as const),
      pageRows: fc.constantFrom(...pageRows),
      pageBytes: fc.constantFrom(1024, 65_536),
      dictionaryBytes: fc.constantFrom(1024, 1 << 20),
      rowGroupRows: fc.constantFrom(...rowGroupRows),
      pageIndex: fc.boolean(),
      pageChecksums: fc.boolean(),
      statistics: fc.boolean(),
    }),
    picks: fc.array(fc.nat(1000), { minLength: 1, maxLength: 12 }),
    cuts: fc.array(fc.nat(), { maxLength: 3 }),
  })

/** As far as DuckDB reads them. */
function encodingsOf({ physical }: LeafColumn): Encoding[] {
  const { boolean, int32, int64, int96, byteArray, fixed } = PHYSICAL
  if (physical === boolean) return ['plain']
  if (physical === int32 || physical === int64) return ['plain', 'dictionary', 'delta', 'smallest']
  if (physical === int96) return ['plain', 'dictionary']
  if (physical === byteArray) return ['plain', 'dictionary', 'delta_length', 'delta_byte_array', 'smallest']
  return ['plain', 'dictionary', physical === fixed ? 'delta_byte_array' : 'byte_stream_split', 'smallest']
}

/** By the name of each leaf: the first pick says whether by column at all, the others of which. */
function byColumn({ schema }: Table, [first, ...picks]: readonly number[]): Options {
  if (first % 4 < 2 || picks.length === 0) return { encodings: first % 4 === 0 ? 'smallest' : 'auto' }
  const encodings: Record<string, Encoding> = {}
  const bloomFilters: string[] = []
  const leaves = leavesOf(fieldsOf(schema))
  const names = leaves.map(({ path }) => path.join('.'))
  leaves.forEach((leaf, i) => {
    // a name with a dot may be the path of another
    if (names.indexOf(names[i]) !== names.lastIndexOf(names[i])) return
    const pick = picks[i % picks.length]
    const fitting: Encoding[] = ['auto', ...encodingsOf(leaf)]
    encodings[names[i]] = fitting[pick % fitting.length]
    if (pick % 7 < 3 && leaf.physical !== PHYSICAL.boolean) bloomFilters.push(names[i])
  })
  return { encodings, bloomFilters }
}

async function write(table: Table, options: Options, cuts: readonly number[]): Promise<Uint8Array> {
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

/** Text first: comparing it takes a tenth of the time. */
function same(read: Want[], table: Table, as: (want: Want, shape: Shape) => Want): void {
  const whole = { struct: table.shapes }
  const wanted = table.rows.map(({ want }) => as(want, whole))
  if (JSON.stringify(read) !== JSON.stringify(wanted)) expect(read).toEqual(wanted)
}

const cellsOf = (rows: Record<string, unknown>[], { shapes }: Table, from: (value: unknown, shape: Shape) => Want): Want[] =>
  rows.map((row) => ({ struct: shapes.map(({ name, shape }) => from(row[name], shape)) }))

async function readByBoth(table: Table, file: Uint8Array): Promise<void> {
  same(await throughDuck(file, table), table, asDuck)
  same(cellsOf(await readHyparquet(file), table, fromHyparquet), table, asHyparquet)
  same(cellsOf(await readHyparquet(file, { useOffsetIndex: true }), table, fromHyparquet), table, asHyparquet)
}

/**
 * What @dsnp/parquetjs 1.8.8 has no part in: other codecs and encodings; dictionaries of decimals and
 * of fixed-length values (its reader gives their pages no precision, no length); RLE of booleans (its
 * reader takes their size for a run); bounds of JSON that are cut, for it parses them; INT96.
 */
function forDsnp({ schema }: Table, { options, picks }: How): Options | undefined {
  const leaves = leavesOf(fieldsOf(schema))
  // names that every object has it finds where there are none
  if (leaves.some(({ path, physical }) => physical === PHYSICAL.int96 || path.some((name) => name in {}))) return undefined
  const encodings: Record<string, Encoding> = {}
  leaves.forEach(({ path, physical, leaf }, i) => {
    const plain = leaf.type === 'decimal' || physical === PHYSICAL.fixed || physical === PHYSICAL.boolean || picks[i % picks.length] % 2 === 0
    encodings[path.join('.')] = plain ? 'plain' : 'dictionary'
  })
  return { ...options, encodings, ...(leaves.some(({ leaf }) => leaf.type === 'json') ? { statistics: false } : {}) }
}

describe('any schema', () => {
  it('is read by DuckDB and hyparquet as it was written', async () => {
    await fc.assert(
      fc.asyncProperty(tables(20), ways([1, 8, 64, 32_768], [1, 7, 100_000]), async (table, { options, picks, cuts }) => {
        await readByBoth(table, await write(table, { ...options, ...byColumn(table, picks) }, cuts))
      }),
      { numRuns: 200, endOnFailure: true },
    )
  }, 120_000)

  it('with rows for many pages and full dictionaries', async () => {
    await fc.assert(
      fc.asyncProperty(tables(60), ways([50, 700, 32_768], [999, 100_000]), fc.nat(), async (table, { options, picks, cuts }, seed) => {
        const many = repeated(table, 2500, seed)
        await readByBoth(many, await write(many, { ...options, ...byColumn(table, picks) }, cuts))
      }),
      { numRuns: 10, endOnFailure: true },
    )
  }, 120_000)

  it('by two threads', async () => {
    await fc.assert(
      fc.asyncProperty(tables(30), ways([8, 32_768], [7, 100]), fc.constantFrom(...CODECS), async (table, { options, picks, cuts }, compression) => {
        const many = repeated(table, 300, cuts.length)
        await readByBoth(many, await write(many, { ...options, ...byColumn(table, picks), compression, threads: 2, ports: nodePorts }, cuts))
      }),
      { numRuns: 8, endOnFailure: true },
    )
  }, 120_000)

  it('is read by @dsnp/parquetjs', async () => {
    let files = 0
    const codec = fc.constantFrom('snappy' as const, 'none' as const, 'gzip' as const)
    await fc.assert(
      fc.asyncProperty(tables(20), ways([1, 8, 32_768], [1, 7, 100_000]), codec, async (table, how, compression) => {
        const options = forDsnp(table, how)
        if (!options) return
        const rows = await readDsnp(await write(table, { ...options, compression }, how.cuts))
        same(cellsOf(rows, table, fromDsnp), table, asDsnp)
        files++
      }),
      { numRuns: 150, endOnFailure: true },
    )
    expect(files).toBeGreaterThan(50)
  }, 120_000)
})
