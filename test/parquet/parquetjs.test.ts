// One program, run on parquetjs-lite and on the drop-in; both files read by three readers.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { asyncBufferFromFile, parquetMetadata, parquetReadObjects } from 'hyparquet'

// biome-ignore lint/suspicious/noExplicitAny: it has no types
const lite = (await import('parquetjs-lite' as string)) as any

import { compressors } from 'hyparquet-compressors'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as ours from '../../src/parquet/parquetjs.js'
import { type Duck, openDuck } from '../duck.js'

let duck: Duck
beforeAll(async () => {
  duck = await openDuck()
})
afterAll(() => duck.close())

type Library = Pick<typeof ours, 'ParquetSchema' | 'ParquetWriter'>
const SCHEMA = () => ({
  name: { type: 'UTF8' },
  quantity: { type: 'INT64', optional: true },
  price: { type: 'DOUBLE' },
  weight: { type: 'FLOAT', optional: true },
  date: { type: 'TIMESTAMP_MILLIS' },
  micros: { type: 'TIMESTAMP_MICROS', optional: true },
  day: { type: 'DATE', optional: true },
  in_stock: { type: 'BOOLEAN' },
  small: { type: 'INT_8', optional: true },
  count: { type: 'UINT_32', optional: true },
  blob: { type: 'BYTE_ARRAY', optional: true },
  extra: { type: 'JSON', optional: true },
  colours: { type: 'UTF8', repeated: true },
  stock: { repeated: true, fields: { price: { type: 'DOUBLE' }, quantity: { type: 'INT64' }, tags: { type: 'UTF8', repeated: true } } },
  origin: { optional: true, fields: { country: { type: 'UTF8', optional: true }, code: { type: 'INT32' } } },
  list: { type: 'LIST', optional: true, fields: { list: { repeated: true, fields: { element: { type: 'INT32', optional: true } } } } },
})

const row = (i: number) => ({
  name: `é-${i}`,
  quantity: i % 3 ? i : undefined,
  price: i / 7,
  weight: i % 2 ? i / 2 : null,
  date: new Date(1.7e12 + i * 1000),
  micros: i % 4 ? new Date(1.6e12 + i) : undefined,
  day: i % 5 ? new Date(86_400_000 * i) : undefined,
  in_stock: i % 2 === 0,
  small: i % 3 ? `${i % 100}` : undefined,
  count: i,
  blob: i % 2 ? Buffer.from([i & 255, 0]) : 'text',
  extra: i % 2 ? { a: i, b: ['x'] } : undefined,
  colours: ['red', 'green', 'blue'].slice(0, i % 4),
  stock: Array.from({ length: i % 3 }, (_, j) => ({ price: j, quantity: i, tags: j ? ['a', 'b'] : [] })),
  origin: i % 3 ? { country: i % 2 ? 'ES' : undefined, code: i } : undefined,
  list: i % 2 ? { list: [{ element: i }, { element: null }] } : undefined,
})

/** The program. */
async function program(library: Library, path: string, schema: object, rows: object[], options = {}) {
  const writer = await library.ParquetWriter.openFile(new library.ParquetSchema(schema as ours.SchemaDefinition), path, options)
  writer.setMetadata('made by', 'the same program')
  for (const one of rows) await writer.appendRow(one)
  await writer.close()
}

async function readLite(path: string) {
  const reader = await lite.ParquetReader.openFile(path)
  const cursor = reader.getCursor()
  const rows: unknown[] = []
  for (let one = await cursor.next(); one; one = await cursor.next()) rows.push(one)
  const metadata = reader.getMetadata()
  await reader.close()
  return { rows, metadata }
}
const readHyparquet = async (path: string) => parquetReadObjects({ file: await asyncBufferFromFile(path), compressors })
const readDuck = (path: string) => duck.rows(`select * from '${path}'`)

describe('the same program on both libraries', () => {
  it.each([
    ['uncompressed', undefined],
    ['GZIP', 'GZIP'],
    ['SNAPPY', 'SNAPPY'],
  ])('writes the same values, %s', async (_, compression) => {
    const schema = Object.fromEntries(Object.entries(SCHEMA()).map(([name, field]) => [name, 'fields' in field ? field : { ...field, compression }]))
    const rows = Array.from({ length: 150 }, (_, i) => row(i))
    const [a, b] = [join(duck.directory, `lite-${compression}.parquet`), join(duck.directory, `ours-${compression}.parquet`)]
    await program(lite, a, structuredClone(schema), rows)
    await program(ours, b, structuredClone(schema), rows)
    expect(await readHyparquet(b)).toEqual(await readHyparquet(a))
    expect(await readDuck(b)).toEqual(await readDuck(a))
    // its own reader fails on milliseconds, whoever wrote them: +value of a bigint
    await expect(readLite(a)).rejects.toThrow('Cannot convert a BigInt value to a number')
    const readable = Object.fromEntries(Object.entries(schema).filter(([name]) => name !== 'date'))
    await program(lite, a, structuredClone(readable), rows)
    await program(ours, b, structuredClone(readable), rows)
    const [theirs, mine] = [await readLite(a), await readLite(b)]
    expect(mine.rows).toEqual(theirs.rows)
    expect(mine.metadata).toEqual(theirs.metadata)
  })

  it('describes the schema in the same words', () => {
    const plain = (value: unknown) => JSON.parse(JSON.stringify(value))
    const [a, b] = [new lite.ParquetSchema(SCHEMA()), new ours.ParquetSchema(SCHEMA())]
    expect(plain(b.fields)).toEqual(plain(a.fields))
    expect(plain(b.fieldList)).toEqual(plain(a.fieldList))
    expect(plain(b.findField('stock,tags'))).toEqual(plain(a.findField('stock,tags')))
    expect(plain(b.findFieldBranch(['origin', 'code']))).toEqual(plain(a.findFieldBranch(['origin', 'code'])))
  })

  it('without metadata is read by parquetjs-lite too', async () => {
    const path = join(duck.directory, 'bare.parquet')
    const writer = await ours.ParquetWriter.openFile(new ours.ParquetSchema({ n: { type: 'INT32' } }), path)
    await writer.appendRow({ n: 7 })
    await writer.close()
    expect(await readLite(path)).toEqual({ rows: [{ n: 7 }], metadata: {} })
    expect(await readDuck(path)).toEqual([{ n: 7 }])
  })

  it.each<[string, object, object, string]>([
    ['a missing field', { a: { type: 'INT32' } }, {}, 'missing required field: a'],
    ['too many values', { a: { type: 'INT32' } }, { a: [1, 2] }, 'too many values for field: a'],
    ['a number that is none', { a: { type: 'DOUBLE' } }, { a: 'x' }, 'invalid value for DOUBLE: x'],
    ['one out of range', { a: { type: 'INT_8' } }, { a: 128 }, 'invalid value for INT8: 128'],
    ['a nested missing field', { a: { fields: { b: { type: 'UTF8' } } } }, { a: { c: 1 } }, 'missing required field: b'],
  ])('refuses %s in the same words, and goes on', async (_, schema, bad, message) => {
    for (const library of [lite, ours] as Library[]) {
      const writer = await library.ParquetWriter.openStream(new library.ParquetSchema(structuredClone(schema) as ours.SchemaDefinition), new PassThrough())
      const failure = await writer.appendRow(bad).then(
        () => undefined,
        (error: unknown) => error,
      )
      expect(`${(failure as Error).message ?? failure}`.replace(/; field .*/, '')).toBe(message)
    }
  })
})

describe('where parquetjs-lite is wrong', () => {
  it('integers keep every bit', async () => {
    const [a, b] = [join(duck.directory, 'bits-lite.parquet'), join(duck.directory, 'bits-ours.parquet')]
    const schema = { n: { type: 'INT64' } }
    const rows = [{ n: 2n ** 53n + 1n }, { n: '9223372036854775807' }, { n: -(2n ** 63n) }]
    await program(lite, a, structuredClone(schema), rows)
      .then(() => readDuck(a))
      .then((cut) => expect(cut).not.toEqual(rows))
      .catch(() => {})
    await program(ours, b, schema, rows)
    expect(await readDuck(b)).toEqual([{ n: 2n ** 53n + 1n }, { n: 2n ** 63n - 1n }, { n: -(2n ** 63n) }])
  })

  it('rows that nobody awaits are all there, once', async () => {
    const path = join(duck.directory, 'unawaited.parquet')
    const writer = await ours.ParquetWriter.openFile(new ours.ParquetSchema({ n: { type: 'INT32' }, s: { type: 'UTF8' } }), path)
    writer.setRowGroupSize(1000)
    const calls = Array.from({ length: 20_000 }, (_, n) => writer.appendRow({ n, s: 'x'.repeat(20) }))
    await writer.close()
    await Promise.all(calls)
    expect(await duck.rows(`select count(*) c, count(distinct n) d, max(n) m from '${path}'`)).toEqual([{ c: 20_000n, d: 20_000n, m: 19_999 }])
    expect(parquetMetadata(await (await asyncBufferFromFile(path)).slice(0)).row_groups.length).toBeGreaterThan(5)
  })

  it('a file that is not closed has no name', async () => {
    const path = join(duck.directory, 'open.parquet')
    const writer = await ours.ParquetWriter.openFile(new ours.ParquetSchema({ n: { type: 'INT32' } }), path)
    await writer.appendRow({ n: 1 })
    expect(existsSync(path)).toBe(false)
    await writer.close()
    expect(await readDuck(path)).toEqual([{ n: 1 }])
    await expect(writer.appendRow({ n: 2 })).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(writer.close()).rejects.toMatchObject({ code: 'CLOSED' })
    expect(readdirSync(duck.directory).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  it('a stream is ended, with its errors told', async () => {
    const stream = new PassThrough()
    const parts: Buffer[] = []
    stream.on('data', (part: Buffer) => parts.push(part))
    const writer = await ours.ParquetWriter.openStream(new ours.ParquetSchema({ n: { type: 'INT32' } }), stream, {
      useDataPageV2: true,
      pageIndex: false,
      rowGroupSize: 10,
    })
    await writer.appendRow({ n: 7 })
    let called = false
    await writer.close(() => {
      called = true
    })
    expect([called, stream.writableEnded]).toEqual([true, true])
    const path = duck.file('stream.parquet', Buffer.concat(parts))
    expect(await readDuck(path)).toEqual([{ n: 7 }])
    const broken = new PassThrough()
    broken.on('error', () => {})
    broken.destroy(new Error('gone'))
    const failing = await ours.ParquetWriter.openStream(new ours.ParquetSchema({ n: { type: 'INT32' } }), broken)
    await failing.appendRow({ n: 7 })
    await expect(failing.close()).rejects.toThrow()
  })

  it.each([
    [{ a: { type: 'INT96' } }, '"schema.a.type" expected a type that is supported, such as TIMESTAMP_MILLIS or TIMESTAMP_MICROS, or createParquetWriter'],
    [{ a: { type: 'INTERVAL' } }, 'such as INT64 with a unit of yours, or a group of three INT32, got "INTERVAL"'],
    [{ a: { type: 'FIXED_LEN_BYTE_ARRAY' } }, 'such as BYTE_ARRAY, or createParquetWriter'],
    [{ a: { type: 'BSON' } }, 'such as BYTE_ARRAY or JSON, got "BSON"'],
    [{ a: { type: 'TEXT' } }, '"schema.a.type" expected one of BOOLEAN, INT32'],
    [{ a: { type: Object.create(null) } }, '"schema.a.type" expected one of BOOLEAN, INT32'],
    [{ a: { type: 'UTF8', compression: 'LZO' } }, '"schema.a.compression" expected one of UNCOMPRESSED, GZIP, SNAPPY, got "LZO"'],
    [{ a: { type: 'UTF8', encoding: 'X' } }, '"schema.a.encoding" expected PLAIN or RLE, got "X"'],
    [{}, '"schema" expected at least one field'],
    [5, '"schema" expected an object of fields, got 5'],
  ])('%#: refuses the schema %j', (schema, message) => {
    expect(() => new ours.ParquetSchema(schema as ours.SchemaDefinition)).toThrow(message)
  })

  it('the reading half says what to use where it is used', async () => {
    await expect(ours.ParquetReader.openFile('x.parquet')).rejects.toThrow('"ParquetReader.openFile" expected no use: millrace/parquetjs has the writing half')
    expect(() => new ours.ParquetTransformer(SCHEMA())).toThrow('give each row to appendRow() of a writer of openStream()')
    const both = Object.keys(lite.default).filter((name) => name in ours)
    expect(both.sort()).toEqual(['ParquetEnvelopeReader', 'ParquetEnvelopeWriter', 'ParquetReader', 'ParquetSchema', 'ParquetTransformer', 'ParquetWriter'])
  })
})
