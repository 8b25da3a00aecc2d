// zstd (RFC 8878) unpacked as it comes: node:zlib from Node 22.15 and 23.8 on, else the user's own
// zstd-codec. Frames are told apart here, by the headers of their blocks: node:zlib takes the first frame
// for all, and says nothing of what follows.
import { concat } from '../bytes.js'
import { MillraceError } from '../errors.js'
import { type Transform, through } from './through.js'
import { loadZstdStreams, type ZstdStreams } from './zstd-peer.js'

/** As much of node:zlib as is needed. */
interface Zlib {
  createZstdDecompress?(options: { chunkSize: number; params: Record<number, number> }): Transform
  constants: Record<string, number>
}

const CHUNK = 256 * 1024
const FRAME = 0xfd2fb528
/** 0x184D2A50 to 5F: a frame that is passed over. */
const SKIPPABLE = 0x184d2a5
/** What a frame may make its reader hold, as `zstd` itself has it by default. */
const WINDOW_LOG = 27
/** What zstd-codec has room for on its heap of 16 MiB. */
const PEER_WINDOW = 8 << 20
const CHECKSUM = 4
const BLOCK = 128 << 10

/**
 * Unpacks zstd, cut anywhere. Frames one after the other are one text. What is no zstd, is cut short, does
 * not match its checksum or wants a window of over 128 MiB is CORRUPT, with the byte where; `source` names it. In a Node
 * without zstd it takes the package zstd-codec, or is MISSING_PEER; that has room for windows of 8 MiB.
 * Each piece that is given must stay as it is until the next one is asked for.
 */
export async function* unzstd(chunks: AsyncIterable<Uint8Array>, source?: string): AsyncGenerator<Uint8Array> {
  const zlib = typeof process === 'undefined' ? undefined : (process.getBuiltinModule?.('node:zlib') as Zlib | undefined)
  const native = zlib?.createZstdDecompress
  const streams = native ? undefined : await loadZstdStreams()
  const input = cursor(chunks)
  const corrupt = (message: string, offset: number, cause?: unknown) =>
    new MillraceError('CORRUPT', message, { position: { ...(source === undefined ? {} : { source }), offset }, ...(cause === undefined ? {} : { cause }) })
  const take = async (bytes: number) => {
    const taken = await input.take(bytes)
    if (!taken) throw corrupt('expected zstd to its end, got less: it was cut short', input.at)
    return taken
  }
  try {
    for (let first = true; ; first = false) {
      const start = input.at
      const magic = (await input.take(4))?.slice()
      if (!magic && !first && input.at === start) return
      const number = magic && word(magic)
      if (magic && number !== undefined && number >>> 4 === SKIPPABLE) {
        for (let left = word(await take(4)); left > 0; left -= Math.min(left, CHUNK)) await take(Math.min(left, CHUNK))
        continue
      }
      if (!magic || number !== FRAME) throw corrupt(first && magic ? 'expected zstd, got other data' : 'expected the end or another frame of zstd', start)
      const { header, window, checksum } = await frameHeader(take)
      if (window > 2 ** WINDOW_LOG) throw corrupt(`expected a zstd frame with a window of at most 128 MiB, got ${window} bytes`, start)
      if (streams && window > PEER_WINDOW)
        throw new MillraceError('MISSING_PEER', `${source ?? 'zstd'}: a window of ${window} bytes needs a Node with zstd (22.15, 23.8 or later)`)
      const frame = blocks(concat([magic, header]), checksum, take)
      const stream: Transform & { binding?: { delete(): void } } =
        native && zlib
          ? native({ chunkSize: CHUNK, params: { [zlib.constants.ZSTD_d_windowLogMax]: WINDOW_LOG } })
          : new (streams as ZstdStreams).ZstdDecompressTransform()
      try {
        yield* through(stream, frame)
      } catch (error) {
        if (error instanceof MillraceError || !isCodecs(error as Error)) throw error
        throw corrupt(`expected zstd, got other data (${(error as Error).message})`, start, error)
      } finally {
        // of the peer's heap, which does not grow
        stream.binding?.delete()
      }
    }
  } finally {
    await input.end()
  }
}

/** Whether it is a decoder's own error, and not what reading failed with. */
const isCodecs = ({ code, message }: { code?: string; message?: string }) =>
  code === undefined ? message?.startsWith('ZstdDecompressTransform') === true : code.startsWith('ZSTD_') || code.startsWith('Z_')

/** What stands between a frame's magic number and its first block (RFC 8878, 3.1.1.1). */
async function frameHeader(take: (bytes: number) => Promise<Uint8Array>): Promise<{ header: Uint8Array; window: number; checksum: boolean }> {
  const descriptor = (await take(1)).slice()
  const single = (descriptor[0] & 0x20) !== 0
  const sizeBytes = [single ? 1 : 0, 2, 4, 8][descriptor[0] >> 6]
  const dictionaryBytes = [0, 1, 2, 4][descriptor[0] & 3]
  const rest = (await take((single ? 0 : 1) + dictionaryBytes + sizeBytes)).slice()
  let window = 0
  if (single) {
    // of two bytes 256 more are meant
    for (let i = sizeBytes - 1; i >= 0; i--) window = window * 256 + rest[dictionaryBytes + i]
    if (sizeBytes === 2) window += 256
  } else {
    const base = 2 ** (10 + (rest[0] >> 3))
    window = base + (base / 8) * (rest[0] & 7)
  }
  return { header: concat([descriptor, rest]), window, checksum: (descriptor[0] & CHECKSUM) !== 0 }
}

/** The bytes of one frame, a block at a time: of one no more than 128 KiB can come. */
async function* blocks(head: Uint8Array, checksum: boolean, take: (bytes: number) => Promise<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield head
  for (let last = false; !last; ) {
    const header = (await take(3)).slice()
    const bits = header[0] | (header[1] << 8) | (header[2] << 16)
    last = (bits & 1) === 1
    // type 1 is one byte that is repeated
    const bytes = ((bits >> 1) & 3) === 1 ? 1 : bits >> 3
    // of a larger one the decoder sees enough to refuse it
    yield concat([header, await take(Math.min(bytes, BLOCK + 1))])
  }
  if (checksum) yield await take(4)
}

const word = (bytes: Uint8Array) => (bytes[0] | (bytes[1] << 8) | (bytes[2] << 16) | (bytes[3] << 24)) >>> 0

/** Takes exact counts of bytes off pieces of any size. */
function cursor(chunks: AsyncIterable<Uint8Array>) {
  const iterator = chunks[Symbol.asyncIterator]()
  let piece: Uint8Array = new Uint8Array(0)
  let done = false
  return {
    at: 0,
    /** The next so many, valid until the next call; undefined where there are fewer. */
    async take(bytes: number): Promise<Uint8Array | undefined> {
      if (piece.length < bytes) {
        const parts = [piece.slice()]
        let have = piece.length
        piece = piece.subarray(piece.length)
        while (have < bytes && !done) {
          const next = await iterator.next()
          if (next.done) done = true
          else if (have + next.value.length < bytes) parts.push(next.value.slice())
          else {
            parts.push(next.value.slice(0, bytes - have))
            piece = next.value.subarray(bytes - have)
          }
          have += next.done ? 0 : next.value.length
        }
        this.at += Math.min(have, bytes)
        return have < bytes ? undefined : concat(parts)
      }
      const taken = piece.subarray(0, bytes)
      piece = piece.subarray(bytes)
      this.at += bytes
      return taken
    },
    async end() {
      if (!done) await iterator.return?.()
    },
  }
}
