// The record table: the one shape in which user records travel between kernels and the host.
//
// One row of 32 bytes a record, u32 little-endian; every offset counts from the batch's heap:
//   0          4          8           12          16          20          24       28     32
//   | keyAt    | keySize  | hashAt    | hashSize  | dataAt    | dataSize  | source | item |
// key:  the partition key, UTF-8      hash: the explicit hash key as decimal text, hashSize ABSENT if none
// data: the payload                   source: index of the (outer) record it came from
// item: sub-sequence number in an aggregate, 0 for a record of its own

export const ROW_SIZE: usize = 32;
export const ROW_KEY: usize = 0;
export const ROW_HASH: usize = 8;
export const ROW_DATA: usize = 16;
export const ROW_SOURCE: usize = 24;
export const ROW_ITEM: usize = 28;
/** hashSize of a record without an explicit hash key. */
export const ABSENT: u32 = 0xffffffff;
