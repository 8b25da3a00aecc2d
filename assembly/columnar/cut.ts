// Bounds of byte arrays that are longer than statistics keep: a minimum may be cut anywhere, a cut
// maximum is raised, so that it is above all that begins as it does (parquet.thrift, Statistics:
// is_max_value_exact). Text stays text: UTF-8 is cut and raised by whole characters.

/** Raises the last of `size` bytes that can be raised and drops what follows; the new size, 0 when all are 0xff. */
export function raiseBytes(at: usize, size: usize): usize {
  while (size > 0) {
    const last = load<u8>(at + size - 1);
    if (last != 0xff) {
      store<u8>(at + size - 1, last + 1);
      return size;
    }
    size--;
  }
  return 0;
}

/**
 * Cuts the last, possibly incomplete, character off a bound of `size` bytes; gives the new size.
 * Bytes that are no UTF-8 are left as they are.
 */
export function wholeCharacters(at: usize, size: usize): usize {
  let start = size;
  for (let back = 0; back < 4 && start > 0; back++) {
    start--;
    const lead = load<u8>(at + start);
    if ((lead & 0xc0) == 0x80) continue;
    const need: usize = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    return start + need <= size ? size : start;
  }
  return size;
}

/**
 * Makes the `size` bytes at `at`, whole characters, the least text that is above every text that
 * begins with them: the last character that has a successor is raised and what follows is dropped.
 * Gives the new size, 0 when there is no such text. There must be room for one byte more.
 */
export function roundUp(at: usize, size: usize): usize {
  while (size > 0) {
    let start = size - 1;
    while (start > 0 && (load<u8>(at + start) & 0xc0) == 0x80) start--;
    const width = size - start;
    if (width > 4) return 0;
    let code: u32 = load<u8>(at + start);
    if (width == 1) {
      if (code >= 0x80) return 0;
    } else {
      code &= 0x7f >> <u32>width;
      for (let i: usize = 1; i < width; i++) code = (code << 6) | (load<u8>(at + start + i) & 0x3f);
    }
    code++;
    // the surrogates are no characters
    if (code == 0xd800) code = 0xe000;
    if (code <= 0x10ffff) return start + putCharacter(at + start, code);
    size = start;
  }
  return 0;
}

function putCharacter(dst: usize, code: u32): usize {
  if (code < 0x80) {
    store<u8>(dst, <u8>code);
    return 1;
  }
  if (code < 0x800) {
    store<u8>(dst, <u8>(0xc0 | (code >> 6)));
    store<u8>(dst, <u8>(0x80 | (code & 63)), 1);
    return 2;
  }
  if (code < 0x10000) {
    store<u8>(dst, <u8>(0xe0 | (code >> 12)));
    store<u8>(dst, <u8>(0x80 | ((code >> 6) & 63)), 1);
    store<u8>(dst, <u8>(0x80 | (code & 63)), 2);
    return 3;
  }
  store<u8>(dst, <u8>(0xf0 | (code >> 18)));
  store<u8>(dst, <u8>(0x80 | ((code >> 12) & 63)), 1);
  store<u8>(dst, <u8>(0x80 | ((code >> 6) & 63)), 2);
  store<u8>(dst, <u8>(0x80 | (code & 63)), 3);
  return 4;
}
