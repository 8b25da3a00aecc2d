/**
 * User records, packed: the shape in which batches cross into the core and out of it without one
 * object a record. `table` has eight words a record, `[keyAt, keySize, hashAt, hashSize, dataAt,
 * dataSize, source, item]`, offsets counted from the start of `heap`; hashSize is 0xffffffff where
 * the record has no explicit hash key.
 */
export interface RecordBatch {
  /** Number of records. */
  count: number
  table: Uint32Array
  heap: Uint8Array
}
