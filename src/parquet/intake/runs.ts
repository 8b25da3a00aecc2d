// Strings and binary of one column as bytes and offsets.
import { outOfRange, wrongType } from '../../errors.js'
import type { LeafType } from '../../types.js'

/** Cell i is bytes[offsets[i], offsets[i + 1]). */
export interface Runs {
  bytes: Uint8Array
  offsets: Int32Array | Uint32Array
}

/** Strings encoded at a time: one call for many, see engine/text.ts. */
const MANY = 1024

/** Checks what is in that form already, encodes strings, joins byte arrays. `valid` where there are nulls among them. */
export function runsOf(label: string, type: LeafType, input: { values?: unknown; bytes?: unknown; offsets?: unknown }): { runs: Runs; valid?: Uint8Array } {
  const { values, bytes, offsets } = input
  if (bytes !== undefined || offsets !== undefined) {
    if (!(bytes instanceof Uint8Array)) throw wrongType(`${label}.bytes`, 'a Uint8Array', bytes)
    if (!(offsets instanceof Int32Array || offsets instanceof Uint32Array)) throw wrongType(`${label}.offsets`, 'an Int32Array or Uint32Array', offsets)
    checkOffsets(label, bytes, offsets)
    if (type !== 'binary') checkText(label, bytes, offsets)
    return { runs: { bytes, offsets } }
  }
  if (!Array.isArray(values)) throw wrongType(label, `an array of ${type === 'binary' ? 'Uint8Arrays' : 'strings'} or {bytes, offsets}`, values)
  const valid = values.some((value) => value === null || value === undefined) ? Uint8Array.from(values, (value) => (value == null ? 0 : 1)) : undefined
  return { runs: type === 'binary' ? fromArrays(label, values) : fromStrings(label, values), valid }
}

function checkOffsets(label: string, bytes: Uint8Array, offsets: Int32Array | Uint32Array): void {
  if (offsets.length === 0) throw outOfRange(`${label}.offsets.length`, 'one more than there are rows', 0)
  let before = 0
  for (let i = 0; i < offsets.length; i++) {
    if (offsets[i] < before) throw outOfRange(`${label}.offsets[${i}]`, `at least ${before}, the one before`, offsets[i])
    before = offsets[i]
  }
  if (before > bytes.length) throw outOfRange(`${label}.offsets[${offsets.length - 1}]`, `at most ${bytes.length}, the bytes that there are`, before)
}

/** UTF-8, and no cell cut inside of a character. */
function checkText(label: string, bytes: Uint8Array, offsets: Int32Array | Uint32Array): void {
  for (let i = 0; i < offsets.length; i++) {
    if (offsets[i] < bytes.length && i < offsets.length - 1 && (bytes[offsets[i]] & 0xc0) === 0x80)
      throw outOfRange(`${label}.offsets[${i}]`, 'the start of a character of UTF-8', offsets[i])
  }
  try {
    const decoder = new TextDecoder('utf-8', { fatal: true })
    const end = offsets[offsets.length - 1]
    for (let at = offsets[0]; at < end; at += 1 << 20) decoder.decode(bytes.subarray(at, Math.min(end, at + (1 << 20))), { stream: true })
    decoder.decode()
  } catch {
    throw outOfRange(`${label}.bytes`, 'UTF-8', 'other bytes')
  }
}

function fromArrays(label: string, values: readonly unknown[]): Runs {
  const offsets = new Uint32Array(values.length + 1)
  let size = 0
  values.forEach((value, i) => {
    if (value !== null && value !== undefined && !(value instanceof Uint8Array)) throw wrongType(`${label}[${i}]`, 'a Uint8Array', value)
    offsets[i + 1] = size += value?.length ?? 0
  })
  checkSize(label, size)
  const bytes = new Uint8Array(size)
  values.forEach((value, i) => {
    if (value instanceof Uint8Array) bytes.set(value, offsets[i])
  })
  return { bytes, offsets }
}

function fromStrings(label: string, values: readonly unknown[]): Runs {
  const encoder = new TextEncoder()
  const offsets = new Uint32Array(values.length + 1)
  let bytes = new Uint8Array(values.length * 16 + 64)
  let size = 0
  for (let from = 0; from < values.length; from += MANY) {
    const some = values.slice(from, from + MANY)
    const wrong = some.findIndex((value) => typeof value !== 'string' && value !== null && value !== undefined)
    if (wrong >= 0) throw wrongType(`${label}[${from + wrong}]`, 'a string', some[wrong])
    // join() leaves null and undefined out
    const joined = some.join('')
    checkSize(label, size + 3 * joined.length)
    if (bytes.length < size + 3 * joined.length) {
      const larger = new Uint8Array(Math.max(bytes.length * 2, size + 3 * joined.length))
      larger.set(bytes.subarray(0, size))
      bytes = larger
    }
    const ascii = encoder.encodeInto(joined, bytes.subarray(size)).written === joined.length
    some.forEach((value, i) => {
      const text = (value ?? '') as string
      if (ascii) size += text.length
      else {
        // halves of two cells would make one character of both
        if (/\p{Surrogate}/u.test(text)) throw outOfRange(`${label}[${from + i}]`, 'a string without lone surrogates, which have no UTF-8', text)
        size += encoder.encodeInto(text, bytes.subarray(size)).written
      }
      offsets[from + i + 1] = size
    })
  }
  return { bytes, offsets }
}

function checkSize(label: string, size: number): void {
  if (size > 0xffffffff) throw outOfRange(label, 'less than 4 GiB of text in one call', size)
}
