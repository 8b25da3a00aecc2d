// What goes into which chunk, in an order that depends on nothing but the tree.
import { checkKeys, checkWhole, outOfRange, wrongType } from '../../errors.js'
import { SNOWBALL_LIMITS } from '../../limits.js'
import type { Ports } from '../../ports/ports.js'
import { keyFault, utf8Size } from '../keys.js'
import { type Left, left } from '../left.js'
import { BLOCK, END, headerBound, padded } from '../tar.js'
import type { PlannedChunk, PlannedMember } from './planned.js'
import { walk } from './walk.js'

export interface PlanOptions {
  /** Directory to pack. */
  source: string
  ports: Pick<Ports, 'storage'>
  /** Put before every path to make its key, for example `Logs/`. Default none. */
  prefix?: string
  /** Files over this many bytes get a chunk of their own. Default 1 MiB (AWS: batch what is up to 1 MB). */
  smallBytes?: number
  /** A chunk's size at most, its headers included. Default 1 GB, at most 100 GB: larger archives are not extracted. */
  chunkBytes?: number
  /** Members of a chunk at most. Default 10,000, as AWS recommends; over 100,000 slow the import down. */
  chunkFiles?: number
  /** Absolute path of a directory to leave out: where the chunks go, if that lies in the source. */
  exclude?: string
}

export const ARCHIVE_BYTES: number = SNOWBALL_LIMITS.archiveBytes.value

const OPTIONS = ['source', 'ports', 'prefix', 'smallBytes', 'chunkBytes', 'chunkFiles', 'exclude'] satisfies (keyof PlanOptions)[]

/**
 * Walks `source` and yields chunks and what is in none, in one order: members by the UTF-8 bytes of
 * their keys (as S3 lists them), a chunk when it is full or at the end. Files over `smallBytes`
 * get a chunk of their own. Links are never followed, nothing is opened but directories, and
 * directories themselves are no members, as S3 has none. Holds one chunk's members and the names of
 * the directories it stands in. Rejects only when `source` is no readable directory.
 */
export async function* plan(options: PlanOptions): AsyncGenerator<PlannedChunk | Left> {
  const { source, ports, prefix, smallBytes, chunkBytes, chunkFiles, exclude } = checkPlan(options)
  const prefixBytes = utf8Size(prefix)
  let number = 0
  let members: PlannedMember[] = []
  let bytes = END.length

  const chunk = (all: PlannedMember[], size: number): PlannedChunk => ({
    type: 'chunk',
    chunk: `chunk-${String(++number).padStart(6, '0')}.tar`,
    bytes: size,
    members: all,
  })

  for await (const entry of walk(ports.storage, source, exclude)) {
    if ('reason' in entry) {
      yield entry
      continue
    }
    const key = prefix + entry.path
    const fault = keyFault(key)
    if (fault) {
      yield left(entry.path, 'key', fault)
      continue
    }
    const takes = headerBound(prefixBytes + utf8Size(entry.path)) + padded(entry.size)
    const member: PlannedMember = { path: entry.path, key, size: entry.size, mtime: entry.mtime }
    if (takes + END.length > ARCHIVE_BYTES) {
      yield left(
        entry.path,
        'too-large',
        `expected at most ${ARCHIVE_BYTES} bytes, got ${entry.size}: an archive over that is not extracted; upload it as an object`,
      )
    } else if (entry.size > smallBytes || takes + END.length > chunkBytes) {
      yield chunk([member], takes + END.length)
    } else {
      if (members.length === chunkFiles || bytes + takes > chunkBytes) {
        yield chunk(members, bytes)
        members = []
        bytes = END.length
      }
      members.push(member)
      bytes += takes
    }
  }
  if (members.length > 0) yield chunk(members, bytes)
}

export function checkPlan(options: PlanOptions): Required<Omit<PlanOptions, 'exclude'>> & { exclude?: string } {
  if (typeof options !== 'object' || options === null) throw wrongType('options', 'an object', options)
  checkKeys('options', options, OPTIONS)
  const { source, ports, prefix = '', exclude } = options
  if (typeof source !== 'string' || source === '') throw wrongType('source', 'the path of a directory', source)
  if (typeof ports?.storage?.open !== 'function') throw wrongType('ports', 'ports with a storage', ports)
  if (typeof prefix !== 'string') throw wrongType('prefix', 'a string', prefix)
  if (prefix !== '') {
    const fault = keyFault(prefix.endsWith('/') ? prefix.slice(0, -1) : prefix)
    if (fault) throw outOfRange('prefix', 'a relative key prefix such as Logs/', prefix)
  }
  return {
    source,
    ports,
    prefix,
    exclude,
    smallBytes: whole('smallBytes', options.smallBytes ?? SNOWBALL_LIMITS.smallFileBytes.value, 0, 64 << 20),
    chunkBytes: whole('chunkBytes', options.chunkBytes ?? 1e9, 10 * BLOCK, ARCHIVE_BYTES),
    chunkFiles: whole('chunkFiles', options.chunkFiles ?? SNOWBALL_LIMITS.archiveFiles.value, 1, 1_000_000),
  }
}

function whole(label: string, value: unknown, low: number, high: number): number {
  checkWhole(label, value, low, high)
  return value
}
