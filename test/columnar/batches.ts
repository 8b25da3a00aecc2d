// Column batches filled by hand, and files made of them: for the tests of the encoder alone.

import { COLUMN_SIZE } from '../../src/engine/core.js'
import { type Build, createEngine } from '../../src/engine/engine.js'
import { createPageEncoder, type Logical, MAGIC, type PageOptions } from '../../src/engine/pages.js'

export type Cell = string | number | bigint | boolean | null
export interface Field {
  name: string
  /** The scan's type: boolean 0, int32 1, int64 2, double 3, string 4, timestamp 5. */
  type: 0 | 1 | 2 | 3 | 4 | 5
  logical?: Logical
  nullable: boolean
  values: Cell[]
}

/** A Parquet file of `fields`: batches of `batchRows`, a new row group every `groupRows`; offsets as if the first began at byte `start`. */
export function write(
  build: Build,
  fields: Field[],
  options: Omit<PageOptions, 'logical'>,
  batchRows = 1000,
  groupRows = Number.POSITIVE_INFINITY,
  start = 4,
): Uint8Array {
  const engine = createEngine(build)
  const text = new TextEncoder()
  const columns = engine.reserve(fields.length * COLUMN_SIZE)
  fields.forEach((field, i) => {
    const name = text.encode(field.name)
    const at = (columns + i * COLUMN_SIZE) >> 2
    const nameAt = engine.put(name)
    const words = engine.words()
    words[at] = field.type
    words[at + 1] = Number(field.nullable)
    words[at + 6] = nameAt
    words[at + 7] = name.length
  })
  const encoder = createPageEncoder(engine, columns, fields.length, { ...options, logical: fields.map((f) => f.logical ?? (f.type === 4 ? 'string' : 'none')) })
  const parts: Uint8Array[] = [MAGIC]
  let offset = start
  const groups: Uint8Array[] = []
  const close = () => {
    const { pages, metadata } = encoder.finish(offset, groups.length)
    groups.push(metadata)
    parts.push(...pages)
    for (const page of pages) offset += page.length
  }
  const rows = fields[0].values.length
  let inGroup = 0
  for (let from = 0; from < rows; from += batchRows) {
    const to = Math.min(rows, from + batchRows)
    engine.scope(() => {
      fields.forEach((field, i) => {
        fill(engine, (columns + i * COLUMN_SIZE) >> 2, field, from, to)
      })
      encoder.append()
    })
    inGroup += to - from
    if (inGroup >= groupRows) {
      close()
      inGroup = 0
    }
  }
  if (inGroup > 0) close()
  parts.push(...encoder.footer(rows, groups, 'millrace version 0.0.0 (build test)'))
  return new Uint8Array(Buffer.concat(parts))
}

function fill(engine: ReturnType<typeof createEngine>, at: number, field: Field, from: number, to: number) {
  const cells = field.values.slice(from, to)
  const present = cells.filter((c) => c !== null)
  const levels = engine.put(new Uint8Array(cells.map((c) => Number(c !== null))))
  let values: number
  if (field.type === 4) {
    const heap = present.map((c) => Buffer.from(String(c)))
    const base = engine.put(Buffer.concat(heap))
    const pairs = new Uint32Array(present.length * 2)
    let offset = base
    heap.forEach((bytes, i) => {
      pairs[2 * i] = offset
      pairs[2 * i + 1] = bytes.length
      offset += bytes.length
    })
    values = engine.put(new Uint8Array(pairs.buffer))
  } else {
    const array =
      field.type === 0
        ? new Uint8Array(present.map(Number))
        : field.type === 1
          ? new Int32Array(present.map(Number))
          : field.type === 3
            ? new Float64Array(present.map(Number))
            : new BigInt64Array(present.map((c) => BigInt(c as bigint)))
    values = engine.put(new Uint8Array(array.buffer))
  }
  const words = engine.words()
  words[at + 2] = values
  words[at + 3] = levels
  words[at + 4] = present.length
  words[at + 5] = cells.length
  words[at + 17] = cells.length
}
