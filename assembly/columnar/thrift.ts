// Thrift compact protocol (apache/thrift thrift-compact-protocol.md), as far as Parquet's metadata
// needs it. A field header is one byte, delta of the field id and type; every id that we write is
// at most 15 past the one before. Each function writes at `dst` and gives the next address.
import { putVarint, zigzag } from "../bytes";

const TRUE: u32 = 1;
const FALSE: u32 = 2;
const I16: u32 = 4;
export const THRIFT_I32: u32 = 5;
const I64: u32 = 6;
export const THRIFT_BINARY: u32 = 8;
const LIST: u32 = 9;
export const THRIFT_STRUCT: u32 = 12;

// @ts-ignore: decorator
@inline
function header(dst: usize, delta: u32, type: u32): usize {
  store<u8>(dst, <u8>((delta << 4) | type));
  return dst + 1;
}

export function putI16(dst: usize, delta: u32, value: i32): usize {
  return putVarint(header(dst, delta, I16), zigzag(<i64>value));
}

export function putI32(dst: usize, delta: u32, value: i32): usize {
  return putVarint(header(dst, delta, THRIFT_I32), zigzag(<i64>value));
}

export function putI64(dst: usize, delta: u32, value: i64): usize {
  return putVarint(header(dst, delta, I64), zigzag(value));
}

export function putBool(dst: usize, delta: u32, value: bool): usize {
  return header(dst, delta, value ? TRUE : FALSE);
}

export function putBinary(dst: usize, delta: u32, src: usize, size: usize): usize {
  return putText(header(dst, delta, THRIFT_BINARY), src, size);
}

/** A binary as an element of a list: without a field header. */
export function putText(dst: usize, src: usize, size: usize): usize {
  dst = putVarint(dst, <u64>size);
  memory.copy(dst, src, size);
  return dst + size;
}

/** Opens a list field; its `count` elements follow. */
export function putList(dst: usize, delta: u32, type: u32, count: u32): usize {
  dst = header(dst, delta, LIST);
  if (count < 15) return header(dst, count, type);
  return putVarint(header(dst, 15, type), <u64>count);
}

/** Opens a struct field; its fields follow, then putStop. */
export function putStruct(dst: usize, delta: u32): usize {
  return header(dst, delta, THRIFT_STRUCT);
}

export function putStop(dst: usize): usize {
  store<u8>(dst, 0);
  return dst + 1;
}
