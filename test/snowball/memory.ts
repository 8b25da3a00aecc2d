// A file system in memory whose files can be changed under the reader's feet and whose calls can fail.
import { nodeSha256 } from '../../src/ports/node-hash.js'
import type { Clock, FileKind, FileReader, FileStat, FileWriter, Storage } from '../../src/ports/ports.js'

interface Node {
  kind: FileKind
  data: Uint8Array
  mtime: number
  ctime: number
}

export interface MemoryStorage extends Storage {
  readonly nodes: Map<string, Node>
  /** Puts a file, with its directories; touches its times. */
  write(path: string, data: Uint8Array | string): void
  /** Puts an entry of another kind. */
  special(path: string, kind: FileKind): void
  /** Called before each operation; may change files, throw a failure, or both. */
  hook: ((operation: string, path: string, at?: number) => void) | undefined
}

export const failing = (code: string) => Object.assign(new Error(`${code}: injected`), { code })

export function memoryStorage(now: () => number): MemoryStorage {
  const nodes = new Map<string, Node>([['/', { kind: 'directory', data: new Uint8Array(0), mtime: 0, ctime: 0 }]])
  const clean = (path: string) => (path === '/' ? path : path.replace(/\/+$/, ''))
  const find = (path: string) => {
    const node = nodes.get(clean(path))
    if (!node) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' })
    return node
  }
  const statOf = ({ kind, data, mtime, ctime }: Node): FileStat => ({ kind, size: data.length, mtime, ctime })
  const hook = (operation: string, path: string, at?: number) => storage.hook?.(operation, path, at)
  const folders = (path: string) => {
    for (let at = path.indexOf('/', 1); at > 0; at = path.indexOf('/', at + 1)) {
      if (!nodes.has(path.slice(0, at))) nodes.set(path.slice(0, at), { kind: 'directory', data: new Uint8Array(0), mtime: now(), ctime: now() })
    }
  }
  const storage: MemoryStorage = {
    nodes,
    hook: undefined,
    write(path, data) {
      folders(path)
      nodes.set(path, { kind: 'file', data: typeof data === 'string' ? new TextEncoder().encode(data) : data, mtime: now(), ctime: now() })
    },
    special(path, kind) {
      folders(path)
      nodes.set(path, { kind, data: new Uint8Array(0), mtime: now(), ctime: now() })
    },
    async open(path, options = {}): Promise<FileReader> {
      hook('open', path)
      const node = find(path)
      if (options.within !== undefined && node.kind === 'symlink') throw failing('ELOOP')
      const current = () => nodes.get(clean(path)) ?? node
      return {
        async stat() {
          hook('fstat', path)
          return statOf(current())
        },
        async read(target, at) {
          hook('read', path, at)
          // pieces of odd sizes, as a file system may give them
          const piece = current().data.subarray(at, at + Math.min(target.length, 70_001))
          target.set(piece)
          return piece.length
        },
        async close() {},
      }
    },
    async create(path, options = {}): Promise<FileWriter> {
      hook('create', path)
      if (options.exclusive && nodes.has(path)) throw failing('EEXIST')
      if (!options.append || !nodes.has(path)) storage.write(path, new Uint8Array(0))
      const node = find(path)
      return {
        async write(data) {
          hook('write', path)
          const all = new Uint8Array(node.data.length + data.length)
          all.set(node.data)
          all.set(data, node.data.length)
          node.data = all
        },
        async sync() {
          hook('sync', path)
        },
        async close() {},
      }
    },
    async *list(path) {
      hook('list', path)
      if (find(path).kind !== 'directory') throw failing('ENOTDIR')
      const prefix = path === '/' ? '/' : `${clean(path)}/`
      for (const [name, node] of [...nodes].reverse()) {
        if (name.startsWith(prefix) && name !== '/' && !name.slice(prefix.length).includes('/')) yield { name: name.slice(prefix.length), kind: node.kind }
      }
    },
    async stat(path) {
      hook('stat', path)
      return statOf(find(path))
    },
    async resolve(path) {
      find(path)
      return clean(path)
    },
    async makeDirectory(path) {
      folders(`${clean(path)}/`)
    },
    async syncDirectory(path) {
      hook('syncDirectory', path)
    },
    async rename(from, to) {
      hook('rename', from)
      nodes.set(to, find(from))
      nodes.delete(from)
    },
    async remove(path) {
      hook('remove', path)
      for (const name of [...nodes.keys()]) if (name === path || name.startsWith(`${path}/`)) nodes.delete(name)
    },
  }
  return storage
}

/** Time that only sleep and pass() move, and files that have it. */
export function virtualPorts() {
  let time = 1_700_000_000_000
  const pass = (ms: number) => {
    time += ms
  }
  const clock: Clock = { now: () => time, monotonic: () => time, sleep: async (ms) => pass(ms) }
  const storage = memoryStorage(() => time)
  return { ports: { storage, clock, sha256: nodeSha256 }, storage, pass }
}
