// The house rules, read off the sources: who may import whom, who may touch the outside world, how
// long a file may grow, and which names are public.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import * as coreBinary from '../src/engine/core.js'
import * as transformBinary from '../src/engine/transform-core.js'
import { blanked } from './source.js'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const GENERATED = ['src/engine/core.ts', 'src/engine/transform-core.ts', 'src/ports/program.ts']

const sources = (folder: string) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => normalize(`${folder}/${file}`))
    .filter((file) => !GENERATED.includes(file))
    .sort()
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8')
const lines = (names: string[]) => names.map((name) => `${name}\n`).join('')
const host = sources('src')
const core = sources('assembly')

/** Module specifiers of every import, re-export and import(). */
function imports(file: string): string[] {
  const text = read(file)
  return [...text.matchAll(/^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm)].map(
    (m) => m[1] ?? m[2] ?? m[3],
  )
}

/** The room of a file: its first folder, or its own name where it lies at the top. */
const room = (file: string) => file.split('/')[1].replace(/\.ts$/, '')
const target = (file: string, specifier: string) => normalize(join(dirname(file), specifier)).replace(/(\.js|\.ts)?$/, '.ts')

const LEAVES = ['types', 'errors', 'limits', 'bytes']
const STAGES = ['kinesis', 'parquet', 'firehose', 'emr', 'snowball']
const BELOW = ['engine', 'ports', ...LEAVES]
const HOST: Record<string, string[]> = {
  index: [...STAGES, ...BELOW],
  worker: ['parquet', 'snowball', ...BELOW],
  cli: [...STAGES, ...BELOW],
  kinesis: BELOW,
  parquet: BELOW,
  firehose: [...BELOW, 'kinesis', 'parquet'],
  emr: [...BELOW, 'parquet'],
  snowball: BELOW,
  engine: LEAVES,
  ports: LEAVES,
  limits: ['types', 'errors'],
  types: [],
  bytes: [],
  errors: [],
}
const CORE: Record<string, string[]> = {
  index: ['record', 'columnar', 'archive', 'codec', 'bytes', 'memory'],
  transform: ['codec', 'bytes', 'memory'],
  record: ['codec', 'bytes', 'memory'],
  columnar: ['codec', 'bytes', 'memory'],
  archive: ['codec', 'bytes', 'memory'],
  codec: ['bytes', 'memory'],
  bytes: ['memory'],
  memory: [],
}

describe('arrows', () => {
  it.each([
    ['host', host, HOST],
    ['core', core, CORE],
  ] as const)('of the %s point downwards', (_, files, allowed) => {
    const wrong = files.flatMap((file) => {
      const from = room(file)
      if (!(from in allowed)) return [`${file} is in no room of the house`]
      const relative = imports(file).filter((s) => s.startsWith('.'))
      return relative.filter((s) => room(target(file, s)) !== from && !allowed[from].includes(room(target(file, s)))).map((s) => `${file} -> ${s}`)
    })
    expect(wrong).toEqual([])
  })

  // what is imported as a type only holds nobody up
  it('between the rooms of parquet point one way', () => {
    const allowed: Record<string, string[]> = {
      schema: [],
      file: ['schema'],
      intake: ['schema'],
      infer: ['schema', 'intake', 'writer-options.ts'],
    }
    const below = (file: string) => file.split('/')[2]
    const wrong = host
      .filter((file) => file.startsWith('src/parquet/') && below(file) in allowed)
      .flatMap((file) => {
        const eager = [...read(file).matchAll(/^(?:import|export)\b(?!\s+type\b)[^'"`;]*?\bfrom\s*['"](\.[^'"]+)['"]/gm)].map(([, s]) => target(file, s))
        return eager
          .filter((to) => to.startsWith('src/parquet/') && below(to) !== below(file) && !allowed[below(file)].includes(below(to)))
          .map((to) => `${file} -> ${to}`)
      })
    expect(wrong).toEqual([])
  })

  // the ends know what they share, not each other; the KCL's daemon hands on the consumer's batches
  it('between the rooms of kinesis point one way', () => {
    const shared = ['shards', 'service', 'aggregates']
    const allowed: Record<string, string[]> = {
      shards: shared,
      service: shared,
      aggregates: shared,
      producer: [...shared, ''],
      consumer: [...shared, ''],
      lambda: [...shared, ''],
      multilang: [...shared, '', 'consumer'],
    }
    const below = (file: string) => file.match(/^src\/kinesis\/(\w+)\//)?.[1] ?? ''
    const wrong = host
      .filter((file) => below(file) !== '' && file.startsWith('src/kinesis/'))
      .flatMap((file) =>
        imports(file)
          .map((s) => target(file, s))
          .filter((to) => to.startsWith('src/kinesis/') && below(to) !== below(file) && !allowed[below(file)].includes(below(to)))
          .map((to) => `${file} -> ${to}`),
      )
    expect(wrong).toEqual([])
  })

  // a manifest is what is packed and what is read back: both ends know its form, not each other
  it('between the rooms of snowball point one way', () => {
    const allowed: Record<string, string[]> = {
      plan: [],
      manifest: [],
      store: ['manifest'],
      unpack: ['manifest'],
      pack: ['plan', 'manifest', 'store'],
      verify: ['plan', 'manifest', 'unpack'],
      chunker: ['plan', 'manifest', 'store', 'pack'],
    }
    const below = (file: string) => file.match(/^src\/snowball\/(\w+)\//)?.[1] ?? ''
    const wrong = host
      .filter((file) => file.startsWith('src/snowball/') && file !== 'src/snowball/index.ts')
      .flatMap((file) =>
        imports(file)
          .map((s) => target(file, s))
          .filter((to) => below(to) !== '' && below(to) !== below(file) && !allowed[below(file)]?.includes(below(to)))
          .map((to) => `${file} -> ${to}`),
      )
    expect(wrong).toEqual([])
  })

  it('lead from the core nowhere else', () => {
    const out = core.flatMap((file) => imports(file).filter((s) => !s.startsWith('.') || !target(file, s).startsWith('assembly/')))
    expect(out).toEqual([])
  })

  // what a user injects or has as an optional peer is imported lazily, and only so
  it('to packages are all lazy', () => {
    const eager = host.flatMap((file) =>
      [...read(file).matchAll(/^(import|export)\b([^'"`;]*?)\bfrom\s*['"]([^.'"][^'"]*)['"]/gm)]
        .filter(([, , what, name]) => !name.startsWith('node:') && !/^\s*type\b/.test(what))
        .map((m) => `${file} -> ${m[3]}`),
    )
    expect(eager).toEqual([])
  })
})

describe('the outside world', () => {
  const WORLD =
    /\b(?:Date\.now|performance|Math\.random|setTimeout|setInterval|setImmediate|fetch|XMLHttpRequest|process|crypto\.(?:randomUUID|getRandomValues)|require|__dirname|__filename)\b|\bDate\(\s*\)|\bnew Date(?!\()/
  const inside = host.filter((file) => !file.startsWith('src/ports/') && file !== 'src/cli/main.ts')

  it('is touched by ports and main only', () => {
    const seen = inside.flatMap((file) =>
      blanked(read(file))
        .split('\n')
        .flatMap((line, i) => (WORLD.test(line) ? [`${file}:${i + 1}: ${line.trim()}`] : [])),
    )
    expect(seen).toEqual([])
  })

  it('has its node: modules in ports only', () => {
    const seen = inside.flatMap((file) =>
      imports(file)
        .filter((s) => s.startsWith('node:') && !(s === 'node:util' && file.startsWith('src/cli/')))
        .map((s) => `${file} -> ${s}`),
    )
    expect(seen).toEqual([])
  })

  it('knows WebAssembly through the engine only', () => {
    expect(host.filter((file) => !file.startsWith('src/engine/') && /\bWebAssembly\b/.test(blanked(read(file))))).toEqual([])
  })

  it('offers Buffer only where a runtime has it', () => {
    const unchecked = host.filter((file) => {
      const code = blanked(read(file))
      return /\bBuffer\b/.test(code) && !/typeof Buffer\b/.test(code)
    })
    expect(unchecked).toEqual([])
  })
})

it('no file holds two ideas: 300 lines at most', () => {
  const long = [...host, ...core].map((file) => [file, read(file).split('\n').length - 1] as const).filter(([, lines]) => lines > 300)
  expect(long.map(([file, lines]) => `${file} ${lines}`)).toEqual([])
})

describe('public names', () => {
  const entries = ['index', ...STAGES.map((stage) => `${stage}/index`)].map((stem) => `src/${stem}.ts`).filter((file) => host.includes(file))

  it.each(entries)('%s only re-exports', (file) => {
    expect(
      blanked(read(file))
        .replace(/^export (?:(?:type )?\{[^}]*\}|\*) from\s*'[^']*'$/gm, '')
        .trim(),
    ).toBe('')
  })

  // `npx vitest run test/house.test.ts -u` rewrites the lists; a reviewer then sees what became public
  it.each(entries)('of %s are the listed ones', async (file) => {
    const name = file === 'src/index.ts' ? 'index' : file.split('/')[1]
    await expect(lines(publicNames(file))).toMatchFileSnapshot(`public/${name}.txt`)
  })

  function publicNames(file: string): string[] {
    const text = read(file)
    const own = [...text.matchAll(/^export (type )?\{([^}]*)\} from/gm)].flatMap((m) =>
      m[2]
        .split(',')
        .filter((name) => name.trim())
        .map((name) => (m[1] ?? '') + name.trim()),
    )
    const all = [...text.matchAll(/^export \* from '([^']+)'/gm)].flatMap((m) => publicNames(target(file, m[1])))
    const names = own.map((name) => name.trim().replace(/^.* as /, '')).filter(Boolean)
    return [...new Set([...names, ...all])].sort((a, b) => (a.replace(/^type /, '') < b.replace(/^type /, '') ? -1 : 1))
  }
})

describe.each([
  ['simd', 'core', 'index', '', coreBinary],
  ['scalar', 'core', 'index', '', coreBinary],
  ['simd', 'transform', 'transform', 'transform.', transformBinary],
  ['scalar', 'transform', 'transform', 'transform.', transformBinary],
] as const)('the %s build of %s.wasm', (build, name, entry, prefix, generated) => {
  const wasm = readFileSync(join(ROOT, `build/${prefix}${build}.wasm`))
  const module = new WebAssembly.Module(wasm)

  it('imports nothing', () => {
    expect(WebAssembly.Module.imports(module)).toEqual([])
  })

  it('exports the listed names', async () => {
    const index = [...blanked(read(`assembly/${entry}.ts`)).matchAll(/^export (?:\{([^}]*)\}|(?:const|function) (\w+))/gm)].flatMap(
      (m) => m[2] ?? m[1].split(','),
    )
    const names = index.map((name) => name.trim().replace(/^.* as /, '')).filter(Boolean)
    await expect(lines(names)).toMatchFileSnapshot(`public/${name}.txt`)
    // Constants are in the generated file by name, in the binary by value alone.
    const { EXPORTS, simd, ...constants } = generated
    const shared = Object.keys(constants).filter((constant) => constant !== 'VERSION' && constant !== 'REVISION')
    expect([...EXPORTS, ...shared].sort()).toEqual(names.sort())
    const exported = WebAssembly.Module.exports(module)
    expect(exported.map((e) => e.name).sort()).toEqual([...EXPORTS, 'memory'].sort())
    expect(exported.filter((e) => e.kind === 'function').length).toBe(EXPORTS.length)
  })

  it(build === 'simd' ? 'uses no relaxed SIMD, which Node 20 and WebKit lack' : 'has no v128', () => {
    const text = execFileSync(
      process.execPath,
      [join(ROOT, 'node_modules/binaryen/bin/wasm-opt'), '-all', '--print', '-o', '/dev/null', join(ROOT, `build/${prefix}${build}.wasm`)],
      {
        encoding: 'utf8',
        maxBuffer: 2 ** 28,
      },
    )
    expect(text).toContain('(module')
    expect(text).not.toContain(build === 'simd' ? 'relaxed' : 'v128')
  })

  it('is at most 100 KB', () => {
    expect(wasm.length).toBeLessThanOrEqual(100_000)
  })
})

it('the lint sees code only', () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the code to be read
  const text = "a('x // y') // fetch\n/* process\n*/ b(`t ${fetch('u')} v ${`w`}`) / 2 / c; d = /'\\/[/]/g; '}'"
  expect(blanked(text)).toBe("a('      ')         \n          \n   b(`   {fetch(' ')}    {` `}`) / 2 / c; d =          ; ' '")
  expect(blanked(text).length).toBe(text.length)
})
