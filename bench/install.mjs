// The rivals are heavy (native addons, 5 MB of Wasm): they are no part of the package's own `npm ci`.
// The first run installs them into bench/node_modules from bench/package-lock.json.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('.', import.meta.url))
const stamp = join(folder, 'node_modules/.millrace')

export function installRivals(say) {
  const hash = createHash('sha256')
  for (const file of ['package.json', 'package-lock.json']) hash.update(readFileSync(join(folder, file)))
  const wanted = hash.digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  say('installing the rivals of bench/package.json into bench/node_modules (once, ~75 MB)')
  const npm = process.env.npm_execpath
  const args = ['ci', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error']
  const result = npm
    ? spawnSync(process.execPath, [npm, ...args], { cwd: folder, stdio: ['ignore', 2, 2] })
    : spawnSync('npm', args, { cwd: folder, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' })
  if (result.status !== 0)
    throw new Error(`npm ci in bench/ failed (${result.error?.message ?? `exit code ${result.status}`}); the rivals come from the npm registry`)
  writeFileSync(stamp, wanted)
}
