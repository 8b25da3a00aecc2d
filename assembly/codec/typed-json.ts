// Values of DynamoDB-typed JSON, `{"S":"x"}` `{"N":"5"}`: which type one has, by its first key and the first byte of its value.
import { skipBlank } from "./json";

// A type's key with its closing quote, as the u32 behind the opening one reads it, and what its value begins with.
export const S: u32 = 0x2253, N: u32 = 0x224e, B: u32 = 0x2242, M: u32 = 0x224d, L: u32 = 0x224c;
export const SS: u32 = 0x225353, NS: u32 = 0x22534e, BS: u32 = 0x225342, BOOL: u32 = 0x4c4f4f42, NULL: u32 = 0x4c4c554e;

export let typeKey: u32 = 0;
export let typeValue: usize = 0;

/** Whether an AttributeValue begins at `p`, by its first key and the first byte of the value: then typeKey and typeValue. */
export function isTyped(p: usize): bool {
  if (load<u8>(p) != 0x7b) return false;
  p = skipBlank(p + 1);
  if (load<u8>(p) != 0x22) return false;
  const four = load<u32>(p, 1);
  let size: usize;
  if (four == BOOL || four == NULL) {
    typeKey = four;
    size = 4;
    if (load<u8>(p, 5) != 0x22) return false;
  } else if ((four & 0xffff) == S || (four & 0xffff) == N || (four & 0xffff) == B || (four & 0xffff) == M || (four & 0xffff) == L) {
    typeKey = four & 0xffff;
    size = 1;
  } else {
    typeKey = four & 0xffffff;
    size = 2;
    if (typeKey != SS && typeKey != NS && typeKey != BS) return false;
  }
  p = skipBlank(p + size + 2);
  typeValue = p = skipBlank(p + 1);
  const c: u32 = load<u8>(p);
  if (typeKey == BOOL) return c == 0x74 || c == 0x66;
  if (typeKey == NULL) return c == 0x74;
  if (typeKey == M) return c == 0x7b;
  return c == (typeKey == S || typeKey == N || typeKey == B ? 0x22 : 0x5b);
}
