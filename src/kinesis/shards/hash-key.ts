// Hash keys: where a record falls among the shards, 0 to 2^128 - 1.
import { outOfRange, wrongType } from '../../errors.js'

/** The largest hash key, 2^128 - 1. */
export const MAX_HASH_KEY = 2n ** 128n - 1n

const EXPECTED = 'a decimal integer from 0 to 2^128 - 1'

/**
 * An explicit hash key as a number. Takes a bigint, or decimal text as the KPL reads it: an optional
 * sign and leading zeros, nothing else (the service itself refuses those two; formatHashKey gives the form
 * that it takes). Throws TypeError or RangeError that names `label`.
 */
export function parseHashKey(value: string | bigint, label = 'explicitHashKey'): bigint {
  let key: bigint
  if (typeof value === 'bigint') key = value
  else if (typeof value === 'string') {
    const [, sign, digits] = /^([+-]?)0*?(0|[1-9][0-9]*)$/.exec(value) ?? []
    // 40 digits and more are out of range whatever they are: no reading of megabytes of them.
    if (digits === undefined || digits.length > 39) throw outOfRange(label, EXPECTED, value)
    key = sign === '-' ? -BigInt(digits) : BigInt(digits)
  } else throw wrongType(label, EXPECTED, value)
  if (key < 0n || key > MAX_HASH_KEY) throw outOfRange(label, EXPECTED, value)
  return key
}

/** A hash key in the one form that the Kinesis API takes: decimal, no sign, no leading zeros. */
export function formatHashKey(key: bigint): string {
  return parseHashKey(key, 'hashKey').toString()
}

/** The hash key in 16 big-endian bytes from `at` on, as the core and MD5 leave it. */
export function readHashKey(bytes: Uint8Array, at: number): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, 16)
  return (view.getBigUint64(0) << 64n) | view.getBigUint64(8)
}
