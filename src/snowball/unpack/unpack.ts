// Chunks back into files, below one directory and nowhere else.
import { checkKeys, inform, MillraceError, wrongType } from '../../errors.js'
import type { Ports } from '../../ports/ports.js'
import { checkStorage, checkWatch, interrupted } from '../checks.js'
import { keyFault } from '../keys.js'
import { type OpenManifest, openManifest } from '../manifest/entries.js'
import { inputOutput } from '../read.js'
import { openArchive } from './archive.js'
import { createFolders, type Folders } from './folders.js'
import { chunks, HEADERS_WINDOW } from './list.js'
import { pick, type Wanted, wantedKeys } from './pick.js'

export interface UnpackOptions {
  /** An archive, a manifest, or a directory with chunks. */
  output: string
  /** Where to; made where it does not exist. */
  directory: string
  /** Only these keys; one that ends with "/" is all that lies below it. By default everything. */
  keys?: readonly string[] | undefined
  ports: Pick<Ports, 'storage' | 'sha256'>
  onProgress?: ((progress: { chunk: string; files: number; bytes: number }) => void) | undefined
  signal?: AbortSignal | undefined
}

export interface UnpackSummary {
  files: number
  bytes: number
  /** Members that were refused or could not be written, keys that nothing was found for: all of them, and the first 1,000. */
  problemCount: number
  problems: { chunk: string; name: string; message: string }[]
}

const OPTIONS = ['output', 'directory', 'keys', 'ports', 'onProgress', 'signal'] satisfies (keyof UnpackOptions)[]
const TOLD = 1000

/**
 * Writes the files of the chunks below `directory`. Refused, told and passed over: names that are
 * absolute or lead upward, links, devices, anything that would go through a link or replace what is
 * there already. Where a whole manifest lies beside the chunks, each of its files, objects too, is read where it says and must
 * have the size and SHA-256 that it says; a chunk that cannot be read is told and passed over. Else the archives
 * are read by their own headers, and a damaged one rejects with CORRUPT; what was written before stays, the
 * file that was being written does not. A file appears under its name when it is whole, so that a run after one that was
 * killed makes what is missing; of the killed one a `.millrace-unpack-*.tmp` may stay.
 *
 * Nobody else may change `directory` meanwhile: portable file calls cannot hold a directory open against
 * being swapped for a link.
 */
export async function unpack(options: UnpackOptions): Promise<UnpackSummary> {
  if (typeof options !== 'object' || options === null) throw wrongType('options', 'an object', options)
  checkKeys('options', options, OPTIONS)
  const { output, directory, keys, ports, onProgress, signal } = options
  if (typeof output !== 'string' || output === '') throw wrongType('output', 'the path of an archive or a directory of such', output)
  if (typeof directory !== 'string' || directory === '') throw wrongType('directory', 'the path of a directory', directory)
  if (keys !== undefined && !(Array.isArray(keys) && keys.every((key) => typeof key === 'string' && key !== '')))
    throw wrongType('keys', 'an array of keys', keys)
  checkStorage(ports)
  checkWatch(options)
  const { storage } = ports
  const summary: UnpackSummary = { files: 0, bytes: 0, problemCount: 0, problems: [] }
  const work: Work = {
    options,
    summary,
    wanted: wantedKeys(keys),
    refuse(chunk, name, message) {
      if (summary.problemCount++ < TOLD) summary.problems.push({ chunk, name, message })
    },
    told(chunk) {
      if (onProgress) inform(() => onProgress({ chunk, files: summary.files, bytes: summary.bytes }))
      interrupted(signal, 'unpacking')
    },
  }
  try {
    const manifest = await manifestOf(options)
    try {
      await storage.makeDirectory(directory)
      const folders = createFolders(storage, await storage.resolve(directory))
      await (manifest ? byLines(work, folders, manifest) : byHeaders(work, folders))
    } finally {
      await manifest?.close()
    }
    for (const key of work.wanted.missing()) work.refuse('', key, 'expected a file of that key, found none')
  } catch (error) {
    throw inputOutput(error, output)
  }
  return summary
}

interface Work {
  options: UnpackOptions
  summary: UnpackSummary
  wanted: Wanted
  refuse(chunk: string, name: string, message: string): void
  /** Tells how far it is, and ends it where it was aborted. */
  told(chunk: string): void
}

/** The manifest to go by, if there is a whole one. */
async function manifestOf({ output, ports: { storage } }: UnpackOptions): Promise<OpenManifest | undefined> {
  const path = await storage.resolve(output)
  const single = (await storage.stat(path)).kind !== 'directory'
  if (single && !path.endsWith('.ndjson')) return undefined
  const manifest = await openManifest(storage, output).catch((error: { code?: string }) => {
    if (single || error.code !== 'ENOENT') throw error
    return undefined
  })
  if (manifest?.end) return manifest
  await manifest?.close()
  if (single) throw new MillraceError('CORRUPT', 'expected a last line of type end: the manifest is not whole', { position: { source: output } })
  return undefined
}

async function byLines({ options, summary, wanted, refuse, told }: Work, folders: Folders, manifest: OpenManifest): Promise<void> {
  for await (const { chunk, line, read, accept } of pick(manifest, wanted, options.ports, refuse)) {
    const message = keyFault(line.key) ?? (await folders.write(line.key, read, accept).catch(damage))
    if (message !== undefined) refuse(chunk, line.key, message)
    else {
      summary.files++
      summary.bytes += line.size
    }
    told(chunk)
  }
}

/** Of one chunk, which the others do not share. */
function damage(error: unknown): string {
  if (error instanceof MillraceError && error.code === 'CORRUPT') return error.message
  throw error
}

async function byHeaders({ options, summary, wanted, refuse, told }: Work, folders: Folders): Promise<void> {
  const { output, keys, ports } = options
  for await (const { path, chunk } of chunks(ports.storage, output)) {
    const { tar, close } = await openArchive(ports.storage, path, path, keys && HEADERS_WINDOW)
    try {
      for (let entry = await tar.next(); entry; entry = await tar.next()) {
        const key = entry.kind === 'directory' ? entry.name.replace(/\/+$/, '') : entry.name
        if (!wanted.has(key)) {
          told(chunk)
          continue
        }
        const message =
          keyFault(key) ??
          (entry.kind === 'directory'
            ? await folders.make(key)
            : entry.kind === 'file'
              ? await folders.write(key, () => tar.read())
              : `expected files and directories only, got a ${entry.kind}`)
        if (message !== undefined) refuse(chunk, entry.name, message)
        else if (entry.kind === 'file') {
          summary.files++
          summary.bytes += entry.size
        }
        told(chunk)
      }
    } finally {
      await close()
    }
  }
}
