import { describe, expect, it } from 'vitest'
import {
  keyFault,
  type ManifestLine,
  type SnowballPackOptions as PackOptions,
  packSnowball as pack,
  planSnowball as plan,
  unpackSnowball as unpack,
  verifySnowball as verify,
} from '../../src/snowball/index.js'
import type { ChunkStore } from '../../src/snowball/store/store.js'
import { npmTarStream, sha256 } from '../archive/members.js'
import { failing, type MemoryStorage, virtualPorts } from './memory.js'

/** A world of its own: a clock that only sleep moves, files in memory. */
function world() {
  const { ports, storage, pass } = virtualPorts()
  const run = (options: Partial<PackOptions> = {}) => pack({ source: '/in', output: '/out', ports, ...options })
  return { storage, ports, run, pass }
}

const bytesOf = (storage: MemoryStorage, path: string) => storage.nodes.get(path)!.data
const equal = (a: MemoryStorage, b: MemoryStorage, path: string) => Buffer.compare(bytesOf(a, path), bytesOf(b, path)) === 0
const manifest = (storage: MemoryStorage): ManifestLine[] =>
  new TextDecoder()
    .decode(bytesOf(storage, '/out/manifest.ndjson'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
const outputs = (storage: MemoryStorage) => [...storage.nodes.keys()].filter((name) => name.startsWith('/out/')).sort()
/** Every member of every chunk, by an independent reader. */
async function members(storage: MemoryStorage) {
  const all: Record<string, string> = {}
  for (const path of outputs(storage).filter((name) => name.endsWith('.tar')))
    for (const { name, sha256 } of await npmTarStream(bytesOf(storage, path))) all[name] = sha256
  return all
}
const good = async (w: ReturnType<typeof world>) => {
  const { problems } = await verify({ output: '/out', ports: w.ports })
  expect(problems).toEqual([])
}

function tree(w: ReturnType<typeof world>, count = 30): Record<string, string> {
  const expected: Record<string, string> = {}
  for (let i = 0; i < count; i++) {
    const name = `d${i % 3}/${i % 2 ? 'ünï' : 'plain'}-${i}`
    const data = new Uint8Array(i * 137).fill(i)
    w.storage.write(`/in/${name}`, data)
    expected[name] = sha256(data)
  }
  w.pass(1000)
  return expected
}

describe('pack', () => {
  it('packs a tree into chunks that an independent reader finds whole, with a manifest that is right', async () => {
    const w = world()
    const expected = tree(w)
    const big = new Uint8Array(3_000_000).map((_, i) => i % 251)
    w.storage.write('/in/big', big)
    expected.big = sha256(big)
    w.pass(1000)
    const summary = await w.run({ chunkFiles: 8 })
    expect(summary).toEqual({ chunks: 5, members: 31, bytes: expect.any(Number), skipped: 0, failed: 0, objects: 0, reused: 0, left: {}, failures: [] })
    expect(await members(w.storage)).toEqual(expected)
    for (const line of manifest(w.storage)) {
      if (line.type !== 'member') continue
      const chunk = bytesOf(w.storage, `/out/${line.chunk}`)
      expect(sha256(chunk.subarray(line.offset, line.offset + line.size))).toBe(line.sha256)
      expect(line.sha256).toBe(expected[line.key])
    }
    expect(outputs(w.storage).filter((name) => /tmp|part/.test(name))).toEqual([])
    await good(w)
    expect((await verify({ output: '/out', source: '/in', ports: w.ports })).problems).toEqual([])
  })

  it('gives equal bytes for equal input', async () => {
    const [a, b] = [world(), world()]
    for (const w of [a, b]) {
      tree(w)
      await w.run({ chunkFiles: 7 })
    }
    expect(outputs(a.storage)).toEqual(outputs(b.storage))
    for (const path of outputs(a.storage)) expect(equal(a.storage, b.storage, path), path).toBe(true)
  })

  it('keeps every chunk within chunkBytes and chunkFiles', async () => {
    const w = world()
    tree(w, 60)
    for (const chunkBytes of [5120, 20_000, 100_000]) {
      await w.run({ chunkBytes, chunkFiles: 9 })
      for (const line of manifest(w.storage)) {
        if (line.type !== 'chunk') continue
        expect(line.members).toBeLessThanOrEqual(9)
        if (line.members > 1) expect(line.bytes).toBeLessThanOrEqual(chunkBytes)
        expect(bytesOf(w.storage, `/out/${line.chunk}`).length).toBe(line.bytes)
      }
      await good(w)
    }
  })

  it('skips and tells what is no regular file, and never opens it', async () => {
    const w = world()
    tree(w)
    for (const kind of ['symlink', 'fifo', 'socket', 'device'] as const) w.storage.special(`/in/d0/a-${kind}`, kind)
    w.pass(1000)
    w.storage.hook = (operation, path) => {
      if (operation === 'open' && path.includes('a-')) throw new Error('opened')
    }
    expect(await w.run()).toMatchObject({ members: 30, skipped: 4, failed: 0 })
    expect(manifest(w.storage).filter(({ type }) => type === 'skipped')).toEqual(
      ['device', 'fifo', 'socket', 'symlink'].map((reason) => ({ type: 'skipped', path: `d0/a-${reason}`, reason, message: `not a regular file: ${reason}` })),
    )
  })

  it('leaves out an output that lies in the source', async () => {
    const w = world()
    tree(w)
    expect(await w.run({ output: '/in/out' })).toMatchObject({ members: 30, skipped: 1, failed: 0 })
    expect(await w.run({ output: '/in/out' })).toMatchObject({ members: 30, skipped: 1, reused: 1 })
  })

  it('makes a chunk again that cannot be read any more', async () => {
    const w = world()
    tree(w)
    await w.run({ chunkFiles: 10 })
    w.storage.hook = (operation, path) => {
      if (operation === 'read' && path === '/out/chunk-000002.tar') throw failing('EIO')
    }
    expect(await w.run({ chunkFiles: 10 })).toMatchObject({ members: 30, reused: 2, failed: 0 })
    w.storage.hook = undefined
    await good(w)
  })

  it.each(['create', 'write', 'finish'])('takes no error of a store for one of a file, large or small (%s)', async (call) => {
    for (const size of [100, 3_000_000]) {
      const w = world()
      w.storage.write('/in/a', new Uint8Array(size))
      w.pass(1000)
      const fail = (name: string, key: string) => {
        if (name === call && key !== 'manifest.ndjson') throw new Error('of a store that knows no MillraceError')
      }
      const store: ChunkStore = {
        objects: true,
        async create(key) {
          fail('create', key)
          return { write: async () => fail('write', key), finish: async () => fail('finish', key), discard: async () => {} }
        },
        has: async () => false,
        remove: async () => {},
      }
      await expect(w.run({ store })).rejects.toMatchObject({ code: 'IO', message: expect.stringContaining('of a store') })
    }
  })

  it('loses no file to an observer that throws', async () => {
    const w = world()
    tree(w)
    w.storage.write('/in/big', new Uint8Array(3_000_000))
    w.pass(1000)
    const onProgress = () => {
      throw new Error('observed')
    }
    expect(await w.run({ onProgress })).toMatchObject({ members: 31, failed: 0 })
    expect(await verify({ output: '/out', source: '/in', ports: w.ports, onProgress })).toMatchObject({ members: 31, problemCount: 0 })
    expect(await unpack({ output: '/out', directory: '/back', ports: w.ports, onProgress })).toMatchObject({ files: 31, problemCount: 0 })
  })

  it('that is aborted while it is planned ends there', async () => {
    const w = world()
    tree(w)
    const abort = new AbortController()
    w.storage.hook = (operation) => {
      if (operation === 'list') abort.abort()
    }
    await expect(plan({ source: '/in', ports: w.ports, signal: abort.signal }).next()).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(w.run({ signal: abort.signal })).rejects.toMatchObject({ code: 'CLOSED' })
    expect(outputs(w.storage)).toEqual(['/out/manifest.ndjson.part'])
  })

  it('that is aborted waits for no store', async () => {
    const w = world()
    tree(w)
    const abort = new AbortController()
    let discarded = () => {}
    const store: ChunkStore = {
      objects: true,
      create: async () => ({
        write: () =>
          new Promise((_, reject) => {
            discarded = () => reject(new Error('discarded'))
            abort.abort()
          }),
        finish: async () => {},
        discard: async () => discarded(),
      }),
      has: async () => false,
      remove: async () => {},
    }
    await expect(w.run({ store, signal: abort.signal })).rejects.toMatchObject({ code: 'CLOSED' })
  })

  it('takes an empty tree', async () => {
    const w = world()
    w.storage.special('/in', 'directory')
    expect(await w.run()).toMatchObject({ chunks: 0, members: 0 })
    expect(manifest(w.storage)).toEqual([
      { type: 'manifest', version: 1 },
      { type: 'end', chunks: 0, members: 0, bytes: 0, skipped: 0, failed: 0 },
    ])
    await good(w)
  })
})

describe('a file that changes while it is packed', () => {
  const victim = 'd1/plain-10'
  const lasting: Record<string, (w: ReturnType<typeof world>, path: string) => void> = {
    grows: (w, path) => w.storage.write(path, new Uint8Array(w.storage.nodes.get(path)!.data.length + 700)),
    shrinks: (w, path) => w.storage.write(path, w.storage.nodes.get(path)!.data.slice(0, 5)),
    'is rewritten at the same size': (w, path) =>
      w.storage.write(
        path,
        w.storage.nodes.get(path)!.data.map((x) => x + 1),
      ),
  }
  // of an empty file nothing is read, so it is at rest from the second look on
  const changes = { ...lasting, 'becomes empty': (w: ReturnType<typeof world>, path: string) => w.storage.write(path, '') }

  describe.each(Object.entries(lasting))('and %s', (_, change) => {
    it.each([
      ['small', 1 << 20],
      ['large', 100],
    ])('each time it is read is left out with its reason, and the chunks stay valid (%s)', async (_, smallBytes) => {
      const w = world()
      const expected = tree(w)
      delete expected[victim]
      let n = 0
      w.storage.hook = (operation, path) => {
        if (operation !== 'read' || path !== `/in/${victim}`) return
        w.pass(50)
        change(w, path)
        // never the same content twice
        w.storage.nodes.get(path)!.mtime += ++n
      }
      const summary = await w.run({ smallBytes })
      w.storage.hook = undefined
      expect(summary).toMatchObject({ members: 29, failed: 1, failures: [{ type: 'failed', path: victim, reason: 'changed' }] })
      expect(await members(w.storage)).toEqual(expected)
      await good(w)
      expect((await verify({ output: '/out', source: '/in', ports: w.ports })).problems).toMatchObject([
        { kind: 'failed', where: victim, message: expect.stringContaining('is in no chunk: ') },
      ])
      // once it is at rest a second run packs it
      w.pass(1000)
      expect(await w.run({ smallBytes })).toMatchObject({ members: 30, failed: 0 })
      expect((await verify({ output: '/out', source: '/in', ports: w.ports })).problems).toEqual([])
    })
  })

  it.each(Object.entries(changes))('and %s once is packed as it is then', async (_, change) => {
    const w = world()
    const expected = tree(w)
    let changed = false
    w.storage.hook = (operation, path) => {
      if (operation !== 'read' || path !== `/in/${victim}` || changed) return
      changed = true
      w.pass(50)
      change(w, path)
    }
    expect(await w.run()).toMatchObject({ members: 30, failed: 0 })
    expected[victim] = sha256(w.storage.nodes.get(`/in/${victim}`)!.data)
    expect(await members(w.storage)).toEqual(expected)
  })

  it('within one tick of the file system clock is caught as well', async () => {
    const w = world()
    const expected = tree(w)
    const path = `/in/${victim}`
    // written just before: its times would not move by a second write now
    w.storage.write(path, new Uint8Array(5000).fill(1))
    let reads = 0
    w.storage.hook = (operation, at) => {
      if (operation === 'read' && at === path && reads++ === 0) {
        const node = w.storage.nodes.get(path)!
        const { mtime, ctime } = node
        w.storage.write(path, new Uint8Array(5000).fill(2))
        if (w.ports.clock.now() - ctime < 10) Object.assign(w.storage.nodes.get(path)!, { mtime, ctime })
      }
    }
    await w.run()
    expected[victim] = sha256(new Uint8Array(5000).fill(2))
    expect(await members(w.storage)).toEqual(expected)
  })

  it.each([
    ['ENOENT', 'vanished'],
    ['EACCES', 'unreadable'],
    ['ELOOP', 'changed'],
    ['EMFILE', 'unreadable'],
  ])('that fails to open with %s is told as %s', async (code, reason) => {
    const w = world()
    const expected = tree(w)
    delete expected[victim]
    w.storage.hook = (operation, path) => {
      if (operation === 'open' && path.endsWith(victim)) throw failing(code)
    }
    expect(await w.run()).toMatchObject({ members: 29, failed: 1, failures: [{ path: victim, reason }] })
    expect(await members(w.storage)).toEqual(expected)
    await good(w)
  })

  it.each([1 << 20, 100])('that has a read error is left out, the rest goes on (small up to %i)', async (smallBytes) => {
    const w = world()
    const expected = tree(w)
    delete expected[victim]
    w.storage.hook = (operation, path) => {
      if (operation === 'read' && path.endsWith(victim)) throw failing('EIO')
    }
    expect(await w.run({ smallBytes })).toMatchObject({ members: 29, failed: 1, failures: [{ path: victim, reason: 'unreadable', message: 'EIO' }] })
    expect(await members(w.storage)).toEqual(expected)
  })

  it('and a directory that cannot be read is told, the rest goes on', async () => {
    const w = world()
    tree(w)
    w.storage.hook = (operation, path) => {
      if (operation === 'list' && path === '/in/d1') throw failing('EACCES')
    }
    expect(await w.run()).toMatchObject({ members: 20, failed: 1, failures: [{ path: 'd1', reason: 'unreadable' }] })
  })
})

describe('an output that fails', () => {
  it.each([
    ['a full disk', (operation: string) => operation !== 'remove'],
    // nothing is cleared up after a kill
    ['a kill', () => true],
  ])('at any call (%s) leaves no torn chunk, and the next run ends as an undisturbed one does', async (_, fails) => {
    const reference = world()
    tree(reference)
    const calls: string[] = []
    reference.storage.hook = (operation, path) => {
      if (path.startsWith('/out')) calls.push(operation)
    }
    await reference.run({ chunkFiles: 8 })
    expect(calls.length).toBeGreaterThan(20)
    for (let n = 0; n < calls.length; n++) {
      const w = world()
      tree(w)
      let call = 0
      w.storage.hook = (operation, path) => {
        if (path.startsWith('/out') && call++ >= n && fails(operation)) throw failing('ENOSPC')
      }
      const error: Error | undefined = await w.run({ chunkFiles: 8 }).then(
        () => undefined,
        (error) => error,
      )
      // a disk without room still removes, and the journal's removal is among the last calls
      if (calls[n] !== 'remove' || fails('remove')) expect(error?.message, `call ${n}, ${calls[n]}`).toContain('ENOSPC')
      w.storage.hook = undefined
      for (const path of outputs(w.storage).filter((name) => name.endsWith('.tar')))
        expect(equal(w.storage, reference.storage, path), `call ${n}, ${path}`).toBe(true)
      await w.run({ chunkFiles: 8 })
      expect(outputs(w.storage)).toEqual(outputs(reference.storage))
      for (const path of outputs(w.storage)) expect(equal(w.storage, reference.storage, path), `call ${n}, ${path}`).toBe(true)
    }
  })

  it('of two runs into one output at most one says that it is done, and then it is right', async () => {
    for (let lag = 0; lag < 600; lag += 23) {
      const w = world()
      tree(w)
      const first = w.run({ chunkFiles: 4 })
      for (let i = 0; i < lag; i++) await undefined
      const ends = await Promise.allSettled([first, w.run({ chunkFiles: 4 })])
      for (const end of ends) if (end.status === 'rejected') expect(end.reason).toMatchObject({ code: 'IO' })
      if (ends.some((end) => end.status === 'fulfilled')) await good(w)
      await w.run({ chunkFiles: 4 })
      await good(w)
    }
  })

  it('keeps the chunks that are finished and still right, makes the others again', async () => {
    const w = world()
    tree(w)
    expect(await w.run({ chunkFiles: 8 })).toMatchObject({ chunks: 4, reused: 0 })
    expect(await w.run({ chunkFiles: 8 })).toMatchObject({ chunks: 4, reused: 4 })
    bytesOf(w.storage, '/out/chunk-000002.tar')[700] ^= 1
    expect(await w.run({ chunkFiles: 8 })).toMatchObject({ chunks: 4, reused: 3 })
    await good(w)
    // fewer chunks: those of the earlier run go
    expect(await w.run({ chunkFiles: 30 })).toMatchObject({ chunks: 1, reused: 0 })
    expect(outputs(w.storage)).toEqual(['/out/chunk-000001.tar', '/out/manifest.ndjson'])
    await good(w)
  })

  it('refuses a directory with something else in it, and the source itself', async () => {
    const w = world()
    tree(w)
    w.storage.write('/out/photo.jpg', 'x')
    await expect(w.run()).rejects.toThrow('expected an empty directory or the output of an earlier pack, got one with "photo.jpg" in it')
    await expect(w.run({ output: '/in' })).rejects.toThrow('got the source itself')
    w.storage.write('/other/chunk-000001.tar', 'x')
    await expect(w.run({ output: '/other' })).rejects.toThrow('got one with chunks but no manifest')
  })

  it('stops when aborted, and goes on where it was', async () => {
    const w = world()
    tree(w)
    const stop = new AbortController()
    const run = w.run({ chunkFiles: 8, signal: stop.signal, onProgress: ({ chunk }) => chunk === 'chunk-000002.tar' && stop.abort() })
    await expect(run).rejects.toMatchObject({ code: 'CLOSED' })
    expect(outputs(w.storage).filter((name) => name.endsWith('.tmp'))).toEqual([])
    expect((await w.run({ chunkFiles: 8 })).reused).toBeGreaterThan(0)
    await good(w)
  })
})

it('comes back from unpack as it went in', async () => {
  const w = world()
  const expected = tree(w)
  await w.run({ chunkFiles: 8 })
  expect(await unpack({ output: '/out', directory: '/back', ports: w.ports })).toMatchObject({ files: 30, problems: [] })
  for (const [name, hash] of Object.entries(expected)) expect(sha256(bytesOf(w.storage, `/back/${name}`))).toBe(hash)
})

it('wants its arguments right', async () => {
  const w = world()
  tree(w)
  const bad = (options: object) => expect(w.run(options as never)).rejects
  await bad({ source: '' }).toThrow('"source" expected the path of a directory, got ""')
  await bad({ output: 5 }).toThrow('"output" expected the path of a directory, got 5')
  await bad({ chunkBytes: 100 }).toThrow('"chunkBytes" expected a whole number from 5120 to 100000000000, got 100')
  await bad({ chunkFiles: 1.5 }).toThrow(RangeError)
  await bad({ prefix: '../up/' }).toThrow('"prefix" expected a relative key prefix')
  await bad({ chunkSize: 5 }).toThrow('"options" expected one of')
  await bad({ source: '/none' }).toMatchObject({ code: 'IO', position: { source: '/none' } })
  await expect(pack(undefined as never)).rejects.toThrow('"options" expected an object, got undefined')
})

it.each([
  [{ onProgress: 5 }, '"onProgress" expected a function, got 5'],
  [{ signal: 'now' }, '"signal" expected an AbortSignal, got "now"'],
])('refuses %j before it begins', async (options, message) => {
  const { ports, storage } = world()
  await expect(pack({ source: '/in', output: '/out', ports, ...options } as never)).rejects.toThrow(message)
  await expect(verify({ output: '/out', ports, ...options } as never)).rejects.toThrow(message)
  await expect(unpack({ output: '/out', directory: '/to', ports, ...options } as never)).rejects.toThrow(message)
  expect([...storage.nodes.keys()].filter((path) => path.startsWith('/out') || path.startsWith('/to'))).toEqual([])
})

it('keyFault words what is no text', () => {
  expect(() => keyFault(null as never)).toThrow('"key" expected a string, got null')
})
