// A manifest against what came of it: an S3 Inventory of the bucket, or the logs of a Snowball job.
import { checkKeys, inform, wrongType } from '../../errors.js'
import type { Ports } from '../../ports/ports.js'
import { checkStorage, checkWatch, interrupted } from '../checks.js'
import { type OpenManifest, openWhole } from '../manifest/entries.js'
import type { ManifestChunk, ManifestLine, ManifestMember, ManifestObject } from '../manifest/manifest.js'
import { inputOutput } from '../read.js'
import { join, type RightRow } from './join.js'
import { type ListedKey, type Listing, listedKeys } from './listing.js'
import { type Found, own, type Problem, type Tell, teller } from './problems.js'

export interface ImportOptions {
  /** The manifest, or the directory that it lies in. */
  output: string
  /** S3 Inventory: manifest.json, or its files in CSV, plain or in gzip. */
  inventory?: readonly string[] | undefined
  /** Whether the inventory is of the chunks, as they were uploaded, and not of the files that come out of them. */
  archives?: boolean | undefined
  /** Logs of a Snowball job: what was imported, and what was not. */
  successLogs?: readonly string[] | undefined
  failureLogs?: readonly string[] | undefined
  /** Columns of CSV that has neither a header nor a manifest.json, such as "Bucket, Key, Size, ETag". */
  fields?: string | undefined
  /** How keys are written: `url` is the default for an inventory, `plain` for logs. */
  keys?: 'url' | 'plain' | undefined
  /** What stands before our keys in the bucket, such as `Test/`; listed keys that do not begin so are passed over. */
  keyPrefix?: string | undefined
  ports: Pick<Ports, 'storage'>
  onProgress?: ((progress: { rows: number; problems: number }) => void) | undefined
  signal?: AbortSignal | undefined
}

/**
 * `missing`: not listed; `size`, `etag`: listed with another one; `failed`: in a failure log; `twice`: listed more
 * than once; `unknown`: in a failure log, but not in the manifest.
 */
export type ImportProblemKind = 'missing' | 'size' | 'etag' | 'failed' | 'twice' | 'unknown'
export type ImportProblem = Problem<ImportProblemKind>

export interface ImportSummary extends Found<ImportProblemKind> {
  /** Files (or chunks and objects, with `archives`) of the manifest that were looked for, and those that are listed as they should be. */
  expected: number
  right: number
  /** Listed under the prefix, but not in the manifest: no problem, a bucket may have more; and the first 100 of them. */
  extra: number
  extras: string[]
  /** What to send again, in the order it was found: chunks, and objects by their keys; 10,000 at most. */
  again: { chunk?: string; key?: string; problems: number }[]
}

const OPTIONS = [
  'output',
  'inventory',
  'archives',
  'successLogs',
  'failureLogs',
  'fields',
  'keys',
  'keyPrefix',
  'ports',
  'onProgress',
  'signal',
] satisfies (keyof ImportOptions)[]

const EXTRAS = 100
const MOST_AGAIN = 10_000

/**
 * Compares a manifest with what a bucket has and what a job says. After an import a bucket has the files, not the chunks; sizes are
 * compared where they are listed, ETags only of chunks and objects (`archives`) and only where both are of as many parts. In an
 * inventory with versions the newest of each key counts. A log may name chunks or files: a chunk that is named stands for its
 * files. An inventory may be a day behind the bucket. Memory does not grow with either list.
 *
 * Rejects with IO, CORRUPT (a malformed or torn manifest, a row that is none), BAD_INPUT (unknown columns), CLOSED where aborted.
 */
export async function checkImport(options: ImportOptions): Promise<ImportSummary> {
  const { output, inventory, successLogs, failureLogs, fields, keys, ports } = checked(options)
  const summary: ImportSummary = { expected: 0, right: 0, extra: 0, extras: [], again: [], problemCount: 0, problems: [], kinds: {} }
  try {
    const manifest = await openWhole(ports.storage, output)
    const check = createCheck(options, manifest, summary)
    try {
      const listing = (files: readonly string[], url: boolean): Listing => ({ files, fields, encoded: keys ? keys === 'url' : url })
      if (inventory) await compareListed(check, listing(inventory, true), options.archives ? archives : files)
      if (successLogs) await compareSuccess(check, listing(successLogs, false))
      if (failureLogs) await compareFailures(check, listing(failureLogs, false))
    } finally {
      await manifest.close()
    }
  } catch (error) {
    throw inputOutput(error, output)
  }
  return summary
}

function checked(options: ImportOptions): ImportOptions {
  if (typeof options !== 'object' || options === null) throw wrongType('options', 'an object', options)
  checkKeys('options', options, OPTIONS)
  const { output, archives, fields, keys, keyPrefix, ports } = options
  if (typeof output !== 'string' || output === '') throw wrongType('output', 'the path of a manifest', output)
  const lists = ['inventory', 'successLogs', 'failureLogs'] as const
  for (const name of lists) {
    const value: unknown = options[name]
    if (value !== undefined && !(Array.isArray(value) && value.length > 0 && value.every((path) => typeof path === 'string' && path !== '')))
      throw wrongType(name, 'an array of paths', value)
  }
  if (lists.every((name) => options[name] === undefined)) throw wrongType('inventory', 'an array of paths, or else successLogs or failureLogs', undefined)
  if (archives !== undefined && typeof archives !== 'boolean') throw wrongType('archives', 'a boolean', archives)
  if (fields !== undefined && typeof fields !== 'string') throw wrongType('fields', 'names of columns with commas between', fields)
  if (keys !== undefined && keys !== 'url' && keys !== 'plain') throw wrongType('keys', '"url" or "plain"', keys)
  if (keyPrefix !== undefined && typeof keyPrefix !== 'string') throw wrongType('keyPrefix', 'a string', keyPrefix)
  checkStorage(ports)
  checkWatch(options)
  return options
}

type Stored = ManifestChunk | ManifestObject
type Entry = ManifestMember | Stored
type Row = RightRow & ListedKey

interface Check {
  manifest: OpenManifest
  prefix: string
  summary: ImportSummary
  /** Rows under the prefix. */
  rows(listing: Listing): AsyncGenerator<ListedKey>
  /** A problem of an entry, which then has to be sent again. */
  wrong(kind: ImportProblemKind, entry: Entry, message: string): void
  tell: Tell<ImportProblemKind>
  extra(key: string): void
}

function createCheck({ ports, keyPrefix = '', onProgress, signal }: ImportOptions, manifest: OpenManifest, summary: ImportSummary): Check {
  const tell = teller(summary)
  const again = new Map<string, ImportSummary['again'][number]>()
  let seen = 0
  return {
    manifest,
    prefix: keyPrefix,
    summary,
    tell,
    async *rows(listing) {
      for await (const row of listedKeys(ports.storage, listing)) {
        if (++seen % 10_000 === 0) {
          interrupted(signal, 'verifying')
          if (onProgress) inform(() => onProgress({ rows: seen, problems: summary.problemCount }))
        }
        if (row.key.startsWith(keyPrefix)) yield row
      }
    },
    wrong(kind, entry, message) {
      tell(kind, keyPrefix + nameOf(entry), message)
      const unit = entry.type === 'object' ? { key: entry.key } : { chunk: entry.chunk }
      const id = JSON.stringify(unit)
      const known = again.get(id)
      if (known) known.problems++
      else if (again.size < MOST_AGAIN) {
        const entry = { ...unit, problems: 1 }
        again.set(id, entry)
        summary.again.push(entry)
      }
    },
    extra(key) {
      if (summary.extra++ < EXTRAS) summary.extras.push(own(key))
    },
  }
}

/** What an entry is to a list: it must be in it, it may be, or it is none of its matters. */
type Role = (line: ManifestLine) => 'must' | 'may' | undefined

const isFile = (line: ManifestLine): line is ManifestMember | ManifestObject => line.type === 'member' || line.type === 'object'
const files: Role = (line) => (isFile(line) ? 'must' : undefined)
const archives: Role = (line) => (line.type === 'chunk' || line.type === 'object' ? 'must' : undefined)
const nameOf = (entry: Entry) => (entry.type === 'chunk' ? entry.chunk : entry.key)
const sizeOf = (entry: Entry) => (entry.type === 'chunk' ? entry.bytes : entry.size)
const words = (size: number) => ({ low: size % 2 ** 32, high: Math.floor(size / 2 ** 32) })

/** An inventory, or a success log. */
async function compareListed(check: Check, listing: Listing, role: Role): Promise<void> {
  const { manifest, prefix, summary } = check
  const wrong = () => (summary.kinds.missing ?? 0) + (summary.kinds.size ?? 0) + (summary.kinds.etag ?? 0)
  const before = wrong()
  let expected = 0
  let counted = false
  const joined = join<Row>({
    async *left() {
      for await (const { line, start } of manifest.lines()) {
        const what = role(line)
        if (what === undefined) continue
        const entry = line as Entry
        if (!counted && (what === 'must' || entry.type !== 'chunk')) expected++
        // whether it may be missing is kept with its place
        yield { key: prefix + nameOf(entry), ...words(sizeOf(entry)), ref: 2 * start + (what === 'may' ? 1 : 0) }
      }
      counted = true
    },
    async *right() {
      for await (const row of check.rows(listing)) {
        // an ETag is compared as text, so such a row must not count as equal
        const value = role === archives && row.etag !== undefined ? NEVER : row.size !== undefined && words(row.size)
        yield { ...row, ...value }
      }
    },
  })
  for await (const event of joined) {
    if (event.type === 'onlyRight') check.extra(event.row.key)
    else if (event.type === 'rightAgain')
      check.tell('twice', event.row.key, 'is listed twice: is it of one inventory, and has it IsLatest where there are versions?')
    else if (event.type !== 'onlyLeft' || event.ref % 2 === 0) {
      const entry = (await manifest.lineAt(Math.floor(event.ref / 2))) as Entry
      if (event.type === 'onlyLeft') check.wrong('missing', entry, 'is not listed')
      else if (event.type === 'different') compareRow(check, entry, event.row)
    }
  }
  summary.expected += expected
  summary.right += expected - (wrong() - before)
}

/** No size has it. */
const NEVER = { low: 0, high: 0xffffffff }

function compareRow(check: Check, entry: Entry, { size, etag }: ListedKey): void {
  if (size !== undefined && size !== sizeOf(entry)) check.wrong('size', entry, `expected ${sizeOf(entry)} bytes, listed with ${size}`)
  else if (etag !== undefined && entry.type !== 'member' && etag !== entry.etag && partsOf(etag) === partsOf(entry.etag))
    check.wrong('etag', entry, `expected ETag ${entry.etag}, listed with ${etag}`)
}

/** "-12" of an upload in 12 parts; of one in others the ETag is another one for the same bytes. */
const partsOf = (etag: string) => etag.slice(32)

/** A log of what was imported may name chunks, files, or both. */
async function compareSuccess(check: Check, listing: Listing): Promise<void> {
  const { manifest, prefix } = check
  let settled = new Uint8Array(1024)
  const chunks = join<Row>({
    async *left() {
      let number = 0
      for await (const { line } of manifest.lines()) if (line.type === 'chunk') yield { key: prefix + line.chunk, low: 0, high: 0, ref: number++ }
    },
    async *right() {
      for await (const { key } of check.rows(listing)) yield { key }
    },
    equal: true,
  })
  for await (const event of chunks) {
    if (event.type !== 'equal') continue
    if (event.ref >= settled.length) settled = grown(settled, event.ref)
    settled[event.ref] = 1
  }
  let number = -1
  const role: Role = (line) => {
    if (line.type === 'manifest') number = -1
    if (line.type === 'chunk') number++
    if (line.type === 'chunk' || (line.type === 'member' && settled[number] === 1)) return 'may'
    return files(line)
  }
  await compareListed(check, listing, role)
}

function grown(array: Uint8Array<ArrayBuffer>, index: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(2 * Math.max(array.length, index + 1))
  larger.set(array)
  return larger
}

async function compareFailures(check: Check, listing: Listing): Promise<void> {
  const { manifest, prefix } = check
  const joined = join<Row>({
    async *left() {
      for await (const { line, start } of manifest.lines())
        if (line.type === 'chunk' || isFile(line)) yield { key: prefix + nameOf(line), low: 0, high: 0, ref: start }
    },
    right: () => check.rows(listing),
    equal: true,
  })
  for await (const event of joined) {
    if (event.type === 'onlyRight') check.tell('unknown', event.row.key, `failed, and is not in the manifest: ${event.row.error ?? 'no reason given'}`)
    else if (event.type === 'equal') check.wrong('failed', (await manifest.lineAt(event.ref)) as Entry, event.row.error ?? 'no reason given')
  }
}
