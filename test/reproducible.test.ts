// Two builds of the binaries, in two places, are the same bytes.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const GENERATED = ['src/engine/core.ts', 'src/engine/transform-core.ts', 'src/ports/program.ts']
const FILES = ['build/simd.wasm', 'build/scalar.wasm', 'build/transform.simd.wasm', 'build/transform.scalar.wasm', ...GENERATED]

async function build(dir: string): Promise<string[]> {
  await mkdir(dir, { recursive: true })
  const parts = ['assembly', 'src', 'asconfig.json', 'build.mjs', 'package.json', 'package-lock.json', 'tsconfig.json']
  for (const part of parts) await cp(join(ROOT, part), join(dir, part), { recursive: true })
  for (const file of GENERATED) await rm(join(dir, file), { force: true })
  await symlink(join(ROOT, 'node_modules'), join(dir, 'node_modules'))
  await promisify(execFile)(process.execPath, ['build.mjs', 'core'], { cwd: dir })
  return digests(dir)
}

const digests = (dir: string) =>
  Promise.all(
    FILES.map(
      async (file) =>
        `${file} ${createHash('sha256')
          .update(await readFile(join(dir, file)))
          .digest('hex')}`,
    ),
  )

it('the binaries and the program of its threads build to the same bytes wherever it is built', { timeout: 300_000 }, async () => {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-build-'))
  try {
    const one = await build(join(dir, 'one'))
    const two = await build(join(dir, 'a/much deeper/place, with spaces'))
    expect(two).toEqual(one)
    // and they are what this checkout runs
    expect(await digests(ROOT)).toEqual(one)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
})
