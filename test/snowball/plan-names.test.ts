// Names of large directories in little memory, and keys that are alike: against plain sorting and plain comparing.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { FileKind, Storage } from '../../src/ports/ports.js'
import { openDirectory } from '../../src/snowball/plan/directory.js'
import type { Entry } from '../../src/snowball/plan/names.js'
import { createTwins } from '../../src/snowball/plan/twins.js'
import { memoryStorage } from './memory.js'

/** A storage with one directory, which gives its entries in another order each time, those of `once` the first time only. */
function directoryOf(entries: readonly Entry[], once: readonly Entry[] = []) {
  let lists = 0
  const storage: Storage = {
    ...memoryStorage(() => 0),
    async *list() {
      const all = lists++ === 0 ? [...entries, ...once] : [...entries]
      for (let i = all.length - 1; i >= 0; i -= 2) yield all[i]
      for (let i = all.length - 2; i >= 0; i -= 2) yield all[i]
    },
  }
  return { storage, lists: () => lists }
}

async function all(storage: Storage, budget: number, collisions = false) {
  const directory = await openDirectory(storage, '/', '/', budget, collisions)
  const found: Entry[] = []
  do {
    for (let entry = directory.peek(); entry; entry = directory.peek()) {
      found.push(entry)
      directory.take()
    }
  } while (await directory.more())
  return { found, directory }
}

const inOrder = (entries: readonly Entry[]) => {
  const key = ({ name, kind }: Entry) => Buffer.from(kind === 'directory' ? `${name}/` : name)
  return [...entries].sort((a, b) => Buffer.compare(key(a), key(b)))
}

const names = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }),
  fc.string({ unit: fc.constantFrom('a', 'b', '-', '0', '.', 'é', '😀', '\uffee'), minLength: 1, maxLength: 60 }),
)
const kinds = fc.constantFrom<FileKind>('file', 'directory', 'symlink', 'fifo', 'socket', 'device', 'other')
const directories = fc.uniqueArray(fc.record({ name: names, kind: kinds }), { maxLength: 300, selector: ({ name }) => name })

it('come in the order of their bytes, each once, with memory for all or for a few', async () => {
  await fc.assert(
    fc.asyncProperty(directories, fc.constantFrom(1 << 20, 4096, 1500), async (entries, budget) => {
      expect((await all(directoryOf(entries).storage, budget)).found).toEqual(inOrder(entries))
    }),
    { numRuns: 300 },
  )
})

it('of a large directory take the memory that they are given, in many looks', async () => {
  const entries = Array.from({ length: 50_000 }, (_, i): Entry => ({ name: `IMG_${(i * 7919) % 50_000}.jpg`, kind: i % 9 === 0 ? 'directory' : 'file' }))
  const { storage, lists } = directoryOf(entries)
  const { found, directory } = await all(storage, 100_000)
  expect(found).toEqual(inOrder(entries))
  expect(directory.size).toBeLessThanOrEqual(100_000)
  expect(directory.entries).toBe(50_000)
  expect(lists()).toBeGreaterThan(10)
})

it('that go between two looks are no more there, the others all are', async () => {
  const entry = (name: string): Entry => ({ name, kind: 'file' })
  const stay = Array.from({ length: 500 }, (_, i) => entry(`name-${i}`))
  const go = Array.from({ length: 500 }, (_, i) => entry(`name-${i}-gone`))
  const { found } = await all(directoryOf(stay, go).storage, 4096)
  expect(found.filter(({ name }) => !name.endsWith('gone'))).toEqual(inOrder(stay))
})

it('that are no UTF-8 look the same, and are told all the same', async () => {
  const entries = [
    ...Array.from({ length: 2000 }, (): Entry => ({ name: '\ufffd\ufffd', kind: 'file' })),
    { name: 'a', kind: 'file' as const },
    { name: '\u{10000}', kind: 'file' as const },
  ]
  const { found } = await all(directoryOf(entries).storage, 2048, true)
  expect([...new Set(found.map(({ name }) => name))]).toEqual(['a', '\ufffd\ufffd', '\u{10000}'])
})

const fold = (key: string) => key.normalize('NFD').toUpperCase().toLowerCase().normalize('NFC')

it('that are alike are all found, and no others, however few bits there are', () => {
  const key = fc.string({ unit: fc.constantFrom('a', 'A', 'b', 'é', 'e\u0301', 'É', 'ß', 'ss', 'SS', 'ς', 'σ', 'Σ', '中', '/'), minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(fc.array(key, { maxLength: 60 }), fc.constantFrom(0, 1000), (keys, expected) => {
      const twins = createTwins(expected)
      for (const one of keys) twins.note(one)
      if (twins.any) for (const one of keys) twins.suspect(one)
      keys.forEach((one, i) => {
        const before = keys.slice(0, i)
        const how = before.includes(one)
          ? 'same'
          : before.some((other) => other.normalize('NFC') === one.normalize('NFC'))
            ? 'form'
            : before.some((other) => fold(other) === fold(one))
              ? 'case'
              : undefined
        expect(twins.check(one)?.how).toBe(how)
      })
    }),
    { numRuns: 500 },
  )
})

it('are told apart though they share a bit of what is kept of them', () => {
  const twins = createTwins(1)
  const keys = Array.from({ length: 20_000 }, (_, i) => `key-${i}`)
  keys.push('KEY-77')
  for (const one of keys) twins.note(one)
  expect(twins.any).toBe(true)
  for (const one of keys) twins.suspect(one)
  expect(keys.flatMap((one) => twins.check(one) ?? [])).toEqual([{ key: 'key-77', how: 'case' }])
})
