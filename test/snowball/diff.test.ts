import fc from 'fast-check'
import { expect, it } from 'vitest'
import { diffSnowball, type SnowballDifference } from '../../src/snowball/index.js'
import { type MadeFile, manifestOf } from './manifests.js'
import { memoryStorage } from './memory.js'

async function differences(from: string, to: string): Promise<SnowballDifference[]> {
  const storage = memoryStorage(() => 0)
  storage.write('/a/manifest.ndjson', from)
  storage.write('/b.ndjson', to)
  const all: SnowballDifference[] = []
  for await (const difference of diffSnowball({ from: '/a', to: '/b.ndjson', ports: { storage } })) all.push(difference)
  return all
}

const file = fc.record({
  key: fc.oneof(fc.constantFrom('__proto__', 'a', 'b/c', 'é', '😀'), fc.string({ minLength: 1, maxLength: 4 })),
  content: fc.constantFrom('', 'x', 'y', 'xy'),
  object: fc.boolean(),
})
const files = fc.uniqueArray(file, { selector: ({ key }) => key, maxLength: 30 })

it('tells what maps in memory tell, by key', async () => {
  const lines = (text: string) =>
    new Map(
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
        .filter(({ type }) => type === 'member' || type === 'object')
        .map(({ key, chunk, size, sha256 }) => [key, { ...(chunk === undefined ? {} : { chunk }), size, sha256 }]),
    )
  await fc.assert(
    fc.asyncProperty(files, files, async (before, after) => {
      const [from, to] = [manifestOf(before, 4), manifestOf(after, 3)]
      const [a, b] = [lines(from), lines(to)]
      const expected: object[] = []
      for (const [key, file] of b) {
        const old = a.get(key)
        if (!old) expected.push({ type: 'added', key, to: file })
        else if (old.sha256 !== file.sha256) expected.push({ type: 'changed', key, from: old, to: file })
        else if (old.chunk !== file.chunk) expected.push({ type: 'moved', key, from: old, to: file })
      }
      for (const [key, file] of a) if (!b.has(key)) expected.push({ type: 'removed', key, from: file })
      expect(await differences(from, to)).toEqual(expected)
    }),
    { numRuns: 300 },
  )
})

it('finds a manifest equal to itself, and to the same files in another order in the same chunks', async () => {
  const made: MadeFile[] = Array.from({ length: 9 }, (_, i) => ({ key: `k${i}`, content: `${i}` }))
  expect(await differences(manifestOf(made), manifestOf(made))).toEqual([])
  expect(await differences(manifestOf(made), manifestOf([...made].reverse()))).toEqual([])
})

it('refuses what is torn, malformed, or has a key twice', async () => {
  const good = manifestOf([{ key: 'a', content: 'x' }])
  const twice = manifestOf([
    { key: 'a', content: 'x' },
    { key: 'a', content: 'y' },
  ])
  await expect(differences(good, twice)).rejects.toThrow('/b.ndjson: expected each key once, got "a" twice')
  await expect(differences(twice, good)).rejects.toThrow('/a/manifest.ndjson: expected each key once, got "a" twice')
  await expect(differences(good, good.slice(0, -20))).rejects.toThrow('/b.ndjson: expected a last line of type end')
  await expect(differences(good, good.replace('"version":1', '"version":2'))).rejects.toThrow('record 0: expected a manifest of version 1')
  await expect(differences(good, good.replace('"size":1', '"size":-1'))).rejects.toThrow('record 2, byte')
  const ports = { storage: memoryStorage(() => 0) }
  const bad = (options: object) => expect(diffSnowball({ from: '/a', to: '/b', ports, ...options }).next()).rejects
  await bad({ from: 5 }).toThrow('"from" expected the path of a manifest, got 5')
  await bad({ prefix: '' }).toThrow('"options" expected one of')
  await bad({}).toMatchObject({ code: 'IO' })
})
