// Members of a record that no column wants, gathered for a column of JSON text: `{"a":1,"b":[2]}`, each
// as it stands in the record, in its order. Where a key comes again both stand there: whoever parses
// the text takes the last one, as of the record. A record without such members has a null, `{}` where
// there must be none.
import { copyLoose } from "../bytes";
import { COLUMN_COUNT, COLUMN_LEVELS, COLUMN_NULLABLE, COLUMN_VALUES } from "./columns";
import { setSpare, spare } from "./spare";
import { scratchTop, setScratch } from "./value";

/** The members of the record in hand, {address u32, size u32}, from `notes` down to `spare`. */
let notes: usize = 0;

/** No members yet; `end`: that of the scratch. */
export function startRest(end: usize): void {
  notes = end;
  setSpare(end);
}

/** Notes the member in [at, end). */
export function noteMember(at: usize, end: usize): void {
  setSpare(spare - 8);
  store<u32>(spare, <u32>at);
  store<u32>(spare, <u32>(end - at), 4);
}

/** Puts what was noted into row `row` of the column. */
export function putRest(column: usize, row: u32): void {
  if (notes == spare && load<u32>(column, COLUMN_NULLABLE)) {
    store<u8>(<usize>load<u32>(column, COLUMN_LEVELS) + row, 0);
    return;
  }
  const text = scratchTop, count = load<u32>(column, COLUMN_COUNT);
  let to = text;
  store<u8>(to++, 0x7b);
  for (let note = notes; note > spare; ) {
    note -= 8;
    const size: usize = load<u32>(note, 4);
    copyLoose(to, load<u32>(note), size);
    to += size;
    store<u8>(to++, 0x2c);
  }
  if (notes != spare) to--;
  store<u8>(to++, 0x7d);
  store<u64>(<usize>load<u32>(column, COLUMN_VALUES) + (<usize>count << 3), <u64>text | (<u64>(to - text) << 32));
  store<u32>(column, count + 1, COLUMN_COUNT);
  setScratch(to);
  setSpare(notes);
}
