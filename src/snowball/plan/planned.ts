// What a plan is made of.
import type { Left } from '../left.js'

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

/** What is planned all the same, but should be known of. */
export interface PlanWarning {
  type: 'warning'
  /** `collision`: names that some file systems take for one. `key`: characters that S3 advises against. `directory`: more entries than a Snowball likes. */
  reason: 'collision' | 'key' | 'directory'
  path: string
  message: string
}

/** The first line of a plan: what it was made with. */
export interface PlanHead {
  type: 'plan'
  version: number
  /** Absolute path that relative paths of members are under. */
  source: string
  prefix: string
  /** Where in the bucket the chunks will be put; only counted, as part of each key's length. */
  destination?: string
  smallBytes: number
  chunkBytes: number
  chunkFiles: number
  deviceBytes?: number | number[]
}

/** The last line of a plan. */
export interface PlanEnd {
  type: 'end'
  /** Those of single files counted. */
  chunks: number
  singles: number
  /** 0 where the plan knows no capacity. */
  devices: number
  members: number
  /** Bytes of the members' data. */
  bytes: number
  skipped: number
  failed: number
  warnings: number
}

/** As a chunk stands in a plan file, its members on the lines below it. `parts` of `partBytes`: how what is stored is uploaded, 0 for one PUT. */
export interface PlanChunkLine extends Omit<PlannedChunk, 'members'> {
  members: number
  partBytes: number
  parts: number
}

export type PlanLine = PlanHead | PlanChunkLine | ({ type: 'member' } & PlannedMember) | Left | PlanWarning | PlanEnd
