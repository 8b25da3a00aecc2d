// NDJSON in pieces of any size -> records in the text, for who reads them in JavaScript.
import { jsonFault, kindOf, MillraceError } from '../errors.js'

export interface RecordsOptions {
  /** Whether a line that is no JSON object ends the work or is left out and counted. */
  onBadRecord: 'fail' | 'skip'
}

export interface Records {
  readonly records: number
  readonly badRecords: number
  write(bytes: Uint8Array): void
  /** Ends the record at hand: what follows is the start of `source`. */
  startSource(source: string | undefined): void
  /** Ends the record at hand, or leaves it out where it was cut. */
  end(complete: boolean): void
}

/** Calls `record` with the place of each JSON object; `bytes` are good until it returns. */
export function createRecords({ onBadRecord }: RecordsOptions, record: (bytes: Uint8Array, at: number) => void): Records {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let source: string | undefined
  let held = new Uint8Array(0)
  let base = 0 // byte of the source at the start of what is held
  let index = 0 // of the record in its source
  let records = 0
  let badRecords = 0

  const line = (bytes: Uint8Array, from: number, to: number) => {
    let at = from
    if (base === 0 && from === 0 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) at = 3
    while (at < to && bytes[at] <= 0x20) at++
    if (at === to) return
    const fault = objectFault(decoder, bytes.subarray(at, to))
    if (fault === undefined) {
      record(bytes, at)
      records++
    } else if (onBadRecord === 'skip') badRecords++
    else
      throw new MillraceError('BAD_INPUT', `expected a JSON object${fault}`, {
        position: { ...(source === undefined ? {} : { source }), record: index, offset: base + at },
      })
    index++
  }

  const take = (bytes: Uint8Array, final: boolean) => {
    let from = 0
    for (let feed = bytes.indexOf(10); feed >= 0; feed = bytes.indexOf(10, from)) {
      line(bytes, from, feed)
      from = feed + 1
    }
    if (final) line(bytes, from, bytes.length)
    held = final ? new Uint8Array(0) : bytes.slice(from)
    base += from
  }

  const end = (complete: boolean) => {
    if (complete) take(held, true)
    held = new Uint8Array(0)
  }

  return {
    get records() {
      return records
    },
    get badRecords() {
      return badRecords
    },
    write(bytes) {
      if (held.length === 0) return take(bytes, false)
      const all = new Uint8Array(held.length + bytes.length)
      all.set(held)
      all.set(bytes, held.length)
      take(all, false)
    },
    startSource(name) {
      end(true)
      source = name
      base = index = 0
    },
    end,
  }
}

/** Why a line is no JSON object, as the end of a sentence; undefined where it is one. */
function objectFault(decoder: TextDecoder, line: Uint8Array): string | undefined {
  let value: unknown
  try {
    value = JSON.parse(decoder.decode(line))
  } catch (error) {
    return error instanceof SyntaxError ? `: ${jsonFault(error)}` : ', got bytes that are no UTF-8'
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return undefined
  return `, got ${typeof value === 'string' ? 'a string' : kindOf(value)}`
}
