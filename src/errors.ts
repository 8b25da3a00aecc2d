/** Where in its input a fault was seen. */
export interface Position {
  /** Zero-based index of the record in the caller's own input; of NDJSON blank lines are none. */
  record?: number
  /** Byte offset from the start of the input. */
  offset?: number
  /** Line of the input, from 1. */
  line?: number | undefined
  /** File or stream that the input came from. */
  source?: string | undefined
  /** Column of the table whose value it is. */
  column?: string | undefined
}

/** Stable codes; messages may change, codes do not. */
export type ErrorCode =
  | 'OUT_OF_MEMORY'
  | 'BAD_INPUT'
  | 'LIMIT_EXCEEDED'
  | 'CLOSED'
  | 'CORRUPT'
  | 'IO'
  | 'SERVICE'
  | 'MISSING_PEER'
  | 'CONFIG'
  | 'NO_CORE'
  | 'LOCKED'
  | 'LEASE_LOST'
  | 'NOT_DONE'

/** Every error that millrace throws on its own account, bad arguments (TypeError, RangeError) aside. */
export class MillraceError extends Error {
  override readonly name = 'MillraceError'
  readonly code: ErrorCode
  readonly position: Position | undefined

  constructor(code: ErrorCode, message: string, options: { position?: Position; cause?: unknown } = {}) {
    super(`${describe(options.position)}${message}`, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    this.position = options.position
  }
}

function describe(position: Position | undefined): string {
  if (!position) return ''
  const parts: string[] = []
  if (position.source !== undefined) parts.push(position.source)
  if (position.line !== undefined) parts.push(`line ${position.line}`)
  else if (position.record !== undefined) parts.push(`record ${position.record}`)
  if (position.offset !== undefined) parts.push(`byte ${position.offset}`)
  return parts.length > 0 ? `${parts.join(', ')}: ` : ''
}

/** What a value is, for `"label" expected X, got Y`: short, and never the payload itself. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'string') return value.length <= 40 ? JSON.stringify(value) : `a string of ${value.length} characters`
  if (Array.isArray(value)) return 'an array'
  if (value instanceof Date && Number.isNaN(value.getTime())) return 'an invalid Date'
  if (typeof value === 'object') {
    // Of the prototype: a record of somebody's JSON may have a member of that name.
    const name: unknown = Object.getPrototypeOf(value)?.constructor?.name
    return typeof name === 'string' && name !== '' && name !== 'Object' ? name : 'an object'
  }
  return typeof value
}

/** Whether a value is to be awaited. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}

/** Tells an observer, who must not cost what they are told of: what they throw is ignored, at once or by a promise. */
export function inform(observer: () => unknown): void {
  const ignored = () => {}
  try {
    const told = observer()
    if (isThenable(told)) told.then(ignored, ignored)
  } catch {
    ignored()
  }
}

/** What was thrown, in words; a hostile object must not throw again. */
export function messageOf(thrown: unknown): string {
  try {
    return thrown instanceof Error ? String(thrown.message) : `threw ${kindOf(thrown)}`
  } catch {
    return 'threw something that cannot be read'
  }
}

/** TypeError in the one grammar of the public edge. */
export function wrongType(label: string, expected: string, got: unknown): TypeError {
  return new TypeError(`"${label}" expected ${expected}, got ${kindOf(got)}`)
}

/** RangeError in the one grammar of the public edge. */
export function outOfRange(label: string, expected: string, got: unknown): RangeError {
  return new RangeError(`"${label}" expected ${expected}, got ${kindOf(got)}`)
}

/** Throws unless `value` is a whole number from `least` to `most`; where that is Infinity, Infinity is one. */
export function checkWhole(label: string, value: unknown, least: number, most: number): asserts value is number {
  const expected = `a whole number from ${least}${most === Number.POSITIVE_INFINITY ? '' : ` to ${most}`}`
  if (typeof value !== 'number') throw wrongType(label, expected, value)
  if (!(value >= least && value <= most) || Math.floor(value) !== value) throw outOfRange(label, expected, value)
}

/** What JSON.parse had to say, without the piece of the text that V8 and JavaScriptCore quote: that is payload. */
export function jsonFault(error: unknown): string {
  const message = error instanceof SyntaxError ? error.message : ''
  if (/^[^"]* JSON at position \d+|^Unexpected end of JSON input$/.test(message)) return message
  return /^Unexpected token '.'/u.exec(message)?.[0] ?? 'not valid JSON'
}

/** Throws on a key that no option has, so that a misspelt option is not silently the default. */
export function checkKeys(label: string, value: object, allowed: readonly string[]): void {
  for (const key of Object.keys(value)) {
    if (!allowed.includes(key)) throw new TypeError(`"${label}" expected one of ${allowed.join(', ')}, got ${kindOf(key)}`)
  }
}
