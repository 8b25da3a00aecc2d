// Standard input as JSON objects, one a line, in batches: a line that is none is reported and left out,
// the rest goes on.
import { fromBase64 } from '../engine/base64.js'
import { jsonFault, kindOf } from '../errors.js'
import type { Io } from './command.js'
import { lineBatches } from './lines.js'

/** A line's value with its place, for the report. */
export interface Line<T> {
  /** One-based, as editors count. */
  line: number
  /** Of its first byte, from the start of the input. */
  offset: number
  value: T
}

/** Faults that are told one by one; the rest is counted. */
const SHOWN = 20

/** Counts and words the lines that are left out. */
export class Faults {
  readonly #io: Io
  readonly #command: string
  count = 0

  constructor(io: Io, command: string) {
    this.#io = io
    this.#command = command
  }

  tell(line: number, offset: number, message: string): void {
    if (this.count++ < SHOWN) this.#io.log(`millrace ${this.#command}: line ${line}, byte ${offset}: ${message}`)
  }

  /** The last word, where there was a fault, and the exit code. */
  end(lines: number): number {
    if (this.count > SHOWN) this.#io.log(`millrace ${this.#command}: and ${this.count - SHOWN} more`)
    if (this.count > 0) this.#io.log(`millrace ${this.#command}: ${this.count} of ${lines} lines left out`)
    return this.count > 0 ? 1 : 0
  }
}

/**
 * The lines of standard input that are not blank, about 1 MiB at a time, each as `read` makes it of its
 * JSON object. `read` throws an Error for an object that is not what it should be.
 */
export async function* jsonLines<T>(io: Io, faults: Faults, read: (object: Record<string, unknown>) => T): AsyncGenerator<{ lines: Line<T>[]; seen: number }> {
  let line = 0
  let seen = 0
  for await (const { bytes, offset, fault } of lineBatches(io.stdin())) {
    io.signal.throwIfAborted()
    if (fault) {
      seen++
      faults.tell(++line, offset, fault)
    }
    const parsed = parseLines(bytes, { line, offset }, read, (...told) => {
      seen++
      faults.tell(...told)
    })
    line += parsed.count
    seen += parsed.lines.length
    yield { lines: parsed.lines, seen }
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The lines of `bytes` that are not blank, each as `read` makes it of its JSON object, and how many lines there are in all. `before`:
 * lines and bytes of the input in front of them. Told of each line that is left out.
 */
export function parseLines<T>(
  bytes: Uint8Array,
  before: { line: number; offset: number },
  read: (object: Record<string, unknown>) => T,
  fault: (line: number, offset: number, message: string) => void,
): { lines: Line<T>[]; count: number } {
  const lines: Line<T>[] = []
  let count = 0
  for (let at = 0; at < bytes.length; ) {
    const feed = bytes.indexOf(10, at)
    const end = feed < 0 ? bytes.length : feed
    const line = before.line + ++count
    const offset = before.offset + at
    try {
      const text = decoder.decode(bytes.subarray(at, end))
      if (text.trim() !== '') lines.push({ line, offset, value: read(object(text)) })
    } catch (error) {
      fault(line, offset, error instanceof TypeError && 'code' in error ? 'expected UTF-8' : (error as Error).message)
    }
    at = end + 1
  }
  return { lines, count }
}

function object(text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new Error(`expected a JSON object: ${jsonFault(error)}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`expected a JSON object, got ${kindOf(value)}`)
  return value as Record<string, unknown>
}

/** A field that is text or, if `optional`, absent or null. Throws an Error that says what was expected. */
export function textField(object: Record<string, unknown>, name: string, optional: true): string | undefined
export function textField(object: Record<string, unknown>, name: string): string
export function textField(object: Record<string, unknown>, name: string, optional?: boolean): string | undefined {
  const value = Object.hasOwn(object, name) ? object[name] : undefined
  if (typeof value === 'string') return value
  if (optional && (value === undefined || value === null)) return undefined
  throw new Error(`"${name}" expected a string, got ${kindOf(value)}`)
}

/** Throws an Error for a field that is none of `allowed`: a misspelt one is not silently left out. */
export function knownFields(object: Record<string, unknown>, allowed: ReadonlySet<string>): void {
  for (const name in object) if (!allowed.has(name)) throw new Error(`expected the fields ${[...allowed].join(', ')}, got ${kindOf(name)}`)
}

/** A field of base64. Throws an Error that names it. */
export function dataField(object: Record<string, unknown>, name: string): Uint8Array {
  const text = textField(object, name)
  try {
    return fromBase64(text, 'lenient')
  } catch (error) {
    throw new Error(`"${name}": ${(error as Error).message}`)
  }
}
