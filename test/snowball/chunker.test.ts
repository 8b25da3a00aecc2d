import { Readable } from 'node:stream'
import tarStream from 'tar-stream'
import { describe, expect, it } from 'vitest'
import { nodeSha256 } from '../../src/ports/node-hash.js'
import { type ChunkerFile, createChunker, directoryTarget, packSnowball, verifySnowball } from '../../src/snowball/index.js'
import { pythonTarfile, sha256 } from '../archive/members.js'
import { bytes, collect, linesOf, members } from './chunks.js'
import { memoryStorage } from './memory.js'

/** One stream after the other, cut in three. */
function streams(data: Uint8Array): ChunkerFile['data'][] {
  const third = Math.ceil(data.length / 3)
  const cut = [data.subarray(0, third), new Uint8Array(0), data.subarray(third, 2 * third), data.subarray(2 * third)]
  async function* iterable() {
    // the same memory for each piece, as a reader of files has it
    const memory = new Uint8Array(third)
    for (const piece of cut) {
      memory.set(piece)
      yield memory.subarray(0, piece.length)
      memory.fill(0)
    }
  }
  return [
    data,
    new Blob([data as Uint8Array<ArrayBuffer>]),
    new Blob([data as Uint8Array<ArrayBuffer>]).stream(),
    iterable(),
    Readable.from(cut.filter(({ length }) => length > 0)),
    () => data,
    async () => new Blob([data as Uint8Array<ArrayBuffer>]),
    () => iterable(),
  ]
}

describe('chunks', () => {
  it('hold files of every kind of data, and an independent reader finds them whole', async () => {
    for (const [size, options] of [
      [5000, {}],
      [5000, { smallBytes: 100, bufferBytes: 10_000 }],
      [3_000_000, { bufferBytes: 4_000_000 }],
      [0, {}],
    ] as const) {
      const data = bytes(size)
      const files = streams(data).flatMap((data, i) => [{ key: `unsized-${i}`, data }])
      files.push(...streams(data).map((data, i) => ({ key: `sized-${i}`, size, data })))
      const { tars, left, summary } = await collect(files, options)
      expect(left).toEqual([])
      expect(await members(tars)).toEqual(Object.fromEntries(files.map(({ key }) => [key, sha256(data)])))
      expect(summary).toMatchObject({ members: 16, bytes: 16 * size, left: {} })
    }
  })

  it('take text as UTF-8', async () => {
    const { tars } = await collect([
      { key: 'a', data: 'äöü€😀' },
      { key: 'b', data: '' },
      { key: 'c', data: () => 'x' },
    ])
    expect(await members(tars)).toEqual({ a: sha256(Buffer.from('äöü€😀')), b: sha256(Buffer.from('')), c: sha256(Buffer.from('x')) })
  })

  it('are those of packSnowball for the same tree, with the same manifest but for the plan', async () => {
    const storage = memoryStorage(() => 1_700_000_000_000)
    const files: ChunkerFile[] = []
    for (let i = 0; i < 40; i++) {
      const key = `d${Math.floor(i / 10)}/${i % 2 ? 'ünï' : 'plain'}-${String(i).padStart(3, '0')}`
      storage.write(`/in/${key}`, bytes(i * 137, i))
    }
    const clock = { now: () => 1_700_000_009_000, monotonic: () => 0, sleep: async () => {} }
    const ports = { storage, clock, sha256: nodeSha256 }
    const options = { prefix: 'p/', chunkFiles: 7, chunkBytes: 40_000 }
    await packSnowball({ source: '/in', output: '/packed', ports, ...options })
    const text = Buffer.from(storage.nodes.get('/packed/manifest.ndjson')!.data)
    const packed = linesOf(text)
    for (const line of packed) if (line.type === 'member') files.push({ key: line.path, data: storage.nodes.get(`/in/${line.path}`)!.data })
    expect(files.length).toBe(40)

    const target = directoryTarget(ports, '/chunked')
    await createChunker({ ...options, ports }).write(files, target)
    const names = (root: string) => [...storage.nodes.keys()].filter((path) => path.startsWith(`${root}/`)).map((path) => path.slice(root.length))
    expect(names('/chunked').sort()).toEqual(names('/packed').sort())
    for (const name of names('/packed').filter((name) => name.endsWith('.tar')))
      expect(Buffer.compare(storage.nodes.get(`/chunked${name}`)!.data, storage.nodes.get(`/packed${name}`)!.data), name).toBe(0)
    const plans = /"plan":"[0-9a-f]{64}"/g
    expect(Buffer.from(storage.nodes.get('/chunked/manifest.ndjson')!.data).toString().replaceAll(plans, '')).toBe(text.toString().replaceAll(plans, ''))
    expect((await verifySnowball({ output: '/chunked', source: '/in', ports })).problems).toEqual([])

    // and read as streams they are the same again
    const { tars, lines } = await collect(files, options)
    for (const [name, tar] of tars) expect(Buffer.compare(tar, storage.nodes.get(`/chunked/${name}`)!.data), name).toBe(0)
    expect(lines).toEqual(linesOf(storage.nodes.get('/chunked/manifest.ndjson')!.data))
  })

  it('have large files alone, behind the small ones that they would interrupt, as packSnowball has them', async () => {
    const storage = memoryStorage(() => 1_700_000_000_000)
    const sizes = [10, 5000, 20, 30, 6000, 7000, 40]
    sizes.forEach((size, i) => {
      storage.write(`/in/${i}`, bytes(size, i))
    })
    const ports = { storage, clock: { now: () => 1_700_000_009_000, monotonic: () => 0, sleep: async () => {} } }
    await packSnowball({ source: '/in', output: '/packed', ports, smallBytes: 1000 })
    const files = sizes.map((size, i) => ({ key: String(i), data: new File([bytes(size, i)], 'named') }))
    const { tars, results } = await collect(files, { smallBytes: 1000 })
    expect(results.map(({ members }) => members.map(({ key }) => key))).toEqual([['0', '2', '3', '6'], ['1'], ['4'], ['5']])
    const hashes = (all: Iterable<Uint8Array>) => [...all].map(sha256).sort()
    const packed = [...storage.nodes].filter(([path]) => path.endsWith('.tar')).map(([, { data }]) => data)
    expect(hashes(tars.values())).toEqual(hashes(packed))
  })

  it.each<[string, (data: Uint8Array<ArrayBuffer>) => ChunkerFile['data']]>([
    ['a stream', (data) => new Blob([data]).stream()],
    ['bytes', (data) => data],
    ['a Blob, which may lie in memory', (data) => new Blob([data])],
    ['text', (data) => new TextDecoder('ascii').decode(data.map((x) => x & 127))],
  ])('of small files end where a large one cannot wait: %s', async (_, as) => {
    const files = [10, 5000, 20, 30].map((size, i) => ({ key: String(i), size, data: i === 1 ? as(bytes(size)) : bytes(size) }))
    const { results } = await collect(files, { smallBytes: 1000 })
    expect(results.map(({ members }) => members.map(({ key }) => key))).toEqual([['0'], ['1'], ['2', '3']])
  })

  it('are read as Web streams too, with hash, ETag and members when they are', async () => {
    const chunker = createChunker({ smallBytes: 1 << 16 })
    const data = bytes(9_000_000)
    for await (const chunk of chunker.chunks([{ key: 'big', data }])) {
      const body = new Uint8Array(await new Response(chunk.stream()).arrayBuffer())
      const result = await chunk.done
      expect(result).toMatchObject({ bytes: body.length, sha256: sha256(body), partBytes: 8 << 20, etag: expect.stringMatching(/^[0-9a-f]{32}-2$/) })
      expect(result.members).toMatchObject([{ key: 'big', path: 'big', size: data.length, sha256: sha256(data), offset: 512 }])
      expect(() => chunk.stream()).toThrow('it is read already')
    }
  })

  it('take the names that they are given', async () => {
    const files = () => [1, 2, 3].map((i) => ({ key: String(i), data: 'x' }))
    const named = (name: (number: number) => string) => collect(files(), { chunkFiles: 1, name })
    expect([...(await named((n) => `chunk-mine-${n}.tar`)).tars.keys()]).toEqual(['chunk-mine-1.tar', 'chunk-mine-2.tar', 'chunk-mine-3.tar'])
    await expect(named(() => 'chunk-1.tar')).rejects.toThrow('"name(2)" expected a name that no earlier chunk has, got "chunk-1.tar"')
    await expect(named(() => '../chunk-1.tar')).rejects.toThrow('"name(1)" expected a name such as chunk-000001.tar')
    await expect(named(() => 5 as never)).rejects.toThrow('"name(1)" expected a string, got 5')
  })

  it('of no files are none', async () => {
    const { tars, lines, summary } = await collect([])
    expect(tars.size).toBe(0)
    expect(lines).toEqual([
      { type: 'manifest', version: 1 },
      { type: 'end', chunks: 0, members: 0, bytes: 0, skipped: 0, failed: 0 },
    ])
    expect(summary).toEqual({ chunks: 0, members: 0, bytes: 0, skipped: 0, failed: 0, left: {} })
  })

  it('can be made of the entries of another tar, which come only when the one before is read', async () => {
    const pack = tarStream.pack()
    for (const name of ['a', 'b/c', 'd']) pack.entry({ name }, Buffer.from(bytes(70_000)))
    pack.entry({ name: '../up' }, 'x'.repeat(100_000))
    pack.entry({ name: 'last' }, Buffer.from(bytes(300_000)))
    pack.finalize()
    const archive: Uint8Array[] = []
    for await (const piece of pack) archive.push(piece as Uint8Array)
    const extract = tarStream.extract()
    Readable.from(archive).pipe(extract)
    async function* entries(): AsyncGenerator<ChunkerFile> {
      for await (const entry of extract) yield { key: entry.header.name, size: entry.header.size, data: entry as AsyncIterable<never> }
    }
    const again = await collect(entries(), { smallBytes: 100_000 })
    expect(Object.keys(await members(again.tars)).sort()).toEqual(['a', 'b/c', 'd', 'last'])
    // what is left out for its name does not take those behind it away
    expect(again.left.map(({ path }) => path)).toEqual(['../up'])
  })

  it('are read by Python too', async () => {
    const { mkdtemp, rm, writeFile } = await import('node:fs/promises')
    const { tmpdir } = await import('node:os')
    const { join } = await import('node:path')
    const { tars } = await collect([
      { key: `${'long/'.repeat(60)}ünï😀`, data: bytes(10) },
      { key: 'plain', data: bytes(3_000_000) },
    ])
    const directory = await mkdtemp(join(tmpdir(), 'chunker-'))
    try {
      const found = []
      for (const [name, tar] of tars) {
        await writeFile(join(directory, name), tar)
        found.push(...pythonTarfile(join(directory, name)))
      }
      expect(found).toEqual([
        { name: `${'long/'.repeat(60)}ünï😀`, size: 10, sha256: sha256(bytes(10)) },
        { name: 'plain', size: 3_000_000, sha256: sha256(bytes(3_000_000)) },
      ])
    } finally {
      await rm(directory, { recursive: true })
    }
  })
})
