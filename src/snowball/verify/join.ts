// Two lists of any length joined by key, in bounded memory and whatever order they come in.
//
// Keys stand in a table as 64 bits of hash, with 64 more of what is compared and where the rest can be
// looked up: 24 bytes an entry. Where the left list is longer than the table, both are read again for
// each further range of hashes. Two that count as equal agree in 128 bits.
import { MillraceError } from '../../errors.js'

/** 36 MB: a process that compares an inventory of millions of lines takes some 160 MB with it. */
const ROWS = 1_500_000
const FULL = 0.9
const ALL = 2 ** 32
const MOST_REPEATED = 1_000_000

export interface LeftRow {
  key: string
  /** What the right row is compared by, each 32 bits. */
  low: number
  high: number
  /** Where to look it up: what the callbacks are given; ascending. */
  ref: number
}

export interface RightRow {
  key: string
  /** Absent where its being there is all that counts. */
  low?: number
  high?: number
}

export interface Join<R extends RightRow> {
  /** Gives the same rows each time. */
  left(): AsyncIterable<LeftRow>
  /** Gives the same rows each time. */
  right(): AsyncIterable<R>
  /** Whether what is equal is told too. */
  equal?: boolean
  /** Entries that the table has room for, for tests. */
  rows?: number | undefined
}

export type Joined<R> =
  /** A key of the left list, or of the right one, that was there before. */
  | { type: 'leftAgain'; ref: number }
  | { type: 'rightAgain'; row: R }
  /** In both, with other values or equal as far as they were compared. */
  | { type: 'different' | 'equal'; ref: number; row: R }
  /** In one list only. */
  | { type: 'onlyRight'; row: R }
  | { type: 'onlyLeft'; ref: number }

/**
 * Tells each difference: by ranges of hashes, in each the right list's in its order and then what only the left one has in
 * its own. LIMIT_EXCEEDED where a million keys are in the left list more than once.
 */
export async function* join<R extends RightRow>({ left, right, equal = false, rows = ROWS }: Join<R>): AsyncGenerator<Joined<R>> {
  const table = createTable(rows)
  for (let from = 0, share = ALL; from < ALL; ) {
    table.clear()
    let to = Math.min(from + share, ALL)
    const repeated: { h: number; ref: number }[] = []
    for await (const { key, low, high, ref } of left()) {
      const [h, g] = hash64(key)
      if (h < from) continue
      while (h < to && table.full) {
        if (to - from < 2) throw new MillraceError('LIMIT_EXCEEDED', `expected keys that differ, got ${rows} of one hash`)
        to = from + Math.floor((to - from) * FULL)
        table.keepBelow(to)
      }
      if (h >= to) continue
      const row = table.find(h, g)
      if (row.free) table.put(row.at, h, g, low, high, ref)
      else if (repeated.push({ h, ref }) > MOST_REPEATED)
        throw new MillraceError('LIMIT_EXCEEDED', `expected each key once, got ${MOST_REPEATED} more than once`)
    }
    for (const { h, ref } of repeated) if (h < to) yield { type: 'leftAgain', ref }
    for await (const row of right()) {
      const [h, g] = hash64(row.key)
      if (h < from || h >= to) continue
      const { free, at } = table.find(h, g)
      if (free) {
        yield { type: 'onlyRight', row }
        continue
      }
      const again = table.met(at)
      table.meet(at)
      if (again) yield { type: 'rightAgain', row }
      else if (row.low !== undefined && row.high !== undefined && !table.same(at, row.low, row.high)) yield { type: 'different', ref: table.ref(at), row }
      else if (equal) yield { type: 'equal', ref: table.ref(at), row }
    }
    for (const ref of table.unmet()) yield { type: 'onlyLeft', ref }
    // what a range held by now is what the next one will hold
    share = to - from
    from = to
  }
}

/**
 * Open addressing: four words of an entry side by side, its ref in an array of its own, 1 more than it is, 0
 * where there is none, negative once met. Grows eightfold, so that what is copied adds little.
 */
function createTable(rows: number) {
  let size = Math.min(rows, 1024)
  let words = new Uint32Array(4 * size)
  let refs = new Float64Array(size)
  let count = 0
  const after = (at: number) => (at + 1 === size ? 0 : at + 1)
  // an entry is free at least, where a search ends
  const most = () => Math.floor(size * FULL)

  function find(h: number, g: number): { free: boolean; at: number } {
    let at = g % size
    while (refs[at] !== 0) {
      if (words[4 * at] === h && words[4 * at + 1] === g) return { free: false, at }
      at = after(at)
    }
    return { free: true, at }
  }

  function grow() {
    const [oldWords, oldRefs] = [words, refs]
    size = Math.min(rows, 8 * size)
    words = new Uint32Array(4 * size)
    refs = new Float64Array(size)
    for (let i = 0; i < oldRefs.length; i++) {
      if (oldRefs[i] === 0) continue
      const entry = oldWords.subarray(4 * i, 4 * i + 4)
      const { at } = find(entry[0], entry[1])
      words.set(entry, 4 * at)
      refs[at] = oldRefs[i]
    }
  }

  /** Moves up what stands behind the entry and would no longer be found. */
  function drop(hole: number) {
    count--
    refs[hole] = 0
    for (let at = after(hole); refs[at] !== 0; at = after(at)) {
      const home = words[4 * at + 1] % size
      const stays = hole < at ? home > hole && home <= at : home > hole || home <= at
      if (stays) continue
      words.copyWithin(4 * hole, 4 * at, 4 * at + 4)
      refs[hole] = refs[at]
      refs[at] = 0
      hole = at
    }
  }

  return {
    /** Whether no entry more has room. */
    get full() {
      if (count >= most() && size < rows) grow()
      return count >= most()
    },
    clear() {
      refs.fill(0)
      count = 0
    },
    find,
    put(at: number, h: number, g: number, low: number, high: number, ref: number) {
      words[4 * at] = h
      words[4 * at + 1] = g
      words[4 * at + 2] = low
      words[4 * at + 3] = high
      refs[at] = ref + 1
      count++
    },
    /** Drops the entries of hashes from `to` on, in place: a copy would be as large again. */
    keepBelow(to: number) {
      for (let i = 0; i < size; i++) while (refs[i] !== 0 && words[4 * i] >= to) drop(i)
    },
    same: (at: number, low: number, high: number) => words[4 * at + 2] === low >>> 0 && words[4 * at + 3] === high >>> 0,
    ref: (at: number) => Math.abs(refs[at]) - 1,
    met: (at: number) => refs[at] < 0,
    meet(at: number) {
      if (refs[at] > 0) refs[at] = -refs[at]
    },
    /** Sorted. */
    unmet: (): Float64Array =>
      refs
        .filter((ref) => ref > 0)
        .map((ref) => ref - 1)
        .sort(),
  }
}

/** 64 bits of a text's UTF-16 units, as two words: two multiplicative hashes that are mixed at the end. Chance is what it is made against. */
export function hash64(text: string): [number, number] {
  let a = 0x9e3779b9
  let b = 0x85ebca6b
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    a = Math.imul(a ^ unit, 0x9e3779b1)
    b = Math.imul(b ^ unit, 0x5f356495)
    // a product carries upward only
    a ^= a >>> 15
    b ^= b >>> 13
  }
  a = Math.imul(a ^ (b >>> 16), 0x85ebca6b) ^ text.length
  b = Math.imul(b ^ (a >>> 13), 0xc2b2ae35)
  a ^= b >>> 16
  b ^= a >>> 15
  return [Math.imul(a ^ (a >>> 16), 0x27d4eb2f) >>> 0, (b ^ (b >>> 16)) >>> 0]
}
