// How an object is uploaded: whole, or in parts; and with that its ETag, which S3 makes of the MD5 of the parts.
import { SNOWBALL_LIMITS } from '../limits.js'

export const PART = 8 << 20
export const MOST_PARTS = 10_000
const MOST_BYTES = Math.floor(SNOWBALL_LIMITS.partBytes.value / (1 << 20)) * (1 << 20)

export interface Parts {
  /** Bytes of each part but the last. */
  partBytes: number
  /** 0: one PUT, whose ETag is the MD5. */
  parts: number
}

/**
 * The parts of an object of `bytes`, as `aws s3 cp` makes them by default: up to 8 MiB one PUT, from
 * there on parts of 8 MiB, doubled until there are 10,000 at most; so its ETag is known before the
 * upload. A part is at most 512 MB, which is the most that a Snowball takes. Undefined over 10,000 of those.
 */
export function partsOf(bytes: number): Parts | undefined {
  if (bytes < PART) return { partBytes: PART, parts: 0 }
  let partBytes = PART
  while (partBytes < MOST_BYTES && Math.ceil(bytes / partBytes) > MOST_PARTS) partBytes = Math.min(2 * partBytes, MOST_BYTES)
  const parts = Math.ceil(bytes / partBytes)
  return parts > MOST_PARTS ? undefined : { partBytes, parts }
}

/** What an object of `bytes` may come to at most and still be uploaded in as many parts: the last one is filled up, or the one PUT. */
export function filledUp(bytes: number): number {
  const { partBytes } = partsOf(bytes) ?? { partBytes: MOST_BYTES }
  return Math.max(bytes, Math.ceil(bytes / partBytes) * partBytes - 1)
}
