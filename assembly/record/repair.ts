// Bytes that should be UTF-8, as Java reads and writes them again (new String(bytes, UTF_8).getBytes(UTF_8)):
// what is not well-formed becomes U+FFFD. The KCL hashes partition keys in that form.
//
// One U+FFFD for each longest part of a sequence that could have been one (Unicode 15, 3.9, as the WHATWG
// decoder has it), but also only one for a whole encoded surrogate, where that decoder gives three.
import { validUtf8 } from "../codec/utf8";

/** src[0, size) repaired to dst, which needs 3 * size bytes; gives the new size. */
export function repairUtf8(src: usize, size: usize, dst: usize): usize {
  const end = src + size;
  let d = dst;
  while (true) {
    const bad = validUtf8(src, end);
    memory.copy(d, src, bad - src);
    d += bad - src;
    if (bad == end) return d - dst;
    store<u16>(d, 0xbfef);
    store<u8>(d, 0xbd, 2);
    d += 3;
    src = bad + broken(bad, end);
  }
  return 0;
}

/** Bytes of the sequence at `p` that one U+FFFD stands for. */
function broken(p: usize, end: usize): usize {
  const lead: u32 = load<u8>(p);
  if (lead < 0xe0 || lead > 0xf4 || p + 1 == end) return 1;
  const second: u32 = load<u8>(p, 1);
  const from: u32 = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80, to: u32 = lead == 0xf4 ? 0x8f : 0xbf;
  if (second < from || second > to) return 1;
  if (p + 2 == end || (load<u8>(p, 2) & 0xc0) != 0x80) return 2;
  return 3;
}
