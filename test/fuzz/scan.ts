// Differential fuzz of the JSON scan against JSON.parse with fatal UTF-8, on both builds.
// A case has a random schema (nested, five leaf types), records that mostly fit it, laid out as lines,
// as documents with any white space, or as an array, and up to four damaged bytes. Checked: the rows'
// entries and the bad records' indexes against the oracle, and that the text cut into random pieces
// with random batches, and the other build, give the very same result.
import { isDeepStrictEqual } from 'node:util'
import type { Format } from '../../src/engine/columns.js'
import type { Engine } from '../../src/engine/engine.js'
import { leavesOf } from '../../src/engine/leaves.js'
import type { Field, Leaf } from '../../src/types.js'
import { NAMES, random, writer } from '../columnar/records.js'
import { Misfit, parse, shred } from '../columnar/shred.js'
import { type Entry, type ScannedTree, scanTree } from '../columns.js'

const LEAVES: Leaf[] = [{ type: 'int32' }, { type: 'int64' }, { type: 'double' }, { type: 'string' }, { type: 'boolean' }]
const BYTES = Buffer.from('"\\{}[],:0123456789-+.eEtfnu \t\r\n\u0000\u0001\u001f\u007f', 'latin1')
const PIECES = [
  '"',
  '\\',
  '{}',
  '[]',
  '{"',
  '"}',
  '\n',
  '\r\n',
  ' ',
  ',',
  ':',
  'null',
  'true',
  '1e400',
  '-0',
  '0.',
  '\\u',
  '\\ud83d',
  '\ud83d\ude00',
  '\xef\xbb\xbf',
  '}{',
]

export function scanDifference(builds: [string, Engine][], seed: number): object | undefined {
  const next = random(seed)
  const below = (n: number) => Math.floor(next() * n)
  const pick = <T>(of: ArrayLike<T>): T => of[below(of.length)]

  const names = (n: number) => [...new Set(Array.from({ length: n }, () => pick(NAMES)))]
  const field = (name: string, depth: number): Field => {
    const common = { name, key: name, nullable: next() < 0.7 }
    const kind = depth > 3 ? 9 : below(14)
    if (kind === 0) return { ...common, struct: names(1 + below(3)).map((n) => field(n, depth + 1)) }
    if (kind === 1) return { ...common, list: field('element', depth + 1) }
    if (kind === 2) return { ...common, map: { key: { name: 'key', key: 'key', nullable: false, leaf: { type: 'string' } }, value: field('value', depth + 1) } }
    return { ...common, leaf: pick(LEAVES) }
  }
  const fields = names(1 + below(6)).map((name) => field(name, 0))

  const { record } = writer(below(2 ** 31), pick([0, 0, 1, 3]))
  const texts = Array.from({ length: below(8) }, () => record(fields))
  const layout = pick(['lines', 'lines', 'documents', 'array'])
  const spaces = layout === 'lines' ? [''] : pick([[''], ['', ' ', '\n'], ['', '', '\n  ', '\r\n', '\t']])
  /** The same tokens with other white space. */
  const respaced = (text: string) => text.replace(/"(?:[^"\\]|\\.)*"|[{}[\],:]/g, (token) => pick(spaces) + token + pick(spaces))
  const written = texts.map(respaced)
  let text =
    layout === 'lines' ? written.join(pick(['\n', '\r\n', '\n\n'])) : layout === 'documents' ? written.join(pick(['', '\n', ' '])) : `[${written.join(',')}]`
  if (below(8) === 0) text = `\ufeff${text}`
  let input: Uint8Array = new TextEncoder().encode(text)
  for (let n = below(3) === 0 ? 1 + below(4) : 0; n > 0; n--) {
    const at = below(input.length + 1)
    const what = pick([Buffer.of(pick(BYTES)), Buffer.of(below(256)), Buffer.from(pick(PIECES)), input.subarray(below(at + 1), at), Buffer.alloc(0)])
    input = Buffer.concat([input.subarray(0, at), what, input.subarray(at + pick([0, 1, 1, below(20)]))])
  }

  const format: Format = layout === 'lines' ? 'lines' : 'documents'
  const capacity = 1 + below(20)
  const scans = builds.flatMap(([build, engine]) => {
    const scan = (how: object): [string, ScannedTree] => {
      // what the arena held before must not matter
      engine.bytes().fill(below(256), engine.core.mark(), engine.core.mark() + 65536)
      return [`${build} ${JSON.stringify(how)}`, scanTree(engine, fields, input, { format, ...how })]
    }
    return [scan({ capacity }), scan({ capacity: 1 + below(20), chunk: 1 + below(40) })]
  })
  const [first] = scans
  const failure = (what: string, detail: object) => ({
    what,
    format,
    fields,
    input: Buffer.from(input).toString('base64'),
    text: Buffer.from(input).toString(),
    ...detail,
  })
  const other = scans.find(([, got]) => !isDeepStrictEqual(got, first[1]))
  if (other) return failure('two scans of the same text differ', { [first[0]]: first[1], [other[0]]: other[1] })

  const want = format === 'lines' ? linesOf(input, fields) : documentsOf(input, fields)
  const got = first[1]
  const bad = got.bad.map((b) => b.record)
  if (!want.whole && bad.length === 0) return failure('JSON.parse refuses the text, the scan does not', { want, got })
  // of a malformed document only what stands before it is certain
  const rows = want.whole ? got.rows : want.rows
  const leaves = want.whole ? got.leaves : got.leaves.map((entries) => firstRows(entries, rows))
  const same = want.whole ? isDeepStrictEqual(bad, want.bad) : isDeepStrictEqual(bad.slice(0, want.bad.length), want.bad)
  if (!same || want.rows !== rows || !isDeepStrictEqual(leaves, want.leaves)) return failure('the scan and JSON.parse differ', { want, got })
  const from = format === 'lines' ? 'lines' : 'documents'
  const auto = scanTree(builds[0][1], fields, input, { format: 'auto', capacity })
  const either = ['lines', 'documents'].some((f) => isDeepStrictEqual(auto, scanTree(builds[0][1], fields, input, { format: f as Format, capacity })))
  if (!either) return failure(`auto is neither lines nor documents, of ${from}`, { auto })
  return undefined
}

interface Oracle {
  /** Whether every fault is one of a record whose end is certain. */
  whole: boolean
  rows: number
  leaves: Entry[][]
  bad: number[]
}

function firstRows(entries: Entry[], rows: number): Entry[] {
  let seen = 0
  const end = entries.findIndex(([rep]) => rep === 0 && seen++ === rows)
  return end < 0 ? entries : entries.slice(0, end)
}

function settler(fields: readonly Field[]) {
  const out: Oracle = { whole: true, rows: 0, leaves: leavesOf(fields).map(() => []), bad: [] }
  /** The next record: its bytes, or that it is no JSON. */
  const settle = (bytes: Uint8Array | undefined) => {
    try {
      const text = bytes && utf8(bytes)
      const value = text === undefined ? undefined : parse(text)
      if (value === undefined) throw new Misfit('no JSON')
      const entries = shred(fields, value)
      entries.forEach((leaf, i) => {
        for (const entry of leaf) out.leaves[i].push(entry)
      })
      out.rows++
    } catch (error) {
      if (!(error instanceof Misfit)) throw error
      out.bad.push(out.rows + out.bad.length)
    }
  }
  return { out, settle }
}

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** Where the object or array that begins at `from` ends, by the first of its brackets where JSON.parse takes it; -1 for none. */
function ends(text: string, from: number): number {
  for (let end = from; ; ) {
    const next = /[}\]]/.exec(text.slice(end))
    if (!next) return -1
    end += next.index + 1
    try {
      JSON.parse(text.slice(from, end))
      return end
    } catch {}
  }
}

// One character a byte: brackets and white space of JSON are ASCII, and UTF-8 is judged record by record.
const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')
const withoutMark = (input: Uint8Array) => (latin1(input.subarray(0, 3)) === '\xef\xbb\xbf' ? input.subarray(3) : input)

function linesOf(input: Uint8Array, fields: readonly Field[]): Oracle {
  const { out, settle } = settler(fields)
  for (const line of latin1(withoutMark(input)).split('\n')) {
    for (let at = 0; ; ) {
      at += /^[ \t\r]*/.exec(line.slice(at))?.[0].length ?? 0
      if (at >= line.length) break
      const end = line[at] === '{' ? ends(line, at) : -1
      const behind = end < 0 ? undefined : /^[ \t\r]*(.?)/.exec(line.slice(end))?.[1]
      if (behind === '' || behind === '{') settle(Buffer.from(line.slice(at, end), 'latin1'))
      else {
        // no telling where it would have ended: the line goes with it
        settle(undefined)
        break
      }
      at = end
    }
  }
  return out
}

function documentsOf(input: Uint8Array, fields: readonly Field[]): Oracle {
  const { out, settle } = settler(fields)
  const text = latin1(withoutMark(input))
  for (let at = 0; ; ) {
    at += /^[ \t\r\n]*/.exec(text.slice(at))?.[0].length ?? 0
    if (at >= text.length) return out
    const end = text[at] === '{' || text[at] === '[' ? ends(text, at) : -1
    if (end < 0) return { ...out, whole: false }
    if (text[at] === '{') settle(Buffer.from(text.slice(at, end), 'latin1'))
    else {
      for (let from = at + 1; ; ) {
        from += /^[ \t\r\n,]*/.exec(text.slice(from))?.[0].length ?? 0
        if (text[from] === ']') break
        const to = text[from] === '{' ? ends(text, from) : -1
        // an element that is no object: its end is the scan's own to say
        if (to < 0) return { ...out, whole: false }
        settle(Buffer.from(text.slice(from, to), 'latin1'))
        from = to
      }
    }
    at = end
  }
}
