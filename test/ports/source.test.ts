// A file read ahead of who scans it.
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { nodePorts } from '../../src/ports/node.js'
import type { FileReader } from '../../src/ports/ports.js'
import { fileSource } from '../../src/ports/source.js'

let dir = ''
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'millrace-source-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

const MIB = 1 << 20

/** A storage of one file, which tells what is asked of it; `fail`: reads from that place on fail. */
function watched(content: Uint8Array, { kind = 'file' as const, fail = Number.POSITIVE_INFINITY } = {}) {
  const calls: string[] = []
  let reading = 0
  const reader: FileReader = {
    stat: async () => ({ kind, size: content.length, mtime: 0, ctime: 0 }),
    async read(target, at) {
      calls.push(`read ${at}`)
      reading++
      await new Promise((done) => setTimeout(done, 1))
      reading--
      if (at >= fail) throw new Error('EIO: the disk is gone')
      const part = content.subarray(at, at + target.length)
      target.set(part)
      return part.length
    },
    async close() {
      calls.push(reading > 0 ? 'closed under a read' : 'close')
    },
  }
  return { calls, ports: { storage: { open: async () => reader } } }
}

const noise = (size: number) => Uint8Array.from({ length: size }, (_, i) => (i * 2654435761) >>> 24)

it('gives every byte once, in order, the next piece being read meanwhile', async () => {
  const content = noise(3 * MIB + 12345)
  const { calls, ports } = watched(content)
  const parts: Uint8Array[] = []
  for await (const piece of fileSource(ports, 'a')) {
    if (parts.length === 0) expect(calls).toEqual(['read 0', `read ${MIB}`])
    // as who scans it: copied before the next one is asked for
    parts.push(piece.slice())
    await new Promise((done) => setTimeout(done, 3))
  }
  expect(Buffer.compare(Buffer.concat(parts), content)).toBe(0)
  expect(calls.at(-1)).toBe('close')
  const path = join(dir, 'real')
  await writeFile(path, content)
  const read: Uint8Array[] = []
  for await (const piece of fileSource(nodePorts, path)) read.push(piece.slice())
  expect(Buffer.compare(Buffer.concat(read), content)).toBe(0)
})

it('has no piece of an empty file', async () => {
  const { calls, ports } = watched(new Uint8Array(0))
  for await (const _ of fileSource(ports, 'a')) expect.unreachable()
  expect(calls).toEqual(['read 0', 'close'])
})

it('closes when its reader leaves, and not before the read that is under way has ended', async () => {
  const { calls, ports } = watched(noise(3 * MIB))
  for await (const _ of fileSource(ports, 'a')) break
  expect(calls).toEqual(['read 0', `read ${MIB}`, 'close'])
})

it('tells a failure to read to who asks for that piece, after those before it', async () => {
  const { calls, ports } = watched(noise(3 * MIB), { fail: MIB })
  const source = fileSource(ports, 'a')
  expect((await source.next()).value).toHaveLength(MIB)
  await new Promise((done) => setTimeout(done, 5))
  await expect(source.next()).rejects.toThrow('EIO: the disk is gone')
  expect(calls.at(-1)).toBe('close')
})

it('asks a pipe for no more than is asked of it: who has enough does not wait for its writer', async () => {
  const path = join(dir, 'pipe')
  execFileSync('mkfifo', [path])
  const source = fileSource(nodePorts, path)
  const first = source.next()
  const writer = createWriteStream(path)
  // who is destroyed before it has been called back emits an error: the reader may have the line earlier
  const written = new Promise<void>((resolve, reject) => writer.write('one line\n', (error) => (error ? reject(error) : resolve())))
  expect(new TextDecoder().decode((await first).value as Uint8Array)).toBe('one line\n')
  await written
  await source.return(undefined)
  writer.destroy()
  await once(writer, 'close')
  expect(existsSync(path)).toBe(true)
})

it('refuses what is no port and no path', async () => {
  expect(() => fileSource({} as never, 'a')).toThrow('"ports" expected ports with a storage')
  expect(() => fileSource(nodePorts, '')).toThrow('"path" expected the path of a file')
  await expect(fileSource(nodePorts, join(dir, 'none')).next()).rejects.toThrow('ENOENT')
})
