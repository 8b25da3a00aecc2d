// Folders through the chunker in Chromium: of a file system that the page has for itself, dropped, picked; as bytes, tar-stream reads them.
import { mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type * as snowball from '../../src/snowball/index.js'
import { npmTarStream, sha256 } from '../archive/members.js'
import { openSite, ROOT, type Site } from './site.js'

type Tools = typeof snowball
declare global {
  interface Window {
    millrace: Tools
    /** Of the last drop. */
    dropped: AsyncGenerator<snowball.ChunkerFile> | undefined
  }
}

const POLICY = encodeURIComponent("script-src 'self' 'wasm-unsafe-eval'")
const pages = {
  '/': () =>
    '<!doctype html><title>chunker</title><input type="file" webkitdirectory><div style="width:300px;height:300px">drop</div><script type="module" src="/page.js"></script>',
  '/page.js': () => `import * as millrace from '/node_modules/millrace/dist/esm/snowball/index.js'
window.millrace = millrace
document.addEventListener('dragover', (event) => event.preventDefault())
document.addEventListener('drop', (event) => {
  event.preventDefault()
  window.dropped = millrace.filesOf(event.dataTransfer.items)
})`,
}

let site: Site
let folder = ''
const files: Record<string, Buffer> = {}
beforeAll(async () => {
  site = await openSite(pages)
  folder = join(await mkdtemp(join(tmpdir(), 'millrace-chunker-')), 'photos')
  for (let i = 0; i < 150; i++) files[`many/file-${i}.bin`] = Buffer.alloc(i * 101, i)
  files['a/ünï/😀.txt'] = Buffer.from('face')
  files['large.bin'] = Buffer.alloc(3_000_000, 7)
  files['z.txt'] = Buffer.from('')
  for (const [path, data] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), data)
  }
}, 60_000)
afterAll(async () => {
  await site?.close()
  await rm(dirname(folder), { recursive: true, force: true })
})

/** What is packed of none of them. */
const UNSAFE = ['many/..\\up', 'many/bell\u0007']

/** A page under the policy, whose errors fail the test. */
async function open<T>(use: (page: Page) => Promise<T>): Promise<T> {
  const page = await site.browser.newPage()
  const errors: string[] = []
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
  page.on('pageerror', (error) => errors.push(String(error)))
  try {
    await page.goto(`${site.origin}/?csp=${POLICY}`)
    await page.waitForFunction(() => window.millrace !== undefined)
    const result = await use(page)
    expect(errors.filter((error) => !/favicon|404/.test(error))).toEqual([])
    return result
  } finally {
    await page.close()
  }
}

/** What an input or a drop gives, as base64 of the tars, with what is left out. */
const pack = (page: Page, from: 'input' | 'drop') =>
  page.evaluate(async (from) => {
    const { createChunker, filesOf } = window.millrace
    const left: string[] = []
    const tars: string[] = []
    const source = from === 'drop' ? window.dropped! : filesOf(document.querySelector('input')!.files!)
    const chunker = createChunker({ prefix: 'p/', chunkFiles: 100, onLeft: ({ path, reason, message }) => left.push(`${path}: ${reason}, ${message}`) })
    for await (const chunk of chunker.chunks(source)) {
      const bytes = new Uint8Array(await new Response(chunk.stream()).arrayBuffer())
      let text = ''
      for (let at = 0; at < bytes.length; at += 30_000) text += btoa(String.fromCharCode(...bytes.subarray(at, at + 30_000)))
      tars.push(text)
    }
    return { tars, left }
  }, from)

const membersOf = async (tars: readonly string[]) => (await Promise.all(tars.map((tar) => npmTarStream(Buffer.from(tar, 'base64'))))).flat()
const expected = (prefix: string) => Object.fromEntries(Object.entries(files).map(([path, data]) => [`${prefix}${path}`, sha256(data)]))
const hashes = (members: Awaited<ReturnType<typeof membersOf>>) => Object.fromEntries(members.map(({ name, sha256 }) => [name, sha256]))

/** Drops a folder on whatever stands there. */
async function dropped(page: Page, path: string) {
  const client = await page.context().newCDPSession(page)
  const data = { items: [], files: [path], dragOperationsMask: 1 }
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) await client.send('Input.dispatchDragEvent', { type, x: 100, y: 150, data })
}

async function drop(page: Page, path: string) {
  await dropped(page, path)
  await page.waitForFunction(() => window.dropped !== undefined)
}

describe('Chromium', () => {
  it('packs a directory handle into another one, and the chunks are whole', async () => {
    const { tars, lines, summary } = await open((page) =>
      page.evaluate(async () => {
        const { createChunker, filesOf, handleTarget } = window.millrace
        const root = await navigator.storage.getDirectory()
        const [source, target] = [await root.getDirectoryHandle('in', { create: true }), await root.getDirectoryHandle('out', { create: true })]
        for (let i = 0; i < 40; i++) {
          const below = await source.getDirectoryHandle(`d${i % 3}`, { create: true })
          const writable = await (await below.getFileHandle(`ü-${i}`, { create: true })).createWritable()
          await writable.write(new Uint8Array(i * 20_000).fill(i))
          await writable.close()
        }
        const summary = await createChunker({ prefix: 'p/', smallBytes: 500_000, chunkBytes: 2_000_000 }).write(filesOf(source), handleTarget(target))
        const tars: Record<string, string> = {}
        for await (const [name, handle] of target.entries()) {
          const bytes = new Uint8Array(await (await (handle as FileSystemFileHandle).getFile()).arrayBuffer())
          let text = ''
          for (let at = 0; at < bytes.length; at += 30_000) text += btoa(String.fromCharCode(...bytes.subarray(at, at + 30_000)))
          tars[name] = text
        }
        const { 'manifest.ndjson': manifest, ...rest } = tars
        return { summary, tars: rest, lines: atob(manifest).trimEnd().split('\n') }
      }),
    )
    expect(summary).toMatchObject({ members: 40, failed: 0 })
    expect(Object.keys(tars).length).toBe(summary.chunks)
    const all = Array.from({ length: 40 }, (_, i) => [`p/d${i % 3}/ü-${i}`, sha256(new Uint8Array(i * 20_000).fill(i))])
    expect(hashes(await membersOf(Object.values(tars)))).toEqual(Object.fromEntries(all))
    const manifest = lines.map((line) => JSON.parse(line) as snowball.ManifestLine)
    for (const line of manifest) if (line.type === 'chunk') expect(line.sha256).toBe(sha256(Buffer.from(tars[line.chunk], 'base64')))
    expect(manifest.at(-1)).toMatchObject({ type: 'end', members: 40, chunks: summary.chunks })
  })

  it('packs a folder that is dropped, and tells of names that will not do', async () => {
    for (const path of UNSAFE) await writeFile(join(folder, path), 'x')
    const { tars, left } = await open(async (page) => {
      await drop(page, folder)
      return pack(page, 'drop')
    })
    expect(left).toEqual([
      'photos/many/..\\up: key, expected a key without .. segments',
      'photos/many/bell\u0007: key, expected characters that XML can have, as S3 lists keys in it, got U+0007',
    ])
    for (const path of UNSAFE) await rm(join(folder, path))
    expect(hashes(await membersOf(tars))).toEqual(expected('p/photos/'))
    expect(tars.length).toBe(3)
  })

  it('packs a folder that is picked, and leaves out what has changed or gone since', async () => {
    const { tars, left } = await open(async (page) => {
      await page.setInputFiles('input', folder)
      await writeFile(join(folder, 'many/file-7.bin'), 'longer than it was, and later')
      await utimes(join(folder, 'many/file-7.bin'), 1, 1)
      await rm(join(folder, 'many/file-8.bin'))
      return pack(page, 'input')
    })
    expect(left).toEqual([
      'photos/many/file-7.bin: unreadable, it has changed since it was listed, or may not be read',
      'photos/many/file-8.bin: vanished, was there when it was listed, is gone',
    ])
    const { 'p/photos/many/file-7.bin': _, 'p/photos/many/file-8.bin': __, ...rest } = expected('p/photos/')
    expect(hashes(await membersOf(tars))).toEqual(rest)
  })
})

it('the example page packs what is dropped on it, and shows what came of it', async () => {
  const example = (name: string) => () => readFile(join(ROOT, 'examples/snowball-page', name), 'utf8')
  const { browser, origin, close } = await openSite({ '/': example('index.html'), '/page.css': example('page.css'), '/page.js': example('page.js') })
  try {
    await writeFile(join(folder, 'bell\u0007'), 'x')
    const page = await browser.newPage()
    const errors: string[] = []
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
    page.on('pageerror', (error) => errors.push(String(error)))
    const policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'"
    await page.goto(`${origin}/?csp=${encodeURIComponent(policy)}`, { waitUntil: 'networkidle' })
    await page.fill('#prefix', 'Logs/')
    await dropped(page, folder)
    await page.waitForFunction(() => !document.getElementById('result')!.hidden)
    const { status, chunks, left, links, stop } = await page.evaluate(() => {
      const rows = (id: string) => [...(document.getElementById(id) as HTMLTableSectionElement).rows].map(({ cells }) => cells[0].textContent)
      const links = [...document.querySelectorAll('#chunks a')].map((link) => (link as HTMLAnchorElement).download)
      const stop = getComputedStyle(document.getElementById('stop')!).display
      return { status: document.getElementById('status')!.textContent!, chunks: rows('chunks'), left: rows('left'), links, stop }
    })
    expect(errors.filter((error) => !/favicon|404/.test(error))).toEqual([])
    expect(status).toMatch(/^15\d files in 2 chunks, [\d.]+ s\. Left out: 1 file\.$/)
    expect(chunks).toEqual(['chunk-000001.tar', 'chunk-000002.tar', 'manifest.ndjson'])
    expect(links).toEqual(chunks)
    expect(left).toEqual(['photos/bell\u0007'])
    expect(stop).toBe('none')
  } finally {
    await close()
  }
})
