// A command run in memory: standard input from pieces, files from an object.
import type { Command, Io, Values } from '../../src/cli/command.js'
import { nodePorts } from '../../src/ports/node.js'
import type { Ports } from '../../src/ports/ports.js'

export interface Ran {
  code: number
  out: string
  err: string[]
}

/** Runs `command` with `input` as its standard input and `files` in place of the file system, unless `ports` says otherwise. */
export async function runCommand(
  command: Command,
  values: Values,
  input: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array> = [],
  files: Record<string, string> = {},
  positionals: string[] = [],
  signal: AbortSignal = new AbortController().signal,
  ports: Partial<Ports> = {},
): Promise<Ran> {
  const out: Uint8Array[] = []
  const err: string[] = []
  const bytes = (chunk: string | Uint8Array) => (typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk)
  const io: Io = {
    async *stdin() {
      for await (const chunk of input) yield bytes(chunk)
    },
    async write(chunk) {
      out.push(bytes(chunk))
    },
    terminal: undefined,
    log(line) {
      err.push(line)
    },
    progress() {},
    columns: 0,
    color: false,
    ports: {
      ...nodePorts,
      storage: {
        ...nodePorts.storage,
        open: async (path) => (path.startsWith('/') && !Object.hasOwn(files, path) ? nodePorts.storage.open(path) : reader(path, files)),
      },
      ...ports,
    },
    driven() {},
    signal,
  }
  const code = await command.run(values, positionals, io)
  return { code, out: Buffer.concat(out).toString(), err }
}

function reader(path: string, files: Record<string, string>) {
  if (!Object.hasOwn(files, path)) throw Object.assign(new Error(`ENOENT: no such file or directory, open '${path}'`), { code: 'ENOENT', syscall: 'open' })
  const content = new TextEncoder().encode(files[path])
  return {
    stat: async () => ({ kind: 'file' as const, size: content.length, mtime: 0, ctime: 0 }),
    read: async (target: Uint8Array, at: number) => {
      const part = content.subarray(at, at + Math.min(target.length, 1000))
      target.set(part)
      return part.length
    },
    close: async () => {},
  }
}
