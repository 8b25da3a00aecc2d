// millrace snowball plan, and pack of what it wrote: real files, memory for the output.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Values } from '../../src/cli/command.js'
import { command } from '../../src/cli/snowball.js'
import { nodePorts } from '../../src/ports/node.js'
import { runCommand } from './io.js'

let root = ''
const at = (path: string) => join(root, path)
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace-cli-plan-'))
  mkdirSync(at('in/d'), { recursive: true })
  writeFileSync(at('in/a'), 'hello')
  writeFileSync(at('in/d/x'), 'world!')
  writeFileSync(at('in/d/X'), '')
  writeFileSync(at('in/big'), '')
  truncateSync(at('in/big'), 3_000_000)
  symlinkSync('a', at('in/link'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const call = (positionals: string[], values: Values = {}, signal?: AbortSignal) =>
  runCommand(command, values, [], {}, positionals, signal, { storage: nodePorts.storage })
const lines = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

it('writes a plan to standard output, and a table of what it has to the other', async () => {
  const { code, out, err } = await call(['plan', at('in')], { prefix: 'Logs/' })
  expect(code).toBe(0)
  expect(lines(out).map(({ type, chunk, key, path }) => [type, chunk ?? key ?? path])).toEqual([
    ['plan', undefined],
    ['chunk', 'chunk-000001.tar'],
    ['member', 'Logs/big'],
    ['warning', 'd/x'],
    ['skipped', 'link'],
    ['chunk', 'chunk-000002.tar'],
    ['member', 'Logs/a'],
    ['member', 'Logs/d/X'],
    ['member', 'Logs/d/x'],
    ['end', undefined],
  ])
  expect(err[0]).toMatch(/^planned +6 entries in \d+\.\d s, [\d,]+ entries\/s$/)
  expect(err.slice(1)).toEqual([
    'members      4  3.0 MB',
    'chunks       2  1 of a single file',
    'symlink      1  in no chunk',
    'warnings     1  in the plan',
    'directories  2  the largest has 4 entries: .',
  ])
})

it('writes it to a file with -o, whole or not at all, and the summary as JSON', async () => {
  const { code, out, err } = await call(['plan', at('in')], { output: at('plan.ndjson'), json: true, 'device-bytes': '4000000' })
  expect([code, err]).toEqual([0, []])
  expect(JSON.parse(out)).toEqual({
    chunks: 2,
    singles: 1,
    devices: 1,
    members: 4,
    bytes: 3_000_011,
    skipped: 1,
    failed: 0,
    warnings: 1,
    entries: 6,
    directories: 2,
    left: { symlink: 1 },
    largest: { path: '', entries: 4 },
  })
  expect(lines(readFileSync(at('plan.ndjson'), 'utf8')).at(-1).type).toBe('end')
  const short = call(['plan', at('in')], { output: at('short.ndjson'), 'device-bytes': '3003000,5120' })
  await expect(short).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' })
  const stop = new AbortController()
  stop.abort(new Error('stopped'))
  await expect(call(['plan', at('in')], { output: at('short.ndjson') }, stop.signal)).rejects.toThrow('planning was interrupted')
  expect(readdirSync(root).filter((name) => /short|millrace/.test(name))).toEqual([])
})

it('is what pack follows, edited or not', async () => {
  await call(['plan', at('in')], { output: at('edit.ndjson'), json: true })
  const edited = readFileSync(at('edit.ndjson'), 'utf8')
    .replace('"key":"a"', '"key":"renamed"')
    .replace(/.*"path":"big".*\n/, '')
  writeFileSync(at('edit.ndjson'), edited)
  expect((await call(['pack', at('edit.ndjson')], { output: at('out') })).code).toBe(0)
  const listed = await call(['list', at('out')])
  expect(lines(listed.out).map(({ key }) => key)).toEqual(['renamed', 'd/X', 'd/x'])
  await expect(call(['pack', at('edit.ndjson')], { output: at('out2'), prefix: 'x' })).rejects.toThrow('"prefix" expected nothing, as the plan has it already')
  expect(existsSync(at('out2'))).toBe(false)
})

it('plans a list, and tells what is missing by its exit code', async () => {
  writeFileSync(at('list.csv'), 'a,1\nnone,2\n')
  const { code, out } = await call(['plan', at('list.csv')], { source: at('in') })
  expect(code).toBe(1)
  expect(lines(out).map(({ type, key, reason }) => [type, key ?? reason])).toEqual([
    ['plan', undefined],
    ['failed', 'vanished'],
    ['chunk', undefined],
    ['member', '1'],
    ['end', undefined],
  ])
})

it.each([
  [['plan', '-'], {}, 'expected a directory or a file, got standard input: a list is read more than once'],
  [['pack', '-'], { output: 'o' }, 'expected a directory or a file, got standard input: a plan is read more than once'],
  [['plan', 'in'], { source: 'x' }, 'plan takes --source with a list only'],
  [['plan', 'in'], { output: 'in/plan.ndjson' }, '--output expected a file outside of in, which is planned, got in/plan.ndjson'],
  [['pack', 'in'], { output: 'o', source: 'x' }, 'pack takes --source with a plan only'],
  [['plan', 'in'], { 'device-bytes': '80TB' }, '--device-bytes expected a whole number from 1, got "80TB"'],
  [['plan', 'in'], { 'device-bytes': '1000000,' }, '--device-bytes expected a whole number from 1, got ""'],
  [['plan', 'in'], { collisions: 'drop' }, '--collisions expected one of warn, fail, ignore, got "drop"'],
])('%j %j is wrong usage', async (positionals, values, message) => {
  const [action, path] = positionals
  const place = path === '-' ? path : at(path)
  const full: Values = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value === 'in/plan.ndjson' ? at(value) : value]))
  await expect(call([action, place], full)).rejects.toMatchObject({
    name: 'UsageError',
    message: message.replace('of in,', `of ${at('in')},`).replace('got in/', `got ${at('in/')}`),
  })
})
