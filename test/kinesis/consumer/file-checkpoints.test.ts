// The file of checkpoints: whatever ends the process, and whatever the device does, it has the old or the new content.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CheckpointStore, Lease } from '../../../src/kinesis/consumer/checkpoint-store.js'
import { fileCheckpoints } from '../../../src/kinesis/consumer/file-checkpoints.js'
import { nodePorts } from '../../../src/ports/node.js'
import { seededRandom } from '../../../src/ports/simulated.js'
import { type CrashingStorage, crashingStorage } from '../spool/crashing.js'
import { leaseOf } from './interleaving.js'

const PATH = '/group/checkpoints.json'
const SHARDS = 4
type Rows = Map<string, Lease>
const storeOf = (storage: CrashingStorage) => fileCheckpoints({ storage }, PATH)
const rowsOf = async (store: CheckpointStore): Promise<Rows> => new Map((await store.read()).map((lease) => [lease.shardId, lease]))

/** All shards write at once, one is removed now and then; `rows` is what they know of each other. */
async function round(store: CheckpointStore, rows: Rows, counter: number): Promise<{ next: Rows; done: Promise<boolean[]> }> {
  const next: Rows = new Map()
  const calls = Array.from({ length: SHARDS }, (_, shard) => {
    const lease = leaseOf(shard, counter)
    const seen = rows.get(lease.shardId)?.counter
    if (counter % 3 === 0 && shard === 1 && seen !== undefined) return store.remove(lease.shardId, seen)
    next.set(lease.shardId, lease)
    return store.write(lease, seen)
  })
  return { next, done: Promise.all(calls) }
}

interface Known {
  /** Acknowledged. */
  rows: Rows
  /** Asked for, without an answer. */
  next: Rows | undefined
}

/** Opens, checks what is there, and writes `rounds` times, or until the process is dead. */
async function live(storage: CrashingStorage, known: Known, rounds: number): Promise<void> {
  const work = async () => {
    const store = storeOf(storage)
    const found = await rowsOf(store)
    const same = (rows: Rows | undefined) => rows !== undefined && JSON.stringify([...rows].sort()) === JSON.stringify([...found].sort())
    if (!same(known.rows) && !same(known.next)) throw new Error(`expected the old rows or the new ones, got ${JSON.stringify([...found])}`)
    known.rows = found
    const first = Math.max(0, ...[...found.values()].map((lease) => lease.counter)) + 1
    for (let counter = first; counter < first + rounds; counter++) {
      const { next, done } = await round(store, known.rows, counter)
      known.next = next
      expect(await done).toEqual(Array(SHARDS).fill(true))
      Object.assign(known, { rows: next, next: undefined })
    }
    await store.close?.()
  }
  await Promise.race([work(), storage.dead])
}

test('killed at every operation, before it, in it and after it: the old rows or the new, of all shards alike', async () => {
  const whole = crashingStorage()
  await live(whole, { rows: new Map(), next: undefined }, 5)
  expect([...new Set(whole.log.map(({ operation }) => operation))].sort()).toEqual(['create', 'rename', 'sync', 'syncDirectory', 'write'])
  let states = 0
  for (let at = 0; at < whole.count; at++) {
    for (const when of ['before', 'middle', 'after'] as const) {
      const storage = crashingStorage()
      const known: Known = { rows: new Map(), next: undefined }
      storage.killAt(at, when)
      await live(storage, known, 5)
      for (const aftermath of ['kept', 'lost', ...[1, 2, 3].map((i) => seededRandom(100 * at + i))] as const) {
        states++
        await live(storage.crash(aftermath), { ...known }, 2).catch((cause) => {
          throw new Error(`killed ${when} operation ${at}, ${JSON.stringify(whole.log[at])}`, { cause })
        })
      }
    }
  }
  expect(states).toBeGreaterThan(300)
})

test.each(['EIO', 'ENOSPC', 'EMFILE'])('every call failed once with %s: IO, nothing written, and the next try holds', async (code) => {
  const whole = crashingStorage()
  await live(whole, { rows: new Map(), next: undefined }, 3)
  for (let at = 0; at < whole.count; at++) {
    const storage = crashingStorage()
    storage.fail = (_, __, now) => (now === at ? code : undefined)
    const store = storeOf(storage)
    let rows: Rows = new Map()
    for (let counter = 1; counter <= 3; counter++) {
      for (let tries = 1; ; tries++) {
        const { next, done } = await round(store, rows, counter)
        const results = await done.catch((error) => {
          expect(error).toMatchObject({ code: 'IO', message: expect.stringContaining(`${PATH}: the file of checkpoints fails: ${code}`) })
        })
        if (results) {
          expect(results).toEqual(Array(SHARDS).fill(true))
          rows = next
          break
        }
        expect(tries).toBe(1)
        expect(await rowsOf(store)).toEqual(rows)
      }
    }
    await store.close?.()
    expect(await rowsOf(storeOf(storage.crash('lost')))).toEqual(rows)
  }
})

test('writes that come together are one write, those that come meanwhile the next one', async () => {
  const storage = crashingStorage()
  const store = storeOf(storage)
  await store.read()
  const writes = () => storage.log.filter(({ operation }) => operation === 'rename').length
  const first = Array.from({ length: 20 }, (_, shard) => store.write(leaseOf(shard, 1), undefined))
  for (let i = 0; i < 3; i++) await undefined
  const later = Array.from({ length: 20 }, (_, shard) => store.write(leaseOf(shard, 2), 1))
  expect(await Promise.all([...first, ...later])).toEqual(Array(40).fill(true))
  expect(writes()).toBe(2)
  expect(await store.write(leaseOf(0, 3), 7)).toBe(false)
  expect(writes()).toBe(2)
})

describe('damage', () => {
  const HELPFUL = /^\/group\/checkpoints\.json: expected the checkpoints of a consumer, got [^{]*; put back a whole copy, or remove the file to begin anew$/
  const written = async () => {
    const storage = crashingStorage()
    const store = storeOf(storage)
    await Promise.all([1, 2, 3].map((shard) => store.write(leaseOf(shard, shard), undefined)))
    await store.close?.()
    return storage
  }

  test('of every bit, and a cut at every byte, is told, and the file left as it is', async () => {
    const storage = await written()
    const rows = await rowsOf(storeOf(storage.crash('kept')))
    const whole = storage.files.get(PATH) as Uint8Array
    const changed = [
      ...Array.from({ length: whole.length - 1 }, (_, cut) => whole.slice(0, cut)),
      ...Array.from({ length: 8 * whole.length }, (_, bit) => whole.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))),
    ]
    let told = 0
    for (const content of changed) {
      const damaged = crashingStorage(new Map([[PATH, content]]))
      const store = storeOf(damaged)
      const error = await rowsOf(store).then(
        (found) => expect(found).toEqual(rows),
        (error) => error,
      )
      if (!error) continue
      told++
      if (error.code !== 'CORRUPT' || !HELPFUL.test(error.message)) throw error
      if (Buffer.compare(content, damaged.files.get(PATH) ?? Buffer.alloc(0)) !== 0) throw new Error('the file has changed')
    }
    // The line end behind it all can go, and the blanks be others.
    expect(changed.length - told).toBeLessThan(20)
  })

  test.each([
    ['nothing', '', 'a file of 0 characters that is torn or no JSON'],
    ['another JSON', '[1]', 'JSON without leases'],
    ['null', 'null', 'JSON without leases'],
    ['a later version', '{"version":2,"crc32c":"00000000","leases":[]}', 'another version'],
  ])('%s', async (_, text, message) => {
    const storage = crashingStorage(new Map([[PATH, new TextEncoder().encode(text)]]))
    const store = storeOf(storage)
    await expect(store.read()).rejects.toThrow(message)
    await expect(store.write(leaseOf(1, 9), undefined)).rejects.toMatchObject({ code: 'CORRUPT' })
    expect(storage.log.filter(({ operation }) => operation !== 'syncDirectory')).toEqual([])
  })
})

describe('in a folder of this machine', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-checkpoints-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  test('a second store is told who has it, until that one closes', async () => {
    const path = join(folder, 'deep/er/flights.json')
    const first = fileCheckpoints(nodePorts, path)
    expect(await first.read()).toEqual([])
    const writing = first.write(leaseOf(1, 1), undefined)
    const second = fileCheckpoints(nodePorts, path)
    await expect(second.read()).rejects.toMatchObject({ code: 'LOCKED', message: expect.stringContaining(`this process (${process.pid})`) })
    await expect(second.write(leaseOf(1, 1), undefined)).rejects.toMatchObject({ code: 'LOCKED' })
    await first.close?.()
    expect(await writing).toBe(true)
    await expect(first.read()).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(first.write(leaseOf(1, 2), 1)).rejects.toMatchObject({ code: 'CLOSED' })
    expect(await second.read()).toEqual([leaseOf(1, 1)])
    await second.close?.()
    await second.close?.()
    expect((await readdir(join(folder, 'deep/er'))).sort()).toEqual(['flights.json', 'flights.json.lock'])
    expect(await readdir(join(folder, 'deep/er/flights.json.lock'))).toEqual([])
    expect(JSON.parse(await readFile(path, 'utf8')).leases).toHaveLength(1)
  })

  test('closed while it opens, the lock is given up', async () => {
    const path = join(folder, 'closing.json')
    const store = fileCheckpoints(nodePorts, path)
    const reading = expect(store.read()).rejects.toMatchObject({ code: 'CLOSED' })
    const writing = expect(store.write(leaseOf(1, 1), undefined)).rejects.toMatchObject({ code: 'CLOSED' })
    await store.close?.()
    await reading
    await writing
    expect(await fileCheckpoints(nodePorts, path).read()).toEqual([])
  })

  test('a folder where the file should be', async () => {
    await expect(fileCheckpoints(nodePorts, folder).read()).rejects.toMatchObject({ code: 'IO', message: expect.stringContaining('EISDIR') })
  })
})

test('an aborted write is not written', async () => {
  const store = storeOf(crashingStorage())
  await expect(store.write(leaseOf(1, 1), undefined, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough')
  expect(await store.read()).toEqual([])
})

test('bad arguments', () => {
  expect(() => fileCheckpoints({} as never, 'x')).toThrow(TypeError('"ports" expected ports with a storage, got an object'))
  expect(() => fileCheckpoints({ storage: crashingStorage() }, '')).toThrow(TypeError('"path" expected the path of a file, got ""'))
})
