import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ColumnMetaData, parquetMetadata } from 'hyparquet'
import { describe, expect, it } from 'vitest'
import { createHiveWriter } from '../../src/emr/index.js'
import { type BytesSink, bytesSink, type ColumnSummary, createParquetFiles, createParquetWriter, type Schema } from '../../src/parquet/index.js'
import { nodePorts } from '../../src/ports/node.js'

const schema: Schema = {
  columns: [
    { name: 'id', type: 'int64' },
    { name: 'kind', type: 'string' },
    { name: 'on', type: 'boolean' },
    { name: 'at', type: 'timestamp', unit: 'us' },
    { name: 'tags', type: 'list<string>' },
    { name: 'none', type: 'double' },
  ],
}
const ROWS = 10_000
const text = Buffer.from(
  Array.from(
    { length: ROWS },
    (_, i) =>
      `{"id":${i},"kind":${i % 5 ? `"k${i % 7}"` : null},"on":${i % 3 === 0},"at":${1.7e12 + i * i},"tags":${['[]', '["a"]', '["a","b"]', 'null'][i % 4]}}\n`,
  ).join(''),
)

/** The same figures out of the files' own footers. */
function footers(files: readonly Uint8Array[]) {
  const sums = new Map<string, { values: number; nulls: number; compressedBytes: number; uncompressedBytes: number }>()
  for (const bytes of files) {
    const { row_groups } = parquetMetadata(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer)
    for (const { meta_data } of row_groups.flatMap(({ columns }) => columns)) {
      const meta = meta_data as ColumnMetaData
      const name = meta.path_in_schema.join('.')
      const sum = sums.get(name) ?? { values: 0, nulls: 0, compressedBytes: 0, uncompressedBytes: 0 }
      sum.values += Number(meta.num_values)
      sum.nulls += Number(meta.statistics?.null_count)
      sum.compressedBytes += Number(meta.total_compressed_size)
      sum.uncompressedBytes += Number(meta.total_uncompressed_size)
      sums.set(name, sum)
    }
  }
  return [...sums].map(([column, sum]) => ({ column, ...sum }))
}
const figures = (columns: ColumnSummary[]) =>
  columns.map(({ column, values, nulls, compressedBytes, uncompressedBytes }) => ({ column, values, nulls, compressedBytes, uncompressedBytes }))

describe('the columns of a summary', () => {
  it('of one row group: distinct values, types, encodings', async () => {
    const sink = bytesSink()
    const writer = createParquetWriter({ schema, sink, encodings: { id: 'delta' } })
    await writer.writeJson(text)
    const { columns } = await writer.close()
    expect(figures(columns)).toEqual(footers([sink.bytes()]))
    expect(columns.map(({ type, distinct, encodings }) => [type, distinct, encodings])).toEqual([
      ['int64', undefined, ['delta']],
      ['string', 7, ['dictionary']],
      ['boolean', undefined, [expect.stringMatching(/plain|rle/)]],
      ['timestamp(us)', undefined, [expect.any(String)]],
      ['string', 2, ['dictionary']],
      ['double', undefined, expect.any(Array)],
    ])
    expect(columns[4]).toMatchObject({ column: 'tags.list.element', values: 12_500, nulls: 5000 })
  })

  it('of several row groups, on as many threads: at least so many distinct', async () => {
    const ran = async (threads: number) => {
      const sink = bytesSink()
      const writer = createParquetWriter({ schema, sink, rowGroupRows: 2048, threads, ports: nodePorts })
      await writer.writeJson(text)
      return { sink, summary: await writer.close() }
    }
    const { sink, summary } = await ran(1)
    expect(figures(summary.columns)).toEqual(footers([sink.bytes()]))
    expect(summary.columns[1].distinct).toBe(undefined)
    expect(summary.columns[1].distinctAtLeast).toBe(7)
    expect((await ran(2)).summary).toEqual(summary)
  })

  it('of several files', async () => {
    const sinks: BytesSink[] = []
    const next = () => {
      sinks.push(bytesSink())
      return sinks[sinks.length - 1]
    }
    const writer = createParquetFiles({ schema, next, maxRows: 3000 })
    await writer.writeJson(text)
    const { columns, files } = await writer.close()
    expect(files.length).toBeGreaterThan(2)
    expect(figures(columns)).toEqual(footers(sinks.map((sink) => sink.bytes())))
  })

  it('of partitions: the columns that are in the files', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'tally-'))
    const writer = createHiveWriter({ schema, directory, partitionBy: ['kind'], ports: nodePorts })
    await writer.writeJson(text)
    const { columns } = await writer.close()
    const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.parquet'))
    expect(figures(columns)).toEqual(footers(files.map((name) => new Uint8Array(readFileSync(join(directory, name))))))
    expect(columns.map(({ column }) => column)).not.toContain('kind')
    rmSync(directory, { recursive: true })
  })
})
