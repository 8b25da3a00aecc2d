import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { Header } from 'tar'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OUTPUT_FULL } from '../../src/engine/core.js'
import { builds } from '../builds.js'
import { archive, gnuTar, headers, type Member, nodeTar, npmTarStream, pythonTarfile, sha256 } from './members.js'
import { readers } from './readers.js'

let dir = ''
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-tar-'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const python = (() => {
  try {
    execFileSync('python3', ['--version'])
    return true
  } catch {
    return false
  }
})()

const scripts = ['a', 'é', 'Ж', 'ن', '中', '😀', 'e\u0301', '~']
/** Names of 1 to 255 bytes in several scripts, and paths at and around every limit of ustar. */
function names(): string[] {
  const out = new Set<string>()
  for (const letter of scripts) {
    const width = Buffer.byteLength(letter)
    for (const bytes of [1, 2, 99, 100, 101, 154, 155, 156, 255]) if (bytes >= width) out.add(letter.repeat(bytes / width) + 'x'.repeat(bytes % width))
  }
  for (const [prefix, name] of [
    [100, 100],
    [154, 100],
    [155, 100],
    [156, 100],
    [155, 99],
    [155, 101],
    [1, 100],
    [1, 101],
    [100, 1],
    [255, 255],
  ])
    out.add(`${'p'.repeat(prefix)}/${'n'.repeat(name)}`)
  out.add(`${'d/'.repeat(60)}deep`)
  out.add(`${'d/'.repeat(400)}deeper`)
  out.add('with space/and\ttab/and"quote/and\\backslash/and*star')
  out.add('-leading-dash')
  out.add('@at/=equals/12 path=no')
  return [...out].filter((name) => !name.includes('\\')) // GNU tar lists and node-tar rewrites a backslash
}

describe.each(builds)('tarHeaders (%s)', (build, engine) => {
  const sizes = [0, 1, 511, 512, 513, 1024, 70_000]
  const members = names().map((name, i) => ({ name, data: Buffer.alloc(sizes[i % sizes.length], name) }))
  const expected: Member[] = members.map(({ name, data }) => ({ name, size: data.length, sha256: sha256(data) }))
  const bytes = archive(engine, members)
  const file = () => {
    const path = join(dir, `${build}.tar`)
    writeFileSync(path, bytes)
    return path
  }

  it('makes archives that GNU tar lists and extracts', () => {
    const seen = gnuTar(file())
    expect(seen.names).toEqual(expected.map(({ name }) => name))
    expect(sha256(seen.contents)).toBe(sha256(Buffer.concat(members.map(({ data }) => data))))
    expect(execFileSync('tar', ['--warning=all', '-tf', file()], { stdio: ['ignore', 'pipe', 'pipe'] }).length).toBeGreaterThan(0)
  })

  it('extracts with GNU tar to files, without a warning', () => {
    const out = mkdtempSync(join(dir, 'out-'))
    const some = members.filter(({ name }) => name.split('/').every((part) => Buffer.byteLength(part) <= 255))
    const path = join(dir, `files-${build}.tar`)
    writeFileSync(path, archive(engine, some))
    expect(execFileSync('sh', ['-c', 'tar -xf "$1" -C "$2" 2>&1', 'sh', path, out], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C.UTF-8' } })).toBe('')
    for (const { name, data } of some) expect(readFileSync(join(out, name)).equals(data), name).toBe(true)
    expect(statSync(join(out, some[0].name)).mtime.toISOString()).toBe('1980-01-01T00:00:00.000Z')
    expect(readdirSync(out).length).toBeGreaterThan(10)
  })

  it.runIf(python)("makes archives that Python's tarfile reads", () => {
    expect(pythonTarfile(file())).toEqual(expected)
  })

  it('makes archives that tar-stream and node-tar read', async () => {
    expect(await npmTarStream(bytes)).toEqual(expected)
    expect(await nodeTar(bytes)).toEqual(expected)
  })

  it('says sizes past 8 GiB in a pax header', () => {
    for (const size of [2 ** 33 - 1, 2 ** 33, 2 ** 33 + 1, 5 * 2 ** 40]) {
      const { bytes: head } = headers(engine, [{ name: 'big', size }])
      expect(head.length).toBe(size < 2 ** 33 ? 512 : 1536)
      const path = join(dir, 'big.tar')
      writeFileSync(path, head)
      // the archive ends behind the header, which GNU tar notes after it has listed the member
      const listed = execFileSync('sh', ['-c', 'tar -tvf "$1" 2>/dev/null || true', 'sh', path], { encoding: 'utf8' })
      expect(listed.split(/\s+/)[2]).toBe(String(size))
      if (python) {
        const said = execFileSync('python3', ['-c', 'import sys,tarfile; print(tarfile.open(sys.argv[1]).next().size)', path], { encoding: 'utf8' })
        expect(Number(said)).toBe(size)
      }
    }
  })

  it('writes names that are not for a pax header as GNU tar does, and all readers agree', async () => {
    const names = [
      'short\nname',
      'é\n13 path=evil',
      'e\u0301',
      `${'p'.repeat(155)}/${'e\u0301'.repeat(33)}`,
      `${'n\n'.repeat(127)}e\u0301`.slice(1),
      `${'d/'.repeat(200)}é\n`,
    ]
    const some = names.map((name, i) => ({ name, data: Buffer.alloc(sizes[i], name), gnu: true }))
    const path = join(dir, `gnu-${build}.tar`)
    const all = archive(engine, some)
    writeFileSync(path, all)
    for (const type of all.filter((_, i) => i % 512 === 156 && all.toString('latin1', i + 101, i + 106) === 'ustar'))
      expect('0L').toContain(String.fromCharCode(type))
    for (const reader of readers)
      if (reader.there)
        expect(await reader.members([path]), reader.name).toEqual([some.map(({ name, data }) => ({ name, size: data.length, sha256: sha256(data) }))])
  })

  it('says sizes past 8 GiB in base-256 beside such names', () => {
    for (const size of [2 ** 33 - 1, 2 ** 33, 5 * 2 ** 40, 2 ** 53 - 1]) {
      const { bytes: head } = headers(engine, [{ name: 'e\u0301', size, gnu: true }])
      expect(head.length).toBe(512)
      const path = join(dir, 'big-gnu.tar')
      writeFileSync(path, head)
      const listed = execFileSync('sh', ['-c', 'tar -tvf "$1" 2>/dev/null || true', 'sh', path], { encoding: 'utf8' })
      expect(listed.split(/\s+/)[2]).toBe(String(size))
      expect(new Header(Buffer.from(head)).size).toBe(size)
    }
  })

  it('gives any name back to tar-stream, whatever the split', async () => {
    const segment = fc
      .string({ unit: fc.constantFrom('a', 'b', 'é', '中', '😀', '.', ' '), minLength: 1, maxLength: 120 })
      .filter((s) => s !== '.' && s !== '..')
    const path = fc.array(segment, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('/'))
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(path, fc.uint8Array({ maxLength: 1100 })), { minLength: 1, maxLength: 5 }), async (list) => {
        const all = list.map(([name, data]) => ({ name, data }))
        const seen = await npmTarStream(archive(engine, all))
        expect(seen).toEqual(all.map(({ name, data }) => ({ name, size: data.length, sha256: sha256(data) })))
      }),
      { numRuns: 100 },
    )
  })

  it('is the same bytes on both builds and every time', () => {
    for (const [, other] of builds) expect(archive(other, members).equals(bytes)).toBe(true)
  })

  it('writes nothing past cap', () => {
    engine.scope(() => {
      const heap = engine.put(Buffer.from('name'))
      const table = engine.put(new Uint8Array(new Uint32Array([0, 4, 0, 0, 0, 0]).buffer))
      const target = engine.reserve(512)
      engine.bytes().fill(0xaa, target, target + 576)
      for (const cap of [0, 1, 511]) expect(engine.core.tarHeaders(heap, table, 1, target, cap)).toBe(OUTPUT_FULL)
      expect(engine.bytes().subarray(target, target + 576)).toEqual(new Uint8Array(576).fill(0xaa))
      expect(engine.core.tarHeaders(heap, table, 1, target, 512)).toBe(512)
      expect(engine.bytes().subarray(target + 512, target + 576)).toEqual(new Uint8Array(64).fill(0xaa))
      expect(engine.core.tarHeaders(heap, table, 0, target, 0)).toBe(0)
    })
  })
})
