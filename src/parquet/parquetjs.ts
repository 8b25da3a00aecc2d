// `millrace/parquetjs`: the writing half of parquetjs-lite 0.8.7 on this engine. Change the import, keep the program.
import { leavesOf } from '../engine/leaves.js'
import { MillraceError, outOfRange, wrongType } from '../errors.js'
import { type Compression, resolveCodec } from './file/codec.js'
import { fileSink, type ParquetSink } from './file/sink.js'
import { rowText } from './parquetjs-row.js'
import { engineFields, type FieldDefinition, ParquetSchema, type SchemaDefinition } from './parquetjs-schema.js'
import { type OpenWriter, openWriter } from './writer.js'

export { type ErrorCode, MillraceError, type Position } from '../errors.js'
export { ParquetEnvelopeReader, ParquetEnvelopeWriter, ParquetReader, ParquetTransformer } from './parquetjs-rest.js'
export { type FieldDefinition, type ParquetField, type ParquetJsType, ParquetSchema, type SchemaDefinition } from './parquetjs-schema.js'

export interface ParquetWriterOptions {
  /** Rows of a row group, roughly; default 131,072, where parquetjs has 4,096. */
  rowGroupSize?: number
  /** Most values of a page. Default 32,768. */
  pageSize?: number
  /** Default false, where parquetjs has true: Athena and others fail on such pages. */
  useDataPageV2?: boolean
  /** Default true. */
  pageIndex?: boolean
  /** Dictionaries, which make most files smaller; default false, for the reader of parquetjs-lite knows none. */
  dictionary?: boolean
}

/** What of a Node stream the writer needs. */
export interface OutputStream {
  write(bytes: Uint8Array, done: (error?: Error | null) => void): unknown
  end(done: (error?: Error | null) => void): unknown
}

/** Characters that wait before they go to the engine. */
const PIECE = 65536

/**
 * Drop-in for the ParquetWriter of parquetjs-lite. What differs:
 * - int64 keeps every bit (parquetjs cuts numbers and bigints beyond 2^53), statistics are right
 * - what parquetjs cuts to another value is refused: 1.5, '12abc' and '2024-01-02' in types of whole numbers, '1.5abc'
 *   in FLOAT and DOUBLE, bytes that are not UTF-8 in UTF8, an Invalid Date, times of day beyond a day; so are null
 *   in a repeated BOOLEAN or JSON field, and what JSON.stringify() makes null of
 * - dates are of the years 0 to 9999, those before 1970 the day that they are in; UINT_32 and UINT_64 have their whole range; TIME_MICROS can be written
 * - INT96, INTERVAL, FIXED_LEN_BYTE_ARRAY and BSON are not supported, nor are ParquetReader, ParquetTransformer,
 *   ParquetEnvelopeReader, ParquetEnvelopeWriter (each says what to use) and ParquetShredder, force32
 * - timestamps are marked as moments in UTC, which DuckDB shows with a zone; parquetjs leaves it open
 * - what parquetjs throws as a string comes as an error whose message begins with it
 * - `openFile` gives the file its name when it is whole: a run that fails leaves none
 * - appendRow() need not be awaited one by one, close() waits for all
 *
 * @example
 * import { ParquetSchema, ParquetWriter } from 'millrace/parquetjs' // was: 'parquetjs-lite'
 * const schema = new ParquetSchema({ name: { type: 'UTF8' }, quantity: { type: 'INT64', optional: true } })
 * const writer = await ParquetWriter.openFile(schema, 'fruits.parquet')
 * await writer.appendRow({ name: 'apples', quantity: 10 })
 * await writer.close()
 */
export class ParquetWriter {
  readonly schema: ParquetSchema
  readonly #sink: ParquetSink
  readonly #text: (row: unknown) => string
  readonly #options: ParquetWriterOptions
  readonly #metadata = new Map<string, string>()
  readonly #encoder = new TextEncoder()
  #writer: OpenWriter | undefined
  #lines = ''
  #closed = false

  /** Of openFile() and openStream() alone. */
  private constructor(schema: ParquetSchema, sink: ParquetSink, options: ParquetWriterOptions) {
    this.schema = schema
    this.#sink = sink
    this.#options = { ...options }
    this.#text = rowText(schema.schema)
  }

  /** A writer of a file of Node's file system. */
  static async openFile(schema: ParquetSchema, path: string, options: ParquetWriterOptions = {}): Promise<ParquetWriter> {
    check(schema, options)
    const { nodePorts } = await import('../ports/node.js')
    return new ParquetWriter(schema, await fileSink(nodePorts, path), options)
  }

  /** A writer into a Node stream, which it ends. */
  static async openStream(schema: ParquetSchema, stream: OutputStream, options: ParquetWriterOptions = {}): Promise<ParquetWriter> {
    check(schema, options)
    if (typeof stream?.write !== 'function' || typeof stream.end !== 'function') throw wrongType('stream', 'a stream with write and end', stream)
    const settled = (call: (done: (error?: Error | null) => void) => unknown) =>
      new Promise<void>((resolve, reject) => call((error) => (error ? reject(error) : resolve())))
    const sink = { write: (bytes: Uint8Array) => settled((done) => stream.write(bytes, done)), close: () => settled((done) => stream.end(done)) }
    return new ParquetWriter(schema, sink, options)
  }

  /** Rejects for a row that does not fit, which is then not in the file; the writer goes on. */
  async appendRow(row: object): Promise<void> {
    if (this.#closed) throw new MillraceError('CLOSED', 'writer was closed')
    this.#lines += `${this.#text(row)}\n`
    if (this.#lines.length >= PIECE) await this.#flush()
  }

  /** Writes the rest and the footer, and ends the file or stream. `callback` is called then. */
  async close(callback?: () => void): Promise<void> {
    if (this.#closed) throw new MillraceError('CLOSED', 'writer was closed')
    this.#closed = true
    await this.#flush()
    const writer = this.#open()
    writer.settings.file.keyValues = [...this.#metadata]
    await writer.close()
    callback?.()
  }

  /** Adds a key and value to the footer; the last value of a key holds. */
  setMetadata(key: { toString(): string }, value: { toString(): string }): void {
    this.#metadata.set(key.toString(), value.toString())
  }

  setRowGroupSize(rows: number): void {
    checkSize('rows', rows)
    this.#options.rowGroupSize = rows
    if (this.#writer) this.#writer.settings.limits.rowGroupRows = rows
  }

  /** Before the first 64 KB of rows; in parquetjs it throws. */
  setPageSize(values: number): void {
    checkSize('values', values)
    if (this.#writer) throw new MillraceError('CLOSED', 'the writer has written rows with another page size')
    this.#options.pageSize = values
  }

  #open(): OpenWriter {
    const { rowGroupSize, pageSize, useDataPageV2, pageIndex, dictionary } = this.#options
    if (this.#writer) return this.#writer
    const fields = engineFields(this.schema.schema)
    this.#writer = openWriter(fields, this.#sink, {
      encodings: dictionary ? 'auto' : Object.fromEntries(leavesOf(fields).map(({ path }) => [path.join('.'), 'plain' as const])),
      compression: compressionOf(this.schema.schema),
      // parquetjs has no limit; memory grows with the longest row
      maxRecordBytes: 256 * 1024 * 1024,
      pageVersion: useDataPageV2 ? 2 : 1,
      ...(rowGroupSize === undefined ? {} : { rowGroupRows: rowGroupSize }),
      ...(pageSize === undefined ? {} : { pageRows: pageSize }),
      ...(pageIndex === undefined ? {} : { pageIndex }),
    })
    return this.#writer
  }

  async #flush(): Promise<void> {
    const lines = this.#lines
    this.#lines = ''
    if (lines !== '') await this.#open().writeJson(this.#encoder.encode(lines))
  }
}

function check(schema: unknown, options: ParquetWriterOptions): void {
  if (!(schema instanceof ParquetSchema)) throw wrongType('schema', 'a ParquetSchema of millrace/parquetjs', schema)
  if (typeof options !== 'object' || options === null) throw wrongType('options', 'an object', options)
  for (const name of ['rowGroupSize', 'pageSize'] as const) if (options[name] !== undefined) checkSize(`options.${name}`, options[name])
  resolveCodec(compressionOf(schema.schema))
}

function checkSize(label: string, value: unknown): void {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > 2 ** 30) throw outOfRange(label, 'a whole number from 1', value)
}

function compressionOf(schema: SchemaDefinition): Compression {
  const named = (definition: FieldDefinition): string[] =>
    definition.fields ? Object.values(definition.fields).flatMap(named) : [definition.compression ?? 'UNCOMPRESSED']
  const codec = Object.values(schema)
    .flatMap(named)
    .find((name) => name !== 'UNCOMPRESSED')
  return codec === undefined ? 'none' : (codec.toLowerCase() as Compression)
}
