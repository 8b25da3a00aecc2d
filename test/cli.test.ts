import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Command, type Io, UsageError } from '../src/cli/command.js'
import { commands } from '../src/cli/commands.js'
import { run, type Table } from '../src/cli/run.js'
import { VERSION } from '../src/engine/core.js'
import { nodePorts } from '../src/ports/node.js'

const MAIN = new URL('../dist/esm/cli/main.js', import.meta.url).pathname

function memory(): { io: Io; out: () => string; err: () => string } {
  let out = ''
  let err = ''
  const io: Io = {
    async *stdin() {},
    async write(chunk) {
      out += typeof chunk === 'string' ? chunk : new TextDecoder().decode(chunk)
    },
    terminal: undefined,
    log(line) {
      err += `${line}\n`
    },
    progress() {},
    columns: 0,
    color: false,
    ports: nodePorts,
    driven() {},
    signal: new AbortController().signal,
  }
  return { io, out: () => out, err: () => err }
}

const echo: Command = {
  summary: 'gives back its arguments',
  help: 'Usage: millrace echo [--count N]',
  options: { count: { type: 'string', short: 'c' }, loud: { type: 'boolean' } },
  async run(values, positionals, io) {
    if (values.count === 'x') throw new UsageError('--count expected a number')
    if (values.count === '0') throw new RangeError('"count" expected 1 to 9, got 0')
    if (values.count === '1') throw new TypeError('cannot read properties of undefined')
    await io.write(JSON.stringify({ ...values, positionals }))
    return positionals.includes('fail') ? 1 : 0
  },
}
const table: Table = { echo: async () => ({ command: echo }) }

async function call(...args: string[]) {
  const { io, out, err } = memory()
  const code = await run(args, table, '1.2.3', io)
  return { code, out: out(), err: err() }
}

describe('run', () => {
  it('hands values and positionals to the command, and its exit code back', async () => {
    expect(await call('echo', 'a', '--count', '3', '--loud')).toEqual({ code: 0, out: '{"count":"3","loud":true,"positionals":["a"]}', err: '' })
    expect((await call('echo', 'fail')).code).toBe(1)
  })

  it('takes a negative number for a value', async () => {
    expect((await call('echo', '--count', '-1', '--loud')).out).toBe('{"count":"-1","loud":true,"positionals":[]}')
  })

  it('helps, overall and per command', async () => {
    for (const args of [['--help'], ['-h'], ['help']]) {
      const { code, out } = await call(...args)
      expect(code).toBe(0)
      expect(out).toContain('  echo  gives back its arguments\n')
    }
    for (const args of [
      ['echo', '--help'],
      ['echo', '-h'],
      ['help', 'echo'],
    ])
      expect(await call(...args)).toEqual({ code: 0, out: 'Usage: millrace echo [--count N]\n', err: '' })
    expect(await call('--version')).toEqual({ code: 0, out: '1.2.3\n', err: '' })
  })

  it.each([
    [[], 'millrace: expected a command, one of echo\nTry: millrace --help\n'],
    [['ecko'], 'millrace: unknown command "ecko"; did you mean echo?\nTry: millrace --help\n'],
    [['__proto__'], 'millrace: unknown command "__proto__"\nTry: millrace --help\n'],
    [['--verbose'], 'millrace: unknown option "--verbose"\nTry: millrace --help\n'],
    [['help', 'nothing'], 'millrace: unknown command "nothing"\nTry: millrace --help\n'],
    [['echo', '--coutn', '1'], "millrace echo: unknown option '--coutn'; did you mean --count?\nTry: millrace echo --help\n"],
    [['echo', '--count'], 'millrace echo: --count expected a value; one that begins with "-" is given as --count=-...\nTry: millrace echo --help\n'],
    [['echo', '--count', '--loud'], 'millrace echo: --count expected a value; one that begins with "-" is given as --count=-...\nTry: millrace echo --help\n'],
    [['echo', '-c', '--loud'], 'millrace echo: --count expected a value; one that begins with "-" is given as --count=-...\nTry: millrace echo --help\n'],
    [['echo', '-x'], "millrace echo: unknown option '-x'\nTry: millrace echo --help\n"],
    [['echo', '--loud=yes'], "millrace echo: option '--loud' does not take an argument\nTry: millrace echo --help\n"],
    [['echo', '--count', 'x'], 'millrace echo: --count expected a number\nTry: millrace echo --help\n'],
    [['echo', '--count', '0'], 'millrace echo: --count expected 1 to 9, got 0\nTry: millrace echo --help\n'],
  ])('%j is wrong usage', async (args, err) => {
    expect(await call(...args)).toEqual({ code: 2, out: '', err })
  })

  it('leaves what is no usage error to its caller', async () => {
    await expect(call('echo', '--count', '1')).rejects.toThrow('cannot read properties')
  })
})

describe.each(Object.keys(commands))('millrace %s', (name) => {
  it('has a summary of one line and a help with usage and example', async () => {
    const { command } = await commands[name]()
    expect(command.summary).toMatch(/^.{10,90}$/)
    expect(command.help).toMatch(new RegExp(`^Usage: millrace ${name}\\b`))
    expect(command.help).toContain('Example')
    for (const line of command.help.split('\n')) expect(line.length, line).toBeLessThanOrEqual(120)
    for (const option of Object.keys(command.options)) expect(command.help).toContain(`--${option}`)
  })

  it('takes an unknown option for wrong usage', async () => {
    const { io, out, err } = memory()
    expect(await run([name, '--no-such-option'], commands, VERSION, io)).toBe(2)
    expect(out()).toBe('')
    expect(err()).toContain(`Try: millrace ${name} --help`)
  })
})

function millrace(args: string[], { input = '', env = {} as Record<string, string>, closeStdout = false } = {}) {
  return new Promise<{ code: number | null; out: string; err: string }>((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...args], { env: { ...process.env, ...env }, timeout: 20_000 })
    let out = ''
    let err = ''
    if (closeStdout) child.stdout.destroy()
    else child.stdout.on('data', (chunk) => (out += chunk))
    child.stderr.on('data', (chunk) => (err += chunk))
    child.stdin.on('error', () => {})
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, out, err }))
    child.stdin.end(input)
  })
}

describe('millrace as a process', () => {
  beforeAll(() => {
    if (!existsSync(MAIN)) throw new Error('run `node build.mjs` first')
  })

  it('prints help and version on stdout', async () => {
    const [help, version] = await Promise.all([millrace(['--help']), millrace(['--version'])])
    expect(help.code).toBe(0)
    expect(help.err).toBe('')
    expect(help.out).toContain('Usage: millrace COMMAND')
    expect(version).toEqual({ code: 0, out: `${VERSION}\n`, err: '' })
  })

  it('exits 2 for wrong usage, with nothing on stdout', async () => {
    const [none, unknown] = await Promise.all([millrace([]), millrace(['shart'])])
    expect([none.code, none.out]).toEqual([2, ''])
    expect([unknown.code, unknown.out]).toEqual([2, ''])
    expect(unknown.err).toContain('unknown command "shart"')
  })

  it('exits quietly when the reader of stdout has left', async () => {
    expect(await millrace(['--help'], { closeStdout: true })).toEqual({ code: 0, out: '', err: '' })
  })

  it('stops reading when the reader of stdout leaves half-way', async () => {
    const child = spawn(process.execPath, [MAIN, 'shard', '--shards', '4'], { timeout: 20_000 })
    let err = ''
    child.stderr.on('data', (chunk) => (err += chunk))
    child.stdin.on('error', () => {})
    // endless input: only the broken pipe can end this
    const lines = 'key\n'.repeat(10_000)
    const feed = () => {
      while (child.stdin.writable && child.stdin.write(lines));
    }
    child.stdin.on('drain', feed)
    feed()
    await new Promise((resolve) => child.stdout.once('data', resolve))
    child.stdout.destroy()
    const code = await new Promise((resolve) => child.on('close', resolve))
    expect([code, err]).toEqual([0, ''])
  })

  /** A run amid its work, whose output is thrown away; `end` gives its code, or the signal that ended it, and stderr. */
  async function busy() {
    const child = spawn(process.execPath, [MAIN, 'shard', '--shards', '4'], { timeout: 20_000 })
    let err = ''
    child.stderr.on('data', (chunk) => (err += chunk))
    // Node 24 tells that the child no longer reads
    child.stdin.on('error', () => {})
    child.stdin.write('key\n'.repeat(300_000))
    await new Promise((resolve) => child.stdout.once('data', resolve))
    child.stdout.resume()
    const end = () =>
      new Promise<{ code: string | number | null; err: string }>((resolve) => child.on('close', (code, signal) => resolve({ code: signal ?? code, err })))
    return { child, end }
  }

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('ends on %s with %d', async (signal, expected) => {
    const { child, end } = await busy()
    child.kill(signal)
    const { code, err } = await end()
    expect(code).toBe(expected)
    expect(err).toContain(`interrupted by ${signal}`)
  })

  // as of `timeout`, which tells the process and then its group, and of npx, which hands it on as well
  it('takes signals that come together for one', async () => {
    const { child, end } = await busy()
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGTERM'] as const) child.kill(signal)
    const { code, err } = await end()
    expect(code).toBeOneOf([130, 143])
    expect(err.match(/interrupted by/g)).toHaveLength(1)
  })

  it('ends on the second signal while it waits for a pipe that nobody writes to', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'millrace-cli-'))
    const pipe = join(dir, 'pipe')
    execFileSync('mkfifo', [pipe])
    // holds the other end open, and writes nothing
    const writer = openSync(pipe, 'r+')
    const child = spawn(process.execPath, [MAIN, 'parquet', pipe, '-o', join(dir, 'out.parquet')], { timeout: 20_000 })
    const gone = new Promise((resolve) => child.on('close', (code, signal) => resolve(signal ?? code)))
    // again and again: the first may come before anybody listens, the next too soon to be a second one
    const again = setInterval(() => child.kill('SIGINT'), 700)
    try {
      expect(await gone).toBe('SIGINT')
    } finally {
      clearInterval(again)
      closeSync(writer)
      rmSync(dir, { recursive: true })
    }
  })

  it.runIf(existsSync('/dev/full'))('fails with a reason where stdout is a full disk', () => {
    const { status, stderr } = spawnSync('/bin/sh', ['-c', `echo key | "$0" "$1" shard --shards 4 >/dev/full`, process.execPath, MAIN])
    expect([status, stderr.toString()]).toEqual([1, expect.stringMatching(/^millrace shard: standard output: .*ENOSPC.*\n$/)])
  })

  it('fails where a limit cuts its last write to a file', () => {
    const dir = mkdtempSync(join(tmpdir(), 'millrace-cli-'))
    try {
      // ulimit -f counts blocks of 512 bytes, in some shells 1,024
      const keys = Array.from({ length: 200 }, (_, i) => `key${i}\n`).join('')
      const script = `ulimit -f 1; "$0" "$1" shard --shards 4 >"$2"`
      const { status, stderr } = spawnSync('/bin/sh', ['-c', script, process.execPath, MAIN, join(dir, 'out')], { input: keys })
      expect([status, stderr.toString()]).toEqual([1, expect.stringMatching(/^millrace shard: standard output: EFBIG.*\n$/)])
    } finally {
      rmSync(dir, { recursive: true })
    }
  })

  it('does not take a directory for empty input', () => {
    const { status, stderr } = spawnSync('/bin/sh', ['-c', `"$0" "$1" shard --shards 4 </`, process.execPath, MAIN])
    expect([status, stderr.toString()]).toEqual([1, 'millrace shard: standard input: expected a file or a pipe, got a directory\n'])
  })

  it('tells what code that is not ours has thrown or never settles, without a stack', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'millrace-cli-'))
    const event = JSON.stringify({ records: [{ recordId: '1', data: 'aGk=' }] })
    const module = (name: string, text: string) => {
      writeFileSync(join(dir, name), text)
      return ['transform', '--module', join(dir, name)]
    }
    const throws = module('throws.mjs', 'setTimeout(() => { throw new Error("later") }, 1); export default () => new Promise((r) => setTimeout(r, 500))')
    const hangs = module('hangs.mjs', 'export default () => new Promise(() => {})')
    try {
      expect(await millrace(throws, { input: event })).toMatchObject({ code: 1, err: 'millrace transform: later\n' })
      expect(await millrace(hangs, { input: event })).toMatchObject({ code: 1, out: '', err: expect.stringContaining('something that never came') })
    } finally {
      rmSync(dir, { recursive: true })
    }
  })

  it('has nothing of a module on stdout but what it answers, and knows the outputs of one in CommonJS', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'millrace-cli-'))
    const firehose = JSON.stringify(new URL('../dist/cjs/firehose/index.js', import.meta.url).pathname)
    const text = `console.log('loaded'); const { withMetadata } = require(${firehose})
module.exports = (record) => withMetadata(record.text(), { partitionKeys: { day: '1' } })`
    writeFileSync(join(dir, 'shape.cjs'), text)
    try {
      const { code, out, err } = await millrace(['transform', '--module', join(dir, 'shape.cjs')], {
        input: JSON.stringify({ records: [{ recordId: '1', data: 'aGk=' }] }),
      })
      expect({ code, err }).toEqual({ code: 0, err: 'loaded\n' })
      expect(JSON.parse(out)).toEqual({ records: [{ recordId: '1', result: 'Ok', data: 'aGkK', metadata: { partitionKeys: { day: '1' } } }] })
    } finally {
      rmSync(dir, { recursive: true })
    }
  })

  it('shows the stack of a failure only to who asks', async () => {
    const args = ['snowball', 'verify', '/nonexistent/folder']
    const [plain, debug] = await Promise.all([millrace(args), millrace(args, { env: { MILLRACE_DEBUG: '1' } })])
    expect([plain.code, debug.code]).toEqual([1, 1])
    expect(plain.err).not.toContain('    at ')
    expect(debug.err).toContain('    at ')
  })
})
