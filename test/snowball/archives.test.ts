// Archives in gzip and zstd, by their own headers and by a manifest; and what a hostile one may try.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { engine } from '../../src/engine/engine.js'
import { nodePorts as ports } from '../../src/ports/node.js'
import { listSnowball as list, packSnowball as pack, unpackSnowball as unpack, verifySnowball as verify } from '../../src/snowball/index.js'
import { archive, sha256 } from '../archive/members.js'

let root = ''
const at = (...parts: string[]) => join(root, ...parts)
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace-archives-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function put(path: string, data: string | Uint8Array) {
  mkdirSync(dirname(at(path)), { recursive: true })
  writeFileSync(at(path), data)
}

const zstd = (bytes: Uint8Array) => execFileSync('zstd', ['-c', '-q'], { input: bytes, maxBuffer: 2 ** 28 })
const has = (() => {
  try {
    return zstd(Buffer.from('x')).length > 0
  } catch {
    return false
  }
})()
const CODECS = [['gzip', '.gz', (bytes: Uint8Array) => gzipSync(bytes)] as const, ...(has ? [['zstd', '.zst', zstd] as const] : [])]

const members = [
  { name: 'a', data: Buffer.from('first') },
  { name: 'd/empty', data: Buffer.alloc(0) },
  { name: 'd/é', data: Buffer.alloc(2_500_000, 'some text ') },
  { name: 'z', data: Buffer.from('last') },
]
const listed = async (output: string) => {
  const all: string[] = []
  for await (const { chunk, name, size } of list({ output, ports })) all.push(`${chunk} ${name} ${size}`)
  return all
}

/** Packs what `in` has, and makes of its chunks what a pack with compression leaves. */
async function packed(
  codec: 'gzip' | 'zstd',
  suffix: string,
  compress: (bytes: Uint8Array) => Uint8Array,
  edit: (line: Record<string, unknown>) => void = () => {},
) {
  await pack({ source: at('in'), output: at('out'), ports, chunkFiles: 3 })
  const lines = readFileSync(at('out/manifest.ndjson'), 'utf8').trim().split('\n')
  const changed = lines.map((text) => {
    const line = JSON.parse(text)
    if (line.type === 'chunk') {
      const bytes = compress(readFileSync(at('out', line.chunk)))
      rmSync(at('out', line.chunk))
      put(`out/${line.chunk}${suffix}`, bytes)
      const etag = createHash('md5').update(bytes).digest('hex')
      Object.assign(line, { bytes: bytes.length, sha256: sha256(bytes), etag, partBytes: 0, compression: codec })
    }
    if (line.chunk) line.chunk += suffix
    edit(line)
    return `${JSON.stringify(line)}\n`
  })
  writeFileSync(at('out/manifest.ndjson'), changed.join(''))
}

describe.each(CODECS)('in %s', (codec, suffix, compress) => {
  it('a chunk is listed and unpacked, on its own and in a directory with others', async () => {
    const tar = archive(engine(), members)
    put(`all/b.tar${suffix}`, compress(tar))
    put('all/a.tar', tar)
    put('all/other.txt', 'x')
    const names = members.map(({ name, data }) => `${name} ${data.length}`)
    expect(await listed(at(`all/b.tar${suffix}`))).toEqual(names.map((text) => `b.tar${suffix} ${text}`))
    expect(await listed(at('all'))).toEqual([...names.map((text) => `a.tar ${text}`), ...names.map((text) => `b.tar${suffix} ${text}`)])
    expect(await unpack({ output: at(`all/b.tar${suffix}`), directory: at('to'), ports })).toMatchObject({ files: 4, problemCount: 0 })
    for (const { name, data } of members) expect(readFileSync(at('to', name)).equals(data), name).toBe(true)
  })

  it('several members or frames are one archive', async () => {
    const tar = archive(engine(), members)
    put('x.tar', Buffer.concat([0, 700, 1536, 9000].map((from, i, all) => compress(tar.subarray(from, all[i + 1])))))
    expect(await listed(at('x.tar'))).toEqual(members.map(({ name, data }) => `x.tar ${name} ${data.length}`))
  })

  it('what is cut or damaged is told with its place, and leaves no half file', async () => {
    const whole = compress(archive(engine(), members))
    const garbage = Buffer.concat([whole, Buffer.from('garbage')])
    const damaged = Buffer.from(whole)
    damaged[whole.length >> 1] ^= 0xff
    for (const [name, bytes] of Object.entries({
      cut: whole.subarray(0, whole.length - 20),
      half: whole.subarray(0, whole.length >> 1),
      garbage,
      damaged,
      tail: Buffer.concat([whole, whole.subarray(0, 9)]),
    })) {
      put(`${name}.tar${suffix}`, bytes)
      const run = unpack({ output: at(`${name}.tar${suffix}`), directory: at(`to-${name}`), ports })
      await expect(run, name).rejects.toMatchObject({ code: 'CORRUPT', message: expect.stringContaining(`${name}.tar${suffix}`) })
      for (const file of readdirSync(at(`to-${name}`))) if (file !== 'd') expect(readFileSync(at(`to-${name}`, file)).length, name).toBeGreaterThan(0)
    }
    // a tar that ends early inside of what is whole
    put('short.tar', compress(archive(engine(), members).subarray(0, 5000)))
    await expect(listed(at('short.tar'))).rejects.toThrow(/short\.tar, byte 5000: expected \d+ more bytes/)
  })

  it('zeros without end are no archive', async () => {
    put('bomb.tar', compress(Buffer.alloc(70 << 20)))
    await expect(listed(at('bomb.tar'))).rejects.toThrow('bomb.tar, byte 0: expected at most 67108864 bytes of zeros behind the end of the archive')
  })

  it('is verified against its manifest: stored bytes, members, ETag', async () => {
    for (let i = 0; i < 7; i++) put(`in/${i}`, 'content '.repeat(i * 1000))
    await packed(codec, suffix, compress)
    expect(await verify({ output: at('out'), source: at('in'), ports })).toMatchObject({ chunks: 3, members: 7, problems: [] })
    const file = at(`out/chunk-000002.tar${suffix}`)
    const whole = readFileSync(file)
    for (let i = 0; i < whole.length; i += 13) {
      const bytes = Buffer.from(whole)
      bytes[i] ^= 1 << (i % 8)
      writeFileSync(file, bytes)
      expect((await verify({ output: at('out'), ports })).problemCount, `byte ${i}`).toBeGreaterThan(0)
    }
    for (const bytes of [whole.subarray(0, -1), Buffer.concat([whole, Buffer.from('x')]), Buffer.concat([whole, Buffer.alloc(9)]), Buffer.alloc(0)]) {
      writeFileSync(file, bytes)
      expect((await verify({ output: at('out'), ports })).kinds).toHaveProperty('chunk')
    }
  })

  it('a tar that goes on far beyond its members in the manifest is not read to its end', async () => {
    put('in/a', 'x')
    await packed(codec, suffix, (bytes) => compress(Buffer.concat([bytes, Buffer.alloc(30 << 20)])))
    expect((await verify({ output: at('out'), ports })).problems).toMatchObject([
      { kind: 'chunk', message: expect.stringMatching(/byte 2099200: expected a tar of at most 2099200 bytes, got more/) },
    ])
  })

  it('gives single files by the manifest', async () => {
    for (let i = 0; i < 7; i++) put(`in/d${i % 2}/${i}`, `content ${i}`)
    await packed(codec, suffix, compress)
    expect(await unpack({ output: at('out'), directory: at('to'), keys: ['d0/4', 'd1/'], ports })).toMatchObject({ files: 4, problemCount: 0 })
    expect(readdirSync(at('to/d1'))).toEqual(['1', '3', '5'])
    expect(readFileSync(at('to/d0/4'), 'utf8')).toBe('content 4')
  })
})

describe('single files', () => {
  beforeEach(async () => {
    for (let i = 0; i < 30; i++) put(`in/d${i % 3}/${i}`, `content ${i} `.repeat(i))
    put('in/big', Buffer.alloc(3_000_000, 'big'))
    await pack({ source: at('in'), output: at('out'), ports, chunkFiles: 8 })
  })
  const to = (keys: string[], output = at('out')) => unpack({ output, directory: at('to'), keys, ports })

  it('are read where the manifest says, and nothing else is', async () => {
    let read = 0
    const storage = {
      ...ports.storage,
      async open(path: string) {
        const file = await ports.storage.open(path)
        const counted = async (target: Uint8Array, offset: number) => {
          const got = await file.read(target, offset)
          if (path.endsWith('.tar')) read += got
          return got
        }
        return { stat: () => file.stat(), close: () => file.close(), read: counted }
      },
    }
    expect(await unpack({ output: at('out'), directory: at('to'), keys: ['big', 'd2/29'], ports: { ...ports, storage } })).toMatchObject({
      files: 2,
      problemCount: 0,
    })
    expect(readFileSync(at('to/big')).equals(Buffer.alloc(3_000_000, 'big'))).toBe(true)
    // that of big, and the chunk of the other
    expect(read).toBeLessThan(3_100_000)
  })

  it('are told where there are none of that key, or the content is another one', async () => {
    const chunk = at('out/chunk-000003.tar')
    const bytes = readFileSync(chunk)
    bytes[520] ^= 1
    writeFileSync(chunk, bytes)
    const { files, problems } = await to(['none', 'nothing/', '__proto__', 'd0/', 'd1/', 'd2/'])
    expect(files).toBe(29)
    expect(problems.map(({ name, message }) => `${name}: ${message}`.slice(0, 60))).toEqual([
      expect.stringMatching(/^d\d\/\d+: expected \d+ bytes with SHA-256 /),
      'none: expected a file of that key, found none',
      '__proto__: expected a file of that key, found none',
      'nothing/: expected a file of that key, found none',
    ])
  })

  it('come out of archives without a manifest as well, and out of the manifest as a file', async () => {
    rmSync(at('out/chunk-000002.tar'))
    const summary = await to(['d0/', 'big'], at('out/manifest.ndjson'))
    expect(summary.problems.every(({ chunk, message }) => chunk === 'chunk-000002.tar' && message.includes('ENOENT'))).toBe(true)
    expect(summary.files + summary.problemCount).toBe(11)
    rmSync(at('out/manifest.ndjson'))
    rmSync(at('to'), { recursive: true })
    expect((await to(['d0/', 'big'])).files).toBe(summary.files)
  })

  it('and objects are taken from beside the manifest', async () => {
    const data = readFileSync(at('in/big'))
    put('out/large/big', data)
    const text = readFileSync(at('out/manifest.ndjson'), 'utf8').trim().split('\n')
    const end = JSON.parse(text.pop() as string)
    const member = text.map((line) => JSON.parse(line)).find(({ type, key }) => type === 'member' && key === 'big')
    const { chunk: _, offset: __, ...file } = member
    const etag = createHash('md5').update(data).digest('hex')
    text.push(JSON.stringify({ ...file, type: 'object', key: 'large/big', etag, partBytes: 0, plan: '0'.repeat(64) }))
    text.push(JSON.stringify({ ...end, members: end.members + 1, bytes: end.bytes + data.length }))
    writeFileSync(at('out/manifest.ndjson'), text.map((line) => `${line}\n`).join(''))
    expect(await verify({ output: at('out'), ports })).toMatchObject({ members: 32, problemCount: 0 })
    expect((await listed(at('out'))).at(-1)).toBe(' large/big 3000000')
    expect(await to(['large/'])).toMatchObject({ files: 1, problemCount: 0 })
    expect(readFileSync(at('to/large/big')).equals(data)).toBe(true)
    data[5] ^= 1
    put('out/large/big', data)
    expect((await verify({ output: at('out'), ports })).kinds).toEqual({ object: 1 })
    rmSync(at('out/large'), { recursive: true })
    expect((await verify({ output: at('out'), ports })).kinds).toEqual({ object: 1 })
  })

  it('of a hostile manifest do not leave the directories', async () => {
    put('secret', 'secret')
    const text = readFileSync(at('out/manifest.ndjson'), 'utf8')
    for (const [from, into] of [
      ['"chunk":"chunk-000001.tar"', '"chunk":"../secret"'],
      ['"key":"big"', '"key":"../up"'],
      ['"key":"big"', '"key":"/absolute"'],
    ]) {
      writeFileSync(at('out/manifest.ndjson'), text.replaceAll(from, into))
      const summary = await unpack({ output: at('out'), directory: at('to'), ports })
      expect(summary.problemCount, into).toBeGreaterThan(0)
      expect(readdirSync(root).sort()).toEqual(['in', 'out', 'secret', 'to'])
      rmSync(at('to'), { recursive: true })
    }
  })
})

it('verify tells an ETag and a CRC-32C that are not those of the bytes', async () => {
  put('in/a', 'content')
  await pack({ source: at('in'), output: at('out'), ports })
  const text = readFileSync(at('out/manifest.ndjson'), 'utf8')
  const kinds = async (edit: (line: { [field: string]: unknown }) => void) => {
    const lines = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    for (const line of lines) edit(line)
    writeFileSync(at('out/manifest.ndjson'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
    return (await verify({ output: at('out'), ports })).problems.map(({ kind, message }) => `${kind}: ${message}`)
  }
  expect(await kinds(() => {})).toEqual([])
  expect(await kinds((line) => 'crc32c' in line && Object.assign(line, { crc32c: '0badc0de' }))).toEqual([
    expect.stringMatching('member: "a": expected CRC-32C 0badc0de, got '),
  ])
  expect(await kinds((line) => 'etag' in line && Object.assign(line, { etag: '0'.repeat(32) }))).toEqual([expect.stringMatching('chunk: expected ETag 0000')])
  // an ETag in parts, as S3 makes it
  const bytes = readFileSync(at('out/chunk-000001.tar'))
  const md5 = (data: Uint8Array) => createHash('md5').update(data).digest()
  const parts = [bytes.subarray(0, 700), bytes.subarray(700, 1400), bytes.subarray(1400, 2100), bytes.subarray(2100)].filter(({ length }) => length > 0)
  const etag = `${md5(Buffer.concat(parts.map(md5))).toString('hex')}-${parts.length}`
  expect(await kinds((line) => 'etag' in line && Object.assign(line, { etag, partBytes: 700 }))).toEqual([])
  expect(await kinds((line) => 'etag' in line && Object.assign(line, { bytes: 1e9, partBytes: 1 }))).toEqual(
    expect.arrayContaining([expect.stringContaining('expected 1000000000 bytes')]),
  )
})
