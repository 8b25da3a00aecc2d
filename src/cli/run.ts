// From arguments to an exit code: finds the command, parses its options, words its errors. Knows
// no process, so that tests can call it; main.ts lends it one.
import { parseArgs } from 'node:util'
import { type Command, type Io, UsageError, type Values } from './command.js'
import { meant } from './nearest.js'

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
  throw new UsageError(`unknown ${what} ${JSON.stringify(name)}${meant(name, Object.keys(table))}`)
}

function parse(args: string[], command: Command): { values: Values; positionals: string[] } {
  const options: Command['options'] = { ...command.options, ...HELP }
  try {
    return parseArgs({ args: joined(args, options), options, strict: true, allowPositionals: true })
  } catch (error) {
    if (!(error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'))) throw error
    const [first] = error.message.split(/\. |\n/)
    const [, short, long] = /'(?:-(\w)[,'] ?)?(?:--([^'\s]+))?/.exec(first) ?? []
    const flag = long ?? Object.keys(options).find((name) => short && options[name].short === short) ?? ''
    if (/argument (missing|is ambiguous)/.test(first)) throw new UsageError(`--${flag} expected a value; one that begins with "-" is given as --${flag}=-...`)
    // Node adds advice about `--` that helps nobody who mistyped a flag.
    const near = error.code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION' ? meant(flag, Object.keys(options), '--') : ''
    throw new UsageError(`${first.charAt(0).toLowerCase()}${first.slice(1)}${near}`)
  }
}

/** `--port -1` as `--port=-1`: a negative number is no option, and the command has better words for it than the parser. */
function joined(args: readonly string[], options: Command['options']): string[] {
  const whole: string[] = []
  for (const arg of args) {
    const before = whole.at(-1) ?? ''
    if (/^-\d/.test(arg) && before.startsWith('--') && options[before.slice(2)]?.type === 'string') whole[whole.length - 1] = `${before}=${arg}`
    else whole.push(arg)
  }
  return whole
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
