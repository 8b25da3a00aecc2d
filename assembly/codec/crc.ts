// CRC-32 (IEEE 802.3, as in gzip and Parquet pages) and CRC-32C (Castagnoli, RFC 3720 appendix B.4, as in
// Snappy frames): both reflected, start and end inverted. Sixteen bytes a step by sixteen tables
// of 256 words, made at first use.
//
// Streaming: the value of what came before is the first argument for what comes next; 0 to begin.

// The polynomials, bits reflected.
const IEEE: u32 = 0xedb88320;
const CASTAGNOLI: u32 = 0x82f63b78;
const SLICES: usize = 16;
const ieee: usize = memory.data(16384, 16);
const castagnoli: usize = memory.data(16384, 16);

/** CRC-32 of src[0, len) appended to data whose CRC-32 is `crc`. */
export function crc32(crc: u32, src: usize, len: usize): u32 {
  return update(IEEE, ieee, crc, src, len);
}

/** CRC-32C of src[0, len) appended to data whose CRC-32C is `crc`. */
export function crc32c(crc: u32, src: usize, len: usize): u32 {
  return update(CASTAGNOLI, castagnoli, crc, src, len);
}

function update(polynomial: u32, tables: usize, crc: u32, src: usize, len: usize): u32 {
  // Entry 1 is never 0 in a table that has been made.
  if (load<u32>(tables, 4) == 0) make(polynomial, tables);
  crc = ~crc;
  const end = src + len;
  for (; src + SLICES <= end; src += SLICES) {
    crc =
      word(tables, 15, load<u32>(src) ^ crc) ^ word(tables, 11, load<u32>(src, 4)) ^
      word(tables, 7, load<u32>(src, 8)) ^ word(tables, 3, load<u32>(src, 12));
  }
  for (; src < end; src++) crc = (crc >> 8) ^ load<u32>(tables + (((crc ^ load<u8>(src)) & 0xff) << 2));
  return ~crc;
}

/** Four bytes looked up in table `slice` and the three before it: slice n is for a byte with n more behind it. */
// @ts-ignore: decorator
@inline
function word(tables: usize, slice: usize, x: u32): u32 {
  const table = tables + (slice << 10);
  return (
    load<u32>(table + ((x & 0xff) << 2)) ^ load<u32>(table - 1024 + (((x >> 8) & 0xff) << 2)) ^
    load<u32>(table - 2048 + (((x >> 16) & 0xff) << 2)) ^ load<u32>(table - 3072 + ((x >> 24) << 2))
  );
}

function make(polynomial: u32, tables: usize): void {
  for (let n: u32 = 0; n < 256; n++) {
    let crc = n;
    for (let bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (polynomial & (0 - (crc & 1)));
    store<u32>(tables + (n << 2), crc);
  }
  // One more zero byte behind it.
  for (let at = tables + 1024; at < tables + (SLICES << 10); at += 4) {
    const crc = load<u32>(at - 1024);
    store<u32>(at, (crc >> 8) ^ load<u32>(tables + ((crc & 0xff) << 2)));
  }
}
