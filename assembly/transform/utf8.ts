// One sequence of UTF-8 (Unicode 15, table 3-7) and, where it is none, how much of it one U+FFFD stands for.

/** Bytes of the well-formed sequence at `p` that begins with a byte from 0x80 on, or 0. */
export function sequenceSize(p: usize, end: usize): usize {
  const size = needs(load<u8>(p));
  return size != 0 && wellFormed(p, end) == size ? size : 0;
}

/** Bytes of what is none: the longest beginning of a well-formed sequence, or one. */
export function invalidSize(p: usize, end: usize): usize {
  return max(<usize>1, wellFormed(p, end));
}

function needs(lead: u32): usize {
  return lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
}

/** Bytes from `p` that begin a well-formed sequence. */
function wellFormed(p: usize, end: usize): usize {
  const lead: u32 = load<u8>(p), size = needs(lead);
  let have: usize = size == 0 ? 0 : 1;
  for (; have < size && p + have < end; have++) {
    const c: u32 = load<u8>(p + have);
    const from: u32 = have > 1 ? 0x80 : lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    const to: u32 = have > 1 ? 0xbf : lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (c < from || c > to) break;
  }
  return have;
}
