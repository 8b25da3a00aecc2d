// How far packing is, and what came of it.
import { inform } from '../../errors.js'
import type { Left } from '../left.js'
import type { ManifestEnd } from '../manifest/manifest.js'
import type { PlannedChunk } from '../plan/planned.js'
import type { PlanTotal } from '../plan/read.js'
import type { Finished } from './journal.js'
import type { Done } from './lanes.js'

export interface PackProgress {
  /** The chunk that was worked on last. */
  chunk: string
  /** Chunks and objects that are finished. */
  chunks: number
  members: number
  /** Bytes of the members' data. */
  bytes: number
  skipped: number
  failed: number
  /** Files that are in no chunk, by reason. */
  left: PackSummary['left']
  /** What the plan has so far, and whether that is all. Of a plan file it is; one that is made while chunks are packed is some way ahead. */
  planned: { chunks: number; members: number; bytes: number; whole: boolean }
}

export interface PackSummary extends Omit<ManifestEnd, 'type'> {
  /** Large files that are in no chunk, as the store has them under their keys. */
  objects: number
  /** Chunks and objects that an earlier run had finished. */
  reused: number
  /** Files that are in no chunk, by reason. */
  left: Partial<Record<Left['reason'], number>>
  /** The first 100 files that should have been packed and were not; all of them are in the manifest. */
  failures: Left[]
}

/** Of the files that were left out, so many are in the summary. */
const TOLD = 100

export interface Tally {
  readonly end: Omit<ManifestEnd, 'type'>
  planned(chunk: PlannedChunk | undefined): void
  left(entry: Left): void
  underway(chunk: string, members: number, bytes: number): void
  packed(chunk: PlannedChunk, done: Done): void
  reused(chunk: PlannedChunk, earlier: Finished): void
  summary(): PackSummary
}

/** `total`: what the plan has in all, where that is known from the start. */
export function createTally(onProgress: ((progress: PackProgress) => void) | undefined, total?: PlanTotal): Tally {
  const end = { chunks: 0, members: 0, bytes: 0, skipped: 0, failed: 0 }
  const planned = { ...(total ?? { chunks: 0, members: 0, bytes: 0 }), whole: total !== undefined }
  const by: PackSummary['left'] = {}
  const failures: Left[] = []
  const underway = new Map<string, { members: number; bytes: number }>()
  let finished = 0
  let objects = 0
  let reused = 0
  const tell = (chunk: string) => {
    if (!onProgress) return
    let { members, bytes } = end
    for (const part of underway.values()) {
      members += part.members
      bytes += part.bytes
    }
    const { skipped, failed } = end
    inform(() => onProgress({ chunk, chunks: finished, members, bytes, skipped, failed, left: { ...by }, planned: { ...planned } }))
  }
  const left = (entry: Left) => {
    end[entry.type]++
    by[entry.reason] = (by[entry.reason] ?? 0) + 1
    if (entry.type === 'failed' && failures.length < TOLD) failures.push(entry)
  }
  const settle = ({ chunk }: PlannedChunk, tar: boolean, members: number, bytes: number) => {
    underway.delete(chunk)
    finished++
    if (tar) end.chunks++
    else if (members > 0) objects++
    end.members += members
    end.bytes += bytes
    tell(chunk)
  }
  return {
    end,
    left,
    planned(chunk) {
      if (!chunk) planned.whole = true
      else if (!total) {
        planned.chunks++
        planned.members += chunk.members.length
        for (const { size } of chunk.members) planned.bytes += size
      }
    },
    underway(chunk, members, bytes) {
      underway.set(chunk, { members, bytes })
      tell(chunk)
    },
    packed(chunk, done) {
      for (const entry of done.left) left(entry)
      settle(chunk, done.tar, done.members, done.bytes)
    },
    reused(chunk, earlier) {
      reused++
      settle(chunk, earlier.line.type === 'chunk', chunk.members.length, earlier.size)
    },
    summary: () => ({ ...end, objects, reused, left: by, failures }),
  }
}
