import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { FileKind, Storage } from '../../src/ports/ports.js'
import {
  type LeftOut,
  type PlannedChunk,
  type SnowballPlanOptions as PlanOptions,
  type PlanWarning,
  planSnowball as plan,
  planSnowballLines as planLines,
  readSnowballPlan as readPlan,
} from '../../src/snowball/index.js'
import { failing, type MemoryStorage, memoryStorage } from './memory.js'

type Item = PlannedChunk | LeftOut
const NOW = 1_700_000_000_000

/** Files by path and size under /in. */
function treeOf(files: Record<string, number>): MemoryStorage {
  const storage = memoryStorage(() => NOW)
  storage.special('/in', 'directory')
  for (const [path, size] of Object.entries(files)) storage.write(`/in/${path}`, new Uint8Array(size))
  return storage
}

async function planned(storage: Storage, options: Partial<PlanOptions> = {}) {
  const items: Item[] = []
  const warnings: PlanWarning[] = []
  for await (const item of plan({ source: '/in', ports: { storage }, onWarning: (warning) => warnings.push(warning), ...options })) items.push(item)
  const chunks = items.filter((item) => item.type === 'chunk')
  return { items, warnings, chunks, left: items.filter((item) => item.type !== 'chunk'), members: chunks.flatMap(({ members }) => members) }
}

const bytewise = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))

const segment = fc.oneof(
  fc.constantFrom('a', 'A', 'b', 'é', 'e\u0301', 'É', 'ß', 'SS', '__proto__', 'constructor', '-', 'x.y', '😀', '\uffef', 'ﬀ', 'new\nline', 'n'.repeat(255)),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).filter((name) => !/[/\0]/.test(name) && name !== '.' && name !== '..'),
)
/** Paths none of which is a directory of another one. */
const trees = fc.array(fc.tuple(fc.array(segment, { minLength: 1, maxLength: 4 }), fc.nat({ max: 5000 })), { maxLength: 40 }).map((entries) => {
  const files = new Map<string, number>()
  const folders = new Set<string>()
  for (const [parts, size] of entries) {
    const path = parts.join('/')
    const above = parts.slice(1).map((_, i) => parts.slice(0, i + 1).join('/'))
    if (folders.has(path) || files.has(path) || above.some((folder) => files.has(folder))) continue
    files.set(path, size)
    for (const folder of above) folders.add(folder)
  }
  return Object.fromEntries([...files].map(([path, size]) => [`t${path}`, size]))
})
const limits = fc.record(
  {
    smallBytes: fc.nat({ max: 6000 }),
    chunkBytes: fc.integer({ min: 5120, max: 40_000 }),
    chunkFiles: fc.integer({ min: 1, max: 9 }),
    deviceBytes: fc.integer({ min: 10_000, max: 60_000 }),
    prefix: fc.constantFrom('', 'Logs/', 'p'),
    destination: fc.constantFrom('', 'deep/'),
    collisions: fc.constantFrom('warn' as const, 'ignore' as const),
  },
  { requiredKeys: [] },
)

describe('a plan', () => {
  it('has every file once, in the order of the bytes of its key, within all bounds, and is the same as a file', async () => {
    await fc.assert(
      fc.asyncProperty(trees, limits, async (files, options) => {
        const storage = treeOf(files)
        const { items, chunks, left, members } = await planned(storage, options)
        const { smallBytes = 1 << 20, chunkFiles = 10_000, deviceBytes, prefix = '' } = options
        const chunkBytes = Math.min(options.chunkBytes ?? 1e9, deviceBytes ?? Number.POSITIVE_INFINITY)
        expect([...members.map(({ path }) => path), ...left.map(({ path }) => path)].sort(bytewise)).toEqual(Object.keys(files).sort(bytewise))
        expect(left.every(({ reason }) => reason === 'key' || reason === 'too-large')).toBe(true)
        for (const { path, key, size } of members) {
          expect(key).toBe(prefix + path)
          expect(size).toBe(files[path])
        }
        const singles = chunks.filter(({ single }) => single)
        for (const alike of [singles, chunks.filter(({ single }) => !single)]) {
          const keys = alike.flatMap(({ members }) => members.map(({ key }) => key))
          expect(keys).toEqual([...keys].sort(bytewise))
        }
        for (const { members, bytes, single } of chunks) {
          expect(members.length).toBeGreaterThan(0)
          expect(members.length).toBeLessThanOrEqual(single ? 1 : chunkFiles)
          if (single) expect(members[0].size > smallBytes || bytes > chunkBytes).toBe(true)
          else {
            expect(bytes).toBeLessThanOrEqual(chunkBytes)
            expect(members.every(({ size }) => size <= smallBytes)).toBe(true)
          }
        }
        expect(chunks.map(({ chunk }) => Number(/(\d+)\.tar$/.exec(chunk)?.[1]))).toEqual(chunks.map((_, i) => i + 1))
        const devices = new Map<number | undefined, number>()
        for (const { device, bytes } of chunks) devices.set(device, (devices.get(device) ?? 0) + bytes)
        for (const [device, bytes] of devices) {
          expect(device === undefined).toBe(deviceBytes === undefined)
          if (deviceBytes !== undefined) expect(bytes).toBeLessThanOrEqual(deviceBytes)
        }

        let text = ''
        for await (const lines of planLines({ source: '/in', ports: { storage }, ...options })) for (const line of lines) text += `${JSON.stringify(line)}\n`
        storage.write('/plan', text)
        const read: Item[] = []
        for await (const item of (await readPlan({ plan: '/plan', ports: { storage } })).items()) read.push(item)
        expect(read).toEqual(items)
        expect(JSON.parse(text.trimEnd().split('\n').at(-1) as string)).toMatchObject({
          type: 'end',
          chunks: chunks.length,
          singles: singles.length,
          members: members.length,
          bytes: members.reduce((sum, { size }) => sum + size, 0),
          failed: left.length,
        })
      }),
      { numRuns: 200 },
    )
  })

  it('tells all that is no regular file, and never opens a file', async () => {
    const storage = treeOf({ a: 1 })
    const kinds: FileKind[] = ['symlink', 'fifo', 'socket', 'device', 'other']
    for (const kind of kinds) storage.special(`/in/${kind}`, kind)
    storage.write('/in/d/x', 'x')
    storage.write('/in/unreadable', 'x')
    storage.hook = (operation, path) => {
      if (operation === 'open') throw new Error('opened')
      if (operation === 'list' && path === '/in/d') throw failing('EACCES')
      if (operation === 'stat' && path === '/in/unreadable') throw failing('EIO')
    }
    const { left, members } = await planned(storage)
    expect(members.map(({ path }) => path)).toEqual(['a'])
    expect(left.map(({ path, type, reason }) => [path, type, reason])).toEqual([
      ['d', 'failed', 'unreadable'],
      ...['device', 'fifo', 'other', 'socket', 'symlink'].map((kind) => [kind, 'skipped', kind]),
      ['unreadable', 'failed', 'unreadable'],
    ])
  })

  it('tells how far it is, and what it has met', async () => {
    const storage = treeOf({ a: 10, 'd/b': 20, 'd/c': 30 })
    storage.special('/in/d/l', 'symlink')
    let last: unknown
    await planned(storage, { onProgress: (progress) => (last = structuredClone(progress)) })
    expect(last).toEqual({ entries: 5, directories: 2, files: 3, bytes: 60, left: { symlink: 1 }, largest: { path: 'd', entries: 3 } })
  })

  it('warns of a directory with more entries than a Snowball likes', async () => {
    const storage: Storage = {
      ...memoryStorage(() => NOW),
      resolve: async (path) => path,
      async *list() {
        for (let i = 0; i < 500_001; i++) yield { name: String(i), kind: 'symlink' as const }
      },
    }
    const { warnings, left } = await planned(storage)
    expect(left.length).toBe(500_001)
    expect(warnings).toEqual([{ type: 'warning', reason: 'directory', path: '', message: 'expected at most 500000 entries in a directory, got 500001' }])
  }, 60_000)
})

describe('keys', () => {
  it('count with their prefix and the destination', async () => {
    const name = `${'d/'.repeat(400)}${'n'.repeat(123)}`
    const storage = treeOf({ [name]: 1 })
    expect((await planned(storage, { prefix: 'Logs/', destination: 'x/y/z' })).left).toEqual([])
    const { left } = await planned(storage, { prefix: 'Logs/', destination: 'x/y/z/' })
    expect(left).toMatchObject([{ type: 'failed', reason: 'key', message: 'expected a key of at most 933 bytes with its prefix, got 934' }])
  })

  it('that XML cannot have are left out, those that S3 advises against are told of once for all', async () => {
    const { left, members, warnings } = await planned(treeOf({ 'a\u0001': 1, 'b\ufffe': 1, 'c{1}': 1, 'd%': 1, 'e\n': 1, 'f é+&$ 中': 1 }))
    expect(left.map(({ reason, message }) => [reason, message])).toEqual(
      ['U+0001', 'U+FFFE'].map((point) => ['key', `expected characters that XML can have, as S3 lists keys in it, got ${point}`]),
    )
    expect(members.length).toBe(4)
    expect(warnings).toEqual([{ type: 'warning', reason: 'key', path: 'c{1}', message: '3 keys have characters that S3 advises against, this one first: {' }])
  })

  const alike = { 'd/x': 1, 'D/x': 1, café: 1, 'cafe\u0301': 1, CAFÉ: 1, other: 1 }
  it('that are alike are planned with a warning', async () => {
    const { members, warnings } = await planned(treeOf(alike))
    expect(members.length).toBe(6)
    expect(warnings.map(({ reason, path, message }) => [reason, path, message])).toEqual([
      ['collision', 'cafe\u0301', '"cafe\\u0301" is "CAFÉ" but for case, which Windows and macOS do not tell apart'],
      ['collision', 'café', '"café" is "cafe\\u0301" but for the Unicode form of its letters, which macOS does not tell apart'],
      ['collision', 'd', '"d" is "D" but for case, which Windows and macOS do not tell apart'],
    ])
  })

  it('that are alike are left out, or not looked for, where that is wanted', async () => {
    const { left, members } = await planned(treeOf(alike), { collisions: 'fail' })
    expect(members.map(({ path }) => path)).toEqual(['CAFÉ', 'D/x', 'other'])
    expect(left.map(({ path, reason }) => [path, reason])).toEqual([
      ['cafe\u0301', 'collision'],
      ['café', 'collision'],
      ['d', 'collision'],
    ])
    expect(await planned(treeOf(alike), { collisions: 'ignore' })).toMatchObject({ left: [], warnings: [] })
  })
})

describe('devices', () => {
  const files = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`f${String(i).padStart(2, '0')}`, 4096]))
  // a header of 1.5 KB at most, 4 KB of data; and 1 KB for the end of each chunk
  const each = 1536 + 4096

  it('hold their chunks whole, as many as it takes', async () => {
    const { chunks } = await planned(treeOf(files), { deviceBytes: 5 * each + 1024 + 500, chunkBytes: 3 * each + 1024 })
    expect(chunks.map(({ chunk, device, members }) => [chunk, device, members.length])).toEqual([
      ['device-01-chunk-000001.tar', 1, 3],
      ['device-01-chunk-000002.tar', 1, 1],
      ['device-02-chunk-000003.tar', 2, 3],
      ['device-02-chunk-000004.tar', 2, 1],
      ['device-03-chunk-000005.tar', 3, 3],
      ['device-03-chunk-000006.tar', 3, 1],
    ])
  })

  it('take a single file where there is room, on one that is behind as well', async () => {
    const storage = treeOf({ ...files, z: 9000 })
    const { chunks } = await planned(storage, { deviceBytes: [5 * each, 30 * each], smallBytes: 5000, chunkFiles: 2 })
    expect(chunks.map(({ device, single, members }) => [device, single === true, members.length])).toEqual([
      [1, false, 2],
      [1, false, 2],
      [2, false, 2],
      [2, false, 2],
      [2, false, 2],
      [2, true, 1],
      [2, false, 2],
    ])
    const roomy = await planned(storage, { deviceBytes: [8 * each, 30 * each], smallBytes: 5000, chunkFiles: 1 })
    expect(roomy.chunks.filter(({ single }) => single).map(({ device }) => device)).toEqual([2])
  })

  it('that are too few fail with what is missing; a file that none holds is told and left out', async () => {
    await expect(planned(treeOf(files), { deviceBytes: [5 * each + 1024, 5 * each + 1024] })).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
      message: `expected room for all files on 2 devices, got 2 files that fit on none: ${2 * (each + 1024)} bytes more are needed`,
    })
    const { left, members } = await planned(treeOf({ ...files, big: 200_000 }), { deviceBytes: 100_000 })
    expect(members.length).toBe(12)
    expect(left).toMatchObject([{ path: 'big', type: 'failed', reason: 'too-large' }])
  })
})

it('plans files that no archive may hold, up to what an object may have', async () => {
  const sizes: Record<string, number> = { a: 150e9, b: 5e12, c: 5e12 + 1 }
  const storage = treeOf({ a: 0, b: 0, c: 0 })
  const stat = storage.stat
  storage.stat = async (path) => ({ ...(await stat(path)), size: sizes[path.slice(4)] ?? 0 })
  const { chunks, left } = await planned(storage)
  expect(chunks.map(({ single, members }) => [single, members[0].path])).toEqual([
    [true, 'a'],
    [true, 'b'],
  ])
  expect(left).toMatchObject([{ path: 'c', reason: 'too-large' }])
  const lines = []
  for await (const block of planLines({ source: '/in', ports: { storage } })) lines.push(...block)
  const uploads = lines.filter((line) => line.type === 'chunk')
  for (const { parts, partBytes } of uploads) {
    expect(partBytes).toBeLessThanOrEqual(512e6)
    expect(parts).toBeLessThanOrEqual(10_000)
  }
  expect(uploads.map(({ parts, partBytes }) => Math.ceil(150e9 / partBytes) === parts || Math.ceil(5e12 / partBytes) === parts)).toEqual([true, true])
})

it.each([
  [{ source: '' }, TypeError, '"source" expected the path of a directory'],
  [{ source: undefined }, TypeError, '"source" expected the path of a directory, got undefined'],
  [{ prefix: '../' }, RangeError, '"prefix" expected a relative key prefix'],
  [{ destination: '/x' }, RangeError, '"destination" expected a relative key prefix'],
  [{ chunkBytes: 100e9 + 1 }, RangeError, '"chunkBytes" expected a whole number'],
  [{ deviceBytes: [] }, RangeError, '"deviceBytes" expected at least one device'],
  [{ deviceBytes: [1e6, 1.5] }, RangeError, '"deviceBytes[1]" expected a whole number'],
  [{ collisions: 'drop' as 'warn' }, RangeError, '"collisions" expected one of warn, fail, ignore'],
  [{ list: '' }, TypeError, '"list" expected the path of a file'],
  [{ chunks: 1 } as object, TypeError, '"options" expected one of source, list'],
])('refuses %j', async (options, kind, message) => {
  const refused = planned(treeOf({}), options)
  await expect(refused).rejects.toThrow(kind)
  await expect(refused).rejects.toThrow(message)
})
