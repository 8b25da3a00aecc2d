// Chunks against manifest, manifest against the tree it was made of. Everything is read and hashed.
import { checkKeys, MillraceError, wrongType } from '../../errors.js'
import type { FileReader, Hasher, Ports, Storage } from '../../ports/ports.js'
import { coreSha256, hex } from '../digest.js'
import { plan } from '../plan/plan.js'
import { checkWatch, inputOutput, join, steady } from '../read.js'
import { openTar } from '../tar.js'
import { MANIFEST, type ManifestChunk, type ManifestEnd, type ManifestMember, readManifest, VERSION } from './manifest.js'

export interface VerifyOptions {
  /** Directory with the chunks and the manifest. */
  output: string
  /** Directory that was packed; where given, every file of it must be in the manifest, and the reverse. */
  source?: string
  ports: Pick<Ports, 'storage' | 'clock' | 'sha256'>
  onProgress?: (progress: { chunk: string; members: number; bytes: number }) => void
  signal?: AbortSignal
}

export interface Problem {
  /** Chunk, manifest or path under the source that is wrong. */
  where: string
  message: string
}

export interface VerifySummary {
  chunks: number
  members: number
  /** Bytes of the members' data. */
  bytes: number
  /** All problems, and the first 1,000 of them. */
  problemCount: number
  problems: Problem[]
}

const OPTIONS = ['output', 'source', 'ports', 'onProgress', 'signal'] satisfies (keyof VerifyOptions)[]

/**
 * Reads every chunk with a reader of its own and compares each member's key, size, place and SHA-256
 * and each chunk's size and SHA-256 with the manifest, and the set of chunks with the directory.
 * With `source` also every file of the tree, by content; that holds one entry a member in memory.
 * What is wrong is in the summary. Rejects with IO or CORRUPT only where there is no readable manifest.
 */
export async function verify(options: VerifyOptions): Promise<VerifySummary> {
  if (typeof options !== 'object' || options === null) throw wrongType('options', 'an object', options)
  checkKeys('options', options, OPTIONS)
  const { output, source, ports, onProgress, signal } = options
  if (typeof output !== 'string' || output === '') throw wrongType('output', 'the path of a directory', output)
  if (source !== undefined && (typeof source !== 'string' || source === '')) throw wrongType('source', 'the path of a directory', source)
  if (typeof ports?.storage?.open !== 'function' || typeof ports.clock?.now !== 'function') throw wrongType('ports', 'ports with a storage and a clock', ports)
  checkWatch(options)
  const sha256 = ports.sha256 ?? coreSha256
  const { storage } = ports
  const summary: VerifySummary = { chunks: 0, members: 0, bytes: 0, problemCount: 0, problems: [] }
  const problem = (where: string, message: string) => {
    if (summary.problemCount++ < 1000) summary.problems.push({ where, message })
  }
  const counted: ManifestEnd = { type: 'end', chunks: 0, members: 0, bytes: 0, skipped: 0, failed: 0 }
  const known = source === undefined ? undefined : new Map<string, ManifestMember>()
  const names = new Set<string>()

  async function checkChunk(chunk: ManifestChunk, members: ManifestMember[]) {
    if (signal?.aborted) throw new MillraceError('CLOSED', 'verifying was interrupted', { cause: signal.reason })
    counted.chunks++
    counted.members += members.length
    if (members.length !== chunk.members) problem(MANIFEST, `expected ${chunk.members} members of ${chunk.chunk}, got ${members.length}`)
    if (names.has(chunk.chunk)) problem(MANIFEST, `${chunk.chunk} is there twice`)
    names.add(chunk.chunk)
    for (const member of members) {
      counted.bytes += member.size
      if (member.chunk !== chunk.chunk) problem(MANIFEST, `a member of ${member.chunk} stands among those of ${chunk.chunk}`)
      if (known?.has(member.path)) problem(MANIFEST, `${JSON.stringify(member.path)} is there twice`)
      known?.set(member.path, member)
    }
    if (/[/\\]/.test(chunk.chunk) || chunk.chunk.startsWith('.'))
      return problem(MANIFEST, `expected a file name for a chunk, got ${JSON.stringify(chunk.chunk)}`)
    try {
      const file = await storage.open(join(output, chunk.chunk))
      try {
        await compareChunk(file, chunk, members, sha256, problem, (size) => {
          summary.members++
          summary.bytes += size
        })
      } finally {
        await file.close()
      }
      summary.chunks++
    } catch (error) {
      problem(chunk.chunk, (error as Error).message)
    }
    onProgress?.({ chunk: chunk.chunk, members: summary.members, bytes: summary.bytes })
  }

  try {
    await readBlocks(storage, output, counted, checkChunk, problem)
    for await (const { name } of storage.list(output)) {
      if (/\.tar(\.tmp)?$/.test(name) && !names.has(name)) problem(name, 'expected no archive that the manifest does not name')
    }
    if (source !== undefined && known) await compareSource(source, await storage.resolve(output), ports, sha256, known, problem)
  } catch (error) {
    throw inputOutput(error, output)
  }
  return summary
}

/** Hands each chunk of the manifest to `use` with its members, and checks the manifest's own frame. */
async function readBlocks(
  storage: Storage,
  output: string,
  counted: ManifestEnd,
  use: (chunk: ManifestChunk, members: ManifestMember[]) => Promise<void>,
  problem: (where: string, message: string) => void,
): Promise<void> {
  const path = join(output, MANIFEST)
  const file = await storage.open(path)
  try {
    let open: { chunk: ManifestChunk; members: ManifestMember[] } | undefined
    let end: ManifestEnd | undefined
    let first = true
    for await (const { line } of readManifest(file, path)) {
      if (first && (line.type !== 'manifest' || line.version !== VERSION)) {
        throw new MillraceError('CORRUPT', `expected a manifest of version ${VERSION}, got ${JSON.stringify(line).slice(0, 80)}`, {
          position: { source: path, record: 0 },
        })
      }
      first = false
      if (end) problem(MANIFEST, 'expected nothing behind the line of type end')
      if (line.type === 'member') {
        if (open) open.members.push(line)
        else problem(MANIFEST, `expected the line of ${line.chunk} before its member ${JSON.stringify(line.key)}`)
        continue
      }
      if (open) await use(open.chunk, open.members)
      open = line.type === 'chunk' ? { chunk: line, members: [] } : undefined
      if (line.type === 'skipped' || line.type === 'failed') counted[line.type]++
      if (line.type === 'end') end = line
    }
    if (open) await use(open.chunk, open.members)
    if (!end) problem(MANIFEST, 'expected a last line of type end: the manifest is not whole')
    for (const field of ['chunks', 'members', 'bytes', 'skipped', 'failed'] as const) {
      if (end && end[field] !== counted[field]) problem(MANIFEST, `expected ${end[field]} ${field} as its last line says, got ${counted[field]}`)
    }
  } finally {
    await file.close()
  }
}

async function compareChunk(
  file: FileReader,
  chunk: ManifestChunk,
  members: readonly ManifestMember[],
  sha256: () => Hasher,
  problem: (where: string, message: string) => void,
  good: (size: number) => void,
): Promise<void> {
  const whole = sha256()
  let bytes = 0
  const tar = await openTar(file, chunk.chunk, {
    observe(piece) {
      whole.update(piece)
      bytes += piece.length
    },
  })
  let at = 0
  for (let entry = await tar.next(); entry; entry = await tar.next()) {
    const expected = members[at++]
    const name = JSON.stringify(entry.name)
    if (entry.kind !== 'file') problem(chunk.chunk, `expected files only, got a ${entry.kind}, ${name}`)
    const hash = sha256()
    for (let piece = await tar.read(); piece; piece = await tar.read()) hash.update(piece)
    const digest = hex(hash.digest())
    if (!expected) problem(chunk.chunk, `expected ${members.length} members, got ${name} as well`)
    else if (entry.name !== expected.key) problem(chunk.chunk, `member ${at - 1}: expected ${JSON.stringify(expected.key)}, got ${name}`)
    else if (entry.size !== expected.size) problem(chunk.chunk, `${name}: expected ${expected.size} bytes, got ${entry.size}`)
    else if (entry.dataAt !== expected.offset) problem(chunk.chunk, `${name}: expected its data at byte ${expected.offset}, got ${entry.dataAt}`)
    else if (digest !== expected.sha256) problem(chunk.chunk, `${name}: expected SHA-256 ${expected.sha256}, got ${digest}`)
    else good(entry.size)
  }
  for (const { key } of members.slice(at)) problem(chunk.chunk, `expected ${JSON.stringify(key)}, got the end of the archive`)
  if (bytes !== chunk.bytes) problem(chunk.chunk, `expected ${chunk.bytes} bytes, got ${bytes}`)
  const digest = hex(whole.digest())
  if (digest !== chunk.sha256) problem(chunk.chunk, `expected SHA-256 ${chunk.sha256}, got ${digest}`)
}

async function compareSource(
  source: string,
  exclude: string,
  ports: VerifyOptions['ports'],
  sha256: () => Hasher,
  known: Map<string, ManifestMember>,
  problem: (where: string, message: string) => void,
): Promise<void> {
  const { storage, clock } = ports
  const tree = { storage, clock, root: await storage.resolve(source) }
  const buffer = new Uint8Array(1 << 20)
  for await (const item of plan({ source, ports: { storage }, exclude })) {
    if (item.type !== 'chunk') {
      if (item.type === 'failed') problem(item.path, item.message)
      continue
    }
    for (const { path } of item.members) {
      const member = known.get(path)
      known.delete(path)
      if (!member) {
        problem(path, 'is in no chunk')
        continue
      }
      const digest = await steady(tree, path, Number.MAX_SAFE_INTEGER, async (file) => {
        const hash = sha256()
        for (let at = 0; ; ) {
          const got = await file.read(buffer, at)
          if (got === 0) return hex(hash.digest())
          hash.update(buffer.subarray(0, got))
          at += got
        }
      })
      if (typeof digest !== 'string') problem(path, digest.message)
      else if (digest !== member.sha256) problem(path, `is not what was packed: expected SHA-256 ${member.sha256}, got ${digest}`)
    }
  }
  for (const path of known.keys()) problem(path, 'was packed and is no longer there')
}
