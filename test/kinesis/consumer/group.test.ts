// Several consumers with one store in simulated time: shards shared, a worker killed at any await, splits
// and merges meanwhile, a store that fails. Every record comes, those of a key in order, within bounds.
import { describe, expect, test } from 'vitest'
import { type CheckpointStore, memoryCheckpoints } from '../../../src/kinesis/consumer/checkpoint-store.js'
import { type ConsumerOptions, createConsumer } from '../../../src/kinesis/consumer/consumer.js'
import { createSimulation } from '../../../src/ports/simulated.js'
import { createFakeStream, serviceError } from '../fake.js'
import { addFanOut } from './fake-fan-out.js'

const LEASE = 10_000
const never = () => new Promise<never>(() => {})

interface Delivery {
  worker: string
  id: number
  key: string
  shardId: string
  at: number
}

type Reading = 'polled' | 'fan-out'
const READINGS: Reading[] = ['polled', 'fan-out']

function world(seed: number, shards: number, reading: Reading = 'polled') {
  const simulation = createSimulation(seed)
  const { clock, random } = simulation
  const stream = createFakeStream(shards, clock, random)
  const fanOut = addFanOut(stream, clock, random)
  const shared = memoryCheckpoints()
  const deliveries: Delivery[] = []
  const outage = { store: 0 }
  let id = 0
  const put = async (count: number) => {
    const records = Array.from({ length: count }, () => ({ PartitionKey: `k${id % 37}`, Data: new TextEncoder().encode(`${id++}`) }))
    while (records.length > 0) await stream.handlers.PutRecords({ Records: records.splice(0, 500) } as never)
  }
  /** A consumer as a process: once it is killed none of its awaits comes back. */
  const spawn = (worker: string, options: Partial<ConsumerOptions> = {}) => {
    let dead = false
    const connections = new AbortController()
    // Who cannot start says so: only what runs has to endure.
    const started = clock.monotonic()
    const alive = async <T>(work: Promise<T>): Promise<T> => {
      const result = await work.catch(async (error) => {
        if (dead) return never()
        throw error
      })
      return dead ? never() : result
    }
    const guarded =
      <A extends unknown[], T>(call: (...args: A) => Promise<T>) =>
      async (...args: A): Promise<T> => {
        if (dead) return never()
        await alive(clock.sleep(1 + 10 * random.next()))
        if (clock.monotonic() > started + 3000 && random.next() < outage.store) throw serviceError('InternalServerError', 500)
        return alive(call(...args))
      }
    const store: CheckpointStore = { read: guarded(shared.read), write: guarded(shared.write), remove: guarded(shared.remove) }
    const consumer = createConsumer({
      streamName: 's',
      client: {
        send(command, given) {
          if (dead) return never()
          // What stays open ends with the process. Not all calls: of each a trace stays at the long-lived signal (Node 20).
          const open = given?.abortSignal && command.constructor.name === 'SubscribeToShard'
          return alive(stream.client.send(command, open ? { abortSignal: AbortSignal.any([connections.signal, given.abortSignal as AbortSignal]) } : given))
        },
      },
      commands: stream.commands,
      ports: { random, clock: { ...clock, sleep: (ms, signal) => (dead ? never() : alive(clock.sleep(ms, signal))) } },
      checkpoints: store,
      workerId: worker,
      leaseDuration: LEASE,
      ...(reading === 'fan-out' ? { fanOut: { consumerName: 'group' } } : {}),
      ...options,
    })
    let failure: unknown
    const work = async () => {
      for await (const batch of consumer) {
        for (const { partitionKey, data } of batch.records) {
          const text = new TextDecoder().decode(data)
          deliveries.push({ worker, id: Number(text), key: partitionKey as string, shardId: batch.shardId, at: clock.monotonic() })
        }
        await alive(clock.sleep(20 * random.next()))
      }
    }
    const done = work().catch((error) => {
      failure = error
    })
    return {
      consumer,
      done,
      failure: () => failure,
      kill() {
        dead = true
        connections.abort(new Error('killed'))
      },
    }
  }
  const owners = async () => {
    const count = new Map<string, number>()
    for (const { owner, checkpoint } of await shared.read()) {
      if (checkpoint.sequenceNumber !== 'SHARD_END') count.set(owner ?? '', (count.get(owner ?? '') ?? 0) + 1)
    }
    return Object.fromEntries([...count].sort())
  }
  return { ...simulation, stream, fanOut, shared, put, spawn, deliveries, owners, outage, total: () => id }
}

/** Everything came, and the first time that each record came those of its key before it had come. */
function check(deliveries: readonly Delivery[], total: number) {
  const seen = new Set<number>()
  const last = new Map<string, number>()
  for (const { id, key } of deliveries) {
    if (seen.has(id)) continue
    seen.add(id)
    // By hand: an expect() for each of 200,000 records takes seconds.
    if (id <= (last.get(key) ?? -1)) expect.fail(`record ${id} of ${key} came after ${last.get(key)}`)
    last.set(key, id)
  }
  expect(seen.size).toBe(total)
}

describe.each(READINGS)('leases, %s', (reading) => {
  test('three workers share eight shards, each record comes once', async () => {
    const { run, clock, put, spawn, owners, deliveries, total } = world(1, 8, reading)
    const workers = ['a', 'b', 'c'].map((name) => spawn(name))
    await run(clock.sleep(3 * LEASE))
    expect(Object.values(await owners()).sort()).toEqual([2, 3, 3])
    await run(put(2000))
    await run(clock.sleep(LEASE))
    for (const { consumer } of workers) consumer.close()
    await run(Promise.all(workers.map(({ done }) => done)))
    check(deliveries, total())
    expect(deliveries.length).toBe(total())
    expect(await owners()).toEqual({ '': 8 })
  })

  test('the shards of a worker that was killed are taken within the lease time', async () => {
    for (let seed = 10; seed < 20; seed++) {
      const { run, clock, put, spawn, owners, deliveries, total } = world(seed, 8, reading)
      const workers = ['a', 'b', 'c'].map((name) => spawn(name))
      await run(clock.sleep(3 * LEASE))
      await run(put(1000))
      workers[seed % 3].kill()
      await run(clock.sleep(LEASE))
      const left = await owners()
      expect(left, `seed ${seed}`).not.toHaveProperty('abc'[seed % 3])
      expect(Object.values(left).reduce((sum, n) => sum + n)).toBe(8)
      await run(put(1000))
      await run(clock.sleep(LEASE))
      for (const { consumer } of workers) consumer.close()
      await run(Promise.all(workers.filter((_, i) => i !== seed % 3).map(({ done }) => done)))
      check(deliveries, total())
    }
  })

  test.each(Array.from({ length: 40 }, (_, i) => 100 + i))(
    'seed %i: kills, starts, splits, merges and a failing store lose nothing and keep order',
    async (seed) => {
      const { run, clock, random, stream, fanOut, put, spawn, deliveries, outage, total } = world(seed, 4, reading)
      const fairly = { reset: 0.02, internal: 0.01, end: 0.02, silence: 0.005, throttle: 0.05, inUse: 0.05 }
      Object.assign(fanOut.faults, seed % 3 ? fairly : { mute: seed % 2 === 0 })
      let made = 0
      const living = new Map<string, ReturnType<typeof spawn>>()
      const start = () => {
        const name = `w${made++}`
        living.set(name, spawn(name, { checkpointInterval: [0, 500, 3000][made % 3] }))
      }
      start()
      start()
      outage.store = seed % 2 ? 0.02 : 0
      for (let step = 0; step < 25; step++) {
        await run(put(Math.floor(200 * random.next())))
        await run(clock.sleep(4000 * random.next()))
        const chance = random.next()
        const names = [...living.keys()]
        const name = names[Math.floor(random.next() * names.length)]
        if (chance < 0.25 && name) {
          living.get(name)?.kill()
          living.delete(name)
        } else if (chance < 0.35 && name) {
          living.get(name)?.consumer.close()
          living.delete(name)
        } else if (chance < 0.5) stream.split(stream.open()[0].ShardId)
        else if (chance < 0.6 && stream.open().length > 2) {
          const open = stream.open().sort((a, b) => (a.start < b.start ? -1 : 1))
          stream.merge(open[0].ShardId, open[1].ShardId)
        }
        if (living.size < 1 + (step % 3)) start()
      }
      if (living.size === 0) start()
      outage.store = 0
      for (const fault of Object.keys(fairly)) Object.assign(fanOut.faults, { [fault]: 0 })
      await run(clock.sleep(30 * LEASE))
      for (const { failure } of living.values()) expect(failure()).toBeUndefined()
      for (const { consumer } of living.values()) consumer.close()
      await run(Promise.all([...living.values()].map(({ done }) => done)))
      check(deliveries, total())
    },
  )
})

test.each(READINGS)('one after the other, %s: the next one goes on where the last has stopped', async (reading) => {
  const { run, clock, put, spawn, deliveries, total } = world(2, 3, reading)
  for (let round = 0; round < 4; round++) {
    const worker = spawn(`r${round}`, { until: 'now' })
    await run(worker.done)
    expect(worker.failure()).toBeUndefined()
    await run(put(100))
    await run(clock.sleep(100))
  }
  await run(spawn('last', { until: 'now' }).done)
  check(deliveries, total())
  expect(deliveries.length).toBe(total())
})

test.each(READINGS)('from LATEST, %s: what comes while nobody reads is there for the next one', async (reading) => {
  const { run, clock, put, spawn, deliveries } = world(3, 2, reading)
  await run(put(50))
  await run(clock.sleep(1000))
  const first = spawn('a', { from: 'LATEST' })
  // A consumer that is new becomes active first.
  await run(clock.sleep(LEASE))
  first.consumer.close()
  await run(first.done)
  await run(put(50))
  const second = spawn('b', { from: 'LATEST', until: 'now' })
  await run(second.done)
  expect(deliveries.map(({ id }) => id).sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => 50 + i))
})
