// Where the output of an item grows, and why it cannot go on: no room, or a value that cannot be cast.
// What is put where there is no room is passed over, so that nothing after it need ask.
import { copyLoose } from "../../bytes";

export let out: usize = 0;
export let last: usize = 0;
export let full: bool = false;
/** The value that failed the record and its node, 0 where none did. */
export let failedAt: usize = 0;
export let failedNode: usize = 0;

export function openSink(dst: usize, room: usize): void {
  out = dst;
  last = dst + room;
  full = false;
  failedAt = 0;
}

/** Bytes of any length; SLACK bytes behind the room may be written. */
export function put(src: usize, size: usize): void {
  if (size > last - out) full = true;
  else {
    copyLoose(out, src, size);
    out += size;
  }
}

export function putByte(c: u32): void {
  if (out == last) full = true;
  else store<u8>(out++, <u8>c);
}

/** `null` or another word of 4 bytes. */
export function putWord(word: u32): void {
  if (last - out < 4) full = true;
  else {
    store<u32>(out, word);
    out += 4;
  }
}

/** Takes `size` bytes that the caller has written at `out`. */
export function taken(size: usize): void {
  out += size;
}

/** Whether `size` bytes may be written at `out`. */
export function hasRoom(size: usize): bool {
  if (size <= last - out) return true;
  full = true;
  return false;
}

export function noRoom(): void {
  full = true;
}

/** What was put behind `to` is taken back. */
export function backTo(to: usize): void {
  out = to;
}

export function failAtValue(value: usize, node: usize): void {
  if (failedAt != 0) return;
  failedAt = value;
  failedNode = node;
}
