// Chunks back into files, below one directory and nowhere else.
import { checkKeys, MillraceError, wrongType } from '../../errors.js'
import type { FileWriter, Ports, Storage } from '../../ports/ports.js'
import { keyFault } from '../keys.js'
import { checkWatch, inputOutput, join } from '../read.js'
import { openTar, type TarReader } from '../tar.js'
import { chunks } from './list.js'

export interface UnpackOptions {
  /** A tar file, or a directory with chunks. */
  output: string
  /** Where to; made where it does not exist. */
  directory: string
  ports: Pick<Ports, 'storage'>
  onProgress?: (progress: { chunk: string; files: number; bytes: number }) => void
  signal?: AbortSignal
}

export interface UnpackSummary {
  files: number
  bytes: number
  /** Members that were refused or could not be written. */
  problems: { chunk: string; name: string; message: string }[]
}

const OPTIONS = ['output', 'directory', 'ports', 'onProgress', 'signal'] satisfies (keyof UnpackOptions)[]

/**
 * Writes the files of the chunks below `directory`. Refused, told and passed over: names that are
 * absolute or lead upward, links, devices, anything that would go through a link or replace what is
 * there already. A damaged chunk rejects with CORRUPT; what was written before stays, the file that
 * was being written does not. Nobody else may change `directory` meanwhile: portable file calls
 * cannot hold a directory open against being swapped for a link.
 */
export async function unpack(options: UnpackOptions): Promise<UnpackSummary> {
  if (typeof options !== 'object' || options === null) throw wrongType('options', 'an object', options)
  checkKeys('options', options, OPTIONS)
  const { output, directory, ports, onProgress, signal } = options
  if (typeof output !== 'string' || output === '') throw wrongType('output', 'the path of a tar file or a directory of such', output)
  if (typeof directory !== 'string' || directory === '') throw wrongType('directory', 'the path of a directory', directory)
  if (typeof ports?.storage?.open !== 'function') throw wrongType('ports', 'ports with a storage', ports)
  checkWatch(options)
  const { storage } = ports
  const summary: UnpackSummary = { files: 0, bytes: 0, problems: [] }
  try {
    await storage.makeDirectory(directory)
    const folders = createFolders(storage, await storage.resolve(directory))
    for await (const { path, chunk } of chunks(storage, output)) {
      const file = await storage.open(path)
      try {
        const tar = await openTar(file, path)
        for (let entry = await tar.next(); entry; entry = await tar.next()) {
          if (signal?.aborted) throw new MillraceError('CLOSED', 'unpacking was interrupted', { cause: signal.reason })
          const key = entry.kind === 'directory' ? entry.name.replace(/\/+$/, '') : entry.name
          const message =
            keyFault(key) ??
            (entry.kind === 'directory'
              ? await folders.make(key)
              : entry.kind === 'file'
                ? ((await folders.make(key.slice(0, Math.max(key.lastIndexOf('/'), 0)))) ?? (await extract(storage, folders.pathOf(key), tar)))
                : `expected files and directories only, got a ${entry.kind}`)
          if (message !== undefined) summary.problems.push({ chunk, name: entry.name, message })
          else if (entry.kind === 'file') {
            summary.files++
            summary.bytes += entry.size
          }
          onProgress?.({ chunk, files: summary.files, bytes: summary.bytes })
        }
      } finally {
        await file.close()
      }
    }
  } catch (error) {
    throw inputOutput(error, output)
  }
  return summary
}

/** Writes the current member to a new file; gives why not, where the file system says no. */
async function extract(storage: Storage, path: string, tar: TarReader): Promise<string | undefined> {
  let file: FileWriter
  try {
    file = await storage.create(path, { exclusive: true })
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    return code === 'EEXIST' ? 'exists already, and is left as it is' : message
  }
  try {
    for (let piece = await tar.read(); piece; piece = await tar.read()) await file.write(piece)
    await file.close()
    return undefined
  } catch (error) {
    await file.close().catch(() => {})
    await storage.remove(path)
    if (error instanceof MillraceError) throw error
    return (error as Error).message
  }
}

/** Directories below a root, made when first needed, each component seen to be no link. */
function createFolders(storage: Storage, root: string) {
  const known = new Set([''])
  return {
    pathOf: (key: string) => join(root, key),
    /** Gives why not. */
    async make(key: string): Promise<string | undefined> {
      if (known.has(key)) return undefined
      const parts = key.split('/')
      for (let n = 1; n <= parts.length; n++) {
        const folder = parts.slice(0, n).join('/')
        if (known.has(folder)) continue
        const path = join(root, folder)
        try {
          const kind = await storage.stat(path).then(
            (stat) => stat.kind,
            (error: { code?: string }) => {
              if (error.code !== 'ENOENT') throw error
              return undefined
            },
          )
          if (kind === undefined) await storage.makeDirectory(path)
          else if (kind !== 'directory') return `expected a directory at ${JSON.stringify(folder)}, found a ${kind}`
        } catch (error) {
          return (error as Error).message
        }
        known.add(folder)
      }
      return undefined
    },
  }
}
