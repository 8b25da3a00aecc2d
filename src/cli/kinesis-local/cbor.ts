// As much of CBOR (RFC 8949) as the AWS SDKs that speak it to Kinesis send: maps with text keys, arrays,
// text, byte strings, integers, doubles, booleans, null, tags (passed over), definite and
// indefinite lengths. Byte strings are Uint8Array.
import { concat } from '../../bytes.js'
import { MillraceError } from '../../errors.js'

const DEPTH = 32
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** Throws BAD_INPUT for what is cut short, too deep or not of these kinds. */
export function decodeCbor(bytes: Uint8Array): unknown {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let at = 0
  const bad = (what: string) => new MillraceError('BAD_INPUT', `expected CBOR, got ${what}`, { position: { offset: at } })
  const take = (size: number) => {
    if (size > bytes.length - at) throw bad('its end')
    at += size
    return at - size
  }
  const length = (info: number): number => {
    if (info < 24) return info
    if (info === 24) return view.getUint8(take(1))
    if (info === 25) return view.getUint16(take(2))
    if (info === 26) return view.getUint32(take(4))
    if (info === 27) return Number(view.getBigUint64(take(8)))
    throw bad(`length ${info}`)
  }
  const atBreak = () => {
    if (at >= bytes.length) throw bad('its end')
    if (bytes[at] !== 0xff) return false
    at++
    return true
  }
  // Strings of indefinite length are pieces of definite ones.
  const string = (major: number, info: number): Uint8Array => {
    if (info !== 31) {
      const size = length(info)
      const from = take(size)
      return bytes.subarray(from, from + size)
    }
    const parts: number[] = []
    while (!atBreak()) {
      const head = bytes[take(1)]
      if (head >> 5 !== major || (head & 31) === 31) throw bad('a piece of another kind')
      parts.push(...string(major, head & 31))
    }
    return Uint8Array.from(parts)
  }
  const item = (depth: number): unknown => {
    if (depth > DEPTH) throw bad(`more than ${DEPTH} levels`)
    const head = bytes[take(1)]
    const [major, info] = [head >> 5, head & 31]
    if (major === 0) return length(info)
    if (major === 1) return -1 - length(info)
    if (major === 2) return string(2, info)
    if (major === 3) return decoder.decode(string(3, info))
    if (major === 4) {
      const list: unknown[] = []
      for (let left = info === 31 ? Number.POSITIVE_INFINITY : length(info); left > 0 && !(info === 31 && atBreak()); left--) list.push(item(depth + 1))
      return list
    }
    if (major === 5) {
      const entries: [string, unknown][] = []
      for (let left = info === 31 ? Number.POSITIVE_INFINITY : length(info); left > 0 && !(info === 31 && atBreak()); left--) {
        const key = item(depth + 1)
        if (typeof key !== 'string') throw bad('a key that is no text')
        entries.push([key, item(depth + 1)])
      }
      return Object.fromEntries(entries)
    }
    if (major === 6) {
      length(info)
      return item(depth + 1)
    }
    if (info === 20 || info === 21) return info === 21
    if (info === 22 || info === 23) return null
    if (info === 26) return view.getFloat32(take(4))
    if (info === 27) return view.getFloat64(take(8))
    throw bad(`simple value ${info}`)
  }
  const value = item(0)
  if (at !== bytes.length) throw bad('bytes behind it')
  return value
}

/** Text, numbers, booleans, byte strings, arrays and objects; what is undefined is left out. */
export function encodeCbor(value: unknown): Uint8Array {
  const parts: Uint8Array[] = []
  const head = (major: number, size: number) => {
    const top = major << 5
    if (size < 24) parts.push(Uint8Array.of(top | size))
    else if (size < 256) parts.push(Uint8Array.of(top | 24, size))
    else if (size < 65_536) parts.push(Uint8Array.of(top | 25, size >> 8, size & 255))
    else parts.push(Uint8Array.of(top | 26, size >>> 24, (size >> 16) & 255, (size >> 8) & 255, size & 255))
  }
  const item = (value: unknown): void => {
    if (typeof value === 'string') {
      const bytes = encoder.encode(value)
      head(3, bytes.length)
      parts.push(bytes)
    } else if (typeof value === 'number') {
      if (Number.isInteger(value) && value >= 0 && value <= 0xffffffff) head(0, value)
      else {
        const double = new Uint8Array(9)
        double[0] = 0xfb
        new DataView(double.buffer).setFloat64(1, value)
        parts.push(double)
      }
    } else if (typeof value === 'boolean') parts.push(Uint8Array.of(value ? 0xf5 : 0xf4))
    else if (value instanceof Uint8Array) {
      head(2, value.length)
      parts.push(value)
    } else if (Array.isArray(value)) {
      head(4, value.length)
      for (const one of value) item(one)
    } else if (value !== null && typeof value === 'object') {
      const entries = Object.entries(value).filter(([, one]) => one !== undefined)
      head(5, entries.length)
      for (const [key, one] of entries) {
        item(key)
        item(one)
      }
    } else parts.push(Uint8Array.of(0xf6))
  }
  item(value)
  return concat(parts)
}
