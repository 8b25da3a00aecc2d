// The names of a directory as bytes in one buffer: a JS object for each would take three times as much.
import type { FileKind } from '../../ports/ports.js'

const KINDS: readonly FileKind[] = ['file', 'directory', 'symlink', 'fifo', 'socket', 'device', 'other']
/** Before each name: its kind in three bits and its length in the others. */
const HEADER = 4
const SMALL = 12
const MANY = 1 << 15

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

export interface Entry {
  name: string
  kind: FileKind
}

/**
 * Entries in the order of `sort`: by the UTF-8 bytes of their names, a directory's with "/" behind it, as
 * whole paths then are. Holds `budget` bytes; when they are full, the smallest entries stay.
 */
export class Names {
  #bytes = new Uint8Array(1 << 10)
  #end = 0
  #starts = new Uint32Array(1 << 5)
  #budget: number
  count = 0
  /** Whether entries were left out, all of them behind those that are here. */
  cut = false
  /** What is behind this is left out, once there is one. */
  #limit: Uint8Array | undefined

  constructor(budget: number) {
    this.#budget = budget
  }

  /** Bytes held. */
  get size(): number {
    return this.#end + 4 * this.count
  }

  /** Takes an entry if it comes behind `after`, a key() of another one, where that is given. */
  add(name: string, kind: FileKind, after?: Uint8Array): void {
    this.#makeRoom(3 * name.length + HEADER + 1)
    const at = this.#end
    let { written: length } = encoder.encodeInto(name, this.#bytes.subarray(at + HEADER))
    if (kind === 'directory') this.#bytes[at + HEADER + length++] = 47
    const key = after || this.#limit ? this.#bytes.subarray(at + HEADER, at + HEADER + length) : undefined
    if (key && after && compareBytes(key, after) <= 0) return
    if (key && this.#limit && compareBytes(key, this.#limit) > 0) {
      this.cut = true
      return
    }
    const header = (length << 3) | KINDS.indexOf(kind)
    for (let i = 0; i < HEADER; i++) this.#bytes[at + i] = header >>> (8 * i)
    this.#starts[this.count++] = at
    this.#end = at + HEADER + length
  }

  /** Empties it, with the memory that it has. */
  clear(): void {
    this.#end = 0
    this.count = 0
    this.cut = false
    this.#limit = undefined
  }

  sort(): void {
    this.#order(0, this.count, 0)
  }

  at(i: number): Entry {
    const start = this.#starts[i]
    const kind = KINDS[this.#bytes[start] & 7]
    const length = this.#length(start) - (kind === 'directory' ? 1 : 0)
    return { name: decoder.decode(this.#bytes.subarray(start + HEADER, start + HEADER + length)), kind }
  }

  /** For `after` of add(). */
  key(i: number): Uint8Array {
    const start = this.#starts[i]
    return this.#bytes.slice(start + HEADER, start + HEADER + this.#length(start))
  }

  #length(start: number): number {
    const b = this.#bytes
    return ((b[start] | (b[start + 1] << 8) | (b[start + 2] << 16) | (b[start + 3] << 24)) >>> 3) & 0x1fffffff
  }

  #makeRoom(needed: number): void {
    while (this.size + needed + 4 > this.#budget && this.count > 1) this.#shrink()
    if (this.#end + needed > this.#bytes.length) {
      const bytes = new Uint8Array(Math.max(this.#end + needed, this.#next(this.#bytes.length, this.#budget)))
      bytes.set(this.#bytes)
      this.#bytes = bytes
    }
    if (this.count === this.#starts.length) {
      const starts = new Uint32Array(this.#next(this.#starts.length, this.#budget >>> 3))
      starts.set(this.#starts)
      this.#starts = starts
    }
  }

  /** Once there are many, all that there may be: what is not touched takes no memory, what is left behind does. */
  #next(length: number, most: number): number {
    return length < MANY ? 2 * length : Math.max(2 * length, most)
  }

  /** Keeps the smallest three quarters. */
  #shrink(): void {
    const kept = Math.max(1, Math.floor(0.75 * this.count))
    this.#order(0, this.count, 0, kept)
    this.cut ||= kept < this.count
    this.count = kept
    let last = 0
    for (let i = 1; i < kept; i++) if (this.#compare(this.#starts[i], this.#starts[last], 0) > 0) last = i
    this.#limit = this.key(last)
    const starts = this.#starts.subarray(0, kept).sort()
    let end = 0
    for (let i = 0; i < kept; i++) {
      const next = starts[i] + HEADER + this.#length(starts[i])
      this.#bytes.copyWithin(end, starts[i], next)
      const moved = next - starts[i]
      starts[i] = end
      end += moved
    }
    this.#end = end
  }

  /** The byte of a name at `depth`, -1 behind its end. */
  #byte(start: number, depth: number): number {
    return depth < this.#length(start) ? this.#bytes[start + HEADER + depth] : -1
  }

  #compare(a: number, b: number, depth: number): number {
    for (let i = depth; ; i++) {
      const x = this.#byte(a, i)
      const y = this.#byte(b, i)
      if (x !== y || x < 0) return x - y
    }
  }

  /**
   * Three-way quicksort by one byte at a time, so that what names have in common is looked at once. With `split` only so
   * far that the smallest so many come first.
   */
  #order(low: number, high: number, depth: number, split?: number): void {
    const starts = this.#starts
    while (high - low > SMALL) {
      const middle = median(this.#byte(starts[low], depth), this.#byte(starts[(low + high) >>> 1], depth), this.#byte(starts[high - 1], depth))
      let below = low
      let above = high
      for (let i = low; i < above; ) {
        const byte = this.#byte(starts[i], depth)
        if (byte === middle) i++
        else if (byte < middle) this.#swap(below++, i++)
        else this.#swap(i, --above)
      }
      // The largest part goes on here, so that the stack stays low whatever the names are.
      const parts = [
        [low, below, depth],
        [above, high, depth],
        [below, middle < 0 ? below : above, depth + 1],
      ].sort((a, b) => a[1] - a[0] - (b[1] - b[0]))
      for (const [from, to, at] of parts.slice(0, 2)) if (split === undefined || (from < split && split < to)) this.#order(from, to, at, split)
      ;[low, high, depth] = parts[2]
      if (split !== undefined && (split <= low || split >= high)) return
    }
    for (let i = low + 1; i < high; i++) {
      for (let k = i; k > low && this.#compare(starts[k - 1], starts[k], depth) > 0; k--) this.#swap(k - 1, k)
    }
  }

  #swap(a: number, b: number): void {
    const start = this.#starts[a]
    this.#starts[a] = this.#starts[b]
    this.#starts[b] = start
  }
}

const median = (a: number, b: number, c: number) => Math.max(Math.min(a, b), Math.min(Math.max(a, b), c))

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) if (a[i] !== b[i]) return a[i] - b[i]
  return a.length - b.length
}
