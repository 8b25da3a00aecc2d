// Chunks packed by threads: the same bytes as in one, whatever the store, and nothing left behind.
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { nodePorts as ports } from '../../src/ports/node.js'
import { type ManifestLine, packSnowball as pack, verifySnowball as verify } from '../../src/snowball/index.js'
import type { ChunkStore } from '../../src/snowball/store/store.js'
import { npmTarStream, sha256 } from '../archive/members.js'

let root = ''
const at = (...parts: string[]) => join(root, ...parts)

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace-threads-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

/** Some hundred small files, and two of several MB. */
function tree() {
  for (let i = 0; i < 300; i++) {
    mkdirSync(at('in', `d${i % 7}`), { recursive: true })
    writeFileSync(at('in', `d${i % 7}`, `file-${i}${'-ünï'.repeat(i % 3)}`), Buffer.alloc((i * i * 7) % 30_000, `${i}.`))
  }
  writeFileSync(at('in/big-1'), Buffer.alloc(20_000_000, 'big'))
  writeFileSync(at('in/big-2'), Buffer.alloc(3_000_000, 'larger'))
}
const run = (output: string, options: object = {}) => pack({ source: at('in'), output: at(output), ports, chunkFiles: 40, ...options })
const files = (output: string) => readdirSync(at(output)).sort()
const lines = (output: string): ManifestLine[] =>
  readFileSync(at(output, 'manifest.ndjson'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

/** A store in memory; `fail` is asked before each call. */
function memory(fail: (call: string) => void = () => {}) {
  const stored = new Map<string, Buffer>()
  const begun = new Set<string>()
  const store: ChunkStore = {
    objects: true,
    async create(name) {
      fail('create')
      begun.add(name)
      const pieces: Buffer[] = []
      return {
        async write(data) {
          fail('write')
          pieces.push(Buffer.from(data))
        },
        async finish() {
          fail('finish')
          begun.delete(name)
          stored.set(name, Buffer.concat(pieces))
        },
        async discard() {
          begun.delete(name)
        },
      }
    },
    has: async (entry) => sha256(stored.get(entry.type === 'chunk' ? entry.chunk : entry.key) ?? Buffer.alloc(0)) === entry.sha256,
    remove: async (entry) => void stored.delete(entry.type === 'chunk' ? entry.chunk : entry.key),
  }
  return { store, stored, begun }
}

/** As S3 makes it. */
function etagOf(data: Buffer, partBytes: number): string {
  const md5 = (bytes: Buffer) => createHash('md5').update(bytes).digest()
  if (partBytes === 0) return md5(data).toString('hex')
  const parts: Buffer[] = []
  for (let from = 0; from < data.length; from += partBytes) parts.push(md5(data.subarray(from, from + partBytes)))
  return `${md5(Buffer.concat(parts)).toString('hex')}-${parts.length}`
}

describe('pack in threads', () => {
  it.each([1, 2, 5])('gives the bytes that it gives in this thread (%i at once)', async (concurrency) => {
    tree()
    const summary = await run('alone', { ports: { ...ports, threads: undefined } })
    expect(summary).toMatchObject({ members: 302, chunks: 10, failed: 0 })
    expect(await run('out', { concurrency })).toEqual(summary)
    expect(files('out')).toEqual(files('alone'))
    for (const file of files('out')) expect(Buffer.compare(readFileSync(at('out', file)), readFileSync(at('alone', file))), file).toBe(0)
    expect((await verify({ output: at('out'), source: at('in'), ports })).problems).toEqual([])
    // and a second run has nothing to do
    expect(await run('out', { concurrency })).toMatchObject({ reused: 10, members: 302 })
  })

  it('makes ETags as S3 does, of eight parts side by side and of what is left', async () => {
    mkdirSync(at('in'))
    const data = Buffer.alloc(75_000_000, 'part after part')
    writeFileSync(at('in/file'), data)
    await run('out')
    const [chunk] = lines('out').filter((line) => line.type === 'chunk')
    expect(chunk).toMatchObject({ partBytes: 8 << 20, etag: etagOf(readFileSync(at('out', chunk.chunk)), 8 << 20) })
  })

  it('discards what a store has only begun when packing is aborted', async () => {
    tree()
    const { store, begun } = memory()
    const abort = new AbortController()
    let ended = () => {}
    const end = new Promise<void>((resolve) => (ended = resolve))
    const threads = {
      ...ports.threads!,
      start() {
        const thread = ports.threads!.start()
        return { ...thread, end: () => thread.end().finally(ended) }
      },
    }
    const slow: ChunkStore = {
      ...store,
      async create(name, options) {
        abort.abort()
        await end
        await new Promise((resolve) => setImmediate(resolve))
        return store.create(name, options)
      },
    }
    const packing = run('out', { store: slow, ports: { ...ports, threads }, concurrency: 1, signal: abort.signal })
    await expect(packing).rejects.toMatchObject({ code: 'CLOSED' })
    expect([...begun]).toEqual([])
  })

  it('hands chunks to a store, and large files as they are', async () => {
    tree()
    const { store, stored, begun } = memory()
    expect(await run('out', { store })).toMatchObject({ members: 302, chunks: 8, failed: 0 })
    expect(begun.size).toBe(0)
    expect(files('out')).toEqual(['manifest.ndjson'])
    for (const big of ['big-1', 'big-2']) expect(sha256(stored.get(big) as Buffer)).toBe(sha256(readFileSync(at('in', big))))
    let members = 0
    for (const line of lines('out')) {
      if (line.type === 'chunk') members += (await npmTarStream(stored.get(line.chunk) as Buffer)).length
      if (line.type !== 'chunk' && line.type !== 'object') continue
      const data = stored.get(line.type === 'chunk' ? line.chunk : line.key) as Buffer
      expect(line).toMatchObject({ sha256: sha256(data), etag: etagOf(data, line.partBytes) })
    }
    expect(members).toBe(300)
    expect(await run('out', { store })).toMatchObject({ reused: 10 })
    stored.delete('big-2')
    expect(await run('out', { store })).toMatchObject({ reused: 9 })
    // what the tree has no more goes
    rmSync(at('in/big-1'))
    await run('out', { store })
    expect(stored.get('manifest.ndjson')?.toString()).toBe(readFileSync(at('out/manifest.ndjson'), 'utf8'))
    stored.delete('manifest.ndjson')
    expect([...stored.keys()].sort()).toEqual(
      lines('out')
        .flatMap((line) => (line.type === 'chunk' ? [line.chunk] : line.type === 'object' ? [line.key] : []))
        .sort(),
    )
  })

  it.each([
    ['gzip', '.gz'],
    // this thread alone where Node has no zstd
    ['zstd', '.zst'],
  ] as const)('compresses chunks by %s', async (compression, suffix) => {
    tree()
    await run('plain')
    expect(await run('out', { compression })).toMatchObject({ members: 302, chunks: 10, failed: 0 })
    const [plain, packed] = ['plain', 'out'].map((output) => lines(output).filter((line) => line.type === 'chunk'))
    for (const [i, line] of packed.entries()) {
      expect(line).toMatchObject({ chunk: `${plain[i].chunk}${suffix}`, compression, members: plain[i].members })
      const bytes = readFileSync(at('out', line.chunk))
      expect(line).toMatchObject({ bytes: bytes.length, sha256: sha256(bytes), etag: etagOf(bytes, line.partBytes) })
      if (compression === 'gzip') expect(sha256(gunzipSync(bytes))).toBe(plain[i].sha256)
    }
    // for zstd by a decoder of its own
    expect((await verify({ output: at('out'), source: at('in'), ports })).problems).toEqual([])
    expect(await run('out', { compression })).toMatchObject({ reused: 10 })
    // another compression: other chunks, and those of before go
    await run('out')
    expect(files('out')).toEqual(files('plain'))
  })

  it('keeps the names of chunks and of the manifest to itself in a store', async () => {
    tree()
    for (const name of ['chunk-000001.tar', 'manifest.ndjson']) writeFileSync(at('in', name), Buffer.alloc(2_000_000, name))
    const summary = await run('out', { store: memory().store })
    expect(summary).toMatchObject({ members: 302, failed: 2 })
    expect(summary.failures.map(({ path, reason }) => [path, reason])).toEqual([
      ['chunk-000001.tar', 'key'],
      ['manifest.ndjson', 'key'],
    ])
    expect(await run('out', { store: memory().store, prefix: 'all/' })).toMatchObject({ members: 304, failed: 0 })
  })

  it('whatever call of a store fails, tells it, discards what was begun and goes on the next time', async () => {
    tree()
    for (const call of ['create', 'write', 'finish'])
      for (const nth of [1, 2, 7]) {
        let n = 0
        const { store, stored, begun } = memory((now) => {
          if (now === call && ++n === nth) throw new Error('no more')
        })
        await expect(run('out', { store })).rejects.toThrow('no more')
        expect(begun.size).toBe(0)
        expect(await run('out', { store })).toMatchObject({ members: 302, failed: 0 })
        expect(stored.size).toBe(11)
        rmSync(at('out'), { recursive: true })
      }
  })

  it('stops when aborted, leaves nothing half-written, and goes on', async () => {
    tree()
    await run('whole')
    for (const when of [0, 3, 9]) {
      const stop = new AbortController()
      let told = 0
      const aborted = run('out', { signal: stop.signal, onProgress: () => told++ === when && stop.abort() })
      await expect(aborted).rejects.toMatchObject({ code: 'CLOSED' })
      expect(files('out').filter((name) => !/^(chunk-\d+\.tar|manifest\.ndjson\.part)$/.test(name))).toEqual([])
      expect(await run('out')).toMatchObject({ members: 302 })
      for (const file of files('out')) expect(Buffer.compare(readFileSync(at('out', file)), readFileSync(at('whole', file))), file).toBe(0)
      rmSync(at('out'), { recursive: true })
    }
  })

  it('refuses an output that another run is at work in', async () => {
    tree()
    mkdirSync(at('out'))
    const lock = await ports.storage.lock?.(at('out'))
    await expect(run('out')).rejects.toMatchObject({ code: 'LOCKED' })
    await lock?.release()
    expect(await run('out')).toMatchObject({ members: 302 })
  })

  it('leaves a large file out that is another each time, whatever else is in its chunk', async () => {
    tree()
    // a plan of somebody's own: the large file among small ones
    const names = ['d0/file-0', 'big-2', 'd1/file-1-ünï']
    const members = names.map((path) => ({ path, key: path, size: readFileSync(at('in', path)).length, mtime: 0 }))
    async function* plan() {
      yield { type: 'chunk' as const, chunk: 'chunk-mine.tar', bytes: 4_000_000, members }
    }
    let opened = 0
    const storage = {
      ...ports.storage,
      async open(path: string, options?: { within?: string }) {
        const file = await ports.storage.open(path, options)
        if (!path.endsWith('big-2')) return file
        let reads = 0
        return {
          ...file,
          async read(target: Uint8Array, from: number) {
            if (++reads === 2) writeFileSync(path, Buffer.alloc(3_000_000, `${++opened}`))
            return file.read(target, from)
          },
        }
      },
    }
    expect(await run('out', { plan: plan(), chunkFiles: undefined, ports: { ...ports, storage } })).toMatchObject({
      members: 2,
      failed: 1,
      failures: [{ path: 'big-2', reason: 'changed' }],
    })
    expect(opened).toBe(3)
    expect((await npmTarStream(readFileSync(at('out/chunk-mine.tar')))).map(({ name }) => name)).toEqual([names[0], names[2]])
    expect((await verify({ output: at('out'), ports })).problems).toEqual([])
  })
})
