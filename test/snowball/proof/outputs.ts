// What a pack left behind, as independent readers find it.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { build } from 'esbuild'
import { expect } from 'vitest'
import type { ManifestLine } from '../../../src/snowball/index.js'
import type { Member } from '../../archive/members.js'
import type { TarReader } from '../../archive/readers.js'
import { random } from './hostile.js'

/** An archive, and what the manifest says is in it. */
export interface Archive {
  file: string
  members: Member[]
}

export function manifestOf(output: string): ManifestLine[] {
  const lines = readFileSync(join(output, 'manifest.ndjson'), 'utf8').trimEnd().split('\n')
  return lines.map((line) => JSON.parse(line))
}

export function archivesOf(output: string): Archive[] {
  const archives: Archive[] = []
  for (const line of manifestOf(output)) {
    if (line.type === 'chunk') archives.push({ file: join(output, line.chunk), members: [] })
    if (line.type === 'member') archives.at(-1)!.members.push({ name: line.key, size: line.size, sha256: line.sha256 })
  }
  return archives
}

/** Equal as toEqual has it, which takes minutes to tell what differs among 100,000. */
export function expectEqual(who: string, found: readonly Member[], expected: readonly Member[]) {
  const first = expected.findIndex((member, i) => JSON.stringify(member) !== JSON.stringify(found[i]))
  if (first >= 0) expect(found[first], `${who}: member ${first}`).toEqual(expected[first])
  expect(found.length, who).toBe(expected.length)
}

/** The reader finds in every archive what the manifest says, in its order. */
export async function expectRead({ members, name }: TarReader, archives: readonly Archive[]) {
  const found = await members(archives.map(({ file }) => file))
  for (const [i, { file, members }] of archives.entries()) expectEqual(`${name}, ${file}`, found[i], members)
}

/** A program of this folder as one file that Node runs. */
export async function bundle(name: string, outfile: string) {
  const entry = join(import.meta.dirname, name)
  await build({ entryPoints: [entry], bundle: true, platform: 'node', format: 'esm', outfile, external: ['@aws-sdk/*', '@smithy/*'], logLevel: 'error' })
}

export const CLI = new URL('../../../dist/esm/cli/main.js', import.meta.url).pathname

/** A tree of `count` small files, and one that is large; like every time for the seed, but for its times. */
export function someFiles(root: string, count: number, seed: number) {
  const pick = random(seed)
  for (let i = 0; i <= count; i++) {
    const path = join(root, `folder-${i % 4}`, i % 3 === 0 ? `datei-${i}-ü` : `file-${i}`)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, Buffer.alloc(i === count ? 2_500_000 : pick(30_000), `${i} of ${seed}; `))
  }
}

export const filesOf = (output: string) => new Map(readdirSync(output).map((name) => [name, readFileSync(join(output, name))]))

/** Byte for byte what an undisturbed run left, and nothing else. */
export function expectSame(output: string, reference: ReadonlyMap<string, Buffer>, when: string) {
  const files = filesOf(output)
  expect([...files.keys()].sort(), when).toEqual([...reference.keys()].sort())
  for (const [name, bytes] of files) expect(bytes.equals(reference.get(name)!), `${when}: ${name}`).toBe(true)
}

/** What has its final name is whole already. */
export function expectNothingTorn(output: string, reference: ReadonlyMap<string, Buffer>, when: string) {
  for (const [name, bytes] of filesOf(output))
    if (!/^lock\.|\.(?:tmp|part)$/.test(name)) expect(bytes.equals(reference.get(name) ?? Buffer.from('no such file')), `${when}: ${name}`).toBe(true)
}
