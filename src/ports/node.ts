// The outside world as Node has it.

import type { Stats } from 'node:fs'
import { lstat, mkdir, open, opendir, rename, rm } from 'node:fs/promises'
import type { Clock, FileReader, FileStat, FileWriter, Ports, Random, Storage } from './ports.js'
import { systemClock, systemRandom } from './system.js'

export const nodeClock: Clock = systemClock
export const nodeRandom: Random = systemRandom

export const nodeStorage: Storage = {
  async open(path): Promise<FileReader> {
    const file = await open(path, 'r')
    return {
      stat: async () => describe(await file.stat()),
      read: async (target, at) => (await file.read(target, 0, target.length, at)).bytesRead,
      close: () => file.close(),
    }
  },
  async create(path): Promise<FileWriter> {
    const file = await open(path, 'w')
    return {
      async write(data) {
        for (let at = 0; at < data.length; ) at += (await file.write(data, at)).bytesWritten
      },
      sync: () => file.sync(),
      close: () => file.close(),
    }
  },
  async *list(path) {
    for await (const entry of await opendir(path)) yield { name: entry.name, kind: kind(entry) }
  },
  stat: async (path) => describe(await lstat(path)),
  async makeDirectory(path) {
    await mkdir(path, { recursive: true })
  },
  rename: (from, to) => rename(from, to),
  remove: (path) => rm(path, { recursive: true, force: true }),
}

function kind(entry: Pick<Stats, 'isFile' | 'isDirectory' | 'isSymbolicLink'>): FileStat['kind'] {
  if (entry.isFile()) return 'file'
  if (entry.isDirectory()) return 'directory'
  return entry.isSymbolicLink() ? 'symlink' : 'other'
}

const describe = (stats: Stats): FileStat => ({ kind: kind(stats), size: stats.size, mtime: stats.mtimeMs })

/** The ports of a Node process. */
export const nodePorts: Ports = { clock: nodeClock, random: nodeRandom, storage: nodeStorage }
