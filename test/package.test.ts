// The package as its users get it: packed, installed alone into an empty folder, and run there.
import { execFile, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { type BuildOptions, build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { VERSION } from '../src/engine/core.js'
import { readmeOutput, readmeProgram } from './readme.js'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
const exec = promisify(execFile)
const node = (cwd: string, ...args: string[]) => exec(process.execPath, args, { cwd })

let dir = ''
let files: string[] = []
let expected = ''

beforeAll(async () => {
  if (!existsSync(join(ROOT, 'dist/workerd.js'))) throw new Error('run `node build.mjs` first')
  dir = await mkdtemp(join(tmpdir(), 'millrace-package-'))
  const { stdout } = await exec('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', dir], { cwd: ROOT })
  const [packed] = JSON.parse(stdout)
  files = packed.files.map((file: { path: string }) => file.path)
  await writeFile(join(dir, 'package.json'), '{"private":true}')
  await exec('npm', ['install', '--offline', '--no-audit', '--no-fund', join(dir, packed.filename)], { cwd: dir })
  await writeFile(join(dir, 'program.mjs'), readmeProgram())
  expected = (await node(dir, 'program.mjs')).stdout
}, 120_000)
afterAll(() => rm(dir, { recursive: true, force: true }))

describe('what npm would publish', () => {
  it('has no dependency and no script that runs at install', () => {
    expect(manifest.dependencies ?? {}).toEqual({})
    expect(manifest.optionalDependencies ?? {}).toEqual({})
    // of a clean clone too, npm pack has what was built
    expect(Object.entries(manifest.scripts).filter(([name]) => /^(pre|post)?(install|prepare|publish|pack)/.test(name))).toEqual([
      ['prepack', 'node build.mjs'],
    ])
    for (const peer of Object.keys(manifest.peerDependencies)) expect(manifest.peerDependenciesMeta[peer]).toEqual({ optional: true })
  })

  it('installs alone', async () => {
    const lock = JSON.parse(await readFile(join(dir, 'package-lock.json'), 'utf8'))
    expect(Object.keys(lock.packages)).toEqual(['', 'node_modules/millrace'])
  })

  it('pins exact versions and names no registry', () => {
    expect(Object.entries(manifest.devDependencies).filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version as string))).toEqual([])
    const lock = readFileSync(join(ROOT, 'package-lock.json'), 'utf8')
    expect(lock).not.toMatch(
      /https?:\/\/(?!(opencollective|github|www\.patreon|tidelift|feross|dotenvx|paulmillr|polar|www\.buymeacoffee|sponsors|ko-fi)\b)[^"]*\.tgz/,
    )
    for (const [path, entry] of Object.entries<{ integrity?: string; link?: boolean }>(JSON.parse(lock).packages)) {
      if (path !== '') expect(entry.integrity, path).toMatch(/^sha512-/)
    }
  })

  it('holds the built files and nothing else', () => {
    const strange = files.filter(
      (file) => !/^(dist\/.*\.(js|cjs|d\.c?ts|wasm)|dist\/cjs\/package\.json|package\.json|README\.md|LICENSE|CHANGELOG\.md)$/.test(file),
    )
    expect(strange).toEqual([])
    for (const must of ['LICENSE', 'README.md', 'CHANGELOG.md', 'dist/core.wasm', 'dist/transform.wasm']) expect(files).toContain(must)
  })

  it('has every file that exports names, types first', () => {
    const targets: string[] = []
    const walk = (node: unknown) => {
      if (typeof node === 'string') targets.push(node)
      else {
        const keys = Object.keys(node as object)
        if (keys.includes('types')) expect(keys[0]).toBe('types')
        for (const value of Object.values(node as object)) walk(value)
      }
    }
    walk(manifest.exports)
    for (const path of [...targets, manifest.main, manifest.module, manifest.types, manifest.bin.millrace]) expect(files).toContain(path.replace('./', ''))
    expect(Object.keys(manifest.exports)).toEqual([
      '.',
      './kinesis',
      './firehose',
      './parquet',
      './emr',
      './snowball',
      './parquetjs',
      './node',
      './slim',
      './core.wasm',
      './core.scalar.wasm',
      './transform.wasm',
      './transform.scalar.wasm',
      './package.json',
    ])
  })

  it('is of one version', () => expect(VERSION).toBe(manifest.version))
})

describe("the README's program", () => {
  it('prints what the README says', () => expect(expected).toBe(readmeOutput()))

  it('runs as CommonJS', async () => {
    await writeFile(join(dir, 'program.cjs'), commonjs(readmeProgram()))
    expect((await node(dir, 'program.cjs')).stdout).toBe(expected)
  })

  it.each(['esm', 'cjs'] as const)('runs as one esbuild file (%s), alone in a folder', async (format) => {
    const alone = join(dir, `bundle-${format}`)
    await mkdir(alone)
    const outfile = join(alone, format === 'esm' ? 'index.mjs' : 'index.cjs')
    // a program with top-level await has no CommonJS form of its own
    await writeFile(join(dir, 'program.cjs'), commonjs(readmeProgram()))
    await bundle({ entryPoints: [join(dir, format === 'esm' ? 'program.mjs' : 'program.cjs')], platform: 'node', format, outfile })
    expect((await node(alone, outfile)).stdout).toBe(expected)
  })

  it.each(['esm', 'cjs'] as const)('has threads in one esbuild file (%s), and exits with a writer that nobody closed', async (format) => {
    const alone = join(dir, `threads-${format}`)
    await mkdir(alone)
    const outfile = join(alone, format === 'esm' ? 'index.mjs' : 'index.cjs')
    const contents = `import { bytesSink, createParquetWriter } from 'millrace'
import { nodePorts } from 'millrace/node'
const writerOf = () => createParquetWriter({ schema: 'a bigint', sink: bytesSink(), threads: 2, ports: nodePorts, rowGroupRows: 100 })
const text = new TextEncoder().encode('{"a":1}\\n'.repeat(1000))
const run = async () => {
  const writer = writerOf()
  await writer.writeJson(text)
  console.log(JSON.stringify(await writer.close()))
  await writerOf().writeJson(text)
}
run()`
    await bundle({ stdin: { contents, resolveDir: dir }, platform: 'node', format, outfile })
    expect((await exec(process.execPath, [outfile], { cwd: alone, timeout: 20_000 })).stdout).toContain('"rows":1000')
    // a thread inherits the flag; its text comes by standard input, for an argument has 128 KiB at most
    if (format === 'esm') {
      const run = exec(process.execPath, ['--input-type=module'], { cwd: alone, timeout: 20_000 })
      run.child.stdin?.end(await readFile(outfile))
      expect((await run).stdout).toContain('"rows":1000')
    }
  })

  it('exits when its source fails, with threads and a writer that is neither closed nor aborted', async () => {
    const gz = gzipSync('{"a":1}\n'.repeat(1000))
    await writeFile(join(dir, 'cut.gz'), gz.subarray(0, gz.length - 10))
    const program = `import { bytesSink, createParquetWriter, fileSource, gunzip } from 'millrace'
import { nodePorts } from 'millrace/node'
const run = async () => {
  const writer = createParquetWriter({ schema: 'a bigint', sink: bytesSink(), threads: 2, ports: nodePorts })
  for await (const bytes of gunzip(fileSource(nodePorts, 'cut.gz'))) await writer.writeJson(bytes)
}
run().catch((error) => console.log(error.code))
`
    await writeFile(join(dir, 'cut.mjs'), program)
    expect((await exec(process.execPath, ['cut.mjs'], { cwd: dir, timeout: 20_000 })).stdout).toBe('CORRUPT\n')
  })

  it('runs on the slim entry, given core.wasm', async () => {
    const program = readmeProgram().replaceAll(/from 'millrace[\w/]*'/g, "from 'millrace/slim'")
    const load = "import { readFileSync } from 'node:fs'\nimport { createRequire } from 'node:module'\nimport { setCore } from 'millrace/slim'\n"
    await writeFile(join(dir, 'slim.mjs'), `${load}setCore(readFileSync(createRequire(import.meta.url).resolve('millrace/core.wasm')))\n${program}`)
    expect((await node(dir, 'slim.mjs')).stdout).toBe(expected)
  })

  it.each([
    ['ES modules', 'errors.mjs', (from: string) => `(await import('${from}'))`],
    ['CommonJS', 'errors.cjs', (from: string) => `require('${from}')`],
  ])('throws one MillraceError, whichever entry it is caught by (%s)', async (_, file, load) => {
    const parts = Object.keys(manifest.exports).filter((entry) => !/slim|wasm|json$/.test(entry))
    const all = parts.map((entry) => `${load(entry.replace(/^\./, 'millrace'))}.MillraceError`).join(', ')
    // dist/slim is a bundle of its own: what it throws is an instance of its own class
    const program = `const [first, ...rest] = [${all}]
const slim = ${load('millrace/slim')}
const caught = () => { try { slim.ShardMap.even(2).shardOf('AMS') } catch (error) { return error } }
console.log(typeof first, rest.every((other) => other === first), caught() instanceof slim.MillraceError)
`
    await writeFile(join(dir, file), program)
    expect((await node(dir, file)).stdout).toBe('function true true\n')
  })

  it('links both binaries as modules under the workerd condition', async () => {
    const outfile = join(dir, 'worker.mjs')
    await bundle({
      entryPoints: [join(dir, 'program.mjs')],
      platform: 'neutral',
      conditions: ['workerd'],
      format: 'esm',
      outfile,
      external: ['*.wasm', 'node:*'],
    })
    const text = await readFile(outfile, 'utf8')
    for (const name of ['core', 'transform']) expect(text).toMatch(new RegExp(`import \\w+ from ".*${name}\\.wasm"`))
    expect(text).not.toContain('AGFzbQ')
    // stands in for workerd, which hands the imports over as compiled modules
    const load = (file: string) => `new WebAssembly.Module(readFileSync('node_modules/millrace/dist/${file}'))`
    const linked = text.replace(/import (\w+) from ".*?(\w+\.wasm)";?/g, (_, name, file) => `const ${name} = ${load(file)}`)
    await writeFile(outfile, `import { readFileSync } from 'node:fs'\n${linked}`)
    expect((await node(dir, outfile)).stdout).toBe(expected)
  })

  it('bundles for a browser', async () => {
    const result = await bundle({ entryPoints: [join(dir, 'program.mjs')], platform: 'browser', format: 'esm', write: false })
    expect(result.outputFiles?.[0].text).not.toMatch(/from ?"node:|require\("node:/)
  })
})

describe("the README's producer and consumer programs", () => {
  it('print what the README says, over the Kinesis and with the commands that it names', { timeout: 180_000 }, async () => {
    const cwd = join(dir, 'producer')
    const modules = join(cwd, 'node_modules')
    await mkdir(modules, { recursive: true })
    await cp(join(dir, 'node_modules/millrace'), join(modules, 'millrace'), { recursive: true })
    for (const peer of ['@aws-sdk', '@smithy', 'kinesalite']) await symlink(join(ROOT, 'node_modules', peer), join(modules, peer))
    const main = join(modules, 'millrace/dist/esm/cli/main.js')
    const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
    const argumentsOf = (command: string) => new RegExp(`^npx millrace (${command} .*)$`, 'm').exec(readme)?.[1].split(' ') as string[]
    const kinesis = spawn(process.execPath, [main, ...argumentsOf('kinesis-local'), '--port', '0'], { cwd, stdio: ['ignore', 'pipe', 'ignore'] })
    try {
      const endpoint = await new Promise<string>((resolve) => kinesis.stdout.once('data', (data) => resolve(String(data).trim())))
      const here = (text: string) => text.replace('http://127.0.0.1:4567', endpoint)
      await writeFile(join(cwd, 'send.mjs'), here(readmeProgram(1)))
      expect((await node(cwd, 'send.mjs')).stdout).toBe(readmeOutput(1))
      expect(JSON.parse(await readFile(join(cwd, 'dead.ndjson'), 'utf8'))).toMatchObject({ code: 'BAD_PARTITION_KEY' })
      await writeFile(join(cwd, 'read.mjs'), here(readmeProgram(4)))
      // twice: the second run has nothing left to read
      const runs = [await node(cwd, 'read.mjs'), await node(cwd, 'read.mjs')]
      expect(runs.map(({ stdout }) => stdout).join('$ node read.mjs\n')).toBe(readmeOutput(4))
      const produce = argumentsOf('produce').map(here)
      const lines = produce.splice(produce.indexOf('<'))
      expect(lines).toEqual(['<', 'flights.ndjson'])
      const run = exec(process.execPath, [main, ...produce], { cwd })
      run.child.stdin?.end('{"origin":"AMS","flight":5001}\n')
      expect((await run).stderr).toContain('millrace produce: 1 record delivered')
      const { stdout } = await exec(process.execPath, [main, ...argumentsOf('consume').map(here)], { cwd })
      expect(new Set(stdout.trim().split('\n')).size).toBe(5001)
      const tail = await exec(process.execPath, [main, ...argumentsOf('tail').map(here), '--until', 'now'], { cwd })
      expect(tail.stdout.trim().split('\n')).toHaveLength(5001)
    } finally {
      kinesis.kill()
    }
  })
})

describe("the README's Parquet program", () => {
  it('prints what the README says, in both module systems', async () => {
    const program = readmeProgram(2)
    await writeFile(join(dir, 'events.mjs'), program)
    await writeFile(join(dir, 'events.cjs'), commonjs(program))
    for (const file of ['events.mjs', 'events.cjs']) expect((await node(dir, file)).stdout).toBe(readmeOutput(2))
  })
})

it("the README's Lambda program prints what the README says, in both module systems", async () => {
  const program = readmeProgram(5)
  await writeFile(join(dir, 'handler.mjs'), program)
  await writeFile(join(dir, 'handler.cjs'), commonjs(program))
  for (const file of ['handler.mjs', 'handler.cjs']) expect((await node(dir, file)).stdout).toBe(readmeOutput(5))
})

it.each([
  ['shape', 6],
  ['deliver', 7],
])("the README's Firehose program %s prints what the README says, in both module systems", async (name, index) => {
  const program = readmeProgram(index)
  await writeFile(join(dir, `${name}.mjs`), program)
  await writeFile(join(dir, `${name}.cjs`), commonjs(program))
  for (const file of [`${name}.mjs`, `${name}.cjs`]) expect((await node(dir, file)).stdout).toBe(readmeOutput(index))
})

it("the README's Snowball program prints what the README says, in both module systems", async () => {
  const program = readmeProgram(8)
  for (const [file, text] of [
    ['pack.mjs', program],
    ['pack.cjs', commonjs(program)],
  ]) {
    const cwd = join(dir, file.replace('.', '-'))
    await mkdir(cwd)
    await writeFile(join(cwd, file), text)
    expect((await node(cwd, file)).stdout).toBe(readmeOutput(8))
  }
})

describe("the README's program from file to file", () => {
  const line = (i: number) => `${JSON.stringify({ origin: ['AMS', 'SFO', 'NRT'][i % 3], delay: i % 60, at: new Date(1.7e12 + i).toISOString() })}\n`
  const input = Array.from({ length: 2500 }, (_, i) => line(i)).join('')
  const folder = async (name: string, text: string) => {
    const cwd = join(dir, name)
    await mkdir(cwd)
    await writeFile(join(cwd, 'flights.ndjson'), text)
    await writeFile(join(cwd, 'convert.mjs'), readmeProgram(3))
    return cwd
  }

  it('prints what the README says', async () => {
    const cwd = await folder('convert', input)
    expect((await node(cwd, 'convert.mjs')).stdout).toBe(readmeOutput(3))
    const names = ['convert.mjs', 'flights', 'flights-0.parquet', 'flights-1.parquet', 'flights-2.parquet', 'flights.ndjson', 'flights.parquet']
    expect((await readdir(cwd)).sort()).toEqual(names)
  })

  it('leaves nothing where the source fails', async () => {
    const cwd = await folder('convert-failed', input)
    await writeFile(join(cwd, 'convert.mjs'), readmeProgram(3).replace("'flights.ndjson')) await", "'missing')) await"))
    await expect(node(cwd, 'convert.mjs')).rejects.toMatchObject({ stderr: expect.stringContaining('ENOENT') })
    expect((await readdir(cwd)).sort()).toEqual(['convert.mjs', 'flights.ndjson'])
  })

  it('has a shell line that does it too', async () => {
    const cwd = await folder('shell', input)
    await writeFile(join(cwd, 'flights.ndjson.gz'), gzipSync(input))
    const [, line] = /`npx (millrace parquet [^`]*)`/.exec(readFileSync(join(ROOT, 'README.md'), 'utf8')) as RegExpExecArray
    const { stderr } = await exec(join(dir, 'node_modules/.bin/millrace'), line.split(' ').slice(1), { cwd })
    expect(stderr).toContain('flights: 3 partitions, 3 files')
  })
})

describe('size, minified and gzipped', () => {
  const size = async (contents: string) => {
    const result = await bundle({
      stdin: { contents, resolveDir: dir },
      platform: 'node',
      format: 'esm',
      minify: true,
      write: false,
    })
    return gzipSync(result.outputFiles?.[0].contents as Uint8Array, { level: 9 }).length
  }

  // 57 KB of each is the core, which has every stage's kernels, 12 KB of firehose the other binary; what a program does not use of the rest,
  // bundlers drop
  it.each([
    ['kinesis', 116],
    ['firehose', 169],
    ['parquet', 96],
    ['emr', 89],
    ['snowball', 109],
    ['slim', 205],
  ])('of millrace/%s is at most %d KB', async (entry, most) => {
    expect(await size(`export * from 'millrace/${entry}'`)).toBeLessThanOrEqual(most * 1000)
  })

  // all rooms and both binaries
  it('of millrace is at most 283 KB', async () => {
    expect(await size("export * from 'millrace'")).toBeLessThanOrEqual(283_000)
  })

  // without the binary that blueprints are in
  it('of a Firehose transformation by a function is at most 79 KB', async () => {
    expect(await size("export { createFirehoseTransformer } from 'millrace/firehose'")).toBeLessThanOrEqual(79_000)
  })

  it('of a page that chunks a folder is at most 73 KB', async () => {
    expect(await size("export { createChunker, filesOf, handleTarget } from 'millrace/snowball'")).toBeLessThanOrEqual(73_000)
  })

  it('of a program that writes Parquet is at most 88 KB', async () => {
    expect(await size("export { createParquetWriter } from 'millrace'")).toBeLessThanOrEqual(88_000)
  })
})

describe('types', () => {
  // lib ES2022 without DOM, without @types/node, with skipLibCheck off: nothing but the language
  it.each([
    ['NodeNext', 'NodeNext', 'consumer.mts'],
    ['NodeNext', 'NodeNext', 'consumer.cts'],
    ['ESNext', 'Bundler', 'consumer.ts'],
  ])('compile for a consumer (module %s, resolution %s, %s)', async (module, moduleResolution, file) => {
    const folder = join(dir, `types-${file}`)
    await mkdir(folder)
    const entries = Object.keys(manifest.exports).filter((entry) => !/\.(json|wasm)$/.test(entry))
    const all = entries.map((entry, i) => `export * as e${i} from '${entry.replace(/^\./, 'millrace')}'\n`).join('')
    // the README's programs in strict TypeScript too, given the globals that the language lacks
    const globals = `declare const console: { log(value: unknown): void }
declare const process: { once(event: string, listener: () => void): void }
declare class TextEncoder { encode(text: string): Uint8Array }
declare class TextDecoder { decode(bytes: Uint8Array): string }
`
    const programs = [0, 1, 2, 3, 4, 5, 6, 7].map((index) => `program-${index}-${file}`)
    for (const [index, name] of programs.entries()) {
      const program = readmeProgram(index).replace(/^(?:(?:\/\/|import ).*\n)+/, '$&;(async () => {\n')
      await writeFile(join(folder, name), `${globals}${program}})()\n`)
    }
    // what may be left out may be undefined: whoever hands on a signal or a key of their own does not ask first
    const optional = `import type * as f from 'millrace/firehose'
import type * as k from 'millrace/kinesis'
import type * as s from 'millrace/snowball'
type Given<T> = { [K in keyof T]: {} extends Pick<T, K> ? T[K] | undefined : T[K] }
type All = [
  k.ConsumerOptions, k.FanOutOptions, k.DynamoCheckpointsOptions, k.Place, k.DeaggregateOptions, k.AggregateOptions, k.StreamOptions,
  k.KinesisEachOptions, k.KinesisRecordOptions, k.KinesisHandlerOptions, k.ProducerOptions, k.ProducerRecord, k.PutOptions,
  k.NdjsonOptions, k.WritableOptions, k.FileSpoolOptions, k.EmfOptions,
  f.FirehoseTransformerOptions, f.ReingestOptions, f.SpillOptions, f.FirehosePutOptions, f.FirehoseConversionCheckOptions,
  f.DeliveryStreamOptions, f.DeliveryStreamConfiguration, f.ExtendedS3Configuration, f.DeliveryInput, f.DirectoryStoreOptions,
  f.S3StoreOptions, f.HttpEndpointHandlerOptions,
  s.SnowballPlanOptions, s.SnowballPackOptions, s.SnowballVerifyOptions, s.SnowballImportOptions, s.SnowballDiffOptions,
  s.SnowballListOptions, s.SnowballUnpackOptions, s.SnowballReadPlanOptions, s.S3ChunkStoreOptions, s.ChunkerOptions, s.NdjsonSegmentOptions,
]
type Each<T> = { [I in keyof T]: Given<T[I]> }
export const all = (given: Each<All>): All => given
`
    const source = `${all}import core from 'millrace/core.wasm'\nimport { setCore } from 'millrace/slim'\nsetCore(core)\n${optional}`
    await writeFile(join(folder, file), source)
    const compilerOptions = {
      target: 'ES2022',
      lib: ['ES2022'],
      types: [],
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      noEmit: true,
      module,
      moduleResolution,
    }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [file, ...programs] }))
    const { stdout } = await node(folder, join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', '.').catch((error: { stdout: string }) => error)
    expect(stdout).toBe('')
  })
})

it('the installed command runs', async () => {
  const { stdout } = await exec(join(dir, 'node_modules/.bin/millrace'), ['--version'])
  expect(stdout).toBe(`${VERSION}\n`)
})

it('the installed demo says what it lacks', async () => {
  const run = exec(join(dir, 'node_modules/.bin/millrace'), ['demo'])
  const stderr =
    'millrace demo: the demo runs on development packages that are not here; npm install --no-save hyparquet hyparquet-compressors @duckdb/node-api @aws-sdk/client-kinesis @smithy/node-http-handler kinesalite vega-datasets\n'
  await expect(run).rejects.toMatchObject({ code: 1, stderr })
})

const bundle = (options: BuildOptions) => build({ bundle: true, logLevel: 'silent', absWorkingDir: dir, ...options })

/** The same program for require(): its imports are all named ones. */
function commonjs(program: string): string {
  const body = program.replaceAll(
    /^import \{([^}]*)\} from '([^']+)'$/gm,
    (_, names: string, from) => `const {${names.replaceAll(' as ', ': ')}} = require('${from}')`,
  )
  return /\bawait\b/.test(body) ? `(async () => {\n${body}\n})()\n` : body
}
