// Base64 for the stages: bytes to bytes in the core; strings by the runtime's own decoder, which no
// 128-bit kernel beats (Buffer 6-34 GB/s), and by the core where that one would hide a fault.
import { MillraceError } from '../errors.js'
import { BAD_INPUT, BASE64_BITS, BASE64_ENDS } from './core.js'
import { engine } from './engine.js'

/**
 * What a decoder accepts (RFC 4648). `strict`: the canonical form only, that is "+/" alphabet, right
 * padding, zero trailing bits. `lenient`: also "-" and "_", ASCII white space, missing or excess
 * padding and any trailing bits, as real Firehose events and hand-made files have them.
 */
export type Base64Mode = 'strict' | 'lenient'

/** Base64 text of `data`, padded, as ASCII bytes. */
export function encodeBase64(data: Uint8Array): Uint8Array<ArrayBuffer> {
  const e = engine()
  return e.scope(() => {
    const src = e.put(data)
    const cap = Math.ceil(data.length / 3) * 4
    const dst = e.reserve(cap)
    const size = e.core.base64Encode(src, data.length, dst, cap)
    return e.bytes().slice(dst, dst + size) as Uint8Array<ArrayBuffer>
  })
}

/** The bytes that `text` (ASCII bytes) stands for. Throws BAD_INPUT with the offset of the first bad byte. */
export function decodeBase64(text: Uint8Array, mode: Base64Mode = 'strict'): Uint8Array<ArrayBuffer> {
  const e = engine()
  return e.scope(() => {
    const src = e.put(text)
    const size = e.core.base64Decode(src, text.length, src, text.length, mode === 'lenient')
    if (size === BAD_INPUT) throw badBase64()
    return e.bytes().slice(src, src + size) as Uint8Array<ArrayBuffer>
  })
}

/** The error for the fault that base64Decode has just reported. */
export function badBase64(): MillraceError {
  const e = engine()
  const at = e.core.report() >> 2
  const offset = e.words()[at + 2]
  const detail = e.words()[at + 4]
  const what =
    detail === BASE64_ENDS ? 'the text ends inside a group of four' : detail === BASE64_BITS ? 'trailing bits are not zero' : 'this character has no place here'
  return new MillraceError('BAD_INPUT', `expected base64: ${what}`, { position: { offset } })
}

/** Base64 text of `data`, padded. */
export function toBase64(data: Uint8Array): string {
  if (typeof Buffer !== 'undefined') return Buffer.from(data.buffer, data.byteOffset, data.length).toString('base64')
  return new TextDecoder('latin1').decode(encodeBase64(data))
}

/** The bytes that `text` stands for. Throws BAD_INPUT with the index of the first bad character. */
export function fromBase64(text: string, mode: Base64Mode = 'strict'): Uint8Array<ArrayBuffer> {
  if (typeof Buffer !== 'undefined') {
    const bytes = Buffer.from(text, 'base64')
    if (plain(text, bytes.length, mode)) return new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length)
  }
  return decodeBase64(new TextEncoder().encode(text), mode)
}

/**
 * Whether Buffer, which skips what it does not know and stops at nothing, took every character of
 * `text` when it gave `size` bytes: 6 bits a character leave no other explanation, unless one
 * character stands alone at the end. False only means that the core must look.
 */
export function plain(text: string, size: number, mode: Base64Mode): boolean {
  let n = text.length
  // Of a string with a character past U+00FF Buffer sees the low bytes: U+0141 is "A" to it.
  if (typeof Buffer !== 'undefined' && Buffer.byteLength(text) !== n) return false
  if (mode === 'lenient') while (n > 0 && text.charCodeAt(n - 1) === 61) n--
  else {
    if (n % 4 !== 0) return false
    if (n > 0 && text.charCodeAt(n - 1) === 61) n -= text.charCodeAt(n - 2) === 61 ? 2 : 1
    if (text.includes('-') || text.includes('_')) return false
    // The last sextet has 4 bits (or 2) that no byte takes.
    if (n % 4 !== 0 && sextet(text.charCodeAt(n - 1)) & (n % 4 === 2 ? 15 : 3)) return false
  }
  return n % 4 !== 1 && size === Math.floor((n * 3) / 4)
}

function sextet(code: number): number {
  return 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'.indexOf(String.fromCharCode(code))
}
