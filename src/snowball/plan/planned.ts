// What a plan is made of.

export interface PlannedMember {
  /** Under the source directory, with "/"; or as a list of sources and destinations gives it, absolute perhaps. */
  path: string
  /** The object's key, relative to where the chunk is put: prefix and path. */
  key: string
  size: number
  /** Milliseconds since the epoch. */
  mtime: number
}

export interface PlannedChunk {
  type: 'chunk'
  /** File name of the chunk, `.tar` at its end. */
  chunk: string
  /** Which device it goes to, from 1; absent where the plan knows no capacity. */
  device?: number
  /** Upper bound of the chunk's size. */
  bytes: number
  /** A file over `smallBytes` (or larger than any chunk), on its own: to a store of objects it goes as it is, no tar around it. */
  single?: true
  members: PlannedMember[]
}
