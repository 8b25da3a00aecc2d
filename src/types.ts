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

/** Type of a value that is no list, map or struct. */
export type LeafType =
  | 'boolean'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | 'float'
  | 'double'
  | 'decimal'
  | 'string'
  | 'json'
  | 'binary'
  | 'uuid'
  | 'date'
  | 'time'
  | 'timestamp'

export type TimeUnit = 'ms' | 'us' | 'ns'

/** What numbers count where a timestamp is wanted: a unit, or by the magnitude rule (below 1e12 seconds, else milliseconds). */
export type EpochUnit = 's' | TimeUnit | 'auto'

export interface Leaf {
  type: LeafType
  /** Of a timestamp or time: what the file keeps. */
  unit?: TimeUnit
  /** Of a timestamp: what numbers in the JSON count; by default its unit. */
  epoch?: EpochUnit
  /** Of a timestamp: kept as INT96, for Hive before 4. */
  int96?: boolean
  /** Of a timestamp: whether its values are moments (default) or wall-clock times of no zone. */
  utc?: boolean
  /** Of a decimal: digits in all, 1 to 38, and of these behind the point. */
  precision?: number
  scale?: number
  /** Of binary: what its JSON text is; default base64. */
  encoding?: 'base64' | 'hex'
}

/**
 * A column or a part of one, checked: exactly one of leaf, struct, list and map is there. A list's
 * element is called `element`, a map's parts `key` (never null) and `value`, as the format has them.
 */
export interface Field {
  /** In the file. */
  name: string
  /** The member of the JSON object that holds it. */
  key: string
  nullable: boolean
  leaf?: Leaf
  struct?: Field[]
  list?: Field
  /** Of a list that is never null: the element itself repeats, under the list's name, without the groups around it. */
  bare?: boolean
  /** Of a struct: marked as what its members make of it, where these are the format's own. */
  annotation?: 'list' | 'map'
  map?: { key: Field; value: Field }
}
