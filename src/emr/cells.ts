// Packed cells (assembly/columnar/split.ts) as values, for the few that the host looks at: a
// partition's key, a row that has no place.
import type { LeafColumn } from '../engine/leaves.js'

/** The cells of flat `leaves` at the start of `packed`, as text; null for a null. */
export function keyCells(packed: Uint8Array, leaves: readonly LeafColumn[]): (string | null)[] {
  const cells = new Cells(packed)
  return leaves.map((leaf) => (leaf.maxDef > 0 && cells.level() === 0 ? null : cells.value(leaf)))
}

/** Which of a row's values that are no list, map or struct are there, as JSON; `packed` begins with its size. */
export function recordText(key: Uint8Array, keys: readonly LeafColumn[], packed: Uint8Array, leaves: readonly LeafColumn[]): { text: string; size: number } {
  const members: string[] = []
  const add = (cells: Cells, { field, maxDef, leaf }: LeafColumn, quoted: LeafColumn) => {
    if (maxDef > 0 && cells.level() === 0) return
    const value = cells.value(quoted)
    const bare = leaf.type === 'json' || leaf.type === 'boolean' || /^(int|uint|float|double|decimal)/.test(leaf.type)
    members.push(`${JSON.stringify(field.key)}:${bare ? value : JSON.stringify(value)}`)
  }
  const first = new Cells(key)
  for (const leaf of keys) add(first, leaf, leaf)
  const rest = new Cells(packed)
  const size = rest.size()
  for (const leaf of leaves) {
    // a batch with lists, maps or structs tells its flat columns up to the first of them
    if (leaf.path.length > 1 || leaf.maxRep > 0) break
    add(rest, leaf, leaf)
  }
  return { text: `{${members.join(',')}}`, size: size + 4 }
}

class Cells {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  level(): number {
    return this.#view.getUint8(this.#at++)
  }

  size(): number {
    this.#at += 4
    return this.#view.getUint32(this.#at - 4, true)
  }

  value({ leaf, width, physical }: LeafColumn): string {
    if (physical === 6) {
      const size = this.size()
      this.#at += size
      return new TextDecoder('utf-8', { ignoreBOM: true }).decode(this.#bytes.subarray(this.#at - size, this.#at))
    }
    const at = this.#at
    this.#at += width
    const view = this.#view
    switch (leaf.type) {
      case 'boolean':
        return view.getUint8(at) === 1 ? 'true' : 'false'
      case 'float':
        return floating(view.getFloat32(at, true))
      case 'double':
        return floating(view.getFloat64(at, true))
      case 'date':
        return new Date(view.getInt32(at, true) * 86_400_000).toISOString().slice(0, 10)
      case 'uint32':
        return String(view.getUint32(at, true))
      case 'uint64':
        return String(view.getBigUint64(at, true))
      case 'decimal':
        return scaled(
          width === 4 ? BigInt(view.getInt32(at, true)) : width === 8 ? view.getBigInt64(at, true) : (view.getBigInt64(at) << 64n) | view.getBigUint64(at + 8),
          leaf.scale ?? 0,
        )
    }
    if (width === 4) return String(view.getInt32(at, true))
    if (width === 8) return String(view.getBigInt64(at, true))
    return Array.from(this.#bytes.subarray(at, at + width), (byte) => byte.toString(16).padStart(2, '0')).join('')
  }
}

function floating(value: number): string {
  return Object.is(value, -0) ? '-0.0' : String(value)
}

function scaled(unscaled: bigint, scale: number): string {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`
  return unscaled < 0n ? `-${text}` : text
}
