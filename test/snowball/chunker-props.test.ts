// What holds of any files, however they come.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nodeSha256 } from '../../src/ports/node-hash.js'
import { type ChunkerFile, keyFault } from '../../src/snowball/index.js'
import { createArchive } from '../../src/snowball/pack/archive.js'
import { npmTarStream, sha256 } from '../archive/members.js'
import { builds } from '../builds.js'
import { bytes, collect } from './chunks.js'

/** How the data comes: at once, or cut into pieces of so many bytes. */
const form = fc.oneof(fc.constantFrom('bytes', 'blob', 'function'), fc.integer({ min: 1, max: 3000 }))

const file = fc.record({
  key: fc.oneof(fc.string({ unit: 'grapheme', maxLength: 30 }), fc.constantFrom('a', 'b/c', '../up', '__proto__', 'x/'.repeat(200), 'é')),
  size: fc.oneof(fc.integer({ min: 0, max: 6000 }), fc.constantFrom(0, 511, 512, 513, 1000, 1001)),
  form,
  sized: fc.boolean(),
  wrong: fc.constantFrom(0, 0, 0, 0, 1, -1),
})
type Planned = typeof file extends fc.Arbitrary<infer T> ? T : never

async function* cut(data: Uint8Array, size: number) {
  for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size)
}

function given({ key, size, form, sized, wrong }: Planned, i: number): ChunkerFile {
  const data = bytes(size, i)
  const forms = { bytes: data, blob: new Blob([data]), function: () => data }
  return { key, data: typeof form === 'number' ? cut(data, form) : forms[form as keyof typeof forms], ...(sized ? { size: Math.max(0, size + wrong) } : {}) }
}

const limits = fc.record({
  smallBytes: fc.constantFrom(0, 1000, 10_000),
  chunkBytes: fc.integer({ min: 5120, max: 30_000 }),
  chunkFiles: fc.integer({ min: 1, max: 5 }),
  bufferBytes: fc.constant(10_000),
})

describe('of any files', () => {
  it('each is settled once, in one chunk or as left out, and the chunks keep their bounds', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(file, { maxLength: 25 }), limits, async (planned, options) => {
        const { tars, results, left, lines, summary } = await collect(planned.map(given), options)
        const packed = results.flatMap(({ members }) => members)
        expect(packed.length + left.length).toBe(planned.length)
        expect(summary).toMatchObject({ chunks: tars.size, members: packed.length, failed: left.length, skipped: 0 })
        // of each key one, the first that will do
        expect(new Set(packed.map(({ key }) => key)).size).toBe(packed.length)
        for (const { key, sha256: hash, size } of packed) {
          const i = planned.findIndex((one) => one.key === key)
          expect([size, hash]).toEqual([planned[i].size, sha256(bytes(planned[i].size, i))])
          expect(planned[i].sized && planned[i].wrong !== 0 && planned[i].size + planned[i].wrong >= 0).toBe(false)
        }
        for (const { path, reason } of left) {
          const same = planned.filter(({ key }) => key === path)
          if (reason === 'key') expect(keyFault(path) ?? path).toBeTruthy()
          else if (reason === 'collision') expect(same.length).toBeGreaterThan(1)
          else expect(same.some(({ sized, wrong }) => sized && wrong !== 0)).toBe(true)
        }
        let at = 0
        for (const [name, tar] of tars) {
          const { members, ...digest } = results[at++]
          expect(digest).toMatchObject({ bytes: tar.length, sha256: sha256(tar) })
          expect(members.length).toBeLessThanOrEqual(options.chunkFiles)
          if (members.length > 1) expect(tar.length).toBeLessThanOrEqual(options.chunkBytes)
          for (const { size } of members) if (size > options.smallBytes) expect(members.length).toBe(1)
          expect(await npmTarStream(tar)).toEqual(members.map(({ key, size, sha256 }) => ({ name: key, size, sha256 })))
          for (const { offset, size, sha256: hash } of members) expect(sha256(tar.subarray(offset, offset + size))).toBe(hash)
          expect(lines.filter((line) => line.type === 'member' && line.chunk === name)).toEqual(members)
        }
      }),
      { numRuns: 150 },
    )
  })

  it('the bytes do not depend on how the data was cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(file, { maxLength: 15 }),
        fc.array(form, { minLength: 15, maxLength: 15 }),
        limits,
        async (planned, forms, { chunkBytes, ...rest }) => {
          const options = { ...rest, chunkBytes: 10_000 + chunkBytes }
          // large ones in one form: whether they can wait decides which chunk comes first
          const sizes: Planned[] = planned.map((one) => ({ ...one, wrong: 0, size: one.size % (options.smallBytes + 1) }))
          const [a, b] = await Promise.all(
            [sizes, sizes.map((one, i) => ({ ...one, form: forms[i], sized: true }))].map((all) => collect(all.map(given), options)),
          )
          expect([...a.tars.keys()]).toEqual([...b.tars.keys()])
          for (const [name, tar] of a.tars) expect(Buffer.compare(tar, b.tars.get(name)!), name).toBe(0)
          const packed = ({ lines }: typeof a) => lines.filter(({ type }) => type !== 'failed')
          expect(packed(a)).toEqual(packed(b))
          expect(a.left).toEqual(expect.arrayContaining(b.left))
        },
      ),
      { numRuns: 60 },
    )
  })
})

it('an archive has the same bytes by both builds', async () => {
  const made = await Promise.all(
    builds.map(async ([, engine]) => {
      const pieces: Uint8Array[] = []
      const mark = engine.core.mark()
      const archive = createArchive(engine, async (data) => void pieces.push(data.slice()), nodeSha256, 5000)
      const packed: object[] = []
      const sizes = [0, 1, 511, 512, 5000]
      await archive.add(
        sizes.map((size, i) => ({ key: `ü-${i}`, size })),
        async (i, place) => {
          place(sizes[i]).set(bytes(sizes[i], i))
          return sizes[i]
        },
        (_, one) => packed.push(one),
      )
      packed.push(await archive.stream('large', 3_000_000, cut(bytes(3_000_000), 70_001)))
      await archive.finish()
      engine.core.rewind(mark)
      return { packed, hash: sha256(Buffer.concat(pieces)) }
    }),
  )
  expect(made[1]).toEqual(made[0])
})
