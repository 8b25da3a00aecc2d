// What a plan is made of.

export interface PlannedMember {
  /** Under the source directory, with "/". */
  path: string
  /** The object's key, relative to where the chunk is put: prefix and path. */
  key: string
  size: number
  /** Milliseconds since the epoch. */
  mtime: number
}

export interface PlannedChunk {
  type: 'chunk'
  /** File name of the chunk. */
  chunk: string
  /** Upper bound of the chunk's size. */
  bytes: number
  members: PlannedMember[]
}
