// The README's page in Debian's Chromium: no bundler, no server code, and under a content security policy.
import { parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readmeOutput, readmePage, readmeProgram } from '../readme.js'
import { openSite, type Site } from './site.js'

let site: Site

beforeAll(async () => {
  site = await openSite(pages)
}, 60_000)

afterAll(() => site?.close())

// The program as a file of its own: a policy with 'self' allows no inline script, and no import map.
const bare = (program: string) =>
  program.replaceAll(/from 'millrace(?:\/(\w+))?'/g, (_, room) => `from '/node_modules/millrace/dist/esm/${room ? `${room}/` : ''}index.js'`)
const pages: Record<string, () => string> = {
  '/': readmePage,
  '/strict.html': () => '<!doctype html><title>strict</title><script type="module" src="/program.js"></script>',
  '/program.js': () => bare(readmeProgram()),
  '/parquet.html': () => '<!doctype html><title>parquet</title><script type="module" src="/parquet.js"></script>',
  // gzip by the page's own CompressionStream, the sizes of which are Chromium's
  '/parquet.js': () => `${bare(readmeProgram(2)).replace('  sink,\n', "  sink,\n  compression: 'gzip',\n")}console.log(Array.from(sink.bytes()).join())\n`,
}

/** Opens a page and gives its console lines and errors once it is idle. */
async function visit(path: string): Promise<{ lines: string[]; errors: string[]; text: string }> {
  const page = await site.browser.newPage()
  const lines: string[] = []
  const errors: string[] = []
  page.on('console', (message) => (message.type() === 'error' ? errors : lines).push(message.text()))
  page.on('pageerror', (error) => errors.push(String(error)))
  await page.goto(site.origin + path, { waitUntil: 'networkidle' })
  const text = await page.evaluate(() => document.body.textContent ?? '')
  await page.close()
  return { lines, errors: errors.filter((error) => !/favicon|404/.test(error)), text }
}

describe('Chromium', () => {
  it("runs the README's page", async () => {
    const { errors, text } = await visit('/')
    expect(errors).toEqual([])
    expect(text).toMatch(/goes to shard \d/)
  })

  it("runs the README's program under script-src 'self' 'wasm-unsafe-eval'", async () => {
    const { lines, errors } = await visit(`/strict.html?csp=${encodeURIComponent("script-src 'self' 'wasm-unsafe-eval'")}`)
    expect(errors).toEqual([])
    expect(lines.length).toBeGreaterThan(0)
  })

  it("runs the README's Parquet program, with gzip, and the file is whole", async () => {
    const { lines, errors } = await visit('/parquet.html')
    expect(errors).toEqual([])
    const file = Uint8Array.from(lines.pop()?.split(',') ?? [], Number)
    const printed = (text: string[]) => text.map((line) => line.replace(/\d+ bytes/, 'bytes'))
    expect(printed(lines)).toEqual(printed(readmeOutput(2).trimEnd().split('\n')))
    const rows = await parquetReadObjects({ file: file.buffer, compressors })
    expect(rows.map(({ id }) => id)).toEqual([9007199254740993n, 8n, 2n ** 62n])
    expect(rows[0].user).toEqual({ name: 'Ada', tags: ['x', 'y'] })
  })

  it("says what is missing under script-src 'self'", async () => {
    const { errors } = await visit(`/strict.html?csp=${encodeURIComponent("script-src 'self'")}`)
    expect(errors.join('\n')).toMatch(/wasm-unsafe-eval/)
  })
})
