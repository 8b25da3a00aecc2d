// Arrays of packs that are done with, for those that come. Megabytes outside of V8's heap for each thousand records would
// be what the garbage collector runs for: a quarter of the time from NDJSON to requests.

/** The arrays of a pack. */
export interface Arrays {
  table: Uint32Array
  owners: Uint32Array
  indices: Uint32Array
  since: Float64Array
  numbers: Float64Array
  heap: Uint8Array
}

const spares: Arrays[] = []
/** Bytes kept in all. Over a spool a pack waits for the device before it is folded: there are more of them at a time. */
const SPARES_BYTES = 32 * 1_048_576
let kept = 0
const SPARE_ROWS = 512
const SPARE_BYTES = 8 * 1_048_576

/** Arrays with room for so many rows and bytes, if there are some. */
export function takeSpare(rows: number, bytes: number): Arrays | undefined {
  const found = spares.findIndex((spare) => spare.indices.length >= rows && spare.heap.length >= bytes)
  if (found < 0) return undefined
  const [spare] = spares.splice(found, 1)
  kept -= sizeOf(spare)
  return spare
}

/** They are another pack's from now on, or nobody's where they are too small or too large to be kept. */
export function giveSpare(arrays: Arrays): void {
  if (arrays.indices.length < SPARE_ROWS || arrays.heap.length > SPARE_BYTES) return
  spares.push(arrays)
  kept += sizeOf(arrays)
  while (kept > SPARES_BYTES) kept -= sizeOf(spares.shift() as Arrays)
}

const sizeOf = ({ table, owners, indices, since, numbers, heap }: Arrays) =>
  table.byteLength + owners.byteLength + indices.byteLength + since.byteLength + numbers.byteLength + heap.byteLength
