#!/usr/bin/env node
// The process around a command: streams, signals, exit code. Nothing else in src/ says `process`
// but the ports.
import { fstatSync, write as writeFile } from 'node:fs'
import { promisify } from 'node:util'
import { VERSION } from '../engine/core.js'
import { MillraceError } from '../errors.js'
import { nodePorts } from '../ports/node.js'
import type { Io } from './command.js'
import { commands } from './commands.js'
import { explain } from './explain.js'
import { run } from './run.js'

const { stdin, stdout, stderr, env } = process
const stop = new AbortController()
/** The one that io.write uses. What else writes there, console.log of a user's module say, would stand among the data. */
const put = stdout.write.bind(stdout)
stdout.write = stderr.write.bind(stderr)
/** Whether a signal is left to the process that drives this one. */
let patient = false
/** Set where something outside ended us: a signal's 128 + n, or 0 where the reader of stdout left. */
let ended: number | undefined

function end(code: number, reason: Error): void {
  ended ??= code
  stop.abort(reason)
  // wakes a command that waits for input
  stdin.destroy(reason)
}

/** Milliseconds in which signals count as one: `timeout`, npx and a terminal send theirs to a process and to its group. */
const ONE_SIGNAL = 500
let signalled = Number.NEGATIVE_INFINITY

for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
] as const) {
  process.on(signal, () => {
    if (patient) {
      patient = false
      return
    }
    // The first one lets the command clean up, the second does not wait for it, nor for a thread that
    // reads a pipe with no writer, which exit() would.
    const now = nodePorts.clock.monotonic()
    if (now - signalled < ONE_SIGNAL) return
    if (stop.signal.aborted) {
      progress('')
      process.removeAllListeners(signal)
      process.kill(process.pid, signal)
    }
    signalled = now
    end(128 + number, new MillraceError('CLOSED', `interrupted by ${signal}`))
  })
}

const closed = new MillraceError('CLOSED', 'standard output was closed by its reader')
stdout.on('error', broken)
stdin.on('error', () => {})
stderr.on('error', () => {})

function broken(error: NodeJS.ErrnoException): unknown {
  if (error.code === 'EPIPE') end(0, closed)
  else end(1, new MillraceError('IO', `standard output: ${error.message}`, { cause: error }))
  return stop.signal.reason
}

/**
 * What a descriptor is. In bigint, since Node remembers the other answer, and where that is of a pipe or a socket no longer
 * resolves the links of the packages that it imports (fs.realpathSync of 20, with its cache).
 */
const statOf = (fd: number) => fstatSync(fd, { bigint: true })

const writeSome = promisify(writeFile)
const toFile = statOf(1).isFile()

/** Node's stream over a file forgets what a full disk, or a limit, leaves of a write. */
async function writeAll(chunk: Uint8Array | string): Promise<void> {
  const bytes = typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk
  for (let at = 0; at < bytes.length; ) at += (await writeSome(1, bytes, at)).bytesWritten
}

/** Resolves once the system has it: what waits in this process's memory is gone with it, and no command may count it as written. */
async function write(chunk: Uint8Array | string): Promise<void> {
  if (chunk.length === 0) return
  if (stdout.errored || stdout.destroyed) throw stop.signal.reason ?? closed
  // Both are on the screen: what is written must not begin behind the progress line.
  if (stdout.isTTY) progress('')
  const written = toFile ? writeAll(chunk) : new Promise<void>((resolve, reject) => put(chunk, (error) => (error ? reject(error) : resolve())))
  await written.catch((error) => {
    throw broken(error)
  })
}

const tty = stderr.isTTY === true && env.TERM !== 'dumb'
const CLEAR = '\r\x1b[2K'
let shown = ''
let drawn = 0

function log(line: string): void {
  stderr.write(shown ? `${CLEAR}${line}\n${shown}` : `${line}\n`)
}

function progress(line: string): void {
  if (!tty || (line === '' && shown === '')) return
  const now = nodePorts.clock.monotonic()
  // 20 frames a second at most; an empty line always clears.
  if (line !== '' && shown !== '' && now - drawn < 50) return
  drawn = now
  shown = line.slice(0, Math.max(0, (stderr.columns || 80) - 1))
  stderr.write(CLEAR + shown)
}

/** Node takes a directory for empty input. */
function input(): AsyncIterable<Uint8Array> {
  if (statOf(0).isDirectory()) throw new MillraceError('IO', 'standard input: expected a file or a pipe, got a directory')
  return stdin
}

const io: Io = {
  stdin: input,
  write,
  terminal: stdout.isTTY
    ? {
        get columns() {
          return stdout.columns || 80
        },
        color: env.TERM !== 'dumb' && !env.NO_COLOR,
      }
    : undefined,
  log,
  progress,
  get columns() {
    return tty ? stderr.columns || 80 : 0
  },
  color: tty && !env.NO_COLOR,
  ports: nodePorts,
  driven() {
    patient = true
  },
  signal: stop.signal,
}

/** How errors begin: with the command, where there is one. */
const name = process.argv[2] ?? ''
const self = Object.hasOwn(commands, name) ? `millrace ${name}` : 'millrace'

function leave(code: number): void {
  progress('')
  process.exitCode = ended ?? code
  // Keep-alive sockets and an unread stdin must not hold a finished command; what was written goes out first.
  put('', (error) => {
    // The command had ended before the last of its output failed: a full disk, not a reader who left.
    if (error && !told && ended !== 0) log(`${self}: standard output: ${error.message}`)
    process.exit()
  })
}

function tell(error: unknown): void {
  const stack = env.MILLRACE_DEBUG && error instanceof Error ? error.stack : undefined
  log(`${self}: ${stack ?? explain(error)}`)
}

let told = false
run(process.argv.slice(2), commands, VERSION, io).then(leave, (error: unknown) => {
  progress('')
  // An interrupted call says so in words of its own.
  const cause = stop.signal.aborted && !(error instanceof MillraceError) ? stop.signal.reason : error
  if (ended !== 0 && !told) tell(cause)
  told = true
  leave(1)
})

// Of code that is not ours, such as --module's or the demo's server: no command can catch it.
process.on('uncaughtException', (error) => {
  if (told) return
  told = true
  tell(error)
  end(1, error)
  // Time for the command to clean up.
  void nodePorts.clock.sleep(5_000).then(() => process.exit())
  process.exitCode = 1
})

// Nothing is left that could wake the command.
process.on('beforeExit', () => {
  log(`${self}: ended before the command had, which waited for something that never came`)
  process.exit(1)
})
