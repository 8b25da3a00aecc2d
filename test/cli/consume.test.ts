// millrace consume as a process that ends in the middle, and another that goes on from its checkpoints.
import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { compareCheckpoints, isNumber, type Lease } from '../../src/kinesis/consumer/checkpoint-store.js'
import { createProducer } from '../../src/kinesis/producer/producer.js'
import { createStream, type KinesisServer, startKinesalite } from '../servers.js'

const MAIN = new URL('../../dist/esm/cli/main.js', import.meta.url).pathname
const KEYS = 50

let server: KinesisServer
let dir = ''
beforeAll(async () => {
  server = await startKinesalite()
  dir = mkdtempSync(join(tmpdir(), 'millrace-cli-consume-'))
}, 30_000)
afterAll(async () => {
  await server?.stop()
  rmSync(dir, { recursive: true, force: true })
})

async function put(stream: string, from: number, count: number) {
  const producer = createProducer({ streamName: stream, client: server.client })
  await producer.putBatch(Array.from({ length: count }, (_, i) => ({ partitionKey: `k${(from + i) % KEYS}`, data: String(from + i) })))
  await producer.close()
}

interface Line {
  id: number
  shardId: string
  sequenceNumber: string
  subSequenceNumber: number
}

/** Reads with checkpoints in this file, until it is ended, or up to now. */
function start(stream: string, checkpoint: string, ...more: string[]) {
  const args = ['consume', '--stream', stream, '--endpoint', server.endpoint, '--checkpoint', checkpoint, ...more]
  const child = spawn(process.execPath, [MAIN, ...args], { env: { ...process.env, NODE_NO_WARNINGS: '1' }, timeout: 120_000 })
  let out = ''
  let err = ''
  let count = 0
  let look = () => {}
  child.stderr.on('data', (chunk) => (err += chunk))
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    out += chunk
    count += chunk.split('\n').length - 1
    look()
  })
  const closed = new Promise<string | number | null>((resolve) => child.on('close', (code, signal) => resolve(signal ?? code)))
  return {
    child,
    written: (lines: number) =>
      new Promise<void>((resolve, reject) => {
        look = () => {
          if (count >= lines) resolve()
        }
        closed.then((code) => reject(new Error(`ended with ${code}: ${err}`)))
        look()
      }),
    async end() {
      const code = await closed
      // A kill -9 may cut a line; whoever reads it knows that it has not come.
      const lines = out
        .slice(0, out.lastIndexOf('\n') + 1)
        .split('\n')
        .slice(0, -1)
        .map((line): Line => {
          const { data, ...place } = JSON.parse(line)
          return { ...place, id: Number(Buffer.from(data, 'base64').toString()) }
        })
      return { code, err, lines }
    },
  }
}

const leasesOf = (checkpoint: string): Lease[] => JSON.parse(readFileSync(checkpoint, 'utf8')).leases

it.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s: it stores what it has written and leaves; the next one has the rest, and nothing twice', { timeout: 300_000 }, async (signal, expected) => {
  const stream = `told-${signal}`
  const checkpoint = join(dir, `${signal}.json`)
  await createStream(server.client, stream, 3)
  const ids: number[] = []
  for (let round = 0; round < 2; round++) {
    await put(stream, 6_000 * round, 6_000)
    const life = start(stream, checkpoint)
    await life.written(100)
    life.child.kill(signal)
    const { code, err, lines } = await life.end()
    expect([code, err]).toEqual([expected, `millrace consume: ${lines.length} records; no shard behind\n`])
    ids.push(...lines.map(({ id }) => id))
    expect(leasesOf(checkpoint).every(({ owner }) => owner === undefined)).toBe(true)
  }
  await put(stream, 12_000, 3_000)
  const { code, lines } = await start(stream, checkpoint, '--until', 'now').end()
  expect(code).toBe(0)
  ids.push(...lines.map(({ id }) => id))
  expect([ids.length, new Set(ids).size]).toEqual([15_000, 15_000])
  // Through all lives.
  for (let key = 0; key < KEYS; key++) {
    const own = ids.filter((id) => id % KEYS === key)
    expect(own).toEqual([...own].sort((a, b) => a - b))
  }
})

it('the closing line says how far the newest records are ahead', { timeout: 300_000 }, async () => {
  await createStream(server.client, 'behind', 2)
  await put('behind', 0, 100)
  // kinesalite says 0 whatever is left
  const proxy = createServer(async (request, response) => {
    const chunks = await request.toArray()
    const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !/^(host|connection|content-length)$/.test(name))) as Record<
      string,
      string
    >
    const answer = await fetch(server.endpoint, { method: 'POST', headers, body: Buffer.concat(chunks) })
    const text = (await answer.text()).replace('"MillisBehindLatest":0', '"MillisBehindLatest":61000')
    response.writeHead(answer.status, { 'content-type': String(answer.headers.get('content-type')) }).end(text)
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  try {
    const endpoint = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
    const life = start('behind', join(dir, 'behind.json'), '--endpoint', endpoint)
    await life.written(100)
    life.child.kill('SIGINT')
    expect((await life.end()).err).toMatch(/^millrace consume: 100 records; [12] of [12] shards behind, (shardId-00000000000\d most, )?by 1:01\n$/)
  } finally {
    proxy.closeAllConnections()
    proxy.close()
  }
})

it('kill -9: the next one goes on behind what was stored, and all comes', { timeout: 300_000 }, async () => {
  const checkpoint = join(dir, 'killed.json')
  await createStream(server.client, 'killed', 3)
  await put('killed', 0, 6_000)
  const first = start('killed', checkpoint)
  await first.written(6_000)
  while (!leasesOf(checkpoint).every((lease) => isNumber(lease.checkpoint.sequenceNumber))) await new Promise((resolve) => setTimeout(resolve, 20))
  await put('killed', 6_000, 6_000)
  await first.written(6_100)
  first.child.kill('SIGKILL')
  const killed = await first.end()
  expect(killed.code).toBe('SIGKILL')
  const stored = new Map(leasesOf(checkpoint).map((lease) => [lease.shardId, lease.checkpoint]))
  const { lines } = await start('killed', checkpoint, '--until', 'now').end()
  for (const { shardId, ...place } of lines) expect(compareCheckpoints(place, stored.get(shardId) as Lease['checkpoint'])).toBeGreaterThan(0)
  expect(lines.length).toBeLessThanOrEqual(6_000)
  expect(new Set([...killed.lines, ...lines].map(({ id }) => id)).size).toBe(12_000)
})

it.runIf(existsSync('/dev/full'))(
  'what could not be written comes again',
  async () => {
    await createStream(server.client, 'full', 1)
    // Less than a stream of Node's holds in memory.
    await put('full', 0, 20)
    const checkpoint = join(dir, 'full.json')
    const full = openSync('/dev/full', 'w')
    const args = ['consume', '--stream', 'full', '--endpoint', server.endpoint, '--checkpoint', checkpoint, '--until', 'now']
    const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', full, 'ignore'] })
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(1)
    closeSync(full)
    expect((await start('full', checkpoint, '--until', 'now').end()).lines.map(({ id }) => id).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, i) => i),
    )
  },
  60_000,
)
