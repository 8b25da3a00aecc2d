// The buffers of an open page: levels and indices by the entry, values by the byte.
import { Chunk, freeBlock, nextCapacity, takeBlock, Writer } from "./chunk";
import { levelsBound, levelWidth } from "./levels";

/** Writable bytes behind what is staged: copies and encoders work in wider steps. */
export const PAD: usize = 64;

/** Bytes before staged values, where the levels of `entries` entries find room; in V2 they are apart. */
export function headRoom(w: Writer, c: Chunk, entries: u32): usize {
  if (w.version == 2) return 0;
  return (levelsBound(entries, levelWidth(c.maxDef)) + levelsBound(entries, levelWidth(c.maxRep)) + 8 + 15) & ~15;
}

/** Room for `need` staged entries; false when the writer wants a block for it first. */
export function growStage(w: Writer, c: Chunk, need: u32): bool {
  if (need <= c.stageCap) return true;
  const cap = max(need, min(w.pageEntries, c.stageCap << 2));
  const room = <usize>cap + PAD;
  const block = takeBlock(w, room * 4);
  if (!block) return false;
  const defs = block + room * 2, reps = block + room * 3;
  memory.copy(block, c.indices, <usize>c.pageValues << 1);
  memory.copy(defs, c.stagedDefs, <usize>c.pageEntries);
  memory.copy(reps, c.stagedReps, <usize>c.pageEntries);
  freeBlock(w, c.indices);
  c.indices = block;
  c.stagedDefs = defs;
  c.stagedReps = reps;
  c.stageCap = cap;
  return true;
}

/** More room for staged values, `need` bytes if a page may have so many; false when the writer wants a block for it first. */
export function growPlain(w: Writer, c: Chunk, need: usize): bool {
  const cap = min(w.pageBytes, nextCapacity(need, c.plainCap, w.pageBytes));
  const block = takeBlock(w, c.head + cap + PAD);
  if (!block) return false;
  memory.copy(block + c.head, c.plain + c.head, c.plainSize);
  freeBlock(w, c.plain);
  c.plain = block;
  c.plainCap = cap;
  return true;
}
