// The groups of the schema: structs, lists and maps, the record itself the first of them.
//
// One descriptor of 128 bytes a group, depth first, u32 little-endian; where a word means the same
// as in a column's descriptor (columns.ts) it stands at the same place:
//   0      4          8     12    16       20       24     28         32     36         40      44
//   | type | nullable | def | rep | leaves | behind | name | nameSize | seen | fault at | fault | - |
//   48        52      56     60      64            68          72      76       80     84  88            92
//   | members | count | keys | slots | predictions | strangers | depth | groups | fold | - | fault entry | - |
// def:      definition level of a value that is there      rep: repeated groups around it
// leaves:   address of the first leaf column below it, `behind` that of the first one past them
// members:  address of the addresses of `count` descriptors: a struct's members, a list's element, a map's key and value
// keys, slots, predictions, strangers: of a struct, see keys.ts
// depth:    JSON levels that are open inside of it, the record's being 1
// groups:   behind the last group below it
import { COLUMN_ENTRIES, COLUMN_SCAN, COLUMN_TYPE } from "./columns";

export const GROUP_SIZE: usize = 128;
export const GROUP_DEF: usize = 8;
export const GROUP_REP: usize = 12;
export const GROUP_LEAVES: usize = 16;
export const GROUP_BEHIND: usize = 20;
export const GROUP_MEMBERS: usize = 48;
export const GROUP_COUNT: usize = 52;
export const GROUP_KEYS: usize = 56;
export const GROUP_SLOTS: usize = 60;
export const GROUP_PREDICTIONS: usize = 64;
export const GROUP_STRANGERS: usize = 68;
export const GROUP_DEPTH: usize = 72;
export const GROUP_GROUPS: usize = 76;
export const GROUP_FOLD: usize = 80;

/** Types of groups; those of leaf columns are below. */
export const TYPE_STRUCT: u32 = 64;
export const TYPE_LIST: u32 = 65;
export const TYPE_MAP: u32 = 66;

/** Instance of the object in which a member was last seen; of a top-level one, see row.ts. */
export const SEEN: usize = COLUMN_SCAN;
/** Where, why (0: no fault), and at which entry of the first leaf the record in hand does not fit. */
export const FAULT_AT: usize = COLUMN_SCAN + 4;
export const FAULT: usize = COLUMN_SCAN + 8;
export const FAULT_ENTRY: usize = 88;

// @ts-ignore: decorator
@inline
export function isGroup(node: usize): bool {
  return load<u32>(node, COLUMN_TYPE) >= TYPE_STRUCT;
}

// @ts-ignore: decorator
@inline
export function memberOf(group: usize, i: u32): usize {
  return load<u32>(<usize>load<u32>(group, GROUP_MEMBERS) + (<usize>i << 2));
}

// @ts-ignore: decorator
@inline
export function firstLeaf(node: usize): usize {
  return isGroup(node) ? <usize>load<u32>(node, GROUP_LEAVES) : node;
}

// @ts-ignore: decorator
@inline
export function entriesOf(node: usize): u32 {
  return load<u32>(firstLeaf(node), COLUMN_ENTRIES);
}
