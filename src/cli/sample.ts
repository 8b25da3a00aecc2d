// A schema given or inferred, and the input as if nobody had looked at it.
import { MillraceError } from '../errors.js'
import { createInference, type InferenceOptions, type Inferred, type Note, parseTable, type Table } from '../parquet/index.js'
import { fileSource } from '../ports/source.js'
import { type Io, UsageError } from './command.js'
import { place } from './figures.js'
import { type Piece, readAll } from './input.js'

/** Bytes that a schema is inferred from, unless said otherwise. */
export const SAMPLE = 4 * 1024 * 1024
const SCHEMA_LIMIT = 16 * 1024 * 1024

/** The table in a file: a schema as JSON or DDL, or a GetTable response; errors name the file. */
export async function readTable(io: Io, path: string): Promise<Table> {
  const text = new TextDecoder().decode(await readAll(fileSource(io.ports, path), path, SCHEMA_LIMIT))
  try {
    return parseTable(text, 'schema')
  } catch (error) {
    throw new MillraceError('BAD_INPUT', `${path}: ${(error as Error).message}`, { cause: error })
  }
}

/** The value of --sample-bytes; Infinity for `all`. */
export function sampleBytes(value: unknown): number {
  if (value === undefined) return SAMPLE
  if (value === 'all') return Number.POSITIVE_INFINITY
  if (typeof value === 'string' && /^[1-9]\d{0,14}$/.test(value)) return Number(value)
  throw new UsageError(`--sample-bytes expected a whole number from 1 or all, got ${JSON.stringify(value)}`)
}

/**
 * Infers a schema from the first `limit` bytes and gives all pieces back, the ones it has read first:
 * these it holds in memory, unless `keep` is false.
 */
export async function inferFrom(
  pieces: AsyncGenerator<Piece>,
  options: InferenceOptions,
  limit: number,
  keep = true,
): Promise<Inferred & { pieces: AsyncGenerator<Piece> }> {
  const inference = createInference(options)
  const held: Piece[] = []
  let left = limit
  while (left > 0) {
    const next = await pieces.next()
    if (next.done) break
    const { source, first, bytes, taken } = next.value
    if (keep) held.push({ source, first, bytes: bytes.slice(), taken })
    if (first) await inference.startSource(source)
    await inference.write(bytes.subarray(0, left))
    left -= bytes.length
  }
  const inferred = await inference.end(left > 0)
  if (inferred.schema.columns.length === 0) throw new MillraceError('BAD_INPUT', 'there is no record to infer a schema from; give one with --schema')
  return { ...inferred, pieces: again(held, pieces) }
}

/** What the types do not say, a line each. */
export function tellNotes(io: Io, command: string, notes: readonly Note[]): void {
  for (const { path, type, message } of notes) io.log(`millrace ${command}: ${place(path)}: ${message}: ${type === '' ? 'left out' : type}`)
}

async function* again(held: Piece[], rest: AsyncGenerator<Piece>): AsyncGenerator<Piece> {
  yield* held
  held.length = 0
  yield* rest
}
