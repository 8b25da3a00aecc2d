// millrace snowball: plan, pack, verify, list and unpack.

import { type Command, UsageError } from './command.js'
import { listed } from './snowball/list.js'
import { PLANNING } from './snowball/options.js'
import { PACKING, packed } from './snowball/pack.js'
import { planned } from './snowball/plan.js'
import { unpacked } from './snowball/unpack.js'
import { verified } from './snowball/verify.js'

/** What each action runs, and the options that mean something to it. */
const ACTIONS = {
  plan: { run: planned, options: [...PLANNING, 'source', 'output', 'json'] },
  pack: { run: packed, options: [...PLANNING, ...PACKING, 'source', 'output', 'json'] },
  verify: { run: verified, options: ['source', 'json'] },
  list: { run: listed, options: ['json'] },
  unpack: { run: unpacked, options: ['directory', 'json'] },
}

export const command: Command = {
  summary: 'pack small files into auto-extract tars with a manifest, verify and unpack them',
  help: `Usage: millrace snowball plan DIR|LIST [-o PLAN] [--chunk-bytes B] [--chunk-files N] [--device-bytes B[,B...]]
       millrace snowball pack DIR|PLAN -o OUT [--chunk-bytes B] [--chunk-files N] [--to s3://BUCKET/PREFIX/]
       millrace snowball verify OUT [--source DIR]
       millrace snowball list OUT
       millrace snowball unpack OUT -d DIR

Packs a directory into OUT/chunk-*.tar and OUT/manifest.ndjson for an import by Snowball
(upload each chunk with the metadata snowball-auto-extract=true) or MinIO. ustar with a pax
header only where a name needs one; equal input gives equal bytes. A file that cannot be read
or changes while it is read is left out, told in the manifest, and makes the exit code 1.
Symlinks, FIFOs, sockets and devices are skipped and told. Packing again into the same OUT
keeps the chunks that are still right: so a run that was killed goes on where it was.

  plan      what would go where, as NDJSON that may be read, compared and edited, and given to pack.
            LIST: lines source,destination (CSV, or NDJSON {"source","destination"}); a destination is a key
  pack      write the chunks, as planned there and then or by an earlier plan
  verify    read and hash every byte; with --source compare with the tree as well
  list      members as NDJSON: chunk, key, size, offset (OUT may be a single tar)
  unpack    files below DIR, never outside; links and existing files are refused

  -o, --output OUT        directory for the chunks; of plan, the plan's file (stdout)
  -d, --directory DIR     where unpack puts files
      --source DIR        the tree that was packed; of plan, what relative paths of a list are under (the list's
                          directory); of pack, a tree in place of the plan's
      --prefix KEY        put before every key, for example Logs/
      --destination KEY   prefix in the bucket that the chunks will be put under: counts as part of each key's 933 bytes
      --chunk-bytes B     a chunk's size at most (1000000000; at most 100000000000)
      --chunk-files N     a chunk's files at most (10000)
      --small-bytes B     larger files get a chunk of their own (1048576)
      --device-bytes B    what a device holds: chunks are planned for as many as it takes; B,B,... for just those
      --collisions WHAT   names that differ only by case or Unicode form: warn, fail or ignore (warn)
      --compression C     gzip or zstd, with a level perhaps (gzip:9): OUT/chunk-*.tar.gz or .tar.zst
      --jobs N            chunks packed at once (one for each core)
      --no-sync           leave flushing to the system: OUT then survives a kill of the process, not of the machine
      --to URL            put chunks, large files as they are, and the manifest into s3://BUCKET/PREFIX/, by
                          @aws-sdk/client-s3; OUT then has the manifest alone, by which a run goes on
      --profile P         s3, aws-snowball (its S3 adapter) or minio: what the target takes, and how it extracts (s3)
      --endpoint URL      of a device or a server that speaks S3
      --region R          of the bucket
      --json              the summary as JSON on stdout (plan without -o and list always are NDJSON)

Example: millrace snowball pack ./photos -o ./chunks && millrace snowball verify ./chunks
`,
  options: {
    output: { type: 'string', short: 'o' },
    directory: { type: 'string', short: 'd' },
    source: { type: 'string' },
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
  async run(values, positionals, io) {
    const [action, path, ...more] = positionals
    if (action === undefined || !Object.hasOwn(ACTIONS, action))
      throw new UsageError(`expected one of ${Object.keys(ACTIONS).join(', ')}, got ${action ?? 'nothing'}`)
    if (path === undefined) throw new UsageError(`${action} expected a path`)
    if (more.length > 0) throw new UsageError(`${action} expected one path, got ${JSON.stringify(more[0])} as well`)
    const { run, options } = ACTIONS[action as keyof typeof ACTIONS]
    const stray = Object.keys(values).find((name) => !options.includes(name))
    if (stray !== undefined) throw new UsageError(`${action} takes no --${stray}`)
    return run(path, values, io)
  },
}
