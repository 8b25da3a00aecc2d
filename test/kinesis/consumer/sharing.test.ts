// Two and three processes share eight shards by leases in DynamoDB: one is killed (kill -9), one joins, one leaves. How
// long that takes is told; what is asserted does not hang on the machine's load: rounds of those who are there, and
// times from which what their rounds came late is taken off. MILLRACE_E2E_RECORDS=1000000 runs it longer.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createProducer, dynamoCheckpoints } from '../../../src/kinesis/index.js'
import { createStream, startDynalite, startKinesalite } from '../../servers.js'
import { chainsOf, FENCE, heldByTwo, takenOver } from './handovers.js'
import { judge, truthOf } from './judge.js'
import { buildConsuming, type Life, linesOf, type Program } from './lives.js'

const count = Number(process.env.MILLRACE_E2E_RECORDS ?? 6_000)
const SHARDS = 8
const KEYS = 997
/** Milliseconds. */
const LEASE = 2_000

let program: Program
beforeAll(async () => {
  program = await buildConsuming()
})
afterAll(() => program?.remove())

test.each([2, 3])(
  `%i processes share ${SHARDS} shards, ${count} records: one is killed, one joins, one leaves`,
  { timeout: count > 100_000 ? 3_600_000 : 300_000 },
  async (size) => {
    const kinesis = await startKinesalite()
    const dynamo = await startDynalite()
    const lives: Life[] = []
    try {
      await createStream(kinesis.client, 's', SHARDS)
      const table = dynamoCheckpoints({ tableName: 'group', client: dynamo.client })
      const producer = createProducer({ streamName: 's', client: kinesis.client, ordering: 'key', maxBufferedTime: 5, aggregationMaxSize: 2_000 })
      let made = 0
      const put = async (part: number) => {
        const to = Math.min(count, made + Math.ceil(part * count))
        await producer.putNdjson(linesOf(made, to, KEYS), { partitionKey: 'name' })
        made = to
      }
      const seen = new Uint8Array(count)
      let unseen = count
      const heard = (id: number) => {
        unseen -= seen[id] === 0 ? 1 : 0
        seen[id] = 1
      }
      const start = () => {
        const workerId = `w${lives.length}`
        const options = {
          endpoint: kinesis.endpoint,
          dynamo: dynamo.endpoint,
          tableName: 'group',
          keys: KEYS,
          interval: 200,
          workerId,
          leaseDuration: LEASE,
          maxRecords: 5,
        }
        const life = program.start(options, heard)
        lives.push(life)
        return life
      }
      /** Until each of them holds its share, 8, 4 and 4, or 3, 3 and 2, and a part of the records is put meanwhile. */
      const shared = async (by: Life[], part = 0) => {
        const shares = by.map((_, i) => Math.floor((SHARDS + i) / by.length)).join()
        const to = made + part * count
        for (;;) {
          const rows = await table.read()
          const held = by.map((life) => rows.filter(({ owner }) => owner === nameOf(life)).length)
          if (held.sort().join() === shares) break
          if (made < to) await put(part / 50)
          await alive(by)
        }
        await put((to - made) / count)
      }
      /** A turn, in which one that has failed says so. */
      const alive = async (lives: Life[]) => {
        for (const { ended } of lives) await Promise.race([ended, undefined])
        await new Promise((resolve) => setTimeout(resolve, 20))
      }

      // They come one after the other, and even out.
      const group: Life[] = []
      for (let i = 0; i < size; i++) {
        group.push(start())
        await shared(group, 0.3 / size)
      }
      const [killed, leaving] = group
      await put(0.1)
      killed.kill('SIGKILL')
      await killed.ended
      group.shift()
      await shared(group, 0.1)
      group.push(start())
      await shared(group, 0.2)
      await put(0.1)
      leaving.kill('SIGTERM')
      await leaving.ended
      group.shift()
      await shared(group, 0.1)
      await put(1)
      await producer.close()
      expect(producer.metrics()).toMatchObject({ delivered: count, failed: 0 })
      while (unseen > 0) await alive(group)
      for (const life of group) life.kill('SIGTERM')
      await Promise.all(group.map(({ ended }) => ended))
      await table.close?.()

      const truth = await truthOf(kinesis.client, count, KEYS)
      const { said, again } = judge(lives, truth, KEYS, false)
      expect(said - again).toBe(count)
      const chains = chainsOf(lives)
      const death = takenOver(killed, lives, chains, LEASE)
      const departure = takenOver(leaving, lives, chains, LEASE)
      const both = heldByTwo(chains, truth)
      console.log(
        `sharing: ${size} processes, ${count} records, ${again} came again; of a lease of ${LEASE} ms: ${death.count} shards of who was killed were taken ` +
          `${death.first} to ${death.last} ms after its last sign of life, rounds late by ${death.late} ms; ${departure.count} shards of who left ` +
          `${departure.first} to ${departure.last} ms after the last was given back; read by two for ${both} ms at most`,
      )
      expect(death.count).toBeGreaterThanOrEqual(Math.floor(SHARDS / size))
      expect(death.rounds).toBeLessThanOrEqual(2)
      expect(death.last).toBeLessThanOrEqual(LEASE + death.late)
      expect(departure.count).toBeGreaterThanOrEqual(Math.floor(SHARDS / size))
      expect(departure.rounds).toBeLessThanOrEqual(1)
      // 10 ms between its last look at the clock and ours.
      expect(both).toBeLessThanOrEqual(FENCE * LEASE + 10)
    } finally {
      for (const life of lives) life.kill('SIGKILL')
      await dynamo.stop()
      await kinesis.stop()
    }
  },
)

const nameOf = (life: Life) => life.options.workerId as string
