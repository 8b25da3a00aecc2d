// The fault server itself: the limits of the service, each fault as a client sees it, what is stored all
// the same, and the same sequence from the same seed.
import {
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  ListShardsCommand,
  MergeShardsCommand,
  PutRecordCommand,
  PutRecordsCommand,
} from '@aws-sdk/client-kinesis'
import { afterEach, expect, test } from 'vitest'
import { decodeCbor, encodeCbor } from '../../src/cli/kinesis-local/cbor.js'
import { FAULTS, type Faults, parseFaults, planRequest } from '../../src/cli/kinesis-local/plan.js'
import { createQuota, SHARD_LIMITS } from '../../src/cli/kinesis-local/quota.js'
import { createSimulation } from '../../src/ports/simulated.js'
import { createStream, splitShard } from '../servers.js'
import { type FaultServer, startFaultServer } from './fault-server.js'

let server: FaultServer | undefined
afterEach(async () => {
  await server?.stop()
  server = undefined
})

async function start(options: Parameters<typeof startFaultServer>[0], shards = 2) {
  server = await startFaultServer(options)
  await createStream(server.quiet, 's', shards)
  return server
}

const records = (count: number, size = 10) => Array.from({ length: count }, (_, i) => ({ PartitionKey: `k${i}`, Data: new Uint8Array(size).fill(i) }))
const put = ({ client }: FaultServer, count: number, size?: number) => client.send(new PutRecordsCommand({ StreamName: 's', Records: records(count, size) }))

/** What `look` gives once it gives something. */
async function until<T>(look: () => Promise<T>): Promise<T> {
  for (;;) {
    const seen = await look()
    if (seen) return seen
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** How many records the stream holds, read past limits and faults. */
async function stored({ quiet }: FaultServer): Promise<number> {
  let count = 0
  const { Shards = [] } = await quiet.send(new ListShardsCommand({ StreamName: 's' }))
  for (const { ShardId } of Shards) {
    const { ShardIterator } = await quiet.send(new GetShardIteratorCommand({ StreamName: 's', ShardId, ShardIteratorType: 'TRIM_HORIZON' }))
    const { Records = [] } = await quiet.send(new GetRecordsCommand({ ShardIterator }))
    count += Records.length
  }
  return count
}

test('without faults it is kinesalite', async () => {
  const at = await start({})
  const { FailedRecordCount, Records = [] } = await put(at, 100)
  expect(FailedRecordCount).toBe(0)
  expect(Records.every(({ ShardId, SequenceNumber }) => ShardId && SequenceNumber)).toBe(true)
  expect(await stored(at)).toBe(100)
  await at.client.send(new PutRecordCommand({ StreamName: 's', PartitionKey: 'k', Data: new Uint8Array(3) }))
  expect(await stored(at)).toBe(101)
  await expect(put(at, 501)).rejects.toMatchObject({ name: 'ValidationException' })
  await expect(at.client.send(new PutRecordsCommand({ StreamName: 'nowhere', Records: records(1) }))).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
  })
  expect([...at.counts]).toEqual([])
})

test('a shard that is closed is neither split nor merged, and what kinesalite makes of it is no reset', async () => {
  const at = await start({}, 4)
  const { Shards = [] } = await at.client.send(new ListShardsCommand({ StreamName: 's' }))
  const [left, second] = Shards.map(({ ShardId }) => ShardId as string)
  await splitShard(at.client, 's', second, Shards[1].HashKeyRange ?? {})
  const words = `Shard ${second} in stream s has already been merged or split`
  await expect(splitShard(at.client, 's', second, Shards[1].HashKeyRange ?? {})).rejects.toThrow(words)
  const merge = new MergeShardsCommand({ StreamName: 's', ShardToMerge: left, AdjacentShardToMerge: second })
  await expect(at.client.send(merge)).rejects.toMatchObject({ name: 'InvalidArgumentException', message: expect.stringContaining(words) })
  await expect(at.client.send(new MergeShardsCommand({ StreamName: 'nowhere', ShardToMerge: left, AdjacentShardToMerge: second }))).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
  })
  expect(await put(at, 10)).toMatchObject({ FailedRecordCount: 0 })
  // behind the front's back
  await at.quiet.send(merge)
  await until(async () => (await at.quiet.send(new ListShardsCommand({ StreamName: 's' }))).Shards?.length === 7)
  // the shards are asked for again after a moment
  const error = await until(() =>
    put(at, 10).then(
      () => undefined,
      (error: Error) => error,
    ),
  )
  expect(error).toMatchObject({ name: 'InternalFailure', message: expect.stringContaining('expected ranges that do not overlap') })
})

test('a shard takes 1000 records and 1 MiB a second, the others are not held up', async () => {
  const at = await start({}, 1)
  // at once: a machine under load may take a second for four requests
  const answers = await Promise.all([1, 2, 3, 4].map(() => put(at, 500)))
  const codes = answers.flatMap(({ Records = [] }) => Records.map(({ ErrorCode }) => ErrorCode))
  const taken = codes.filter((code) => code === undefined).length
  expect(taken).toBeGreaterThanOrEqual(1000)
  expect(taken).toBeLessThan(1900)
  expect(new Set(codes)).toEqual(new Set([undefined, 'ProvisionedThroughputExceededException']))
  expect(at.counts.get('limit')).toBe(2000 - taken)
  expect(await stored(at)).toBe(taken)
})

test('bytes count with their keys; a record or request beyond the limit is refused whole', async () => {
  const at = await start({ requestBytes: 5 * 1_048_576 }, 4)
  const { Records = [] } = await put(at, 8, 500_000)
  // two of half a MiB fit into a second of each shard
  expect(Records.filter(({ ErrorCode }) => !ErrorCode).length).toBeLessThanOrEqual(8)
  await expect(put(at, 1, 1_048_576)).rejects.toMatchObject({ name: 'ValidationException' })
  await expect(put(at, 11, 500_000)).rejects.toMatchObject({ name: 'ValidationException' })
})

test('a request of 10 MiB goes through in one, over what kinesalite takes', async () => {
  const at = await start({ limits: null }, 2)
  expect(await put(at, 20, 500_000)).toMatchObject({ FailedRecordCount: 0 })
})

test('a shard answers five reads and 2 MiB a second', async () => {
  const at = await start({}, 1)
  const iterate = () => at.client.send(new GetShardIteratorCommand({ StreamName: 's', ShardId: 'shardId-000000000000', ShardIteratorType: 'TRIM_HORIZON' }))
  const { ShardIterator } = await iterate()
  const names = await Promise.all(
    Array.from({ length: 40 }, () =>
      at.client.send(new GetRecordsCommand({ ShardIterator })).then(
        () => 'answered',
        (error: Error) => error.name,
      ),
    ),
  )
  // Exactly five of those in one second, in simulated time below: a machine under load takes longer for forty.
  const answered = names.filter((name) => name === 'answered').length
  expect(answered).toBeGreaterThanOrEqual(5)
  expect(answered).toBeLessThan(40)
  expect(new Set(names)).toEqual(new Set(['answered', 'ProvisionedThroughputExceededException']))
  expect(at.counts.get('limit')).toBe(40 - answered)
})

test('the quota in simulated time: exactly a second worth of each', async () => {
  const { clock, run } = createSimulation(1)
  const quota = createQuota(clock, SHARD_LIMITS)
  const take = () => {
    let count = 0
    while (quota.write('a', 100)) count++
    return count
  }
  await run(
    (async () => {
      expect(take()).toBe(1000)
      await clock.sleep(500)
      expect(take()).toBe(500)
      await clock.sleep(60_000)
      expect(take()).toBe(1000)
      await clock.sleep(1_000)
      expect(quota.write('a', 1_048_576)).toBe(true)
      expect(quota.write('a', 1)).toBe(false)
      expect(quota.write('b', 1)).toBe(true)
      // 10 MiB given block the shard for five seconds
      expect(quota.read('a')).toBe(true)
      quota.given('a', 10 * 1_048_576)
      for (let second = 0; second < 4; second++) {
        expect(quota.read('a')).toBe(false)
        await clock.sleep(1_000)
      }
      await clock.sleep(100)
      expect(quota.read('a')).toBe(true)
    })(),
  )
})

test.each<{ faults: Faults; name: string | RegExp; kept: number }>([
  { faults: { error: 1 }, name: 'InternalFailure', kept: 0 },
  { faults: { unavailable: 1 }, name: 'ServiceUnavailable', kept: 0 },
  { faults: { expired: 1 }, name: 'ExpiredTokenException', kept: 0 },
  { faults: { throttleAll: 1 }, name: 'ProvisionedThroughputExceededException', kept: 0 },
  { faults: { reset: 1 }, name: /ECONNRESET|hang up|aborted/, kept: 0 },
  { faults: { resetAfter: 1 }, name: /ECONNRESET|hang up|aborted/, kept: 20 },
  { faults: { lostAck: 1 }, name: /ECONNRESET|hang up|aborted/, kept: 20 },
  { faults: { truncate: 1 }, name: /ECONNRESET|aborted|JSON|Unexpected|Unterminated/, kept: 20 },
])('$faults as a client sees it, and what is stored', async ({ faults, name, kept }) => {
  const at = await start({ faults, hold: 50, seed: 3 })
  for (const turn of [0, 1]) {
    const error = await put(at, 10).then(
      () => undefined,
      (error: Error & { code?: string }) => error,
    )
    const said = `${error?.name} ${error?.message} ${error?.code}`
    expect(`${turn} ${said}`).toMatch(name)
  }
  expect(await stored(at)).toBe(kept)
  expect([...at.counts]).toEqual([[Object.keys(faults)[0], 2]])
  expect(at.events.flatMap((event) => event.records)).toHaveLength(kept)
})

test('faults of single records: throttled, failed, misplaced', async () => {
  const at = await start({ faults: { throttle: 0.3, internal: 0.2, wrongShard: 0.2 }, limits: null, seed: 9 })
  const plain = await at.quiet.send(new PutRecordsCommand({ StreamName: 's', Records: records(200) }))
  const { Records = [], FailedRecordCount } = await put(at, 200)
  const of = (code?: string) => Records.filter(({ ErrorCode }) => ErrorCode === code)
  expect(of('ProvisionedThroughputExceededException')).toHaveLength(at.counts.get('throttle') as number)
  expect(of('InternalFailure')).toHaveLength(at.counts.get('internal') as number)
  expect(FailedRecordCount).toBe(200 - of().length)
  const moved = Records.filter(({ ShardId }, i) => ShardId && ShardId !== plain.Records?.[i].ShardId)
  expect(moved).toHaveLength(at.counts.get('wrongShard') as number)
  for (const fault of ['throttle', 'internal', 'wrongShard'] as const) expect(at.counts.get(fault)).toBeGreaterThan(15)
  expect(await stored(at)).toBe(200 + of().length)
})

test('miscounted answers, slow ones, AUTO', async () => {
  const miscounted = await start({ faults: { miscount: 1 } })
  for (let i = 0; i < 6; i++) {
    const { Records = [], FailedRecordCount } = await put(miscounted, 10)
    expect(Records.length === 9 || FailedRecordCount === 1).toBe(true)
  }
  await miscounted.stop()
  const slow = await start({ faults: { slow: 1 }, pause: 120 })
  const started = performance.now()
  expect(await put(slow, 10)).toMatchObject({ FailedRecordCount: 0 })
  expect(performance.now() - started).toBeGreaterThan(110)
  await slow.stop()
  const auto = await start({ auto: true })
  const { StreamDescriptionSummary } = await auto.client.send(new DescribeStreamSummaryCommand({ StreamName: 's' }))
  expect(StreamDescriptionSummary).toMatchObject({ StreamStatus: 'ACTIVE', RecordDistributionStrategy: 'AUTO' })
  const same = Array.from({ length: 60 }, () => ({ PartitionKey: 'k', Data: new Uint8Array(1) }))
  const { Records = [] } = await auto.client.send(new PutRecordsCommand({ StreamName: 's', Records: same }))
  expect(new Set(Records.map(({ ShardId }) => ShardId)).size).toBe(2)
})

test('reads have faults where asked for, in a sequence of their own', async () => {
  const at = await start({ faults: { error: 0.5 }, reads: true, seed: 4 })
  const outcomes: boolean[] = []
  for (let i = 0; i < 12; i++)
    outcomes.push(
      await at.client.send(new ListShardsCommand({ StreamName: 's' })).then(
        () => true,
        () => false,
      ),
    )
  expect(new Set(outcomes).size).toBe(2)
})

test('the same seed, the same faults, whatever else is different', async () => {
  const faults = { throttle: 0.1, error: 0.1, reset: 0.1, lostAck: 0.1 }
  const course = async (seed: number, wait: number) => {
    const at = await start({ faults, seed, hold: 5 })
    const seen: string[] = []
    for (let i = 0; i < 25; i++) {
      await put(at, 5 + ((i * wait) % 7)).catch(() => {})
      await new Promise((resolve) => setTimeout(resolve, wait))
    }
    for (const { request, fault } of at.events) if (fault !== 'throttle') seen.push(`${request} ${fault}`)
    await at.stop()
    server = undefined
    return seen
  }
  const first = await course(7, 0)
  expect(first.length).toBeGreaterThan(3)
  expect(await course(7, 1)).toEqual(first)
  expect(await course(8, 0)).not.toEqual(first)
  const plans = (seed: number) =>
    Array.from({ length: 50 }, (_, i) =>
      Array.from(
        { length: 20 },
        (
          (plan) => () =>
            plan.record()
        )(planRequest({ throttle: 0.3 }, seed, i)),
      ),
    )
  expect(plans(1)).toEqual(plans(1))
  expect(plans(1).flat().filter(Boolean).length).toBeGreaterThan(230)
  expect(plans(1).flat().filter(Boolean).length).toBeLessThan(370)
})

test('--faults is read, or refused with what it may be', () => {
  expect(parseFaults('throttle=10%, reset=0.02,lostAck=2.5%,')).toEqual({ throttle: 0.1, reset: 0.02, lostAck: 0.025 })
  expect(() => parseFaults('reboot=1')).toThrow(`--faults expected some of ${FAULTS.join(', ')}, got "reboot"`)
  expect(() => parseFaults('throttle=110%')).toThrow('--faults expected throttle=N% or a number from 0 to 1, got "throttle=110%"')
  expect(() => parseFaults('throttle')).toThrow('got "throttle"')
  expect(() => parseFaults('error=60%,reset=60%')).toThrow('at most 100 % together')
})

test('CBOR, as the SDKs for Java and the KPL send it', async () => {
  const value = {
    Records: [{ Data: Uint8Array.of(1, 2, 3), PartitionKey: `\ufeff${'é'.repeat(300)}`, n: 70_000, f: 1.5, t: true, z: null, list: [] }],
    StreamName: 's',
  }
  expect(decodeCbor(encodeCbor(value))).toEqual(value)
  // indefinite map and strings, a tag, a negative number, 64-bit and single-precision numbers
  expect(decodeCbor(Buffer.from('bf61617f6162626364ff6162c11a5f5e100061639f20fbbff8000000000000ffff', 'hex'))).toEqual({
    a: 'bcd',
    b: 0x5f5e1000,
    c: [-1, -1.5],
  })
  for (const bad of ['', 'a1', 'a16161', 'ff', '5affffffff', '9f', '0000', '1c', 'a10000']) expect(() => decodeCbor(Buffer.from(bad, 'hex'))).toThrow()
  expect(() => decodeCbor(new Uint8Array(1000).fill(0x81))).toThrow('levels')
  const at = await start({ faults: { throttle: 0.5 }, seed: 5 })
  const answer = await fetch(at.endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-cbor-1.1',
      'x-amz-target': 'Kinesis_20131202.PutRecords',
      'x-amz-date': '20260101T000000Z',
      authorization: 'AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=a, Signature=b',
    },
    body: Buffer.from(encodeCbor({ StreamName: 's', Records: records(20) })),
  })
  expect(answer.status).toBe(200)
  const body = decodeCbor(new Uint8Array(await answer.arrayBuffer())) as { FailedRecordCount: number; Records: { ErrorCode?: string }[] }
  expect(body.Records).toHaveLength(20)
  expect(body.FailedRecordCount).toBe(body.Records.filter(({ ErrorCode }) => ErrorCode).length)
  expect(body.FailedRecordCount).toBeGreaterThan(3)
  expect(await stored(at)).toBe(20 - body.FailedRecordCount)
})
