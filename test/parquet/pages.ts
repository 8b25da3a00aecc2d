// Pages by hand, PLAIN: what the file side is tested with, apart from the encoder.
import type { Bounds, EncodedChunk, EncodedPage } from '../../src/engine/encoded.js'
import { type LeafColumn, leavesOf, PHYSICAL } from '../../src/engine/leaves.js'
import { createParquetFile } from '../../src/parquet/file/file.js'
import { checkFileOptions, type FileOptions, type FileSettings } from '../../src/parquet/file/options.js'
import { createRowGroupBuilder, type FinishedRowGroup } from '../../src/parquet/file/rowgroup.js'
import type { Field, Leaf } from '../../src/types.js'

export const leaf = (name: string, leaf: Leaf, nullable = true): Field => ({ name, key: name, nullable, leaf })

/** A value as its PLAIN bytes; null where there is none. */
export type Value = Uint8Array | null

export const int32 = (value: number) => new Uint8Array(Int32Array.of(value).buffer)
export const int64 = (value: bigint) => new Uint8Array(BigInt64Array.of(value).buffer)
export const float32 = (value: number) => new Uint8Array(Float32Array.of(value).buffer)
export const float64 = (value: number) => new Uint8Array(Float64Array.of(value).buffer)
export const text = (value: string) => new Uint8Array(Buffer.from(value))

/** Levels as one RLE run each: [varint count << 1] [one byte]. */
function runs(levels: readonly number[]): Uint8Array {
  return Uint8Array.from(levels.flatMap((level) => [2, level]))
}

const sized = (bytes: Uint8Array) => Buffer.concat([int32(bytes.length), bytes])

/** A page of one entry a row, of a column that is not repeated; `bounds` are those of its values. */
export function page(column: number, { maxDef, physical }: LeafColumn, values: readonly Value[], version: 1 | 2, bounds?: Bounds): EncodedPage {
  const there = values.filter((value) => value !== null)
  const plain =
    physical === PHYSICAL.boolean
      ? Uint8Array.from({ length: Math.ceil(there.length / 8) }, (_, i) => there.slice(i * 8, i * 8 + 8).reduce((bits, [bit], at) => bits | (bit << at), 0))
      : Buffer.concat(physical === PHYSICAL.byteArray ? there.map(sized) : there)
  const levels = runs(maxDef > 0 ? values.map((value) => (value === null ? maxDef - 1 : maxDef)) : [])
  const body = new Uint8Array(Buffer.concat([maxDef > 0 && version === 1 ? sized(levels) : levels, plain]))
  const nulls = values.length - there.length
  const rest = version === 2 ? { repBytes: 0, defBytes: levels.length } : { repBytes: 0, defBytes: 0 }
  return {
    column,
    dictionary: false,
    values: values.length,
    nulls,
    rows: values.length,
    encoding: 0,
    body,
    size: body.length,
    ...rest,
    ...(bounds ? { bounds } : {}),
  }
}

export interface Sink {
  write(bytes: Uint8Array): void
}

/** One row group of `columns`, each cut into pages of `pageRows` rows; bounds by `less`. */
export async function group(
  fields: readonly Field[],
  columns: readonly (readonly Value[])[],
  settings: FileSettings,
  pageRows: number,
  less: readonly ((a: Uint8Array, b: Uint8Array) => boolean)[],
): Promise<FinishedRowGroup> {
  const leaves = leavesOf(fields)
  const builder = createRowGroupBuilder(leaves.length, settings)
  const bounds = (values: readonly Value[], i: number): Bounds | undefined => {
    const there = values.filter((value) => value !== null)
    if (there.length === 0 || !less[i]) return undefined
    const min = there.reduce((a, b) => (less[i](b, a) ? b : a))
    const max = there.reduce((a, b) => (less[i](a, b) ? b : a))
    return { min, max, minExact: true, maxExact: true }
  }
  const chunks: EncodedChunk[] = []
  for (const [i, values] of columns.entries()) {
    for (let at = 0; at < values.length; at += pageRows) {
      const some = values.slice(at, at + pageRows)
      await builder.add([page(i, leaves[i], some, settings.version, bounds(some, i))])
    }
    const whole = bounds(values, i)
    chunks.push({
      values: values.length,
      nulls: values.filter((v) => v === null).length,
      plainBytes: values.reduce((sum, v) => sum + (v?.length ?? 0), 0),
      ...(whole ? { bounds: whole } : {}),
    })
  }
  return builder.finish(columns[0].length, chunks)
}

/** A whole file of such row groups. */
export async function file(
  fields: readonly Field[],
  groups: readonly (readonly (readonly Value[])[])[],
  options: FileOptions = {},
  { pageRows = 100, less = [] }: { pageRows?: number; less?: ((a: Uint8Array, b: Uint8Array) => boolean)[] } = {},
): Promise<Uint8Array> {
  const settings = checkFileOptions({ compression: 'none', ...options }, leavesOf(fields))
  const parts: Uint8Array[] = []
  const out = createParquetFile({ write: (bytes) => void parts.push(bytes) }, fields, settings)
  for (const columns of groups) await out.rowGroup(await group(fields, columns, settings, pageRows, less))
  await out.close()
  return new Uint8Array(Buffer.concat(parts))
}

export const arrayBuffer = (bytes: Uint8Array) => bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer
