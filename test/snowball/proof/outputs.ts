// What a pack left behind, as independent readers find it.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { expect } from 'vitest'
import type { ManifestLine } from '../../../src/snowball/index.js'
import type { Member } from '../../archive/members.js'
import type { TarReader } from '../../archive/readers.js'

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
