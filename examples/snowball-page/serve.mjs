// Hands out the page and the package's ES modules, nothing else.
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('.', import.meta.url))
const types = { '.html': 'text/html; charset=utf-8', '.css': 'text/css', '.js': 'text/javascript' }
const pages = ['/index.html', '/page.css', '/page.js']
const policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'"

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, 'http://localhost')
  const path = pathname === '/' ? '/index.html' : normalize(decodeURIComponent(pathname))
  try {
    if (!pages.includes(path) && !path.startsWith('/node_modules/millrace/dist/esm/')) throw new Error('not here')
    const body = await readFile(join(root, path))
    response.writeHead(200, { 'Content-Type': types[extname(path)] ?? 'application/octet-stream', 'Content-Security-Policy': policy })
    response.end(body)
  } catch {
    response.writeHead(404).end()
  }
})
server.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => console.log(`http://localhost:${server.address().port}`))
