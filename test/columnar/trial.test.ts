import { createHash } from 'node:crypto'
import { parquetReadObjects } from 'hyparquet'
import { describe, expect, it } from 'vitest'
import { bytesSink, createParquetWriter, type ParquetEncoding } from '../../src/parquet/index.js'
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

// Nothing comes again among the first 4,096 values; what then does, earns the dictionary an appeal.
describe('the appeal of a dictionary', () => {
  const uuid = (i: number) => createHash('md5').update(String(i)).digest('hex')
  async function file(type: string, values: readonly unknown[], encoding: ParquetEncoding = 'auto', pieces = 1) {
    const sink = bytesSink()
    const writer = createParquetWriter({ schema: `v ${type}`, sink, encodings: { v: encoding }, compression: 'none', dictionaryBytes: 1 << 20 })
    const text = Buffer.from(values.map((v) => `${JSON.stringify({ v })}\n`).join(''))
    for (let i = 0; i < pieces; i++) await writer.writeJson(text.subarray((text.length * i) / pieces, (text.length * (i + 1)) / pieces))
    const { columns } = await writer.close()
    const bytes = sink.bytes()
    const rows = await parquetReadObjects({ file: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer })
    return { bytes, encodings: columns[0].encodings, distinct: columns[0].distinct, read: rows.map(({ v }) => v) }
  }
  const turns = (count: number, of: number) => Array.from({ length: count }, (_, i) => i % of)

  it.each<[string, string, unknown[], string[]]>([
    ['strings in turn', 'string', turns(40_000, 4500).map(uuid), ['dictionary']],
    ['doubles in turn, longer than the first trial', 'double', turns(120_000, 20_000).map((i) => i * 1.1), ['dictionary']],
    ['a row group that ends before its first page', 'double', turns(30_000, 5000).map((i) => i * 1.1), ['dictionary']],
    ['int32 in turn', 'int', turns(40_000, 5000), ['dictionary']],
    ['decimals of 16 bytes in turn', 'decimal(30,2)', turns(40_000, 5000).map((i) => i + 0.25), ['dictionary']],
    ['new ones first, then drawn', 'string', [...turns(6000, 6000), ...draw(60_000, 6000)].map((i) => `SKU-${i}`), ['dictionary']],
    ['with nulls', 'double', turns(60_000, 6001).map((i) => (i % 3 === 0 ? null : i * 1.1)), ['dictionary']],
    ['unique', 'string', turns(70_000, 70_000).map(uuid), ['plain']],
    ['what comes again only after the first page', 'double', turns(120_000, 40_000).map((i) => i * 1.1), ['plain']],
    ['long strings, whose first page ends early', 'string', turns(6000, 5000).map((i) => uuid(i).repeat(30)), ['plain']],
  ])('%s', async (_, type, values, encodings) => {
    const { encodings: found, read, distinct, bytes } = await file(type, values)
    expect(found).toEqual(encodings)
    expect(distinct).toBe(encodings[0] === 'dictionary' ? new Set(values.filter((v) => v !== null)).size : undefined)
    expect(read).toEqual(values)
    expect(Buffer.compare((await file(type, values, 'auto', 37)).bytes, bytes)).toBe(0)
  })

  it('is lost against an encoding that is smaller yet, where the smallest is wanted', async () => {
    const counted = turns(40_000, 5000)
    expect((await file('bigint', counted, 'smallest')).encodings).toEqual(['delta'])
    const { encodings, read } = await file('string', counted.map(uuid), 'smallest')
    expect(encodings).toEqual(['dictionary'])
    expect(read).toEqual(counted.map(uuid))
  })

  it('is dropped where the dictionary then is full', async () => {
    // 26,000 of 44 bytes do not fit into a megabyte; in turn they are 18,000 and more that come again
    const values = [...turns(33_000, 18_000), ...turns(40_000, 40_000).map((i) => i + 18_000)].map(uuid)
    const { encodings, read } = await file('string', values)
    expect(encodings).toEqual(['dictionary', 'plain'])
    expect(read).toEqual(values)
  })
})
