// What one crossing costs: a call with a 36-character string, 1,000 calls a sample.
// Ours writes the bytes into linear memory and calls with (address, size); @assemblyscript/loader makes a
// managed UTF-16 string, asc's ESM bindings do the same in generated code.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { uuids } from './data.mjs'
import { same } from './frame.mjs'

const require = createRequire(import.meta.url)
const CALLS = 1000

function build() {
  const root = fileURLToPath(new URL('..', import.meta.url))
  mkdirSync(`${root}build`, { recursive: true })
  const asc = `${root}node_modules/assemblyscript/bin/asc.js`
  execFileSync(process.execPath, [asc, 'bench/boundary/assembly.ts', '-o', 'build/boundary.wasm', '-O3', '--exportRuntime', '--bindings', 'esm'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
  return `${root}build/boundary`
}

async function prepare() {
  const file = build()
  const bytes = readFileSync(`${file}.wasm`)
  const keys = uuids(CALLS)

  const env = { abort() {} }
  const raw = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env }).exports
  const memory = Buffer.from(raw.memory.buffer)
  const at = raw.scratch.value
  const ours = () => {
    let sum = 0
    for (let i = 0; i < CALLS; i++) sum = (sum + raw.sumBytes(at, memory.latin1Write(keys[i], at))) | 0
    return sum
  }

  const loaderModule = require('@assemblyscript/loader')
  const loaded = (loaderModule.default ?? loaderModule).instantiateSync(bytes, { env }).exports
  const loader = () => {
    let sum = 0
    for (let i = 0; i < CALLS; i++) {
      const text = loaded.__pin(loaded.__newString(keys[i]))
      sum = (sum + loaded.sumString(text)) | 0
      loaded.__unpin(text)
    }
    return sum
  }

  const bound = await import(pathToFileURL(`${file}.js`).href)
  const bindings = () => {
    let sum = 0
    for (let i = 0; i < CALLS; i++) sum = (sum + bound.sumString(keys[i])) | 0
    return sum
  }

  const work = CALLS / 1e6
  return {
    ours: { work, run: ours },
    rivals: [
      { name: '@assemblyscript/loader', work, run: loader },
      { name: 'asc ESM bindings', work, run: bindings },
    ],
    check() {
      same('boundary, loader', ours(), loader())
      same('boundary, bindings', ours(), bindings())
    },
  }
}

export const rows = [{ row: 'boundary: a call with a 36-char string', unit: 'Mcalls/s', rivals: ['@assemblyscript/loader', 'asc ESM bindings'], prepare }]
