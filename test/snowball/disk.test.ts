// On a real file system: what independent tools say of our archives, entries that are no files, every flipped byte.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { engine } from '../../src/engine/engine.js'
import { nodePorts as ports } from '../../src/ports/node.js'
import { listSnowball as list, packSnowball as pack, unpackSnowball as unpack, verifySnowball as verify } from '../../src/snowball/index.js'
import { archive, gnuTar, nodeTar, npmTarStream, pythonTarfile, sha256 } from '../archive/members.js'

let root = ''
const at = (...parts: string[]) => join(root, ...parts)
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace-snowball-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function put(path: string, data: string | Uint8Array) {
  mkdirSync(dirname(at(path)), { recursive: true })
  writeFileSync(at(path), data)
}

describe('pack', () => {
  const names = [
    'a',
    '0',
    'name with spaces',
    'it\'s "quoted"',
    'new\nline',
    'tab\t',
    '-dash',
    '.hidden',
    '...',
    'ünïcödé',
    'e\u0301',
    'Ж'.repeat(127),
    '中'.repeat(85),
    '😀'.repeat(63),
    'n'.repeat(255),
    `${'p'.repeat(120)}/${'q'.repeat(99)}`,
    `${'p'.repeat(200)}/${'q'.repeat(200)}`,
    `${'d/'.repeat(60)}leaf`,
    'dir/a',
    'dir.txt',
    'dir-a',
  ]

  it('makes archives that four independent readers find equal', async () => {
    const expected = names.map((name, i) => {
      const data = Buffer.alloc([0, 1, 511, 512, 513, 40_000][i % 6], `${i}.`)
      put(`in/${name}`, data)
      return { name, size: data.length, sha256: sha256(data) }
    })
    expected.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)))
    const summary = await pack({ source: at('in'), output: at('out'), ports })
    expect(summary).toMatchObject({ chunks: 1, members: names.length, skipped: 0, failed: 0 })
    const file = at('out/chunk-000001.tar')
    const bytes = readFileSync(file)
    expect(await npmTarStream(bytes)).toEqual(expected)
    expect(await nodeTar(bytes)).toEqual(expected)
    if (existsSync('/usr/bin/python3')) expect(pythonTarfile(file)).toEqual(expected)
    // GNU tar lists one name a line, and one name has a newline
    const gnu = gnuTar(file)
    expect(gnu.names.join('\n')).toBe(expected.map(({ name }) => name).join('\n'))
    expect(sha256(gnu.contents)).toBe(sha256(Buffer.concat(expected.map(({ name }) => readFileSync(at('in', name))))))
    expect(await unpack({ output: at('out'), directory: at('back'), ports })).toMatchObject({ files: names.length, problems: [] })
    execFileSync('diff', ['-r', at('in'), at('back')])
    const listed: string[] = []
    for await (const { name } of list({ output: at('out'), ports })) listed.push(name)
    expect(listed).toEqual(expected.map(({ name }) => name))
  })

  it('neither follows links nor waits on a FIFO, in the tree or swapped in', async () => {
    put('outside/secret', 'secret')
    put('in/file', 'content')
    symlinkSync(at('outside/secret'), at('in/link'))
    symlinkSync(at('outside'), at('in/folder'))
    symlinkSync('loop', at('in/loop'))
    execFileSync('mkfifo', [at('in/fifo')])
    expect(await pack({ source: at('in'), output: at('out'), ports })).toMatchObject({ members: 1, skipped: 4, failed: 0 })
    // what was a file in the directory listing is a FIFO, or lies behind a link, when it is opened
    put('in/d/file', 'content')
    const storage = {
      ...ports.storage,
      async open(path: string, options?: { within?: string }) {
        if (path.endsWith('/in/file') && existsSync(at('in/file'))) {
          rmSync(at('in/file'))
          execFileSync('mkfifo', [at('in/file')])
        }
        if (path.endsWith('/d/file') && existsSync(at('in/d/file'))) {
          rmSync(at('in/d'), { recursive: true })
          put('outside/file', 'secret')
          symlinkSync(at('outside'), at('in/d'))
        }
        return ports.storage.open(path, options)
      },
    }
    const summary = await pack({ source: at('in'), output: at('out'), ports: { ...ports, storage } })
    expect(summary).toMatchObject({ members: 0, failed: 2 })
    expect(summary.failures.map(({ path, reason }) => [path, reason])).toEqual([
      ['d/file', 'changed'],
      ['file', 'changed'],
    ])
    expect(readdirSync(at('out'))).toEqual(['manifest.ndjson'])
  })

  it('tells a name that is no UTF-8', async () => {
    put('in/good', '1')
    for (const byte of [0xff, 0xfe]) writeFileSync(Buffer.concat([Buffer.from(at('in/bad-')), Buffer.from([byte])]), '2')
    const told = { reason: 'key', message: 'expected a name in UTF-8' }
    expect(await pack({ source: at('in'), output: at('out'), ports })).toMatchObject({ members: 1, failed: 2, failures: [told, told] })
    // they look alike, and the manifest is right all the same
    expect((await verify({ output: at('out'), source: at('in'), ports })).kinds).toEqual({ unreadable: 2 })
  })

  it('refuses keys over 933 bytes with their prefix', async () => {
    put(`in/${'d'.repeat(200)}/${'e'.repeat(200)}/${'f'.repeat(200)}/${'g'.repeat(200)}/${'h'.repeat(120)}`, 'x')
    expect(await pack({ source: at('in'), output: at('out'), ports })).toMatchObject({ members: 1 })
    const summary = await pack({ source: at('in'), output: at('out'), prefix: 'Logs/2024/', ports })
    expect(summary.failures[0].message).toBe('expected a key of at most 933 bytes, got 934')
  })
})

describe('verify', () => {
  it('detects every flipped byte, cut and surplus', async () => {
    put('in/a', 'first')
    put(`in/${'ü'.repeat(60)}`, 'second')
    await pack({ source: at('in'), output: at('out'), ports })
    const file = at('out/chunk-000001.tar')
    const whole = readFileSync(file)
    expect((await verify({ output: at('out'), ports })).problems).toEqual([])
    for (let i = 0; i < whole.length; i += 7) {
      const bytes = Buffer.from(whole)
      bytes[i] ^= 1 << (i % 8)
      writeFileSync(file, bytes)
      expect((await verify({ output: at('out'), ports })).problemCount, `byte ${i}`).toBeGreaterThan(0)
    }
    for (const size of [0, 1, 511, 512, 513, whole.length - 1024, whole.length - 512, whole.length - 1]) {
      writeFileSync(file, whole)
      truncateSync(file, size)
      expect((await verify({ output: at('out'), ports })).problemCount, `cut to ${size}`).toBeGreaterThan(0)
    }
    writeFileSync(file, Buffer.concat([whole, Buffer.alloc(512)]))
    expect((await verify({ output: at('out'), ports })).problemCount).toBeGreaterThan(0)
    rmSync(file)
    expect((await verify({ output: at('out'), ports })).problems[0].where).toBe('chunk-000001.tar')
  })

  it('detects what the manifest does not say, or says twice, and one that is cut', async () => {
    put('in/a', 'first')
    put('in/b', 'second')
    await pack({ source: at('in'), output: at('out'), ports })
    const manifest = at('out/manifest.ndjson')
    const lines = readFileSync(manifest, 'utf8').split('\n').slice(0, -1)
    const problems = async (text: string[]) => {
      writeFileSync(manifest, text.map((line) => `${line}\n`).join(''))
      return (await verify({ output: at('out'), ports })).problems.map(({ message }) => message).join('; ')
    }
    expect(await problems(lines)).toBe('')
    for (let i = 1; i < lines.length; i++) expect(await problems(lines.filter((_, k) => k !== i)), lines[i]).not.toBe('')
    for (let i = 1; i < lines.length; i++) expect(await problems([...lines.slice(0, i), lines[i], ...lines.slice(i)]), lines[i]).not.toBe('')
    for (const [from, to] of [
      ['"size":5', '"size":6'],
      ['"offset":512', '"offset":513'],
      ['"key":"a"', '"key":"c"'],
      ['"members":2', '"members":3'],
    ])
      expect(await problems(lines.map((line) => line.replace(from, to))), from).not.toBe('')
    put('out/extra.tar', 'x')
    expect(await problems(lines)).toBe('expected no archive that the manifest does not name')
    await expect(problems(lines.slice(1))).rejects.toThrow(/record 0: expected a manifest of version 1/)
    await expect(problems([lines[0], '{"type":"chunk"'])).rejects.toThrow(/manifest\.ndjson, record 1, byte 32: expected a JSON object/)
    await expect(problems([lines[0], '{"type":"chunk","chunk":"x"}'])).rejects.toThrow('"bytes" expected a whole number, got undefined')
    const outside = lines.map((line) => line.replaceAll('chunk-000001.tar', '../in/a'))
    expect(await problems(outside)).toContain('expected a file name for a chunk')
    rmSync(manifest)
    await expect(verify({ output: at('out'), ports })).rejects.toMatchObject({ code: 'IO' })
  })

  it('compares with the tree: changed, missing and new files', async () => {
    for (const name of ['a', 'b', 'c']) put(`in/${name}`, name)
    await pack({ source: at('in'), output: at('out'), ports })
    put('in/a', 'A')
    rmSync(at('in/b'))
    put('in/d', 'd')
    expect((await verify({ output: at('out'), source: at('in'), ports })).problems.map(({ where, message }) => `${where} ${message.slice(0, 22)}`)).toEqual([
      'a is not what was packed',
      'b was packed and is no l',
      'd is in no chunk',
    ])
  })
})

describe('unpack', () => {
  const files = () => execFileSync('find', ['.', '-mindepth', '1'], { cwd: root, encoding: 'utf8' }).split('\n').filter(Boolean).sort()

  it.each(['../up', 'a/../../up', '/absolute', 'a//b', './a', 'a/.', '..', 'C:/x', 'C:x', '..\\up', '\\root', 'a\\..\\..\\up', ''])(
    'refuses the name %j, takes the others',
    async (name) => {
      const members = [
        { name: 'good', data: Buffer.from('1') },
        { name: name || ' ', data: Buffer.from('2') },
        { name: 'good2', data: Buffer.from('3') },
      ]
      if (name === '') return
      writeFileSync(at('x.tar'), archive(engine(), members))
      const summary = await unpack({ output: at('x.tar'), directory: at('to'), ports })
      expect(summary).toMatchObject({ files: 2, problems: [{ chunk: 'x.tar', name }] })
      expect(files()).toEqual(['./to', './to/good', './to/good2', './x.tar'])
    },
  )

  it('refuses links and devices, makes directories, never writes through a link', async () => {
    put('t/target', 'x')
    mkdirSync(at('t/dir/inner'), { recursive: true })
    symlinkSync('/etc', at('t/link'))
    execFileSync('sh', ['-c', 'ln t/target t/hard; mkfifo t/fifo'], { cwd: root })
    execFileSync('tar', ['-C', at('t'), '-cf', at('x.tar'), 'target', 'hard', 'link', 'fifo', 'dir'])
    const summary = await unpack({ output: at('x.tar'), directory: at('to'), ports })
    expect(summary.files).toBe(1)
    expect(summary.problems.map(({ name, message }) => [name, message])).toEqual([
      ['hard', 'expected files and directories only, got a link'],
      ['link', 'expected files and directories only, got a link'],
      ['fifo', 'expected files and directories only, got a other'],
    ])
    expect(readdirSync(at('to')).sort()).toEqual(['dir', 'target'])
    // a link that was there before is no way out, nor are files replaced
    put('outside/keep', 'keep')
    symlinkSync(at('outside'), at('to/exit'))
    symlinkSync(at('outside/keep'), at('to/file'))
    writeFileSync(
      at('y.tar'),
      archive(engine(), [
        { name: 'exit/keep', data: Buffer.from('2') },
        { name: 'exit/new', data: Buffer.from('2') },
        { name: 'file', data: Buffer.from('2') },
        { name: 'target', data: Buffer.from('2') },
        { name: 'target/below', data: Buffer.from('2') },
      ]),
    )
    const second = await unpack({ output: at('y.tar'), directory: at('to'), ports })
    expect(second).toMatchObject({ files: 0 })
    expect(second.problems.map(({ message }) => message)).toEqual([
      'expected a directory at "exit", found a symlink',
      'expected a directory at "exit", found a symlink',
      'exists already, and is left as it is',
      'exists already, and is left as it is',
      'expected a directory at "target", found a file',
    ])
    expect(readdirSync(at('outside'))).toEqual(['keep'])
    expect(readFileSync(at('outside/keep'), 'utf8')).toBe('keep')
    expect(readFileSync(at('to/target'), 'utf8')).toBe('x')
  })

  it('stops at damage with its place, and leaves no half file', async () => {
    const whole = archive(engine(), [
      { name: 'first', data: Buffer.alloc(3000, 1) },
      { name: 'second', data: Buffer.alloc(3000, 2) },
    ])
    const second = 512 + 3072
    const cases: [Buffer, RegExp, string[]][] = [
      [whole.subarray(0, 100), /byte 100: expected two blocks of zeros or a header, got the end of the file/, []],
      [whole.subarray(0, 1000), /byte 1000: expected 2512 more bytes of "first", got the end of the file/, []],
      [whole.subarray(0, second + 512 + 10), /expected 2990 more bytes of "second"/, ['first']],
      [whole.subarray(0, -1024), /expected two blocks of zeros or a header/, ['first', 'second']],
      [
        Buffer.concat([whole.subarray(0, second), Buffer.alloc(1, 9), whole.subarray(second + 1)]),
        /byte 3584: expected a tar header, got a block whose checksum is wrong/,
        ['first'],
      ],
      [Buffer.concat([whole, Buffer.from('more')]), /expected nothing but zeros behind the end/, ['first', 'second']],
      [Buffer.alloc(0), /byte 0: expected two blocks/, []],
      [Buffer.from('not a tar at all'.repeat(100)), /byte 0: expected a tar header/, []],
    ]
    for (const [i, [bytes, message, left]] of cases.entries()) {
      writeFileSync(at('x.tar'), bytes)
      await expect(unpack({ output: at('x.tar'), directory: at(`to-${i}`), ports })).rejects.toThrow(message)
      expect(readdirSync(at(`to-${i}`))).toEqual(left)
    }
  })
})

it('reads what GNU tar and Python packed', async () => {
  for (let i = 0; i < 20; i++) put(`in/${'directory-'.repeat(i)}${i}/file-é-${i}`.slice(0, 250), 'x'.repeat(i * 100))
  for (const format of ['gnu', 'ustar', 'posix', 'v7']) {
    const tar = at(`${format}.tar`)
    execFileSync('sh', ['-c', 'tar --format="$1" -C "$2" -cf "$3" . 2>/dev/null || true', 'sh', format, at('in'), tar])
    // names as GNU tar writes them start with "./"
    const seen: string[] = []
    for await (const { name, kind } of list({ output: tar, ports })) if (kind === 'file') seen.push(name)
    const expected = gnuTar(tar).names.filter((name) => !name.endsWith('/'))
    expect(seen).toEqual(expected)
  }
})
