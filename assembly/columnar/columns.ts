// A batch of columns: what the JSON scan fills and the encoders drain, a few thousand rows at a
// time, so that it stays in the second-level cache.
//
// One descriptor of 128 bytes a leaf column, in the depth-first order of the schema, u32 little-endian:
//   0      4          8        12       16      20        24     28         32
//   | type | nullable | values | levels | count | entries | name | nameSize |
//   32                   44     48     52       56       60         64      68
//   | scanner's own: 3   | unit | reps | maxDef | maxRep | capacity | param | rows |
//   72         76      80      84     88            92  96              128
//   | physical | width | order | text | scanner's own | - | encoder's own |
// type, unit, param: what the scan makes of the JSON        physical, width, order: what the encoder sees
// nullable: the leaf itself may be null, the last of its definition levels
// text: whether byte arrays are UTF-8
// values:  address of the packed values that are there, `width` bytes each; strings, binary and JSON are
//          {address u32, size u32} (bytes in the scanned text, or in scratch: valid until the next scan)
// levels:  address of one u8 definition level an entry, where maxDef > 0; maxDef is a value
// reps:    address of one u8 repetition level an entry, where maxRep > 0; 0 begins a row
// count:   values present       entries: levels in the batch, = rows where maxRep is 0
// capacity: entries (and values) that there is room for
// name:    address of the UTF-8 member name in the JSON

export const COLUMN_SIZE: usize = 128;
export const COLUMN_TYPE: usize = 0;
export const COLUMN_NULLABLE: usize = 4;
export const COLUMN_VALUES: usize = 8;
export const COLUMN_LEVELS: usize = 12;
export const COLUMN_COUNT: usize = 16;
export const COLUMN_ENTRIES: usize = 20;
export const COLUMN_NAME: usize = 24;
export const COLUMN_NAME_SIZE: usize = 28;
export const COLUMN_SCAN: usize = 32;
/** u32, the last of the scanner's words: 0 ms, 1 us, 2 ns; of timestamps and times. */
export const COLUMN_UNIT: usize = 44;
export const COLUMN_REPS: usize = 48;
export const COLUMN_MAX_DEF: usize = 52;
export const COLUMN_MAX_REP: usize = 56;
export const COLUMN_CAPACITY: usize = 60;
/** u32, the type's own: see each type. */
export const COLUMN_PARAM: usize = 64;
export const COLUMN_ROWS: usize = 68;
/** Parquet's physical type (parquet.thrift, Type). */
export const COLUMN_PHYSICAL: usize = 72;
/** Bytes of a packed value; 8, a reference, of a byte array. */
export const COLUMN_WIDTH: usize = 76;
export const COLUMN_ORDER: usize = 80;
export const COLUMN_TEXT: usize = 84;
export const COLUMN_ENCODE: usize = 96;

/** Column types as the scan knows them; the logical Parquet type is the footer's business. */
export const TYPE_BOOLEAN: u32 = 0;
/** A whole number in i32. param: bits, 8 16 32, and + 128 where unsigned (8, 16). */
export const TYPE_INT32: u32 = 1;
export const TYPE_INT64: u32 = 2;
export const TYPE_DOUBLE: u32 = 3;
export const TYPE_STRING: u32 = 4;
/** int64 of the column's unit since the epoch, scanned from ISO 8601 text or an epoch number. param: what numbers count, TIME_* */
export const TYPE_TIMESTAMP: u32 = 5;
/** f32, rounded once from the decimal text. */
export const TYPE_FLOAT: u32 = 6;
/** A whole number below 2^32 in i32 (width 4) or below 2^64 in i64 (width 8). */
export const TYPE_UNSIGNED: u32 = 7;
/** The unscaled value: i32 up to 9 digits, i64 up to 18, else 16 bytes big-endian. param: precision << 8 | scale */
export const TYPE_DECIMAL: u32 = 8;
/** Days since the epoch, i32. */
export const TYPE_DATE: u32 = 9;
/** Time of day: ms in i32, us and ns in i64. */
export const TYPE_TIME: u32 = 10;
/** 16 bytes. */
export const TYPE_UUID: u32 = 11;
/** Bytes from base64 text (param 0) or hex (param 1). */
export const TYPE_BINARY: u32 = 12;
/** Any JSON value as its text. */
export const TYPE_JSON: u32 = 13;
/** A timestamp in 12 bytes: u64 nanoseconds of the day, u32 Julian day. */
export const TYPE_INT96: u32 = 14;

/** Order of a column's values in its statistics (parquet.thrift, ColumnOrder). */
export const ORDER_NONE: u32 = 0;
export const ORDER_SIGNED: u32 = 1;
export const ORDER_UNSIGNED: u32 = 2;
export const ORDER_FLOATING: u32 = 3;
/** Unsigned byte by byte: strings, binary, UUID. */
export const ORDER_BYTES: u32 = 4;
/** Two's complement, big-endian: decimals of more than 18 digits. */
export const ORDER_DECIMAL: u32 = 5;
