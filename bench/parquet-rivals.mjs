// The other writers, each used the way its own documentation would have it for speed:
// NDJSON bytes in, Parquet bytes out, Snappy, row groups of 122,880 rows.
import { createRequire } from 'node:module'
import { Writable } from 'node:stream'

const require = createRequire(import.meta.url)
export const ROW_GROUP = 122_880

function* parsed(text) {
  for (let at = 0; at < text.length; ) {
    let end = text.indexOf('\n', at)
    if (end < 0) end = text.length
    if (end > at) yield JSON.parse(text.slice(at, end))
    at = end + 1
  }
}

// ---- parquetjs-lite and @dsnp/parquetjs: one appendRow a row

const PARQUETJS = { timestamp: 'TIMESTAMP_MILLIS', string: 'UTF8', int32: 'INT32', int64: 'INT64', double: 'DOUBLE', boolean: 'BOOLEAN' }

function parquetjs(library) {
  return (columns) => {
    const fields = columns.map(({ name, type, nullable }) => [name, { type: PARQUETJS[type], compression: 'SNAPPY', optional: nullable === true }])
    const schema = new library.ParquetSchema(Object.fromEntries(fields))
    const times = columns.filter((c) => c.type === 'timestamp').map((c) => c.name)
    return async (input) => {
      const chunks = []
      const sink = new Writable({
        write(chunk, _, done) {
          chunks.push(chunk)
          done()
        },
      })
      const writer = await library.ParquetWriter.openStream(schema, sink, { rowGroupSize: ROW_GROUP })
      for (const row of parsed(input.latin1Slice())) {
        for (const name of times) row[name] = new Date(row[name])
        await writer.appendRow(row)
      }
      await writer.close()
      return Buffer.concat(chunks)
    }
  }
}

export const parquetjsLite = () => parquetjs(require('parquetjs-lite'))
export const dsnp = () => parquetjs(require('@dsnp/parquetjs'))

// ---- hyparquet-writer: one array a column

const HYPARQUET = { timestamp: 'TIMESTAMP', string: 'STRING', int32: 'INT32', int64: 'INT64', double: 'DOUBLE', boolean: 'BOOLEAN' }
const ELEMENTS = {
  timestamp: { type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' },
  string: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  int32: { type: 'INT32' },
  int64: { type: 'INT64' },
  double: { type: 'DOUBLE' },
  boolean: { type: 'BOOLEAN' },
}

/** The schema elements of a column, depth first. */
function elements(name, type, repetition_type) {
  const [, outer, inner] = /^(\w+)<(.*)>$/.exec(type) ?? []
  if (outer === 'list')
    return [
      { name, repetition_type, converted_type: 'LIST', num_children: 1 },
      { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
      ...elements('element', inner, 'OPTIONAL'),
    ]
  if (outer === 'map') {
    const [key, value] = inner.split(', ')
    return [
      { name, repetition_type, converted_type: 'MAP', num_children: 1 },
      { name: 'key_value', repetition_type: 'REPEATED', num_children: 2 },
      ...elements('key', key, 'REQUIRED'),
      ...elements('value', value, 'OPTIONAL'),
    ]
  }
  if (outer === 'struct') {
    const members = inner.match(/\w+: (\w+<.*>|\w+)(, |$)/g).map((m) => /^(\w+): (.*?)(, )?$/.exec(m))
    return [{ name, repetition_type, num_children: members.length }, ...members.flatMap(([, member, t]) => elements(member, t, 'OPTIONAL'))]
  }
  return [{ name, repetition_type, ...ELEMENTS[type] }]
}

export async function hyparquetWriter() {
  const { parquetWriteBuffer } = await import('hyparquet-writer')
  return (columns) => {
    const flat = columns.every((c) => HYPARQUET[c.type])
    const root = { name: 'root', num_children: columns.length }
    const schema = flat ? undefined : [root, ...columns.flatMap((c) => elements(c.name, c.type, c.nullable ? 'OPTIONAL' : 'REQUIRED'))]
    return (input) => {
      const columnData = columns.map(({ name, type, nullable }) => ({
        name,
        data: [],
        ...(flat ? { type: HYPARQUET[type], nullable: nullable === true } : {}),
      }))
      // the nested rows are no ASCII
      for (const row of parsed(flat ? input.latin1Slice() : input.utf8Slice())) {
        columns.forEach(({ name, type }, i) => {
          const value = row[name]
          columnData[i].data.push(type === 'timestamp' ? new Date(value) : type === 'int64' ? BigInt(value) : value)
        })
      }
      return new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize: ROW_GROUP, ...(schema ? { schema } : {}) }))
    }
  }
}

// ---- apache-arrow + parquet-wasm: typed arrays filled by hand, the fastest way in (builders are 2-3 times slower)

export async function arrowParquetWasm() {
  const arrow = await import('apache-arrow')
  const wasm = require('parquet-wasm')
  const types = {
    timestamp: () => new arrow.TimestampMillisecond('UTC'),
    string: () => new arrow.Utf8(),
    int32: () => new arrow.Int32(),
    int64: () => new arrow.Int64(),
    double: () => new arrow.Float64(),
    boolean: () => new arrow.Bool(),
  }
  const arrays = { timestamp: BigInt64Array, int32: Int32Array, int64: BigInt64Array, double: Float64Array }
  return (columns) => (input) => {
    const text = input.latin1Slice()
    let rows = 0
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) rows++
    const vectors = columns.map(({ name, type, nullable }) => ({
      name,
      type,
      nullable: nullable === true,
      values: type === 'string' ? [] : type === 'boolean' ? new Uint8Array((rows + 7) >> 3) : new arrays[type](rows),
      offsets: type === 'string' ? new Int32Array(rows + 1) : undefined,
      size: 0,
      nulls: 0,
      valid: nullable ? new Uint8Array((rows + 7) >> 3) : undefined,
    }))
    let i = 0
    for (const row of parsed(text)) {
      for (const v of vectors) {
        const value = row[v.name]
        if (v.valid) {
          if (value === null || value === undefined) v.nulls++
          else v.valid[i >> 3] |= 1 << (i & 7)
        }
        if (v.type === 'string') {
          if (typeof value === 'string') {
            v.values.push(value)
            v.size += value.length
          }
          v.offsets[i + 1] = v.size
        } else if (value !== null && value !== undefined) {
          if (v.type === 'boolean') v.values[i >> 3] |= value ? 1 << (i & 7) : 0
          else if (v.type === 'timestamp') v.values[i] = BigInt(Date.parse(value))
          else if (v.type === 'int64') v.values[i] = BigInt(value)
          else v.values[i] = value
        }
      }
      i++
    }
    const fields = vectors.map((v) => new arrow.Field(v.name, types[v.type](), v.nullable))
    const children = vectors.map((v, j) => {
      const common = { type: fields[j].type, length: rows, nullCount: v.nulls, nullBitmap: v.valid }
      // ASCII inputs: one latin1 write of the joined values
      return v.type === 'string'
        ? arrow.makeData({ ...common, valueOffsets: v.offsets, data: Buffer.from(v.values.join(''), 'latin1') })
        : arrow.makeData({ ...common, data: v.values })
    })
    const schema = new arrow.Schema(fields)
    const table = new arrow.Table(schema, [new arrow.RecordBatch(schema, arrow.makeData({ type: new arrow.Struct(fields), length: rows, children }))])
    const properties = new wasm.WriterPropertiesBuilder().setCompression(wasm.Compression.SNAPPY).setMaxRowGroupSize(ROW_GROUP).build()
    return wasm.writeParquet(wasm.Table.fromIPCStream(arrow.tableToIPC(table, 'stream')), properties)
  }
}

// ---- DuckDB, native: files in, files out

const DUCKDB = { timestamp: 'TIMESTAMP', string: 'VARCHAR', int32: 'INTEGER', int64: 'BIGINT', double: 'DOUBLE', boolean: 'BOOLEAN' }

/** DuckDB's words for a type of ours. */
function duckType(type) {
  return type
    .replace(/struct<([^<>]*)>/g, (_, members) => `STRUCT(${members.replace(/(\w+): (\w+)/g, (_m, name, t) => `${name} ${DUCKDB[t] ?? t}`)})`)
    .replace(
      /struct<(\w+): (\w+), (\w+): (\w+), (\w+): (STRUCT\([^)]*\))>/,
      (_, a, ta, b, tb, c, tc) => `STRUCT(${a} ${DUCKDB[ta]}, ${b} ${DUCKDB[tb]}, ${c} ${tc})`,
    )
    .replace(/list<(.*)>/, (_, element) => `${DUCKDB[element] ?? element}[]`)
    .replace(/map<string, string>/, 'MAP(VARCHAR, VARCHAR)')
    .replace(/^\w+$/, (name) => DUCKDB[name] ?? name)
}

export async function duckdb(threads = 1) {
  const { DuckDBInstance } = await import('@duckdb/node-api')
  const instance = await DuckDBInstance.create(':memory:', { threads: String(threads) })
  const connection = await instance.connect()
  const shape = (columns) => columns.map((c) => `'${c.name}': '${duckType(c.type)}'`).join(', ')
  return {
    /** Converts `source` to `target`. */
    copy: (columns, source, target, codec) => {
      const sql = `COPY (SELECT * FROM read_json('${source}', format = 'newline_delimited', columns = {${shape(columns)}})) TO '${target}' (FORMAT parquet, COMPRESSION ${codec === 'none' ? 'uncompressed' : codec}, ROW_GROUP_SIZE ${ROW_GROUP})`
      return () => connection.run(sql)
    },
    /** Rows of the Parquet file `file` that are not in the NDJSON `source`, and the other way round: 0 when equal. */
    async differing(file, columns, source) {
      // a timestamp's unit and zone may differ between writers, its instant may not
      const list = columns.map((c) => (c.type === 'timestamp' ? `epoch_ms("${c.name}") AS "${c.name}"` : `"${c.name}"`)).join(', ')
      const a = `SELECT ${list} FROM read_json('${source}', format = 'newline_delimited', columns = {${shape(columns)}})`
      const b = `SELECT ${list} FROM '${file}'`
      const reader = await connection.runAndReadAll(`SELECT count(*) FROM ((${a} EXCEPT ALL ${b}) UNION ALL (${b} EXCEPT ALL ${a}))`)
      return Number(reader.getRows()[0][0])
    },
    async count(file) {
      return Number((await connection.runAndReadAll(`SELECT count(*) FROM '${file}'`)).getRows()[0][0])
    },
    close() {
      connection.closeSync()
      instance.closeSync()
    },
  }
}

// ---- Polars, native. Its threads are set by the environment when it is loaded. Its streaming sink
// rejects every option object that this binding's own wrapper makes, so: collect, then write.

export function polars() {
  const pl = require('nodejs-polars')
  return {
    copy: (columns, source, target, codec) => {
      const times = columns.filter((c) => c.type === 'timestamp').map((c) => c.name)
      return () => {
        let frame = pl.scanJson(source)
        for (const name of times) frame = frame.withColumn(pl.col(name).cast(pl.Datetime('ms')))
        frame.collectSync().writeParquet(target, { compression: codec === 'none' ? 'uncompressed' : codec })
      }
    },
  }
}
