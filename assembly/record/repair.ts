// Bytes that should be UTF-8, as Java reads and writes them again (new String(bytes, UTF_8).getBytes(UTF_8)):
// what is not well-formed becomes U+FFFD. The KCL hashes partition keys in that form.
//
// One U+FFFD for each longest part of a sequence that could have been one (Unicode 15, 3.9, as the WHATWG
// decoder has it), but also only one for a whole encoded surrogate, where that decoder gives three.
import { md5Final, md5Init, md5Update } from "../codec/md5";
import { validUtf8 } from "../codec/utf8";

const state: usize = memory.data(88, 8); // MD5_STATE_SIZE bytes
const REPLACEMENT: usize = memory.data<u8>([0xef, 0xbf, 0xbd]);

/** MD5 of src[0, size) repaired to the 16 bytes at out. */
export function md5Repaired(src: usize, size: usize, out: usize): void {
  const end = src + size;
  md5Init(state);
  while (true) {
    const bad = validUtf8(src, end);
    md5Update(state, src, bad - src);
    if (bad == end) break;
    md5Update(state, REPLACEMENT, 3);
    src = bad + broken(bad, end);
  }
  md5Final(state, out);
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
