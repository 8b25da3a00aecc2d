// manifest.ndjson: what is in which chunk, where, and what is in none. One JSON object a line:
//   {"type":"manifest","version":1}
//   {"type":"chunk","chunk","bytes","members","sha256","plan"}     then its members, in archive order:
//   {"type":"member","chunk","path","key","size","sha256","offset"}
//   {"type":"skipped"|"failed","path","reason","message"}
//   {"type":"end","chunks","members","bytes","skipped","failed"}   without it the manifest is torn
// offset: of the member's data in the chunk, so that a range of the chunk is the file.
// plan: SHA-256 over key, size and time of the planned members; equal plans make equal chunks.
import { kindOf, MillraceError } from '../../errors.js'
import type { FileReader } from '../../ports/ports.js'
import type { Left } from '../left.js'

export const MANIFEST = 'manifest.ndjson'
export const VERSION = 1

export interface ManifestChunk {
  type: 'chunk'
  chunk: string
  bytes: number
  members: number
  sha256: string
  plan: string
}

export interface ManifestMember {
  type: 'member'
  chunk: string
  path: string
  key: string
  size: number
  sha256: string
  offset: number
}

export interface ManifestEnd {
  type: 'end'
  chunks: number
  members: number
  /** Bytes of the members' data. */
  bytes: number
  skipped: number
  failed: number
}

export type ManifestLine = { type: 'manifest'; version: number } | ManifestChunk | ManifestMember | Left | ManifestEnd

/** A line of the manifest with the bytes it takes in the file, its newline included. */
export interface Placed {
  line: ManifestLine
  start: number
  end: number
}

const TEXT = 'a string'
const COUNT = 'a whole number'
const HASH = '64 hexadecimal digits'
const FIELDS: Record<ManifestLine['type'], Record<string, string>> = {
  manifest: { version: COUNT },
  chunk: { chunk: TEXT, bytes: COUNT, members: COUNT, sha256: HASH, plan: HASH },
  member: { chunk: TEXT, path: TEXT, key: TEXT, size: COUNT, sha256: HASH, offset: COUNT },
  skipped: { path: TEXT, reason: TEXT, message: TEXT },
  failed: { path: TEXT, reason: TEXT, message: TEXT },
  end: { chunks: COUNT, members: COUNT, bytes: COUNT, skipped: COUNT, failed: COUNT },
}

const holds = (value: unknown, expected: string) =>
  expected === TEXT
    ? typeof value === 'string'
    : expected === COUNT
      ? Number.isSafeInteger(value) && (value as number) >= 0
      : typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)

/** What is wrong with a line, or the line. Fields of later versions are let through. */
function check(text: string): ManifestLine | string {
  let value: Record<string, unknown>
  try {
    value = JSON.parse(text)
  } catch {
    return 'expected a JSON object'
  }
  if (typeof value !== 'object' || value === null) return `expected a JSON object, got ${kindOf(value)}`
  const type = value.type
  if (typeof type !== 'string' || !Object.hasOwn(FIELDS, type)) return `"type" expected one of ${Object.keys(FIELDS).join(', ')}, got ${kindOf(type)}`
  for (const [field, expected] of Object.entries(FIELDS[type as ManifestLine['type']])) {
    if (!Object.hasOwn(value, field) || !holds(value[field], expected)) return `"${field}" expected ${expected}, got ${kindOf(value[field])}`
  }
  return value as unknown as ManifestLine
}

/**
 * The lines of a manifest. Throws CORRUPT with line and byte where one is malformed; with `torn` such
 * lines are passed over instead, as a journal may have them where a run was killed.
 */
export async function* readManifest(file: FileReader, source: string, options: { torn?: boolean } = {}): AsyncGenerator<Placed> {
  const decoder = new TextDecoder('utf-8')
  let record = 0
  for await (const { bytes, start, end, ended } of splitLines(file)) {
    const text = decoder.decode(bytes)
    const line = ended || !options.torn ? check(text) : 'torn'
    if (typeof line === 'object') {
      yield { line, start, end }
    } else if (!options.torn && text.trim() !== '') {
      throw new MillraceError('CORRUPT', line, { position: { source, record, offset: start } })
    }
    record++
  }
}

// A path has at most a few KB; what goes on beyond this is no manifest.
const LINE_LIMIT = 1 << 20

async function* splitLines(file: FileReader): AsyncGenerator<{ bytes: Uint8Array; start: number; end: number; ended: boolean }> {
  let rest = new Uint8Array(0)
  let at = 0
  for (;;) {
    const piece = new Uint8Array(1 << 16)
    const got = await file.read(piece, at + rest.length)
    const text = new Uint8Array(rest.length + got)
    text.set(rest)
    text.set(piece.subarray(0, got), rest.length)
    let from = 0
    for (let next = text.indexOf(10, rest.length); next >= 0; next = text.indexOf(10, from)) {
      yield { bytes: text.subarray(from, next), start: at + from, end: at + next + 1, ended: true }
      from = next + 1
    }
    at += from
    rest = text.slice(from)
    if (got === 0 || rest.length > LINE_LIMIT) break
  }
  if (rest.length > 0) yield { bytes: rest, start: at, end: at + rest.length, ended: false }
}

const encoder = new TextEncoder()

/** Lines as they stand in the file. */
export function formatLines(lines: readonly ManifestLine[]): Uint8Array {
  return encoder.encode(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
}
