// A schema given or inferred, and the input as if nobody had looked at it.
import { jsonFault, MillraceError } from '../errors.js'
import { parseSchema, type Schema } from '../parquet/index.js'
import { Inference } from '../parquet/infer.js'
import type { Io } from './command.js'
import { concat, type Piece, readAll, readFile } from './input.js'

const SAMPLE = 4 * 1024 * 1024
const SCHEMA_LIMIT = 16 * 1024 * 1024

/** The schema in a file; errors name the file, and the byte where it is no JSON. */
export async function readSchema(io: Io, path: string): Promise<Schema> {
  const text = new TextDecoder().decode(await readAll(readFile(io.ports.storage, path), path, SCHEMA_LIMIT))
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new MillraceError('BAD_INPUT', `${path}: expected a schema as JSON: ${jsonFault(error)}`, { cause: error })
  }
  try {
    return parseSchema(value)
  } catch (error) {
    throw new MillraceError('BAD_INPUT', `${path}: ${(error as Error).message}`, { cause: error })
  }
}

/**
 * Infers a schema from the first 4 MiB, and gives all pieces back, the ones it has read first. With
 * `skip` lines that are no JSON objects are left to who reads the pieces.
 */
export async function inferFrom(pieces: AsyncGenerator<Piece>, skip = false): Promise<{ schema: Schema; pieces: AsyncGenerator<Piece> }> {
  const held: Piece[] = []
  const sources: { source: string; parts: Uint8Array[] }[] = []
  let size = 0
  let complete = true
  for (let next = await pieces.next(); !next.done; next = await pieces.next()) {
    const piece = { ...next.value, bytes: next.value.bytes.slice() }
    held.push(piece)
    if (piece.first) sources.push({ source: piece.source, parts: [] })
    sources[sources.length - 1].parts.push(piece.bytes)
    size += piece.bytes.length
    complete = size < SAMPLE
    if (!complete) break
  }
  const inference = new Inference(skip)
  sources.forEach(({ source, parts }, i) => {
    inference.add(concat(parts), complete || i < sources.length - 1, source)
  })
  const schema = inference.schema()
  if (schema.columns.length === 0) throw new MillraceError('BAD_INPUT', 'there is no record to infer a schema from; give one with --schema')
  return { schema, pieces: again(held, pieces) }
}

async function* again(held: Piece[], rest: AsyncGenerator<Piece>): AsyncGenerator<Piece> {
  yield* held
  held.length = 0
  yield* rest
}
