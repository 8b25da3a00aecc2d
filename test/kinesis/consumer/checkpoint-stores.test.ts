// What every store of checkpoints must hold: one suite for all of them.
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type CheckpointStore, type Lease, memoryCheckpoints, SHARD_END } from '../../../src/kinesis/consumer/checkpoint-store.js'
import { dynamoCheckpoints } from '../../../src/kinesis/consumer/dynamo-checkpoints.js'
import { fileCheckpoints } from '../../../src/kinesis/consumer/file-checkpoints.js'
import { createSimulation } from '../../../src/ports/simulated.js'
import { type DynamoServer, startDynalite } from '../../servers.js'
import { crashingStorage } from '../spool/crashing.js'
import { commands, fakeDynamo } from './fake-dynamo.js'
import { type Call, interleave, leaseOf } from './interleaving.js'

interface Table {
  /** Over the same rows. */
  handles: CheckpointStore[]
  run<T>(work: Promise<T>): Promise<T>
}

let server: DynamoServer
beforeAll(async () => {
  server = await startDynalite()
})
afterAll(() => server.stop())

let tables = 0
const real = <T>(work: Promise<T>) => work
const kinds: { name: string; runs: number; doubtful?: boolean; open(seed: number): Table }[] = [
  {
    name: 'memory',
    runs: 300,
    open: () => ({ handles: [memoryCheckpoints()], run: real }),
  },
  {
    name: 'a file',
    runs: 300,
    open: () => ({ handles: [fileCheckpoints({ storage: crashingStorage() }, '/group/checkpoints.json')], run: real }),
  },
  {
    name: 'DynamoDB (dynalite)',
    runs: 20,
    open() {
      const options = { tableName: `group-${tables++}`, client: server.client }
      return { handles: [dynamoCheckpoints(options), dynamoCheckpoints(options)], run: real }
    },
  },
  {
    name: 'DynamoDB, which throttles, fails, and loses requests and answers',
    runs: 200,
    doubtful: true,
    open(seed) {
      const { clock, random, run } = createSimulation(seed)
      const table = fakeDynamo(clock, random)
      table.faults = { throttle: 0.1, serverError: 0.05, lostAnswer: 0.1, hang: 0.03, swallow: 0.03, late: 0.03 }
      const options = { tableName: 'group', client: table.client, commands, ports: { clock, random } }
      return { handles: [dynamoCheckpoints(options), dynamoCheckpoints(options)], run }
    },
  },
]

describe.each(kinds)('$name', ({ open, runs, doubtful = false }) => {
  let table: Table
  let store: CheckpointStore
  let other: CheckpointStore
  const rows = async () => (await other.read()).sort((a, b) => (a.shardId < b.shardId ? -1 : 1))
  beforeEach(() => {
    table = open(7)
    store = table.handles[0]
    other = table.handles.at(-1) as CheckpointStore
  })
  afterEach(() => table.run(Promise.all(table.handles.map((handle) => handle.close?.()))))

  const check = (name: string, work: () => Promise<void>) => test(name, () => table.run(work()))

  check('is empty when it is new', async () => {
    expect(await store.read()).toEqual([])
    expect(await other.read()).toEqual([])
  })

  check('gives back what was written, to the last digit', async () => {
    const plain: Lease = { shardId: 'a', checkpoint: { sequenceNumber: 'TRIM_HORIZON', subSequenceNumber: 0 }, counter: 1, parents: [] }
    const full: Lease = {
      shardId: 'b',
      checkpoint: { sequenceNumber: `4${'0'.repeat(54)}1`, subSequenceNumber: 4_294_967_295 },
      timestamp: 1_700_000_000_001,
      owner: 'who "reads" it\n',
      counter: 2 ** 53 - 1,
      parents: ['p', 'q'],
    }
    await store.read()
    expect(await Promise.all([store.write(plain, undefined), store.write(full, undefined)])).toEqual([true, true])
    expect(await rows()).toEqual([plain, full])
    expect(await store.write({ ...full, owner: undefined, timestamp: undefined, checkpoint: SHARD_END, counter: 3, parents: [] }, 2 ** 53 - 1)).toBe(true)
    expect((await rows())[1]).toEqual({ shardId: 'b', checkpoint: SHARD_END, counter: 3, parents: [] })
  })

  check('writes under its condition alone', async () => {
    await store.read()
    const [first, second] = [leaseOf(1, 1), leaseOf(1, 2)]
    expect(await store.write(second, 1)).toBe(false)
    expect(await store.write(first, undefined)).toBe(true)
    expect(await other.write(second, undefined)).toBe(false)
    expect(await other.write(second, 7)).toBe(false)
    expect(await rows()).toEqual([first])
    expect(await other.write(second, 1)).toBe(true)
    expect(await store.write(leaseOf(1, 3), 1)).toBe(false)
    expect(await rows()).toEqual([second])
  })

  check('removes under its condition alone', async () => {
    await store.read()
    expect(await store.remove('shardId-1', 1)).toBe(false)
    await store.write(leaseOf(1, 1), undefined)
    await store.write(leaseOf(2, 2), undefined)
    expect(await other.remove('shardId-1', 2)).toBe(false)
    expect(await other.remove('shardId-1', 1)).toBe(true)
    expect(await rows()).toEqual([leaseOf(2, 2)])
    expect(await store.remove('shardId-1', 1)).toBe(false)
    expect(await store.write(leaseOf(1, 4), 1)).toBe(false)
    expect(await store.write(leaseOf(1, 4), undefined)).toBe(true)
    expect(await rows()).toEqual([leaseOf(1, 4), leaseOf(2, 2)])
  })

  check('lets one of many win', async () => {
    await store.read()
    for (const seen of [undefined, 3]) {
      const tries = [3, 4, 6, 7].map((counter) => ({ ...leaseOf(1, counter), owner: `w${counter}`, counter: seen === undefined ? 3 : 4 }))
      const won = await Promise.all(tries.map((lease, i) => table.handles[i % table.handles.length].write(lease, seen)))
      expect(won.filter(Boolean)).toEqual([true])
      expect(await rows()).toEqual([tries[won.indexOf(true)]])
    }
  })

  check('keeps and gives copies', async () => {
    await store.read()
    const lease = leaseOf(1, 3)
    const written = store.write(lease, undefined)
    lease.checkpoint.subSequenceNumber = 99
    lease.owner = 'another'
    await written
    const [given] = await store.read()
    given.checkpoint.sequenceNumber = '9'
    given.counter = 9
    expect(await rows()).toEqual([leaseOf(1, 3)])
  })

  test('whatever overlaps has one order that explains it', { timeout: 300_000 }, async () => {
    const call: fc.Arbitrary<Call> = fc.record({
      shard: fc.nat(1),
      handle: fc.nat(1),
      remove: fc.nat(4).map((n) => n === 0),
      // What answers late may tell a holder that it lost what another has only taken from it: no chains there.
      expects: fc.constantFrom<Call['expects']>('none', 'current', 'current', doubtful ? 'current' : 'latest', 'stale'),
    })
    const rounds = fc.array(fc.array(call, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 12 })
    const property = fc.asyncProperty(rounds, fc.nat(), async (all, seed) => {
      const { handles, run } = open(seed)
      await run(interleave(handles, all, doubtful))
    })
    await fc.assert(property, { numRuns: runs, seed: Number(process.env.MILLRACE_SEED ?? 11) })
  })
})
