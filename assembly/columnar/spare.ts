// The far end of the scratch: what a record or a map notes while it lasts is laid there, from the end
// down. The near end is value.ts's, for what the batch keeps; between them there is room for 20 bytes a
// member, whose text has at least 5 (`"":1,`), and for the text.

export let spare: usize = 0;

export function setSpare(to: usize): void {
  spare = to;
}
