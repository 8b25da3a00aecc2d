// Nested values against an independent shredder: JSON.parse, then Dremel's levels by recursion.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { leavesOf } from '../../src/engine/leaves.js'
import type { Field, Leaf } from '../../src/types.js'
import { builds } from '../builds.js'
import { type Entry, scanTree } from '../columns.js'
import { NAMES, writer } from './records.js'
import { Misfit, parse, shred } from './shred.js'

// Schemas

const leafType: fc.Arbitrary<Leaf> = fc.constantFrom<Leaf>({ type: 'int32' }, { type: 'string' }, { type: 'double' }, { type: 'boolean' })
const { schema } = fc.letrec<{ field: Field; schema: Field[] }>((tie) => ({
  field: fc
    .tuple(
      fc.boolean(),
      fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        { weight: 3, arbitrary: leafType.map((leaf) => ({ leaf })) },
        { weight: 2, arbitrary: tie('schema').map((struct) => ({ struct: struct as Field[] })) },
        { weight: 2, arbitrary: tie('field').map((element) => ({ list: { ...(element as Field), name: 'element', key: 'element' } })) },
        {
          weight: 2,
          arbitrary: fc
            .tuple(fc.oneof({ weight: 4, arbitrary: fc.constant<Leaf>({ type: 'string' }) }, { weight: 1, arbitrary: leafType }), tie('field'))
            .map(([leaf, value]) => ({
              map: { key: { name: 'key', key: 'key', nullable: false, leaf }, value: { ...(value as Field), name: 'value', key: 'value' } },
            })),
        },
      ),
    )
    .map(([nullable, shape]): Field => ({ name: '', key: '', nullable, ...(shape as object) })),
  schema: fc
    .uniqueArray(fc.tuple(fc.constantFrom(...NAMES), tie('field')), { minLength: 1, maxLength: 4, selector: ([name]) => name })
    .map((members) => members.map(([name, field]) => ({ ...(field as Field), name, key: name }))),
}))

interface Case {
  fields: Field[]
  lines: string[]
}

const cases = (most: number): fc.Arbitrary<Case> =>
  fc.tuple(schema, fc.array(fc.tuple(fc.nat(), fc.constantFrom(0, 1, 1, 3)), { minLength: 1, maxLength: most })).map(([fields, seeds]) => ({
    fields: fields as Field[],
    lines: seeds.map(([seed, trouble]) => writer(seed, trouble).record(fields as Field[])),
  }))

function expected({ fields, lines }: Case, refuse = false) {
  const leaves: Entry[][] = leavesOf(fields).map(() => [])
  const bad: number[] = []
  lines.forEach((line, i) => {
    try {
      const value = parse(line)
      if (value === undefined) throw new Misfit('no JSON')
      shred(fields, value, refuse).forEach((entries, n) => {
        leaves[n].push(...entries)
      })
    } catch (error) {
      if (!(error instanceof Misfit)) throw error
      bad.push(i)
    }
  })
  return { leaves, bad }
}

describe.each(builds)('%s', (_, engine) => {
  it('shreds records of any schema as Dremel does, and refuses what does not fit', () => {
    fc.assert(
      fc.property(cases(8), fc.integer({ min: 1, max: 9 }), fc.boolean(), (made, capacity, refuse) => {
        const { leaves, bad } = expected(made, refuse)
        const got = scanTree(engine, made.fields, made.lines.join('\n'), { capacity, unknown: refuse ? 'error' : 'drop' })
        expect(got.bad.map((b) => b.record)).toEqual(bad)
        expect(got.leaves).toEqual(leaves)
      }),
      { numRuns: 1500 },
    )
  })

  it('refuses a key without UTF-8, whatever the arena held before', () => {
    const fields: Field[] = [
      {
        name: 'm',
        key: 'm',
        nullable: true,
        map: {
          key: { name: 'key', key: 'key', nullable: false, leaf: { type: 'string' } },
          value: { name: 'value', key: 'value', nullable: true, leaf: { type: 'int32' } },
        },
      },
    ]
    engine.bytes().fill(0xee, engine.core.mark(), engine.core.mark() + 65536)
    const { rows, bad } = scanTree(engine, fields, '{"m":{"\\ud800":1}}\n{"m":{"a":1,"\\udfff":2,"a":3}}\n{"m":{"a":1}}')
    expect([rows, bad.map((b) => [b.record, b.reason])]).toEqual([
      1,
      [
        [0, 'surrogate'],
        [1, 'surrogate'],
      ],
    ])
  })
})
