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
const SPARES = 4
const SPARE_ROWS = 512
const SPARE_BYTES = 8 * 1_048_576

/** Arrays with room for so many rows and bytes, if there are some. */
export function takeSpare(rows: number, bytes: number): Arrays | undefined {
  const found = spares.findIndex((spare) => spare.indices.length >= rows && spare.heap.length >= bytes)
  return found < 0 ? undefined : spares.splice(found, 1)[0]
}

/** They are another pack's from now on, or nobody's where they are too small or too large to be kept. */
export function giveSpare(arrays: Arrays): void {
  if (arrays.indices.length < SPARE_ROWS || arrays.heap.length > SPARE_BYTES) return
  if (spares.length === SPARES) spares.shift()
  spares.push(arrays)
}
