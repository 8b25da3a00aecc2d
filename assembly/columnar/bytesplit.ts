// BYTE_STREAM_SPLIT (parquet-format Encodings.md): the first bytes of all values, then all second
// ones, and so on. No smaller, but what is alike in numbers lies together for the codec.
import { OUTPUT_FULL, tell } from "../memory";

/** `count` values of `width` bytes; OUTPUT_FULL when cap < count * width. Gives the size. */
export function splitBytes(values: usize, count: u32, width: u32, dst: usize, cap: usize): i32 {
  const rows = <usize>count, stride = <usize>width;
  if (cap < rows * stride) return OUTPUT_FULL;
  let done: usize = 0;
  if (ASC_FEATURE_SIMD) {
    // 16 values at a time, 4 of their bytes: widths of 4, 8, 12, 16
    if ((width & 3) == 0) {
      done = rows & ~15;
      for (let quad: usize = 0; quad < stride; quad += 4) {
        let from = values + quad;
        let to = dst + quad * rows;
        for (const end = to + done; to < end; to += 16) {
          const a = four(from, stride), b = four(from + (stride << 2), stride);
          const c = four(from + (stride << 3), stride), d = four(from + stride * 12, stride);
          // | a0 b0 | a1 b1 |, | a2 b2 | a3 b3 |: each letter 4 values' bytes of one place
          const ab01 = v128.shuffle<i32>(a, b, 0, 4, 1, 5), ab23 = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
          const cd01 = v128.shuffle<i32>(c, d, 0, 4, 1, 5), cd23 = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
          v128.store(to, v128.shuffle<i64>(ab01, cd01, 0, 2));
          v128.store(to + rows, v128.shuffle<i64>(ab01, cd01, 1, 3));
          v128.store(to + (rows << 1), v128.shuffle<i64>(ab23, cd23, 0, 2));
          v128.store(to + rows * 3, v128.shuffle<i64>(ab23, cd23, 1, 3));
          from += stride << 4;
        }
      }
    }
  }
  for (let byte: usize = 0; byte < stride; byte++) {
    let from = values + done * stride + byte;
    for (let i = done; i < rows; i++) {
      store<u8>(dst + byte * rows + i, load<u8>(from));
      from += stride;
    }
  }
  tell(rows, rows * stride);
  return <i32>(rows * stride);
}

/** The first bytes of four values' next 4, then their second ones, and so on. */
// @ts-ignore: decorator
@inline
function four(at: usize, stride: usize): v128 {
  let x: v128;
  if (stride == 4) x = v128.load(at);
  else {
    x = v128.load32_zero(at);
    x = v128.load_lane<u32>(at + stride, x, 1);
    x = v128.load_lane<u32>(at + (stride << 1), x, 2);
    x = v128.load_lane<u32>(at + stride * 3, x, 3);
  }
  return v128.shuffle<i8>(x, x, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
}
