// Whether a column's dictionary pays, now or as far as one can see: after 1,024 and 4,096 values, after 16,384,
// and each time as many have come again. It depends on the rows of the row group alone, not on the
// batches that they came in nor on row groups before: so the file is the same however its input is cut
// or shared out among threads.
//
// Values drawn from a set look new at first: of 5,000 different ones 2,796 come among the first 4,096,
// but 4,811 among 16,384. So of n values with d different ones four times as many are expected to have
// what draws from a set of the size that d / n tells would have.
import { Chunk, DICTIONARY_ENTRIES, RLE_DICTIONARY, Writer } from "./chunk";
import { indexWidth } from "./encode";

/** Values after which a dictionary is hopeless that has met none of them twice: of 65,536 different ones as good as never. */
export const FIRST_LOOK: u32 = 1024;
/** Values after which a dictionary that will save next to nothing is hopeless. */
const EARLY_TRIAL: u32 = 4096;
/** Values after which a dictionary must pay, or be about to. */
export const TRIAL: u32 = 16384;

/** At i sixteenths of values that are different, 256 times the part that is among four times as many. */
const LATER: usize = memory.data<u16>([0, 4, 8, 12, 16, 21, 26, 33, 40, 49, 61, 77, 96, 122, 156, 199, 256, 256]);

/** Whether the dictionary and its indices take clearly less than the values themselves would. */
export function pays(c: Chunk): bool {
  return c.wish == RLE_DICTIONARY || cost(<u64>c.entriesSize, <u64>c.coded, c.entryCount) < c.codedBytes - (c.codedBytes >> 2);
}

/** The trial of a dictionary, when its time has come. */
export function fails(w: Writer, c: Chunk): bool {
  if (c.coded < EARLY_TRIAL) {
    c.trial = EARLY_TRIAL;
    return c.wish != RLE_DICTIONARY && c.entryCount == c.coded;
  }
  c.trial = (c.coded / TRIAL + 1) * TRIAL;
  if (c.coded < TRIAL) return c.wish != RLE_DICTIONARY && costLater(w, c) > c.codedBytes * 4 - (c.codedBytes >> 1);
  return !pays(c) && (c.dictionaryPages > 0 || costLater(w, c) > c.codedBytes * 3);
}

// @ts-ignore: decorator
@inline
function cost(bytes: u64, values: u64, entries: u32): u64 {
  return bytes + (values * <u64>indexWidth(entries) >> 3);
}

/** The cost after four times as many values. */
function costLater(w: Writer, c: Chunk): u64 {
  const values = <u64>c.coded << 2;
  const part = (<u64>c.entryCount << 8) / <u64>c.coded;
  const at = LATER + (<usize>(part >> 4) << 1);
  const later = (<u64>load<u16>(at) * (16 - (part & 15)) + <u64>load<u16>(at, 2) * (part & 15)) * values >> 12;
  return costOf(w, c, later, values);
}

/** The cost of `values` values that have `entries` different ones of the size of those so far; without end where the dictionary would be full by then. */
export function costOf(w: Writer, c: Chunk, entries: u64, values: u64): u64 {
  const bytes = <u64>c.entriesSize * entries / <u64>c.entryCount;
  return entries > <u64>DICTIONARY_ENTRIES || bytes > <u64>w.dictionaryBytes ? u64.MAX_VALUE : cost(bytes, values, <u32>entries);
}
