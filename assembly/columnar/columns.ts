// A batch of columns: what the JSON scan fills and the encoders drain, a few thousand rows at a
// time, so that it stays in the second-level cache.
//
// One descriptor of 64 bytes a leaf column, u32 little-endian:
//   0      4          8        12       16      20     24     28         32
//   | type | nullable | values | levels | count | rows | name | nameSize |
//   32                    48              64
//   | scanner's own, unit | encoder's own |
// values: address of the packed values that are not null, stride by type
//         boolean u8 | int32 i32 | int64, timestamp i64 | double f64 | string {address u32, size u32}
//         (a string's bytes lie in the scanned text, or unescaped in scratch: valid until the next scan)
// levels: address of one u8 definition level a row (1 present, 0 null); unused where not nullable
// count:  values present      rows: rows in the batch (count + nulls)
// name:   address of the UTF-8 field name in the JSON

export const COLUMN_SIZE: usize = 64;
export const COLUMN_TYPE: usize = 0;
export const COLUMN_NULLABLE: usize = 4;
export const COLUMN_VALUES: usize = 8;
export const COLUMN_LEVELS: usize = 12;
export const COLUMN_COUNT: usize = 16;
export const COLUMN_ROWS: usize = 20;
export const COLUMN_NAME: usize = 24;
export const COLUMN_NAME_SIZE: usize = 28;
export const COLUMN_SCAN: usize = 32;
/** u32, the last of the scanner's words: 0 ms, 1 us, 2 ns; of timestamps. */
export const COLUMN_UNIT: usize = 44;
export const COLUMN_ENCODE: usize = 48;

/** Column types as the scan knows them; the logical Parquet type is the footer's business. */
export const TYPE_BOOLEAN: u32 = 0;
export const TYPE_INT32: u32 = 1;
export const TYPE_INT64: u32 = 2;
export const TYPE_DOUBLE: u32 = 3;
export const TYPE_STRING: u32 = 4;
/** int64 of the column's unit since the epoch, scanned from ISO 8601 text or an epoch number. */
export const TYPE_TIMESTAMP: u32 = 5;
