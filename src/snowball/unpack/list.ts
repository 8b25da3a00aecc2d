// What lies in chunks, by their own headers: no manifest needed.
import { checkKeys, MillraceError, wrongType } from '../../errors.js'
import type { Ports, Storage } from '../../ports/ports.js'
import { checkStorage } from '../checks.js'
import { compareKeys } from '../keys.js'
import { openManifest } from '../manifest/entries.js'
import { MANIFEST } from '../manifest/manifest.js'
import { join } from '../paths.js'
import { inputOutput } from '../read.js'
import type { TarEntry } from '../tar.js'
import { ARCHIVE, openArchive } from './archive.js'

export interface Listed extends TarEntry {
  /** File name of the chunk; "" for an object, which is in none and whose offsets are 0. */
  chunk: string
}

export interface ListOptions {
  /** An archive, or a directory with chunks. */
  output: string
  ports: Pick<Ports, 'storage'>
}

// Headers lie between data that is skipped: a larger window would read more of that.
export const HEADERS_WINDOW: number = 1 << 16

/**
 * The members of an archive (tar, plain or in gzip or zstd), or of all `*.tar`, `*.tar.gz`, `*.tgz` and `*.tar.zst` of a directory by
 * name, in the order of the archive, then the objects of the manifest there; the data of a plain tar is skipped, not read. Names are
 * as they stand, hostile ones too. Offsets are of the tar. Throws IO, CORRUPT, or MISSING_PEER for zstd where there is none.
 */
export async function* list(options: ListOptions): AsyncGenerator<Listed> {
  if (typeof options !== 'object' || options === null) throw wrongType('options', 'an object', options)
  checkKeys('options', options, ['output', 'ports'])
  const { output, ports } = options
  if (typeof output !== 'string' || output === '') throw wrongType('output', 'the path of an archive or a directory of such', output)
  checkStorage(ports)
  try {
    for await (const { path, chunk } of chunks(ports.storage, output)) {
      const { tar, close } = await openArchive(ports.storage, path, path, HEADERS_WINDOW)
      try {
        for (let entry = await tar.next(); entry; entry = await tar.next()) yield { chunk, ...entry }
      } finally {
        await close()
      }
    }
    yield* objects(ports.storage, output)
  } catch (error) {
    throw inputOutput(error, output)
  }
}

/** What the manifest of a directory has in no chunk. */
async function* objects(storage: Storage, output: string): AsyncGenerator<Listed> {
  if ((await storage.stat(await storage.resolve(output))).kind !== 'directory') return
  const manifest = await openManifest(storage, output).catch((error: { code?: string }) => {
    if (error.code !== 'ENOENT') throw error
    return undefined
  })
  try {
    if (manifest)
      for await (const { line } of manifest.lines())
        if (line.type === 'object') yield { chunk: '', kind: 'file', name: line.key, size: line.size, headerAt: 0, dataAt: 0 }
  } finally {
    await manifest?.close()
  }
}

/** The archive that `output` is, or those that lie in it. */
export async function* chunks(storage: Storage, output: string): AsyncGenerator<{ path: string; chunk: string }> {
  let names: string[] = []
  try {
    const path = await storage.resolve(output)
    if ((await storage.stat(path)).kind !== 'directory') {
      yield { path, chunk: path.slice(path.lastIndexOf('/') + 1) }
      return
    }
    let packed = false
    for await (const { name, kind } of storage.list(path)) {
      if (kind === 'file' && ARCHIVE.test(name)) names.push(name)
      else if (name.startsWith(MANIFEST)) packed = true
    }
    // an empty tree has a manifest and no chunks
    if (names.length === 0 && !packed)
      throw new MillraceError('BAD_INPUT', 'expected a tar file or a directory with such, got one without', { position: { source: output } })
    names = names.sort(compareKeys)
  } catch (error) {
    throw inputOutput(error, output)
  }
  for (const name of names) yield { path: join(output, name), chunk: name }
}
