import { parquetMetadata, parquetReadObjects } from 'hyparquet'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { BadRecord } from '../../src/parquet/index.js'
import { createParquetWriter, fileSink, type ParquetSink, type ParquetWriterOptions, type Schema } from '../../src/parquet/index.js'
import { nodePorts } from '../../src/ports/node.js'
import { type Duck, openDuck } from '../duck.js'

let duck: Duck
beforeAll(async () => {
  duck = await openDuck()
})
afterAll(() => duck.close())

function memorySink() {
  const parts: Uint8Array[] = []
  const state = { closed: 0, aborted: [] as unknown[] }
  const sink: ParquetSink = {
    write: (bytes) => void parts.push(bytes),
    close: () => void state.closed++,
    abort: (reason) => void state.aborted.push(reason),
  }
  return { sink, state, bytes: () => new Uint8Array(Buffer.concat(parts)), writes: () => parts.length }
}

const buffer = (bytes: Uint8Array) => bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer
const objects = (bytes: Uint8Array) => parquetReadObjects({ file: buffer(bytes) })

async function write(schema: Schema, pieces: (string | Uint8Array)[], options: Partial<ParquetWriterOptions> = {}) {
  const memory = memorySink()
  const writer = createParquetWriter({ schema, sink: memory.sink, ...options })
  for (const piece of pieces) await writer.writeJson(typeof piece === 'string' ? Buffer.from(piece) : piece)
  const summary = await writer.close()
  expect(memory.state).toEqual({ closed: 1, aborted: [] })
  expect(summary.bytes).toBe(memory.bytes().length)
  return { summary, bytes: memory.bytes() }
}

const SCHEMA: Schema = {
  columns: [
    { name: 'id', type: 'int64', nullable: false },
    { name: 'name', type: 'string' },
    { name: 'delay', type: 'int32' },
    { name: 'fare', type: 'double' },
    { name: 'late', type: 'boolean' },
    { name: 'at', type: 'timestamp', unit: 'us' },
  ],
}

const LINES = [
  '{"id":9223372036854775807,"name":"é水😀\\n","delay":-5,"fare":0.1,"late":true,"at":"2024-02-29T12:00:00.123456Z"}',
  '{"late":false,"id":-9223372036854775808,"extra":{"a":[1,2]},"name":""}',
  '',
  '{"id":9007199254740993,"name":null,"delay":2147483647,"fare":-0.0,"at":1700000000000000}',
].join('\n')
const ROWS = [
  { id: 9223372036854775807n, name: 'é水😀\n', delay: -5, fare: 0.1, late: true, at: new Date('2024-02-29T12:00:00.123Z') },
  { id: -9223372036854775808n, name: '', late: false },
  { id: 9007199254740993n, delay: 2147483647, fare: -0, at: new Date(1700000000000) },
]
const defined = (rows: Record<string, unknown>[]) => rows.map((row) => Object.fromEntries(Object.entries(row).filter(([, v]) => v !== undefined && v !== null)))

describe('createParquetWriter', () => {
  it('writes what the records say, wherever the pieces are cut', async () => {
    const text = Buffer.from(LINES)
    const whole = await write(SCHEMA, [text])
    expect(defined(await objects(whole.bytes))).toEqual(ROWS)
    expect(whole.summary).toMatchObject({ rows: 3, rowGroups: 1, badRecords: 0 })
    for (let cut = 0; cut <= text.length; cut += 5) {
      const { bytes } = await write(SCHEMA, [text.subarray(0, cut), text.subarray(cut)])
      expect(Buffer.compare(bytes, whole.bytes)).toBe(0)
    }
    const single = await write(
      SCHEMA,
      Array.from(text, (_, i) => text.subarray(i, i + 1)),
    )
    expect(Buffer.compare(single.bytes, whole.bytes)).toBe(0)
  })

  it('takes CRLF, a byte order mark, no last line feed and nothing at all', async () => {
    const crlf = `\ufeff${LINES.replaceAll('\n', '\r\n')}\r\n\r\n`
    expect(defined(await objects((await write(SCHEMA, [crlf])).bytes))).toEqual(ROWS)
    const none = await write(SCHEMA, [])
    expect(none.summary).toMatchObject({ rows: 0, rowGroups: 0 })
    expect(await duck.rows(`select * from '${duck.file('none.parquet', none.bytes)}'`)).toEqual([])
  })

  it('gives every cell of many rows to DuckDB, over row groups and pages', async () => {
    const rows = Array.from({ length: 30_000 }, (_, i) => ({
      id: i * 7,
      name: i % 11 === 0 ? null : `user-${i % 1500}`,
      delay: (i * 7919) % 240,
      fare: i / 7,
      late: i % 3 === 0,
      at: new Date(1.7e12 + i * 1000).toISOString(),
    }))
    const text = rows.map((r) => JSON.stringify(r)).join('\n')
    const { summary, bytes } = await write(SCHEMA, [text.slice(0, 1_000_001), text.slice(1_000_001)], { rowGroupRows: 8192 })
    expect(summary.rows).toBe(30_000)
    expect(summary.rowGroups).toBeGreaterThanOrEqual(3)
    const json = duck.file('many.json', Buffer.from(text))
    const parquet = duck.file('many.parquet', bytes)
    const columns = `columns = {id: 'BIGINT', name: 'VARCHAR', delay: 'INTEGER', fare: 'DOUBLE', late: 'BOOLEAN', "at": 'TIMESTAMPTZ'}`
    const [{ n }] = await duck.rows(
      `select count(*) n from (select row_number() over () i, * from read_json('${json}', format = 'newline_delimited', ${columns})) a
       join (select file_row_number + 1 i, * from read_parquet('${parquet}', file_row_number = true)) b using (i)
       where a.id = b.id and a.name is not distinct from b.name and a.delay = b.delay and a.fare = b.fare and a.late = b.late and a."at" = b."at"`,
    )
    expect(n).toBe(30_000n)
    const [{ hits }] = await duck.rows(`select count(*) hits from '${parquet}' where name = 'user-77' and id > 100000`)
    expect(hits).toBe(BigInt(rows.filter((r) => r.name === 'user-77' && r.id > 100_000).length))
  })

  it('prunes by statistics without losing rows: code point order, cut bounds, both zeros', async () => {
    const lines = [
      ...Array.from({ length: 3000 }, (_, i) => ({ s: `${'x'.repeat(70)}${i}`, d: -0, n: i })),
      ...Array.from({ length: 3000 }, (_, i) => ({ s: i % 2 ? '😀' : '\uffff', d: 0, n: -i })),
      ...Array.from({ length: 3000 }, () => ({ s: `${'\u{10ffff}'.repeat(17)}`, d: 1e300, n: 2 ** 31 })),
    ]
    const schema: Schema = {
      columns: [
        { name: 's', type: 'string' },
        { name: 'd', type: 'double' },
        { name: 'n', type: 'int64' },
      ],
    }
    const { bytes, summary } = await write(
      schema,
      [lines.map((l) => JSON.stringify(l).replace('"d":0', l.d === 0 && Object.is(l.d, -0) ? '"d":-0.0' : '"d":0')).join('\n')],
      {
        rowGroupRows: 1000,
      },
    )
    expect(summary.rowGroups).toBeGreaterThan(3)
    const path = duck.file('prune.parquet', bytes)
    const count = async (where: string) => Number((await duck.rows(`select count(*) n from '${path}' where ${where}`))[0].n)
    expect(await count("s = '😀'")).toBe(1500)
    expect(await count("s = '\uffff'")).toBe(1500)
    expect(await count(`s = '${'x'.repeat(70)}2999'`)).toBe(1)
    expect(await count(`s = '${'\u{10ffff}'.repeat(17)}'`)).toBe(3000)
    expect(await count('d = 0')).toBe(6000)
    expect(await count('d < 1e299')).toBe(6000)
    expect(await count('n < 0')).toBe(2999)
    expect(await count(`n = ${2 ** 31}`)).toBe(3000)
    const first = parquetMetadata(buffer(bytes)).row_groups[0].columns
    expect(first[0].meta_data!.statistics).toMatchObject({
      null_count: 0n,
      max_value: `${'x'.repeat(63)}y`,
      min_value: 'x'.repeat(64),
      is_max_value_exact: false,
    })
    expect(Object.is(first[1].meta_data!.statistics!.min_value, -0)).toBe(true)
    expect(Object.is(first[1].meta_data!.statistics!.max_value, 0)).toBe(true)
  })

  it('takes rows as objects', async () => {
    const memory = memorySink()
    const writer = createParquetWriter({ schema: SCHEMA, sink: memory.sink })
    await writer.writeRows([{ id: 1, name: 'a' }, { id: 2 }])
    await writer.writeRows(
      (function* () {
        for (let i = 3; i < 5000; i++) yield { id: i, __proto__: null }
      })(),
    )
    expect((await writer.close()).rows).toBe(4999)
    expect((await objects(memory.bytes())).map((r) => Number(r.id))).toEqual(Array.from({ length: 4999 }, (_, i) => i + 1))
  })

  it('takes what JSON has no word for, and settles rows that do not fit', async () => {
    const memory = memorySink()
    const bad: BadRecord[] = []
    const writer = createParquetWriter({ schema: SCHEMA, sink: memory.sink, onBadRecord: (b) => void bad.push(b) })
    const at = new Date('2024-02-29T12:00:00.123Z')
    await writer.writeRows([{ id: 2n ** 63n - 1n, at }, null as never, { id: 1n, fare: Number.NaN }])
    await writer.writeRows([{ id: 2n ** 63n }, { id: -5n, at: new Date(Number.NaN) }, { id: 3, fare: -0 }])
    expect((await writer.close()).badRecords).toBe(4)
    expect(defined(await objects(memory.bytes()))).toEqual([
      { id: 2n ** 63n - 1n, at },
      { id: 3n, fare: -0 },
    ])
    expect(bad.map(({ record, message }) => `${record} ${message}`)).toEqual([
      '1 expected a JSON object, got null',
      '2 column "fare" expected double, got NaN',
      '3 column "id" expected int64, got a number out of its range',
      '4 column "at" expected timestamp, got a string that is no ISO 8601 time or out of range of us',
    ])
  })

  it("takes DynamoDB's items, as JSON and as its client gives them", async () => {
    const memory = memorySink()
    const writer = createParquetWriter({ schema: SCHEMA, sink: memory.sink, dialect: 'dynamodb' })
    await writer.writeJson(Buffer.from('{"Item":{"id":{"N":"9223372036854775807"},"name":{"S":"a"},"late":{"NULL":true}}}\n'))
    await writer.writeRows([{ id: { N: '2' }, fare: { N: '0.5' }, late: { BOOL: true } }])
    await writer.close()
    expect(defined(await objects(memory.bytes()))).toEqual([
      { id: 9223372036854775807n, name: 'a' },
      { id: 2n, fare: 0.5, late: true },
    ])
  })

  it('serves calls that nobody awaited in order', async () => {
    const memory = memorySink()
    const writer = createParquetWriter({
      schema: SCHEMA,
      sink: { ...memory.sink, write: (b) => new Promise((done) => setImmediate(() => done(memory.sink.write(b)))) },
      rowGroupRows: 1,
    })
    const calls = Array.from({ length: 50 }, (_, i) => writer.writeJson(Buffer.from(`{"id":${i}}\n`)))
    const summary = await writer.close()
    await Promise.all(calls)
    expect(summary.rows).toBe(50)
    expect((await objects(memory.bytes())).map((r) => Number(r.id))).toEqual(Array.from({ length: 50 }, (_, i) => i))
  })
})

describe('bad records', () => {
  const text = Buffer.from('{"id":1}\n{"id":"x"}\n{"id":2}\n[]\n{"id":3}\n{"name":"no id"}\n{"id":4')

  it('end the work by default, with a position, and abort the sink', async () => {
    const memory = memorySink()
    const writer = createParquetWriter({ schema: SCHEMA, sink: memory.sink })
    await writer.startSource('in.ndjson')
    await writer.writeJson(text)
    const failure = writer.close()
    await expect(failure).rejects.toMatchObject({ code: 'BAD_INPUT', position: { source: 'in.ndjson', record: 1, offset: 15, line: 2, column: 'id' } })
    await expect(failure).rejects.toThrow('in.ndjson, line 2, byte 15: column "id" expected int64, got a string')
    expect(memory.state).toMatchObject({ closed: 0, aborted: [{ code: 'BAD_INPUT' }] })
    await expect(writer.writeJson(text)).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(writer.close()).rejects.toMatchObject({ code: 'CLOSED' })
  })

  it('are skipped and counted, or told one by one', async () => {
    const { summary, bytes } = await write(SCHEMA, [text], { onBadRecord: 'skip' })
    expect(summary).toMatchObject({ rows: 3, badRecords: 4 })
    expect((await objects(bytes)).map((r) => r.id)).toEqual([1n, 2n, 3n])
    const bad: BadRecord[] = []
    await write(SCHEMA, [text.subarray(0, 12), text.subarray(12)], { onBadRecord: (b) => void bad.push(b) })
    expect(bad.map((b) => [b.record, b.offset, Buffer.from(b.text).toString()])).toEqual([
      [1, 9, '{"id":"x"}\n'],
      [3, 29, '[]\n'],
      [5, 41, '{"name":"no id"}\n'],
      [6, 58, '{"id":4'],
    ])
  })

  it('count from the start of each source', async () => {
    const bad: BadRecord[] = []
    const memory = memorySink()
    const writer = createParquetWriter({ schema: SCHEMA, sink: memory.sink, onBadRecord: (b) => void bad.push(b) })
    for (const name of ['a', 'b']) {
      await writer.startSource(name)
      await writer.writeJson(Buffer.from('\ufeff{"id":1}\nnull\n{"id":2}'))
    }
    expect((await writer.close()).rows).toBe(4)
    expect(bad.map((b) => [b.source, b.record, b.offset])).toEqual([
      ['a', 1, 12],
      ['b', 1, 12],
    ])
  })

  it('too long: reported, and the next one is whole', async () => {
    for (const piece of [100, 1000, 1 << 20]) {
      const bad: BadRecord[] = []
      const all = Buffer.from(`{"id":1}\n{"id":2,"name":"${'x'.repeat(600_000)}"}\n{"id":3}\n[]`)
      const pieces: Buffer[] = []
      for (let at = 0; at < all.length; at += piece) pieces.push(all.subarray(at, at + piece))
      const { summary, bytes } = await write(SCHEMA, pieces, { maxRecordBytes: 1000, onBadRecord: (b) => void bad.push(b) })
      expect((await objects(bytes)).map((r) => r.id)).toEqual([1n, 3n])
      expect(summary.badRecords).toBe(2)
      expect(bad.map((b) => [b.record, b.offset])).toEqual([
        [1, 9],
        [3, all.length - 2],
      ])
    }
  })

  it('what a callback throws ends the work', async () => {
    const memory = memorySink()
    const writer = createParquetWriter({
      schema: SCHEMA,
      sink: memory.sink,
      onBadRecord() {
        throw new Error('enough')
      },
    })
    await writer.writeJson(text)
    await expect(writer.close()).rejects.toThrow('enough')
    expect(memory.state.aborted.length).toBe(1)
  })
})

describe('a sink that fails', () => {
  it.each([1, 2, 3])('at write %d surfaces its error and is aborted', async (nth) => {
    const aborted: unknown[] = []
    let writes = 0
    const sink: ParquetSink = {
      async write() {
        if (++writes === nth) throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
      },
      abort: (reason) => void aborted.push(reason),
    }
    const writer = createParquetWriter({ schema: SCHEMA, sink, rowGroupRows: 1 })
    const work = (async () => {
      for (let i = 0; i < 60; i++) await writer.writeJson(Buffer.from(`{"id":${i},"name":"${'x'.repeat(100_000)}"}\n`))
      await writer.close()
    })()
    await expect(work).rejects.toMatchObject({ code: 'ENOSPC' })
    expect(aborted).toMatchObject([{ code: 'ENOSPC' }])
    await expect(writer.close()).rejects.toMatchObject({ code: 'CLOSED', cause: { code: 'ENOSPC' } })
  })

  it('tell gzip, NaN and what holds itself by their names', async () => {
    const told: string[] = []
    const writer = createParquetWriter({ schema: 'a double, b json', sink: { write() {} }, onBadRecord: ({ message }) => void told.push(message) })
    const self: Record<string, unknown> = {}
    self.b = self
    await writer.writeRows([{ a: Number.NaN }, self])
    await writer.writeJson(Uint8Array.of(0x1f, 0x8b, 8, 10))
    await writer.close()
    expect(told).toEqual([
      'column "a" expected double, got NaN',
      'expected at most 256 levels of nesting, got more',
      'expected a JSON object, got gzip, which gunzip() unpacks',
    ])
  })

  it('abort() ends without a footer', async () => {
    const memory = memorySink()
    const writer = createParquetWriter({ schema: SCHEMA, sink: memory.sink })
    await writer.writeJson(Buffer.from('{"id":1}\n'))
    await writer.abort('changed my mind')
    expect(memory.state).toEqual({ closed: 0, aborted: ['changed my mind'] })
    expect(memory.bytes().length).toBe(0)
    await expect(writer.close()).rejects.toMatchObject({ code: 'CLOSED' })
  })
})

describe('arguments', () => {
  const sink = { write() {} }
  const schema = SCHEMA
  it.each([
    [undefined, '"options" expected an object, got undefined'],
    [{ schema, sink, rows: 3 }, '"options" expected one of schema, sink'],
    [{ sink }, '"options.schema" expected an object {columns}, DDL text or a GetTable response, got undefined'],
    [{ schema: { columns: [] }, sink }, '"options.schema.columns" expected at least one column, got an array'],
    [{ schema, sink: {} }, '"options.sink" expected an object with write(bytes), got an object'],
    [{ schema, sink, compression: 'lz4' }, '"options.compression" expected snappy, none, gzip, zstd, lz4_raw or a codec {name, compress}, got "lz4"'],
    [{ schema, sink, rowGroupRows: 0 }, '"options.rowGroupRows" expected a whole number from 1 to 1073741824, got 0'],
    [{ schema, sink, rowGroupBytes: '1' }, '"options.rowGroupBytes" expected a whole number from 1 to 1073741824, got "1"'],
    [{ schema, sink, onBadRecord: 'ignore' }, '"options.onBadRecord" expected \'fail\', \'skip\' or a function, got "ignore"'],
  ])('%#: refuses %j', (options, message) => {
    expect(() => createParquetWriter(options as never)).toThrow(message)
  })

  it('that are wrong leave no file behind', () => {
    const memory = memorySink()
    expect(() => createParquetWriter({ schema: 'id itn', sink: memory.sink })).toThrow('got "itn"')
    expect(memory.state).toMatchObject({ closed: 0, aborted: [{ name: 'RangeError' }] })
  })

  it('of fileSink', async () => {
    await expect(fileSink({} as never, 'x')).rejects.toThrow('"ports" expected ports with a storage and random, got an object')
    await expect(fileSink(nodePorts, 5 as never)).rejects.toThrow('"path" expected the path of a file, got 5')
  })

  it('of its methods', async () => {
    const writer = createParquetWriter({ schema, sink })
    await expect(writer.writeJson('{}' as never)).rejects.toThrow('"bytes" expected a Uint8Array, got "{}"')
    await expect(writer.writeRows(5 as never)).rejects.toThrow('"rows" expected an iterable of objects, got 5')
    await expect(writer.startSource(5 as never)).rejects.toThrow('"name" expected a string, got 5')
  })
})
