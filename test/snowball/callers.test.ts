// What a caller hands in, gone wrong: plans made by hand, callbacks that throw, stores with errors of their own, files that are none.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { nodePorts } from '../../src/ports/node.js'
import {
  type ChunkStore,
  diffSnowball,
  listSnowball,
  packSnowball,
  planSnowball,
  type SnowballPackOptions,
  unpackSnowball,
  verifySnowball,
  verifySnowballImport,
} from '../../src/snowball/index.js'
import { virtualPorts } from './memory.js'

function world() {
  const { ports, storage, pass } = virtualPorts()
  for (let i = 0; i < 3; i++) storage.write(`/in/small${i}`, new Uint8Array(1000 + i).fill(i))
  storage.write('/in/z/large', new Uint8Array(3 << 20).fill(7))
  pass(1000)
  const pack = (options: Partial<SnowballPackOptions> = {}) => packSnowball({ source: '/in', output: '/out', ports, ...options })
  return { storage, ports, pack }
}

const boom = () => {
  throw new Error('boom')
}

describe('a plan that its caller has', () => {
  const member = { path: 'small0', key: 'k', size: 1000, mtime: 0 }
  const chunk = { type: 'chunk', chunk: 'chunk-000001.tar', bytes: 0, members: [member] }
  const of = (...items: unknown[]) =>
    (async function* () {
      yield* items
    })() as SnowballPackOptions['plan']

  it.each<[string, RegExp, ...unknown[]]>([
    ['null', /items of type chunk, skipped or failed, got null/, null],
    ['a number', /items of type chunk/, 1],
    ['no type', /items of type chunk/, {}],
    ['a negative size', /"size" expected a whole number, got -5/, { ...chunk, members: [{ ...member, size: -5 }] }],
    ['a size that is no number', /"size" expected a whole number, got NaN/, { ...chunk, members: [{ ...member, size: Number.NaN }] }],
    ['a time that is none', /"mtime" expected milliseconds/, { ...chunk, members: [{ ...member, mtime: 'now' }] }],
    ['no path', /expected a path/, { ...chunk, members: [{ ...member, path: '' }] }],
    ['no members', /"members" of chunk-000001.tar expected members/, { ...chunk, members: undefined }],
    ['an empty chunk', /"members" of chunk-000001.tar expected members/, { ...chunk, members: [] }],
    ['two files as a single one', /expected one member/, { ...chunk, single: true, members: [member, { ...member, key: 'l' }] }],
    ['a key twice', /expected each key once, got "k" again/, { ...chunk, members: [member, member] }],
    ['a chunk twice', /expected each name once, got chunk-000001.tar again/, chunk, { ...chunk, members: [{ ...member, key: 'l' }] }],
    ['a chunk somewhere else', /a name such as chunk-000001.tar/, { ...chunk, chunk: '../chunk-000001.tar' }],
    ['a left-out one without its reason', /failed: "path" expected a string/, { type: 'failed' }],
  ])('with %s is refused', async (_, message, ...items) => {
    const { pack, storage } = world()
    await expect(pack({ plan: of(...items) })).rejects.toThrow(message)
    expect(storage.nodes.has('/out/manifest.ndjson')).toBe(false)
  })

  it.each([
    ['../../x', /without \.\. segments/],
    ['/etc/passwd', /expected a relative key/],
    ['k'.repeat(5000), /at most 933 bytes/],
  ])('with the key %.12s leaves its file out, and says so', async (key, message) => {
    const { pack, storage } = world()
    expect(await pack({ plan: of({ ...chunk, members: [{ ...member, key }] }) })).toMatchObject({ members: 0, failed: 1, failures: [{ reason: 'key' }] })
    expect(new TextDecoder().decode(storage.nodes.get('/out/manifest.ndjson')?.data)).toMatch(message)
  })

  it('as planSnowball gives it is packed', async () => {
    const { pack, ports } = world()
    expect(await pack({ plan: planSnowball({ source: '/in', ports }) })).toMatchObject({ members: 4, failed: 0 })
  })

  it('from which nothing comes any more ends with the abort', async () => {
    for (const aborted of [true, false]) {
      const { pack } = world()
      const halt = new AbortController()
      let asked = () => {}
      const waiting = new Promise<void>((resolve) => (asked = resolve))
      const plan = {
        [Symbol.asyncIterator]: () => ({
          next() {
            asked()
            return new Promise<never>(() => {})
          },
        }),
      }
      if (aborted) halt.abort()
      const packing = pack({ plan, signal: halt.signal })
      await waiting
      halt.abort()
      await expect(packing).rejects.toMatchObject({ code: 'CLOSED' })
    }
  })
})

describe('a callback that throws', () => {
  it('costs neither a file nor a chunk', async () => {
    const { pack, ports } = world()
    expect(await pack({ onProgress: boom })).toMatchObject({ members: 4, failed: 0 })
    expect(await verifySnowball({ output: '/out', source: '/in', ports, onProgress: boom })).toMatchObject({ members: 4, problemCount: 0 })
    expect(await unpackSnowball({ output: '/out', directory: '/again', ports, onProgress: boom })).toMatchObject({ files: 4, problemCount: 0 })
  })
})

describe('a store with errors of its own', () => {
  it.each([true, false])('is no fault of the large file that was read (objects: %s)', async (objects) => {
    const { pack } = world()
    const store: ChunkStore = {
      objects,
      create: async (name) => ({
        async write() {
          if (name !== 'manifest.ndjson') boom()
        },
        async finish() {},
        async discard() {},
      }),
      has: async () => false,
      async remove() {},
    }
    const one = (async function* () {
      yield {
        type: 'chunk' as const,
        chunk: 'chunk-000001.tar',
        bytes: 0,
        single: true as const,
        members: [{ path: 'z/large', key: 'z/large', size: 3 << 20, mtime: 0 }],
      }
    })()
    await expect(pack({ store, plan: one })).rejects.toMatchObject({ code: 'IO', message: expect.stringContaining('boom') })
  })
})

describe('an unpack that is killed', () => {
  it('at any call leaves no file that is not whole, and the next one makes what is missing', async () => {
    const { pack, ports, storage } = world()
    storage.write('/in/z/large', new Uint8Array(200_000).fill(7))
    await pack()
    await storage.remove('/out/manifest.ndjson')
    const states: Map<string, Uint8Array>[] = []
    const below = () =>
      new Map([...storage.nodes].filter(([path, { kind }]) => path.startsWith('/to/') && kind === 'file').map(([path, { data }]) => [path, data]))
    storage.hook = () => states.push(below())
    const unpack = () => unpackSnowball({ output: '/out', directory: '/to', ports })
    expect(await unpack()).toMatchObject({ files: 4, problemCount: 0 })
    storage.hook = undefined
    const whole = below()
    expect([...whole.keys()].sort()).toEqual(['/to/small0', '/to/small1', '/to/small2', '/to/z/large'])
    expect(states.some((state) => [...state.keys()].some((path) => path.endsWith('/.millrace-unpack-0.tmp')))).toBe(true)
    for (const state of states) {
      await storage.remove('/to')
      for (const [path, data] of state) storage.write(path, data)
      await unpack()
      for (const [path, data] of whole) expect(Buffer.compare(storage.nodes.get(path)?.data ?? new Uint8Array(0), data)).toBe(0)
    }
  })
})

describe('a file of the source that grows as fast as it is read', () => {
  it('is read as far as it was long', async () => {
    const { pack, ports, storage } = world()
    await pack()
    let reads = 0
    storage.hook = (operation, path) => {
      if (operation !== 'read' || path !== '/in/small0') return
      if (++reads > 100) throw new Error('was read for ever')
      const { data } = storage.nodes.get(path)!
      storage.write(path, new Uint8Array(data.length + 100_000))
    }
    const { problems } = await verifySnowball({ output: '/out', source: '/in', ports })
    expect(problems).toMatchObject([{ kind: 'changed', where: 'small0' }])
  })
})

describe.skipIf(process.platform === 'win32')('a FIFO', () => {
  let root = ''
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'millrace-snowball-'))
  })
  afterEach(() => rmSync(root, { recursive: true, force: true }))

  it('in place of a chunk, a manifest or a list is told of and not waited for', async () => {
    const [source, output] = [join(root, 'in'), join(root, 'out')]
    mkdirSync(source)
    writeFileSync(join(source, 'a'), 'a')
    await packSnowball({ source, output, ports: nodePorts })
    const fifo = join(output, 'chunk-000001.tar')
    renameSync(fifo, join(root, 'kept.tar'))
    execFileSync('mkfifo', [fifo])
    const ports = nodePorts
    const message = expect.stringContaining('expected a file, got a fifo')
    expect((await verifySnowball({ output, ports })).problems).toMatchObject([{ kind: 'chunk', message }])
    expect((await unpackSnowball({ output, directory: join(root, 'to'), ports })).problems).toMatchObject([{ name: 'a', message }])
    expect((await unpackSnowball({ output, directory: join(root, 'to'), keys: ['a'], ports })).problems).toMatchObject([{ name: 'a', message }])
    const refused = { code: 'BAD_INPUT', message }
    await expect(listSnowball({ output: fifo, ports }).next()).rejects.toMatchObject(refused)
    await expect(verifySnowball({ output: fifo, ports })).rejects.toMatchObject(refused)
    await expect(diffSnowball({ from: output, to: fifo, ports }).next()).rejects.toMatchObject(refused)
    await expect(verifySnowballImport({ output, inventory: [fifo], fields: 'Bucket, Key, Size', ports })).rejects.toMatchObject(refused)
  })
})
