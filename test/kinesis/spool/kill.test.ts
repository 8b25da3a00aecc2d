// Real processes on a real directory, killed at any moment.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fileSpool } from '../../../src/kinesis/spool/spool.js'
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

const kills = Number(process.env.MILLRACE_SPOOL_KILLS ?? 12)

test(`${kills} times kill -9 in the middle of it: 0 accepted records lost`, { timeout: 60_000 + 3_000 * kills }, async () => {
  const directory = join(home, 'kill')
  const accepted = new Map<number, string>()
  const settled = new Set<number>()
  let again = 0
  const back = (number: number, text: string) => {
    const known = accepted.get(number)
    if (known !== undefined) expect(text).toBe(known)
    if (settled.delete(number)) again++
    accepted.set(number, text)
  }
  const check = (found: Set<number>) => {
    for (const number of accepted.keys()) if (!settled.has(number) && !found.has(number)) throw new Error(`record ${number} is lost`)
  }
  for (let life = 0; life < kills; life++) {
    const child = start(directory, String(life))
    await child.opened
    await new Promise((resolve) => setTimeout(resolve, 10 + ((life * 37) % 250)))
    const found = new Set<number>()
    let opened = false
    for (const line of await child.kill()) {
      const [what, number, ...texts] = line.split(' ')
      if (what === 'r') {
        found.add(Number(number))
        back(Number(number), texts[0])
      } else if (what === 'open') {
        check(found)
        opened = true
      } else if (what === 'a') {
        texts.forEach((text, i) => {
          accepted.set(Number(number) + i, text)
        })
      } else settled.add(Number(number))
    }
    expect(opened).toBe(true)
  }
  const spool = await fileSpool(nodePorts, directory)()
  const found = await drain(spool)
  for (const [number, text] of found) back(number, text)
  check(new Set(found.map(([number]) => number)))
  await spool.close()
  console.log(`spool kill -9: ${kills} kills, ${accepted.size} records accepted, 0 lost, ${again} settled ones came again`)
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
