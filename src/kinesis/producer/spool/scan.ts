// The whole frames of a file, whatever else is in it. A crash leaves what was not yet flushed in pieces
// and in any order: that is no frame, and what lies behind it is looked for at every multiple of 8.
// Linear in the file: a header that holds says where its frame ends, be the body whole or not, so that
// no byte is summed up for two bodies.
import { crc32c } from '../../../engine/digest.js'
import type { FileReader } from '../../../ports/ports.js'
import { type FrameHeader, HEADER, padded, readHeader } from './frame.js'

export interface Frame extends FrameHeader {
  offset: number
  /** Good until the next one is asked for. */
  body: Uint8Array
}

/** Bytes of a file that are in no whole frame. */
export interface Gap {
  offset: number
  bytes: number
  /**
   * It is the end of the file, and nothing but what a crash leaves of a write under way: the beginning of a
   * frame that the file ends in, or zeros. All else may have been records that were whole once.
   */
  torn: boolean
}

const CHUNK = 1 << 20

/** Frames and gaps, in the order of the file. Memory: the largest body and 1 MiB. Fails as the reader does. */
export async function* readFrames(file: FileReader, seed: number): AsyncGenerator<Frame | Gap> {
  const window = createWindow(file)
  let gap: Gap | undefined
  const skip = (bytes: number, torn: boolean) => {
    gap ??= { offset: window.offset, bytes: 0, torn: true }
    gap.bytes += bytes
    gap.torn &&= torn
    window.advance(bytes)
  }
  while ((await window.want(HEADER)) >= HEADER) {
    const header = readHeader(window.bytes, window.words, window.at, seed)
    if (!header) {
      skip(8, window.words[window.at / 4] === 0 && window.words[window.at / 4 + 1] === 0)
      continue
    }
    const whole = HEADER + padded(header.size)
    const got = await window.want(whole)
    const from = window.at + HEADER
    // The padding is no part of the promise: a file cut within it has lost nothing.
    const body = window.bytes.subarray(from, from + header.size)
    const cut = got < HEADER + header.size
    if (cut || crc32c(body) !== header.crc) {
      skip(Math.min(got, whole), cut)
      continue
    }
    if (gap) yield { ...gap, torn: false }
    gap = undefined
    yield { ...header, offset: window.offset, body }
    window.advance(Math.min(got, whole))
  }
  const left = await window.want(1)
  // Less than a header, in which no record has room.
  if (left > 0) skip(left, true)
  if (gap) yield gap
}

/** The stretch of the file that is in memory, its start always at a multiple of 8 of both. */
function createWindow(file: FileReader) {
  let words = new Uint32Array(CHUNK / 4)
  let bytes = new Uint8Array(words.buffer)
  let base = 0
  let at = 0
  let end = 0
  let ended = false
  return {
    get bytes() {
      return bytes
    },
    get words() {
      return words
    },
    get at() {
      return at
    },
    get offset() {
      return base + at
    },
    advance(size: number) {
      at = Math.min(at + size, end)
    },
    /** Reads on until `size` bytes are there, or the file ends; gives how many are there. */
    async want(size: number): Promise<number> {
      while (end - at < size && !ended) {
        if (at + size > bytes.length || end === bytes.length) {
          const more = size > bytes.length ? new Uint32Array(padded(size + CHUNK) / 4) : words
          const target = new Uint8Array(more.buffer)
          target.set(bytes.subarray(at, end))
          base += at
          end -= at
          at = 0
          words = more
          bytes = target
        }
        const got = await file.read(bytes.subarray(end), base + end)
        ended = got === 0
        end += got
      }
      return end - at
    },
  }
}
