// Files through a chunker, read to the end; what came of them.
import { expect } from 'vitest'
import { nodeSha256 } from '../../src/ports/node-hash.js'
import {
  type ChunkerFile,
  type ChunkerOptions,
  type ChunkerSummary,
  createChunker,
  type LeftOut,
  type ManifestLine,
  type SnowballChunkResult,
} from '../../src/snowball/index.js'
import { npmTarStream } from '../archive/members.js'

export type Files = Iterable<ChunkerFile> | AsyncIterable<ChunkerFile>

export const bytes = (size: number, seed = 1) => new Uint8Array(size).map((_, i) => (i * 31 + seed * 7) % 251)

export interface Result {
  tars: Map<string, Uint8Array>
  results: SnowballChunkResult[]
  left: LeftOut[]
  lines: ManifestLine[]
  summary: ChunkerSummary
}

/** Reads all chunks. */
export async function collect(files: Files, options: ChunkerOptions = {}): Promise<Result> {
  const tars = new Map<string, Uint8Array>()
  const results: SnowballChunkResult[] = []
  const left: LeftOut[] = []
  const manifest: Uint8Array[] = []
  const chunker = createChunker({ ports: { sha256: nodeSha256 }, onLeft: (entry) => left.push(entry), onManifest: (lines) => manifest.push(lines), ...options })
  const chunks = chunker.chunks(files)
  for (;;) {
    const step = await chunks.next()
    if (step.done) return { tars, results, left, lines: linesOf(Buffer.concat(manifest)), summary: step.value }
    const pieces: Uint8Array[] = []
    try {
      for await (const piece of step.value) pieces.push(piece)
    } catch (error) {
      // of a large file, which is left out; or of all
      await expect(step.value.done).rejects.toBe(error)
      continue
    }
    tars.set(step.value.name, Buffer.concat(pieces))
    results.push(await step.value.done)
  }
}

export const linesOf = (text: Uint8Array): ManifestLine[] =>
  new TextDecoder()
    .decode(text)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

export async function members(tars: Map<string, Uint8Array>) {
  const all: Record<string, string> = {}
  for (const tar of tars.values()) for (const { name, sha256 } of await npmTarStream(tar)) all[name] = sha256
  return all
}
