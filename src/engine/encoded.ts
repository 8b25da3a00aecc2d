// What the encoder hands to whoever makes a file of it. Plain data: it may cross to another thread.

/** Least and greatest value in PLAIN form (byte arrays without their size), in the column's order. */
export interface Bounds {
  min: Uint8Array
  max: Uint8Array
  /** Whether a value was cut (a maximum: cut and rounded up). */
  minExact: boolean
  maxExact: boolean
}

/** A finished page without its header. */
export interface EncodedPage {
  /** Index of the leaf column. */
  column: number
  dictionary: boolean
  /** num_values: level entries, nulls included; of a dictionary its entries. */
  values: number
  nulls: number
  rows: number
  /** Parquet's code of the values' encoding (parquet.thrift, Encoding). */
  encoding: number
  /**
   * V1: [u32 size, repetition levels] [u32 size, definition levels] values. V2: the levels without
   * sizes, then values. Compressed where the codec is the core's own: V1 as one, V2 the values alone.
   */
  body: Uint8Array
  /** Bytes of the body before compression. */
  size: number
  /** Of V2: bytes at the front of the body that hold levels and are never compressed. */
  repBytes: number
  defBytes: number
  /** Of a data page that has values with an order. */
  bounds?: Bounds
}

/** The column chunk that a row group's pages make. */
export interface EncodedChunk {
  values: number
  nulls: number
  /** Bytes of all its values in PLAIN form. */
  plainBytes: number
  bounds?: Bounds
  /** How many different values, where the dictionary saw them all. */
  distinct?: number
  /** The bits of a split-block bloom filter, where one was wanted. */
  bloom?: Uint8Array
}
