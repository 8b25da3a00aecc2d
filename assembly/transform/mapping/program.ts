// What a mapping is to the core: tables that the host writes (src/firehose/mapping/program.ts), here read
// and, for each batch, opened. Offsets count from the program's first byte, all words are u32.
//
//   header   0       4       8       12     16      20       24      28     32    36
//            | nodes | count | flags | where| count | outputs| count | meta | count | salt |
//            40     44      48    52     56     60
//            | size | added | size| separator| size | size of the program
//
// A node, 64 bytes, for each field path and each of its parents, parents first; node 0 is the record:
//   0      4      8        12      16      20        24     28      32     36     40       44      48      52    56    60
//   | name | size | parent | index | child | sibling | edit | -      | keys | mask | serial | under | start | end | splice | - |
// parent, child, sibling: indexes, siblings that may be an array's element first, by index; index: that
// of an element, or -1; edit: 0 for none. From keys on it is the core's: the table of the children's names,
// then what the last occurrence was: its number, that of the object around it, its value, the first splice in it.
import { equalBytes } from "../../bytes";
import { reserve } from "../../memory";

export const HEADER_NODES: usize = 0;
export const HEADER_NODE_COUNT: usize = 4;
export const HEADER_FLAGS: usize = 8;
export const HEADER_WHERE: usize = 12;
export const HEADER_OUTPUTS: usize = 20;
export const HEADER_META: usize = 28;
export const HEADER_SALT: usize = 36;
export const HEADER_ADDED: usize = 44;
export const HEADER_SEPARATOR: usize = 52;
export const HEADER_SIZE: usize = 60;

/** Only the outputs come out, in their order; else all of the record. */
export const FLAG_SELECT: u32 = 1;
export const FLAG_FLATTEN: u32 = 2;
export const FLAG_CSV: u32 = 4;

export const NODE: usize = 64;
export const NODE_NAME: usize = 0;
export const NODE_SIZE: usize = 4;
export const NODE_PARENT: usize = 8;
export const NODE_INDEX: usize = 12;
export const NODE_CHILD: usize = 16;
export const NODE_SIBLING: usize = 20;
export const NODE_EDIT: usize = 24;
export const NODE_KEYS: usize = 32;
export const NODE_MASK: usize = 36;
export const NODE_SERIAL: usize = 40;
export const NODE_UNDER: usize = 44;
export const NODE_START: usize = 48;
export const NODE_END: usize = 52;
export const NODE_SPLICE: usize = 56;

/** Bytes of a name at most; the host sees to it. */
const NAME_MAX: usize = 1024;
/** Text of a key at most that can be a name: each byte of it as `\u0041`. */
export const KEY_TEXT_MAX: usize = NAME_MAX * 6;

/** The program in use. */
export let program: usize = 0;
export let nodes: usize = 0;
/** Room for one key unescaped. */
export let keyScratch: usize = 0;
let serials: u32 = 0;

// @ts-ignore: decorator
@inline
export function header(field: usize): u32 {
  return load<u32>(program + field);
}

/** Address of what lies `offset` bytes behind the program's first one. */
// @ts-ignore: decorator
@inline
export function at(offset: u32): usize {
  return program + <usize>offset;
}

/** Makes the program at `address` the one in use, in memory of the arena's; false where it cannot grow. */
export function openProgram(address: usize): bool {
  program = address;
  nodes = at(header(HEADER_NODES));
  const count = header(HEADER_NODE_COUNT);
  let slots: usize = 0;
  for (let i: u32 = 0; i < count; i++) slots += slotsOf(children(nodes + <usize>i * NODE));
  let table = reserve(slots * SLOT);
  keyScratch = reserve(KEY_TEXT_MAX);
  if (table == 0 || keyScratch == 0) return false;
  memory.fill(table, 0, slots * SLOT);
  serials = 0;
  for (let i: u32 = 0; i < count; i++) {
    const node = nodes + <usize>i * NODE;
    const size = slotsOf(children(node));
    memory.fill(node + NODE_KEYS, 0, NODE - NODE_KEYS);
    if (size == 0) continue;
    store<u32>(node, <u32>table, NODE_KEYS);
    store<u32>(node, <u32>size - 1, NODE_MASK);
    for (let c = load<u32>(node, NODE_CHILD); c != 0; c = load<u32>(nodes + <usize>c * NODE, NODE_SIBLING)) enter(node, nodes + <usize>c * NODE);
    table += size * SLOT;
  }
  return true;
}

function children(node: usize): u32 {
  let count: u32 = 0;
  for (let c = load<u32>(node, NODE_CHILD); c != 0; c = load<u32>(nodes + <usize>c * NODE, NODE_SIBLING)) count++;
  return count;
}

/** A number for each occurrence of a node: that of its parent tells whether it still counts. */
export function nextSerial(): u32 {
  return ++serials;
}

/** Before an item of `size` bytes: numbers that it needs are there. */
export function startItem(size: usize): void {
  if (serials < 0x80000000 && size < 0x70000000) return;
  for (let i: u32 = 0, count = header(HEADER_NODE_COUNT); i < count; i++) store<u64>(nodes + <usize>i * NODE, 0, NODE_SERIAL);
  serials = 0;
}

/** The value of `node` in the record at hand, or 0: none, or in an object that came again since. */
export function valueOf(node: usize): usize {
  for (let n = node; n != nodes; ) {
    const parent = nodes + <usize>load<u32>(n, NODE_PARENT) * NODE;
    if (load<u32>(n, NODE_UNDER) != load<u32>(parent, NODE_SERIAL)) return 0;
    n = parent;
  }
  return load<u32>(node, NODE_START);
}

// A slot of a key table, 16 bytes; open addressing, at most half full:
//   0      8      12
//   | head | size | node |      head: the first 8 bytes, zeros behind a shorter name
const SLOT: usize = 16;

function slotsOf(count: u32): usize {
  if (count == 0) return 0;
  let slots: usize = 4;
  while (slots < <usize>count * 2) slots <<= 1;
  return slots;
}

// @ts-ignore: decorator
@inline
function headOf(key: usize, size: usize): u64 {
  return size >= 8 ? load<u64>(key) : load<u64>(key) & ((<u64>1 << (<u64>size << 3)) - 1);
}

// @ts-ignore: decorator
@inline
function hashOf(head: u64, key: usize, size: usize): usize {
  let h = head ^ (<u64>size << 56);
  // of a longer one all bytes: names that begin alike are common
  if (size > 8) {
    for (let i: usize = 8; i + 8 < size; i += 8) h = rotl<u64>(h * 0x9e3779b97f4a7c15, 29) ^ load<u64>(key + i);
    h = rotl<u64>(h * 0x9e3779b97f4a7c15, 29) ^ load<u64>(key + size - 8);
  }
  h *= 0x9e3779b97f4a7c15;
  return <usize>((h ^ (h >> 29)) >> 32);
}

function enter(node: usize, child: usize): void {
  const name = at(load<u32>(child, NODE_NAME)), size: usize = load<u32>(child, NODE_SIZE);
  const keys: usize = load<u32>(node, NODE_KEYS), mask: usize = load<u32>(node, NODE_MASK);
  const head = headOf(name, size);
  let slot = hashOf(head, name, size) & mask;
  while (load<u32>(keys + slot * SLOT, 12) != 0) slot = (slot + 1) & mask;
  const s = keys + slot * SLOT;
  store<u64>(s, head);
  store<u32>(s, <u32>size, 8);
  store<u32>(s, <u32>child, 12);
}

/** The child of `node` by this name, or 0. Reads 8 bytes of a short one. */
// @ts-ignore: decorator
@inline
export function childOf(node: usize, key: usize, size: usize): usize {
  const keys: usize = load<u32>(node, NODE_KEYS), mask: usize = load<u32>(node, NODE_MASK);
  const head = headOf(key, size);
  let slot = hashOf(head, key, size) & mask;
  while (true) {
    const s = keys + slot * SLOT;
    const child: usize = load<u32>(s, 12);
    if (child == 0) return 0;
    if (load<u64>(s) == head && load<u32>(s, 8) == <u32>size && (size <= 8 || equalBytes(at(load<u32>(child)), key, size))) return child;
    slot = (slot + 1) & mask;
  }
}
