// One directory's entries in order, as many at a time as there is memory for.
import type { Storage } from '../../ports/ports.js'
import { type Entry, Names } from './names.js'
import { createTwins, type Like } from './twins.js'

export interface Directory {
  /** The next entry, without taking it; undefined where more() is to be asked. */
  peek(): Entry | undefined
  take(): void
  /** Whether there is a next entry after all. Rejects with what the file system says. */
  more(): Promise<boolean>
  /** The entry of another name that this one is like. */
  like(name: string): Like | undefined
  /** How many there are. */
  readonly entries: number
  /** Bytes of memory held. */
  readonly size: number
}

/**
 * Lists a directory. One whose names take more than `budget` bytes is listed anew for each part of its
 * names, which neither loses nor repeats what is there all the time. `collisions`: whether names that
 * are alike are wanted, which takes three more looks. Rejects with what the file system says.
 */
export async function openDirectory(storage: Storage, path: string, within: string, budget: number, collisions: boolean): Promise<Directory> {
  let names = new Names(budget)
  const list = () => storage.list(path, { within })
  /** Takes the names behind `after`, as many as there is memory for; gives how many entries the directory has. */
  const fill = async (after?: Uint8Array) => {
    let count = 0
    names.clear()
    for await (const { name, kind } of list()) {
      names.add(name, kind, after)
      count++
    }
    names.sort()
    return count
  }
  const entries = await fill()

  const twins = collisions && entries > 1 ? createTwins(entries) : undefined
  if (twins) {
    const { cut } = names
    // What finds them takes as much memory as the names do: of a large directory not both at once.
    if (cut) names = new Names(0)
    const each = async (use: (name: string) => void) => {
      const see = ({ name, kind }: Entry) => {
        if (kind === 'file' || kind === 'directory') use(name)
      }
      if (cut) for await (const entry of list()) see(entry)
      else for (let i = 0; i < names.count; i++) see(names.at(i))
    }
    await each(twins.note)
    if (twins.any) await each(twins.suspect)
    if (cut) {
      names = new Names(budget)
      await fill()
    }
  }

  let at = 0
  let current: Entry | undefined
  return {
    entries,
    get size() {
      return names.size
    },
    peek() {
      if (at < names.count) current ??= names.at(at)
      return current
    },
    take() {
      at++
      current = undefined
    },
    async more() {
      if (!names.cut) return false
      const last = names.key(names.count - 1)
      at = 0
      await fill(last)
      return names.count > 0
    },
    like: (name) => twins?.check(name),
  }
}
