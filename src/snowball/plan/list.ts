// A list of sources and destinations in place of a tree, one a line, by its first byte:
//   {"source":"photos/1.jpg","destination":"2026/1.jpg"}     NDJSON
//   photos/1.jpg,2026/1.jpg                                  CSV as RFC 4180 has it; a first line source,destination is a header
// A relative source is under the tree's root and must lie there, links in its directories resolved; an
// absolute one may lie anywhere. A destination is the key, behind the plan's prefix. The plan keeps the list's order.
import { kindOf, MillraceError, type Position } from '../../errors.js'
import type { FileReader, Storage } from '../../ports/ports.js'
import { CLOSING, fieldsOf, quotes } from '../csv.js'
import { failure, type Left, left } from '../left.js'
import { splitLines, textOf } from '../lines.js'
import { folderOf, isAbsolute, join } from '../paths.js'
import { statAll } from '../read.js'
import { readingFile } from './file.js'
import { collision, createTwins, likeness } from './twins.js'
import { type Found, isFound, STATS, type Work } from './walk.js'

interface Pair {
  source: string
  destination: string
}

/** A line, to guess how many there are: of shorter ones there are more false suspicions, of longer ones some MB too many. */
const LINE_BYTES = 64
/** Directories whose real place is remembered. */
const FOLDERS = 1000

/**
 * The files of a list, in its order. A destination that is there twice goes to the first file that can
 * be read. Reads the list up to three times and holds 2 bytes a line. Throws CORRUPT with line and byte
 * where it is malformed, BAD_INPUT where it is no regular file.
 */
export async function* readList({ storage, root, collisions, onWarning }: Work, list: string): AsyncGenerator<(Found | Left)[]> {
  const locate = createLocate(storage, root)
  const twins = createTwins((await storage.stat(await storage.resolve(list))).size / LINE_BYTES)
  for await (const { destination } of pairs(storage, list)) twins.note(destination)
  if (twins.any) for await (const { destination } of pairs(storage, list)) twins.suspect(destination)

  const settle = (entry: Found | Left, { source, destination }: Pair): Found | Left => {
    const like = isFound(entry) ? twins.check(destination) : undefined
    if (!like) return entry
    if (like.how === 'same' || collisions === 'fail') return left(source, 'collision', likeness(destination, like))
    if (collisions === 'warn') onWarning?.(collision(source, destination, like))
    return entry
  }
  let batch: Pair[] = []
  const take = async () => {
    const entries = await look(storage, batch, await Promise.all(batch.map(locate)))
    const settled = entries.map((entry, i) => settle(entry, batch[i]))
    batch = []
    return settled
  }
  for await (const pair of pairs(storage, list)) {
    batch.push(pair)
    if (batch.length === STATS) yield await take()
  }
  if (batch.length > 0) yield await take()
}

interface Place {
  /** Where the source really is, and how the plan calls it. */
  real: string
  path: string
}

/** Finds where a source really is, the links in its directories resolved, or why it cannot be planned. */
function createLocate(storage: Storage, root: string) {
  const folders = new Map<string, Promise<string>>()
  const resolve = (folder: string) => {
    const known = folders.get(folder)
    if (known) return known
    if (folders.size === FOLDERS) folders.clear()
    const resolved = storage.resolve(folder)
    folders.set(folder, resolved)
    return resolved
  }
  const below = join(root, '')
  return async ({ source }: Pair): Promise<Place | Left> => {
    const full = isAbsolute(source) ? source : join(root, source)
    const name = full.slice(full.lastIndexOf('/') + 1)
    if (name === '' || name === '.' || name === '..') return left(source, 'directory', 'not a regular file: directory')
    try {
      const real = join(await resolve(folderOf(full)), name)
      if (real.startsWith(below)) return { real, path: real.slice(below.length) }
      if (isAbsolute(source)) return { real, path: real }
      return left(source, 'outside', `expected a file in ${root}, got ${real}: give it by its absolute path`)
    } catch (error) {
      return missing(source, error)
    }
  }
}

async function look(storage: Storage, pairs: readonly Pair[], places: readonly (Place | Left)[]): Promise<(Found | Left)[]> {
  const seen = await statAll(
    storage,
    places.flatMap((place) => ('real' in place ? [place.real] : [])),
  )
  let at = 0
  return places.map((place, i) => {
    if (!('real' in place)) return place
    const { source, destination } = pairs[i]
    const stat = seen[at++]
    if (stat instanceof Error) return missing(source, stat)
    const { kind, size, mtime } = stat
    return kind === 'file' ? { path: place.path, to: destination, size, mtime } : left(source, kind, `not a regular file: ${kind}`)
  })
}

function missing(source: string, error: unknown): Left {
  const told = failure(source, error)
  return told.reason === 'vanished' ? left(source, 'vanished', 'expected a file, found nothing') : told
}

const pairs = (storage: Storage, list: string): AsyncGenerator<Pair> => readingFile(storage, list, 'a list', readPairs)

async function* readPairs(file: FileReader, source: string): AsyncGenerator<Pair> {
  let line = 0
  let json: boolean | undefined
  /** Of a record that goes on behind a quoted line feed: its lines, and where it began. */
  let begun: { lines: string[]; length: number; position: Position } | undefined
  for await (const row of splitLines(file)) {
    const here = { source, line: ++line, offset: row.start }
    const text = textOf(row, here)
    if (!begun && text.trim() === '') continue
    const first = json === undefined
    json ??= text.trimStart().startsWith('{')
    if (json) {
      yield fromJson(text, here)
      continue
    }
    const record: NonNullable<typeof begun> = begun ?? { lines: [], length: 0, position: here }
    record.lines.push(text)
    // its line feed too: a quote before endless empty lines is none either
    record.length += text.length + 1
    if (quotes(text) % 2 === (begun ? 0 : 1)) {
      if (record.length > 1 << 20) throw corrupt(CLOSING, record.position)
      begun = record
      continue
    }
    begun = undefined
    const { position } = record
    const fields = fieldsOf(record.lines.join('\n').replace(/\r$/, ''))
    if (typeof fields === 'string') throw corrupt(fields, position)
    if (fields.length !== 2) throw corrupt(`expected source,destination, got ${fields.length} field${fields.length === 1 ? '' : 's'}`, position)
    const [from, to] = fields
    if (from === '') throw corrupt('expected a source, got an empty one', position)
    if (!first || from !== 'source' || to !== 'destination') yield { source: from, destination: to }
  }
  if (begun) throw corrupt(CLOSING, begun.position)
}

const corrupt = (message: string, position: Position) => new MillraceError('CORRUPT', message, { position })

function fromJson(text: string, position: Position): Pair {
  let line: Partial<Pair> | null
  try {
    line = JSON.parse(text)
  } catch {
    throw corrupt('expected a JSON object', position)
  }
  const { source, destination } = line ?? {}
  if (typeof source !== 'string' || source === '') throw corrupt(`"source" expected a path, got ${kindOf(source)}`, position)
  if (typeof destination !== 'string') throw corrupt(`"destination" expected a key, got ${kindOf(destination)}`, position)
  return { source, destination }
}
