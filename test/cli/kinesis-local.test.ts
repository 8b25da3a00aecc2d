// `millrace kinesis-local` as a process, used by `millrace produce` and `millrace consume`.
import { spawn, spawnSync } from 'node:child_process'
import { afterEach, expect, test } from 'vitest'

const MAIN = new URL('../../dist/esm/cli/main.js', import.meta.url).pathname
const children = new Set<ReturnType<typeof spawn>>()
afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  children.clear()
})

function start(...args: string[]) {
  const child = spawn(process.execPath, [MAIN, 'kinesis-local', ...args])
  children.add(child)
  let out = ''
  let err = ''
  child.stderr.on('data', (data) => {
    err += data
  })
  const ready = new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (data) => {
      out += data
      if (out.includes('\n')) resolve(out)
    })
    child.on('exit', () => reject(new Error(err)))
  })
  const gone = new Promise<number | null>((resolve) => child.on('close', resolve))
  return { child, ready, gone, err: () => err }
}

test('a stream with faults: what produce sends, consume finds', { timeout: 60_000 }, async () => {
  const { child, ready, gone, err } = start('--port', '0', '--stream', 's', '--shards', '2', '--faults', 'throttle=20%,resetAfter=0.1', '--seed', '3', '--json')
  const { endpoint, seed, faults } = JSON.parse(await ready)
  expect({ seed, faults }).toEqual({ seed: 3, faults: { throttle: 0.2, resetAfter: 0.1 } })
  const lines = Array.from({ length: 3000 }, (_, i) => JSON.stringify({ id: i, key: `k${i % 100}` }))
  const produced = spawn(process.execPath, [MAIN, 'produce', '--stream', 's', '--endpoint', endpoint, '--key', 'key'])
  children.add(produced)
  produced.stdin.end(`${lines.join('\n')}\n`)
  expect(await new Promise((resolve) => produced.on('close', resolve))).toBe(0)
  const consumed = spawn(process.execPath, [MAIN, 'consume', '--stream', 's', '--endpoint', endpoint, '--from', 'trim-horizon', '--until', 'now'])
  children.add(consumed)
  let out = ''
  let said = ''
  consumed.stdout.on('data', (data) => {
    out += data
  })
  consumed.stderr.on('data', (data) => {
    said += data
  })
  const code = await new Promise((resolve) => consumed.on('close', resolve))
  expect(`${code} ${code === 0 ? '' : said}`).toBe('0 ')
  const found = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(Buffer.from(JSON.parse(line).data, 'base64').toString()).id)
  expect(new Set(found).size).toBe(3000)
  child.kill('SIGINT')
  expect(await gone).toBe(130)
  expect(err()).toMatch(/kinesis-local: (no faults|.*throttle \d+)/)
})

test('wrong use is said', () => {
  const call = (...args: string[]) => spawnSync(process.execPath, [MAIN, 'kinesis-local', ...args], { encoding: 'utf8' })
  expect(call('--faults', 'fire=1')).toMatchObject({ status: 2, stderr: expect.stringContaining('--faults expected some of throttle') })
  expect(call('--faults', 'throtle=1').stderr).toContain('got "throtle"; did you mean throttle?')
  expect(call('--faults', 'reset=1%,reset=2%').stderr).toContain('--faults expected each fault once, got reset twice')
  expect(call('--host', '').stderr).toContain('--host expected a name or an address of this machine, got ""')
  expect(call('--stream', 'a b').stderr).toContain('--stream expected a name of 1 to 128 letters')
  expect(call('--port', 'x')).toMatchObject({ status: 2 })
  expect(call('--shards', '3')).toMatchObject({ status: 2, stderr: expect.stringContaining('--shards needs --stream') })
  expect(call('--help').stdout).toContain('millrace kinesis-local --stream flights --faults')
})
