// Lives of a producer with a spool, from one seed: each but the last one ends by kill -9 or a power
// failure at some operation of its storage, which may be full at times, or by a device that answers no more and a close() that
// gives up. What was accepted in any of them is in the stream, or a dead letter, in order.
import type { DeadLetter } from '../../../src/kinesis/dead-letter.js'
import { createProducer } from '../../../src/kinesis/producer/producer.js'
import { fileSpool } from '../../../src/kinesis/producer/spool/spool.js'
import type { AwsClient } from '../../../src/ports/aws.js'
import type { Clock } from '../../../src/ports/ports.js'
import { createSimulation } from '../../../src/ports/simulated.js'
import { createFakeStream } from '../fake.js'
import { usersIn } from '../kcl.js'
import { type Aftermath, type CrashingStorage, crashingStorage } from '../spool/crashing.js'
import { order, type Put } from './oracle.js'
import type { Report } from './world.js'

const LIVE_LOCK = 6 * 3_600_000
const REQUEST_TIMEOUT = 500

export async function simulateCrash(seed: number): Promise<Report> {
  const simulation = createSimulation(seed)
  const { clock, random, run } = simulation
  const roll = (n: number) => Math.floor(random.next() * n)
  const pick = <T>(...of: T[]): T => of[roll(of.length)]
  const stream = createFakeStream(1 + roll(4), clock, random)
  const ordering = pick('none', 'key', 'key') as 'none' | 'key'
  const ttl = pick(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 2_000)
  const letters: DeadLetter[] = []
  const puts = new Map<number, Put>()
  const accepted = new Set<number>()
  // A disk smaller than one of the spool's files: only the files in which all has settled make room.
  const capacity = pick(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 5_000 + roll(20_000))
  const disk = (storage: CrashingStorage) => Object.assign(storage, { capacity })
  let storage = disk(crashingStorage())
  let reshards = 0
  let requests = 0
  let stuck: string | undefined

  const live = async (last: boolean): Promise<void> => {
    let dead = false
    const forever = new Promise<never>(() => {})
    // A process that is dead sends nothing and wakes from no sleep.
    const mortal: Clock = { ...clock, sleep: (ms, signal) => (dead ? forever : clock.sleep(ms, signal).then(() => (dead ? forever : undefined))) }
    const client: AwsClient = {
      send(command, options) {
        requests++
        return dead ? forever : stream.client.send(command, options).then((answer) => (dead ? forever : answer))
      },
    }
    const producer = createProducer({
      streamName: 's',
      client,
      commands: stream.commands,
      ports: { clock: mortal, random },
      ordering,
      aggregation: random.next() < 0.7,
      aggregationMaxSize: 200 + roll(2_000),
      maxBufferedTime: roll(200),
      maxBufferedBytes: 3_000 + roll(50_000),
      recordTtl: ttl,
      requestTimeout: REQUEST_TIMEOUT,
      spool: fileSpool({ storage, clock: mortal, random }, '/spool', { maxBytes: 1_048_576 }),
      deadLetter: (more) => (dead ? forever : void letters.push(...more)),
    })
    const put = async () => {
      for (let i = 5 + roll(40); i > 0; i--) {
        const batch = Array.from({ length: 1 + roll(10) }, () => {
          const put = { id: puts.size, key: `key-${roll(6)}`, hash: undefined }
          puts.set(put.id, put)
          return put
        })
        const records = batch.map(({ id, key }) => ({ partitionKey: key, data: `${id}:${'x'.repeat(roll(200))}` }))
        if (records.length === 1) await producer.put(records[0])
        else await producer.putBatch(records)
        for (const { id } of batch) accepted.add(id)
        if (random.next() < 0.3) await clock.sleep(roll(400))
        if (random.next() < 0.1) {
          const open = stream.open()
          reshards++
          stream.split(open[roll(open.length)].ShardId)
        }
      }
      // Whatever an earlier life left comes too.
      await producer.close()
    }
    if (!last) storage.killAt(roll(40), pick('before', 'middle', 'after'))
    const putting = put().then(() => true)
    const ended = await Promise.race([putting, storage.dead.then(() => false)])
    if (!ended && random.next() < 0.3) {
      // The process lives on without its device.
      const at = clock.monotonic()
      await producer.close({ signal: AbortSignal.abort() }).catch(() => {})
      await putting.catch(() => {})
      const { bufferedRecords } = producer.metrics()
      const took = clock.monotonic() - at
      if (took > REQUEST_TIMEOUT || bufferedRecords > 0) stuck = `close took ${took} ms and left ${bufferedRecords} records`
    } else putting.catch(() => {})
    dead = true
    if (!last) storage = disk(storage.crash(pick<Aftermath>('kept', 'lost', random)))
  }

  const work = async (): Promise<string | undefined> => {
    const chance = () => (random.next() < 0.4 ? random.next() * 0.3 : 0)
    Object.assign(stream.faults, {
      throttle: chance(),
      serverError: chance(),
      lostAck: chance(),
      hang: chance() / 5,
      internalFailure: chance(),
      listHang: chance() / 3,
      listOdd: chance(),
    })
    for (let lives = 1 + roll(3); lives > 0; lives--) await live(false)
    Object.assign(stream.faults, { throttle: 0, serverError: 0, lostAck: 0, hang: 0, internalFailure: 0, listHang: 0, listOdd: 0 })
    await live(true)
    if (stuck) return stuck
    const seen = new Set(
      [...usersIn(stream).all.map(({ data }) => data), ...letters.map(({ data }) => new TextDecoder().decode(data))].map((data) => Number(data.split(':')[0])),
    )
    for (const id of accepted) if (!seen.has(id)) return `record ${id} of ${puts.size} was accepted and is nowhere`
    return order({ stream, puts, outcomes: new Map(), letters, ordered: ordering === 'key' && ttl === Number.POSITIVE_INFINITY })
  }
  const wrong = await run(work(), LIVE_LOCK).catch((error: Error) => error.stack ?? String(error))
  return {
    seed,
    ...(wrong === undefined ? {} : { wrong }),
    ordering: `${ordering}, spool`,
    records: puts.size,
    delivered: accepted.size,
    deadLettered: letters.length,
    requests,
    reshards,
    milliseconds: Math.round(clock.monotonic()),
  }
}
