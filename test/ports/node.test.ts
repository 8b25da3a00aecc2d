import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { nodePorts } from '../../src/ports/node.js'
import type { Threads } from '../../src/ports/ports.js'

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

it('makes a directory and its parents, and says where it cannot', async () => {
  await storage.makeDirectory(join(dir, 'p/q/r'))
  await storage.makeDirectory(join(dir, 'p/q/r'))
  expect((await storage.stat(join(dir, 'p/q/r'))).kind).toBe('directory')
  await writeFile(join(dir, 'p/file'), '')
  await expect(storage.makeDirectory(join(dir, 'p/file'))).rejects.toMatchObject({ code: 'EEXIST' })
  await expect(storage.makeDirectory(join(dir, 'p/file/x'))).rejects.toMatchObject({ code: 'ENOTDIR' })
  // nothing can be made there, and it must not be tried for ever
  if (process.platform === 'linux') await expect(storage.makeDirectory('/proc/none/x')).rejects.toMatchObject({ code: 'ENOENT' })
})

it('makes a directory while others make it, or its parents', async () => {
  for (let i = 0; i < 50; i++) {
    const deep = join(dir, String(i), 'a/b/c/d/e')
    await Promise.all(Array.from({ length: 8 }, (_, k) => storage.makeDirectory(k % 2 ? deep : `${deep}/${k}/f`)))
    expect(await storage.stat(`${deep}/6/f`)).toMatchObject({ kind: 'directory' })
  }
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

it('writes parts in one go, as many and as large as they are', async () => {
  // more than a system call takes (IOV_MAX is 1,024), and empty ones between
  const parts = Array.from({ length: 3000 }, (_, i) => new Uint8Array(i % 7 === 0 ? 0 : i).fill(i))
  const out = await storage.create(join(dir, 'parts'))
  await out.writeAll?.(parts)
  await out.writeAll?.([])
  await out.writeAll?.([new Uint8Array(0)])
  await out.close()
  expect(Buffer.compare(await readFile(join(dir, 'parts')), Buffer.concat(parts))).toBe(0)
})

it.skipIf(!existsSync('/dev/full'))('tells of a full disk by the file, for parts too', async () => {
  const out = await storage.create('/dev/full', { append: true })
  await expect(out.writeAll?.([new Uint8Array(10), new Uint8Array(10)])).rejects.toThrow("ENOSPC: no space left on device, write '/dev/full'")
  await out.close()
})

it('reads and writes nothing by a number that may be another file by now', async () => {
  const path = join(dir, 'closed')
  const out = await storage.create(path)
  await out.close()
  const reader = await storage.open(path)
  await reader.close()
  const victim = await storage.create(join(dir, 'victim'))
  await expect(out.write(new Uint8Array(1))).rejects.toThrow(`EBADF: '${path}' was closed`)
  await expect(out.writeAll?.([new Uint8Array(1)])).rejects.toThrow('EBADF')
  await expect(reader.read(new Uint8Array(1), 0)).rejects.toThrow('EBADF')
  await victim.close()
  expect((await storage.stat(join(dir, 'victim'))).size).toBe(0)
})

it('tells files, directories, links and the rest apart, following none', async () => {
  await storage.makeDirectory(join(dir, 'kinds/directory'))
  await (await storage.create(join(dir, 'kinds/file'))).close()
  await symlink('/nowhere', join(dir, 'kinds/symlink'))
  execFileSync('mkfifo', [join(dir, 'kinds/fifo')])
  const seen: Record<string, string> = {}
  for await (const { name, kind } of storage.list(join(dir, 'kinds'))) {
    seen[name] = kind
    expect((await storage.stat(join(dir, 'kinds', name))).kind).toBe(kind)
  }
  expect(seen).toEqual({ directory: 'directory', file: 'file', symlink: 'symlink', fifo: 'fifo' })
})

it('opens within a directory only what truly lies there, and waits on no FIFO', async () => {
  const root = await storage.resolve(dir)
  await storage.makeDirectory(join(root, 'in/deep'))
  await storage.makeDirectory(join(root, 'out'))
  await (await storage.create(join(root, 'in/deep/file'))).close()
  await (await storage.create(join(root, 'out/secret'))).close()
  await symlink(join(root, 'out/secret'), join(root, 'in/link'))
  await symlink(join(root, 'out'), join(root, 'in/exit'))
  execFileSync('mkfifo', [join(root, 'in/fifo')])
  const within = join(root, 'in')
  const names = async (path: string) => {
    const all: string[] = []
    for await (const { name } of storage.list(path, { within })) all.push(name)
    return all.sort()
  }
  await (await storage.open(join(within, 'deep/file'), { within })).close()
  expect(await names(within)).toEqual(['deep', 'exit', 'fifo', 'link'])
  expect(await names(join(within, 'deep'))).toEqual(['file'])
  const fifo = await storage.open(join(within, 'fifo'), { within })
  expect((await fifo.stat()).kind).toBe('fifo')
  await fifo.close()
  await expect(storage.open(join(within, 'link'), { within })).rejects.toMatchObject({ code: 'ELOOP' })
  await expect(storage.open(join(within, 'exit/secret'), { within })).rejects.toMatchObject({ code: 'ELOOP' })
  await expect(names(join(within, 'exit'))).rejects.toMatchObject({ code: expect.stringMatching(/ELOOP|ENOTDIR/) })
  await expect(storage.create(join(within, 'link'), { exclusive: true })).rejects.toMatchObject({ code: 'EEXIST' })
  await storage.syncDirectory(within)
})

it("reads a FIFO, such as a shell's <(command), from start to end", async () => {
  const path = join(dir, 'pipe')
  execFileSync('mkfifo', [path])
  const [file] = await Promise.all([storage.open(path), writeFile(path, 'hello')])
  const target = new Uint8Array(3)
  let text = ''
  for (let at = 0, got = -1; got !== 0; at += got) {
    got = await file.read(target, at)
    text += new TextDecoder().decode(target.subarray(0, got))
  }
  expect(text).toBe('hello')
  await expect(file.read(target, 0)).rejects.toMatchObject({ code: 'ESPIPE', message: expect.stringContaining(path) })
  await file.close()
})

it('names the file in the errors of an open one', async () => {
  const file = await storage.open(dir)
  await expect(file.read(new Uint8Array(1), 0)).rejects.toMatchObject({ code: 'EISDIR', path: dir, message: expect.stringContaining(dir) })
  await file.close()
  // Linux alone has a device that always is full
  const full = await storage.create('/dev/full').catch(() => undefined)
  await expect(full?.write(new Uint8Array(1)) ?? Promise.reject(new Error('/dev/full'))).rejects.toThrow('/dev/full')
  await full?.close()
})

it('a thread keeps the process alive only while it is held', async () => {
  const held = () => process.getActiveResourcesInfo().filter((name) => name === 'MessagePort').length
  const before = held()
  const thread = (nodePorts.threads as Threads).start()
  expect(held()).toBe(before)
  thread.hold(true)
  expect(held()).toBe(before + 1)
  thread.hold(false)
  expect(held()).toBe(before)
  await thread.end()
})
