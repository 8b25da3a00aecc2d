// One chunk: its members read while nobody changes them, put into a tar, on to a sink. A large file that
// goes to a store of objects takes the same way without the tar.

import { crc32c } from '../../engine/digest.js'
import { createEngine } from '../../engine/engine.js'
import type { FileReader, Sha256 } from '../../ports/ports.js'
import { interrupted } from '../checks.js'
import { crcText } from '../digest.js'
import { utf8Size } from '../keys.js'
import { type Left, left } from '../left.js'
import type { ManifestLine, ManifestMember, ManifestObject } from '../manifest/manifest.js'
import { filledUp } from '../parts.js'
import { OBJECT_BYTES } from '../plan/fill.js'
import { ARCHIVE_BYTES } from '../plan/options.js'
import type { PlannedChunk, PlannedMember } from '../plan/planned.js'
import { ATTEMPTS, readFully, steady, type Tree } from '../read.js'
import type { ChunkStore } from '../store/store.js'
import { END, headerBound, padded } from '../tar.js'
import type { Packed } from './archive.js'
import { type CompressionOptions, compressedBound, uncompressedBound } from './compress.js'
import { openChunk } from './open-chunk.js'
import { type Output, openOutput } from './output.js'

/** What packing a chunk takes beside its plan. */
export interface Packer {
  tree: Tree
  store: Pick<ChunkStore, 'objects' | 'create'>
  sha256: Sha256
  smallBytes: number
  chunkBytes: number
  compression?: CompressionOptions | undefined
  signal?: AbortSignal | undefined
}

/** What came of it. */
export interface PackedChunk {
  /** Of the manifest; nothing about a chunk that has no members. */
  lines: ManifestLine[]
  members: number
  /** Bytes of the members' data. */
  bytes: number
  /** Whether there is a tar. */
  tar: boolean
  left: Left[]
}

export type Progress = (members: number, bytes: number) => void

/** Small files whose headers are made in one crossing. */
const WINDOW = 64
const PIECE = 1 << 20

/**
 * Packs a planned chunk; `plan` is its identity in the manifest. A large file that changes while it is
 * read spoils what has left already, so the chunk is begun again, and without the file after ATTEMPTS.
 */
export async function packChunk(packer: Packer, chunk: PlannedChunk, plan: string, progress: Progress): Promise<PackedChunk> {
  const spoiled = new Map<PlannedMember, number>()
  const given: Left[] = []
  for (;;) {
    const members = chunk.members.filter((member) => (spoiled.get(member) ?? 0) < ATTEMPTS)
    const work = chunk.single && packer.store.objects ? packObject : packTar
    const packed = members.length === 0 ? nothing([]) : await work(packer, { ...chunk, members }, plan, progress)
    if (!('spoiled' in packed)) return { ...packed, lines: [...packed.lines, ...given], left: [...packed.left, ...given] }
    const times = (spoiled.get(packed.spoiled) ?? 0) + 1
    const final = packed.why.reason !== 'changed' || times === ATTEMPTS
    spoiled.set(packed.spoiled, final ? ATTEMPTS : times)
    if (final) given.push(packed.why)
  }
}

interface Spoiled {
  spoiled: PlannedMember
  why: Left
}

const boundOf = (members: readonly PlannedMember[]) => members.reduce((sum, { key, size }) => sum + headerBound(utf8Size(key)) + padded(size), END.length)

/** Bytes that a chunk of at most `bound` may come to have more: up to its limit, and in a store of objects in the parts that were planned. */
function slackOf({ store, chunkBytes, compression }: Packer, members: number, bound: number): number {
  const limit = members === 1 && !store.objects ? ARCHIVE_BYTES : chunkBytes
  const room = compression ? uncompressedBound(filledUp(compressedBound(bound))) : filledUp(bound)
  return Math.max(0, (store.objects ? Math.min(limit, room) : limit) - bound)
}

/** Nothing of these goes anywhere. */
const nothing = (left: Left[]): PackedChunk => ({ lines: left, members: 0, bytes: 0, tar: false, left })

async function packTar(packer: Packer, { chunk, device, members }: PlannedChunk, plan: string, progress: Progress): Promise<PackedChunk | Spoiled> {
  const { tree, store, sha256, smallBytes, compression, signal } = packer
  const bound = boundOf(members)
  if (bound > ARCHIVE_BYTES) return nothing(members.map(tooLarge))
  // The plan's bound holds for the sizes of its time; what grew since may only take what is left of the chunk.
  let slack = slackOf(packer, members.length, bound)
  // a store of objects makes the parts of it, a directory takes what comes
  const open = await openChunk(store, chunk, store.objects ? bound + slack : bound, { sha256, smallBytes, compression })
  try {
    const { archive } = open
    const lines: ManifestMember[] = []
    const lefts: Left[] = []
    let bytes = 0
    const settle = ({ path, key, size }: PlannedMember, packed: Packed) => {
      lines.push({ type: 'member', chunk, path, key, ...packed })
      bytes += packed.size
      slack -= padded(packed.size) - padded(size)
    }
    for (let at = 0; at < members.length; ) {
      interrupted(signal, 'packing')
      const window = smallOnes(members, at, smallBytes)
      if (window.length > 0) {
        await archive.add(
          window,
          (i, place) => readSmall(packer, window[i], slack, place),
          (i, packed) => {
            if ('reason' in packed) lefts.push(packed)
            else settle(window[i], packed)
          },
        )
        at += window.length
      } else {
        const member = members[at++]
        let begun = false
        const packed = await steady(
          tree,
          member.path,
          member.size + slack,
          (source, size) => {
            begun = true
            const data = pieces(source, size, signal, (done) => progress(lines.length, bytes + done))
            return archive.stream(member.key, size, data)
          },
          { once: true },
        )
        if (!('reason' in packed)) settle(member, packed)
        else if (begun) return { spoiled: member, why: packed }
        else lefts.push(packed)
      }
      progress(lines.length, bytes)
    }
    if (lines.length === 0) return nothing(lefts)
    const line = { type: 'chunk' as const, chunk, ...deviceOf(device), members: lines.length, ...(await open.finish()), plan }
    return { lines: [line, ...lines, ...lefts], members: lines.length, bytes, tar: true, left: lefts }
  } finally {
    await open.close()
  }
}

/** As many small files as there are from `at` on, WINDOW at most. */
function smallOnes(members: readonly PlannedMember[], at: number, smallBytes: number): PlannedMember[] {
  let end = at
  while (end < members.length && end - at < WINDOW && members[end].size <= smallBytes) end++
  return members.slice(at, end)
}

function readSmall({ tree, smallBytes }: Packer, { path, size: planned }: PlannedMember, slack: number, place: (size: number) => Uint8Array) {
  return steady(tree, path, Math.min(smallBytes, padded(planned) + slack), async (source, size) => {
    await readFully(source, place(size), 0)
    return size
  })
}

async function packObject(packer: Packer, { device, members }: PlannedChunk, plan: string, progress: Progress): Promise<PackedChunk | Spoiled> {
  const { store, sha256, signal, tree } = packer
  const [member] = members
  const { path, key } = member
  const engine = createEngine()
  let output: Output | undefined
  try {
    const packed = await steady(
      tree,
      path,
      OBJECT_BYTES,
      async (source, size) => {
        output = await openOutput(store, key, { bound: size, object: true }, engine, sha256)
        let crc = 0
        for await (const piece of pieces(source, size, signal, (done) => progress(0, done))) {
          crc = crc32c(piece, crc)
          await output.write(piece)
        }
        return { crc32c: crcText(crc) }
      },
      { once: true },
    )
    if ('reason' in packed) return output ? { spoiled: member, why: packed } : nothing([packed])
    const { bytes: size, ...digest } = await (output as Output).finish()
    const line: ManifestObject = { type: 'object', ...deviceOf(device), path, key, size, ...packed, ...digest, plan }
    return { lines: [line], members: 1, bytes: size, tar: false, left: [] }
  } finally {
    await output?.discard()
    engine.release()
  }
}

/** A file's data, piece by piece; each is valid until the next is asked for. */
async function* pieces(file: FileReader, size: number, signal: AbortSignal | undefined, progress: (done: number) => void): AsyncGenerator<Uint8Array> {
  const piece = new Uint8Array(Math.min(PIECE, size))
  for (let at = 0; at < size; at += piece.length) {
    interrupted(signal, 'packing')
    const part = piece.subarray(0, Math.min(piece.length, size - at))
    await readFully(file, part, at)
    yield part
    progress(at + part.length)
  }
}

const deviceOf = (device: number | undefined) => (device === undefined ? {} : { device })

const tooLarge = ({ path, size }: PlannedMember) =>
  left(path, 'too-large', `expected at most ${ARCHIVE_BYTES} bytes, got ${size}: an archive over that is not extracted; upload it as an object`)
