// Lists of shards as they should not be: passed over while they may pass, bounded, named in the end.
import { describe, expect, test } from 'vitest'
import type { DeadLetter } from '../../src/kinesis/dead-letter.js'
import { createProducer } from '../../src/kinesis/producer/producer.js'
import type { ProducerOptions } from '../../src/kinesis/producer/producer-options.js'
import { createService } from '../../src/kinesis/service/service.js'
import type { Clock } from '../../src/ports/ports.js'
import { createSimulation } from '../../src/ports/simulated.js'
import { createFakeStream, type FakeOptions, ODD_PAGES, POOR_PAGES, serviceError } from './fake.js'
import { usersIn } from './kcl.js'

function world(seed: number, shards: number, options: Partial<ProducerOptions> = {}, fake: FakeOptions = {}) {
  const simulation = createSimulation(seed)
  const stream = createFakeStream(shards, simulation.clock, simulation.random, fake)
  let timers = 0
  const sleep: Clock['sleep'] = (ms, signal) => {
    timers++
    return simulation.clock.sleep(ms, signal).finally(() => timers--)
  }
  const ports = { ...simulation, clock: { ...simulation.clock, sleep } }
  const producer = createProducer({ streamName: 's', client: stream.client, commands: stream.commands, ports, ...options })
  const asked = (command = 'ListShards') => stream.log.filter((entry) => entry.command === command).length
  return { ...simulation, stream, producer, asked, timers: () => timers }
}

const records = (count: number) => Array.from({ length: count }, (_, i) => ({ partitionKey: `k${i}`, data: String(i) }))
const one = { partitionKey: 'k', data: 'x' }
/** Lists that cannot be used; the last two may be true of a stream, for a moment. */
const odd: Record<string, (page: never) => unknown> = { ...ODD_PAGES, empty: POOR_PAGES.empty, closed: POOR_PAGES.closed }

describe('at the start', () => {
  test.each(Object.keys(odd))('a list that is %s is asked for again: nothing fails', async (name) => {
    const { run, stream, clock, producer } = world(1, 3)
    const listed = stream.handlers.ListShards
    stream.handlers.ListShards = async (input, signal) => {
      if (input.NextToken?.startsWith('again')) return listed(input, signal)
      const page = await listed(input, signal)
      return clock.monotonic() < 2_000 ? odd[name](page as never) : page
    }
    await run(producer.putBatch(records(100)).then(() => producer.close()))
    expect(producer.metrics()).toMatchObject({ delivered: 100, kinesisRecords: 3, uncertain: 0 })
  })

  test.each([
    ['no range', '"Shards[2].HashKeyRange" expected an object, got undefined'],
    ['no id', '"Shards[2].ShardId" expected a shard id, got undefined'],
    ['nothing', '"answer" expected an object with Shards, got undefined'],
    ['no shards', '"Shards" expected an array of shards, got undefined'],
    ['empty', '"Shards" expected an open shard, got none'],
    ['closed', '"Shards" expected an open shard, got 3 closed'],
    [
      'overlap',
      '"shards" expected ranges that do not overlap, got shardId-999999999998 from 0 and shardId-000000000000 to 113427455640312821154458202477256070484',
    ],
    ['getter', 'no undefined'],
    ['same token', '"NextToken" expected none at the end of the list, got one after 11 pages, the last 10 without a new shard'],
    ['new tokens', '"NextToken" expected none at the end of the list, got one after 11 pages, the last 10 without a new shard'],
  ])('%s for good: EXPIRED after recordTtl, and says what is odd', async (name, words) => {
    const letters: DeadLetter[] = []
    const { run, stream, clock, producer } = world(2, 3, { recordTtl: 5_000, deadLetter: (more) => void letters.push(...more) })
    const listed = stream.handlers.ListShards
    stream.handlers.ListShards = async (input, signal) => {
      const page = await listed(input, signal)
      return input.NextToken ? page : odd[name](page as never)
    }
    const outcome = await run(producer.put(one).then(({ outcome }) => outcome))
    expect(clock.monotonic()).toBeGreaterThan(5_000)
    expect(clock.monotonic()).toBeLessThan(5_200)
    expect(outcome).toMatchObject({ status: 'failed', code: 'EXPIRED', uncertain: false, deadLettered: true })
    if (outcome.status !== 'failed') return
    expect(outcome.message).toContain(`not delivered within 5000 ms, the stream's shards not known; last InvalidResponse: ListShards: ${words}`)
    expect(outcome.attempts).toBeGreaterThan(3)
    expect(letters[0].attempts).toHaveLength(outcome.attempts)
    expect(letters[0].attempts[0]).toMatchObject({ code: 'InvalidResponse', uncertain: false })
    expect(letters[0].attempts[0].message).toContain(words)
    await run(producer.close())
  })

  test('a shard that comes twice counts once, a gap is left to the service', async () => {
    const { run, stream, producer } = world(3, 3)
    const listed = stream.handlers.ListShards
    stream.handlers.ListShards = async (input, signal) => POOR_PAGES.repeated((await listed(input, signal)) as never)
    await run(producer.putBatch(records(100)).then(() => producer.close()))
    expect(producer.metrics()).toMatchObject({ delivered: 100, kinesisRecords: 3 })
    const gap = world(4, 3)
    const whole = gap.stream.handlers.ListShards
    gap.stream.handlers.ListShards = async (input, signal) => POOR_PAGES.gap((await whole(input, signal)) as never)
    await gap.run(gap.producer.putBatch(records(100)).then(() => gap.producer.close()))
    expect(gap.producer.metrics()).toMatchObject({ delivered: 100, uncertain: 0 })
    expect(usersIn(gap.stream)).toMatchObject({ dropped: 0 })
  })

  test.each(['ResourceNotFoundException', 'ValidationException', 'InvalidSignatureException'])('%s fails at once', async (name) => {
    const { run, stream, clock, producer, asked } = world(5, 1)
    stream.handlers.ListShards = () => {
      throw serviceError(name, 400, 'words')
    }
    const { outcomes } = await run(producer.putBatch(records(10)))
    expect((await run(outcomes)).at(9)).toEqual({ status: 'failed', code: name, message: 'words', attempts: 0, uncertain: false })
    expect(clock.monotonic()).toBeLessThan(300)
    expect(asked()).toBe(1)
  })

  test('a token that has expired is no refusal', async () => {
    const { run, stream, producer } = world(6, 5)
    const listed = stream.handlers.ListShards
    let expired = 0
    stream.handlers.ListShards = (input, signal) => {
      if (input.NextToken && expired++ === 0) throw serviceError('ExpiredNextTokenException', 400)
      return listed(input, signal)
    }
    await run(producer.putBatch(records(100)).then(() => producer.close()))
    expect(producer.metrics()).toMatchObject({ delivered: 100, kinesisRecords: 5 })
  })
})

test('a list that brings new shards for ever ends after 1,000 pages', async () => {
  const { clock, run } = createSimulation(7)
  let pages = 0
  const client = {
    send: async () => {
      const { shards } = createFakeStream(1, clock, { next: () => 0 })
      return { Shards: [{ ...shards[0], ShardId: `shardId-${pages++}` }], NextToken: 'more' }
    },
  }
  const { commands } = createFakeStream(1, clock, { next: () => 0 })
  const listing = createService({ streamName: 's', client, commands }, clock).listShards()
  await expect(run(listing)).rejects.toMatchObject({
    name: 'InvalidResponse',
    message: '"NextToken" expected none at the end of the list, got one after 1000 pages, the last 0 without a new shard',
  })
  expect(pages).toBe(1000)
})

describe('while the shards are not known', () => {
  test('every record has its time, and the looks that failed in it as its attempts', async () => {
    const letters: DeadLetter[] = []
    const { run, stream, clock, producer, asked } = world(8, 1, { recordTtl: 5_000, deadLetter: (more) => void letters.push(...more) })
    stream.handlers.ListShards = () => {
      throw Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:4567'), { code: 'ECONNREFUSED' })
    }
    const put = async (at: number) => {
      await clock.sleep(at)
      const outcome = await (await producer.put(one)).outcome
      expect(clock.monotonic() - at).toBeGreaterThan(5_000)
      // What is left is looked at once a second.
      expect(clock.monotonic() - at).toBeLessThan(6_100)
      return outcome
    }
    const outcomes = await run(Promise.all([put(0), put(300), put(3_000)]))
    const message = "not delivered within 5000 ms, the stream's shards not known; last ECONNREFUSED: ListShards: connect ECONNREFUSED 127.0.0.1:4567"
    for (const outcome of outcomes) expect(outcome).toMatchObject({ status: 'failed', code: 'EXPIRED', uncertain: false, message })
    expect(letters.map(({ attemptCount }) => attemptCount)).toEqual(outcomes.map((outcome) => outcome.attempts))
    for (const [i, { attempts }] of letters.entries()) {
      expect(attempts.length).toBeGreaterThan(0)
      expect(Math.min(...attempts.map(({ at, milliseconds }) => at + milliseconds))).toBeGreaterThanOrEqual(1_700_000_000_000 + [0, 300, 3_000][i])
    }
    // Nothing waits any more: nothing is asked, and no timer holds the process.
    const looks = asked()
    await run(clock.sleep(60_000))
    expect(asked()).toBe(looks)
    await run(producer.close())
  })

  test('a service that never answers keeps no record past its time', async () => {
    const { run, clock, producer, stream, timers } = world(9, 1, { recordTtl: 5_000 })
    stream.client.send = () => new Promise(() => {})
    expect(await run(producer.put(one).then(({ outcome }) => outcome))).toMatchObject({ code: 'EXPIRED', attempts: 0 })
    expect(clock.monotonic()).toBeLessThan(5_200)
    await run(clock.sleep(0))
    expect(timers()).toBe(0)
  })

  test('what comes while others expire is kept, and delivered once the shards are known', async () => {
    const { run, stream, clock, producer } = world(10, 1, { recordTtl: 20_000, maxBufferedRecords: 10 })
    const listed = stream.handlers.ListShards
    stream.handlers.ListShards = (input, signal) => (clock.monotonic() < 22_000 ? POOR_PAGES.empty({} as never) : listed(input, signal))
    const work = async () => {
      // The buffer is full: the second ten come in as the first ones expire.
      const receipts = await Promise.all(records(20).map((record) => producer.put(record)))
      return Promise.all(receipts.map(({ outcome }) => outcome))
    }
    const outcomes = await run(work())
    expect(outcomes.map(({ status }) => status)).toEqual([...Array(10).fill('failed'), ...Array(10).fill('delivered')])
    await run(producer.close())
  })

  test.each(['refused', 'silent'])('close with an aborted signal ends the look for them: %s', async (how) => {
    const { run, stream, clock, producer, asked, timers } = world(11, 1, { maxBufferedTime: 10 })
    if (how === 'refused') stream.faults.list = 1
    else stream.client.send = () => new Promise(() => {})
    await run(
      (async () => {
        const { outcome } = await producer.put(one)
        await clock.sleep(5_000)
        const looks = asked()
        await producer.close({ signal: AbortSignal.abort() })
        expect(await outcome).toMatchObject({ status: 'failed', code: 'ABORTED' })
        expect(clock.monotonic()).toBeLessThan(5_100)
        expect(timers()).toBe(0)
        await clock.sleep(600_000)
        expect(asked()).toBe(looks)
      })(),
    )
  })
})

test('close ends a look in the background, and one that an aggregate waits for', async () => {
  const { run, stream, clock, producer, timers } = world(12, 2, { refreshInterval: 1_000 })
  await run(
    (async () => {
      await producer.putBatch(records(10))
      await producer.flush()
      stream.faults.list = 1
      await clock.sleep(2_000)
      await (await producer.put(one)).outcome
      await clock.sleep(100)
      expect(timers()).toBe(1)
      await producer.close()
      await clock.sleep(0)
      expect(timers()).toBe(0)
    })(),
  )
  const judged = world(13, 1)
  await judged.run(
    (async () => {
      await judged.producer.putBatch(records(10))
      await judged.producer.flush()
      judged.stream.split(judged.stream.shards[0].ShardId)
      judged.stream.faults.list = 1
      const { outcomes } = await judged.producer.putBatch(records(10))
      await judged.clock.sleep(5_000)
      await judged.producer.close({ signal: AbortSignal.abort() })
      // Stored, but nobody can tell whether its readers drop it.
      expect((await outcomes).at(0)).toMatchObject({ status: 'failed', code: 'ABORTED', attempts: 1, uncertain: true })
      expect(judged.clock.monotonic()).toBeLessThan(5_300)
      expect(judged.timers()).toBe(0)
    })(),
  )
})

test('a shard that has opened and closed between two looks is found: nothing is sent twice that need not be', async () => {
  const { run, stream, producer, asked } = world(14, 1, { maxBufferedTime: 1 }, { filter: true })
  const put = stream.handlers.PutRecords
  await run(
    (async () => {
      await producer.putBatch(records(10))
      await producer.flush()
      stream.handlers.PutRecords = async (input, signal) => {
        stream.handlers.PutRecords = put
        const [left, right] = stream.split(stream.shards[0].ShardId)
        const answer = await put(input, signal)
        stream.merge(left.ShardId, right.ShardId)
        return answer
      }
      const { outcomes } = await producer.putBatch(Array.from({ length: 10 }, () => one))
      expect((await outcomes).at(0)).toMatchObject({ attempts: 1, uncertain: false })
      await producer.close()
    })(),
  )
  expect(usersIn(stream).all).toHaveLength(20)
  // Before the first record; the open ones; then all four, on two pages.
  expect(asked()).toBe(4)
})
