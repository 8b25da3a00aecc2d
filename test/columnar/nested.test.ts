// Nested values against an independent shredder: JSON.parse, then Dremel's levels by recursion.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createEngine } from '../../src/engine/engine.js'
import { leavesOf } from '../../src/engine/leaves.js'
import type { Field, Leaf } from '../../src/types.js'
import { builds } from '../builds.js'
import { type Entry, scanTree } from '../columns.js'
import { cpuTime } from '../cpu.js'
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

const leaf = (name: string, type: Leaf['type'], nullable = true): Field => ({ name, key: name, nullable, leaf: { type } })
const struct = (name: string, members: Field[], nullable = true): Field => ({ name, key: name, nullable, struct: members })
const list = (name: string, element: Field, nullable = true): Field => ({ name, key: name, nullable, list: { ...element, name: 'element', key: 'element' } })
const map = (name: string, value: Field, nullable = true, key: Leaf['type'] = 'string'): Field => ({
  name,
  key: name,
  nullable,
  map: { key: leaf('key', key, false), value: { ...value, name: 'value', key: 'value' } },
})

describe.each(builds)('%s', (_, engine) => {
  const values = (fields: Field[], text: string, how: Parameters<typeof scanTree>[3] = {}) => scanTree(engine, fields, text, how)
  const message = (fields: Field[], text: string, how: Parameters<typeof scanTree>[3] = {}) =>
    values(fields, text, how).bad.map((b) => `${b.position}: ${b.message}`)

  it('gives the same entries however the text is cut, lines and documents', () => {
    fc.assert(
      fc.property(cases(5), fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 3 }), fc.boolean(), (made, chunk, capacity, documents) => {
        const format = documents ? 'documents' : 'lines'
        const text = made.lines.join('\n')
        const whole = scanTree(engine, made.fields, text, { format })
        expect(scanTree(engine, made.fields, text, { format, chunk, capacity })).toEqual(whole)
        expect(whole.leaves).toEqual(expected(made).leaves)
      }),
      { numRuns: 300 },
    )
  })

  it('names what does not fit by its path, and where it stands', () => {
    const fields = [struct('a', [list('b', struct('', [leaf('c', 'int32', false)]), false)]), map('m', leaf('', 'double')), leaf('z', 'string')]
    expect(message(fields, '{"a":{"b":[{"c":1},{"c":"x"}]}}')).toEqual(['24: column "a.b.list.element.c" expected int32, got a string'])
    expect(message(fields, '{"a":{"b":[{"c":1},{}]}}')).toEqual(['20: column "a.b.list.element.c" expected int32, got no such member'])
    expect(message(fields, '{"a":{"b":[{"c":null}]}}')).toEqual(['16: column "a.b.list.element.c" expected int32, got null'])
    expect(message(fields, '{"a":{}}')).toEqual(['6: column "a.b" expected an array, got no such member'])
    expect(message(fields, '{"a":{"b":null}}')).toEqual(['10: column "a.b" expected an array, got null'])
    expect(message(fields, '{"a":[]}')).toEqual(['5: column "a" expected an object, got an array'])
    expect(message(fields, '{"m":{"k":true}}')).toEqual(['10: column "m.key_value.value" expected double, got a boolean'])
    expect(message(fields, '{"m":{"\\ud800":1}}')).toEqual(['6: column "m.key_value.key" expected string, got a lone surrogate, which has no UTF-8'])
    expect(message([map('n', leaf('', 'double'), true, 'int32')], '{"n":{"1":1,"x":2}}')).toEqual(['12: column "n.key_value.key" expected int32, got a string'])
    // The first in the text, and none that a later duplicate replaces.
    expect(message(fields, '{"z":1,"a":{"b":[{"c":"x"}]}}')).toEqual(['5: column "z" expected string, got a number'])
    expect(message(fields, '{"a":{"b":[{"c":"x"},{}]},"z":1,"a":null,"z":"z"}')).toEqual([])
    expect(values(fields, '{"a":{"b":[{"c":"x"}]}}').bad).toMatchObject([{ reason: 'type', column: 'a.b.list.element.c' }])
  })

  it('takes the last value of a key that comes again in a map, in the place of the first', () => {
    const fields = [map('m', list('', leaf('', 'int32')))]
    const keys = (text: string) => values(fields, text).leaves[0].map(([, , key]) => key)
    const { leaves } = values(fields, '{"m":{"a":[1],"b":[2,3],"\\u0061":[4,5],"a":[6]}}')
    expect(leaves).toEqual([
      [
        [0, 2, 'a'],
        [1, 2, 'b'],
      ],
      [
        [0, 5, 6],
        [1, 5, 2],
        [2, 5, 3],
      ],
    ])
    const many = Array.from({ length: 100 }, (_, i) => `k${i}`)
    const text = (names: string[]) => `{"m":{${names.map((k) => `"${k}":null`).join(',')}}}`
    expect(keys(text(many))).toEqual(many)
    expect(keys(text([...many, ...many, 'k7']))).toEqual(many)
    // What is replaced need not fit.
    expect(values(fields, '{"m":{"a":"x","a":[1]}}').bad).toEqual([])
  })

  it('reads keys of maps that are numbers or times', () => {
    const keys = (type: Leaf['type'], text: string) => values([map('m', leaf('', 'boolean'), true, type)], text).leaves[0].map(([, , key]) => key)
    expect(keys('int64', '{"m":{"9007199254740993":true,"\\u002d1":false,"9007199254740993":null}}')).toEqual([9007199254740993n, -1n])
    expect(keys('double', '{"m":{"1e-3":true}}')).toEqual([0.001])
    expect(keys('timestamp', '{"m":{"1970-01-01T00:00:01Z":true}}')).toEqual([1000n])
    for (const key of ['', ' 1', '1 ', '1,', 'true', '01'])
      expect(values([map('m', leaf('', 'boolean'), true, 'int32')], `{"m":{"${key}":true}}`).bad).toHaveLength(1)
  })

  it('finds members by folded keys', () => {
    const fields = [leaf('user_id', 'int32'), struct('In', [leaf('Ab', 'int32')])]
    const cell = (text: string, how = {}) => values(fields, text, how).leaves.map(([[, , value]]) => value)
    const text = '{"USER.ID":1,"in":{"AB":2}}'
    expect(cell(text)).toEqual([undefined, undefined])
    expect(cell(text, { caseInsensitive: true })).toEqual([undefined, 2])
    expect(cell(text, { caseInsensitive: true, dotsToUnderscores: true })).toEqual([1, 2])
    expect(cell('{"user.id":1,"In":{"Ab":2}}', { dotsToUnderscores: true })).toEqual([1, 2])
    expect(cell('{"user_id":1,"User_Id":3,"\\u0055ser_id":4}', { caseInsensitive: true })).toEqual([4, undefined])
    expect(() => values([leaf('a', 'int32'), leaf('A', 'int32')], '', { caseInsensitive: true })).toThrow(
      new RangeError('"fields[1].name" expected a name that no other column has, got "A"'),
    )
  })

  it('refuses members that no column wants, or gathers those of the record', () => {
    const fields = [leaf('a', 'int32'), struct('s', [leaf('b', 'int32')])]
    const error = { unknown: 'error' as const }
    expect(message(fields, '{"a":1 , "\\u0078\\"" : [2]}', error)).toEqual(['9: the record expected only members that are columns, got "\\u0078\\""'])
    expect(message(fields, '{"s":{"b":1,"c":2}}\n'.repeat(2), error)).toEqual([
      '12: column "s" expected only members that are columns, got "c"',
      '32: column "s" expected only members that are columns, got "c"',
    ])
    // Not in an object that a later duplicate replaces; an unknown member does not vanish with one of the members beside it.
    expect(message(fields, '{"s":{"c":2},"s":{"b":1}}', error)).toEqual([])
    expect(message(fields, '{"s":{"b":2,"c":0,"b":1}}', error)).toHaveLength(1)

    const gathers = (nullable: boolean, text: string) => {
      const { leaves, bad } = values([...fields, leaf('rest', 'json', nullable)], text, { unknown: { rest: 'rest' } })
      expect(bad).toEqual([])
      return leaves[2].map(([, , value]) => value)
    }
    const text = '{"x":1,"a":2, "y" : {"z": [ "\\n" ]} ,"rest":"r","s":{"c":3}}\n{"a":1}\n{"q":null}'
    expect(gathers(true, text)).toEqual(['{"x":1,"y" : {"z": [ "\\n" ]},"rest":"r"}', undefined, '{"q":null}'])
    expect(gathers(false, text)[1]).toBe('{}')
    expect(() => values(fields, '', { unknown: { rest: 'a' } })).toThrow(new RangeError('"unknown.rest" expected the name of a top-level json column, got "a"'))
  })

  it('takes what OpenX takes: a value for a list of it, an array for a struct, keys of maps in lower case', () => {
    const fields = [list('l', leaf('', 'int32')), struct('s', [leaf('a', 'int32'), leaf('b', 'string')]), map('m', leaf('', 'int32'))]
    const openx = (text: string) => values(fields, text, { coercion: 'openx' })
    expect(openx('{"l":7,"s":[1],"m":{"Ab":1,"B":2,"AB":3}}')).toMatchObject({
      bad: [],
      leaves: [
        [[0, 3, 7]],
        [[0, 2, 1]],
        [[0, 1]],
        [
          [0, 2, 'ab'],
          [1, 2, 'b'],
        ],
        [
          [0, 3, 3],
          [1, 3, 2],
        ],
      ],
    })
    expect(openx('{"s":[]}\n{"s":[2,"x",{"y":[]}]}')).toMatchObject({ bad: [], rows: 2 })
    expect(openx('{"l":7,"s":[1,}').bad).toHaveLength(1)
    expect(message(fields, '{"l":7}')).toEqual(['5: column "l" expected an array, got a number'])
    expect(message(fields, '{"s":[1]}')).toEqual(['5: column "s" expected an object, got an array'])
  })

  it('holds lists of any length, whatever room there is at first', () => {
    const fields = [list('a', struct('', [leaf('b', 'int32'), list('c', leaf('', 'int32'))])), leaf('d', 'int32')]
    const lines = [5, 0, 3000, 1, 200].map((n) =>
      JSON.stringify({ a: Array.from({ length: n }, (_, i) => ({ b: i, c: Array.from({ length: i % 3 }, () => i) })), d: n }),
    )
    const { leaves, bad } = expected({ fields, lines })
    expect(bad).toEqual([])
    for (const capacity of [1, 2, 1000]) expect(values(fields, lines.join('\n'), { capacity })).toMatchObject({ bad: [], leaves, rows: 5 })
  })

  it('refuses a record whose lists take more memory than there is for one, and goes on', () => {
    const fields = [
      list(
        'l',
        struct(
          '',
          Array.from({ length: 600 }, (_, i) => leaf(`c${i}`, 'string')),
        ),
      ),
      leaf('z', 'string'),
    ]
    const text = `{"z":"a"}\n{"l":[${'{},'.repeat(200_000)}{}]}\n{"z":"b"}`
    const { rows, bad, consumed } = scanTree(createEngine(engine.build), fields, text, { capacity: 2048 })
    expect([rows, consumed]).toEqual([2, text.length])
    expect(bad).toMatchObject([{ record: 1, reason: 'size', column: 'l.list.element.c0' }])
  }, 30_000)

  it('counts levels of nesting through groups', () => {
    const nest = (n: number) => `{"s":{"x":${'['.repeat(n - 2)}${']'.repeat(n - 2)}}}`
    expect(values([struct('s', [leaf('a', 'int32')])], nest(256)).bad).toEqual([])
    expect(values([struct('s', [leaf('a', 'int32')])], nest(257)).bad).toMatchObject([{ reason: 'depth' }])
    let deep: Field = leaf('x', 'int32')
    for (let i = 0; i < 255; i++) deep = struct('x', [deep], false)
    expect(values([deep], `${'{"x":'.repeat(256)}1${'}'.repeat(256)}`)).toMatchObject({ bad: [], rows: 1 })
    expect(() => values([struct('x', [deep])], '')).toThrow(/at most 256 levels of nesting/)
    expect(() => values([struct('s', [])], '')).toThrow(new RangeError('"fields[0]" expected a struct with members, got "s"'))
  })

  it('takes time in proportion to its text, whatever the keys', () => {
    const fields = [map('m', map('', leaf('', 'int32')))]
    const time = (text: string) => {
      const best = Array.from({ length: 3 }, () => {
        const start = cpuTime()
        expect(values(fields, text, { capacity: 1 << 17 }).rows).toBe(1)
        return cpuTime() - start
      })
      return Math.min(...best)
    }
    const object = (n: number, key: (i: number) => string) => `{"m":{"x":{${Array.from({ length: n }, (_, i) => `"${key(i)}":1`).join(',')}}}}`
    const plain = time(object(20000, (i) => String(i).padStart(40, '0')))
    expect(time(object(20000, (i) => `${'0'.repeat(35)}${String(i % 10000).padStart(5, '0')}`))).toBeLessThan(10 * plain + 50)
    expect(time(object(20000, () => '0'.repeat(40)))).toBeLessThan(10 * plain + 50)
  })

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
  it('reads a number that is a key by its own text alone, whatever the arena held before', () => {
    const keys = ['[', '{\\"', '[\\"', '\\"', '\\"1', '-', '1.', '1e', '12', '[1,', 'nul', 'tru', '{\\"a\\":']
    for (const leaf of [{ type: 'int32' }, { type: 'double' }, { type: 'decimal', precision: 20, scale: 2 }, { type: 'boolean' }] as Leaf[]) {
      const key: Field = { name: 'key', key: 'key', nullable: false, leaf }
      const value: Field = { name: 'value', key: 'value', nullable: true, leaf: { type: 'int32' } }
      const fields: Field[] = [{ name: 'm', key: 'm', nullable: true, map: { key, value } }]
      engine.bytes().fill(0xa5, engine.core.mark())
      const { rows, bad } = scanTree(engine, fields, keys.map((k) => `{"m":{"${k}":1}}`).join('\n'))
      expect(rows).toBe(leaf.type === 'boolean' ? 0 : 1)
      expect(bad.map((b) => b.reason)).toEqual(Array(keys.length - rows).fill('type'))
    }
  })
})
