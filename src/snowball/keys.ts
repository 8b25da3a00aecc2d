// What may be an object key on a Snowball and a path under an extraction root, at once.
import { wrongType } from '../errors.js'
import { SNOWBALL_LIMITS } from '../limits.js'

const KEY_BYTES = SNOWBALL_LIMITS.keyBytes.value

/**
 * Why `key` cannot be the key of an object, or undefined when it can: a relative path of non-empty
 * segments, none of them "." or "..", well-formed Unicode, no NUL, at most 933 bytes with
 * `prefixBytes` of the destination's prefix. A backslash counts as a separator where it could lead
 * upward, and a drive letter as absolute, so that a key means the same on every platform.
 */
export function keyFault(key: string, prefixBytes = 0): string | undefined {
  if (typeof key !== 'string') throw wrongType('key', 'a string', key)
  if (key === '') return 'expected a key, got an empty one'
  // one pass for the usual key; the rest only decides what to say
  if (key.length * 3 + prefixBytes > KEY_BYTES) {
    const size = utf8Size(key) + prefixBytes
    if (size > KEY_BYTES) return `expected a key of at most ${KEY_BYTES} bytes${prefixBytes > 0 ? ' with its prefix' : ''}, got ${size}`
  }
  if (/\p{Surrogate}/u.test(key)) return 'expected a key in well-formed Unicode, got a lone surrogate'
  if (key.includes('\0')) return 'expected a key without NUL'
  if (key.startsWith('/') || key.startsWith('\\') || /^[A-Za-z]:/.test(key)) return 'expected a relative key, got an absolute one'
  for (const segment of key.split('/')) {
    if (segment === '') return 'expected a key without empty segments'
    if (segment === '.' || segment === '..') return `expected a key without ${segment} segments`
    if (segment.includes('\\') && segment.split('\\').includes('..')) return 'expected a key without .. segments'
  }
  return undefined
}

/**
 * Why a store of objects cannot well have `key`, though a file may: a character that XML 1.0 has no way to write, so that
 * every listing with this key in it is one that a strict reader rejects. Undefined when it can.
 */
export function storeFault(key: string): string | undefined {
  const [found] = UNWRITABLE.exec(key) ?? []
  return found && `expected characters that XML can have, as S3 lists keys in it, got ${point(found)}`
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNWRITABLE = /[\x01-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/
/** A character that is not to be seen, by its number. */
export const point = (character: string) => `U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`

export function utf8Size(text: string): number {
  let size = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) continue
    if (unit < 0x800) size += 1
    else if (unit >= 0xd800 && unit < 0xdc00 && isLow(text.charCodeAt(i + 1))) {
      size += 2 // two units, four bytes
      i++
    } else size += 2
  }
  return size
}

const isLow = (unit: number) => unit >= 0xdc00 && unit < 0xe000

/** Order of the UTF-8 bytes, which UTF-16 code units do not have above U+FFFF. */
export function compareKeys(a: string, b: string): number {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return rank(x) - rank(y)
  }
  return a.length - b.length
}

// Surrogates stand for U+10000 and up: behind U+E000 to U+FFFF.
const rank = (unit: number) => (unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800)
