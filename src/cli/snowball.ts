// millrace snowball: plan, pack, verify, list, unpack and diff.

import { type Command, type Io, UsageError, type Values } from './command.js'
import { compared } from './snowball/diff.js'
import { listed } from './snowball/list.js'
import { packed } from './snowball/pack.js'
import { planned } from './snowball/plan.js'
import { unpacked } from './snowball/unpack.js'
import { verified } from './snowball/verify.js'

const PLAN = ['prefix', 'chunk-bytes', 'chunk-files', 'small-bytes']
/** What checks a manifest against an inventory or logs. */
const LISTS = ['inventory', 'archives', 'success-log', 'failure-log', 'fields', 'keys', 'key-prefix']

interface Action {
  run(path: string, values: Values, io: Io, more: readonly string[]): Promise<number>
  /** Those that mean something to it. */
  options: string[]
  /** Arguments behind the path, if any: in words, and how many at least and at most. */
  more?: { what: string; least: number; most: number }
}

const ACTIONS: Record<string, Action> = {
  plan: { run: planned, options: [...PLAN, 'json'] },
  pack: { run: packed, options: [...PLAN, 'output', 'json'] },
  verify: { run: verified, options: ['source', 'listed', ...LISTS, 'json'] },
  list: { run: listed, options: ['json'] },
  unpack: { run: unpacked, options: ['directory', 'json'], more: { what: 'keys', least: 0, most: Number.POSITIVE_INFINITY } },
  diff: { run: compared, options: ['json'], more: { what: 'two manifests', least: 1, most: 1 } },
}

export const command: Command = {
  summary: 'pack small files into auto-extract tars with a manifest, verify and unpack them',
  help: `Usage: millrace snowball plan DIR
       millrace snowball pack DIR -o OUT [--chunk-bytes B] [--chunk-files N]
       millrace snowball verify OUT [--source DIR]
       millrace snowball verify OUT --inventory FILE | --success-log FILE | --failure-log FILE
       millrace snowball list OUT
       millrace snowball unpack OUT -d DIR [KEY...]
       millrace snowball diff OUT OUT

Packs a directory into OUT/chunk-*.tar and OUT/manifest.ndjson for an import by Snowball
(upload each chunk with the metadata snowball-auto-extract=true) or MinIO. ustar with a pax
header only where a name needs one; equal input gives equal bytes. A file that cannot be read
or changes while it is read is left out, told in the manifest, and makes the exit code 1.
Symlinks, FIFOs, sockets and devices are skipped and told. Packing again into the same OUT
keeps the chunks that are still right: so a run that was killed goes on where it was.

  plan      what would go where, as NDJSON on stdout
  pack      write the chunks
  verify    read and hash every byte; with --source compare with the tree as well; or compare
            the manifest with what a bucket has, and tell which chunks to send again
  list      members as NDJSON: chunk, key, size, offset (OUT may be a single archive)
  unpack    files below DIR, never outside; links and existing files are refused; with KEYs
            only these, one that ends with / for all below it
  diff      two manifests: added, removed, changed and moved files as NDJSON; exit 1 if any

  -o, --output OUT        directory for the chunks
  -d, --directory DIR     where unpack puts files
      --source DIR        the tree that was packed
      --listed            a list was packed: other files of the source are no problem
      --inventory FILE    S3 Inventory: its manifest.json, or CSV (.gz); may be repeated
      --archives          the inventory is of the chunks as uploaded, not of files; with ETags
      --success-log FILE  of a Snowball job, what was imported; may be repeated
      --failure-log FILE  of a Snowball job, what was not; may be repeated
      --fields NAMES      columns of CSV without a header, such as "Bucket, Key, Size"
      --keys url|plain    how keys are written: url in an inventory, plain in logs
      --key-prefix KEY    where the chunks lie in the bucket, for example Test/
      --prefix KEY        put before every key, for example Logs/
      --chunk-bytes B     a chunk's size at most (1000000000; at most 100000000000)
      --chunk-files N     a chunk's files at most (10000)
      --small-bytes B     larger files get a chunk of their own (1048576)
      --json              the summary as JSON on stdout (plan, list and diff always
                          are NDJSON)

Example: millrace snowball pack ./photos -o ./chunks && millrace snowball verify ./chunks
`,
  options: {
    output: { type: 'string', short: 'o' },
    directory: { type: 'string', short: 'd' },
    source: { type: 'string' },
    listed: { type: 'boolean' },
    inventory: { type: 'string', multiple: true },
    archives: { type: 'boolean' },
    'success-log': { type: 'string', multiple: true },
    'failure-log': { type: 'string', multiple: true },
    fields: { type: 'string' },
    keys: { type: 'string' },
    'key-prefix': { type: 'string' },
    prefix: { type: 'string' },
    'chunk-bytes': { type: 'string' },
    'chunk-files': { type: 'string' },
    'small-bytes': { type: 'string' },
    json: { type: 'boolean' },
  },
  flags: { successLogs: 'success-log', failureLogs: 'failure-log' },
  async run(values, positionals, io) {
    const [action, path, ...more] = positionals
    if (action === undefined || !Object.hasOwn(ACTIONS, action))
      throw new UsageError(`expected one of ${Object.keys(ACTIONS).join(', ')}, got ${action ?? 'nothing'}`)
    if (path === undefined) throw new UsageError(`${action} expected a path`)
    const { run, options, more: rest } = ACTIONS[action]
    if (more.length < (rest?.least ?? 0)) throw new UsageError(`${action} expected ${rest?.what}, got one`)
    if (more.length > (rest?.most ?? 0))
      throw new UsageError(`${action} expected ${rest?.what ?? 'one path'}, got ${JSON.stringify(more[rest?.most ?? 0])} as well`)
    const stray = Object.keys(values).find((name) => !options.includes(name))
    if (stray !== undefined) throw new UsageError(`${action} takes no --${stray}`)
    return run(path, values, io, more)
  },
}
