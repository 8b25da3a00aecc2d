// millrace tail over kinesalite, in this process and as one of its own.
import { spawn } from 'node:child_process'
import { ListShardsCommand, PutRecordsCommand } from '@aws-sdk/client-kinesis'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Values } from '../../src/cli/command.js'
import { command } from '../../src/cli/tail.js'
import { aggregate } from '../../src/kinesis/aggregates/aggregate.js'
import { ShardMap } from '../../src/kinesis/shards/shard-map.js'
import { createStream, type KinesisServer, splitShard, startKinesalite } from '../servers.js'
import { runCommand } from './io.js'

const MAIN = new URL('../../dist/esm/cli/main.js', import.meta.url).pathname

let server: KinesisServer
beforeAll(async () => {
  server = await startKinesalite()
}, 30_000)
afterAll(() => server?.stop())

const put = (StreamName: string, records: readonly (readonly [string, string | Uint8Array])[]) =>
  server.client.send(
    new PutRecordsCommand({
      StreamName,
      Records: records.map(([PartitionKey, data]) => ({ PartitionKey, Data: typeof data === 'string' ? Buffer.from(data) : data })),
    }),
  )
const tail = (stream: string, values: Values = {}) =>
  runCommand(command, { endpoint: server.endpoint, from: 'trim-horizon', until: 'now', ...values }, [], {}, [stream])

/** The command as a process. */
function start(...args: string[]) {
  const child = spawn(process.execPath, [MAIN, 'tail', '--endpoint', server.endpoint, ...args], {
    env: { ...process.env, NODE_NO_WARNINGS: '1' },
    timeout: 120_000,
  })
  let out = ''
  let err = ''
  let look = () => {}
  child.stderr.on('data', (chunk) => (err += chunk))
  child.stdout.on('data', (chunk) => {
    out += chunk
    look()
  })
  const closed = new Promise<string | number | null>((resolve) => child.on('close', (code, signal) => resolve(signal ?? code)))
  /** Until it has written so many lines. */
  const lines = (count: number) =>
    new Promise<string[]>((resolve, reject) => {
      look = () => {
        const all = out.split('\n').slice(0, -1)
        if (all.length >= count) resolve(all)
      }
      closed.then((code) => reject(new Error(`ended with ${code}: ${err}`)))
      look()
    })
  return { child, closed, lines, err: () => err }
}

it('writes a line for each user record, aggregates opened', async () => {
  await createStream(server.client, 'lines', 1)
  const [{ Data }] = aggregate(
    ['a', 'b'].map((partitionKey) => ({ partitionKey, data: Buffer.from(`{ "of": "${partitionKey}" }`) })),
    { shards: ShardMap.even(1) },
  ).records
  await put('lines', [
    ['plain', 'text\x1b[2J\nmore'],
    ['aggregate', Data],
    ['binary', Uint8Array.of(0, 255)],
  ])
  const { code, out, err } = await tail('lines')
  expect(code).toBe(0)
  const time = String.raw`\d\d:\d\d:\d\d\.\d{3}`
  expect(out).toMatch(
    new RegExp(
      [
        String.raw`^${time}  #0  plain      13 B  text\\u001b\[2J\\nmore`,
        String.raw`${time}  #0  a          13 B  \{"of":"a"\}`,
        String.raw`${time}  #0  b          13 B  \{"of":"b"\}`,
        `${time}  #0  binary       2 B  0x00ff`,
        '$',
      ].join('\n'),
    ),
  )
  expect(err).toEqual(['millrace tail: 4 records, 41 B; no shard behind'])
})

it('shows the time at which Kinesis took a record', async () => {
  await createStream(server.client, 'times', 1)
  const before = Date.now() - 1_000
  await put('times', [['k', 'x']])
  const { out } = await tail('times')
  const [hours, minutes, seconds] = out.slice(0, 12).split(':').map(Number)
  const shown = new Date(before).setHours(hours, minutes, Math.floor(seconds), Math.round((seconds % 1) * 1000))
  // kinesalite's clock is this one; midnight may lie between
  expect((shown - before + 86_400_000) % 86_400_000).toBeLessThan(60_000)
})

it('keeps what the KCL drops, with its reason', async () => {
  await createStream(server.client, 'strange', 2)
  const { records } = aggregate(
    Array.from({ length: 8 }, (_, i) => ({ partitionKey: `k${i}`, data: Buffer.from(`${i}`) })),
    { shards: ShardMap.even(1) },
  )
  await put('strange', [['any', records[0].Data]])
  const { out } = await tail('strange')
  expect(out.match(/\n/g)).toHaveLength(8)
  expect(out).toMatch(/ OUT_OF_RANGE \d\n/)
})

it('ends after --limit records, and reads the shards that are asked for', async () => {
  await createStream(server.client, 'few', 2)
  await put(
    'few',
    Array.from({ length: 40 }, (_, i) => [`k${i}`, `${i}`] as const),
  )
  const limited = await tail('few', { limit: '3', until: undefined })
  expect(limited.out.match(/\n/g)).toHaveLength(3)
  expect(limited.err[0]).toMatch(/^millrace tail: 3 records, \d B/)
  const one = await tail('few', { shard: ['1'] })
  const both = await tail('few')
  expect(both.out.match(/\n/g)).toHaveLength(40)
  expect(one.out).not.toMatch(/ #0 /)
  expect(one.out.match(/ #1 /g)?.length).toBe(both.out.match(/ #1 /g)?.length)
  // by default from LATEST
  expect((await tail('few', { from: undefined })).out).toBe('')
})

it.each([
  [[], {}, 'expected the name or ARN of one stream, got none'],
  [['a', 'b'], {}, 'expected the name or ARN of one stream, got 2'],
  [['a'], { stream: 'b' }, 'expected the name or ARN of one stream, got 2'],
  [['a'], { limit: '0' }, '--limit expected a whole number from 1, got "0"'],
  [['a'], { from: 'x' }, '--from expected TRIM_HORIZON, LATEST or a time such as 2026-11-23T04:00:00Z or 15m, 15 minutes ago, got "x"'],
])('refuses %j with %j', async (positionals, values, message) => {
  await expect(runCommand(command, { endpoint: server.endpoint, ...values }, [], {}, positionals)).rejects.toMatchObject({ name: 'UsageError', message })
})

it.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('follows a reshard, and ends on %s with a summary', { timeout: 300_000 }, async (signal, code) => {
  const stream = `follow-${signal}`
  await createStream(server.client, stream, 1)
  const { child, closed, lines, err } = start(stream, '--from', 'trim-horizon')
  await put(stream, [['k', 'before']])
  expect(await lines(1)).toEqual([expect.stringMatching(/ #0 .* before$/)])
  const { Shards } = await server.client.send(new ListShardsCommand({ StreamName: stream }))
  await splitShard(server.client, stream, 'shardId-000000000000', Shards?.[0].HashKeyRange ?? {})
  await put(
    stream,
    Array.from({ length: 20 }, (_, i) => [`k${i}`, `after ${i}`] as const),
  )
  const all = await lines(21)
  expect(new Set(all.slice(1).map((line) => / (#\d) /.exec(line)?.[1]))).toEqual(new Set(['#1', '#2']))
  child.kill(signal)
  expect(await closed).toBe(code)
  expect(err()).toMatch(/^millrace tail: 21 records, \d+ B; no shard behind\n$/)
})

it('ends well when its reader has left', { timeout: 300_000 }, async () => {
  await createStream(server.client, 'left', 1)
  const { child, closed, lines, err } = start('left', '--from', 'trim-horizon')
  await put('left', [['k', 'first']])
  await lines(1)
  child.stdout.destroy()
  // Only a write tells.
  const again = setInterval(() => put('left', [['k', 'next']]).catch(() => {}), 300)
  try {
    expect(await closed).toBe(0)
  } finally {
    clearInterval(again)
  }
  expect(err()).toMatch(/^millrace tail: \d+ records, /)
})
