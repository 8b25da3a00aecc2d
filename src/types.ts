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

/** A record as its producer hands it over. */
export interface UserRecord {
  /** 1 to 256 characters. */
  partitionKey: string
  /** 0 to 2^128 - 1, decimal text or bigint: takes the place of the partition key's MD5. */
  explicitHashKey?: string | bigint | undefined
  data: Uint8Array
}
