import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as core from '../../src/engine/transform-core.js'
import { transformBuilds } from '../builds.js'
import { runLines } from './lines.js'
import { binary, mutated } from './mutated.js'

type Typed = Record<string, unknown>

/** A plain value as DynamoDB types it, and what that is as JSON, numbers with all their digits. */
const value: fc.Arbitrary<{ typed: Typed; plain: string }> = fc.letrec<{ any: { typed: Typed; plain: string } }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.string({ unit: 'binary' }).map((s) => ({ typed: { S: s }, plain: JSON.stringify(s) })),
    fc.constantFrom('5', '-1.50', '12345678901234567890123456789012345678', '1E+2').map((n) => ({ typed: { N: n }, plain: n })),
    fc.boolean().map((b) => ({ typed: { BOOL: b }, plain: `${b}` })),
    fc.constant({ typed: { NULL: true }, plain: 'null' }),
    fc.base64String().map((b) => ({ typed: { B: b }, plain: `"${b}"` })),
    fc.array(fc.string()).map((list) => ({ typed: { SS: list }, plain: JSON.stringify(list) })),
    fc.array(fc.constantFrom('1', '-2.5')).map((list) => ({ typed: { NS: list }, plain: `[${list.join(',')}]` })),
    fc.array(fc.base64String()).map((list) => ({ typed: { BS: list }, plain: JSON.stringify(list) })),
    fc
      .array(tie('any'), { maxLength: 3 })
      .map((list) => ({ typed: { L: list.map(({ typed }) => typed) }, plain: `[${list.map(({ plain }) => plain).join(',')}]` })),
    fc.array(fc.tuple(fc.string(), tie('any')), { maxLength: 3 }).map((list) => {
      const own = list.filter(([name]) => name !== '__proto__')
      return { typed: { M: objectOf(own.map(([name, { typed }]) => [name, typed])) }, plain: itemOf(own) }
    }),
  ),
})).any

const objectOf = (members: [string, unknown][]) => new Raw(`{${members.map(([name, member]) => `${JSON.stringify(name)}:${json(member)}`).join(',')}}`)
const itemOf = (members: [string, { plain: string }][]) => `{${members.map(([name, { plain }]) => `${JSON.stringify(name)}:${plain}`).join(',')}}`

/** JSON text as it is, names that come twice or are numbers in their order. */
class Raw {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}
const json = (given: unknown): string => {
  if (given instanceof Raw) return given.text
  if (Array.isArray(given)) return `[${given.map(json).join(',')}]`
  if (typeof given === 'object' && given !== null)
    return `{${Object.entries(given)
      .map(([name, member]) => `${JSON.stringify(name)}:${json(member)}`)
      .join(',')}}`
  return JSON.stringify(given)
}

const image = fc.array(fc.tuple(fc.string(), value), { maxLength: 4 }).map((members) => ({
  typed: objectOf(members.map(([name, { typed }]) => [name, typed])).text,
  plain: itemOf(members),
}))

describe.each(transformBuilds)('DynamoDB stream records (%s)', (_, engine) => {
  const run = (record: string) => runLines(engine, core.KERNEL_STREAM_RECORD, binary(record))

  it('as Kinesis carries them', () => {
    const record = `{
      "awsRegion": "us-east-1", "eventID": "a b", "eventName": "MODIFY", "userIdentity": null, "recordFormat": "application/json", "tableName": "t",
      "dynamodb": {
        "ApproximateCreationDateTime": 1700000000123,
        "Keys": {"id": {"S": "x y"}},
        "NewImage": {"id": {"S": "x y"}, "n": {"N": "1.50"}, "m": {"M": {"l": {"L": [{"BOOL": false}, {"NULL": true}]}}}, "ss": {"SS": ["a", "b"]}, "b": {"B": "AAE="}},
        "OldImage": {"id": {"S": "x y"}},
        "SizeBytes": 20
      },
      "eventSource": "aws:dynamodb"
    }`
    const wanted =
      '{"awsRegion":"us-east-1","eventID":"a b","eventName":"MODIFY","userIdentity":null,"recordFormat":"application/json","tableName":"t","dynamodb":{"ApproximateCreationDateTime":1700000000123,"Keys":{"id":"x y"},"NewImage":{"id":"x y","n":1.50,"m":{"l":[false,null]},"ss":["a","b"],"b":"AAE="},"OldImage":{"id":"x y"},"SizeBytes":20},"eventSource":"aws:dynamodb"}\n'
    expect(run(record)).toBe(wanted)
    expect(run(record + record)).toBe(wanted + wanted)
  })

  it.each([
    ['{"Item":{"a":{"N":"5"}}}', '{"Item":{"a":5}}\n'],
    ['{"Metadata":{"x":{"S":"y"}},"Keys":{"a":{"S":"b"}},"NewImage":{}}', '{"Metadata":{"x":{"S":"y"}},"Keys":{"a":"b"},"NewImage":{}}\n'],
    ['{"a":{"S":"b"},"NewImage":{"S":"c"}}', '{"a":"b","NewImage":"c"}\n'],
    ['{"__proto__":{"NULL":true}}', '{"__proto__":null}\n'],
    ['  ', ''],
  ])('in other shapes: %s', (record, wanted) => expect(run(record)).toBe(wanted))

  it('of any content', () => {
    fc.assert(
      fc.property(image, image, ({ typed, plain }, old) => {
        expect(run(`{"dynamodb":{"Keys":${typed},"x":[1, {"S":"y"}],"OldImage":${old.typed}}}`)).toBe(
          binary(`{"dynamodb":{"Keys":${plain},"x":[1,{"S":"y"}],"OldImage":${old.plain}}}\n`),
        )
      }),
    )
  })

  it('spoilt give JSON of one line each, or fail', () => {
    let good = 0
    fc.assert(
      fc.property(mutated(image.map(({ typed }) => binary(`{"dynamodb":{"NewImage":${typed}}}`))), (record) => {
        const out = runLines(engine, core.KERNEL_STREAM_RECORD, record)
        if (typeof out !== 'string' || out === '') return
        good++
        for (const line of Buffer.from(out, 'latin1').toString().trimEnd().split('\n')) expect(typeof JSON.parse(line)).toBe('object')
      }),
      { numRuns: 2000 },
    )
    expect(good).toBeGreaterThan(300)
  })

  it.each([
    ['{"a":1}', core.JSON_NO_ITEM, 0],
    ['{}', core.JSON_NO_ITEM, 0],
    ['{"Keys":{"a":{"S":5}}}', core.JSON_TYPED, 13],
    ['{"Keys":{"a":{"N":"5x"}}}', core.JSON_TYPED, 18],
    ['{"Keys":{"a":{"S":"b","N":"5"}}}', core.JSON_TYPED, 21],
    ['{"Keys":{"a":{"NULL":false}}}', core.JSON_TYPED, 13],
    ['{"Keys":{"a":{"NS":[5]}}}', core.JSON_TYPED, 20],
    [`{"Keys":{"a":${'{"M":{"a":'.repeat(200)}`, core.JSON_DEPTH, 1283],
  ])('say where they are none: %#', (record, reason, position) => expect(run(record)).toEqual([reason, position]))
})
