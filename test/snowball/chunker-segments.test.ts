// Records as files: NDJSON segments, and Parquet files from the writer.
import fc from 'fast-check'
import { parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { expect, it } from 'vitest'
import { bytesSink, createParquetFiles, parseSchema } from '../../src/parquet/index.js'
import { type ChunkerFile, ndjsonSegments } from '../../src/snowball/index.js'
import { npmTarStream } from '../archive/members.js'
import { collect } from './chunks.js'

const key = (i: number) => `part-${i}.ndjson`
const segments = async (rows: Iterable<unknown> | AsyncIterable<unknown>, options: object = {}) => {
  const all: { key: string; size: number; text: string }[] = []
  for await (const { key: name, size, data } of ndjsonSegments(rows, { key, ...options }))
    all.push({ key: name, size: size!, text: new TextDecoder().decode(data as Uint8Array) })
  return all
}

it('rows are segments of whole lines, within both bounds', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.jsonValue().filter((row) => typeof row !== 'string')), fc.integer({ min: 1, max: 7 }), async (rows, maxRecords) => {
      const all = await segments(rows, { maxBytes: 100_000, maxRecords })
      expect(all.map(({ key }) => key)).toEqual(all.map((_, i) => key(i)))
      const lines = all.map(({ text }) => text.trimEnd().split('\n'))
      expect(lines.flat().map((line) => JSON.parse(line))).toEqual(JSON.parse(JSON.stringify(rows)))
      for (const one of lines) expect(one.length).toBeLessThanOrEqual(maxRecords)
    }),
  )
})

it('bytes are segments wherever they are cut, of which none is changed and no record is in two', async () => {
  const lines = fc.array(fc.string({ unit: 'binary', maxLength: 40 }).map((line) => line.replaceAll('\n', '')))
  await fc.assert(
    fc.asyncProperty(
      lines,
      fc.boolean(),
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
      fc.integer({ min: 150, max: 400 }),
      async (lines, ended, cuts, maxBytes) => {
        const text = new TextEncoder().encode(lines.join('\n') + (ended ? '\n' : ''))
        function* pieces() {
          for (let at = 0, i = 0; at < text.length; at += cuts[i++ % cuts.length]) yield text.subarray(at, at + cuts[i % cuts.length])
        }
        const all = await segments(pieces(), { maxBytes })
        expect(Buffer.compare(Buffer.concat(all.map(({ text }) => Buffer.from(text))), Buffer.from(new TextDecoder().decode(text)))).toBe(0)
        for (const [i, { text, size }] of all.entries()) {
          expect(size).toBeGreaterThan(0)
          expect(size).toBeLessThanOrEqual(maxBytes)
          if (i < all.length - 1) expect(text.endsWith('\n')).toBe(true)
        }
      },
    ),
  )
})

it('a record that is too long, or none of JSON, is told by its index', async () => {
  const long = [{ a: 1 }, { a: 'x'.repeat(200) }]
  await expect(segments(long, { maxBytes: 100 })).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED', position: { record: 1 } })
  await expect(segments([new Uint8Array(50), new Uint8Array(51)], { maxBytes: 100 })).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED', position: { record: 0 } })
  const loop: Record<string, unknown> = {}
  loop.self = loop
  for (const row of [undefined, () => 1, Symbol('x'), 5n, loop, '{"a":1}'])
    await expect(segments([1, row])).rejects.toMatchObject({ code: 'BAD_INPUT', position: { record: 1 } })
  const bad = (rows: unknown, options: unknown) => expect(() => ndjsonSegments(rows as never, options as never))
  bad([], undefined).toThrow('"options" expected an object')
  bad([], {}).toThrow('"key" expected a function')
  bad([], { key, maxBytes: 0 }).toThrow('"maxBytes" expected a whole number from 1')
  bad('rows', { key }).toThrow('"rows" expected an iterable')
  bad(new Uint8Array(5), { key }).toThrow('"rows" expected an iterable')
})

it('go into chunks as they come', async () => {
  async function* rows() {
    for (let id = 0; id < 5000; id++) yield { id, name: `user ${id}` }
  }
  const { tars, results } = await collect(ndjsonSegments(rows(), { key, maxRecords: 100 }), { prefix: 'Logs/', chunkFiles: 20 })
  expect(results.map(({ members }) => members.length)).toEqual([20, 20, 10])
  const [first] = await npmTarStream([...tars.values()][2])
  expect(first.name).toBe('Logs/part-40.ndjson')
  const { offset, size } = results[2].members[0]
  const lines = new TextDecoder()
    .decode([...tars.values()][2].subarray(offset, offset + size))
    .trimEnd()
    .split('\n')
  expect(JSON.parse(lines[99])).toEqual({ id: 4099, name: 'user 4099' })
})

it('Parquet files from the writer go into chunks one after the other', async () => {
  const schema = parseSchema({
    columns: [
      { name: 'id', type: 'int64' },
      { name: 'name', type: 'string' },
    ],
  })
  async function* files(): AsyncGenerator<ChunkerFile> {
    const sinks: ReturnType<typeof bytesSink>[] = []
    const next = () => sinks[sinks.push(bytesSink()) - 1]
    const writer = createParquetFiles({ schema, next, maxRows: 10_000 })
    let index = 0
    const file = () => ({ key: `part-${index++}.parquet`, data: sinks.shift()!.bytes() })
    for (let from = 0; from < 45_000; from += 5000) {
      await writer.writeRows(Array.from({ length: 5000 }, (_, i) => ({ id: from + i, name: `user ${from + i}` })))
      // when the next one has begun, the one before is whole
      while (sinks.length > 1) yield file()
    }
    await writer.close()
    while (sinks.length > 0) yield file()
  }
  const { tars, results, left } = await collect(files(), { prefix: 'users/', smallBytes: 1 << 20, chunkFiles: 2 })
  expect(left).toEqual([])
  const all = [...tars.values()]
  let id = 0
  for (const [i, { members }] of results.entries())
    for (const { key, offset, size } of members) {
      expect(key).toMatch(/^users\/part-\d\.parquet$/)
      const rows = await parquetReadObjects({ file: new Uint8Array(all[i].subarray(offset, offset + size)).buffer, compressors })
      for (const row of rows) expect(row).toEqual({ id: BigInt(id), name: `user ${id++}` })
    }
  expect(id).toBe(45_000)
  expect(results.map(({ members }) => members.length)).toEqual([2, 2, 1])
})
