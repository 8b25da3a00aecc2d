// One simulated run of the producer, all of it from one seed: options, records, faults, reshards.

import { createConsumer } from '../../../src/kinesis/consumer/consumer.js'
import type { DeadLetter } from '../../../src/kinesis/dead-letter.js'
import { createProducer } from '../../../src/kinesis/producer/producer.js'
import type { ProducerOptions } from '../../../src/kinesis/producer/producer-options.js'
import type { Outcome } from '../../../src/kinesis/producer/receipt.js'
import type { ShardDescription } from '../../../src/kinesis/service/listing.js'
import type { AwsClient } from '../../../src/ports/aws.js'
import { createSimulation } from '../../../src/ports/simulated.js'
import { createFakeStream, type Faults } from '../fake.js'
import { conservation, createBucketOracle, once, order, type Put, type Run } from './oracle.js'

export interface Report {
  seed: number
  /** What does not hold; absent in a good run. */
  wrong?: string
  ordering: string
  records: number
  delivered: number
  deadLettered: number
  requests: number
  reshards: number
  /** Simulated. */
  milliseconds: number
}

/** Milliseconds after the end of all faults in which a new record is delivered, beyond maxBufferedTime. */
const BACK_TO_NORMAL = 2_000
/** Longest back-off, and the pace that a shard needs to come back to. */
const QUIET = 30_000
/** Past this simulated time a run is a live-lock. */
const LIVE_LOCK = 6 * 3_600_000

export async function simulate(seed: number): Promise<Report> {
  const simulation = createSimulation(seed)
  const { clock, random, run } = simulation
  const roll = (n: number) => Math.floor(random.next() * n)
  const pick = <T>(...of: T[]): T => of[roll(of.length)]
  const ordering = pick('none', 'shard', 'key', 'key') as 'none' | 'shard' | 'key'
  const rateLimit = pick(100, 100, 10, 2, Number.POSITIVE_INFINITY)
  const stream = createFakeStream(1 + roll(5), clock, random, { listingLag: pick(0, 0, 200, 3_000), limits: random.next() < 0.5, filter: random.next() < 0.5 })
  const buckets = createBucketOracle(rateLimit)
  const letters: DeadLetter[] = []
  const options: ProducerOptions = {
    streamName: 's',
    client: watched(stream, buckets, () => clock.monotonic()),
    commands: stream.commands,
    ports: simulation,
    ordering,
    rateLimit,
    aggregation: random.next() < 0.75,
    aggregationMaxSize: 200 + roll(5000),
    aggregationMaxCount: pick(0xffffffff, 1 + roll(20)),
    maxBufferedTime: pick(0, roll(200), 1_000),
    maxBufferedBytes: 5_000 + roll(200_000),
    maxBufferedRecords: pick(1_000_000, 20 + roll(300)),
    maxRequests: 1 + roll(8),
    maxAttempts: pick(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 1 + roll(5)),
    recordTtl: pick(300_000, 300_000, 1_000 + roll(4_000)),
    requestTimeout: pick(500, 2_000),
    refreshInterval: pick(1_000, 60_000),
    stableIds: random.next() < 0.4,
    wholePayloadUnits: random.next() < 0.5,
    async deadLetter(more) {
      await clock.sleep(roll(50))
      if (random.next() < 0.2) throw new Error('disk full')
      letters.push(...more)
    },
  }
  const producer = createProducer(options)
  setFaults(stream.faults, random.next() < 0.15 ? () => 0 : () => (random.next() < 0.4 ? random.next() ** 2 * 0.5 : 0))
  if (random.next() < 0.1) stream.handlers.DescribeStreamSummary = () => Promise.reject(Object.assign(new Error('no'), { name: 'AccessDeniedException' }))

  const puts = new Map<number, Put>()
  const outcomes = new Map<number, Outcome[]>()
  const keys = pick(1, 5, 50)
  let reshards = 0
  let placedFreely = false
  const user = () => {
    const hash = random.next() < 0.1 ? String(BigInt(roll(2 ** 32)) << 96n) : undefined
    const put = { id: puts.size, key: `key-${roll(keys)}`, hash }
    puts.set(put.id, put)
    const size = random.next() < 0.02 ? roll(8_000) : roll(300)
    return { id: put.id, record: { partitionKey: put.key, ...(hash === undefined ? {} : { explicitHashKey: hash }), data: `${put.id}:${'x'.repeat(size)}` } }
  }
  const watch = (id: number, outcome: Outcome) => outcomes.set(id, [...(outcomes.get(id) ?? []), outcome])

  // One caller: the order in which it puts is the order that must hold.
  const put = async (rounds: number) => {
    for (let i = 0; i < rounds; i++) {
      if (random.next() < 0.8) {
        const { id, record } = user()
        void (await producer.put(record)).outcome.then((outcome) => watch(id, outcome))
      } else {
        const batch = Array.from({ length: roll(60) }, user)
        const receipt = await producer.putBatch(batch.map(({ record }) => record))
        void receipt.outcomes.then((all) => {
          for (const [k, { id }] of batch.entries()) watch(id, all.at(k))
        })
      }
      if (random.next() < 0.15) await clock.sleep(roll(pick(50, 2_000)))
      if (random.next() < 0.02) await producer.flush()
    }
  }
  const reshard = async (times: number) => {
    for (let i = 0; i < times; i++) {
      await clock.sleep(roll(4_000))
      const open = stream.open().sort((a, b) => (a.start < b.start ? -1 : 1))
      reshards++
      if (random.next() < 0.1) {
        stream.faults.auto = !stream.faults.auto
        placedFreely = true
      }
      if (random.next() < 0.6 || open.length < 2) stream.split(open[roll(open.length)].ShardId)
      else {
        const at = roll(open.length - 1)
        stream.merge(open[at].ShardId, open[at + 1].ShardId)
      }
    }
  }

  const work = async (): Promise<string | undefined> => {
    await Promise.all([put(20 + roll(120)), reshard(pick(0, 1, 4))])
    setFaults(stream.faults, () => 0)
    if (random.next() < 0.5) stream.faults.auto = false
    await producer.flush()
    await clock.sleep(QUIET)
    const started = clock.monotonic()
    const { id, record } = user()
    watch(id, await (await producer.put(record)).outcome)
    const late = clock.monotonic() - started - (options.maxBufferedTime as number)
    await producer.close()
    await clock.sleep(0)
    const run: Run = { stream, puts, outcomes, letters, ordered: ordering === 'key' }
    const { accepted, bufferedRecords, bufferedBytes } = producer.metrics()
    return (
      conservation(run) ??
      order(run) ??
      (options.stableIds && options.aggregation && !placedFreely
        ? await once(
            run,
            createConsumer({ streamName: 's', client: stream.client, commands: stream.commands, ports: simulation, until: 'now', deduplicate: true }),
          )
        : undefined) ??
      (rateLimit === Number.POSITIVE_INFINITY ? undefined : buckets.wrong) ??
      (late > BACK_TO_NORMAL ? `a record took ${late} ms, ${QUIET} ms after the last fault` : undefined) ??
      (accepted !== puts.size || bufferedRecords !== 0 || bufferedBytes !== 0
        ? `metrics: ${accepted} accepted of ${puts.size}, ${bufferedRecords} records and ${bufferedBytes} bytes left`
        : undefined)
    )
  }
  const wrong = await run(work(), LIVE_LOCK).catch((error: Error) => error.stack ?? String(error))
  const { delivered, deadLettered, requests } = producer.metrics()
  return {
    seed,
    ...(wrong === undefined ? {} : { wrong }),
    ordering,
    records: puts.size,
    delivered,
    deadLettered,
    requests,
    reshards,
    milliseconds: Math.round(clock.monotonic()),
  }
}

function setFaults(faults: Faults, chance: () => number): void {
  Object.assign(faults, {
    throttle: chance(),
    internalFailure: chance(),
    throttleAll: chance(),
    serverError: chance(),
    lostAck: chance(),
    hang: chance() / 5,
    swallow: chance() / 5,
    miscount: chance() / 3,
    garble: chance() / 3,
    list: chance(),
    listHang: chance() / 3,
    listOdd: chance(),
  } satisfies Faults)
}

/** The stream's client; the oracle is told of what the producer sends, and of the shards that it has been told. */
function watched(stream: ReturnType<typeof createFakeStream>, buckets: ReturnType<typeof createBucketOracle>, now: () => number): AwsClient {
  let listed = new Map<string, ShardDescription>()
  /** The list under way has a page that the producer refuses, and with it the whole of it. */
  let refused = false
  return {
    async send(command, options) {
      const { input } = command as { input: { Records?: never[]; NextToken?: string } }
      if (input.Records) buckets.sent(input.Records, now())
      const answer = (await stream.client.send(command, options)) as { Shards?: ShardDescription[]; NextToken?: string } | undefined
      if (command.constructor.name !== 'ListShardsCommand') return answer
      if (!input.NextToken) {
        listed = new Map()
        refused = false
      }
      // What the producer has to refuse tells it nothing.
      refused ||= !answer || stream.odd.has(answer)
      if (answer?.Shards && !refused) {
        for (const shard of answer.Shards) listed.set(shard.ShardId, shard)
        if (!answer.NextToken) {
          const parents = new Set([...listed.values()].flatMap(({ ParentShardId, AdjacentParentShardId }) => [ParentShardId, AdjacentParentShardId]))
          const isOpen = (id: string) => listed.get(id)?.SequenceNumberRange.EndingSequenceNumber === undefined && !parents.has(id)
          buckets.know(
            stream.shards.filter(({ ShardId }) => listed.has(ShardId) && isOpen(ShardId)),
            now(),
          )
        }
      }
      return answer
    },
  }
}
