// A plan from a list of sources and destinations, on a real file system: links, places outside, quoting.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { nodePorts as ports } from '../../src/ports/node.js'
import { type SnowballPlanOptions as PlanOptions, type PlanWarning, packSnowball as pack, planSnowball as plan } from '../../src/snowball/index.js'

let root = ''
const at = (...parts: string[]) => join(root, ...parts)
const put = (path: string, data: string) => {
  mkdirSync(dirname(at(path)), { recursive: true })
  writeFileSync(at(path), data)
}
beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-plan-')))
  put('tree/a', 'a')
  put('tree/d/b', 'bb')
  put('tree/d/it\'s "b",\n2', 'ccc')
  put('other/c', 'cccc')
  symlinkSync('a', at('tree/link'))
  symlinkSync('d', at('tree/inside'))
  symlinkSync(at('other'), at('tree/outside'))
  execFileSync('mkfifo', [at('tree/fifo')])
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

async function planned(text: string | Uint8Array, options: Partial<PlanOptions> = {}) {
  writeFileSync(at('tree/list'), text)
  const warnings: PlanWarning[] = []
  const items = []
  for await (const item of plan({ list: at('tree/list'), ports, onWarning: (warning) => warnings.push(warning), ...options })) items.push(item)
  const members = items.flatMap((item) => (item.type === 'chunk' ? item.members.map(({ path, key, size }) => [path, key, size]) : []))
  const left = items.flatMap((item) => (item.type === 'chunk' ? [] : [[item.path, item.type, item.reason]]))
  return { members, left, warnings, items }
}

describe('a list', () => {
  it('is CSV, quoted as RFC 4180 has it, in its own order', async () => {
    const { members } = await planned('\ufeffsource,destination\r\nd/b,z\r\n\r\n"a","k, ""quoted"""\r\n"d/it\'s ""b"",\n2","new\nline"', { prefix: 'Logs/' })
    expect(members).toEqual([
      ['d/b', 'Logs/z', 2],
      ['a', 'Logs/k, "quoted"', 1],
      ['d/it\'s "b",\n2', 'Logs/new\nline', 3],
    ])
  })

  it('or NDJSON, told by its first byte', async () => {
    const text = '{"source":"a","destination":"k","more":1}\n\n{"destination":"__proto__/x","source":"d/b"}\n'
    expect((await planned(text)).members).toEqual([
      ['a', 'k', 1],
      ['d/b', '__proto__/x', 2],
    ])
  })

  it('follows links of directories that stay in the source, never one that is a file, and waits for no FIFO', async () => {
    const { members, left } = await planned('inside/b,1\nlink,2\nfifo,3\nd,4\nd/,5\n.,6\noutside/c,7\n../other/c,8\nnone,9\nnone/x,10\na/x,11\na,../up\na,\n')
    expect(members).toEqual([['d/b', '1', 2]])
    expect(left).toEqual([
      ['link', 'skipped', 'symlink'],
      ['fifo', 'skipped', 'fifo'],
      ['d', 'skipped', 'directory'],
      ['d/', 'skipped', 'directory'],
      ['.', 'skipped', 'directory'],
      ['outside/c', 'failed', 'outside'],
      ['../other/c', 'failed', 'outside'],
      ['none', 'failed', 'vanished'],
      ['none/x', 'failed', 'vanished'],
      ['a/x', 'failed', 'changed'],
      ['a', 'failed', 'key'],
      ['a', 'failed', 'key'],
    ])
  })

  it('takes absolute paths from anywhere, and packs them; no link may come in between', async () => {
    const text = `${at('other/c')},c\n${at('tree/outside/c')},c2\n${at('tree/d/b')},b\na,a\n`
    const { members } = await planned(text)
    expect(members).toEqual([
      [at('other/c'), 'c', 4],
      [at('other/c'), 'c2', 4],
      ['d/b', 'b', 2],
      ['a', 'a', 1],
    ])
    expect(await pack({ list: at('tree/list'), output: at('out'), ports })).toMatchObject({ members: 4, failed: 0 })
    expect(execFileSync('tar', ['-xOf', at('out/chunk-000001.tar'), 'c', 'c2', 'b', 'a'], { encoding: 'utf8' })).toBe('ccccccccbba')
    const [chunk] = (await planned(text)).items
    async function* swapped() {
      if (chunk.type === 'chunk') yield { ...chunk, members: chunk.members.map((member, i) => (i === 0 ? { ...member, path: at('tree/outside/c') } : member)) }
    }
    expect(await pack({ plan: swapped(), source: at('tree'), output: at('out2'), ports })).toMatchObject({
      members: 3,
      failures: [{ path: at('tree/outside/c'), reason: 'changed' }],
    })
  })

  it('may have a byte order mark at its head, and names that begin with one', async () => {
    put('tree/\ufeffa', 'marked')
    expect((await planned('\ufeffa,1\n\ufeffa,2\n\ufeffa,\ufeffk\n')).members).toEqual([
      ['a', '1', 1],
      ['\ufeffa', '2', 6],
      ['\ufeffa', '\ufeffk', 6],
    ])
  })

  it('may be for another source than its own directory', async () => {
    expect((await planned('c,k\n', { source: at('other') })).members).toEqual([['c', 'k', 4]])
  })

  it('gives a destination to the first file that is there; keys that are alike are told, or left out', async () => {
    const text = 'none,K\na,K\nd/b,K\nd/b,k\nd/b,é\na,e\u0301\n'
    const { members, left, warnings } = await planned(text)
    expect(members.map(([path, key]) => `${path} ${key}`)).toEqual(['a K', 'd/b k', 'd/b é', 'a e\u0301'])
    expect(left).toEqual([
      ['none', 'failed', 'vanished'],
      ['d/b', 'failed', 'collision'],
    ])
    expect(warnings.map(({ path, message }) => [path, message.replace(/,.*/, '')])).toEqual([
      ['d/b', '"k" is "K" but for case'],
      ['a', '"e\\u0301" is "é" but for the Unicode form of its letters'],
    ])
    const strict = await planned(text, { collisions: 'fail' })
    expect(strict.members.map(([path, key]) => `${path} ${key}`)).toEqual(['a K', 'd/b é'])
    expect((await planned(text, { collisions: 'ignore' })).warnings).toEqual([])
    expect((await planned(text, { collisions: 'ignore' })).left).toEqual(left)
  })

  it.each([
    ['a\n', 'line 1, byte 0: expected source,destination, got 1 field'],
    ['a,b\nd/b,c,d\n', 'line 2, byte 4: expected source,destination, got 3 fields'],
    [',b\n', 'line 1, byte 0: expected a source, got an empty one'],
    ['a,"b\nc\n', 'line 1, byte 0: expected a closing quote'],
    ['a,"b\n""c""\n', 'line 1, byte 0: expected a closing quote'],
    ['a,"b"c\n', 'line 1, byte 0: expected a comma behind the closing quote of field 2'],
    ['a,b"c"\n', 'line 1, byte 0: expected quotes around all of field 2, which has one in it'],
    ['{"source":"a","destination":"b"}\na,b\n', 'line 2, byte 33: expected a JSON object'],
    ['{"source":"","destination":"b"}\n', 'line 1, byte 0: "source" expected a path, got ""'],
    ['{"source":"a"}\n', 'line 1, byte 0: "destination" expected a key, got undefined'],
    ['{"source":"a","destination":"b"}\nnull\n', 'line 2, byte 33: "source" expected a path, got undefined'],
    [Buffer.from([0x61, 0x2c, 0xff, 10]), 'line 1, byte 0: expected UTF-8'],
    ['a'.repeat(2_000_000), 'line 1, byte 0: expected a line of at most 1 MiB'],
    [`"${'a\n'.repeat(1_000_000)}`, 'line 1, byte 0: expected a closing quote'],
    [`"${'\n'.repeat(1_100_000)}",b`, 'line 1, byte 0: expected a closing quote'],
  ])('that is malformed is refused with its place: %.60s', async (text, message) => {
    await expect(planned(text)).rejects.toMatchObject({ code: 'CORRUPT', message: `${at('tree/list')}, ${message}` })
  })

  it('that is no file or not there is refused', async () => {
    const refused = async (list: string) => {
      for await (const _ of plan({ list, ports })) throw new Error('planned')
    }
    await expect(refused(at('tree'))).rejects.toMatchObject({ code: 'BAD_INPUT' })
    await expect(refused(at('none'))).rejects.toThrow('ENOENT')
  })
})

it('a disk tells of many files at once what it tells of each', async () => {
  const { storage } = ports
  const paths = [at('tree/a'), at('tree/none'), at('tree/link'), at('tree/fifo'), at('tree/d')]
  const [a, none, ...rest] = (await storage.stats?.(paths)) ?? []
  expect(a).toEqual(await storage.stat(paths[0]))
  expect(none).toMatchObject({ code: 'ENOENT' })
  expect(rest.map((stat) => ('kind' in stat ? stat.kind : stat))).toEqual(['symlink', 'fifo', 'directory'])
  expect(readFileSync(at('tree/a'), 'utf8')).toBe('a')
})
