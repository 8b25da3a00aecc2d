import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Io, Values } from '../../src/cli/command.js'
import { command } from '../../src/cli/snowball.js'
import { nodePorts } from '../../src/ports/node.js'

let root = ''
const at = (path: string) => join(root, path)
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace-cli-snowball-'))
  mkdirSync(at('in/d'), { recursive: true })
  writeFileSync(at('in/a'), 'hello')
  writeFileSync(at('in/d/b'), 'world!')
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

async function call(positionals: string[], values: Values = {}, terminal: Partial<Io> = {}) {
  const out: string[] = []
  const err: string[] = []
  const io: Io = {
    async *stdin() {},
    async write(chunk) {
      out.push(Buffer.from(chunk).toString())
    },
    log: (line) => void err.push(line),
    progress() {},
    columns: 0,
    color: false,
    terminal: undefined,
    ports: nodePorts,
    driven() {},
    signal: new AbortController().signal,
    ...terminal,
  }
  const code = await command.run(values, positionals, io)
  return {
    code,
    out: out.join(''),
    lines: () =>
      out
        .join('')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    err,
  }
}

it('plans, packs, verifies, lists and unpacks', async () => {
  const plan = await call(['plan', at('in')])
  expect(plan.code).toBe(0)
  expect(plan.lines()).toMatchObject([
    { type: 'plan', version: 1, source: at('in') },
    { type: 'chunk', chunk: 'chunk-000001.tar', members: 2 },
    { type: 'member', path: 'a', key: 'a', size: 5 },
    { type: 'member', path: 'd/b', key: 'd/b', size: 6 },
    { type: 'end', chunks: 1, members: 2, bytes: 11 },
  ])
  const packed = await call(['pack', at('in')], { output: at('out'), prefix: 'Logs/' })
  expect(packed).toMatchObject({ code: 0, out: '' })
  expect(packed.err.join('\n')).toMatch(/^packed +in \d+\.\d s\nfiles +2 +11 B, [\d,]+ files\/s, .* B\/s\nchunks +1$/)
  expect(await call(['verify', at('out')], { source: at('in') })).toMatchObject({ code: 0, out: '' })
  expect((await call(['list', at('out')])).lines()).toEqual([
    { chunk: 'chunk-000001.tar', key: 'Logs/a', size: 5, offset: 512 },
    { chunk: 'chunk-000001.tar', key: 'Logs/d/b', size: 6, offset: 1536 },
  ])
  const unpacked = await call(['unpack', at('out')], { directory: at('back'), json: true })
  expect(unpacked.lines()).toEqual([{ files: 2, bytes: 11, problemCount: 0, problems: [] }])
  expect(readFileSync(at('back/Logs/d/b'), 'utf8')).toBe('world!')
  const again = await call(['unpack', at('out')], { directory: at('back') })
  expect(again.code).toBe(1)
  expect(again.err[0]).toBe('chunk-000001.tar: "Logs/a": exists already, and is left as it is')
})

it('exits with 1 where something is wrong, and says what', async () => {
  await call(['pack', at('in')], { output: at('torn') })
  writeFileSync(at('torn/chunk-000001.tar'), 'x')
  const { code, err } = await call(['verify', at('torn')])
  expect(code).toBe(1)
  expect(err[0]).toMatch(/^chunk-000001\.tar: .*byte 1: expected two blocks of zeros or a header/)
  await expect(call(['verify', at('none')])).rejects.toThrow(/ENOENT/)
  await expect(call(['pack', at('none')], { output: at('x') })).rejects.toThrow(/ENOENT/)
  await expect(call(['list', at('none')])).rejects.toThrow(/ENOENT/)
})

it.each([
  [[], {}, 'expected one of plan, pack, verify, list, unpack, diff, got nothing'],
  [['chunk'], {}, 'expected one of plan, pack, verify, list, unpack, diff, got chunk'],
  [['__proto__', 'x'], {}, 'expected one of plan, pack, verify, list, unpack, diff, got __proto__'],
  [['plan'], {}, 'plan expected a path'],
  [['pack', 'a', 'b'], {}, 'pack expected one path, got "b" as well'],
  [['pack', 'a'], {}, 'pack expected -o OUT'],
  [['unpack', 'a'], {}, 'unpack expected -d DIR'],
  [['unpack', 'a'], { directory: 'd', prefix: 'Logs/' }, 'unpack takes no --prefix'],
  [['diff', 'a'], {}, 'diff expected two manifests, got one'],
  [['diff', 'a', 'b', 'c'], {}, 'diff expected two manifests, got "c" as well'],
  [['verify', 'a'], { fields: 'Key' }, '--fields expected --inventory or --success-log or --failure-log'],
  [['verify', 'a'], { source: 'b', inventory: ['c'] }, '--source and --inventory are two checks: run it twice'],
  [['verify', 'a'], { inventory: ['c'], keys: 'utf8' }, '--keys expected one of url, plain, got "utf8"'],
  [['list', 'a'], { output: 'o' }, 'list takes no --output'],
  [['pack', 'a'], { output: 'o', 'chunk-bytes': '1GB' }, '--chunk-bytes expected a whole number from 0, got "1GB"'],
])('%j %j is wrong usage', async (positionals, values, message) => {
  await expect(call(positionals, values)).rejects.toMatchObject({ name: 'UsageError', message })
})

it('tells what was left out when it was packed, and names a terminal may be shown', async () => {
  mkdirSync(at('odd'))
  writeFileSync(at('odd/line\nfeed \u001b[2J'), 'x')
  writeFileSync(at('odd.csv'), '"line\nfeed \u001b[2J",a\nnone,b\n')
  await call(['plan', at('odd.csv')], { source: at('odd'), output: at('odd.plan') })
  expect((await call(['pack', at('odd.plan')], { output: at('odd-out') })).code).toBe(1)
  const chunks = await call(['verify', at('odd-out')])
  expect(chunks.code).toBe(0)
  expect(chunks.err[0]).toMatch(/^verified 1 file, 1 B in .* s \([\d,]+ files\/s, \d+ K?B\/s\): 1 chunk, 1 file left out when packed, 0 problems$/)

  const listed = await call(['verify', at('odd-out')], { source: at('odd'), listed: true })
  expect(listed).toMatchObject({
    code: 1,
    err: [
      'none: is in no chunk: expected a file, found nothing',
      expect.stringMatching(`1 file of ${at('odd')}, 1 problem$`),
      expect.anything(),
      expect.anything(),
    ],
  })
  rmSync(at('odd/line\nfeed \u001b[2J'))
  const gone = await call(['verify', at('odd-out')], { source: at('odd'), json: true })
  expect(gone.lines()).toMatchObject([{ failed: 1, kinds: { missing: 1 } }])
  expect(gone.err).toEqual([])
  expect((await call(['verify', at('odd-out')], { source: at('odd') })).err[0]).toBe('line\\nfeed \\u001b[2J: was packed and is no longer there')
})

it('says what to do where the chunks went to a bucket', async () => {
  await call(['pack', at('in')], { output: at('sent') })
  rmSync(at('sent/chunk-000001.tar'))
  const { code, err } = await call(['verify', at('sent')])
  expect(code).toBe(1)
  expect(err.slice(0, 2)).toEqual([
    'chunk-000001.tar: is not there',
    `no chunk is in ${at('sent')}: if they went to a bucket, give ${at('sent')}/manifest.ndjson, and see --inventory for what arrived`,
  ])
  const alone = await call(['verify', at('sent/manifest.ndjson')], { source: at('in') })
  expect(alone.code).toBe(0)
  expect(alone.err[0]).toMatch(/^verified 2 files, 11 B in /)
  expect(alone.err[0]).toMatch(`0 chunks, 2 files of ${at('in')}, 0 problems`)

  writeFileSync(at('elsewhere.csv'), '"bucket","2026/a","5"\n"bucket","2026/d/b","6"\n')
  const elsewhere = await call(['verify', at('sent')], { inventory: [at('elsewhere.csv')], fields: 'Bucket, Key, Size' })
  expect(elsewhere.err).toContain('no key of the manifest is listed: is --key-prefix what the chunks were put under, with its / at the end?')
})

it('does not take a directory without chunks for an empty archive', async () => {
  const why = 'expected a tar file or a directory with such, got one without'
  await expect(call(['list', at('in')])).rejects.toThrow(why)
  await expect(call(['unpack', at('in')], { directory: at('none') })).rejects.toThrow(why)
})

it('unpacks single keys, compares two manifests, and a manifest with an inventory and logs', async () => {
  await call(['pack', at('in')], { output: at('one') })
  writeFileSync(at('in/d/c'), 'new')
  await call(['pack', at('in')], { output: at('two') })
  rmSync(at('in/d/c'))
  expect((await call(['unpack', at('two'), 'd/'], { directory: at('some') })).code).toBe(0)
  expect(readdirSync(at('some'))).toEqual(['d'])
  expect(await call(['unpack', at('two'), 'none'], { directory: at('some') })).toMatchObject({
    code: 1,
    err: ['"none": expected a file of that key, found none', expect.anything(), expect.anything(), expect.anything()],
  })

  const same = await call(['diff', at('one'), at('one')])
  expect(same).toMatchObject({ code: 0, out: '', err: ['added  removed  changed  moved', '    0        0        0      0'] })
  const { code, lines } = await call(['diff', at('one'), at('two/manifest.ndjson')], { json: true })
  expect(code).toBe(1)
  expect(lines()).toMatchObject([
    { type: 'added', key: 'd/c', to: { chunk: 'chunk-000001.tar', size: 3 } },
    { type: 'end', added: 1, removed: 0, changed: 0, moved: 0 },
  ])

  writeFileSync(at('inventory.csv'), '"bucket","Test/a","5"\n"bucket","Test/d/b","7"\n')
  const inventory = { inventory: [at('inventory.csv')], fields: 'Bucket, Key, Size', 'key-prefix': 'Test/' }
  expect(await call(['verify', at('two')], inventory)).toMatchObject({
    code: 1,
    out: '',
    err: [
      'Test/d/b: expected 6 bytes, listed with 7',
      'Test/d/c: is not listed',
      'send again: chunk-000001.tar (2 problems)',
      '1 of 3 files are there as they should be, 2 problems (1 size, 1 missing)',
    ],
  })
  writeFileSync(at('failed.csv'), 'Key,Error\nTest/d/b,checksum\n')
  const failed = await call(['verify', at('one')], { 'failure-log': [at('failed.csv')], 'key-prefix': 'Test/', json: true })
  expect(failed.lines()).toMatchObject([{ kinds: { failed: 1 }, again: [{ chunk: 'chunk-000001.tar', problems: 1 }] }])
  // the manifest is enough: the chunks have been sent
  rmSync(at('one/chunk-000001.tar'))
  expect((await call(['verify', at('one/manifest.ndjson')], { source: at('in') })).code).toBe(0)
})
