// What a mapping does to a field, as the host writes it. An edit, 24 bytes:
//   0      4     8      12     16     20
//   | kind | key | size | text | size | on cast |
// key: the new name in quotes, or 0      text: what EDIT_TEXT puts in place, JSON

export const EDIT_KIND: usize = 0;
export const EDIT_KEY: usize = 4;
export const EDIT_KEY_SIZE: usize = 8;
export const EDIT_TEXT_AT: usize = 12;
export const EDIT_TEXT_SIZE: usize = 16;
export const EDIT_ON_CAST: usize = 20;

/** The value stays; the key is another. */
export const EDIT_NONE: u32 = 0;
/** The member goes. */
export const EDIT_REMOVE: u32 = 1;
/** The value becomes a text of the mapping's. */
export const EDIT_TEXT: u32 = 2;
/** The value becomes its SHA-256. */
export const EDIT_HASH: u32 = 3;
export const CAST_STRING: u32 = 4;
export const CAST_NUMBER: u32 = 5;
export const CAST_INT: u32 = 6;
export const CAST_BOOLEAN: u32 = 7;
/** Times, as ISO 8601, as SQL has them, in whole milliseconds and seconds. */
export const CAST_TIMESTAMP: u32 = 8;
export const CAST_SQL: u32 = 9;
export const CAST_MS: u32 = 10;
export const CAST_S: u32 = 11;

/** Of a value that cannot be cast: the record fails, the value becomes null or stays. */
export const CAST_FAIL: u32 = 0;
export const CAST_NULL: u32 = 1;
export const CAST_KEEP: u32 = 2;
