// A schema from a sample of NDJSON. Reads the text of each value, not what JSON.parse makes of it:
// 1 and 1.0 are not the same column, nor are 2^53 and 2^53 + 1.
import { jsonFault, MillraceError, outOfRange, type Position, kindOf as typeName, wrongType } from '../errors.js'
import type { Column, ColumnType, Schema } from './schema.js'

const LONGEST = 2 ** 29 - 24

type Kind = ColumnType | 'null'

// A date, a time to the second and a zone; with more than 6 digits of fraction a microsecond column would cut it.
const TIME = /^"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)"$/
const TOKEN = /[\t\r ]*(?:([{}[\],:])|("(?:[^"\\]|\\.)*")|([^{}[\],:"\s]+))/y

/**
 * The columns of the records in `sample`, in the order of their first appearance, all nullable:
 * - true, false: boolean
 * - whole numbers: int64; int64 with fractions, exponents or numbers beyond 64 bits: double
 * - strings: timestamp (us) where every one is a full ISO 8601 time with a zone and at most 6 digits
 *   of fraction, such as 2024-02-29T12:00:00.5Z; else string
 * - null only: string
 * `complete` says that the sample is all there is; else its last, unfinished line is left out.
 * Throws BAD_INPUT with the record for what a flat schema has no column for: objects, arrays, values
 * of two kinds in one column; and for a line that is no JSON object.
 */
export function inferSchema(sample: Uint8Array, complete = true): Schema {
  if (!(sample instanceof Uint8Array)) throw wrongType('sample', 'a Uint8Array', sample)
  if (typeof complete !== 'boolean') throw wrongType('complete', 'true or false', complete)
  // What V8 has a string for; beyond 2 GiB its TextDecoder gives an empty one.
  if (sample?.length > LONGEST) throw outOfRange('sample.length', `at most ${LONGEST}`, sample.length)
  const inference = new Inference()
  inference.add(sample, complete)
  return inference.schema()
}

/** The same over several sources, which errors name; with `skip` a line that is no JSON object is passed over. */
export class Inference {
  readonly #kinds = new Map<string, Kind>()
  readonly #skip: boolean

  constructor(skip = false) {
    this.#skip = skip
  }

  add(sample: Uint8Array, complete: boolean, source?: string): void {
    // a byte order mark counts as bytes; trim() takes it off
    let text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(sample)
    if (!complete) text = text.slice(0, text.lastIndexOf('\n') + 1)
    const kinds = this.#kinds
    const position = { ...(source === undefined ? {} : { source }), record: 0 }
    let offset = 0
    for (const line of text.split('\n')) {
      const body = line.trim()
      if (body !== '') {
        const fault = objectFault(body)
        if (fault === undefined)
          for (const [name, text] of members(body)) kinds.set(name, join(kinds.get(name) ?? 'null', kindOf(text, name, position), name, position))
        else if (!this.#skip) throw new MillraceError('BAD_INPUT', `expected a JSON object${fault}`, { position: { ...position, offset } })
        position.record++
      }
      offset += byteLength(line) + 1
    }
  }

  schema(): Schema {
    return { columns: [...this.#kinds].map(([name, kind]) => column(name, kind === 'null' ? 'string' : kind)) }
  }
}

/** Why a line is no JSON object, as the end of a sentence; undefined where it is one. */
function objectFault(line: string): string | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (cause) {
    return `: ${jsonFault(cause)}`
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return undefined
  return `, got ${typeof value === 'string' ? 'a string' : typeName(value)}`
}

function column(name: string, type: ColumnType): Column {
  return type === 'timestamp' ? { name, type, unit: 'us', nullable: true } : { name, type, nullable: true }
}

/** The members of a line that is a JSON object, values as text. */
function* members(line: string): Generator<[string, string]> {
  TOKEN.lastIndex = 1
  let name: string | undefined
  for (let token = TOKEN.exec(line); token; token = TOKEN.exec(line)) {
    const [, sign, string, bare] = token
    if (sign === '{' || sign === '[') {
      // what it holds does not matter: the column is refused
      yield [name ?? '', sign]
      return
    }
    if (sign === ',') name = undefined
    else if (name === undefined && string !== undefined) name = JSON.parse(string) as string
    else if (sign === undefined) yield [name ?? '', string ?? bare]
  }
}

function kindOf(value: string, name: string, position: Position): Kind {
  if (value === 'null') return 'null'
  if (value === 'true' || value === 'false') return 'boolean'
  if (value[0] === '"') return TIME.test(value) ? 'timestamp' : 'string'
  if (value === '{' || value === '[') {
    const what = value === '{' ? 'an object' : 'an array'
    throw new MillraceError('BAD_INPUT', `column ${JSON.stringify(name)} holds ${what}; a flat schema has no type for it`, { position })
  }
  // 64 bits have 20 characters at most; BigInt takes 1.6 s for four million digits.
  if (value.length > 20 || /[.eE]/.test(value) || value === '-0') return 'double'
  return BigInt.asIntN(64, BigInt(value)) === BigInt(value) ? 'int64' : 'double'
}

function join(a: Kind, b: Kind, name: string, position: Position): Kind {
  if (a === b || b === 'null') return a
  if (a === 'null') return b
  const both = new Set([a, b])
  if (both.has('int64') && both.has('double')) return 'double'
  if (both.has('string') && both.has('timestamp')) return 'string'
  throw new MillraceError('BAD_INPUT', `column ${JSON.stringify(name)} expected ${a} as in the records before, got ${b}; give a schema`, {
    position,
  })
}

function byteLength(text: string): number {
  let size = text.length
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code >= 0x80) size += code >= 0x800 && (code < 0xd800 || code > 0xdfff) ? 2 : 1
  }
  return size
}
