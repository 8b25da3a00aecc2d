// A tree into chunks and a manifest: streaming, in constant memory, one torn chunk at most when killed.
import { MillraceError, wrongType } from '../../errors.js'
import type { Hasher, Ports, Storage } from '../../ports/ports.js'
import { coreSha256, hex } from '../digest.js'
import type { Left } from '../left.js'
import { MANIFEST, type ManifestEnd } from '../manifest/manifest.js'
import { follow } from '../plan/follow.js'
import type { PlanOptions } from '../plan/options.js'
import { CHUNK_NAME, type PlannedChunk } from '../plan/planned.js'
import { checkWatch, inputOutput, join } from '../read.js'
import { interrupted, type Packer, packChunk } from './chunk.js'
import { type Finished, type Journal, openJournal } from './journal.js'

export interface PackOptions extends Omit<PlanOptions, 'ports' | 'exclude' | 'onProgress'> {
  /**
   * A plan to follow: the path of a plan file, which has its source and all options of planning in it, so that only
   * another `source` may be given; or what planSnowball yields, with the options that it was made with.
   */
  plan?: string | AsyncIterable<PlannedChunk | Left>
  /** Directory for the chunks and the manifest; made where it does not exist. */
  output: string
  ports: Pick<Ports, 'storage' | 'clock' | 'sha256'>
  /** Told now and then how far it is. */
  onProgress?: (progress: PackProgress) => void
  signal?: AbortSignal
}

export interface PackProgress {
  /** The chunk that is being packed. */
  chunk: string
  members: number
  /** Bytes of the members' data. */
  bytes: number
  skipped: number
  failed: number
}

export interface PackSummary extends Omit<ManifestEnd, 'type'> {
  /** Chunks that an earlier run had finished. */
  reused: number
  /** The first 100 files that should have been packed and were not; all of them are in the manifest. */
  failures: Left[]
}

/**
 * Packs `source` into `output`/chunk-*.tar and writes `output`/manifest.ndjson at the end. A file
 * that cannot be read, or that changes while it is, is left out and told in the manifest; all others
 * are whole. A chunk appears under its name only when it is complete and on the device. A second run
 * into the same output takes over the chunks that a killed one finished, after hashing them again.
 *
 * Rejects with IO where the output cannot be written (what is finished stays), with CLOSED where
 * aborted, with BAD_INPUT where `output` holds something else.
 *
 * @example
 * import { nodePorts } from 'millrace/node'
 * const { chunks, failures } = await packSnowball({ source: 'photos', output: 'chunks', ports: nodePorts })
 * const { problems } = await verifySnowball({ output: 'chunks', source: 'photos', ports: nodePorts })
 */
export async function pack(options: PackOptions): Promise<PackSummary> {
  if (typeof options !== 'object' || options === null) throw wrongType('options', 'an object', options)
  const { output, ports, onProgress, signal, plan, ...planning } = options
  if (typeof output !== 'string' || output === '') throw wrongType('output', 'the path of a directory', output)
  if (typeof ports.clock?.now !== 'function') throw wrongType('ports', 'ports with a clock', ports)
  checkWatch(options)
  const sha256 = ports.sha256 ?? coreSha256
  const { storage } = ports

  const fail = (error: unknown) => {
    throw inputOutput(error, output)
  }
  const { source, smallBytes, chunkBytes, items } = await follow(plan, { ...planning, ports }).catch(fail)
  const target = await prepareOutput(storage, source, output).catch(fail)
  const journal = await openJournal(storage, target).catch(fail)
  const end: ManifestEnd = { type: 'end', chunks: 0, members: 0, bytes: 0, skipped: 0, failed: 0 }
  const failures: Left[] = []
  let reused = 0
  const settle = (entries: readonly Left[]) => {
    for (const entry of entries) {
      end[entry.type]++
      if (entry.type === 'failed' && failures.length < 100) failures.push(entry)
    }
  }
  try {
    const packer: Packer = {
      tree: { storage, clock: ports.clock, root: await storage.resolve(source) },
      target,
      sha256,
      smallBytes,
      chunkBytes,
      signal,
    }
    let apart: Left[] = []
    const settleApart = async () => {
      settle(apart)
      if (apart.length > 0) await journal.append(apart)
      apart = []
    }
    const names = new Set<string>()
    for await (const item of items(target)) {
      interrupted(signal)
      if (item.type !== 'chunk') {
        if (apart.push(item) >= 1000) await settleApart()
        continue
      }
      await settleApart()
      const identity = planHash(item, sha256)
      let size = await takeOver(packer, item, journal.finished.get(identity), journal)
      if (size !== undefined) {
        reused++
        end.members += item.members.length
      } else {
        const packed = await packChunk(packer, item, (members, bytes) => {
          const { chunk } = item
          onProgress?.({ chunk, members: end.members + members, bytes: end.bytes + bytes, skipped: end.skipped, failed: end.failed })
        })
        settle(packed.left)
        if (packed.file) {
          await journal.append([
            { type: 'chunk', chunk: item.chunk, members: packed.members.length, ...packed.file, plan: identity },
            ...packed.members,
            ...packed.left,
          ])
        } else await journal.append(packed.left)
        end.members += packed.members.length
        size = packed.members.reduce((sum, member) => sum + member.size, 0)
        if (!packed.file) continue
      }
      end.bytes += size
      end.chunks++
      names.add(item.chunk)
      onProgress?.({ chunk: item.chunk, members: end.members, bytes: end.bytes, skipped: end.skipped, failed: end.failed })
    }
    await settleApart()
    await journal.finish(end)
    await removeOthers(storage, target, names)
  } catch (error) {
    await journal.close().catch(() => {})
    throw inputOutput(error, output)
  }
  const { type: _, ...counts } = end
  return { ...counts, reused, failures }
}

const OURS = (name: string) => CHUNK_NAME.test(name.replace(/\.tmp$/, '')) || /^manifest\.ndjson(?:\.part)?(?:\.tmp)?$/.test(name)

/** Makes the output directory, or takes an earlier run's; gives its resolved path. */
async function prepareOutput(storage: Storage, source: string, output: string): Promise<string> {
  const root = await storage.resolve(source)
  await storage.makeDirectory(output)
  const target = await storage.resolve(output)
  const refuse = (what: string) =>
    new MillraceError('BAD_INPUT', `expected an empty directory or the output of an earlier pack, got ${what}`, { position: { source: output } })
  if (target === root) throw refuse('the source itself')
  let chunks = false
  let manifest = false
  for await (const { name, kind } of storage.list(target)) {
    if (kind !== 'file' || !OURS(name)) throw refuse(`one with ${JSON.stringify(name)} in it`)
    if (name.startsWith(MANIFEST)) manifest = true
    else chunks = true
  }
  if (chunks && !manifest) throw refuse('one with chunks but no manifest')
  return target
}

/** Chunks of an earlier run that this plan no longer has. */
async function removeOthers(storage: Storage, target: string, names: ReadonlySet<string>): Promise<void> {
  const old: string[] = []
  for await (const { name } of storage.list(target)) if (!name.startsWith(MANIFEST) && !names.has(name)) old.push(name)
  for (const name of old) await storage.remove(join(target, name))
}

function planHash(chunk: PlannedChunk, sha256: () => Hasher): string {
  const hash = sha256()
  const text = chunk.members.map(({ path, key, size, mtime }) => `${JSON.stringify([path, key, size, mtime])}\n`)
  hash.update(new TextEncoder().encode(`${chunk.chunk}\n${text.join('')}`))
  return hex(hash.digest())
}

/** Bytes of data in a chunk that an earlier run finished and that is still what it was; else undefined. */
async function takeOver(packer: Packer, chunk: PlannedChunk, earlier: Finished | undefined, journal: Journal): Promise<number | undefined> {
  // One with members left out is made again: they may be readable now.
  if (!earlier || earlier.line.members !== chunk.members.length) return undefined
  const { storage } = packer.tree
  const file = await storage.open(join(packer.target, chunk.chunk)).catch(() => undefined)
  if (!file) return undefined
  try {
    if ((await file.stat()).size !== earlier.line.bytes) return undefined
    const hash = packer.sha256()
    const piece = new Uint8Array(1 << 20)
    for (let at = 0; ; ) {
      const got = await file.read(piece, at)
      if (got === 0) break
      hash.update(piece.subarray(0, got))
      at += got
    }
    if (hex(hash.digest()) !== earlier.line.sha256) return undefined
  } finally {
    await file.close()
  }
  journal.reuse(earlier)
  return earlier.size
}
