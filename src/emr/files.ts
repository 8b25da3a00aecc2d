// The files of a partitioned data set: each partition's grow row group by row group, few are open
// at a time, and all take their names together at the end.
import { MillraceError } from '../errors.js'
import type { ParquetSink } from '../parquet/index.js'
import { createFlow, createHiddenFile, type FinishedRowGroup, type HiddenFile, type ParquetFile } from '../parquet/internal.js'
import type { Random, Storage } from '../ports/ports.js'

/** Open files at most; of a partition whose file was closed a further row group begins a new one. */
const OPEN = 64
/** Files that are made, written and closed at a time: each step waits for the device, together they wait once. */
const AT_ONCE = 16
/** Bytes that wait for it at most. */
const HELD = 32 * 1024 * 1024

export interface PartitionFiles {
  /** Takes a row group for a file in `directory`, below the data set's; a failure to write it comes with a later call. */
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

/** A part and the work on it, one after the other. */
interface Open {
  part?: Part
  tail: Promise<void>
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
  const open = new Map<string, Open>() // least recently written first
  const begun: Part[] = []
  const flow = createFlow(AT_ONCE, HELD)
  const numbers = new Map<string, number>()
  const made = new Set<string>()
  /** Directories below the root that are there. */
  const known = new Set<string>()
  const finished: HiddenFile[] = []
  const total = { files: 0, bytes: 0, rowGroups: 0 }

  // A file system may take two names for one: AMS and ams, or é in its two spellings. The one part would
  // replace the other.
  const claim = async (directory: string) => {
    if (numbers.get(directory) !== 1) return
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

  // one after the other: a directory that another claim is about to make must be seen
  let claims: Promise<void> = Promise.resolve()
  const begin = async (directory: string, number: number): Promise<Part> => {
    const claimed = claims.then(() => claim(directory))
    claims = claimed.catch(() => {})
    await claimed
    const hidden = await createHiddenFile(ports, `${root}/${directory}/part-${String(number).padStart(5, '0')}.parquet`)
    const part = { hidden, file: fileOf({ write: (bytes) => hidden.write(bytes), writeAll: (parts) => hidden.writeAll(parts), close: () => hidden.finish() }) }
    begun.push(part)
    return part
  }
  const next = (one: Open, bytes: number, work: () => Promise<void>) =>
    flow.run(bytes, () => {
      one.tail = one.tail.then(work)
      return one.tail
    })
  /** Ends the part that was least recently written. */
  const endOne = async () => {
    const [[directory, one]] = open
    open.delete(directory)
    await next(one, 0, async () => {
      const { file, hidden } = one.part as Part
      await file.close()
      finished.push(hidden)
      total.files++
      total.bytes += file.bytes
      total.rowGroups += file.rowGroups
    })
  }

  return {
    async rowGroup(directory, group) {
      let one = open.get(directory)
      if (!one) {
        if (open.size >= OPEN) await endOne()
        one = { tail: Promise.resolve() }
      }
      const there = one
      open.delete(directory)
      open.set(directory, there)
      await next(there, group.bytes, async () => {
        if (!there.part) {
          const number = numbers.get(directory) ?? 0
          numbers.set(directory, number + 1)
          there.part = await begin(directory, number)
        }
        await there.part.file.rowGroup(group)
      })
    },
    async commit() {
      while (open.size > 0) await endOne()
      await flow.idle()
      for (const hidden of finished) await flow.run(0, () => hidden.commit())
      await flow.idle()
      await storage.remove(mark)
      return total
    },
    async discard() {
      await flow.settled()
      for (const { hidden } of begun) await hidden.discard().catch(() => {})
      // the directory was empty before
      for (const directory of made) await storage.remove(`${root}/${directory}`)
      await storage.remove(mark)
    },
  }
}
