// JSON columns, and what every type makes of every kind of value.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Leaf } from '../../src/types.js'
import { builds } from '../builds.js'
import { type ScanField, scanAll, scanValues } from '../columns.js'

const LEAVES: Leaf[] = [
  ...(['boolean', 'int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64', 'float', 'double', 'string', 'json', 'uuid', 'date'] as const).map(
    (type) => ({ type }),
  ),
  { type: 'decimal', precision: 9, scale: 2 },
  { type: 'decimal', precision: 18, scale: 0 },
  { type: 'decimal', precision: 38, scale: 38 },
  { type: 'binary' },
  { type: 'binary', encoding: 'hex' },
  { type: 'time' },
  { type: 'time', unit: 'ns' },
  { type: 'timestamp' },
  { type: 'timestamp', unit: 'ns', epoch: 'auto' },
  { type: 'timestamp', int96: true, epoch: 's' },
]
// Something every type takes.
const GOOD: Record<string, string> = {
  boolean: 'true',
  string: '"x"',
  json: '[1]',
  uuid: `"${'0'.repeat(32)}"`,
  date: '"2024-01-31"',
  binary: '"AAAA"',
  time: '"00:00"',
}
const VALUES = [
  '1',
  '-1',
  '1.5',
  '1e300',
  '1e-300',
  '"1"',
  '"1.5"',
  '"text"',
  '""',
  '"2024-01-31"',
  '"2024-01-31 1:02:03"',
  '"12:34"',
  '"AAAA"',
  '"00ff"',
  'true',
  '"true"',
  'null',
  '{}',
  '[]',
  '[{"a":"b"}]',
]
const BROKEN = [
  '',
  '"',
  '"\\',
  '"\\u',
  '"\\u12',
  '"\\x"',
  '"\t"',
  '-',
  '1.',
  '1e',
  '01',
  '+1',
  '.5',
  'tru',
  'nul',
  'NaN',
  '{',
  '[',
  '[1',
  '{"a"',
  '{"a":',
  '[1,]',
  '"\\ud800',
  '1x',
  '"a"b',
]

describe.each(builds)('%s', (_, engine) => {
  it('keeps JSON as it stands', () => {
    const value = fc.json({ maxDepth: 4 }).map((text) => text.replaceAll(/[\n\r]/g, ' '))
    fc.assert(
      fc.property(fc.array(value, { maxLength: 30 }), (texts) => {
        expect(scanValues(engine, { type: 'json' }, texts)).toEqual(texts.map((text) => (text === 'null' ? null : text)))
      }),
      { numRuns: 150 },
    )
    expect(scanValues(engine, { type: 'json' }, ['{ "a" : [ 1 , "\\ud800" ] }', ' 1 ', '"\\u0041"'])).toEqual(['{ "a" : [ 1 , "\\ud800" ] }', '1', '"\\u0041"'])
    expect(scanValues(engine, { type: 'json', nullable: false }, ['null', '0'])).toEqual([{ message: 'json, got null' }, '0'])
  })

  it('never loses the next record, whatever a value is', () => {
    for (const leaf of LEAVES) {
      const fields: ScanField[] = [
        { name: 'v', ...leaf },
        { name: 'n', type: 'int32' },
      ]
      const good = GOOD[leaf.type] ?? '0'
      const reference = scanAll(engine, fields, `{"v":${good}}`).rows[0][0]
      expect(reference, leaf.type).not.toBe(undefined)
      for (const coercion of ['strict', 'hive', 'openx'] as const) {
        for (const value of [...VALUES, ...BROKEN]) {
          const label = `${JSON.stringify(leaf)} ${coercion} ${value}`
          const { rows, bad } = scanAll(
            engine,
            fields,
            `{"n":1,"v":${value}}\n{"v":${good},"n":7}\n{"v":${value},"v":${good},"n":8}\n{"v":${good},"v":null,"n":9}`,
            { coercion },
          )
          const ok = VALUES.includes(value)
          expect(rows.length + bad.length, label).toBe(4)
          expect(rows.slice(ok ? -3 : -2), label).toEqual([[reference, 7], ...(ok ? [[reference, 8]] : []), [null, 9]])
          if (!ok) expect(bad.length, label).toBe(2)
        }
      }
    }
  })

  it('does the same with blanks, and with values cut by the end of the text', () => {
    for (const leaf of LEAVES) {
      for (const coercion of ['strict', 'openx'] as const) {
        const plain = scanValues(engine, leaf, VALUES, coercion)
        expect(
          scanValues(
            engine,
            leaf,
            VALUES.map((v) => ` \t${v} `),
            coercion,
          ),
          leaf.type,
        ).toEqual(plain)
        for (const value of VALUES) {
          const text = `{"v":${value}`
          for (let end = 5; end <= text.length; end++) {
            // Slack that would go on with the value.
            for (const slack of [0x30, 0x22, 0x7d]) {
              const { rows, bad } = scanAll(engine, [{ name: 'v', ...leaf }], text.slice(0, end), { coercion, slack })
              expect([rows.length, bad.length], `${text.slice(0, end)} ${leaf.type}`).toEqual([0, 1])
            }
          }
        }
      }
    }
  })
})
