// A tree into chunks and a manifest: streaming, in constant memory, several chunks at once; a run that was
// killed loses those it was at.
import { checkKeys, checkWhole, MillraceError, wrongType } from '../../errors.js'
import type { Ports, Sha256, Storage } from '../../ports/ports.js'
import { coreSha256, hex } from '../digest.js'
import type { Left } from '../left.js'
import { formatLines, MANIFEST, type ManifestEnd } from '../manifest/manifest.js'
import { checkPlan, type PlanOptions, plan } from '../plan/plan.js'
import type { PlannedChunk } from '../plan/planned.js'
import { checkWatch, inputOutput, join } from '../read.js'
import { ahead } from './ahead.js'
import { interrupted } from './chunk.js'
import { type DirectoryStore, directoryStore } from './directory.js'
import { type Finished, openJournal } from './journal.js'
import { createLanes } from './lanes.js'
import type { ChunkStore } from './store.js'
import { createTally } from './tally.js'

export interface PackOptions extends Omit<PlanOptions, 'ports' | 'exclude'> {
  /** Directory for the chunks and the manifest; made where it does not exist. */
  output: string
  /** Where the chunks go instead, and large files as they are: s3Store(), say. The manifest is in `output` all the same. */
  store?: ChunkStore
  ports: Pick<Ports, 'storage' | 'clock' | 'sha256' | 'threads'>
  /** Chunks packed at the same time, each with some 70 MB of memory: by threads where the ports have them. Default one for each core, without threads 1. */
  concurrency?: number
  /** Whether chunks are flushed to the device. Default true; without, what is finished survives the end of the process, but not of the machine. */
  sync?: boolean
  /** Told now and then how far it is. */
  onProgress?: (progress: PackProgress) => void
  signal?: AbortSignal
}

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
  /** What the plan has so far, and whether that is all. It is made while chunks are packed, some way ahead. */
  planned: { chunks: number; members: number; bytes: number; whole: boolean }
}

export interface PackSummary extends Omit<ManifestEnd, 'type'> {
  /** Chunks that an earlier run had finished. */
  reused: number
  /** Files that are in no chunk, by reason. */
  left: Partial<Record<Left['reason'], number>>
  /** The first 100 files that should have been packed and were not; all of them are in the manifest. */
  failures: Left[]
}

const OPTIONS = [
  'source',
  'output',
  'store',
  'ports',
  'prefix',
  'smallBytes',
  'chunkBytes',
  'chunkFiles',
  'concurrency',
  'sync',
  'onProgress',
  'signal',
] satisfies (keyof PackOptions)[]

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
  checkKeys('options', options, OPTIONS)
  const { output, store: given, ports, concurrency, sync = true, onProgress, signal, ...planned } = options
  const checked = checkPlan({ ...planned, ports })
  if (typeof output !== 'string' || output === '') throw wrongType('output', 'the path of a directory', output)
  if (typeof ports.clock?.now !== 'function') throw wrongType('ports', 'ports with a clock', ports)
  if (given !== undefined && typeof given?.create !== 'function') throw wrongType('store', 's3Store() or an object with create()', given)
  if (typeof sync !== 'boolean') throw wrongType('sync', 'a boolean', sync)
  if (concurrency !== undefined) checkWhole('concurrency', concurrency, 1, 64)
  checkWatch(options)
  const sha256 = ports.sha256 ?? coreSha256
  const { storage } = ports

  const fail = (error: unknown) => {
    throw inputOutput(error, output)
  }
  const target = await prepareOutput(storage, options.source, output).catch(fail)
  const root = await storage.resolve(options.source)
  const journal = await openJournal(storage, target, sync).catch(fail)
  const directory: DirectoryStore | undefined = given ? undefined : directoryStore(storage, target, sha256, sync)
  const store = given ?? (directory as DirectoryStore)
  const lanes = createLanes({ ...checked, ports, sha256, root, target, store, directory, concurrency, signal })
  const counted = createTally(onProgress)
  const { end } = counted
  /** What an earlier run has left and this one has not, by chunk or key. */
  const stale = new Map([...journal.finished.values()].map((one) => [nameOf(one), one]))
  const names = new Set<string>()
  let order = 0

  const packed = async (chunk: PlannedChunk, place: number) => {
    const plan = planHash(chunk, sha256)
    const earlier = journal.finished.get(plan)
    // One with members left out is made again: they may be readable now.
    const same = earlier && (earlier.line.type === 'object' || earlier.line.members === chunk.members.length)
    if (same && (await store.has(earlier.line))) {
      journal.reuse(place, earlier)
      counted.reused(chunk, earlier)
    } else {
      const done = await lanes.pack(chunk, plan, (members, bytes) => counted.underway(chunk.chunk, members, bytes))
      await journal.append(place, done.lines)
      counted.packed(chunk, done)
      if (done.members === 0) return
    }
    names.add(chunk.chunk)
    stale.delete(chunk.chunk)
    stale.delete(chunk.members[0].key)
  }
  const apart: Left[] = []
  const settleApart = async () => {
    if (apart.length > 0) await journal.append(order++, formatLines(apart.splice(0)))
  }
  try {
    for await (const item of ahead(plan({ ...planned, ports: { storage }, exclude: target }), counted.planned)) {
      interrupted(signal)
      if (item.type === 'chunk') {
        await settleApart()
        const place = order++
        await lanes.next(() => packed(item, place))
      } else {
        counted.left(item)
        if (apart.push(item) >= APART) await settleApart()
      }
    }
    await settleApart()
    await lanes.end()
    await journal.finish({ type: 'end', ...end })
    if (directory) await removeOthers(storage, target, names)
    else for (const { line } of stale.values()) await store.remove(line)
  } catch (error) {
    await lanes.stop()
    await journal.close().catch(() => {})
    throw inputOutput(error, output)
  }
  return counted.summary()
}

const nameOf = ({ line }: Finished) => (line.type === 'chunk' ? line.chunk : line.key)

const OURS = /^(?:chunk-\d{6,}\.tar|manifest\.ndjson(?:\.part)?)(?:\.tmp)?$/

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
    if (kind !== 'file' || !OURS.test(name)) throw refuse(`one with ${JSON.stringify(name)} in it`)
    if (name.startsWith(MANIFEST)) manifest = true
    else chunks = true
  }
  if (chunks && !manifest) throw refuse('one with chunks but no manifest')
  return target
}

/** Chunks of an earlier run that this plan no longer has. */
async function removeOthers(storage: Storage, target: string, names: ReadonlySet<string>): Promise<void> {
  const old: string[] = []
  for await (const { name } of storage.list(target)) if (name.startsWith('chunk-') && !names.has(name)) old.push(name)
  for (const name of old) await storage.remove(join(target, name))
}

function planHash(chunk: PlannedChunk, sha256: Sha256): string {
  const hash = sha256()
  const text = chunk.members.map(({ path, key, size, mtime }) => `${JSON.stringify([path, key, size, mtime])}\n`)
  hash.update(new TextEncoder().encode(`${chunk.chunk}\n${text.join('')}`))
  return hex(hash.digest())
}
