// Where one JSON value of several ends and the next begins: `{..}{..}`, NDJSON, or white space between
// them. Only strings and brackets are looked at; whether a value is well-formed is for who parses it.

export interface Span {
  from: number
  to: number
}

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** White space of JSON. */
export const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

/**
 * The values in `bytes`, in order; what is no object or array ends at white space or where one begins.
 * `open`: where a value begins that does not end in these bytes, `bytes.length` where all end. Linear time.
 */
export function splitValues(bytes: Uint8Array): { values: Span[]; open: number } {
  const values: Span[] = []
  const open = eachValue(bytes, (from, to) => values.push({ from, to }))
  return { values, open }
}

/** The same, for who does not keep all of them: a value of two bytes is an object of fifty. Gives `open`. */
export function eachValue(bytes: Uint8Array, told: (from: number, to: number) => void): number {
  let at = 0
  while (at < bytes.length) {
    if (isSpace(bytes[at])) {
      at++
      continue
    }
    const end = endOfValue(bytes, at)
    if (end < 0) return at
    told(at, end)
    at = end
  }
  return bytes.length
}

/** Behind the value that begins at `at`; -1 where it does not end. */
export function endOfValue(bytes: Uint8Array, at: number): number {
  let depth = 0
  for (let i = at; i < bytes.length; i++) {
    const byte = bytes[i]
    if (byte === QUOTE) {
      for (i++; i < bytes.length && bytes[i] !== QUOTE; i++) if (bytes[i] === BACKSLASH) i++
      if (i >= bytes.length) return -1
      if (depth === 0) return i + 1
    } else if (byte === 0x7b || byte === 0x5b) {
      if (depth === 0 && i > at) return i
      depth++
    } else if (byte === 0x7d || byte === 0x5d) {
      if (--depth <= 0) return i + 1
    } else if (depth === 0 && isSpace(byte)) return i
  }
  return depth > 0 ? -1 : bytes.length
}
