import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { nodePorts } from '../../src/ports/node.js'

const { clock, random, storage } = nodePorts
let dir = ''
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'millrace-ports-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

it('sleeps, forwards only, and wakes for an abort with its reason', async () => {
  const before = clock.monotonic()
  await clock.sleep(20)
  expect(clock.monotonic() - before).toBeGreaterThan(15)
  expect(Math.abs(clock.now() - Date.now())).toBeLessThan(1000)
  const stop = new AbortController()
  const sleeping = clock.sleep(60_000, stop.signal)
  stop.abort(new Error('enough'))
  await expect(sleeping).rejects.toThrow('enough')
  await expect(clock.sleep(60_000, stop.signal)).rejects.toThrow('enough')
})

it('draws from [0, 1)', () => {
  for (let i = 0; i < 100; i++) expect(Math.floor(random.next())).toBe(0)
})

it('writes, reads at a position, renames, lists and removes', async () => {
  await storage.makeDirectory(join(dir, 'a/b'))
  const out = await storage.create(join(dir, 'a/b/file.tmp'))
  await out.write(new TextEncoder().encode('hello '))
  await out.write(new TextEncoder().encode('world'))
  await out.sync()
  await out.close()
  await storage.rename(join(dir, 'a/b/file.tmp'), join(dir, 'a/b/file'))
  const file = await storage.open(join(dir, 'a/b/file'))
  const target = new Uint8Array(8)
  expect(await file.read(target, 6)).toBe(5)
  expect(new TextDecoder().decode(target.subarray(0, 5))).toBe('world')
  expect(await file.read(target, 11)).toBe(0)
  expect(await file.stat()).toMatchObject({ kind: 'file', size: 11 })
  await file.close()
  await storage.remove(join(dir, 'a'))
  await expect(storage.stat(join(dir, 'a'))).rejects.toThrow('ENOENT')
})

it('tells files, directories, links and the rest apart, following none', async () => {
  await storage.makeDirectory(join(dir, 'kinds/directory'))
  await (await storage.create(join(dir, 'kinds/file'))).close()
  await symlink('/nowhere', join(dir, 'kinds/symlink'))
  execFileSync('mkfifo', [join(dir, 'kinds/other')])
  const seen: Record<string, string> = {}
  for await (const { name, kind } of storage.list(join(dir, 'kinds'))) {
    seen[name] = kind
    expect((await storage.stat(join(dir, 'kinds', name))).kind).toBe(kind)
  }
  expect(seen).toEqual({ directory: 'directory', file: 'file', symlink: 'symlink', other: 'other' })
})
