// Files to chunks as streams, in Node and in browsers.
import { createEngine } from '../../engine/engine.js'
import { checkKeys, checkWhole, inform, MillraceError, outOfRange, wrongType } from '../../errors.js'
import type { Sha256 } from '../../ports/ports.js'
import { checkWatch, interrupted } from '../checks.js'
import { CHUNK_NAME } from '../chunk-names.js'
import { coreSha256 } from '../digest.js'
import type { Left } from '../left.js'
import { type Compression, MANIFEST } from '../manifest/manifest.js'
import { checkedCompression } from '../pack/compress.js'
import { openOutput } from '../pack/output.js'
import { MOST_PARTS, PART } from '../parts.js'
import { checkLimits } from '../plan/options.js'
import { type ChunkerFile, checkFiles } from './file.js'
import { type Chunk, createHandoff, type Handoff } from './handoff.js'
import { type ChunkerProgress, type ChunkerSummary, type ChunkTarget, type RunOptions, run } from './run.js'

export interface ChunkerOptions {
  /** Put before every key, for example `Logs/`. Default none. */
  prefix?: string | undefined
  /** Prefix in the bucket that the chunks will be put under: counts as part of each key's 933 bytes. Default none. */
  destination?: string | undefined
  /** Files over this many bytes get a chunk of their own; smaller ones are read whole. Default 1 MiB, at most 64 MiB. */
  smallBytes?: number | undefined
  /** A chunk's size at most, its headers included. Default 1 GB, at most 100 GB: larger archives are not extracted. */
  chunkBytes?: number | undefined
  /** Files in a chunk at most. Default 10,000, as AWS recommends. */
  chunkFiles?: number | undefined
  /** Bytes of a file whose size is not given, which is read whole to learn it. Default `smallBytes`, at most 1 GiB. */
  bufferBytes?: number | undefined
  /** What chunks are stored in; their names end with `.tar.gz` or `.tar.zst` then. zstd needs Node from 22.15 on, or the package zstd-codec. Default none. */
  compression?: 'none' | Compression | undefined
  /** gzip 1 to 9, by default 6; zstd 1 to 19, by default 3. A browser's gzip has none. */
  compressionLevel?: number | undefined
  /** Gives the name of chunk `number`, from 1; of the form `chunk-….tar`. Default chunk-000001.tar and so on. */
  name?: ((number: number) => string) | undefined
  /** Told of each file that is in no chunk, and why. */
  onLeft?: ((entry: Left) => unknown) | undefined
  /** Told how far it is: after each small file, and each piece of a large one. */
  onProgress?: ((progress: ChunkerProgress) => unknown) | undefined
  /** Takes the manifest: lines as they stand in manifest.ndjson, of one chunk after the other. What it returns is awaited. */
  onManifest?: ((lines: Uint8Array) => unknown) | undefined
  /** The platform's SHA-256, faster than the core's: `nodePorts` has it. */
  ports?: { sha256?: Sha256 | undefined } | undefined
  /** Ends a run with CLOSED, at the next piece or file. */
  signal?: AbortSignal | undefined
}

const OPTIONS = [
  'prefix',
  'destination',
  'smallBytes',
  'chunkBytes',
  'chunkFiles',
  'bufferBytes',
  'compression',
  'compressionLevel',
  'name',
  'onLeft',
  'onProgress',
  'onManifest',
  'ports',
  'signal',
] satisfies (keyof ChunkerOptions)[]

const MOST_BUFFER = 1 << 30

export interface Chunker {
  /**
   * The chunks of `files`, each to be read to its end before the next one is there; files are read when the reader
   * asks for more. Returns a summary at its end. A chunk that is not read, or not to its end, ends the iteration
   * with CLOSED; leaving the loop closes the files' source. Rejects with what that throws.
   */
  chunks(files: Iterable<ChunkerFile> | AsyncIterable<ChunkerFile>): AsyncGenerator<Chunk, ChunkerSummary, undefined>
  /**
   * Writes the chunks of `files`, and manifest.ndjson at the end, to a store: directoryTarget() or handleTarget(), say.
   * In a store of objects large files stand as they are. Rejects with IO where the store fails, and with what the
   * source throws: the chunks that are finished stay, with no manifest.
   */
  write(files: Iterable<ChunkerFile> | AsyncIterable<ChunkerFile>, store: ChunkTarget): Promise<ChunkerSummary>
}

/**
 * Makes auto-extract tars of files as they come, for who has no directory to give to packSnowball(): in a browser,
 * or from a database. In bounded memory, some 200 MB of a Node process; each file settles once, in a chunk or as left
 * out with its reason. Small files fill one chunk after the other, in order, and the bytes, names and manifest are those of
 * packSnowball() for a tree in the order of its keys, but for two things: a large file comes behind the chunk of
 * small ones that it would interrupt, so its number is another (one that is no File or function with a size cannot wait, and ends that chunk);
 * and `plan` in the manifest is the hash of name and members. A small file that fails is left out; a large one fails
 * its own chunk, and the next goes on. Nothing is resumed.
 *
 * Each call of chunks() and write() is a run of its own.
 *
 * @example
 * const chunker = createChunker({ prefix: 'photos/', onLeft: ({ path, message }) => console.warn(path, message) })
 * for await (const chunk of chunker.chunks(files)) {
 *   await fetch(`/upload/${chunk.name}`, { method: 'PUT', body: chunk.stream(), duplex: 'half' })
 *   const { bytes, sha256, members } = await chunk.done
 * }
 */
export function createChunker(options: ChunkerOptions = {}): Chunker {
  const settings = checkOptions(options)
  return {
    chunks(files) {
      checkFiles(files)
      return chunks(files, settings)
    },
    async write(files, store) {
      checkFiles(files)
      if (typeof store?.create !== 'function') throw wrongType('store', 'a ChunkStore: directoryTarget(), handleTarget(), s3ChunkStore()', store)
      return write(files, store, settings)
    },
  }
}

type Settings = Omit<RunOptions, 'name'> & { name: ((number: number) => string) | undefined }

function checkOptions(options: ChunkerOptions): Settings {
  if (typeof options !== 'object' || options === null) throw wrongType('options', 'an object', options)
  checkKeys('options', options, OPTIONS)
  const { prefix, destination, smallBytes, chunkBytes, chunkFiles, name, onLeft, onProgress, onManifest = () => {}, ports = {}, signal } = options
  const limits = checkLimits({ prefix, destination, smallBytes, chunkBytes, chunkFiles })
  const { bufferBytes = limits.smallBytes } = options
  checkWhole('bufferBytes', bufferBytes, 0, MOST_BUFFER)
  for (const [label, value] of Object.entries({ name, onLeft, onManifest }))
    if (value !== undefined && typeof value !== 'function') throw wrongType(label, 'a function', value)
  checkWatch(options)
  if (typeof ports !== 'object' || ports === null) throw wrongType('ports', 'ports, nodePorts for example', ports)
  return {
    limits,
    bufferBytes,
    sha256: ports.sha256 ?? coreSha256,
    compression: checkedCompression(options.compression, options.compressionLevel),
    name,
    onLeft: (entry) => onLeft && inform(() => onLeft(entry)),
    onProgress: (progress) => onProgress && inform(() => onProgress(progress)),
    onManifest,
    check() {
      interrupted(signal, 'chunking')
    },
  }
}

/** Names for one run; each is checked, and is there once. */
function naming(given: ((number: number) => string) | undefined): (number: number) => string {
  if (!given) return (number) => `chunk-${String(number).padStart(6, '0')}.tar`
  const names = new Set<string>()
  return (number) => {
    const name = given(number)
    if (typeof name !== 'string') throw wrongType(`name(${number})`, 'a string', name)
    if (!CHUNK_NAME.test(name)) throw outOfRange(`name(${number})`, 'a name such as chunk-000001.tar', name)
    if (names.has(name)) throw outOfRange(`name(${number})`, 'a name that no earlier chunk has', name)
    names.add(name)
    return name
  }
}

async function* chunks(files: Iterable<ChunkerFile> | AsyncIterable<ChunkerFile>, settings: Settings): AsyncGenerator<Chunk, ChunkerSummary, undefined> {
  let current: Handoff | undefined
  let left = false
  const check = () => {
    if (left) throw new MillraceError('CLOSED', 'nobody reads the chunks any more')
    settings.check()
  }
  let offer: (handoff: Handoff) => void = () => {}
  let offered = new Promise<Handoff>((resolve) => (offer = resolve))
  const target: ChunkTarget = {
    objects: false,
    async create(name) {
      check()
      current = createHandoff(name)
      offer(current)
      await current.wanted()
      return current.sink
    },
  }
  const onChunk: RunOptions['onChunk'] = ({ bytes, sha256, etag, partBytes }, members) => current?.settle({ bytes, sha256, etag, partBytes, members })
  const running = run(files, target, { ...settings, name: naming(settings.name), onChunk, check })
  // looked at when the reader asks; who waits for a chunk that is read already, and will not be told of, learns it here
  running.catch((error) => current?.sink.discard(error))
  try {
    for (;;) {
      const next = await Promise.race([running, offered])
      if (!('chunk' in next)) return next
      offered = new Promise((resolve) => (offer = resolve))
      yield next.chunk
      if (!next.taken) next.stop()
    }
  } finally {
    left = true
    current?.stop()
    await running.catch(() => {})
  }
}

/** Of a manifest: as much as can be uploaded in parts of 8 MiB. */
const MANIFEST_BYTES = PART * MOST_PARTS

async function write(files: Iterable<ChunkerFile> | AsyncIterable<ChunkerFile>, store: ChunkTarget, settings: Settings): Promise<ChunkerSummary> {
  const { compression } = settings
  const limits = store.prefix ? { ...settings.limits, destination: store.prefix } : settings.limits
  store.check?.({ compression: compression?.kind, chunkBytes: limits.chunkBytes })
  await store.prepare?.()
  const engine = createEngine()
  try {
    const manifest = await openOutput(store, MANIFEST, { bound: MANIFEST_BYTES, object: true }, engine, settings.sha256)
    const onManifest = async (lines: Uint8Array) => {
      await manifest.write(lines)
      await settings.onManifest(lines)
    }
    try {
      const summary = await run(files, store, { ...settings, limits, name: naming(settings.name), onManifest })
      await manifest.finish()
      await store.publish?.(MANIFEST)
      return summary
    } catch (error) {
      await manifest.discard(error)
      throw error
    }
  } finally {
    engine.release()
  }
}
