// Column batches filled by hand, pages and files made of them: for the tests of the encoder alone.
import * as core from '../../src/engine/core.js'
import type { EncodedChunk, EncodedPage } from '../../src/engine/encoded.js'
import { type Build, createEngine, type Engine } from '../../src/engine/engine.js'
import { type LeafColumn, layColumns, leavesOf, PHYSICAL } from '../../src/engine/leaves.js'
import { createPageEncoder, type PageOptions } from '../../src/engine/pages.js'
import { createParquetFile } from '../../src/parquet/file/file.js'
import { checkFileOptions, type FileSettings } from '../../src/parquet/file/options.js'
import { createRowGroupEncoder } from '../../src/parquet/file/rowgroup.js'
import type { Field, Leaf } from '../../src/types.js'

export type { Field }
/** Bytes where the leaf is binary, a UUID, INT96 or a decimal of more than 18 digits (big-endian). */
export type Cell = string | number | bigint | boolean | Uint8Array | null
export type Value = Cell | Value[] | Map<Value, Value> | { [key: string]: Value }
export type Row = { [key: string]: Value }

export interface Column {
  name: string
  leaf: Leaf
  nullable: boolean
  values: Cell[]
}

/** A leaf column's entries. */
export interface Shreds {
  defs: number[]
  reps: number[]
  /** Of each entry; undefined where it has none. */
  values: (Cell | undefined)[]
}

/** Dremel's rule, by recursion: every leaf's entries of these rows. */
export function shred(fields: readonly Field[], rows: readonly Row[]): Shreds[] {
  const columns = leavesOf(fields).map((): Shreds => ({ defs: [], reps: [], values: [] }))
  const width = (field: Field) => leavesOf([field]).length
  const put = (field: Field, at: number, value: Value | undefined, rep: number, def: number, depth: number) => {
    const none = () => {
      for (let i = 0; i < width(field); i++) {
        columns[at + i].defs.push(def)
        columns[at + i].reps.push(rep)
        columns[at + i].values.push(undefined)
      }
    }
    if (field.nullable) {
      if (value === null || value === undefined) return none()
      def++
    }
    if (field.struct) {
      let i = at
      for (const member of field.struct) {
        put(member, i, (value as Row)[member.key], rep, def, depth)
        i += width(member)
      }
    } else if (field.list) {
      const items = value as Value[]
      if (items.length === 0) return none()
      items.forEach((item, i) => {
        put(field.list!, at, item, i === 0 ? rep : depth + 1, def + 1, depth + 1)
      })
    } else if (field.map) {
      const { key, value: part } = field.map
      const pairs = [...(value as Map<Value, Value>)]
      if (pairs.length === 0) return none()
      pairs.forEach((pair, i) => {
        put(key, at, pair[0], i === 0 ? rep : depth + 1, def + 1, depth + 1)
        put(part, at + width(key), pair[1], i === 0 ? rep : depth + 1, def + 1, depth + 1)
      })
    } else {
      columns[at].defs.push(def)
      columns[at].reps.push(rep)
      columns[at].values.push(value as Cell)
    }
  }
  for (const row of rows) {
    let at = 0
    for (const field of fields) {
      put(field, at, row[field.key], 0, 0, 0)
      at += width(field)
    }
  }
  return columns
}

/** The packed form of one value; of byte arrays their bytes. */
export function packed(leaf: LeafColumn, value: Cell): Buffer {
  if (leaf.physical === PHYSICAL.byteArray) return Buffer.from(value as string)
  if (value instanceof Uint8Array) return Buffer.from(value)
  const bytes = Buffer.alloc(leaf.width)
  if (leaf.physical === PHYSICAL.boolean) bytes[0] = Number(value)
  else if (leaf.physical === PHYSICAL.float) bytes.writeFloatLE(Number(value))
  else if (leaf.physical === PHYSICAL.double) bytes.writeDoubleLE(Number(value))
  else if (leaf.width === 4) bytes.writeInt32LE(Number(value) | 0)
  else bytes.writeBigInt64LE(BigInt.asIntN(64, BigInt(value as bigint)))
  return bytes
}

/** Puts the entries from the one to the other into the descriptor; what it reserves lives as long as the caller's scope. */
function fill(engine: Engine, at: number, leaf: LeafColumn, column: Shreds, from: number, to: number, rows: number) {
  const present = column.values.slice(from, to).filter((v) => v !== undefined) as Cell[]
  const bytes = present.map((v) => packed(leaf, v))
  let values = engine.put(Buffer.concat(bytes))
  if (leaf.physical === PHYSICAL.byteArray) {
    let offset = values
    const pairs = bytes.flatMap(({ length }) => {
      offset += length
      return [offset - length, length]
    })
    values = engine.put(new Uint8Array(new Uint32Array(pairs).buffer))
  }
  const levels = engine.put(Uint8Array.from(column.defs.slice(from, to)))
  const reps = engine.put(Uint8Array.from(column.reps.slice(from, to)))
  const words = engine.words()
  const set = (offset: number, value: number) => {
    words[(at + offset) >> 2] = value
  }
  set(core.COLUMN_VALUES, values)
  set(core.COLUMN_LEVELS, levels)
  set(core.COLUMN_REPS, reps)
  set(core.COLUMN_COUNT, present.length)
  set(core.COLUMN_ENTRIES, to - from)
  set(core.COLUMN_ROWS, rows)
}

/** Batches of `batchRows` rows for `append`, which is called outside of scopes, as the encoder wants it. */
async function feed(engine: Engine, columns: number, leaves: readonly LeafColumn[], shreds: Shreds[], batchRows: number, append: (rows: number) => unknown) {
  // where each row begins in each column
  const starts = shreds.map(({ reps }) => [...reps.flatMap((rep, i) => (rep === 0 ? [i] : [])), reps.length])
  const rows = starts[0].length - 1
  for (let from = 0; from < rows; from += batchRows) {
    const to = Math.min(rows, from + batchRows)
    leaves.forEach((leaf, i) => {
      fill(engine, columns + i * core.COLUMN_SIZE, leaf, shreds[i], starts[i][from], starts[i][to], to - from)
    })
    await append(to - from)
  }
}

/** The pages of one row group. */
export async function encode(build: Build, fields: readonly Field[], shreds: Shreds[], options: PageOptions, batchRows = 1000) {
  const engine = createEngine(build)
  const leaves = leavesOf(fields)
  const columns = layColumns(engine, leaves, 0)
  const encoder = createPageEncoder(engine, columns, leaves.length, options)
  const pages: EncodedPage[] = []
  await feed(engine, columns, leaves, shreds, batchRows, () => pages.push(...encoder.append()))
  const { pages: last, chunks } = encoder.finish()
  return { leaves, pages: [...pages, ...last], chunks: chunks as EncodedChunk[] }
}

export interface WriteOptions extends Partial<Omit<FileSettings, 'codec' | 'encodings'>> {
  codec?: 'snappy' | 'none' | 'lz4_raw'
  encodings?: FileSettings['encodings']
}

/** A Parquet file: batches of `batchRows`, a new row group every `groupRows`. */
export async function writeShreds(
  build: Build,
  fields: readonly Field[],
  shreds: Shreds[],
  { codec = 'snappy', ...options }: WriteOptions,
  batchRows = 1000,
  groupRows = Number.POSITIVE_INFINITY,
): Promise<Uint8Array> {
  const engine = createEngine(build)
  const leaves = leavesOf(fields)
  const settings = { ...checkFileOptions({ compression: codec }, leaves), ...options }
  const columns = layColumns(engine, leaves, 0)
  const encoder = createRowGroupEncoder(engine, columns, leaves, settings)
  const parts: Uint8Array[] = []
  const file = createParquetFile({ write: (bytes) => void parts.push(bytes.slice()) }, fields, settings)
  let open = 0
  await feed(engine, columns, leaves, shreds, batchRows, async (rows) => {
    await encoder.append()
    open += rows
    if (open >= groupRows) {
      await file.rowGroup(await encoder.finish(open))
      open = 0
    }
  })
  if (open > 0) await file.rowGroup(await encoder.finish(open))
  await file.close()
  return new Uint8Array(Buffer.concat(parts))
}

/** A file of flat columns. */
export function write(build: Build, columns: readonly Column[], options: WriteOptions, batchRows = 1000, groupRows = Number.POSITIVE_INFINITY) {
  const fields = columns.map(({ name, leaf, nullable }): Field => ({ name, key: name, nullable, leaf }))
  const shreds = columns.map(({ nullable, values }): Shreds => {
    const there = values.map((v) => v !== null)
    return { defs: there.map((t) => Number(nullable && t)), reps: values.map(() => 0), values: values.map((v) => v ?? undefined) }
  })
  return writeShreds(build, fields, shreds, options, batchRows, groupRows)
}
