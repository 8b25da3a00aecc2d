// millrace snowball: plan, pack, verify, list and unpack.

import { type Command, UsageError } from './command.js'
import { listed } from './snowball/list.js'
import { packed } from './snowball/pack.js'
import { planned } from './snowball/plan.js'
import { unpacked } from './snowball/unpack.js'
import { verified } from './snowball/verify.js'

const PLAN = ['prefix', 'chunk-bytes', 'chunk-files', 'small-bytes']
/** What each action runs, and the options that mean something to it. */
const ACTIONS = {
  plan: { run: planned, options: [...PLAN, 'json'] },
  pack: { run: packed, options: [...PLAN, 'output', 'json'] },
  verify: { run: verified, options: ['source', 'json'] },
  list: { run: listed, options: ['json'] },
  unpack: { run: unpacked, options: ['directory', 'json'] },
}

export const command: Command = {
  summary: 'pack small files into auto-extract tars with a manifest, verify and unpack them',
  help: `Usage: millrace snowball plan DIR
       millrace snowball pack DIR -o OUT [--chunk-bytes B] [--chunk-files N]
       millrace snowball verify OUT [--source DIR]
       millrace snowball list OUT
       millrace snowball unpack OUT -d DIR

Packs a directory into OUT/chunk-*.tar and OUT/manifest.ndjson for an import by Snowball
(upload each chunk with the metadata snowball-auto-extract=true) or MinIO. ustar with a pax
header only where a name needs one; equal input gives equal bytes. A file that cannot be read
or changes while it is read is left out, told in the manifest, and makes the exit code 1.
Symlinks, FIFOs, sockets and devices are skipped and told. Packing again into the same OUT
keeps the chunks that are still right: so a run that was killed goes on where it was.

  plan      what would go where, as NDJSON on stdout
  pack      write the chunks
  verify    read and hash every byte; with --source compare with the tree as well
  list      members as NDJSON: chunk, key, size, offset (OUT may be a single tar)
  unpack    files below DIR, never outside; links and existing files are refused

  -o, --output OUT        directory for the chunks
  -d, --directory DIR     where unpack puts files
      --source DIR        the tree that was packed
      --prefix KEY        put before every key, for example Logs/
      --chunk-bytes B     a chunk's size at most (1000000000; at most 100000000000)
      --chunk-files N     a chunk's files at most (10000)
      --small-bytes B     larger files get a chunk of their own (1048576)
      --json              the summary as JSON on stdout (plan and list always are NDJSON)

Example: millrace snowball pack ./photos -o ./chunks && millrace snowball verify ./chunks
`,
  options: {
    output: { type: 'string', short: 'o' },
    directory: { type: 'string', short: 'd' },
    source: { type: 'string' },
    prefix: { type: 'string' },
    'chunk-bytes': { type: 'string' },
    'chunk-files': { type: 'string' },
    'small-bytes': { type: 'string' },
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
