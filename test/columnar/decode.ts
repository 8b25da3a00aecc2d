// Pages back to level entries, by parquet-format's Encodings.md: PLAIN, dictionaries and the hybrid.
import { snappyUncompress } from 'hyparquet'
import type { EncodedPage } from '../../src/engine/encoded.js'
import { type LeafColumn, PHYSICAL } from '../../src/engine/leaves.js'

/** `count` numbers of `width` bits out of the RLE / bit-packing hybrid; throws unless it ends with `bytes`. */
export function hybrid(bytes: Uint8Array, width: number, count: number): number[] {
  const out: number[] = []
  let at = 0
  while (out.length < count) {
    let head = 0
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]
      head |= (byte & 127) << shift
      if (byte < 128) break
    }
    if (head & 1) {
      const groups = head >>> 1
      let bits = 0
      let have = 0
      for (let i = 0; i < groups * width; i++) {
        // widths are 17 at most
        bits |= bytes[at++] << have
        have += 8
        for (; have >= width; have -= width) {
          out.push(bits & ((1 << width) - 1))
          bits >>>= width
        }
      }
    } else {
      let value = 0
      for (let i = 0; i < (width + 7) >> 3; i++) value |= bytes[at++] << (8 * i)
      for (let i = 0; i < head >>> 1; i++) out.push(value)
    }
  }
  if (at !== bytes.length) throw new Error(`hybrid: ${bytes.length - at} bytes behind the last run`)
  // only the last group may be filled up
  if (out.length - count > 7) throw new Error(`hybrid: ${out.length} values, not ${count}`)
  return out.slice(0, count)
}

/** Values in packed form, byte arrays without their size. */
export function plain(bytes: Uint8Array, leaf: LeafColumn, count: number): Uint8Array[] {
  const out: Uint8Array[] = []
  let at = 0
  if (leaf.physical === PHYSICAL.boolean) {
    for (let i = 0; i < count; i++) out.push(Uint8Array.of((bytes[i >> 3] >> (i & 7)) & 1))
    at = (count + 7) >> 3
  } else {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    while (out.length < count) {
      let size = leaf.width
      if (leaf.physical === PHYSICAL.byteArray) {
        size = view.getUint32(at, true)
        at += 4
      }
      out.push(bytes.slice(at, at + size))
      at += size
    }
  }
  if (at !== bytes.length) throw new Error(`PLAIN: ${bytes.length - at} bytes too many`)
  return out
}

const bitsOf = (most: number) => 32 - Math.clz32(most)

export interface DecodedPage {
  defs: number[]
  reps: number[]
  values: Uint8Array[]
}

/** A data page; `entries` are the dictionary's. */
export function decodePage(page: EncodedPage, leaf: LeafColumn, version: 1 | 2, codec: 'none' | 'snappy', entries: Uint8Array[] = []): DecodedPage {
  const unpack = (bytes: Uint8Array, size: number) => {
    if (codec === 'none') return bytes
    const out = new Uint8Array(size)
    snappyUncompress(bytes, out)
    return out
  }
  const { repBytes, defBytes } = page
  const [repWidth, defWidth] = [bitsOf(leaf.maxRep), bitsOf(leaf.maxDef)]
  let body: Uint8Array
  let reps: number[] = []
  let defs: number[] = []
  if (version === 2) {
    if (repWidth) reps = hybrid(page.body.subarray(0, repBytes), repWidth, page.values)
    if (defWidth) defs = hybrid(page.body.subarray(repBytes, repBytes + defBytes), defWidth, page.values)
    body = unpack(page.body.subarray(repBytes + defBytes), page.size - repBytes - defBytes)
  } else {
    body = unpack(page.body, page.size)
    const levels = (width: number) => {
      const size = new DataView(body.buffer, body.byteOffset).getUint32(0, true)
      const read = hybrid(body.subarray(4, 4 + size), width, page.values)
      body = body.subarray(4 + size)
      return read
    }
    if (repWidth) reps = levels(repWidth)
    if (defWidth) defs = levels(defWidth)
  }
  reps = repWidth ? reps : Array(page.values).fill(0)
  defs = defWidth ? defs : Array(page.values).fill(0)
  const count = defs.filter((d) => d === leaf.maxDef).length
  if (page.encoding === 0) return { defs, reps, values: plain(body, leaf, count) }
  if (page.encoding === 3) {
    if (new DataView(body.buffer, body.byteOffset).getUint32(0, true) !== body.length - 4) throw new Error('RLE: wrong size')
    return { defs, reps, values: hybrid(body.subarray(4), 1, count).map((b) => Uint8Array.of(b)) }
  }
  if (page.encoding !== 8) throw new Error(`encoding ${page.encoding}`)
  return { defs, reps, values: hybrid(body.subarray(1), body[0], count).map((i) => entries[i]) }
}
