// Keys that are one key, or that some file systems take for one, out of any number of them in bounded memory.
import { MillraceError } from '../../errors.js'
import type { PlanWarning } from './planned.js'

/** How two keys are one: to the byte, in another Unicode form, in another case. */
type Likeness = 'same' | 'form' | 'case'

const LEAST_BITS = 10
const MOST_BITS = 29
const MOST_TWINS = 1_000_000

let low = 0
let high = 0

/** As a file system has it that keeps neither case nor form. Upper case first: only so ß and SS, ς and σ meet. */
const fold = (key: string) => key.normalize('NFD').toUpperCase().toLowerCase().normalize('NFC')

/** 64 bits of the folded key, into `low` and `high`: two multiplicative hashes with a final mix each. */
function hash(key: string, folded = false): void {
  let a = 0x9e3779b9
  let b = 0x85ebca6b
  for (let i = 0; i < key.length; i++) {
    let unit = key.charCodeAt(i)
    if (unit > 0x7f && !folded) {
      hash(fold(key), true)
      return
    }
    if (unit >= 0x41 && unit <= 0x5a) unit += 0x20
    a = Math.imul(a ^ unit, 0x27d4eb2d)
    b = Math.imul(b ^ unit, 0x165667b1)
    a ^= a >>> 15
  }
  a = Math.imul(a ^ (a >>> 16) ^ b, 0x2c1b3c6d)
  b = Math.imul(b ^ (b >>> 13) ^ a, 0x297a2d39)
  low = (a ^ (a >>> 12)) >>> 0
  high = (b ^ (b >>> 15)) >>> 0
}

/** 53 of the 64 bits. */
const number = () => (high >>> 11) * 2 ** 32 + low

export interface Like {
  /** The earlier key. */
  key: string
  how: Likeness
}

const BUT_FOR = {
  form: ' but for the Unicode form of its letters, which macOS does not tell apart',
  case: ' but for case, which Windows and macOS do not tell apart',
}

/** Names that look the same differ by the marks that stand for themselves: "e\u0301" for e with an accent. */
const shown = (key: string) => JSON.stringify(key).replace(/\p{M}/gu, (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`)

export const likeness = (key: string, { key: earlier, how }: Like) =>
  how === 'same' ? `${shown(key)} is another file's key already` : `${shown(key)} is ${shown(earlier)}${BUT_FOR[how]}`

/** The warning of a key that is like an earlier one. */
export const collision = (path: string, key: string, like: Like): PlanWarning => ({
  type: 'warning',
  reason: 'collision',
  path,
  message: likeness(key, like),
})

/**
 * Finds keys that are alike in three rounds over the same keys: `note` each, then `suspect` each, then
 * ask `check` of each in turn. What is kept is some 2 bytes of the `expected` keys, and those that are
 * alike; the keys that only share a hash are told apart by `check`.
 */
export function createTwins(expected: number) {
  const bits = Math.min(MOST_BITS, Math.max(LEAST_BITS, Math.ceil(Math.log2(expected + 1)) + 3))
  const shift = 32 - bits
  let seen: Uint8Array | undefined = new Uint8Array(2 ** (bits - 3))
  let again: Uint8Array | undefined = new Uint8Array(2 ** (bits - 3))
  let suspects: Float64Array = new Float64Array(0)
  let count = 0
  let any = false
  let twins: Float64Array | undefined
  /** Keys that were asked for and have a twin; the first of each by NFC, and by folded key. */
  const met = new Set<string>()
  const forms = new Map<string, string>()
  const cases = new Map<string, string>()

  return {
    note(key: string): void {
      hash(key)
      const slot = low >>> shift
      const bit = 1 << (slot & 7)
      if (!seen || !again) return
      if (seen[slot >>> 3] & bit) {
        again[slot >>> 3] |= bit
        any = true
      } else seen[slot >>> 3] |= bit
    },
    /** Whether a second round is worth its while. */
    get any() {
      return any
    },
    suspect(key: string): void {
      if (seen) {
        // What was for the first round is for what this one finds.
        suspects = new Float64Array(seen.buffer)
        seen = undefined
      }
      hash(key)
      const slot = low >>> shift
      if (!again || !(again[slot >>> 3] & (1 << (slot & 7)))) return
      if (count === suspects.length) {
        const more = new Float64Array(2 * count)
        more.set(suspects)
        suspects = more
      }
      suspects[count++] = number()
    },
    /** An earlier key that is like this one, the most alike first; undefined where there is none. */
    check(key: string): Like | undefined {
      if (!any) return undefined
      if (!twins) {
        twins = repeated(suspects.subarray(0, count).sort())
        suspects = twins
        again = undefined
      }
      if (twins.length === 0) return undefined
      hash(key)
      if (!includes(twins, number())) return undefined
      if (met.has(key)) return { key, how: 'same' }
      if (met.size === MOST_TWINS) throw new MillraceError('LIMIT_EXCEEDED', `expected keys that are each their own, got over ${MOST_TWINS} that are alike`)
      met.add(key)
      return first(forms, key.normalize('NFC'), key, 'form') ?? first(cases, fold(key), key, 'case')
    },
  }
}

/** The key that came first under `as`, which `key` becomes where there is none. */
function first(keys: Map<string, string>, as: string, key: string, how: Likeness): Like | undefined {
  const earlier = keys.get(as)
  if (earlier === undefined) keys.set(as, key)
  return earlier === undefined ? undefined : { key: earlier, how }
}

/** What stands more than once in a sorted array, each once. */
function repeated(sorted: Float64Array): Float64Array {
  let kept = 0
  for (let i = 1; i < sorted.length; i++) {
    if (sorted[i] === sorted[i - 1] && (kept === 0 || sorted[kept - 1] !== sorted[i])) sorted[kept++] = sorted[i]
  }
  return sorted.slice(0, kept)
}

function includes(sorted: Float64Array, value: number): boolean {
  let from = 0
  for (let to = sorted.length; from < to; ) {
    const middle = (from + to) >>> 1
    if (sorted[middle] < value) from = middle + 1
    else to = middle
  }
  return sorted[from] === value
}
