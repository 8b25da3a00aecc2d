// What every command is: data on stdout, everything else on stderr; main.ts runs it.
import type { ParseArgsConfig } from 'node:util'
import type { Ports } from '../ports/ports.js'

/** What a command may touch. */
export interface Io {
  /** Bytes of standard input. */
  stdin(): AsyncIterable<Uint8Array>
  /** Writes data to standard output, waiting while the reader is slow. What else writes there goes to standard error. */
  write(chunk: Uint8Array | string): Promise<void>
  /** The terminal behind standard output, where it is one: binary data would garble it. Its columns as they are now. */
  readonly terminal: { readonly columns: number; readonly color: boolean } | undefined
  /** A line on standard error. */
  log(line: string): void
  /** Replaces the progress line on a TTY; without a TTY nothing. */
  progress(line: string): void
  /** Columns of the terminal behind standard error as it is now, 0 where it is none; colour only where `color`. */
  readonly columns: number
  readonly color: boolean
  readonly ports: Ports
  /**
   * For a command that another process drives through stdin and stdout: the first SIGINT or SIGTERM is left to that process,
   * which gets it too where a terminal or a service manager sends it, and then ends this one in good order.
   */
  driven(): void
  /** Aborted by SIGINT or SIGTERM. */
  readonly signal: AbortSignal
}

export type Values = Record<string, string | boolean | (string | boolean)[] | undefined>

export interface Command {
  /** One line for `millrace --help`. */
  summary: string
  /** All of `millrace COMMAND --help`, with an example. */
  help: string
  options: NonNullable<ParseArgsConfig['options']>
  /** Options of factories whose flags have other names: what messages about them then say. */
  flags?: Readonly<Record<string, string>>
  /** Gives the exit code: 0 done, 1 failed. A UsageError makes it 2. */
  run(values: Values, positionals: string[], io: Io): Promise<number>
}

/** The whole number in an option, or undefined where it was not given. Throws UsageError. */
export function wholeOption(values: Values, name: string, least: number, most: number = Number.MAX_SAFE_INTEGER): number | undefined {
  const text = values[name]
  if (text === undefined) return undefined
  const value = typeof text === 'string' && /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  // The bound that nobody set is told only to who is beyond it.
  const range = most === Number.MAX_SAFE_INTEGER && !/^\d{16,}$/.test(String(text)) ? `from ${least}` : `from ${least} to ${most}`
  throw new UsageError(`--${name} expected a whole number ${range}, got ${JSON.stringify(text)}`)
}

/** The text in an option, or undefined where it was not given. Throws UsageError where it is empty. */
export function textOption(values: Values, name: string, expected: string): string | undefined {
  const text = values[name]
  if (text === '') throw new UsageError(`--${name} expected ${expected}, got ""`)
  return text as string | undefined
}

/** The word in an option, by default the first of `allowed`. Throws UsageError. */
export function oneOf<const T extends readonly [string, ...string[]]>(values: Values, name: string, allowed: T): T[number] {
  const value = values[name] ?? allowed[0]
  const known = allowed.find((word) => word === value)
  if (known === undefined) throw new UsageError(`--${name} expected one of ${allowed.join(', ')}, got ${JSON.stringify(value)}`)
  return known
}

/** The command line itself is wrong: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
