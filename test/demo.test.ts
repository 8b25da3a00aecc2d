// The whole line, small, as a process: what it prints, what it leaves behind.
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const MAIN = fileURLToPath(new URL('../dist/esm/cli/main.js', import.meta.url))

let dir = ''
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'millrace-demo-test-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

/** Runs the demo with a temporary directory of its own; `interrupt` sends SIGINT once a line of stderr matches, or so many milliseconds after its stream has files. */
async function demo(args: string[], interrupt?: RegExp | number) {
  const temporary = await mkdtemp(join(dir, 'tmp-'))
  const child = spawn(process.execPath, [MAIN, 'demo', ...args], { env: { ...process.env, TMPDIR: temporary } })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk) => {
    out += chunk
  })
  let sent = false
  child.stderr.on('data', (chunk) => {
    err += chunk
    // once: a second one would not wait for the cleaning up
    if (!sent && interrupt instanceof RegExp && interrupt.test(err)) sent = child.kill('SIGINT')
  })
  if (typeof interrupt === 'number') {
    while ((await readdir(temporary)).length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    setTimeout(() => child.kill('SIGINT'), interrupt)
  }
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { code, out, err, left: await readdir(temporary) }
}

describe('millrace demo', () => {
  it('verifies every row and leaves nothing behind', { timeout: 60_000 }, async () => {
    const { code, out, err, left } = await demo(['--rows', '20000'])
    expect(err).not.toContain('Warning')
    expect(out).toContain('verified: 20,000 of 20,000 rows')
    expect(code).toBe(0)
    expect(left).toEqual([])
  })

  it('tells the same to a program, and keeps the files where it is told to', { timeout: 60_000 }, async () => {
    const keep = join(dir, 'kept')
    const { code, out, left } = await demo(['--rows', '5000', '--json', '--keep', keep])
    const report = JSON.parse(out)
    expect(report).toMatchObject({ verified: true, rows: 5000, verdict: { expected: 5000, read: 5000, equal: 5000, differences: [] } })
    expect(report.units.before).toBe(5000)
    expect(report.units.after).toBeLessThan(500)
    expect(code).toBe(0)
    expect(left).toEqual([])
    expect(await readdir(keep)).toEqual(expect.arrayContaining(['parquet', 'snowball', 'unpacked']))
  })

  it('cleans up after an interrupt', { timeout: 60_000 }, async () => {
    const { code, out, err, left } = await demo(['--rows', '300000'], /read/)
    expect(err).toContain('interrupted by SIGINT')
    expect([code, out, left]).toEqual([130, '', []])
  })

  // The server's database dies of a write after it was closed: while the stream is made, while it fills.
  it.each([20, 150, 500])('cleans up after an interrupt %d ms after its start', { timeout: 60_000 }, async (after) => {
    const { code, err, left } = await demo(['--rows', '300000'], after)
    expect([code, left]).toEqual([130, []])
    expect(err).toContain('interrupted by SIGINT')
  })

  it.each([
    [['--rows', '0'], '--rows expected a whole number from 1 to 3000000, got "0"'],
    [['--rows', '3000001'], '--rows expected'],
    [['--rows', '5', '--all'], 'exclude each other'],
    [['here'], 'expected no arguments'],
  ])('%j is wrong usage', async (args, message) => {
    const { code, out, err } = await demo(args)
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain(message)
  })

  it('takes over no directory that is in use', async () => {
    const used = join(dir, 'used')
    await mkdir(used)
    await writeFile(join(used, 'file'), '')
    const { code, err } = await demo(['--keep', used])
    expect(code).toBe(1)
    expect(err).toContain('expected a new or empty directory')
    expect(await readdir(used)).toEqual(['file'])
  })
})
