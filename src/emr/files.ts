// The files of a partitioned data set: each partition's grow row group by row group, few are open
// at a time, and all take their names together at the end.
import { MillraceError } from '../errors.js'
import type { ParquetSink } from '../parquet/index.js'
import { createHiddenFile, type FinishedRowGroup, type HiddenFile, type ParquetFile } from '../parquet/internal.js'
import type { Random, Storage } from '../ports/ports.js'

/** Open files at most; of a partition whose file was closed a further row group begins a new one. */
const OPEN = 64
/** Of them closed at a time: each waits for the device, together they wait once. */
const CLOSE = 16

export interface PartitionFiles {
  /** Writes a row group to a file in `directory`, below the data set's. */
  rowGroup(directory: string, group: FinishedRowGroup): Promise<void>
  /** Closes all files and gives them their names. */
  commit(): Promise<{ files: number; bytes: number; rowGroups: number }>
  /** Removes all that was made. */
  discard(): Promise<void>
}

interface Part {
  file: ParquetFile
  hidden: HiddenFile
}

/**
 * `fileOf` begins a file on a sink. Rejects with IO where `root` has entries: new parts beside old
 * ones would be one table of both.
 */
export async function createPartitionFiles(
  ports: { storage: Storage; random: Random },
  root: string,
  fileOf: (sink: ParquetSink) => ParquetFile,
): Promise<PartitionFiles> {
  const { storage } = ports
  await storage.makeDirectory(root)
  for await (const { name } of storage.list(root)) {
    throw new MillraceError('IO', `${root}: expected an empty directory or none, found ${JSON.stringify(name)} in it`)
  }
  // Two runs may find it empty at once; only one can make this.
  const mark = `${root}/.millrace-writing`
  await (
    await storage.create(mark, { exclusive: true }).catch((error: { code?: string }) => {
      if (error.code !== 'EEXIST') throw error
      throw new MillraceError('IO', `${root}: expected an empty directory or none, another run writes to it`, { cause: error })
    })
  ).close()
  const open = new Map<string, Part>() // least recently written first
  const numbers = new Map<string, number>()
  const made = new Set<string>()
  /** Directories below the root that are there. */
  const known = new Set<string>()
  const finished: HiddenFile[] = []
  const total = { files: 0, bytes: 0, rowGroups: 0 }

  // A file system may take two names for one: AMS and ams, or é in its two spellings. The one part would
  // replace the other.
  const claim = async (directory: string) => {
    const names = directory.split('/')
    for (let n = 1; n <= names.length; n++) {
      const path = names.slice(0, n).join('/')
      if (known.has(path)) continue
      const there = await storage.stat(`${root}/${path}`).then(
        () => true,
        (error: { code?: string }) => {
          if (error.code !== 'ENOENT') throw error
          return false
        },
      )
      if (there)
        throw new MillraceError('IO', `${root}: the file system takes ${JSON.stringify(path)} for another partition's directory: it ignores case or spelling`)
      if (n === 1) made.add(path)
      known.add(path)
    }
    await storage.makeDirectory(`${root}/${directory}`)
  }

  const begin = async (directory: string): Promise<Part> => {
    const number = numbers.get(directory) ?? 0
    const path = `${root}/${directory}`
    if (number === 0) {
      await claim(directory)
    }
    numbers.set(directory, number + 1)
    const hidden = await createHiddenFile(ports, `${path}/part-${String(number).padStart(5, '0')}.parquet`)
    return { hidden, file: fileOf({ write: (bytes) => hidden.write(bytes), close: () => hidden.finish() }) }
  }
  /** Ends up to CLOSE parts, the ones least recently written. */
  const endSome = async () => {
    const some = [...open].slice(0, CLOSE)
    // a part stays open until all is well: what fails is discarded with the rest
    const ends = await Promise.allSettled(some.map(([, { file }]) => file.close()))
    const failed = ends.find((end) => end.status === 'rejected')
    if (failed) throw failed.reason
    for (const [directory, { file, hidden }] of some) {
      open.delete(directory)
      finished.push(hidden)
      total.files++
      total.bytes += file.bytes
      total.rowGroups += file.rowGroups
    }
  }

  return {
    async rowGroup(directory, group) {
      let part = open.get(directory)
      if (!part) {
        if (open.size >= OPEN) await endSome()
        part = await begin(directory)
      }
      open.delete(directory)
      open.set(directory, part)
      await part.file.rowGroup(group)
    },
    async commit() {
      while (open.size > 0) await endSome()
      for (const hidden of finished) await hidden.commit()
      await storage.remove(mark)
      return total
    },
    async discard() {
      for (const { hidden } of open.values()) await hidden.discard().catch(() => {})
      // the directory was empty before
      for (const directory of made) await storage.remove(`${root}/${directory}`)
      await storage.remove(mark)
    },
  }
}
