import { expect, test } from 'vitest'
import { type FileSpoolOptions, fileSpool } from '../../../src/kinesis/producer/spool/spool.js'
import type { Spool } from '../../../src/kinesis/producer/spool-port.js'
import { createSimulation, type Simulation } from '../../../src/ports/simulated.js'
import type { RecordBatch } from '../../../src/types.js'
import { batchOf, drain, textOf } from './batches.js'
import { type CrashingStorage, crashingStorage } from './crashing.js'

const open = (storage: CrashingStorage, { clock, random }: Simulation, options?: FileSpoolOptions) => fileSpool({ storage, clock, random }, '/spool', options)()

test('what was appended and has not settled comes back, in order, with its numbers', async () => {
  const world = createSimulation(1)
  const storage = crashingStorage()
  await world.run(
    (async () => {
      const spool = await open(storage, world)
      expect(await drain(spool)).toEqual([])
      expect(await spool.append(batchOf(['a', 'b', 'c']))).toBe(0)
      expect(await spool.append(batchOf(['d']))).toBe(3)
      expect(await spool.append(batchOf([]))).toBe(4)
      spool.settle(Float64Array.of(1))
      await spool.close()
      const again = await open(storage, world)
      expect(again.id).toBe(spool.id)
      expect(again.id).toMatch(/^[A-Za-z0-9_-]{1,32}$/)
      expect(await drain(again)).toEqual([
        [0, 'a'],
        [2, 'c'],
        [3, 'd'],
      ])
      expect(await again.append(batchOf(['e']))).toBe(4)
      await again.close()
    })(),
  )
})

test('keys, explicit hash keys and data of any size, also none, from rows anywhere in the heap', async () => {
  const world = createSimulation(2)
  const storage = crashingStorage()
  const heap = new TextEncoder().encode('xxKEYyy340282366920938463463374607431768211455zzDATA')
  const big = new Uint8Array(heap.length + 10 * 1_048_576)
  big.set(heap)
  const rows = [
    [48, 4, 7, 39, 2, 3],
    [2, 3, 0, 0xffffffff, 48, 4],
    [2, 1, 9, 0, 0, 0],
    [2, 3, 0, 0xffffffff, heap.length, 10 * 1_048_576],
  ]
  const table = new Uint32Array(rows.flatMap((row) => [...row, 0, 0]))
  const batch: RecordBatch = { count: rows.length, table, heap: big }
  await world.run(
    (async () => {
      const spool = await open(storage, world)
      await spool.append(batch)
      await spool.close()
      const again = await open(storage, world)
      const seen: unknown[] = []
      for await (const { records } of again.replay()) for (let row = 0; row < records.count; row++) seen.push(textOf(records, row))
      expect(seen).toEqual(rows.map((_, row) => textOf(batch, row)))
      await again.close()
    })(),
  )
})

test('appends that wait together share an fsync; each number in the order of the calls', async () => {
  const world = createSimulation(3)
  const storage = crashingStorage()
  await world.run(
    (async () => {
      const spool = await open(storage, world)
      await spool.append(batchOf(['first']))
      const before = storage.log.filter(({ operation }) => operation === 'sync').length
      const numbers = await Promise.all(Array.from({ length: 1000 }, (_, i) => spool.append(batchOf([`r${i}`, `s${i}`]))))
      expect(numbers).toEqual(numbers.map((_, i) => 1 + 2 * i))
      expect(storage.log.filter(({ operation }) => operation === 'sync').length - before).toBeLessThanOrEqual(2)
      await spool.close()
    })(),
  )
})

test('while an fsync is under way the next group is written; it is accepted with an fsync of its own', async () => {
  const world = createSimulation(17)
  const storage = crashingStorage()
  const create = storage.create
  let landing = new Promise<void>(() => {})
  let land = () => {}
  const hold = () => {
    landing = new Promise((resolve) => {
      land = resolve
    })
  }
  storage.create = async (...given) => {
    const file = await create(...given)
    return { ...file, sync: () => landing.then(() => file.sync()) }
  }
  await world.run(
    (async () => {
      landing = Promise.resolve()
      const spool = await open(storage, world)
      await spool.append(batchOf(['first']))
      await world.clock.sleep(1)
      hold()
      const accepted: string[] = []
      const append = (text: string) => spool.append(batchOf([text])).then(() => accepted.push(text))
      const writes = () => storage.log.filter(({ operation }) => operation === 'write').length
      const all = [append('a'), append('b')]
      await world.clock.sleep(1)
      expect([writes(), accepted]).toEqual([3, []])
      land()
      hold()
      await world.clock.sleep(1)
      expect(accepted).toEqual(['a'])
      const again = await open(storage.crash('lost'), world)
      expect((await drain(again)).map(([, text]) => text).slice(0, 2)).toEqual(['first', 'a'])
      await again.close()
      land()
      await Promise.all(all)
      await spool.close()
    })(),
  )
})

test('at maxBytes append waits, also while others settle out of order, and files go when all in them has settled', async () => {
  const world = createSimulation(4)
  const storage = crashingStorage()
  await world.run(
    (async () => {
      const spool = await open(storage, world, { maxBytes: 1_048_576 })
      const pad = 'x'.repeat(50_000)
      const accepted: number[] = []
      const all = Array.from({ length: 100 }, (_, i) =>
        spool.append(batchOf([`${i}${pad}`])).then((number) => {
          accepted.push(number)
          return number
        }),
      )
      await world.clock.sleep(1000)
      expect(accepted.length).toBeGreaterThan(15)
      expect(accepted.length).toBeLessThanOrEqual(20)
      expect(spool.bytes).toBeLessThanOrEqual(1_048_576)
      // The very first one is held back: every file but its own goes all the same.
      let settled = 1
      while (settled < 100) {
        const until = accepted.length
        spool.settle(Float64Array.from({ length: until - settled }, (_, i) => until - 1 - i))
        settled = until
        await world.clock.sleep(200)
        expect(spool.bytes).toBeLessThanOrEqual(1_048_576)
      }
      await Promise.all(all)
      expect(accepted).toEqual(Array.from({ length: 100 }, (_, i) => i))
      await world.clock.sleep(200)
      expect([...storage.files.values()].reduce((sum, { length }) => sum + length, 0)).toBeLessThan(600_000)
      await spool.close()
      const again = await open(storage.crash('lost'), world)
      expect((await drain(again)).map(([number]) => number)).toEqual([0])
      await again.close()
    })(),
  )
})

test('a batch larger than the whole limit goes alone', async () => {
  const world = createSimulation(5)
  await world.run(
    (async () => {
      const spool = await open(crashingStorage(), world, { maxBytes: 1_048_576 })
      const huge = batchOf(Array.from({ length: 40 }, (_, i) => `${i}${'x'.repeat(100_000)}`))
      await spool.append(huge)
      let second = -1
      void spool.append(huge).then((number) => {
        second = number
      })
      await world.clock.sleep(1000)
      expect(second).toBe(-1)
      spool.settle(Float64Array.from({ length: 40 }, (_, i) => i))
      await world.clock.sleep(1000)
      expect(second).toBe(40)
      await spool.close()
    })(),
  )
})

test('numbers go on although all has settled and one empty file is left', async () => {
  const world = createSimulation(6)
  const storage = crashingStorage()
  await world.run(
    (async () => {
      let id = ''
      for (let round = 0; round < 4; round++) {
        const spool = await open(storage, world)
        id ||= spool.id
        expect(spool.id).toBe(id)
        expect(await drain(spool)).toEqual([])
        expect(await spool.append(batchOf(['a', 'b']))).toBe(2 * round)
        spool.settle(Float64Array.of(2 * round, 2 * round + 1))
        await spool.close()
        expect([...storage.files].map(([, { length }]) => length)).toEqual([0])
      }
    })(),
  )
})

test('a full disk makes append wait, and what settles meanwhile makes room', async () => {
  const world = createSimulation(7)
  const storage = crashingStorage()
  await world.run(
    (async () => {
      const spool = await open(storage, world, { maxBytes: 2 ** 30 })
      for (let i = 0; i < 10; i++) await spool.append(batchOf([`${i}`]))
      storage.fail = (operation) => (operation === 'write' || operation === 'create' ? 'ENOSPC' : undefined)
      let done = false
      const waiting = spool.append(batchOf(['later'])).then((number) => {
        done = true
        return number
      })
      await world.clock.sleep(3_600_000)
      expect(done).toBe(false)
      storage.fail = undefined
      await world.clock.sleep(2_000)
      expect(await waiting).toBe(10)
      await spool.close()
      // kill -9 and power failure find the same
      const again = await open(storage.crash('lost'), world)
      expect((await drain(again)).map(([, text]) => text)).toEqual([...Array.from({ length: 10 }, (_, i) => `${i}`), 'later'])
      await again.close()
    })(),
  )
})

test('a disk that its own settled file fills: that file goes as soon as an empty one holds the numbers', async () => {
  const world = createSimulation(15)
  const storage = crashingStorage()
  await world.run(
    (async () => {
      const spool = await open(storage, world)
      storage.capacity = 100_000
      const text = 'x'.repeat(30_000)
      for (let i = 0; i < 3; i++) await spool.append(batchOf([text]))
      let last = -1
      const waiting = spool.append(batchOf([text])).then((number) => {
        last = number
      })
      await world.clock.sleep(60_000)
      expect(last).toBe(-1)
      spool.settle(Float64Array.of(0, 1, 2))
      await world.clock.sleep(5_000)
      expect(last).toBe(3)
      await waiting
      // and so on, for as long as what comes settles
      for (let i = 4; i < 50; i++) {
        spool.settle(Float64Array.of(i - 1))
        expect(await spool.append(batchOf([text]))).toBe(i)
      }
      await spool.close()
      const again = await open(storage.crash('lost'), world)
      expect((await drain(again)).map(([number]) => number)).toEqual([49])
      await again.close()
    })(),
  )
})

test('a disk filled by a settled file that says what has settled in an older one: it goes, and its word is said anew', async () => {
  const world = createSimulation(16)
  const storage = crashingStorage()
  await world.run(
    (async () => {
      const text = 'x'.repeat(100_000)
      // files of 128 KiB
      const spool = await open(storage, world, { maxBytes: 1_048_576 })
      await spool.append(batchOf(['held', 'done', text]))
      await spool.append(batchOf([text]))
      spool.settle(Float64Array.of(1, 2))
      await world.clock.sleep(1_000)
      expect(storage.files.size).toBe(2)
      storage.capacity = [...storage.files.values()].reduce((sum, { length }) => sum + length, 0) + 10
      spool.settle(Float64Array.of(3))
      expect(await spool.append(batchOf([text]))).toBe(4)
      const again = await open(storage.crash('lost'), world)
      expect((await drain(again)).map(([number]) => number)).toEqual([0, 4])
      await again.close()
      await spool.close()
    })(),
  )
})

test('close while the disk is full rejects what waits with CLOSED, and keeps what was accepted', async () => {
  const world = createSimulation(8)
  const storage = crashingStorage()
  await world.run(
    (async () => {
      const spool = await open(storage, world)
      await spool.append(batchOf(['kept']))
      storage.fail = (operation) => (operation === 'write' ? 'ENOSPC' : undefined)
      const waiting = [spool.append(batchOf(['a'])), spool.append(batchOf(['b']))]
      const rejected = Promise.all(waiting.map((w) => expect(w).rejects.toMatchObject({ code: 'CLOSED' })))
      await world.clock.sleep(500)
      await spool.close().catch(() => {})
      await rejected
      await expect(spool.append(batchOf(['c']))).rejects.toMatchObject({ code: 'CLOSED' })
      storage.fail = undefined
      const again = await open(storage, world)
      // What was rejected may come back where a part of it had been written.
      expect((await drain(again)).map(([, text]) => text)).toEqual(['kept', 'a'])
      await again.close()
    })(),
  )
})

test.each(['EIO', 'EROFS', 'EFBIG'])('%s once is survived in a new file; for good it rejects with IO, now and later', async (code) => {
  const world = createSimulation(9)
  const storage = crashingStorage()
  await world.run(
    (async () => {
      const spool = await open(storage, world)
      await spool.append(batchOf(['a']))
      let failures = 1
      storage.fail = (operation) => (operation === 'sync' && failures-- > 0 ? code : undefined)
      expect(await spool.append(batchOf(['b']))).toBe(1)
      storage.fail = (operation) => (operation === 'sync' ? code : undefined)
      await expect(spool.append(batchOf(['c']))).rejects.toMatchObject({ code: 'IO' })
      storage.fail = undefined
      await expect(spool.append(batchOf(['d']))).rejects.toMatchObject({ code: 'IO' })
      await spool.close().catch(() => {})
      for (const aftermath of ['kept', 'lost'] as const) {
        const again = await open(storage.crash(aftermath), world)
        expect((await drain(again)).map(([, text]) => text).slice(0, 2)).toEqual(['a', 'b'])
        await again.close()
      }
    })(),
  )
})

test('a device that cannot be read rejects with IO', async () => {
  const world = createSimulation(11)
  const storage = crashingStorage()
  storage.list = () => {
    throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })
  }
  await expect(open(storage, world)).rejects.toMatchObject({ code: 'IO' })
})

test('bad arguments throw', () => {
  const world = createSimulation(12)
  const ports = { storage: crashingStorage(), clock: world.clock, random: world.random }
  expect(() => fileSpool({} as never, '/x')).toThrow('"ports" expected ports with a storage, a clock and random, got an object')
  expect(() => fileSpool(ports, '')).toThrow('"directory" expected the path of a directory, got ""')
  expect(() => fileSpool(ports, '/x', { maxBytes: 5 })).toThrow('"maxBytes" expected a whole number from 1048576')
  expect(() => fileSpool(ports, '/x', { max: 5 } as never)).toThrow('"options" expected one of maxBytes, onDamage, got "max"')
})

test('the clock may jump by years in either direction', async () => {
  const world = createSimulation(13)
  const storage = crashingStorage()
  let jump = 0
  const clock = { ...world.clock, now: () => world.clock.now() + jump }
  const texts: string[] = []
  await world.run(
    (async () => {
      for (const years of [0, 5, -5, 100]) {
        jump = years * 31_557_600_000
        const spool: Spool = await fileSpool({ storage, clock, random: world.random }, '/spool')()
        expect((await drain(spool)).map(([, text]) => text)).toEqual(texts)
        await spool.append(batchOf([`in ${years}`]))
        texts.push(`in ${years}`)
        await spool.close()
      }
    })(),
  )
})
