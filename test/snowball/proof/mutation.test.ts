// A tree that a second process changes while it is packed, again and again: every member of every archive
// is some state that its file had, all readers agree, and what is in no archive is told.
import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, createReadStream, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import tarStream from 'tar-stream'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { nodePorts as ports } from '../../../src/ports/node.js'
import { packSnowball as pack, verifySnowball as verify } from '../../../src/snowball/index.js'
import { readers } from '../../archive/readers.js'
import { archivesOf, bundle, CLI, expectRead, manifestOf } from './outputs.js'
import { stateFault } from './states.js'

// 600 are the ten minutes of the release; the seed of a run is printed
const seconds = Number(process.env.MILLRACE_MUTATE_SECONDS ?? 15)
const seed = Number(process.env.MILLRACE_PROOF_SEED ?? 7)

let home = ''
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'millrace-mutation-'))
  await bundle('mutator.ts', join(home, 'mutator.mjs'))
})
let mutator: ChildProcessByStdio<Writable, Readable, null> | undefined
afterAll(async () => {
  if (mutator?.exitCode === null) {
    mutator.kill('SIGKILL')
    await once(mutator, 'close')
  }
  rmSync(home, { recursive: true, force: true })
})

/** Root may read what has no permissions, so whoever packs is someone else, where that user can run our program at all. */
function nobody(): { uid?: number; gid?: number } {
  const user = { uid: 65534, gid: 65534 }
  if (process.getuid?.() !== 0) return {}
  return spawnSync(process.execPath, [CLI, '--version'], user).status === 0 ? user : {}
}

async function packed(output: string, user: object): Promise<{ status: number | null; said: string }> {
  const limits = ['--chunk-files', '90', '--small-bytes', '65536', '--chunk-bytes', '3000000']
  const child = spawn(process.execPath, [CLI, 'snowball', 'pack', join(home, 'in'), '-o', output, ...limits], { stdio: ['ignore', 'ignore', 'pipe'], ...user })
  let said = ''
  child.stderr.on('data', (piece) => {
    said += piece
  })
  const [status] = await once(child, 'close')
  return { status, said }
}

/** Where a folder is renamed its files keep who they are. */
const idOf = (path: string) => path.replace('-moved/', '/')

/** Every member of the archive by what its data says; gives how many. */
async function checkStates(file: string): Promise<number> {
  let count = 0
  const extract = tarStream.extract()
  createReadStream(file).pipe(extract)
  for await (const entry of extract) {
    const pieces: Buffer[] = []
    for await (const piece of entry) pieces.push(piece as Buffer)
    const fault = stateFault(idOf(entry.header.name), Buffer.concat(pieces))
    expect(fault, `${entry.header.name} in ${file}`).toBeUndefined()
    count++
  }
  return count
}

it(`a tree is changed for ${seconds} s while it is packed (seed ${seed})`, { timeout: 120_000 + 3000 * seconds }, async () => {
  mutator = spawn(process.execPath, [join(home, 'mutator.mjs'), home, String(seed)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface(mutator.stdout)[Symbol.asyncIterator]()
  const closed = once(mutator, 'close')
  expect((await lines.next()).value).toBe('ready')
  const user = nobody()
  chmodSync(home, 0o755)
  const seen = { packs: 0, archives: 0, members: 0, reasons: {} as Record<string, number> }
  const residents = readdirSync(join(home, 'in'))
    .filter((name) => !name.startsWith('wild'))
    .flatMap((folder) => readdirSync(join(home, 'in', folder)).map((name) => `${folder}/${name}`))
  const end = Date.now() + seconds * 1000
  do {
    // into what the last run has left as well, which it may keep where it is still right
    const output = join(home, `out-${Math.floor(seen.packs / 3)}`)
    if (!existsSync(output)) {
      mkdirSync(output)
      if (user.uid) chownSync(output, user.uid, user.uid)
    }
    const { status, said } = await packed(output, user)
    const manifest = manifestOf(output)
    const failed = manifest.flatMap((line) => (line.type === 'failed' ? [line] : []))
    expect(status, said).toBe(failed.length > 0 ? 1 : 0)
    const archives = archivesOf(output)
    expect(readdirSync(output).sort()).toEqual([...archives.map(({ file }) => file.slice(output.length + 1)), 'manifest.ndjson'].sort())

    await Promise.all(readers.filter(({ there }) => there).map((reader) => expectRead(reader, archives)))
    for (const { file } of archives) seen.members += await checkStates(file)
    expect((await verify({ output, ports })).problems).toEqual([])

    const names = archives.flatMap(({ members }) => members.map(({ name }) => name))
    const told = failed.map(({ path }) => path)
    expect(new Set(names).size).toBe(names.length)
    // those that are never deleted or moved are packed or told; those that nobody touches are packed
    expect(residents.filter((path) => names.includes(path) === told.includes(path))).toEqual([])
    expect(told.filter((path) => path.startsWith('calm'))).toEqual([])
    expect(manifest.filter((line) => line.type === 'skipped' && !/^wild/.test(line.path))).toEqual([])

    seen.packs++
    seen.archives += archives.length
    for (const line of manifest) if (line.type === 'failed' || line.type === 'skipped') seen.reasons[line.reason] = (seen.reasons[line.reason] ?? 0) + 1
    if (seen.packs % 3 === 0) rmSync(output, { recursive: true })
  } while (Date.now() < end)

  mutator.stdin.end()
  const did = (await lines.next()).value
  expect((await closed)[0]).toBe(0)
  console.log(`mutation (seed ${seed}${user.uid ? ', packed as nobody' : ''}): ${JSON.stringify(seen)} while ${did}`)
  // at rest everything is packed, and is what lies there
  expect(await pack({ source: join(home, 'in'), output: join(home, 'last'), ports })).toMatchObject({ members: 408, failed: 0, skipped: 0 })
  expect((await verify({ output: join(home, 'last'), source: join(home, 'in'), ports })).problems).toEqual([])
})
