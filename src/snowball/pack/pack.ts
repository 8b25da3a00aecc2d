// A tree into chunks and a manifest: streaming, in constant memory, several chunks at once; a run that was
// killed loses those it was at.
import { checkWhole, wrongType } from '../../errors.js'
import type { Ports, Sha256 } from '../../ports/ports.js'
import { checkWatch, interrupted } from '../checks.js'
import { coreSha256, hex } from '../digest.js'
import type { Left } from '../left.js'
import { formatLines } from '../lines.js'
import { type Compression, MANIFEST } from '../manifest/manifest.js'
import { join } from '../paths.js'
import { follow } from '../plan/follow.js'
import type { PlanOptions } from '../plan/options.js'
import type { PlannedChunk } from '../plan/planned.js'
import { inputOutput } from '../read.js'
import { type DirectoryStore, directoryStore } from '../store/directory.js'
import type { ChunkStore } from '../store/store.js'
import { ahead } from './ahead.js'
import { type CompressionOptions, checkedCompression, SUFFIX } from './compress.js'
import { type Finished, type Journal, openJournal } from './journal.js'
import { createLanes, type Lanes } from './lanes.js'
import { takeOutput } from './output-directory.js'
import { permitted } from './permitted.js'
import { putFile } from './put-file.js'
import { createTally, type PackProgress, type PackSummary, type Tally } from './tally.js'

export interface PackOptions extends Omit<PlanOptions, 'ports' | 'exclude' | 'onProgress'> {
  /**
   * A plan to follow: the path of a plan file, which has its source and all options of planning in it, so that only
   * another `source` may be given; or what planSnowball yields, with the options that it was made with.
   */
  plan?: string | AsyncIterable<PlannedChunk | Left> | undefined
  /** Directory for the chunks and the manifest; made where it does not exist. */
  output: string
  /** Where the chunks go instead, and large files as they are: s3ChunkStore(), say. The manifest is in `output` all the same. */
  store?: ChunkStore | undefined
  ports: Pick<Ports, 'storage' | 'clock' | 'sha256' | 'threads'>
  /** Of the tars. Default none; a Snowball extracts gzip and no zstd. Members can then be read only by unpacking all before them. */
  compression?: 'none' | Compression | undefined
  /** gzip 1 to 9, zstd 1 to 19. */
  compressionLevel?: number | undefined
  /** Chunks packed at the same time, each with some 30 MB of memory, into a store 90: by threads where the ports have them. Default one for each core, without threads 1. */
  concurrency?: number | undefined
  /** Whether chunks are flushed to the device. Default true; without, what is finished survives the end of the process, but not of the machine. */
  sync?: boolean | undefined
  /** Told now and then how far it is. */
  onProgress?: ((progress: PackProgress) => void) | undefined
  signal?: AbortSignal | undefined
}

/** Lines about what is in no chunk are kept together up to so many. */
const APART = 1000

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
  const { output, store: given, ports, compression, compressionLevel, concurrency, sync = true, onProgress, signal, plan, ...planning } = options
  if (typeof output !== 'string' || output === '') throw wrongType('output', 'the path of a directory', output)
  if (typeof ports?.clock?.now !== 'function') throw wrongType('ports', 'ports with a clock', ports)
  if (given !== undefined && typeof given?.create !== 'function') throw wrongType('store', 's3ChunkStore() or an object with create()', given)
  if (typeof sync !== 'boolean') throw wrongType('sync', 'a boolean', sync)
  if (concurrency !== undefined) checkWhole('concurrency', concurrency, 1, 64)
  checkWatch(options)
  const squeeze = checkedCompression(compression, compressionLevel)
  const sha256 = ports.sha256 ?? coreSha256
  const { storage } = ports

  try {
    const { source, smallBytes, chunkBytes, total, items } = await follow(plan, {
      ...planning,
      ...(given?.prefix && !plan ? { destination: given.prefix } : {}),
      ports,
      signal,
    })
    given?.check?.({ compression: squeeze?.kind, chunkBytes })
    const root = await storage.resolve(source).catch((error) => {
      throw inputOutput(error, source)
    })
    const directory = await takeOutput(storage, root, output)
    try {
      const journal = await openJournal(storage, directory.path, sync)
      const files = given ? undefined : directoryStore(storage, directory.path, sha256, sync)
      const store = given ?? (files as DirectoryStore)
      const lanes = createLanes({ smallBytes, chunkBytes, compression: squeeze, ports, sha256, root, store, files, concurrency, signal })
      const tally = createTally(onProgress, total)
      try {
        await given?.prepare?.()
        const names = await packAll(permitted(items(directory.path), store, plan !== undefined), {
          journal,
          store,
          lanes,
          tally,
          sha256,
          compression: squeeze,
          signal,
        })
        if (files) await directory.clear(names)
        else await putFile(store, { storage, sha256 }, join(directory.path, MANIFEST), MANIFEST)
        return tally.summary()
      } catch (error) {
        await lanes.stop()
        await journal.close().catch(() => {})
        throw error
      }
    } finally {
      await directory.release()
    }
  } catch (error) {
    throw inputOutput(error, output)
  }
}

interface Work {
  journal: Journal
  store: ChunkStore
  lanes: Lanes
  tally: Tally
  sha256: Sha256
  compression: CompressionOptions | undefined
  signal: AbortSignal | undefined
}

/** Packs what the plan says and writes the manifest; gives the names of the chunks. */
async function packAll(items: AsyncIterable<PlannedChunk | Left>, { journal, store, lanes, tally, sha256, compression, signal }: Work): Promise<Set<string>> {
  /** What an earlier run has left and this one has not, by chunk or key. */
  const stale = new Map(store.publish ? [] : [...journal.finished.values()].map(({ line }) => [nameOf(line), line]))
  const names = new Set<string>()
  let order = 0

  /** An object of an earlier run that comes out of a tar now. Removed behind it, what was extracted would be. */
  const replace = async ({ members }: PlannedChunk, packed: boolean) => {
    for (const { key } of members) {
      const line = stale.get(key)
      if (line && packed) await store.remove(line)
      stale.delete(key)
    }
  }
  const packOne = async (planned: PlannedChunk, place: number) => {
    const object = planned.single && store.objects
    const chunk = object || !compression ? planned : { ...planned, chunk: planned.chunk + SUFFIX[compression.kind] }
    const name = object ? chunk.members[0].key : chunk.chunk
    const plan = planHash({ ...chunk, chunk: name }, object ? undefined : compression, sha256)
    const earlier = journal.finished.get(plan)
    // One with members left out is made again: they may be readable now.
    const same = earlier && (earlier.line.type === 'object' || earlier.line.members === chunk.members.length)
    const reused = same && (await store.has(earlier.line))
    if (!object) await replace(chunk, !reused)
    if (reused) {
      journal.reuse(place, earlier)
      tally.reused(chunk, earlier)
    } else {
      const done = await lanes.pack(chunk, plan, (members, bytes) => tally.underway(chunk.chunk, members, bytes))
      await journal.append(place, done.lines)
      tally.packed(chunk, done)
      if (done.members === 0) return
    }
    names.add(chunk.chunk)
    stale.delete(name)
  }
  const apart: Left[] = []
  const settleApart = async () => {
    if (apart.length > 0) await journal.append(order++, formatLines(apart.splice(0)))
  }
  for await (const item of ahead(items, tally.planned, signal)) {
    interrupted(signal, 'packing')
    if (item.type === 'chunk') {
      await settleApart()
      const place = order++
      await lanes.next(() => packOne(item, place))
    } else {
      tally.left(item)
      if (apart.push(item) >= APART) await settleApart()
    }
  }
  interrupted(signal, 'packing')
  await settleApart()
  await lanes.end()
  // in another bucket than the earlier run's it may be somebody else's; before the end, as only the earlier manifest knows of it
  for (const line of stale.values()) if (await store.has(line)) await store.remove(line)
  await journal.finish({ type: 'end', ...tally.end })
  return names
}

const nameOf = (line: Finished['line']) => (line.type === 'chunk' ? line.chunk : line.key)

/** `chunk`: its name; of an object the key, so that it is the same one when others come before it. */
function planHash({ chunk, device, members }: PlannedChunk, compression: CompressionOptions | undefined, sha256: Sha256): string {
  const hash = sha256()
  const text = members.map(({ path, key, size, mtime }) => `${JSON.stringify([path, key, size, mtime])}\n`)
  hash.update(new TextEncoder().encode(`${JSON.stringify([chunk, device, compression?.level])}\n${text.join('')}`))
  return hex(hash.digest())
}
