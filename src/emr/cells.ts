// Packed cells (assembly/columnar/split.ts) as values, for the few that the host looks at: a
// partition's key, a row that has no place.
import type { ScanField } from '../parquet/internal.js'

/** The cells of `columns` at the start of `packed`, as JSON text; null for a null. */
export function cellsOf(packed: Uint8Array, columns: readonly ScanField[]): (string | null)[] {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.length)
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  let at = 0
  return columns.map(({ type, nullable = true }) => {
    if (nullable && view.getUint8(at++) === 0) return null
    switch (type) {
      case 'boolean':
        return view.getUint8(at++) === 1 ? 'true' : 'false'
      case 'int32':
        at += 4
        return String(view.getInt32(at - 4, true))
      case 'double':
        at += 8
        return Object.is(view.getFloat64(at - 8, true), -0) ? '-0.0' : String(view.getFloat64(at - 8, true))
      case 'string': {
        const size = view.getUint32(at, true)
        at += 4 + size
        return JSON.stringify(decoder.decode(packed.subarray(at - size, at)))
      }
      default:
        at += 8
        return String(view.getBigInt64(at - 8, true))
    }
  })
}

/** A record that says what the cells say. */
export function recordOf(key: Uint8Array, keys: readonly ScanField[], packed: Uint8Array, columns: readonly ScanField[]): { text: string; size: number } {
  const cells = [...cellsOf(key, keys), ...cellsOf(packed, columns)]
  const members = [...keys, ...columns].flatMap(({ name }, i) => (cells[i] === null ? [] : [`${JSON.stringify(name)}:${cells[i]}`]))
  return { text: `{${members.join(',')}}`, size: sizeOf(packed, columns) }
}

function sizeOf(packed: Uint8Array, columns: readonly ScanField[]): number {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.length)
  let at = 0
  for (const { type, nullable = true } of columns) {
    if (nullable && view.getUint8(at++) === 0) continue
    at += type === 'boolean' ? 1 : type === 'int32' ? 4 : type === 'string' ? 4 + view.getUint32(at, true) : 8
  }
  return at
}
