import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hash64, join } from '../../src/snowball/verify/join.js'

type Row = [key: string, value: number]

/** What a join tells, in order of kinds and keys; with how often each side was read. */
async function joined(left: Row[], right: [string, number | undefined][], rows: number) {
  const told: string[] = []
  let passes = 0
  const rowsOf = join({
    async *left() {
      passes++
      for (const [i, [key, value]] of left.entries()) yield { key, low: value, high: 7, ref: i }
    },
    async *right() {
      for (const [key, value] of right) yield value === undefined ? { key, value } : { key, value, low: value, high: 7 }
    },
    equal: true,
    rows,
  })
  for await (const event of rowsOf) {
    const own = 'ref' in event ? left[event.ref] : undefined
    const other = 'row' in event ? event.row.key : ''
    const values = event.type === 'different' ? ` ${own?.[1]} ${event.row.value}` : ''
    told.push(`${event.type} ${other}${other && own ? ' ' : ''}${own?.[0] ?? ''}${values}`)
  }
  return { told: told.sort(), passes }
}

const pair = (key: string) => (key === '' ? '' : `${key} ${key}`)

/** The same by maps that hold all of it. */
function expected(left: Row[], right: [string, number | undefined][]): string[] {
  const told: string[] = []
  const known = new Map<string, { value: number; met: boolean }>()
  for (const [key, value] of left) {
    if (known.has(key)) told.push(`leftAgain ${key}`)
    else known.set(key, { value, met: false })
  }
  for (const [key, value] of right) {
    const entry = known.get(key)
    if (!entry) told.push(`onlyRight ${key}`)
    else if (entry.met) told.push(`rightAgain ${key}`)
    else if (value === undefined || value === entry.value) told.push(`equal ${pair(key)}`)
    else told.push(`different ${pair(key)} ${entry.value} ${value}`)
    if (entry) entry.met = true
  }
  for (const [key, { met }] of known) if (!met) told.push(`onlyLeft ${key}`)
  return told.sort()
}

describe('join', () => {
  const key = fc.oneof(fc.constantFrom('__proto__', 'constructor', '', 'a', 'b', 'é', '😀'), fc.string({ maxLength: 3 }))
  const value = fc.constantFrom(0, 1, 2 ** 32 - 1)

  it('tells what maps in memory tell, whatever the order and however small the table', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(key, value), { maxLength: 60 }),
        fc.array(fc.tuple(key, fc.option(value, { nil: undefined })), { maxLength: 60 }),
        fc.integer({ min: 4, max: 80 }),
        async (left, right, rows) => {
          expect((await joined(left, right, rows)).told).toEqual(expected(left, right))
        },
      ),
      { numRuns: 500 },
    )
  })

  it('reads again for each further range of hashes, no oftener than need be', async () => {
    const left = Array.from({ length: 100_000 }, (_, i): Row => [`key-${i}`, i])
    const right = left.filter((_, i) => i % 1000 !== 0).map(([name, n]): Row => [name, n % 7777 === 0 ? n + 1 : n])
    right.push(['new', 1])
    const one = await joined(left, right, 200_000)
    const many = await joined(left, right, 30_000)
    expect(one.passes).toBe(1)
    // 27,000 of 100,000 have room, in steps of a tenth
    expect(many.passes).toBeGreaterThanOrEqual(4)
    expect(many.passes).toBeLessThanOrEqual(6)
    expect(many.told).toEqual(one.told)
    expect(one.told.filter((text) => !text.startsWith('equal')).length).toBe(
      100 + 1 + Math.floor(99_999 / 7777) + 1 - left.filter((_, i) => i % 1000 === 0 && i % 7777 === 0).length,
    )
  })

  it('tells what is left over in its own order', async () => {
    const refs: number[] = []
    const rows = join({
      async *left() {
        for (let ref = 0; ref < 5000; ref++) yield { key: `${ref}`, low: 0, high: 0, ref: ref * 2 ** 33 }
      },
      async *right() {},
    })
    for await (const event of rows) if (event.type === 'onlyLeft') refs.push(event.ref)
    expect(refs).toEqual(Array.from({ length: 5000 }, (_, i) => i * 2 ** 33))
  })
})

it('spreads keys that differ little over both words', () => {
  const seen = [new Set<number>(), new Set<number>()]
  const all = new Set<string>()
  const n = 200_000
  for (let i = 0; i < n; i++) {
    const words = hash64(`logs/2024/part-${i.toString().padStart(9, '0')}`)
    for (const [k, word] of words.entries()) seen[k].add(word)
    all.add(words.join())
  }
  // of 200,000 random words 4.7 pairs agree
  for (const words of seen) expect(n - words.size).toBeLessThan(30)
  expect(all.size).toBe(n)
})
