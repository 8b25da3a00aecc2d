// Lines of partition keys -> lines of text with their hash keys and shards: all of it in the core, so
// that no line becomes a string (BigInt's own decimal text alone takes longer than all of this).
import { BAD_INPUT, KEY_LIMIT } from '../../engine/core.js'
import type { Engine } from '../../engine/engine.js'
import { readHashKey } from './hash-key.js'
import { onMap, type ShardMap, whyNoShard } from './shard-map.js'

export interface BadLine {
  /** Zero-based index of the line, and the offset of its first byte, in the text. */
  line: number
  offset: number
  reason: string
}

export interface ShardedLines {
  /** Output, piece by piece. */
  parts: (Uint8Array | string)[]
  /** Lines of input. */
  lines: number
  /** Those which are left out of the output, in order. */
  bad: BadLine[]
}

export type LineFormat = 'text' | 'json'

/** Rows a call: their digests and text stay in the second-level cache. */
const CHUNK = 4096
const ROOM = 64

/**
 * For each line of `text`, a partition key in UTF-8: `key TAB hash key TAB shard index LF`, or as JSON an
 * object with partitionKey, hashKey, shard and shardId. The last line may lack its LF; CR before LF is
 * no part of a key.
 */
export function shardLines(map: ShardMap, text: Uint8Array, format: LineFormat): ShardedLines {
  const done: ShardedLines = { parts: [], lines: 0, bad: [] }
  if (text.length === 0) return done
  onMap(map, (e, image) => {
    const size = text.length + (text[text.length - 1] === 10 ? 0 : 1)
    const src = e.reserve(size)
    e.bytes()[src + size - 1] = 10
    e.bytes().set(text, src)
    for (let from = 0; from < size; ) {
      from += e.scope(() => chunk(e, image, map, src + from, size - from, from, format, done))
    }
  })
  return done
}

/** Gives the bytes that it took. */
function chunk(e: Engine, image: number, map: ShardMap, src: number, size: number, offset: number, format: LineFormat, done: ShardedLines): number {
  const { core } = e
  const table = e.reserve(8 * CHUNK)
  const count = core.splitLines(src, size, table, CHUNK)
  const taken = e.words()[core.report() >> 2]
  const broken = markBroken(e, src, taken, table, count)
  const hashes = e.reserve(16 * count)
  const shards = e.reserve(4 * count)
  if (core.shardMany(image, src, table, 8, count, hashes, shards) === BAD_INPUT) {
    const words = e.words()
    for (let i = 0; i < count; i++) {
      const why = whyNoShard(words[(shards >> 2) + i])
      if (why === undefined) continue
      const length = words[(table >> 2) + 2 * i + 1]
      const reason = broken.get(i) ?? `expected a partition key of 1 to ${KEY_LIMIT} characters, got ${length === 0 ? 'an empty line' : `${length} bytes`}`
      done.bad.push({ line: done.lines + i, offset: offset + words[(table >> 2) + 2 * i], reason })
    }
  }
  if (format === 'json') done.parts.push(json(e, map, src, table, count, hashes, shards))
  else {
    const room = taken + ROOM * count
    const dst = e.reserve(room)
    done.parts.push(e.bytes().slice(dst, dst + core.shardText(src, table, count, hashes, shards, dst, room)))
  }
  done.lines += count
  return taken
}

/** Finds lines that are not UTF-8, empties their rows, so that they get no shard, and gives the reasons. */
function markBroken(e: Engine, src: number, size: number, table: number, count: number): Map<number, string> {
  const reasons = new Map<number, string>()
  const words = e.words()
  let row = 0
  for (let at = e.core.validUtf8(src, src + size); at < src + size; at = e.core.validUtf8(at, src + size)) {
    while (row + 1 < count && words[(table >> 2) + 2 * row + 2] <= at - src) row++
    reasons.set(row, `expected UTF-8, got the byte 0x${e.bytes()[at].toString(16).padStart(2, '0')} in column ${at - src - words[(table >> 2) + 2 * row] + 1}`)
    words[(table >> 2) + 2 * row + 1] = 0
    if (row + 1 === count) break
    at = src + words[(table >> 2) + 2 * row + 2]
  }
  return reasons
}

function json(e: Engine, map: ShardMap, src: number, table: number, count: number, hashes: number, shards: number): string {
  const words = e.words()
  const bytes = e.bytes()
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  let text = ''
  for (let i = 0; i < count; i++) {
    const shard = words[(shards >> 2) + i]
    if (whyNoShard(shard)) continue
    const at = src + words[(table >> 2) + 2 * i]
    const partitionKey = decoder.decode(bytes.subarray(at, at + words[(table >> 2) + 2 * i + 1]))
    text += `${JSON.stringify({ partitionKey, hashKey: String(readHashKey(bytes, hashes + 16 * i)), shard, shardId: map.shards[shard].ShardId })}\n`
  }
  return text
}
