// millrace snowball: plan, pack, verify, list, unpack and diff.

import { keepHeapSmall } from '../ports/node-heap.js'
import { type Command, type Io, UsageError, type Values } from './command.js'
import { compared } from './snowball/diff.js'
import { listed } from './snowball/list.js'
import { PLANNING } from './snowball/options.js'
import { PACKING, packed } from './snowball/pack.js'
import { planned } from './snowball/plan.js'
import { unpacked } from './snowball/unpack.js'
import { verified } from './snowball/verify.js'

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
  plan: { run: planned, options: [...PLANNING, 'source', 'output', 'json'] },
  pack: { run: packed, options: [...PLANNING, ...PACKING, 'source', 'output', 'json'] },
  verify: { run: verified, options: ['source', 'listed', ...LISTS, 'json'] },
  list: { run: listed, options: ['json'] },
  unpack: { run: unpacked, options: ['directory', 'json'], more: { what: 'keys', least: 0, most: Number.POSITIVE_INFINITY } },
  diff: { run: compared, options: ['json'], more: { what: 'two manifests', least: 1, most: 1 } },
}

export const command: Command = {
  summary: 'pack small files into auto-extract tars with a manifest, verify and unpack them',
  help: `Usage: millrace snowball plan DIR|LIST [-o PLAN] [--chunk-bytes B] [--chunk-files N] [--device-bytes B[,B...]]
       millrace snowball pack DIR|PLAN -o OUT [--chunk-bytes B] [--chunk-files N] [--to s3://BUCKET/PREFIX/]
       millrace snowball verify OUT|MANIFEST [--source DIR]
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

  plan      what would go where, as NDJSON that may be read, compared and edited, and given to pack.
            LIST: lines source,destination (CSV, or NDJSON {"source","destination"}); a destination is a key.
            Members may be deleted, moved and given other keys, chunks renamed: bytes and counts need no care
  pack      write the chunks, as planned there and then or by an earlier plan. Of an earlier plan a file that has
            changed since is packed as it is now, and a chunk that is finished stays: plan again for what is new
  verify    read and hash every byte; with --source compare with the tree as well; or compare
            the manifest with what a bucket has, and tell which chunks to send again.
            OUT/manifest.ndjson in place of OUT: without the chunks, which are in a bucket perhaps
  list      members as NDJSON: chunk, key, size, offset (OUT may be a single archive)
  unpack    files below DIR, never outside; links and existing files are refused; with KEYs
            only these, one that ends with / for all below it
  diff      two manifests: added, removed, changed and moved files as NDJSON; exit 1 if any

All
  -o, --output OUT        directory for the chunks; of plan, the plan's file (stdout)
      --json              the summary as JSON on stdout (plan without -o, list and diff are NDJSON always)
plan and pack
      --source DIR        what relative paths of a list are under (the list's directory); of pack, a tree in
                          place of the plan's
      --prefix KEY        put before every key as it stands, for example Logs/
      --destination KEY   prefix in the bucket that the chunks will be put under: counts as part of each key's 933 bytes
      --chunk-bytes B     a chunk's size at most (1000000000; at most 100000000000)
      --chunk-files N     a chunk's files at most (10000)
      --small-bytes B     larger files get a chunk of their own (1048576)
      --device-bytes B    what a device holds: chunks are planned for as many as it takes; B,B,... for just those
      --collisions WHAT   names that differ only by case or Unicode form: warn, fail or ignore (warn)
pack
      --compression C     gzip or zstd, with a level perhaps (gzip:9): OUT/chunk-*.tar.gz or .tar.zst
      --jobs N            chunks packed at once (one for each core)
      --no-sync           leave flushing to the system: OUT then survives a kill of the process, not of the machine
      --to URL            put chunks, large files as they are, and the manifest into s3://BUCKET/PREFIX/, by
                          @aws-sdk/client-s3; OUT then has the manifest alone, by which a run goes on
      --profile P         s3, aws-snowball (its S3 adapter) or minio: what the target takes, and how it extracts (s3);
                          a minio keeps no archive, so a chunk-*.tar.sha256 stands for each that it has extracted
      --endpoint URL      of a device or a server that speaks S3
      --region R          of the bucket
verify
      --source DIR        the tree that was packed
      --listed            a list was packed: files of the source that it does not name are no problem
      --inventory FILE    S3 Inventory: its manifest.json, or CSV (.gz); may be repeated
      --archives          the inventory is of the chunks as uploaded, not of files; with ETags
      --success-log FILE  of a Snowball job, what was imported; may be repeated
      --failure-log FILE  of a Snowball job, what was not; may be repeated
      --fields NAMES      columns of CSV without a header, such as "Bucket, Key, Size"
      --keys url|plain    how keys are written: url in an inventory, plain in logs
      --key-prefix KEY    where the chunks lie in the bucket, for example Test/
unpack
  -d, --directory DIR     where it puts files

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
    destination: { type: 'string' },
    'chunk-bytes': { type: 'string' },
    'chunk-files': { type: 'string' },
    'small-bytes': { type: 'string' },
    'device-bytes': { type: 'string' },
    collisions: { type: 'string' },
    compression: { type: 'string' },
    jobs: { type: 'string' },
    'no-sync': { type: 'boolean' },
    to: { type: 'string' },
    profile: { type: 'string' },
    endpoint: { type: 'string' },
    region: { type: 'string' },
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
    keepHeapSmall()
    return run(path, values, io, more)
  },
}
