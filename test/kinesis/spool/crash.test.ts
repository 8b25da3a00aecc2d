// The process dies at every write, fsync, create and remove of a run; whatever a kill -9 or a power
// failure leaves, nothing that was accepted is lost, nothing comes back in another order or with another
// content, and nothing comes back whose settling was flushed.
import { expect, test } from 'vitest'
import { fileSpool } from '../../../src/kinesis/producer/spool/spool.js'
import type { Spool } from '../../../src/kinesis/producer/spool-port.js'
import type { Random } from '../../../src/ports/ports.js'
import { createSimulation, seededRandom } from '../../../src/ports/simulated.js'
import { batchOf, drain } from './batches.js'
import { type Aftermath, type CrashingStorage, crashingStorage } from './crashing.js'

/** What a user knows. */
interface Known {
  /** Content by number, accepted or only asked for. */
  accepted: Map<number, string>
  offered: Map<number, string>
  /** Told, and told so long ago that it must be on the device. */
  settled: Set<number>
  remembered: Set<number>
  id: string | undefined
  /** Places in files that an opening could not read. */
  damaged: number
}

const nothing = (): Known => ({ accepted: new Map(), offered: new Map(), settled: new Set(), remembered: new Set(), id: undefined, damaged: 0 })

/** Opens, checks what comes back, appends and settles by chance until all is done or the storage is dead. */
async function live(storage: CrashingStorage, known: Known, seed: number, rounds: number, failing = false): Promise<void> {
  const { clock, random, run } = createSimulation(seed)
  const work = async () => {
    const spool = await fileSpool({ storage, clock, random }, '/spool', { maxBytes: 1_048_576 })()
    known.damaged += spool.damaged ?? 0
    check(spool, await drain(spool), known)
    let name = 0
    const ask = async (count: number) => {
      const texts = Array.from({ length: count }, () => `${seed}-${name++}-${'x'.repeat(random.next() < 0.2 ? 30_000 : 200 * random.next())}`)
      const number = await spool.append(batchOf(texts)).catch(ignoring('IO'))
      if (number === undefined) return
      for (const [i, text] of texts.entries()) {
        expect(known.accepted.has(number + i)).toBe(false)
        known.accepted.set(number + i, text)
      }
    }
    for (let round = 0; round < rounds; round++) {
      const asked = Array.from({ length: 1 + Math.floor(5 * random.next()) }, () => ask(1 + Math.floor(6 * random.next())))
      // as a producer with an outage: most rounds settle, oldest first with some left behind
      const open = [...known.accepted.keys()].filter((number) => !known.settled.has(number))
      const some = open.filter(() => random.next() < (round % 5 === 4 ? 1 : 0.7))
      for (const number of some) known.settled.add(number)
      spool.settle(Float64Array.from(some))
      let waiting = true
      const answered = Promise.all(asked).finally(() => {
        waiting = false
      })
      // What waits on a full disk waits for others to settle.
      while (waiting && storage.capacity < Number.POSITIVE_INFINITY) {
        await clock.sleep(3_000)
        if (!waiting) break
        for (const number of known.accepted.keys()) known.settled.add(number)
        spool.settle(Float64Array.from(known.accepted.keys()))
      }
      await answered
      if (random.next() < 0.3) {
        const sure = [...known.settled]
        await clock.sleep(500)
        if (!failing) for (const number of sure) known.remembered.add(number)
      }
    }
    await spool.close().catch(ignoring('IO'))
    if (!failing) for (const number of known.settled) known.remembered.add(number)
  }
  const gone = storage.dead.then(() => undefined)
  await run(Promise.race([work(), gone]))
}

const ignoring = (code: string) => (error: { code?: string }) => {
  if (error.code !== code) throw error
  return undefined
}

function check(spool: Spool, back: [number, string][], known: Known): void {
  if (known.accepted.size > 0) {
    if (known.id !== undefined) expect(spool.id).toBe(known.id)
    known.id = spool.id
  }
  const found = new Map(back)
  expect(back.map(([number]) => number)).toEqual([...found.keys()].sort((a, b) => a - b))
  for (const [number, text] of known.accepted) {
    if (!known.settled.has(number) && found.get(number) !== text) throw new Error(`record ${number} is lost`)
  }
  for (const [number, text] of found) {
    if (known.remembered.has(number)) throw new Error(`record ${number} had settled`)
    const expected = known.accepted.get(number)
    if (expected !== undefined && expected !== text) throw new Error(`record ${number} is another one`)
    // Not acknowledged, yet on the device: from now on it counts as any other.
    known.accepted.set(number, text)
    known.settled.delete(number)
  }
}

const clone = (known: Known): Known => ({
  ...known,
  accepted: new Map(known.accepted),
  settled: new Set(known.settled),
  remembered: new Set(known.remembered),
})

const aftermaths = (seed: number): Aftermath[] => ['kept', 'lost', ...[1, 2, 3].map((i): Random => seededRandom(seed * 10 + i))]

test('killed at every operation, before it, in it and after it: 0 accepted records lost', { timeout: 600_000 }, async () => {
  const ROUNDS = Number(process.env.MILLRACE_SPOOL_ROUNDS ?? 12)
  const seed = Number(process.env.MILLRACE_SEED ?? 41)
  const whole = crashingStorage()
  await live(whole, nothing(), seed, ROUNDS)
  const operations = new Set(whole.log.map(({ operation }) => operation))
  expect([...operations].sort()).toEqual(['create', 'remove', 'sync', 'syncDirectory', 'write'])
  let states = 0
  let damaged = 0
  for (let at = 0; at < whole.count; at++) {
    for (const when of ['before', 'middle', 'after'] as const) {
      if (when === 'middle' && whole.log[at].operation !== 'write') continue
      const storage = crashingStorage()
      const known = nothing()
      storage.killAt(at, when)
      await live(storage, known, seed, ROUNDS)
      for (const aftermath of aftermaths(seed + at)) {
        states++
        try {
          const after = clone(known)
          await live(storage.crash(aftermath), after, seed + 1, 1)
          // What was whole once, and what a write under way leaves, is told apart.
          if (typeof aftermath === 'string') expect(after.damaged).toBe(0)
          damaged += after.damaged
        } catch (cause) {
          throw new Error(
            `seed ${seed}, killed ${when} operation ${at} (${JSON.stringify(whole.log[at])}), ${typeof aftermath === 'string' ? aftermath : 'torn'}`,
            { cause },
          )
        }
      }
    }
  }
  console.log(`spool crash: ${whole.count} operations, ${states} states after a crash, 0 lost, ${damaged} torn writes kept as damage, seed=${seed}`)
})

test('killed at every operation on a disk that is full again and again: 0 accepted records lost', { timeout: 600_000 }, async () => {
  const seed = Number(process.env.MILLRACE_SEED ?? 42)
  // Less than a file of the spool, 128 KiB: it is its own settled files that fill the disk.
  const CAPACITY = 100_000
  const ROUNDS = 5
  const full = (storage: CrashingStorage) => Object.assign(storage, { capacity: CAPACITY })
  const whole = full(crashingStorage())
  await live(whole, nothing(), seed, ROUNDS, true)
  const creates = whole.log.filter(({ operation }) => operation === 'create').length
  expect(creates).toBeGreaterThan(3)
  let states = 0
  for (let at = 0; at < whole.count; at++) {
    for (const when of ['before', 'middle', 'after'] as const) {
      if (when === 'middle' && whole.log[at].operation !== 'write') continue
      const storage = full(crashingStorage())
      const known = nothing()
      storage.killAt(at, when)
      await live(storage, known, seed, ROUNDS, true)
      for (const aftermath of aftermaths(seed + at)) {
        states++
        try {
          const after = clone(known)
          await live(full(storage.crash(aftermath)), after, seed + 1, 1, true)
          if (typeof aftermath === 'string') expect(after.damaged).toBe(0)
        } catch (cause) {
          throw new Error(`seed ${seed}, killed ${when} operation ${at} (${JSON.stringify(whole.log[at])})`, { cause })
        }
      }
    }
  }
  console.log(`spool full disk: ${creates} files, ${whole.count} operations, ${states} states after a crash, 0 lost, seed=${seed}`)
})

test('one crash after another, by chance: 0 accepted records lost', { timeout: 600_000 }, async () => {
  const seeds = Number(process.env.MILLRACE_SPOOL_SEEDS ?? 150)
  const from = Number(process.env.MILLRACE_SEED ?? 1)
  let crashes = 0
  for (let seed = from; seed < from + seeds; seed++) {
    const random = seededRandom(seed)
    const known = nothing()
    let storage = crashingStorage()
    try {
      for (let life = 0; life < 8; life++) {
        storage.killAt(Math.floor(60 * random.next()), (['before', 'middle', 'after'] as const)[Math.floor(3 * random.next())])
        await live(storage, known, seed * 100 + life, 8)
        storage = storage.crash(random.next() < 0.3 ? 'kept' : random.next() < 0.2 ? 'lost' : random)
        crashes++
      }
      await live(storage, known, seed, 1)
    } catch (cause) {
      throw new Error(`seed ${seed}`, { cause })
    }
  }
  console.log(`spool crash: ${crashes} crashes in ${seeds} chains, 0 lost, seed=${from}`)
})

test.each(['EIO', 'ENOSPC', 'EMFILE'])(
  'every call failed once and for a while with %s: recovery or a typed error, 0 lost',
  { timeout: 600_000 },
  async (code) => {
    const seed = 77
    const whole = crashingStorage()
    await live(whole, nothing(), seed, 6)
    for (const length of [1, 3, 12]) {
      for (let at = 0; at < whole.count; at++) {
        const storage = crashingStorage()
        storage.fail = (_, __, now) => (now >= at && now < at + length ? code : undefined)
        const known = nothing()
        try {
          await live(storage, known, seed, 6, true).catch(ignoring('IO'))
          storage.fail = undefined
          for (const aftermath of aftermaths(at)) {
            const after = clone(known)
            await live(storage.crash(aftermath), after, seed + 1, 1)
            if (typeof aftermath === 'string') expect(after.damaged).toBe(0)
          }
        } catch (cause) {
          throw new Error(`${length} x ${code} from operation ${at} (${JSON.stringify(whole.log[at])})`, { cause })
        }
      }
    }
  },
)

test('what a failed fsync has left in a file hides nothing of what was written anew in the next one', async () => {
  const world = createSimulation(6)
  const storage = crashingStorage()
  const texts = ['first', ...Array.from({ length: 4 }, (_, i) => `${i}`.repeat(1_500_000))]
  await world.run(
    (async () => {
      const { clock, random } = world
      const spool = await fileSpool({ storage, clock, random }, '/spool')()
      await spool.append(batchOf(texts.slice(0, 1)))
      let failures = 1
      storage.fail = (operation) => (operation === 'sync' && failures-- > 0 ? 'EIO' : undefined)
      await Promise.all(texts.slice(1).map((text) => spool.append(batchOf([text]))))
      // Of what was not flushed of the first file, one write and then another is lost.
      const writes = storage.log.filter(({ operation }) => operation === 'write').length
      for (let lost = 0; lost < writes; lost++) {
        let asked = 0
        const left = storage.crash({ next: () => (asked++ === lost ? 0.9 : 0.1) })
        const again = await fileSpool({ storage: left, clock, random }, '/spool')()
        expect((await drain(again)).map(([, text]) => text.slice(0, 9))).toEqual(texts.map((text) => text.slice(0, 9)))
        expect(again.damaged).toBe(0)
        await again.close()
      }
      await spool.close()
    })(),
  )
})
