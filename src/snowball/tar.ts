// Tar over the core's kernels: headers for a batch of members in one crossing, and a pull reader.
import { BAD_INPUT, INPUT_ENDS, TAR_CHECKSUM, TAR_ENTRY, TAR_GNU, TAR_LONG, TAR_NAME, TAR_NUMBER, TAR_PAX, TAR_ROW, TAR_SPARSE } from '../engine/core.js'
import { engine, settled } from '../engine/engine.js'
import { MillraceError } from '../errors.js'
import { SNOWBALL_LIMITS } from '../limits.js'
import type { FileReader } from '../ports/ports.js'

export const BLOCK = 512
/** The two blocks of zeros that end an archive. */
export const END = new Uint8Array(2 * BLOCK)

const encoder = new TextEncoder()

/** Bytes of data with the padding behind it. */
export const padded = (size: number) => Math.ceil(size / BLOCK) * BLOCK

/** Upper bound of a member's header for a name of `nameBytes` UTF-8 bytes: a pax header of its own, its records, and ustar. */
export const headerBound = (nameBytes: number) => 2 * BLOCK + padded(nameBytes + 64)

/** Of any key that a Snowball takes. */
export const HEADER_BOUND: number = headerBound(SNOWBALL_LIMITS.keyBytes.value)

/**
 * Names that a pax header would not carry to every reader: node-tar ends a record at a newline, and
 * takes what follows for another; libarchive composes to NFC, and then two files are one.
 */
const outsidePax = (key: string) => key.includes('\n') || key.normalize('NFC') !== key

/**
 * The headers of some members, back to back. `starts[i]` to `starts[i + 1]` is what stands before
 * member i's data. Names are taken as they are; `checkKey` them first.
 */
export function tarHeaders(members: readonly { key: string; size: number }[]): { bytes: Uint8Array; starts: number[] } {
  const core = engine()
  return core.scope(() => {
    const names = members.map(({ key }) => encoder.encode(key))
    const heap = core.reserve(names.reduce((sum, name) => sum + name.length, 0))
    const table = core.reserve(members.length * TAR_ROW)
    const cap = names.reduce((sum, name) => sum + headerBound(name.length), 0)
    const target = core.reserve(cap)
    const [bytes, words] = [core.bytes(), core.words()]
    let at = 0
    names.forEach((name, i) => {
      bytes.set(name, heap + at)
      const { key, size } = members[i]
      words.set([at, outsidePax(key) ? name.length + TAR_GNU : name.length, size % 2 ** 32, Math.floor(size / 2 ** 32)], (table + i * TAR_ROW) >> 2)
      at += name.length
    })
    const written = settled(core.core.tarHeaders(heap, table, members.length, target, cap))
    const starts = members.map((_, i) => words[((table + i * TAR_ROW) >> 2) + 4])
    return { bytes: bytes.slice(target, target + written), starts: [...starts, written] }
  })
}

/** A member as its headers describe it. */
export interface TarEntry {
  kind: 'file' | 'directory' | 'link' | 'other'
  /** The name as it stands in the archive. Hostile until checked. */
  name: string
  /** Bytes of data; 0 for everything but files. */
  size: number
  /** Byte offsets in the archive of the first header and of the data. */
  headerAt: number
  dataAt: number
}

export interface TarReader {
  /** The next member, or undefined at the archive's end. What was not read of the last one is skipped. */
  next(): Promise<TarEntry | undefined>
  /** The next piece of the current member's data, valid until the next call; undefined when there is no more. */
  read(): Promise<Uint8Array | undefined>
}

const REASONS: Record<number, string> = {
  [TAR_CHECKSUM]: 'expected a tar header, got a block whose checksum is wrong',
  [TAR_NUMBER]: 'expected a size of 0 to 2^53 bytes (0 for links and directories)',
  [TAR_PAX]: 'expected a well-formed pax header with its member behind it',
  [TAR_LONG]: 'expected an extended header of at most 1 MiB, at most 8 in a row',
  [TAR_SPARSE]: 'expected a plain file, got a sparse one',
  [TAR_NAME]: 'expected a name that is neither empty nor has a NUL in it',
}

// An extended header may have 1 MiB, and 8 may follow one another.
const HEADER_LIMIT = 16 << 20

// tar fills its last record, of up to a few MiB; what a few bytes of zstd can say is no padding.
const PADDING_LIMIT = 64 << 20

/**
 * Reads an archive from its start, `window` bytes at a time; data that nobody reads is skipped. Errors: CORRUPT
 * with the byte offset for damage, for a file that ends early, for what follows the end of the archive
 * and is not zero, or is more than 64 MiB of zeros.
 */
export async function openTar(file: FileReader, source: string, options: { window?: number } = {}): Promise<TarReader> {
  const { window: size = 1 << 20 } = options
  /** Infinite where the bytes come out of a decompressor: such a file is read in order. */
  const { size: total } = await file.stat()
  const buffer = new Uint8Array(size)
  let window = buffer.subarray(0, 0)
  /** Archive offset of window[0], and of what comes next. */
  let base = 0
  let at = 0
  let dataLeft = 0
  let padding = 0

  const corrupt = (offset: number, message: string) => new MillraceError('CORRUPT', message, { position: { source, offset } })

  /** Makes window hold what stands at `at`, at least `need` bytes of it where the file has them. */
  async function fill(need = 1): Promise<Uint8Array> {
    const have = base + window.length - at
    if (have >= need && at >= base) return window.subarray(at - base)
    const keep = have > 0 && at >= base ? window.slice(at - base) : undefined
    const target = need > buffer.length ? new Uint8Array(need) : buffer
    let filled = keep?.length ?? 0
    if (keep) target.set(keep)
    base = at
    while (filled < need) {
      const got = await file.read(target.subarray(filled), base + filled)
      if (got === 0) break
      filled += got
    }
    window = target.subarray(0, filled)
    return window
  }

  async function skip(bytes: number): Promise<void> {
    const end = at + bytes
    if (end > total) throw corrupt(total, `expected ${end - total} more bytes, got the end of the file`)
    if (total < Number.POSITIVE_INFINITY) {
      at = end
      return
    }
    while (at < end) {
      const got = (await fill()).length
      if (got === 0) throw corrupt(at, `expected ${end - at} more bytes, got the end of the file`)
      at += Math.min(got, end - at)
    }
  }

  async function finish(): Promise<undefined> {
    for (const end = at; ; ) {
      const rest = await fill()
      if (rest.length === 0) return undefined
      const stray = rest.findIndex((byte) => byte !== 0)
      if (stray >= 0) throw corrupt(at + stray, 'expected nothing but zeros behind the end of the archive')
      if (at + rest.length - end > PADDING_LIMIT) throw corrupt(end, `expected at most ${PADDING_LIMIT} bytes of zeros behind the end of the archive`)
      at += rest.length
    }
  }

  return {
    async next() {
      await skip(dataLeft + padding)
      dataLeft = padding = 0
      for (let need = BLOCK; ; ) {
        const head = await fill(need)
        if (head.length < need) throw corrupt(at + head.length, 'expected two blocks of zeros or a header, got the end of the file')
        const parsed = parse(head.subarray(0, need))
        if ('need' in parsed) {
          if (parsed.need > HEADER_LIMIT) throw corrupt(at, REASONS[TAR_LONG])
          need = parsed.need
          continue
        }
        if ('fault' in parsed) throw corrupt(at + parsed.position, REASONS[parsed.fault] ?? 'expected a tar header')
        if (parsed.type === 0) return finish()
        const headerAt = at
        at += parsed.headerSize
        dataLeft = parsed.size
        padding = padded(parsed.size) - parsed.size
        if (at + dataLeft > total)
          throw corrupt(total, `expected ${at + dataLeft - total} more bytes of ${JSON.stringify(parsed.name)}, got the end of the file`)
        return { kind: kindOf(parsed.type), name: parsed.name, size: parsed.size, headerAt, dataAt: at }
      }
    },
    async read() {
      if (dataLeft === 0) return undefined
      const all = await fill()
      if (all.length === 0) throw corrupt(at, `expected ${dataLeft} more bytes, got the end of the file`)
      const piece = all.subarray(0, Math.min(all.length, dataLeft))
      at += piece.length
      dataLeft -= piece.length
      return piece
    },
  }
}

type Parsed = { need: number } | { fault: number; position: number } | { type: number; headerSize: number; name: string; size: number }

// Bytes that are no UTF-8 come out as U+FFFD: such a name is shown, and refused by checkKey.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

function parse(head: Uint8Array): Parsed {
  const core = engine()
  return core.scope(() => {
    const source = core.put(head)
    // A name is no longer than what stands before the data, so this never is too small.
    const cap = TAR_ENTRY + head.length + BLOCK
    const target = core.reserve(cap)
    const result = core.core.tarEntry(source, head.length, target, cap)
    const words = core.words()
    const report = core.core.report() >> 2
    if (result === INPUT_ENDS) return { need: words[report] }
    if (result === BAD_INPUT) return { fault: words[report + 4], position: words[report + 2] }
    const [type, nameSize, low, high] = words.subarray(target >> 2, (target >> 2) + 4)
    const bytes = core.bytes().subarray(target + TAR_ENTRY, target + TAR_ENTRY + nameSize)
    return { type, headerSize: result, name: decoder.decode(bytes), size: high * 2 ** 32 + low }
  })
}

function kindOf(type: number): TarEntry['kind'] {
  if (type === 0x30) return 'file'
  if (type === 0x35) return 'directory'
  return type === 0x31 || type === 0x32 ? 'link' : 'other'
}
