/** Of the small runs that are disturbed: a few chunks, and a file that gets one of its own. */
export const LIMITS = { chunkFiles: 9, smallBytes: 65_536 }

export const FLAGS: readonly string[] = ['--chunk-files', String(LIMITS.chunkFiles), '--small-bytes', String(LIMITS.smallBytes)]
