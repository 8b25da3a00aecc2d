// millrace snowball: plan, pack, verify, list and unpack.
import { list } from '../snowball/list.js'
import { pack } from '../snowball/pack.js'
import { plan } from '../snowball/plan.js'
import { inputOutput } from '../snowball/read.js'
import { unpack } from '../snowball/unpack.js'
import { verify } from '../snowball/verify.js'
import { type Command, type Io, UsageError, type Values, wholeOption } from './command.js'
import { count, size } from './figures.js'

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

const text = (value: Values[string]) => (typeof value === 'string' ? value : undefined)

function needed(values: Values, name: string, action: string): string {
  const value = text(values[name])
  if (!value) throw new UsageError(`${action} expected ${name === 'output' ? '-o OUT' : '-d DIR'}`)
  return value
}

const planOptions = (source: string, values: Values) => ({
  source,
  prefix: text(values.prefix),
  chunkBytes: wholeOption(values, 'chunk-bytes', 0),
  chunkFiles: wholeOption(values, 'chunk-files', 0),
  smallBytes: wholeOption(values, 'small-bytes', 0),
})

async function planned(source: string, values: Values, io: Io): Promise<number> {
  let failed = 0
  try {
    for await (const item of plan({ ...planOptions(source, values), ports: io.ports })) {
      if (item.type === 'chunk') {
        const { members, ...chunk } = item
        const lines = [{ ...chunk, members: members.length }, ...members.map((member) => ({ type: 'member', chunk: item.chunk, ...member }))]
        await io.write(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
      } else {
        if (item.type === 'failed') failed++
        await io.write(`${JSON.stringify(item)}\n`)
      }
    }
  } catch (error) {
    throw inputOutput(error, source)
  }
  return failed > 0 ? 1 : 0
}

async function packed(source: string, values: Values, io: Io): Promise<number> {
  const output = needed(values, 'output', 'pack')
  const rate = meter(io, 'packed')
  const summary = await pack({
    ...planOptions(source, values),
    output,
    ports: io.ports,
    signal: io.signal,
    onProgress: ({ chunk, members, bytes, failed }) => rate.tell(members, bytes, `${chunk}${failed > 0 ? `, ${failed} failed` : ''}`),
  })
  const { failures, ...counts } = summary
  for (const { path, reason, message } of failures) io.log(`${path}: ${reason}: ${message}`)
  if (summary.failed > failures.length) io.log(`... and ${summary.failed - failures.length} more; all are in the manifest`)
  const rest = [
    count(summary.chunks, 'chunk'),
    summary.reused > 0 && `${summary.reused} of them kept`,
    `${summary.skipped} skipped`,
    `${summary.failed} failed`,
  ]
  await rate.done(summary.members, summary.bytes, rest.filter(Boolean).join(', '), values.json ? counts : undefined)
  return summary.failed > 0 ? 1 : 0
}

async function verified(output: string, values: Values, io: Io): Promise<number> {
  const rate = meter(io, 'verified')
  const summary = await verify({
    output,
    source: text(values.source),
    ports: io.ports,
    signal: io.signal,
    onProgress: ({ chunk, members, bytes }) => rate.tell(members, bytes, chunk),
  })
  for (const { where, message } of summary.problems) io.log(`${where}: ${message}`)
  if (summary.problemCount > summary.problems.length) io.log(`... and ${summary.problemCount - summary.problems.length} more`)
  await rate.done(
    summary.members,
    summary.bytes,
    `${count(summary.chunks, 'chunk')}, ${count(summary.problemCount, 'problem')}`,
    values.json ? summary : undefined,
  )
  return summary.problemCount > 0 ? 1 : 0
}

async function listed(output: string, _: Values, io: Io): Promise<number> {
  let lines: string[] = []
  for await (const { chunk, kind, name, size, dataAt } of list({ output, ports: io.ports })) {
    lines.push(`${JSON.stringify({ chunk, ...(kind === 'file' ? {} : { kind }), key: name, size, offset: dataAt })}\n`)
    if (lines.length === 1000) {
      await io.write(lines.join(''))
      lines = []
    }
  }
  await io.write(lines.join(''))
  return 0
}

async function unpacked(output: string, values: Values, io: Io): Promise<number> {
  const directory = needed(values, 'directory', 'unpack')
  const rate = meter(io, 'unpacked')
  const summary = await unpack({
    output,
    directory,
    ports: io.ports,
    signal: io.signal,
    onProgress: ({ chunk, files, bytes }) => rate.tell(files, bytes, chunk),
  })
  for (const { chunk, name, message } of summary.problems) io.log(`${chunk}: ${JSON.stringify(name)}: ${message}`)
  await rate.done(summary.files, summary.bytes, count(summary.problems.length, 'problem'), values.json ? summary : undefined)
  return summary.problems.length > 0 ? 1 : 0
}

/** Files and bytes a second: a progress line now and then, a closing line. */
function meter(io: Io, verb: string) {
  const { clock } = io.ports
  const start = clock.monotonic()
  let last = start
  const rates = (files: number, bytes: number) => {
    const seconds = Math.max((clock.monotonic() - start) / 1000, 1e-3)
    return `${count(files, 'file')}, ${size(bytes)} in ${seconds.toFixed(1)} s (${Math.round(files / seconds)} files/s, ${(bytes / seconds / 1e6).toFixed(0)} MB/s)`
  }
  return {
    tell(files: number, bytes: number, what: string) {
      const now = clock.monotonic()
      if (now - last < 100) return
      last = now
      io.progress(`${verb} ${rates(files, bytes)}, ${what}`)
    },
    async done(files: number, bytes: number, what: string, json: object | undefined) {
      io.progress('')
      if (json) await io.write(`${JSON.stringify(json)}\n`)
      else io.log(`${verb} ${rates(files, bytes)}: ${what}`)
    },
  }
}
