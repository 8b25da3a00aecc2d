// Real processes on a real directory, killed at any moment.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fileSpool } from '../../../src/kinesis/producer/spool/spool.js'
import { nodePorts } from '../../../src/ports/node.js'
import { lockDirectory } from '../../../src/ports/node-lock.js'
import { batchOf, drain } from './batches.js'

let home = ''
let program = ''
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'millrace-spool-'))
  program = join(home, 'child.mjs')
  await build({
    entryPoints: [join(import.meta.dirname, 'child.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: program,
    external: ['@aws-sdk/*', '@smithy/*'],
    logLevel: 'error',
  })
})
afterAll(() => rm(home, { recursive: true, force: true }))

function start(...args: string[]) {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  let out = ''
  child.stdout.on('data', (data) => {
    out += data
  })
  const opened = new Promise<void>((resolve) => child.stdout.on('data', () => out.includes('open\n') && resolve()))
  const closed = once(child, 'close')
  return {
    opened,
    pid: child.pid as number,
    async kill() {
      child.kill('SIGKILL')
      await closed
      return out.split('\n').slice(0, -1)
    },
  }
}

/** What a user of the children knows: accepted, settled, and whether what comes back is all the rest. */
function createLedger() {
  const accepted = new Map<number, string>()
  const settled = new Set<number>()
  const ledger = { accepted, again: 0, read, finish }
  const back = (number: number, text: string) => {
    const known = accepted.get(number)
    if (known !== undefined) expect(text).toBe(known)
    if (settled.delete(number)) ledger.again++
    accepted.set(number, text)
  }
  const check = (found: Set<number>) => {
    for (const number of accepted.keys()) if (!settled.has(number) && !found.has(number)) throw new Error(`record ${number} is lost`)
  }
  /** The lines of a life; whether it came as far as to open the spool. */
  function read(lines: string[]): boolean {
    const found = new Set<number>()
    let opened = false
    for (const line of lines) {
      const [what, number, ...texts] = line.split(' ')
      if (what === 'r') {
        found.add(Number(number))
        back(Number(number), texts[0])
      } else if (what === 'open') {
        check(found)
        opened = true
      } else if (what === 'a') {
        for (const [i, text] of texts.entries()) accepted.set(Number(number) + i, text)
      } else settled.add(Number(number))
    }
    return opened
  }
  /** Opens the spool here, at last. */
  async function finish(directory: string) {
    const spool = await fileSpool(nodePorts, directory)()
    const found = await drain(spool)
    for (const [number, text] of found) back(number, text)
    check(new Set(found.map(([number]) => number)))
    await spool.close()
  }
  return ledger
}

const kills = Number(process.env.MILLRACE_SPOOL_KILLS ?? 12)

test(`${kills} times kill -9 in the middle of it: 0 accepted records lost`, { timeout: 60_000 + 3_000 * kills }, async () => {
  const directory = join(home, 'kill')
  const ledger = createLedger()
  for (let life = 0; life < kills; life++) {
    const child = start(directory, String(life))
    await child.opened
    await new Promise((resolve) => setTimeout(resolve, 10 + ((life * 37) % 250)))
    expect(ledger.read(await child.kill())).toBe(true)
  }
  await ledger.finish(directory)
  console.log(`spool kill -9: ${kills} kills, ${ledger.accepted.size} records accepted, 0 lost, ${ledger.again} settled ones came again`)
})

const strace = spawnSync('strace', ['-V']).status === 0
const every = Number(process.env.MILLRACE_SPOOL_EVERY ?? 5)

// -P would follow only paths that are there when it starts: calls of the thread pool's one thread are counted, whatever their file.
test.runIf(strace)(`killed by strace at every ${every}th write, fsync, open and unlink of a run: 0 accepted records lost`, { timeout: 900_000 }, async () => {
  let points = 0
  let finished = 0
  for (const call of ['pwrite64', 'write', 'fsync', 'openat', 'unlink', 'rmdir']) {
    for (let nth = 1; ; nth += every) {
      const directory = await mkdtemp(join(home, 'strace-'))
      const ledger = createLedger()
      const args = [
        '-f',
        '-qq',
        '-o',
        '/dev/null',
        '-e',
        `trace=${call}`,
        '-e',
        `inject=${call}:signal=SIGKILL:when=${nth}`,
        process.execPath,
        program,
        directory,
        'x',
        '6',
      ]
      const { stdout, signal, status } = spawnSync('strace', args, { encoding: 'utf8', maxBuffer: 2 ** 26, env: { ...process.env, UV_THREADPOOL_SIZE: '1' } })
      ledger.read(stdout.split('\n').slice(0, -1))
      await ledger.finish(directory)
      points++
      // Killed no more: the run has no such call left. Calls of Node's own start come first.
      if (signal === null && status === 0) {
        finished++
        break
      }
    }
  }
  console.log(`spool strace: ${points} points, ${finished} runs to the end, 0 lost`)
})

test('a second process is told who holds the directory; a killed one holds it no more', { timeout: 60_000 }, async () => {
  const directory = join(home, 'lock')
  const child = start(directory, 'x', 'hold')
  await child.opened
  await expect(fileSpool(nodePorts, directory)()).rejects.toMatchObject({
    code: 'LOCKED',
    message: expect.stringMatching(new RegExp(`process ${child.pid} holds by lock\\.`)),
  })
  await child.kill()
  const spool = await fileSpool(nodePorts, directory)()
  await expect(fileSpool(nodePorts, directory)()).rejects.toThrow(`this process (${process.pid})`)
  await spool.close()
  const again = await fileSpool(nodePorts, directory)()
  expect((await readdir(directory)).filter((name) => name.startsWith('lock.'))).toHaveLength(1)
  await again.close()
  expect((await readdir(directory)).filter((name) => name.startsWith('lock.'))).toEqual([])
})

test('of many that come at once at most one gets in, and a dead one is taken over by one of them', { timeout: 60_000 }, async () => {
  const directory = await mkdtemp(join(home, 'race-'))
  for (let round = 0; round < 10; round++) {
    // a process of another boot, whose number another has by now
    await writeFile(join(directory, `lock.${process.ppid}.deadbeef-1.${await namespace()}.00.${hostname()}`), '')
    const got = await Promise.allSettled(Array.from({ length: 8 }, () => lockDirectory(directory)))
    const held = got.filter((g) => g.status === 'fulfilled')
    expect(held.length).toBeLessThanOrEqual(1)
    for (const g of got) if (g.status === 'rejected') expect(g.reason).toMatchObject({ code: 'LOCKED' })
    for (const { value } of held) await value.release()
    expect(await readdir(directory)).toEqual([])
  }
  await (await lockDirectory(directory)).release()
})

test('a holder that cannot be asked keeps the directory while it gives signs of life', { timeout: 60_000 }, async () => {
  const directory = await mkdtemp(join(home, 'far-'))
  const file = join(directory, 'lock.7.abc-1.4026531836.00.far.away')
  await writeFile(file, '')
  let second = 0
  const beating = setInterval(() => void utimes(file, ++second, second).catch(() => {}), 20)
  await expect(lockDirectory(directory, { watch: 1_000 })).rejects.toThrow('process 7 on far.away')
  clearInterval(beating)
  const lock = await lockDirectory(directory, { watch: 200, beat: 20 })
  // ours gives signs too
  await expect(lockDirectory(directory, { watch: 200 })).rejects.toMatchObject({ code: 'LOCKED' })
  await lock.release()
  expect(await readdir(directory)).toEqual([])
})

test('a real directory, made with its parents: records come back after a restart', async () => {
  const directory = join(home, 'a/b/c/')
  const spool = await fileSpool(nodePorts, directory)()
  await spool.append(batchOf(['one', 'two']))
  spool.settle(Float64Array.of(0))
  await spool.close()
  const again = await fileSpool(nodePorts, directory)()
  expect(await drain(again)).toEqual([[1, 'two']])
  await again.close()
})

async function namespace(): Promise<string> {
  const directory = await mkdtemp(join(home, 'ns-'))
  const lock = await lockDirectory(directory)
  const [name] = await readdir(directory)
  await lock.release()
  return name.split('.')[3]
}
