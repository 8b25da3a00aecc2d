// What five independent readers find in the archives of a hostile tree.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { nodePorts as ports } from '../../../src/ports/node.js'
import { packSnowball as pack, verifySnowball as verify } from '../../../src/snowball/index.js'
import { type Member, sha256 } from '../../archive/members.js'
import { readers } from '../../archive/readers.js'
import { type HostileTree, hostileTree, sparseFile } from './hostile.js'
import { type Archive, archivesOf, expectEqual, expectRead, manifestOf } from './outputs.js'

// MILLRACE_PROOF=full: every code point of Unicode, 100,000 entries, three files around 8 GiB; minutes, and 10 GB of disk.
const full = process.env.MILLRACE_PROOF === 'full'
const seed = Number(process.env.MILLRACE_PROOF_SEED ?? 7)

let home = ''
const at = (...parts: string[]) => join(home, ...parts)
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'millrace-readers-'))
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

const byName = (a: Member, b: Member) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name))

/** Every file below `root`, hashed; anything else there throws. */
function filesBelow(root: string, path = ''): Member[] {
  return readdirSync(join(root, path), { withFileTypes: true }).flatMap((entry) => {
    const name = path === '' ? entry.name : `${path}/${entry.name}`
    if (entry.isDirectory()) return filesBelow(root, name)
    if (!entry.isFile()) throw new Error(`${name} is no file`)
    const data = readFileSync(join(root, name))
    return [{ name, size: data.length, sha256: sha256(data) }]
  })
}

const membersOf = (archives: readonly Archive[]) => archives.flatMap(({ members }) => members)

describe(`a hostile tree (${full ? 'full' : 'small'}, seed ${seed})`, () => {
  let tree: HostileTree
  let archives: Archive[]
  beforeAll(async () => {
    mkdirSync(at('in'))
    tree = hostileTree(at('in'), seed, full)
    await pack({ source: at('in'), output: at('out'), chunkFiles: full ? 10_000 : 700, ports })
    archives = archivesOf(at('out'))
  }, 600_000)

  it('is packed whole, and the manifest tells of all that is not', () => {
    expectEqual('manifest', membersOf(archives).sort(byName), tree.files)
    expect(archives.length).toBeGreaterThan(3)
    const byPath = (a: { path: string }, b: { path: string }) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0)
    const left = (type: 'failed' | 'skipped') => manifestOf(at('out')).flatMap((line) => (line.type === type ? [line] : []))
    expect(left('skipped').map(({ path }) => path)).toEqual(tree.skipped.sort())
    const [failed, refused] = [left('failed').sort(byPath), tree.refused.sort(byPath)]
    expect(failed.map(({ path, reason }) => ({ path, reason }))).toEqual(refused.map(({ path }) => ({ path, reason: 'key' })))
    for (const [i, { message }] of failed.entries()) expect(message).toMatch(refused[i].says)
    console.log(`hostile tree: ${tree.files.length} files in ${archives.length} archives, ${refused.length} refused, ${tree.skipped.length} skipped`)
  })

  for (const reader of readers) {
    it.runIf(reader.there)(`${reader.name} lists and reads the same names, sizes and hashes`, { timeout: 600_000 }, () => expectRead(reader, archives))

    it.runIf(reader.there)(`${reader.name} extracts the tree as it was`, { timeout: 600_000 }, async () => {
      const back = at(`back-${reader.name.replaceAll(' ', '-')}`)
      mkdirSync(back)
      await reader.extract(
        archives.map(({ file }) => file),
        back,
      )
      expectEqual(reader.name, filesBelow(back).sort(byName), tree.files)
      rmSync(back, { recursive: true })
    })
  }

  it('is verified against itself', { timeout: 600_000 }, async () => {
    expect((await verify({ output: at('out'), ports })).problems).toEqual([])
  })
})

describe.runIf(full)('a file around 8 GiB', () => {
  it.each([2 ** 33 - 1, 2 ** 33, 9 * 2 ** 30])('of %i bytes is read alike by all, and so is what stands beside it', { timeout: 1_800_000 }, async (size) => {
    const files = [
      { name: 'a', ...sparseFile(at('giant/a'), 1 << 20, seed) },
      { name: 'b', ...sparseFile(at('giant/b'), size, seed) },
      { name: 'c', ...sparseFile(at('giant/c'), 20_000, seed) },
    ]
    await pack({ source: at('giant'), output: at('giant-out'), ports })
    const archives = archivesOf(at('giant-out'))
    expect(membersOf(archives).sort(byName)).toEqual(files)
    for (const reader of readers) if (reader.there) await expectRead(reader, archives)
    expect((await verify({ output: at('giant-out'), ports })).problems).toEqual([])
    for (const name of ['giant', 'giant-out']) rmSync(at(name), { recursive: true })
  })
})
