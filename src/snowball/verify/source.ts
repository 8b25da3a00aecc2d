// A manifest against the files that were packed.

import type { Clock, Hasher, Storage } from '../../ports/ports.js'
import { interrupted } from '../checks.js'
import { hex } from '../digest.js'
import type { Left } from '../left.js'
import type { OpenManifest } from '../manifest/entries.js'
import type { ManifestMember, ManifestObject } from '../manifest/manifest.js'
import { isAbsolute } from '../paths.js'
import { walk } from '../plan/walk.js'
import { steady, type Tree } from '../read.js'
import { join } from './join.js'
import type { Tell } from './problems.js'

export interface SourceCheck {
  /** Directory that was packed. */
  source: string
  ports: { storage: Storage; clock: Clock }
  sha256: () => Hasher
  tell: Tell<SourceProblem>
  /** Told of each file that was read, and of its bytes. */
  read: (path: string, bytes: number) => void
  signal: AbortSignal | undefined
  /** Whether files that the manifest does not name are no problem, as where a list was packed. Absolute paths in it say so too. */
  listed: boolean
  rows?: number | undefined
}

/** `missing`: no longer there; `changed`: other content; `unreadable`; `failed`: left out, as the manifest says; `new`: in no chunk, and it says nothing; `manifest`: a path that it has twice. */
export type SourceProblem = 'missing' | 'changed' | 'unreadable' | 'failed' | 'new' | 'manifest'

type SourceTree = Tree & { storage: Storage }

/** Files that are read at once, each in pieces. */
const AT_ONCE = 16
const PIECE = 1 << 18

/** Reads every file of the manifest in its order, then looks for files of the tree that are not in it. */
export async function compareSource(manifest: OpenManifest, check: SourceCheck): Promise<void> {
  const { ports, source, signal } = check
  const tree: SourceTree = { ...ports, root: await ports.storage.resolve(source) }
  const buffers = Array.from({ length: AT_ONCE }, () => new Uint8Array(PIECE))
  let listed = check.listed
  let batch: (ManifestMember | ManifestObject)[] = []
  const settle = async () => {
    interrupted(signal, 'verifying')
    const digests = await Promise.all(batch.map(({ path }, i) => digest(tree, path, check, buffers[i])))
    for (const [i, { path, sha256, size }] of batch.entries()) {
      const found = digests[i]
      check.read(path, size)
      if (typeof found === 'string') {
        if (found !== sha256) check.tell('changed', path, `is not what was packed: expected SHA-256 ${sha256}, got ${found}`)
      } else if (found.reason === 'vanished') check.tell('missing', path, 'was packed and is no longer there')
      else check.tell(found.reason === 'changed' ? 'changed' : 'unreadable', path, found.message)
    }
    batch = []
  }
  for await (const { line } of manifest.files()) {
    listed ||= isAbsolute(line.path)
    if (batch.push(line) === AT_ONCE) await settle()
  }
  await settle()
  if (listed) await findFailed(manifest, check)
  else await findNew(manifest, tree, check)
}

function digest(tree: Tree, path: string, { sha256, signal }: Pick<SourceCheck, 'sha256' | 'signal'>, buffer: Uint8Array): Promise<string | Left> {
  return steady(tree, path, Number.MAX_SAFE_INTEGER, async (file, size) => {
    const hash = sha256()
    // no further than it was long: who writes to it may be as fast as this is
    for (let at = 0; at < size; ) {
      interrupted(signal, 'verifying')
      const got = await file.read(buffer.subarray(0, Math.min(buffer.length, size - at)), at)
      if (got === 0) break
      hash.update(buffer.subarray(0, got))
      at += got
    }
    return hex(hash.digest())
  })
}

const leftOut = ({ path, message }: Left) => [path, `is in no chunk: ${message}`] as const

/** What was to be packed, whether it is there now or not: in a list it stood for certain. */
async function findFailed(manifest: OpenManifest, { tell, signal }: SourceCheck): Promise<void> {
  for await (const { line } of manifest.lines()) {
    interrupted(signal, 'verifying')
    if (line.type === 'failed') tell('failed', ...leftOut(line))
  }
}

const PACKED = 1
const LEFT_OUT = 2

async function findNew(manifest: OpenManifest, { storage, root }: SourceTree, { tell, signal, rows }: SourceCheck): Promise<void> {
  let walks = 0
  const joined = join({
    async *left() {
      for await (const { line, start } of manifest.lines()) {
        if (line.type === 'member' || line.type === 'object') yield { key: line.path, low: PACKED, high: 0, ref: start }
        // names that are no UTF-8 look alike and none of them is a file's; they are told of by the walk
        else if (line.type === 'failed' && !line.path.includes('\uFFFD')) yield { key: line.path, low: LEFT_OUT, high: 0, ref: start }
      }
    },
    async *right() {
      walks++
      const progress = { entries: 0, directories: 0, files: 0, bytes: 0, left: {}, largest: { path: '', entries: 0 } }
      for await (const batch of walk({ storage, root, exclude: manifest.directory, collisions: 'ignore', onWarning: undefined, progress })) {
        interrupted(signal, 'verifying')
        for (const entry of batch) {
          if (!('reason' in entry)) yield { key: entry.path, low: PACKED, high: 0 }
          else if (entry.type === 'failed' && walks === 1) tell('unreadable', entry.path, entry.message)
        }
      }
    },
    rows,
  })
  for await (const event of joined) {
    if (event.type === 'onlyRight') tell('new', event.row.key, 'is in no chunk')
    else if (event.type === 'different' || event.type === 'leftAgain') {
      const line = await manifest.lineAt(event.ref)
      if (event.type === 'leftAgain' && 'path' in line) tell('manifest', line.path, 'is in the manifest twice')
      else if (line.type === 'failed') tell('failed', ...leftOut(line))
    }
  }
}
