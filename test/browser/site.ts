// Pages in Debian's Chromium: no bundler, no server code but this, and a content security policy where the query has one.
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium } from 'playwright-core'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium'
const TYPES: Record<string, string> = { '.js': 'text/javascript', '.wasm': 'application/wasm', '.html': 'text/html', '.css': 'text/css' }

export interface Site {
  browser: Browser
  origin: string
  close(): Promise<void>
}

/** Serves the pages, and dist/ as the package lies below node_modules; nothing else. */
export async function openSite(pages: Record<string, () => string | Promise<string>>): Promise<Site> {
  if (!existsSync(CHROMIUM)) throw new Error(`no ${CHROMIUM}: apt-get install chromium`)
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost')
    const policy = url.searchParams.get('csp')
    if (policy) response.setHeader('Content-Security-Policy', policy)
    const path = normalize(url.pathname).replace(/^\/node_modules\/millrace\//, '')
    try {
      const body = url.pathname in pages ? await pages[url.pathname]() : path.startsWith('dist/') ? await readFile(join(ROOT, path)) : undefined
      if (body === undefined) throw new Error('not found')
      response.setHeader('Content-Type', TYPES[extname(path)] ?? 'text/html; charset=utf-8')
      response.end(body)
    } catch {
      response.writeHead(404).end()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
  return {
    browser,
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      await browser.close()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
