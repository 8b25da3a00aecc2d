// Partition keys and the routing to Iceberg tables: for each record one JSON text, kept once where many share it.
//
// A piece, 24 bytes:  0      4      8      12     16        20        an entry, 16 bytes:  0      4      8      12
//                     | kind | text | size | node | default | size |                       | text | size | hash | - |
// default: what stands in for a value that is missing or no text, as JSON, or 0: then the record fails.
import { at, header, HEADER_META, NODE, NODE_END, nodes, valueOf } from "./program";
import { equalBytes } from "../../bytes";
import { failAtValue, full, noRoom, openSink, out, put, putByte } from "./sink";
import { putEscaped } from "./cast";
import { reserve } from "../../memory";
import { takeText, textAt, textSize } from "./text";

/** The text as it is. */
export const PIECE_TEXT: u32 = 0;
/** The text of a field, in quotes. */
export const PIECE_FIELD: u32 = 1;
/** The same, one of insert, update and delete. */
export const PIECE_OPERATION: u32 = 2;

const PIECE: usize = 24;
const ENTRY: usize = 16;
/** Entries of a call: partition keys have few values, of which Firehose keeps 500 active. */
const ENTRIES: u32 = 2048;
/** Bytes of texts for which room is made at once. */
const CHUNK: usize = 65536;
/** Slots that are looked at: who makes their texts collide gets entries of their own, and no slow search. */
const PROBES: usize = 16;

let entries: usize = 0;
let entryCount: u32 = 0;
let slots: usize = 0;
/** Where the next text goes, and how far it may. */
let chunk: usize = 0;
let chunkEnd: usize = 0;

/** Address of the entries of the last call; the first is 1. */
export function metadataEntries(): usize {
  return entries;
}

/** Room for the entries of a call; false where memory cannot grow. */
export function openMetadata(): bool {
  if (header(HEADER_META + 4) == 0) return true;
  entryCount = 0;
  entries = reserve((<usize>ENTRIES + 1) * ENTRY);
  slots = reserve(<usize>ENTRIES * 8);
  chunk = reserve(CHUNK);
  chunkEnd = chunk + CHUNK;
  if (entries == 0 || slots == 0 || chunk == 0) return false;
  memory.fill(slots, 0, <usize>ENTRIES * 8);
  return true;
}

/** Why noteMetadata() gave 0 where no value is at fault: memory cannot grow, or the scratch is too small or no entry left, so that the call is over. */
export let memoryLost: bool = false;
export let callOver: bool = false;

/** The entry of the record just walked over, from 1, or 0. `record`: where it begins. */
export function noteMetadata(record: usize, scratch: usize, last: usize): u32 {
  memoryLost = false;
  callOver = false;
  let room: usize = 0;
  while (true) {
    openSink(chunk, chunkEnd - chunk);
    if (!putPieces(record, scratch, last)) return 0;
    if (!full) break;
    room = max(CHUNK, room * 2);
    chunk = reserve(room);
    if (chunk == 0) {
      memoryLost = true;
      return 0;
    }
    chunkEnd = chunk + room;
  }
  return entryOf(out - chunk);
}

/** False where a piece has no text, or `scratch` no room for it. */
function putPieces(record: usize, scratch: usize, last: usize): bool {
  let piece = at(header(HEADER_META));
  for (let left = header(HEADER_META + 4); left > 0; left--, piece += PIECE) {
    const kind = load<u32>(piece);
    if (kind == PIECE_TEXT) {
      put(at(load<u32>(piece, 4)), load<u32>(piece, 8));
      continue;
    }
    const node = nodes + <usize>load<u32>(piece, 12) * NODE;
    const value = valueOf(node);
    const c: u32 = value == 0 ? 0x6e : load<u8>(value);
    // null, objects and arrays are no text
    let has = c != 0x6e && c != 0x7b && c != 0x5b;
    if (has) {
      if (!takeText(value, load<u32>(node, NODE_END), scratch, last)) {
        callOver = true;
        return false;
      }
      has = textSize > 0 && (kind == PIECE_FIELD || isOperation(textAt, textSize));
    }
    if (has) {
      putByte(0x22);
      if (textAt == scratch) putEscaped(textAt, textAt + textSize);
      else put(textAt, textSize);
      putByte(0x22);
    } else if (load<u32>(piece, 16) != 0) put(at(load<u32>(piece, 16)), load<u32>(piece, 20));
    else {
      failAtValue(value == 0 ? record : value, node);
      return false;
    }
  }
  return true;
}

/** insert, update or delete. */
function isOperation(p: usize, size: usize): bool {
  if (size != 6) return false;
  const word = load<u64>(p) & 0xffffffffffff;
  return word == 0x747265736e69 || word == 0x657461647075 || word == 0x6574656c6564;
}

/** The entry for the `size` bytes at `chunk`, which are taken where it is a new one; 0 where there is none left. */
function entryOf(size: usize): u32 {
  const hash = hashOf(chunk, size);
  const mask = <usize>ENTRIES * 2 - 1;
  let slot = <usize>hash & mask, free: usize = 0;
  for (let probe: usize = 0; probe < PROBES; probe++, slot = (slot + 1) & mask) {
    const i = load<u32>(slots + (slot << 2));
    if (i == 0) {
      free = slots + (slot << 2);
      break;
    }
    const entry = entries + <usize>i * ENTRY;
    if (load<u32>(entry, 8) == hash && load<u32>(entry, 4) == <u32>size && equalBytes(load<u32>(entry), chunk, size)) return i;
  }
  if (entryCount == ENTRIES) {
    callOver = true;
    return 0;
  }
  const entry = entries + <usize>(++entryCount) * ENTRY;
  store<u32>(entry, <u32>chunk);
  store<u32>(entry, <u32>size, 4);
  store<u32>(entry, hash, 8);
  if (free != 0) store<u32>(free, entryCount);
  chunk += size;
  return entryCount;
}

/** Whether two entries say the same. */
export function sameMetadata(a: u32, b: u32): bool {
  if (a == b) return true;
  const x = entries + <usize>a * ENTRY, y = entries + <usize>b * ENTRY;
  return load<u32>(x, 4) == load<u32>(y, 4) && equalBytes(load<u32>(x), load<u32>(y), load<u32>(x, 4));
}

function hashOf(p: usize, size: usize): u32 {
  let h: u64 = <u64>size;
  let i: usize = 0;
  for (; i + 8 <= size; i += 8) h = (rotl<u64>(h, 29) ^ load<u64>(p + i)) * 0x9e3779b97f4a7c15;
  for (; i < size; i++) h = (rotl<u64>(h, 9) ^ <u64>load<u8>(p + i)) * 0x9e3779b97f4a7c15;
  return <u32>((h ^ (h >> 29)) >> 32);
}
