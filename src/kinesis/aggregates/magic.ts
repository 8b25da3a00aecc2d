// The first bytes of every KPL aggregate (aggregation-format.md).
export const MAGIC: readonly number[] = [0xf3, 0x89, 0x9a, 0xc2]

/** Whether a record may be an aggregate: what it says of itself, its checksum not looked at. */
export const hasMagic = (data: Uint8Array): boolean => MAGIC.every((byte, i) => data[i] === byte)
