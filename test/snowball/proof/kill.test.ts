// Runs that are killed, at every call that changes the output and at any moment, and gone on with.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { nodePorts as ports } from '../../../src/ports/node.js'
import { packSnowball as pack } from '../../../src/snowball/index.js'
import { random } from './hostile.js'
import { FLAGS, LIMITS } from './limits.js'
import { bundle, CLI, expectNothingTorn, expectSame, filesOf, someFiles } from './outputs.js'

// MILLRACE_PROOF=full: a kill at every call of every thread, and 50 at random moments
const full = process.env.MILLRACE_PROOF === 'full'
const seed = Number(process.env.MILLRACE_PROOF_SEED ?? 7)

let home = ''
const at = (...parts: string[]) => join(home, ...parts)
let reference: Map<string, Buffer>
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'millrace-kill-'))
  someFiles(at('in'), 40, seed)
  await pack({ source: at('in'), output: at('reference'), ports, ...LIMITS })
  reference = filesOf(at('reference'))
  await bundle('packer.ts', at('packer.mjs'))
}, 60_000)
afterAll(() => rmSync(home, { recursive: true, force: true }))

/** Goes on, in a process of its own where there is time for it. */
async function goOn(output: string) {
  if (!full) return pack({ source: at('in'), output, ports, ...LIMITS })
  const child = spawn(process.execPath, [CLI, 'snowball', 'pack', at('in'), '-o', output, ...FLAGS], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (piece) => {
    said += piece
  })
  expect((await once(child, 'close'))[0], said).toBe(0)
}

it('killed at every call that changes the output, a run goes on to the same bytes', { timeout: 600_000 }, async () => {
  expect(reference.size).toBe(7)
  let points = 0
  for (const half of [[], ['half']]) {
    for (let n = 0; ; n++) {
      const output = at(`out-${half}-${n}`)
      const child = spawn(process.execPath, [at('packer.mjs'), at('in'), output, String(n), ...half], { stdio: 'ignore' })
      const [status, signal] = await once(child, 'close')
      if (signal !== 'SIGKILL') {
        expect(status).toBe(0)
        expectSame(output, reference, `undisturbed, ${n} calls`)
        break
      }
      points++
      mkdirSync(output, { recursive: true })
      expectNothingTorn(output, reference, `killed at call ${n}`)
      await goOn(output)
      expectSame(output, reference, `killed at call ${n} ${half}`)
      rmSync(output, { recursive: true })
    }
  }
  expect(points).toBeGreaterThan(50)
  console.log(`kill -9 at every call: ${points} points`)
})

const strace = spawnSync('strace', ['-V']).status === 0

it.runIf(strace)('killed at calls of the kernel by any of its threads, a run goes on to the same bytes', { timeout: 3_600_000 }, async () => {
  const points: Record<string, number> = {}
  // each thread is counted for itself
  for (const call of ['write', 'fsync', 'rename', 'unlink', 'openat']) {
    points[call] = 0
    // many of these are Node's own: its start, and threads that it wakes
    const many = call === 'write' || call === 'openat'
    for (let nth = 1; ; nth += full ? 1 : many ? 16 : 4) {
      const output = at(`out-${call}-${nth}`)
      const inject = ['-f', '-qq', '-o', '/dev/null', '-e', `trace=${call}`, '-e', `inject=${call}:signal=SIGKILL:when=${nth}`]
      const args = [...inject, process.execPath, CLI, 'snowball', 'pack', at('in'), '-o', output, ...FLAGS]
      // one thread of Node's pool, so that its calls are counted through
      const [, signal] = await once(spawn('strace', args, { stdio: 'ignore', env: { ...process.env, UV_THREADPOOL_SIZE: '1' } }), 'close')
      if (signal !== 'SIGKILL') {
        expectSame(output, reference, `${call} ${nth}`)
        break
      }
      points[call]++
      mkdirSync(output, { recursive: true })
      expectNothingTorn(output, reference, `killed at ${call} ${nth}`)
      await goOn(output)
      expectSame(output, reference, `killed at ${call} ${nth}`)
      rmSync(output, { recursive: true })
    }
  }
  console.log(`kill -9 by strace: ${JSON.stringify(points)}`)
})

it('killed at any moment, several times in a row, a run goes on to the same bytes', { timeout: 600_000 }, async () => {
  const pick = random(seed)
  let kills = full ? 50 : 8
  someFiles(at('many'), 1500, seed)
  const start = performance.now()
  const run = (output: string) => spawn(process.execPath, [CLI, 'snowball', 'pack', at('many'), '-o', output, '--chunk-files', '100'], { stdio: 'ignore' })
  await once(run(at('many-reference')), 'close')
  const lasts = performance.now() - start
  const whole = filesOf(at('many-reference'))
  let outputs = 0
  while (kills > 0) {
    const output = at(`many-${outputs++}`)
    for (;;) {
      const child = run(output)
      const closed = once(child, 'close')
      // not before Node has started; how far it then is does not matter
      const late = setTimeout(() => kills-- > 0 && child.kill('SIGKILL'), 60 + pick(lasts))
      const [status, signal] = await closed
      clearTimeout(late)
      mkdirSync(output, { recursive: true })
      if (signal !== 'SIGKILL') {
        expect(status).toBe(0)
        break
      }
      expectNothingTorn(output, whole, 'killed at some moment')
    }
    expectSame(output, whole, 'killed at some moments')
    rmSync(output, { recursive: true })
  }
  console.log(`kill -9 at random: ${full ? 50 : 8} kills, ${outputs} outputs`)
})
