// The same function twice: over raw bytes, and over a managed string, as @assemblyscript/loader and
// asc's own bindings call it. Built by boundary.mjs with the runtime exported, which they need.

/** Sum of the bytes at `at`. */
export function sumBytes(at: usize, size: i32): u32 {
  let sum: u32 = 0
  for (let end = at + size; at < end; at++) sum += load<u8>(at)
  return sum
}

/** Sum of the char codes of `text`. */
export function sumString(text: string): u32 {
  let sum: u32 = 0
  for (let i = 0, n = text.length; i < n; i++) sum += text.charCodeAt(i)
  return sum
}

/** 64 bytes that the raw side may write to. */
export const scratch: usize = memory.data(64)
