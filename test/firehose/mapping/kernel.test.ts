import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { FirehoseMapping, MappingCast, MappingCondition } from '../../../src/firehose/mapping/mapping.js'
import { transformBuilds } from '../../builds.js'
import { mappingsAndRecords } from './generate.js'
import { differences, runMapping } from './kernel.js'

describe.each(transformBuilds)('%s', (_, engine) => {
  const texts = (mapping: FirehoseMapping, ...records: (string | Uint8Array)[]) =>
    runMapping(
      engine,
      mapping,
      records.map((r) => Buffer.from(r as string)),
    ).map((m) => (typeof m === 'string' ? m : m.output.slice(0, -1)))

  it('does with generated mappings and records what the oracle does', () => {
    fc.assert(
      fc.property(mappingsAndRecords, ({ mapping, records }) => {
        expect(differences(engine, mapping, records)).toEqual([])
      }),
      { numRuns: 2000 },
    )
  })

  it('has 10,000 fields whose names begin alike, of records that have them all, in linear time', () => {
    const names = Array.from({ length: 10_000 }, (_, i) => `field_of_a_customer_${String(i).padStart(5, '0')}_v1`)
    const record = JSON.stringify(Object.fromEntries(names.map((name, i) => [name, i])))
    const even = names.filter((_, i) => i % 2 === 0)
    const want = JSON.stringify(Object.fromEntries(names.flatMap((name, i) => (i % 2 === 0 ? [] : [[name, i]]))))
    expect(texts({ remove: even }, ...new Array(20).fill(record))).toEqual(new Array(20).fill(want))
    const select = Object.fromEntries(names.map((name) => [`${name}_too`, name]))
    expect(texts({ select, add: { last: 1 } }, record)).toEqual([
      JSON.stringify({ ...Object.fromEntries(names.map((name, i) => [`${name}_too`, i])), last: 1 }),
    ])
  })

  it('tells names apart that differ in one byte, wherever that is', () => {
    for (const size of [8, 9, 15, 16, 17, 24, 25, 40]) {
      const names = Array.from({ length: size }, (_, i) => `${'a'.repeat(i)}b${'a'.repeat(size - i - 1)}`)
      const record = JSON.stringify(Object.fromEntries(['a'.repeat(size), ...names].map((name, i) => [name, i])))
      expect(texts({ remove: names }, record)).toEqual([JSON.stringify({ ['a'.repeat(size)]: 0 })])
    }
  })

  it('copies what no part of the mapping names byte for byte', () => {
    const record = '{ "a" : 1.50e+3,\t"b":[ 1 , {"c" : "\\u0061" } ], "d":"é\ud83d\ude00\\ud800" }'
    expect(texts({}, record)).toEqual([record])
    expect(texts({ add: { x: 1 }, redact: ['/b/1/c'] }, record)).toEqual(['{ "a" : 1.50e+3,\t"b":[ 1 , {"c" : null } ], "d":"é\ud83d\ude00\\ud800" ,"x":1}'])
    expect(texts({ select: { z: '/b/1', a: 'a' } }, record)).toEqual(['{"z":{"c" : "\\u0061" },"a":1.50e+3}'])
  })

  it('takes one comma out with each member that goes', () => {
    const remove = ['a', 'b', '/l/0', '/l/2']
    expect(
      texts({ remove }, '{"a":1,"b":2}', '{"a":1, "c":3}', '{"c":3 , "a":1}', '{"a":1,"c":3,"b":2}', '{"l":[1,2,3,4]}', '{"l":[1]}', '{"a":1,"a":2,"c":3}'),
    ).toEqual(['{}', '{"c":3}', '{"c":3 }', '{"c":3}', '{"l":[2,4]}', '{"l":[]}', '{"c":3}'])
  })

  it('reads the last of members that come twice, and edits all', () => {
    const map: FirehoseMapping = { where: { field: '/u/a', op: '==', value: 2 }, redact: ['/u/a'] }
    expect(texts(map, '{"u":{"a":1},"u":{"a":2}}', '{"u":{"a":2},"u":{"b":2}}', '{"u":{"a":2},"\\u0075":2}', '{"u":{"a":1,"\\u0061":2}}')).toEqual([
      '{"u":{"a":null},"u":{"a":null}}',
      'dropped',
      'dropped',
      '{"u":{"a":null,"\\u0061":null}}',
    ])
  })

  it.each<[MappingCast, [string, string][]]>([
    [
      'string',
      [
        ['1.50', '"1.50"'],
        ['true', '"true"'],
        ['"a"', '"a"'],
        ['null', 'null'],
        ['{"a": "\\n"}', '"{\\"a\\": \\"\\\\n\\"}"'],
      ],
    ],
    [
      'number',
      [
        ['"1.50"', '1.50'],
        ['"\\u0031"', '1'],
        ['"01"', 'failed'],
        ['" 1"', 'failed'],
        ['""', 'failed'],
        ['true', 'failed'],
        ['"1e999"', '1e999'],
      ],
    ],
    [
      'int',
      [
        ['"12"', '12'],
        ['1.0', '1'],
        ['12e-1', 'failed'],
        ['1.20e1', '12'],
        ['-0.0', '0'],
        ['1e64', `1${'0'.repeat(64)}`],
        ['1e66', 'failed'],
        ['9'.repeat(99), '9'.repeat(99)],
        ['[]', 'failed'],
      ],
    ],
    [
      'boolean',
      [
        ['"true"', 'true'],
        ['0', 'false'],
        ['"1"', 'true'],
        ['2', 'failed'],
        ['"True"', 'failed'],
        ['{}', 'failed'],
      ],
    ],
    [
      'timestamp',
      [
        ['1700000000', '"2023-11-14T22:13:20.000Z"'],
        ['1700000000123', '"2023-11-14T22:13:20.123Z"'],
        ['-0.001', '"1969-12-31T23:59:59.999Z"'],
        ['"2024-02-29T01:00:00.9999+02:00"', '"2024-02-28T23:00:00.999Z"'],
        ['"2023-02-29"', 'failed'],
        ['"1700000000"', 'failed'],
        ['1e15', 'failed'],
      ],
    ],
    [
      'sql-timestamp',
      [
        ['"2024-02-29"', '"2024-02-29 00:00:00.000"'],
        ['253402300800000', 'failed'],
        ['-62167219200000', '"0000-01-01 00:00:00.000"'],
      ],
    ],
    [
      'epoch-ms',
      [
        ['"1970-01-01T00:00:01Z"', '1000'],
        ['1.5', '1500'],
        ['-1.0005', '-1001'],
        ['1e-9', '0'],
      ],
    ],
    [
      'epoch-s',
      [
        ['"1969-12-31T23:59:59.5Z"', '-1'],
        ['1700000000999', '1700000000'],
      ],
    ],
  ])('casts to %s', (to, cases) => {
    const records = cases.map(([value]) => `{"v":${value}}`)
    expect(texts({ cast: { v: to } }, ...records)).toEqual(cases.map(([, want]) => (want === 'failed' ? want : `{"v":${want}}`)))
    expect(texts({ cast: { v: to }, onCast: 'null' }, ...records)).toEqual(cases.map(([, want]) => `{"v":${want === 'failed' ? 'null' : want}}`))
    expect(texts({ cast: { v: to }, onCast: 'keep' }, ...records)).toEqual(cases.map(([value, want]) => `{"v":${want === 'failed' ? value : want}}`))
  })

  it.each<[MappingCondition, string[], string[]]>([
    [{ field: 'v', op: '==', value: 1 }, ['1', '1.0', '10e-1', '0.1E+1'], ['2', '"1"', 'true', 'null', '1.00000000000000000001', '[1]']],
    [{ field: 'v', op: '==', value: 9007199254740992 }, ['9007199254740992'], ['9007199254740993']],
    [{ field: 'v', op: '==', value: null }, ['null'], ['0', '""', 'false']],
    [{ field: 'v', op: '==', value: 'é"' }, ['"é\\""', '"\\u00e9\\u0022"'], ['"é"', '"É\\""']],
    [{ field: 'v', op: '!=', value: 'a' }, ['"b"', '1', 'null', '{}'], ['"a"', '"\\u0061"']],
    [{ field: 'v', op: '<', value: 0.5 }, ['0', '-1e400', '0.4999999999999999999999'], ['0.5', '5e-1', '"0"', 'null']],
    [{ field: 'v', op: '>=', value: -10 }, ['-10', '-9.99', '0', '1e-400'], ['-10.0000001', '-1e2']],
    [{ field: 'v', op: '>', value: 'a' }, ['"aa"', '"é"', '"\ud83d\ude00"', '"\\uffff"'], ['"a"', '"A"', '""', '5']],
    [{ field: 'v', op: 'in', value: ['a', 1, null, false] }, ['"a"', '1', 'null', 'false', '1.0'], ['"1"', 'true', '0']],
    [{ field: 'v', op: 'prefix', value: 'ab' }, ['"ab"', '"abc"', '"\\u0061b"'], ['"a"', '"cab"', 'null']],
    [{ field: 'v', op: 'contains', value: 'aab' }, ['"aab"', '"aaab"', '"xaaaab"', '"aa\\u0062"'], ['"aba"', '"aa"', '["aab"]']],
    [{ not: { field: '/v/0', op: 'exists' } }, ['[]', '1', '{}'], ['[null]', '{"0":1}']],
  ])('keeps by %j', (where, kept, dropped) => {
    const records = [...kept, ...dropped].map((v) => `{"v":${v}}`)
    expect(texts({ where }, ...records)).toEqual([...kept.map((_, i) => records[i]), ...dropped.map(() => 'dropped')])
    expect(texts({ where: { field: 'v', op: '!=', value: 'x' } }, '{}')).toEqual(['{}'])
  })

  it('hashes the text of strings, the JSON of anything else', () => {
    const sha = (text: string) => createHash('sha256').update(text).digest('hex')
    const long = 'x'.repeat(1000)
    expect(texts({ hash: ['v'], salt: 's' }, '{"v":"a\\u0062"}', '{"v":1.0}', '{"v":null}', `{"v":"${long}"}`, '{"v":{"a": 1}}')).toEqual([
      `{"v":"${sha('sab')}"}`,
      `{"v":"${sha('s1.0')}"}`,
      '{"v":null}',
      `{"v":"${sha(`s${long}`)}"}`,
      `{"v":"${sha('s{"a": 1}')}"}`,
    ])
  })

  it('flattens objects, not arrays nor what has no members', () => {
    const record = '{"a":{"b":{"c":1},"d":[{"e":2}]},"f":{},"\\u0067":{"h":"x"}}'
    expect(texts({ flatten: true }, record)).toEqual(['{"a_b_c":1,"a_d":[{"e":2}],"f":{},"\\u0067_h":"x"}'])
    expect(texts({ flatten: '.', rename: { '/a/b': 'B' }, redact: ['/g/h'], remove: ['/a/d'], add: { z: 0 } }, record)).toEqual([
      '{"a.B.c":1,"f":{},"\\u0067.h":null,"z":0}',
    ])
    expect(texts({ flatten: true, select: { x: '/a', y: '/g/h' } }, record)).toEqual(['{"x_b_c":1,"x_d":[{"e":2}],"y":"x"}'])
  })

  it('writes CSV as RFC 4180 has it', () => {
    const map: FirehoseMapping = { format: 'csv', select: { a: 'a', b: 'b', c: '/c/d' }, add: { k: 'x,y' } }
    expect(texts(map, '{"a":"x","b":1.0,"c":{"d":true}}', '{"a":"a\\"b","b":null}', '{"a":"","b":"1,\\n2","c":{"d":[1,"x"]}}')).toEqual([
      'x,1.0,true,"x,y"',
      '"a""b",,,"x,y"',
      '"","1,\n2","[1,""x""]","x,y"',
    ])
  })
})
