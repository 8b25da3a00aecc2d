// JavaScript strings into linear memory: the dearest step of every path that starts from strings, so
// they are joined and written together (13 ns a key for up to 2,048 UUIDs on Node, 33 to 45 ns for more,
// where the pieces outgrow the cache; encodeInto for each one 62 to 115 ns).
import { wrongType } from '../errors.js'
import type { Arena, Instance } from './binary.js'

const encoder = new TextEncoder()

/** Writes `text` as UTF-8 to `at`, whole characters only and at most `room` bytes; gives the bytes written. */
export function writeText(e: Instance<Arena>, text: string, at: number, room: number): number {
  const bytes = e.bytes()
  if (typeof Buffer !== 'undefined') return Buffer.from(bytes.buffer as ArrayBuffer, at, room).write(text, 'utf8')
  return encoder.encodeInto(text, bytes.subarray(at, at + room)).written
}

/**
 * A new arena block with strings[from, to) in UTF-8, one behind the other. The word `row` of memory and
 * the one after it become the offset (from the block) and the size of the first one, `stride` words on
 * those of the second one, and so on. Lone surrogates become U+FFFD, as in every UTF-8 encoder of the
 * platform. Throws TypeError for what is no string, called `label[i]`. Gives the block's address.
 */
export function putText(e: Instance<Arena>, strings: readonly string[], from: number, to: number, row: number, stride: number, label: string): number {
  let words = e.words()
  let joined = ''
  for (let i = from, at = row; i < to; i++, at += stride) {
    const text = strings[i]
    if (typeof text !== 'string') throw wrongType(`${label}[${i}]`, 'a string', text)
    words[at] = joined.length
    words[at + 1] = text.length
    joined += text
  }
  // With a character past ASCII the text takes more than joined.length bytes; cut off at 8 bytes more
  // it still does, as no character takes more than 4. So equality means ASCII: sizes are lengths.
  const room = joined.length + 8
  const block = e.reserve(room)
  if (writeText(e, joined, block, room) === joined.length) return block
  const wide = e.reserve(3 * joined.length)
  const bytes = e.bytes()
  words = e.words()
  for (let i = from, at = row, end = wide; i < to; i++, at += stride) {
    words[at] = end - wide
    end += words[at + 1] = encoder.encodeInto(strings[i], bytes.subarray(end)).written
  }
  return wide
}
