// What a command reads: files by name, "-" for standard input, .gz unpacked, one after the other.
import { concat } from '../bytes.js'
import { MillraceError } from '../errors.js'
import { gunzip } from '../ports/gunzip.js'
import { fileSource } from '../ports/source.js'
import { type Io, UsageError } from './command.js'

/** A piece of one input; `bytes` may be overwritten by the next piece. */
export interface Piece {
  source: string
  /** The first piece of its source; every source has at least one, if an empty one. */
  first: boolean
  bytes: Uint8Array
  /** Bytes of all inputs that were read so far, packed as they are. */
  taken: number
}

/** As errors have it. */
export const inputName = (input: string): string => (input === '-' ? 'standard input' : input)

/** The bytes of `inputs` in order, in pieces. Errors name the input. */
export async function* readInputs(io: Io, inputs: readonly string[]): AsyncGenerator<Piece> {
  if (inputs.filter((name) => name === '-').length > 1) throw new UsageError('standard input ("-") can be read only once')
  let taken = 0
  const counted = async function* (pieces: AsyncIterable<Uint8Array>) {
    for await (const bytes of pieces) {
      taken += bytes.length
      yield bytes
    }
  }
  for (const name of inputs) {
    const source = inputName(name)
    let first = true
    try {
      const raw = counted(name === '-' ? io.stdin() : fileSource(io.ports, name))
      for await (const bytes of name.endsWith('.gz') ? gunzip(raw, source) : raw) {
        io.signal.throwIfAborted()
        if (first && !name.endsWith('.gz')) refuseGzip(source, bytes)
        yield { source, first, bytes, taken }
        first = false
      }
    } catch (error) {
      if (error instanceof MillraceError || !(error instanceof Error) || io.signal.aborted) throw error
      throw new MillraceError('IO', error.message.includes(name) && name !== '-' ? error.message : `${source}: ${error.message}`, { cause: error })
    }
    if (first) yield { source, first, bytes: new Uint8Array(0), taken }
  }
}

/** Bytes of all inputs, packed as they are; undefined where one is not a plain file, and so can be read once and has no size. */
export async function sizeOf(io: Io, inputs: readonly string[]): Promise<number | undefined> {
  const { storage } = io.ports
  let size = 0
  for (const name of inputs) {
    const stat = name === '-' ? undefined : await storage.resolve(name).then(storage.stat, () => undefined)
    if (stat?.kind !== 'file') return undefined
    size += stat.size
  }
  return size
}

/** Standard input up to the first signal: what was read by then can still be used. */
export async function* untilAborted(io: Io): AsyncGenerator<Uint8Array> {
  const input = io.stdin()[Symbol.asyncIterator]()
  // Each piece races with a listener of its own: one promise for all of them would hold every piece.
  const next = () =>
    new Promise<IteratorResult<Uint8Array, unknown>>((resolve, reject) => {
      const stop = () => resolve({ done: true, value: undefined })
      if (io.signal.aborted) return stop()
      io.signal.addEventListener('abort', stop, { once: true })
      input
        .next()
        .then(resolve, reject)
        .finally(() => io.signal.removeEventListener('abort', stop))
    })
  for (let piece = await next(); !piece.done; piece = await next()) yield piece.value
}

// No JSON begins with these two bytes, and what the scan says about them helps nobody.
function refuseGzip(source: string, bytes: Uint8Array): void {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return
  throw new MillraceError('BAD_INPUT', 'expected JSON, got gzip: pipe it through gunzip, or give the file a name in .gz', { position: { source } })
}

/** All of an input's bytes; more than `limit` are LIMIT_EXCEEDED. */
export async function readAll(pieces: AsyncIterable<Uint8Array>, source: string, limit: number = Number.POSITIVE_INFINITY): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const piece of pieces) {
    size += piece.length
    if (size > limit) throw new MillraceError('LIMIT_EXCEEDED', `${source}: expected at most ${limit} bytes`)
    parts.push(piece.slice())
  }
  return concat(parts)
}
