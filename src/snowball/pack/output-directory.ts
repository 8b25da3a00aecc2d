// The directory of the chunks and the manifest: that it is ours, and ours alone.
import { MillraceError } from '../../errors.js'
import type { DirectoryLock, Storage } from '../../ports/ports.js'
import { isChunk } from '../chunk-names.js'
import { join } from '../paths.js'

const isManifest = (name: string) => /^manifest\.ndjson(?:\.part)?(?:\.tmp)?$/.test(name)
/** Of this process, or of one that was killed. */
const isLock = (name: string) => name.startsWith('lock.')

export interface OutputDirectory {
  /** Its path as resolve() gives it. */
  path: string
  /** Removes chunks of an earlier run that this one has not. */
  clear(names: ReadonlySet<string>): Promise<void>
  release(): Promise<void>
}

/** Makes the directory, or takes an earlier run's. `root`: resolved path of the source. Rejects with BAD_INPUT where something else is in it, with LOCKED where another run is at work there. */
export async function takeOutput(storage: Storage, root: string, output: string): Promise<OutputDirectory> {
  await storage.makeDirectory(output)
  const path = await storage.resolve(output)
  if (path === root) throw refused(output, 'the source itself')
  // before a lock is laid into it
  await check(storage, path, output)
  const lock: DirectoryLock | undefined = await storage.lock?.(path)
  return {
    path,
    async clear(names) {
      const old: string[] = []
      for await (const { name } of storage.list(path)) if (isChunk(name) && !names.has(name)) old.push(name)
      for (const name of old) await storage.remove(join(path, name))
    },
    release: async () => lock?.release(),
  }
}

async function check(storage: Storage, path: string, output: string): Promise<void> {
  let chunks = false
  let manifest = false
  for await (const { name, kind } of storage.list(path)) {
    if (kind === 'file' && isManifest(name)) manifest = true
    else if (kind === 'file' && isChunk(name)) chunks = true
    else if (kind !== 'file' || !isLock(name)) throw refused(output, `one with ${JSON.stringify(name)} in it`)
  }
  if (chunks && !manifest) throw refused(output, 'one with chunks but no manifest')
}

const refused = (source: string, what: string) =>
  new MillraceError('BAD_INPUT', `expected an empty directory or the output of an earlier pack, got ${what}`, { position: { source } })
