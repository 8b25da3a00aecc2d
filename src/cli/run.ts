// From arguments to an exit code: finds the command, parses its options, words its errors. Knows
// no process, so that tests can call it; main.ts lends it one.
import { parseArgs } from 'node:util'
import { type Command, type Io, UsageError, type Values } from './command.js'

/** Commands by name, each behind its own import: `millrace shard` reads no Parquet writer. */
export type Table = Record<string, () => Promise<{ command: Command }>>

const HELP = { help: { type: 'boolean', short: 'h' } } as const

/** Gives the exit code: 0 done, 1 failed, 2 the command line was wrong. */
export async function run(args: readonly string[], table: Table, version: string, io: Io): Promise<number> {
  const [name, ...rest] = args
  let command: Command | undefined
  try {
    if (name === undefined) throw new UsageError(`expected a command, one of ${Object.keys(table).join(', ')}`)
    if (name === '--version' || name === '-V') {
      await io.write(`${version}\n`)
      return 0
    }
    if (name === '--help' || name === '-h' || name === 'help') {
      await io.write(rest.length > 0 ? await helpOf(rest[0], table) : await overview(table))
      return 0
    }
    command = await load(name, table)
    const { values, positionals } = parse(rest, command)
    if (values.help) {
      await io.write(await helpOf(name, table))
      return 0
    }
    return await command.run(values, positionals, io)
  } catch (error) {
    if (!isUsage(error)) throw error
    const known = name !== undefined && Object.hasOwn(table, name)
    io.log(`millrace${known ? ` ${name}` : ''}: ${asFlag(error.message, command)}`)
    io.log(`Try: millrace ${known ? `${name} ` : ''}--help`)
    return 2
  }
}

async function load(name: string, table: Table): Promise<Command> {
  if (Object.hasOwn(table, name)) return (await table[name]()).command
  const what = name.startsWith('-') ? 'option' : 'command'
  const near = nearest(name, Object.keys(table))
  throw new UsageError(`unknown ${what} ${JSON.stringify(name)}${near ? `; did you mean ${near}?` : ''}`)
}

function parse(args: string[], command: Command): { values: Values; positionals: string[] } {
  const options = { ...command.options, ...HELP }
  try {
    return parseArgs({ args, options, strict: true, allowPositionals: true })
  } catch (error) {
    if (!(error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'))) throw error
    // Node adds advice about `--` that helps nobody who mistyped a flag.
    const [first] = error.message.split('. ')
    const flag = /'--([^'\s]+)'/.exec(first)?.[1]
    const near = error.code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION' && flag ? nearest(flag, Object.keys(options)) : undefined
    throw new UsageError(`${first.charAt(0).toLowerCase()}${first.slice(1).split('\n')[0]}${near ? `; did you mean --${near}?` : ''}`)
  }
}

// A factory's own `"label" expected X, got Y` is about a value from this command line.
function isUsage(error: unknown): error is Error {
  return error instanceof UsageError || ((error instanceof TypeError || error instanceof RangeError) && /^"[^"]+" expected /.test(error.message))
}

/** `"options.partitionBy[0]" expected` as the one who typed it knows it: `--partition-by expected`; of a member, `--encodings id expected`. */
function asFlag(message: string, { options = {}, flags = {} }: Partial<Command> = {}): string {
  return message.replace(/^"(?:options\.)?([A-Za-z]+)((?:\[\d+\])?)(?:\.([^"]+))?" expected/, (whole, name: string, index: string, member?: string) => {
    const flag = name.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`)
    // shardIds is --shard, several times
    const known = [flags[name], flag, flag.replace(/-ids$/, '')].find((candidate) => candidate !== undefined && Object.hasOwn(options, candidate))
    return known ? `--${known}${member && index === '' && member !== 'rest' ? ` ${member}` : ''} expected` : whole
  })
}

async function helpOf(name: string, table: Table): Promise<string> {
  const { help } = await load(name, table)
  return help.endsWith('\n') ? help : `${help}\n`
}

async function overview(table: Table): Promise<string> {
  const names = Object.keys(table)
  const width = Math.max(0, ...names.map((name) => name.length))
  const lines = await Promise.all(names.map(async (name) => `  ${name.padEnd(width)}  ${(await load(name, table)).summary}`))
  return [
    'millrace: streams of records to the exact bytes AWS expects',
    '',
    'Usage: millrace COMMAND [options]',
    '',
    ...lines,
    '',
    'millrace COMMAND --help tells all about one, with an example; --version prints the version.',
    'Data goes to stdout, everything else to stderr. Exit: 0 done, 1 failed, 2 wrong usage.',
    'NO_COLOR turns colour off; MILLRACE_DEBUG=1 shows the stack of an error.',
    '',
    "Example: printf 'AMS\\nSFO\\n' | millrace shard --shards 4",
    '',
  ].join('\n')
}

/** The one candidate within two edits of `name`, or the only one that begins so, for "did you mean". */
function nearest(name: string, candidates: string[]): string | undefined {
  const close = candidates.map((c) => [edits(name, c), c] as const).filter(([d, c]) => d <= 2 && d < c.length)
  if (close.length > 0) return close.sort((a, b) => a[0] - b[0])[0][1]
  const longer = name.length >= 3 ? candidates.filter((c) => c.startsWith(name)) : []
  return longer.length === 1 ? longer[0] : undefined
}

function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= Math.min(a.length, 40); i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) next[j] = Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1))
    row = next
  }
  return row[b.length]
}
