import fc from 'fast-check'
import { parquetReadObjects } from 'hyparquet'
import { describe, expect, it } from 'vitest'
import { bytesSink, type ColumnInput, createParquetWriter, type Schema } from '../../src/parquet/index.js'

const SCHEMA: Schema = {
  columns: [
    { name: 'id', type: 'int64', nullable: false },
    { name: 'n', type: 'int32' },
    { name: 'd', type: 'double' },
    { name: 'b', type: 'boolean' },
    { name: 's', type: 'string' },
    { name: 't', type: 'timestamp', unit: 'us' },
  ],
}

const writerOf = (schema = SCHEMA) => {
  const sink = bytesSink()
  return { sink, writer: createParquetWriter({ schema, sink }) }
}
const read = async (bytes: Uint8Array) =>
  (await parquetReadObjects({ file: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer })).map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value ?? null])),
  )
async function written(columns: Record<string, ColumnInput>, schema = SCHEMA) {
  const { sink, writer } = writerOf(schema)
  await writer.writeColumns(columns)
  const { rows } = await writer.close()
  return { rows, objects: await read(sink.bytes()) }
}
const bits = (mask: Uint8Array) => {
  const out = new Uint8Array(Math.ceil(mask.length / 8))
  mask.forEach((there, i) => {
    if (there) out[i >> 3] |= 1 << (i & 7)
  })
  return out
}

describe('writeColumns', () => {
  it('takes typed arrays, arrays, masks, bitmaps and offsets', async () => {
    const mask = Uint8Array.of(1, 0, 1)
    const { rows, objects } = await written({
      id: BigInt64Array.of(1n, 2n ** 63n - 1n, -(2n ** 63n)),
      n: { values: Int32Array.of(5, 99, -7), validity: bits(mask) },
      d: { values: Float64Array.of(Number.NaN, 1, -0), valid: mask },
      b: Uint8Array.of(0, 1, 255),
      s: { bytes: Buffer.from('..aé😀'), offsets: Int32Array.of(2, 3, 5, 9) },
      t: [new Date(5), null, 7n],
    })
    expect(rows).toBe(3)
    expect(objects).toEqual([
      { id: 1n, n: 5, d: Number.NaN, b: false, s: 'a', t: new Date(5) },
      { id: 2n ** 63n - 1n, n: null, d: null, b: true, s: 'é', t: null },
      { id: -(2n ** 63n), n: -7, d: -0, b: true, s: '😀', t: new Date(0) },
    ])
  })

  it('writes the same as writeRows, over many batches, with nulls in runs and alone', async () => {
    const count = 20_000
    const rows = Array.from({ length: count }, (_, i) => ({
      id: i,
      n: i % 3 === 0 ? null : i,
      d: i % 5000 < 2500 ? null : i / 7,
      b: i % 2 === 0,
      s: i % 11 === 0 ? null : `${i}é${'x'.repeat(i % 90)}`,
      t: new Date(1.7e12 + i),
    }))
    const column = (name: keyof (typeof rows)[0]) => rows.map((row) => row[name])
    const valid = (name: keyof (typeof rows)[0]) => Uint8Array.from(rows, (row) => (row[name] === null ? 0 : 1))
    const a = writerOf()
    await a.writer.writeRows(rows)
    await a.writer.close()
    const { objects } = await written({
      id: BigInt64Array.from(rows, ({ id }) => BigInt(id)),
      n: { values: Int32Array.from(rows, ({ n }) => n ?? 42), valid: valid('n') },
      d: { values: Float64Array.from(rows, ({ d }) => d ?? 42), validity: bits(valid('d')) },
      b: column('b'),
      s: column('s'),
      t: column('t'),
    })
    expect(objects).toEqual(await read(a.sink.bytes()))
  })

  it('comes in order with records and rows, and ends the record at hand', async () => {
    const { sink, writer } = writerOf()
    writer.writeJson(Buffer.from('{"id":1}\n{"id":2}'))
    writer.writeColumns({ id: [3, 4n] })
    writer.writeJson(Buffer.from('{"id":5}\n'))
    writer.writeColumns({ id: new BigInt64Array(0) })
    await writer.writeRows([{ id: 6 }])
    expect((await writer.close()).rows).toBe(6)
    expect((await read(sink.bytes())).map((row) => Number(row.id))).toEqual([1, 2, 3, 4, 5, 6])
  })

  it('takes cells longer than a batch', async () => {
    const long = 'é'.repeat(500_000)
    const { objects } = await written({ id: [1, 2, 3, 4], s: ['a', long, `${long}!`, null] })
    expect(objects.map(({ s }) => s)).toEqual(['a', long, `${long}!`, null])
  })

  it('takes any array of numbers that fit', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.option(fc.integer()), fc.option(fc.double()), fc.option(fc.string())), {
          minLength: 1,
          maxLength: 40,
        }),
        async (cells) => {
          const { objects } = await written({ id: cells.map((c) => c[0]), n: cells.map((c) => c[1]), d: cells.map((c) => c[2]), s: cells.map((c) => c[3]) })
          expect(objects.map(({ id, n, d, s }) => [id, n, d, s])).toEqual(cells)
        },
      ),
      { numRuns: 40 },
    )
  })

  it('keeps what the arrays have where they are shared or cut', async () => {
    const whole = new Float64Array(new SharedArrayBuffer(80)).map((_, i) => i)
    const { objects } = await written({ id: [1, 2], d: whole.subarray(3, 5) })
    expect(objects.map(({ d }) => d)).toEqual([3, 4])
  })
})

describe('a call that is wrong', () => {
  const two = [1, 2]
  it.each<[unknown, string]>([
    [5, '"columns" expected an object of columns by name, got 5'],
    [[], '"columns" expected an object of columns by name, got an array'],
    [{}, '"columns.id" expected a column, for its values may not be null, got undefined'],
    [{ id: two, x: two }, '"columns" expected one of id, n, d, b, s, t, got "x"'],
    [{ id: two, n: [1] }, '"columns.n.length" expected 2, as many rows as "id" has, got 1'],
    [{ id: [1, null] }, '"columns.id[1]" expected int64, got null'],
    [{ id: [1, 1.5] }, '"columns.id[1]" expected int64, got 1.5'],
    [{ id: [2n ** 63n] }, '"columns.id[0]" expected int64, got 9223372036854775808n'],
    [{ id: BigUint64Array.of(2n ** 63n) }, '"columns.id[0]" expected int64, got 9223372036854775808n'],
    [{ id: two, n: [1, '2'] }, '"columns.n[1]" expected int32, got "2"'],
    [{ id: two, n: Float64Array.of(1, 2 ** 31) }, '"columns.n[1]" expected int32, got 2147483648'],
    [{ id: two, n: 'ab' }, '"columns.n" expected a typed array, an array or {values}, got "ab"'],
    [{ id: two, n: { length: 2 } }, '"columns.n.values" expected a typed array or an array, got undefined'],
    [{ id: two, b: [true, 'x'] }, '"columns.b[1]" expected boolean, got "x"'],
    [{ id: two, s: ['a', 5] }, '"columns.s[1]" expected a string, got 5'],
    [{ id: two, s: ['\ud83d', '\ude00'] }, '"columns.s[0]" expected a string without lone surrogates'],
    [{ id: two, s: Uint8Array.of(1, 2) }, '"columns.s" expected an array of strings or {bytes, offsets}, got Uint8Array'],
    [{ id: two, s: { bytes: Buffer.from('é'), offsets: Int32Array.of(0, 1, 2) } }, '"columns.s.offsets[1]" expected the start of a character of UTF-8, got 1'],
    [{ id: two, s: { bytes: Uint8Array.of(255, 0), offsets: Int32Array.of(0, 1, 2) } }, '"columns.s.bytes" expected UTF-8'],
    [{ id: two, s: { bytes: new Uint8Array(2), offsets: Int32Array.of(0, 2, 1) } }, '"columns.s.offsets[2]" expected at least 2, the one before, got 1'],
    [
      { id: two, s: { bytes: new Uint8Array(2), offsets: Int32Array.of(0, 2, 3) } },
      '"columns.s.offsets[2]" expected at most 2, the bytes that there are, got 3',
    ],
    [{ id: two, n: { values: two, valid: Uint8Array.of(1) } }, '"columns.n.valid.length" expected 2, a byte a row, got 1'],
    [{ id: two, n: { values: two, validity: new Uint8Array(0) } }, '"columns.n.validity.length" expected at least 1, a bit a row, got 0'],
    [{ id: { values: two, valid: Uint8Array.of(1, 0) } }, '"columns.id[1]" expected int64, got null'],
    [{ id: two, t: [1, new Date(Number.NaN)] }, '"columns.t[1]" expected timestamp in us, got an invalid Date'],
  ])('%#: %o', async (columns, message) => {
    const { sink, writer } = writerOf()
    await expect(writer.writeColumns(columns as never)).rejects.toThrow(message)
    // nothing of it was taken
    await writer.writeColumns({ id: [7] })
    expect((await writer.close()).rows).toBe(1)
    expect((await read(sink.bytes())).map((row) => row.id)).toEqual([7n])
  })
})
