// A file system that remembers what is flushed and what is not, so that a crash can take away all that a
// power failure may: each unflushed write whole, in part or not at all, whatever came of the later
// ones, and each unflushed directory entry. Every call that changes something is counted, can be
// the last one, and can fail.
import type { FileReader, FileWriter, Random, Storage } from '../../../src/ports/ports.js'

interface Inode {
  /** As programs see it. */
  data: Uint8Array
  flushed: Uint8Array
  writes: { at: number; data: Uint8Array }[]
}

export type Operation = 'create' | 'write' | 'sync' | 'rename' | 'remove' | 'syncDirectory'

/** What is left after a crash: 'kept' is kill -9, the rest power failures. */
export type Aftermath = 'kept' | 'lost' | Random

export interface CrashingStorage extends Storage {
  /** Operations begun so far. */
  readonly count: number
  readonly log: { operation: Operation; path: string }[]
  /** Resolves when the process is dead: no call that changes something is answered any more. */
  readonly dead: Promise<void>
  /** Dies at operation `at` (from 0): before it has any effect, half-way, or after it, unanswered. */
  killAt(at: number, when: 'before' | 'middle' | 'after'): void
  /** Fails an operation with the code that this gives. */
  fail: ((operation: Operation, path: string, at: number) => string | undefined) | undefined
  /** Bytes that the files may have in all: a write past them is cut there and rejects with ENOSPC. */
  capacity: number
  /** Another storage, with what the crash has left. */
  crash(aftermath: Aftermath): CrashingStorage
  readonly files: ReadonlyMap<string, Uint8Array>
  /** Changes bytes at rest. */
  damage(path: string, change: (data: Uint8Array) => Uint8Array): void
}

const error = (code: string) => Object.assign(new Error(`${code}: injected`), { code })
const parent = (path: string) => path.slice(0, path.lastIndexOf('/')) || '/'

export function crashingStorage(start: ReadonlyMap<string, Uint8Array> = new Map(), folders: ReadonlySet<string> = new Set(['/'])): CrashingStorage {
  const directories = new Set(folders)
  const inode = (data: Uint8Array): Inode => ({ data, flushed: data, writes: [] })
  const entries = new Map([...start].map(([path, data]) => [path, inode(data)]))
  /** Entries as the device has them, and what was done to each directory since it was flushed. */
  const flushed = new Map(entries)
  let changes: { path: string; inode: Inode | undefined }[] = []
  const log: CrashingStorage['log'] = []
  let kill = { at: Number.POSITIVE_INFINITY, when: 'before' }
  let die: () => void
  let isDead = false
  const dead = new Promise<void>((resolve) => {
    die = resolve
  })
  const never = new Promise<never>(() => {})
  const stop = () => {
    isDead = true
    die()
    return never
  }
  // Runs one operation: `effect(false)` does half of it.
  const operate = async (operation: Operation, path: string, effect: (whole: boolean) => void) => {
    if (isDead) return never
    const at = log.push({ operation, path }) - 1
    if (at === kill.at && kill.when === 'before') return stop()
    const code = storage.fail?.(operation, path, at)
    if (code !== undefined) {
      if (operation === 'write') effect(false)
      throw error(code)
    }
    const whole = at !== kill.at || kill.when === 'after'
    if (whole || operation === 'write') effect(whole)
    if (at === kill.at) return stop()
    // an answer takes a turn of the loop
    await Promise.resolve()
    return undefined
  }
  const find = (path: string) => {
    const found = entries.get(path)
    if (!found) throw error('ENOENT')
    return found
  }
  const change = (path: string, to: Inode | undefined) => {
    if (to) entries.set(path, to)
    else entries.delete(path)
    changes.push({ path, inode: to })
  }
  const statOf = (path: string) => {
    const there = entries.get(path)
    if (!there && !directories.has(path)) throw error('ENOENT')
    return { kind: there ? ('file' as const) : ('directory' as const), size: there?.data.length ?? 0, mtime: 0, ctime: 0 }
  }
  const storage: CrashingStorage = {
    log,
    dead,
    fail: undefined,
    capacity: Number.POSITIVE_INFINITY,
    get count() {
      return log.length
    },
    killAt(at, when) {
      kill = { at, when }
    },
    get files() {
      return new Map([...entries].map(([path, { data }]) => [path, data]))
    },
    damage(path, change) {
      const file = find(path)
      file.data = change(file.data.slice())
      file.flushed = file.data
    },
    crash(aftermath) {
      if (aftermath === 'kept') return crashingStorage(storage.files, directories)
      const left = new Map(flushed)
      const keep = (p: number) => aftermath !== 'lost' && aftermath.next() < p
      for (const { path, inode } of changes) {
        if (!keep(0.5)) continue
        if (inode) left.set(path, inode)
        else left.delete(path)
      }
      const remains = ({ flushed, writes }: Inode) => {
        let data = flushed
        for (const write of writes) {
          if (!keep(0.6)) continue
          const some = keep(0.5) ? write.data : write.data.subarray(0, Math.floor((aftermath as Random).next() * write.data.length))
          // what lies between is a hole: zeros
          const whole = new Uint8Array(Math.max(data.length, write.at + some.length))
          whole.set(data)
          whole.set(some, write.at)
          data = whole
        }
        return data
      }
      return crashingStorage(new Map([...left].map(([path, file]) => [path, remains(file)])), directories)
    },
    async open(path): Promise<FileReader> {
      const file = find(path)
      return {
        stat: async () => statOf(path),
        async read(target, at) {
          // pieces of odd sizes, as a file system may give them
          const piece = file.data.subarray(at, at + Math.min(target.length, 70_001))
          target.set(piece)
          return piece.length
        },
        async close() {},
      }
    },
    async create(path, options = {}): Promise<FileWriter> {
      await operate('create', path, () => {
        if (options.exclusive && entries.has(path)) throw error('EEXIST')
        change(path, inode(new Uint8Array(0)))
      })
      const file = find(path)
      return {
        write: (data) =>
          operate('write', path, (whole) => {
            const left = storage.capacity - [...entries.values()].reduce((sum, { data }) => sum + data.length, 0)
            const some = data.slice(0, Math.max(0, Math.min(whole ? data.length : data.length >> 1, left)))
            file.writes.push({ at: file.data.length, data: some })
            const all = new Uint8Array(file.data.length + some.length)
            all.set(file.data)
            all.set(some, file.data.length)
            file.data = all
            if (whole && some.length < data.length) throw error('ENOSPC')
          }),
        sync: () =>
          operate('sync', path, () => {
            file.flushed = file.data
            file.writes = []
          }),
        async close() {},
      }
    },
    async *list(path) {
      for (const name of [...entries.keys()].reverse()) if (parent(name) === path) yield { name: name.slice(path.length + 1), kind: 'file' }
    },
    stat: async (path) => statOf(path),
    resolve: async (path) => path,
    async makeDirectory(path) {
      for (let at = path; at !== '/'; at = parent(at)) directories.add(at)
    },
    syncDirectory: (path) =>
      operate('syncDirectory', path, () => {
        changes = changes.filter((change) => {
          if (parent(change.path) !== path) return true
          if (change.inode) flushed.set(change.path, change.inode)
          else flushed.delete(change.path)
          return false
        })
      }),
    rename: (from, to) =>
      operate('rename', from, () => {
        const file = find(from)
        change(to, file)
        change(from, undefined)
      }),
    remove: (path) => operate('remove', path, () => entries.has(path) && change(path, undefined)),
  }
  return storage
}
