// Files of a spool that somebody or something has changed: what can be read of them is read, and nothing that
// cannot be read is ever deleted. What a crash leaves is no damage.
import { expect, test } from 'vitest'
import { crc32c } from '../../../src/engine/digest.js'
import { HEADER } from '../../../src/kinesis/producer/spool/frame.js'
import type { SpoolDamage } from '../../../src/kinesis/producer/spool/recovery.js'
import { fileSpool } from '../../../src/kinesis/producer/spool/spool.js'
import { createSimulation, type Simulation } from '../../../src/ports/simulated.js'
import { batchOf, drain } from './batches.js'
import { type CrashingStorage, crashingStorage } from './crashing.js'

const open = (storage: CrashingStorage, { clock, random }: Simulation, damage: SpoolDamage[] = []) =>
  fileSpool({ storage, clock, random }, '/spool', { maxBytes: 1_048_576, onDamage: (found) => damage.push(found) })()

const TEXTS = ['a', 'bb', 'ccc', 'dddd'].map((text) => text.repeat(8))

/** One file with four records in three frames, none settled. */
async function written(world: Simulation): Promise<{ storage: CrashingStorage; path: string; data: Uint8Array }> {
  const storage = crashingStorage()
  const spool = await open(storage, world)
  for (const texts of [TEXTS.slice(0, 2), TEXTS.slice(2, 3), TEXTS.slice(3)]) await spool.append(batchOf(texts))
  await spool.close()
  const [[path, data]] = [...storage.files]
  return { storage, path, data: data.slice() }
}

/** What is read back; then all of it settles, and one more record, so that every file goes that may. */
async function useUp(storage: CrashingStorage, world: Simulation) {
  const damage: SpoolDamage[] = []
  const spool = await open(storage, world, damage)
  const back = await drain(spool)
  const more = await spool.append(batchOf(['more']))
  spool.settle(Float64Array.of(...back.map(([number]) => number), more))
  await spool.close()
  const files = [...storage.files].filter(([, { length }]) => length > 0)
  return { texts: back.map(([, text]) => text), damage, files, more }
}

test('whatever byte changes, and however much is cut from the head: what is not read back is kept, byte for byte', async () => {
  const world = createSimulation(1)
  await world.run(
    (async () => {
      const { path, data } = await written(world)
      const changes: [string, (data: Uint8Array) => Uint8Array][] = []
      for (let at = 0; at < data.length; at++) {
        changes.push([`byte ${at} flipped`, (bytes) => bytes.map((byte, i) => (i === at ? byte ^ 0x41 : byte))])
        // In less than a header no record has room.
        if (at === 0 || at > data.length - HEADER) continue
        changes.push([`${at} bytes cut from the head`, (bytes) => bytes.slice(at)])
        if (at % 5 > 0) continue
        changes.push([`${at} bytes zeroed`, (bytes) => bytes.fill(0, 0, at)])
        changes.push([`${at} bytes put before it`, (bytes) => Uint8Array.of(...new Uint8Array(at).fill(7), ...bytes)])
      }
      for (const [what, change] of changes) {
        const storage = crashingStorage(new Map([[path, data.slice()]]), new Set(['/', '/spool']))
        storage.damage(path, change)
        const changed = [...storage.files.values()][0].slice()
        const { texts, damage, files, more } = await useUp(storage, world)
        expect(TEXTS, what).toEqual(expect.arrayContaining(texts))
        expect(more, what).toBeGreaterThanOrEqual(texts.length)
        const whole = texts.length === TEXTS.length && !changed.includes(7)
        if (whole)
          expect(
            files.filter(([name]) => !name.endsWith('.damaged')),
            what,
          ).toEqual([])
        else {
          expect(files, what).toEqual([[`${path}.damaged`, changed]])
          expect(damage.length, what).toBeGreaterThan(0)
          expect(damage[0].message, what).toMatch(
            /^\/spool\/millrace-\S+\.spool, byte \d+: expected frames written under this name, got \d+ bytes .* kept as millrace-\S+\.damaged$/,
          )
        }
        // and is told once
        expect((await useUp(storage, world)).damage, what).toEqual([])
      }
    })(),
  )
})

test('a renamed file is kept under its new name, and read once it has its own again', async () => {
  const world = createSimulation(2)
  await world.run(
    (async () => {
      const { storage, path, data } = await written(world)
      const renamed = path.replace('-00000001', '-00000007')
      await storage.rename(path, renamed)
      const { texts, damage } = await useUp(storage, world)
      expect(texts).toEqual([])
      expect(damage).toMatchObject([{ file: renamed.slice('/spool/'.length), offset: 0, bytes: data.length, records: 0 }])
      expect(storage.files.get(`${renamed}.damaged`)).toEqual(data)
      await storage.rename(`${renamed}.damaged`, path)
      const again = await useUp(storage, world)
      expect(again).toMatchObject({ texts: TEXTS, damage: [], files: [] })
    })(),
  )
})

test('a file that ends anywhere is what a crash leaves: nothing is told or kept', async () => {
  const world = createSimulation(3)
  await world.run(
    (async () => {
      const { path, data } = await written(world)
      for (let end = 0; end <= data.length; end++) {
        for (const zeros of [0, 1, 100, 5_000]) {
          const left = new Uint8Array(end + zeros)
          left.set(data.subarray(0, end))
          // A frame whose size is there and whose bytes are not: that may have been whole once.
          if (zeros > 0 && end > 0 && end < data.length) continue
          const storage = crashingStorage(new Map([[path, left]]), new Set(['/', '/spool']))
          const { texts, damage, files } = await useUp(storage, world)
          expect(texts).toEqual(TEXTS.slice(0, texts.length))
          expect({ end, damage, files }).toEqual({ end, damage: [], files: [] })
        }
      }
    })(),
  )
})

test('a file that has lost its end though another was begun behind it', async () => {
  const world = createSimulation(4)
  await world.run(
    (async () => {
      const storage = crashingStorage()
      const spool = await open(storage, world)
      // files of 128 KiB
      for (let i = 0; i < 4; i++) await spool.append(batchOf(['x'.repeat(60_000)]))
      await spool.close()
      const [first, second] = [...storage.files.keys()].sort()
      storage.damage(first, (data) => data.slice(0, data.length / 2))
      const { texts, damage, files } = await useUp(storage, world)
      expect(texts).toHaveLength(3)
      expect(damage).toMatchObject([{ file: first.slice('/spool/'.length), bytes: 0, records: 1 }])
      expect(files.map(([name]) => name)).toEqual([`${first}.damaged`])
      expect(storage.files.has(second)).toBe(false)
    })(),
  )
})

test('two logs in one directory, and a file with the ending of another name, are CORRUPT; others are left alone', async () => {
  const world = createSimulation(10)
  await world.run(
    (async () => {
      const storage = crashingStorage()
      await (await open(storage, world)).close()
      const other = new Map([['/spool/notes.txt', new Uint8Array(3)]])
      const spool = await open(crashingStorage(other), world)
      await spool.append(batchOf(['a']))
      await spool.close()
      for (const name of ['/spool/copy of millrace.spool', '/spool/millrace-x-0000000000000000-00000001.spool']) {
        const spoilt = crashingStorage(other)
        const first = await open(spoilt, world)
        await first.append(batchOf(['a']))
        await first.close()
        await spoilt.create(name)
        await expect(open(spoilt, world)).rejects.toMatchObject({
          code: 'CORRUPT',
          message: expect.stringMatching(/^\/spool\/.*: expected .*, got .*: .*move/),
        })
      }
    })(),
  )
})

test('decay costs the frames it is in, is reported with their records, and no number is given twice', async () => {
  const world = createSimulation(14)
  const storage = crashingStorage()
  await world.run(
    (async () => {
      const spool = await open(storage, world)
      for (const text of ['a', 'b', 'c', 'd']) await spool.append(batchOf([text, `${text}${text}`]))
      await spool.close()
      const [path] = [...storage.files.keys()]
      const size = 88
      // the second frame and the last one
      for (const at of [size + 40, 3 * size + 10])
        storage.damage(path, (data) => {
          data[at] ^= 0x10
          return data
        })
      const damage: SpoolDamage[] = []
      const again = await open(storage, world, damage)
      expect(await drain(again)).toEqual([
        [0, 'a'],
        [1, 'aa'],
        [4, 'c'],
        [5, 'cc'],
      ])
      const file = path.slice('/spool/'.length)
      expect(damage).toMatchObject([
        { file, offset: size, bytes: size, records: 2 },
        { file, offset: 3 * size, bytes: size, records: 0 },
      ])
      expect(again.damaged).toBe(2)
      // 88 lost bytes had room for 4 records at most
      expect(await again.append(batchOf(['e']))).toBe(10)
      again.settle(Float64Array.of(0, 1, 4, 5, 10))
      await again.close()
      const last = await open(storage, world, damage)
      expect(await drain(last)).toEqual([])
      expect(damage).toHaveLength(2)
      expect(await last.append(batchOf(['f']))).toBe(11)
      await last.close()
    })(),
  )
})

test('a file of the first version is refused, and left as it is', async () => {
  const world = createSimulation(15)
  await world.run(
    (async () => {
      const { path, data } = await written(world)
      const name = path.slice('/spool/'.length)
      data[3] = '1'.charCodeAt(0)
      new DataView(data.buffer).setUint32(28, crc32c(data.subarray(0, 28), crc32c(new TextEncoder().encode(name))), true)
      const storage = crashingStorage(new Map([[path, data]]), new Set(['/', '/spool']))
      await expect(open(storage, world)).rejects.toMatchObject({
        code: 'CORRUPT',
        message: expect.stringMatching(/^\/spool\/millrace-\S+\.spool: expected a spool file of version 2, got version 1: let the millrace that wrote it /),
      })
      expect([...storage.files]).toEqual([[path, data]])
    })(),
  )
})
