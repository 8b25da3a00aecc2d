import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as core from '../../src/engine/transform-core.js'
import { transformBuilds } from '../builds.js'
import { csvField } from './apache-oracle.js'
import { runLines } from './lines.js'
import { binary, mutated } from './mutated.js'

/** Parsed and written again; undefined where JSON.parse refuses it or it is no object. */
function row(json: string): string | undefined {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const cells = Object.values(value).map((cell) =>
    cell === null ? '' : csvField(typeof cell === 'string' ? Buffer.from(cell).toString() : JSON.stringify(cell)),
  )
  return cells.length > 0 ? `${cells.join(',')}\n` : ''
}

describe.each(transformBuilds)('JSON to rows of CSV (%s)', (_, engine) => {
  const run = (record: string) => runLines(engine, core.KERNEL_JSON_ROW, binary(record))

  it.each([
    ['{"a":1,"b":"x","c":null,"d":true,"e":"q\\"uo,te\\n","f":{"g":[1, 2]}}', '1,x,,true,"q""uo,te\n","{""g"":[1, 2]}"\n'],
    ['{"a":1.50e+3}{"a":12345678901234567890}\n\n{"a":"\\u00e9\\ud83d\\ude00"}\r\n', '1.50e+3\n12345678901234567890\né😀\n'],
    ['{"__proto__":1,"a":"","a":2}', '1,,2\n'],
    ['{}', ''],
    ['', ''],
    [' \n ', ''],
  ])('%s', (json, csv) => expect(run(json)).toBe(binary(csv)))

  it('are what JSON.parse reads', () => {
    const object = fc.dictionary(
      // keys that JavaScript would put first, or that are no own ones of what JSON.parse gives
      fc.string({ unit: 'grapheme' }).filter((key) => !/^\d+$/.test(key) && key !== '__proto__'),
      fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.string({ unit: 'binary' })),
    )
    let good = 0
    fc.assert(
      fc.property(mutated(object.map((value) => binary(JSON.stringify(value)))), (record) => {
        const bytes = Buffer.from(record, 'latin1')
        const text = bytes.toString()
        const ours = runLines(engine, core.KERNEL_JSON_ROW, record)
        const wanted = Buffer.from(text).equals(bytes) ? row(text) : undefined
        if (wanted === undefined) {
          // several in one record are as many rows; and what JSON.parse reads as one is not asked here
          if (typeof ours === 'string' && !/^\s*$/.test(text)) expect(text).toMatch(/}\s*{/)
          return
        }
        // a name that came twice, or a number that JSON.stringify writes in its own way
        if (JSON.stringify(JSON.parse(text)) !== text.trim()) return
        good++
        expect(ours).toBe(binary(wanted))
      }),
      { numRuns: 3000 },
    )
    expect(good).toBeGreaterThan(300)
  })

  it.each([
    ['{"a":1', core.JSON_TEXT_ENDS, 6],
    ['{"a":1}x', core.JSON_NOT_OBJECT, 7],
    ['[1]', core.JSON_NOT_OBJECT, 0],
    ['{"a":"\x01"}', core.JSON_CONTROL, 6],
    ['{"a":"\\x"}', core.JSON_ESCAPE, 7],
    [`{"a":${'['.repeat(300)}`, core.JSON_DEPTH, 260],
  ])('say where they are none: %#', (json, reason, position) => expect(run(json)).toEqual([reason, position]))

  it('must be UTF-8', () => expect(runLines(engine, core.KERNEL_JSON_ROW, '{"a":"\xc3"}')).toEqual([core.JSON_UTF8, 6]))

  it('get the room that they need', () => {
    const json = `{"a":"${'\\"'.repeat(300_000)}"}`
    expect(run(json)).toBe(row(json))
  })
})
