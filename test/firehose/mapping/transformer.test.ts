// Mappings through the transformer: what reaches the kernel, and how its verdicts are answered.
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createFirehoseTransformer, type FirehoseEvent, type FirehoseMapping, firehoseMapping, type TransformFailure } from '../../../src/firehose/index.js'
import { aggregate, ShardMap } from '../../../src/kinesis/index.js'
import { mappingsAndRecords } from './generate.js'
import { compact, mapped } from './oracle.js'

const plain = (data: string | undefined) => Buffer.from(data ?? '', 'base64').toString()
const eventOf = (...data: (string | Uint8Array)[]): FirehoseEvent => ({
  records: data.map((d, i) => ({ recordId: `id-${i}`, data: Buffer.from(d as string).toString('base64') })),
})

async function run(map: FirehoseMapping, event: FirehoseEvent, options: object = {}) {
  const failures: TransformFailure[] = []
  const response = await createFirehoseTransformer({ transform: firehoseMapping(map), onFailure: (f) => failures.push(f), ...options })(event)
  return { response, failures, texts: response.records.map(({ result, data }) => (result === 'Ok' ? plain(data) : result)) }
}

it('answers as the oracle does, whatever the mapping and the records', async () => {
  await fc.assert(
    fc.asyncProperty(mappingsAndRecords, async ({ mapping, records }) => {
      const { response } = await run(mapping, eventOf(...records))
      const bare = mapping.format === 'csv' ? (text: string) => text.replace(/[ \t\r\n"]/g, '') : compact
      for (const [i, { result, data, metadata }] of response.records.entries()) {
        const want = mapped(records[i], mapping)
        if (want === 'failed')
          expect({ result, data: Buffer.from(data ?? '', 'base64') }).toEqual({ result: 'ProcessingFailed', data: Buffer.from(records[i]) })
        else if (want === 'dropped') expect(result).toBe('Dropped')
        else {
          expect(bare(plain(data))).toBe(bare(want.output))
          expect(metadata).toEqual(want.metadata === undefined ? undefined : JSON.parse(want.metadata))
        }
      }
    }),
    { numRuns: 300 },
  )
})

it('maps each of several objects in a record, which must agree on their metadata', async () => {
  const map: FirehoseMapping = { where: { field: 'keep', op: '!=', value: false }, partitionKeys: { c: 'c' } }
  const { response, failures, texts } = await run(
    map,
    eventOf('{"c":1}{"c":1}\n{"c":2,"keep":false}', '{"c":1} {"c":"1"}', '{"c":1}{"c":2}', '{"keep":false}\n'),
  )
  expect(texts).toEqual(['{"c":1}\n{"c":1}\n', '{"c":1}\n{"c":"1"}\n', 'ProcessingFailed', 'Dropped'])
  expect(response.records[0].metadata).toEqual({ partitionKeys: { c: '1' } })
  expect(failures.map(({ message }) => message)).toEqual(['byte 7: expected the same metadata for all records in one, got different ones'])
})

it('opens what has to be opened', async () => {
  const map: FirehoseMapping = { select: { a: 'a' }, partitionKeys: { p: { field: 'p', default: 'none' } } }
  const users = [1, 2].map((a) => ({ partitionKey: 'k', data: Buffer.from(`{"a":${a},"b":0}`) }))
  const kplOf = (records: { partitionKey: string; data: Uint8Array }[]) => aggregate(records, { shards: ShardMap.even(1) }).records[0].Data
  const mixed = kplOf([{ partitionKey: 'k', data: Buffer.from('{"p":"x"}') }, ...users])
  const envelope = { messageType: 'DATA_MESSAGE', owner: 'o', logGroup: 'g', logStream: 's', logEvents: [{ id: '7', timestamp: 1, message: '{"a":true}' }] }
  const { failures, texts } = await run(map, eventOf(gzipSync('{"a":1}'), kplOf(users), gzipSync(JSON.stringify(envelope)), mixed, gzipSync('[')))
  expect(texts).toEqual(['{"a":1}\n', '{"a":1}\n{"a":2}\n', '{"a":true}\n', 'ProcessingFailed', 'ProcessingFailed'])
  expect(failures.map(({ message }) => message)).toEqual([
    'user record 1: expected the same metadata for all records in one, got different ones',
    'byte 0: expected a JSON object, or the end of the record, got something else',
  ])
})

it('reads base64 that is not canonical', async () => {
  const { texts } = await run(
    {},
    { records: [{ recordId: 'a', data: 'eyJhIjoi_z8ifQ' }, { recordId: 'b', data: 'eyJhIjoxfQ====' }, { recordId: 'c', data: '!' }, { recordId: 'd' }] },
  )
  expect(texts).toEqual(['ProcessingFailed', '{"a":1}\n', 'ProcessingFailed', 'ProcessingFailed'])
})

it('takes damaged base64 for what it is elsewhere', async () => {
  const text = '{"a":"??>>","b":[1,2,3]}'
  const damage = fc.tuple(fc.nat(40), fc.nat(2), fc.constantFrom('', '=', '==', '!', ' ', '\n', '-', '_', 'A', 'é', 'Ł', '\0'))
  await fc.assert(
    fc.asyncProperty(damage, fc.nat(2), async ([at, gone, put], pad) => {
      const whole = Buffer.from(text + ' '.repeat(pad)).toString('base64')
      const data = whole.slice(0, at) + put + whole.slice(at + gone)
      const { response } = await run({}, { records: [{ recordId: 'a', data }] })
      const plainly = await createFirehoseTransformer({ transform: ({ data }) => data, delimiter: '' })({ records: [{ recordId: 'a', data }] })
      const [{ result, data: decoded }] = plainly.records
      const want = result === 'Ok' ? mapped(Buffer.from(decoded ?? '', 'base64'), {}) : 'failed'
      const [ours] = response.records
      expect(ours.result === 'Ok' ? plain(ours.data) : 'failed').toBe(typeof want === 'string' ? 'failed' : want.output)
    }),
    { numRuns: 1000 },
  )
})

it('keeps apart as many partition keys as there are records, long ones too', async () => {
  const keys = Array.from({ length: 5000 }, (_, i) => (i % 1000 === 999 ? `${i}${'x'.repeat(100_000)}` : `key ${i}`))
  const { response } = await run({ select: { k: 'n' }, partitionKeys: { k: 'k' } }, eventOf(...keys.map((k, n) => JSON.stringify({ k, n }))))
  expect(response.records.map(({ metadata }) => metadata?.partitionKeys.k)).toEqual(keys)
})

it('routes to Iceberg tables', async () => {
  const map: FirehoseMapping = { otf: { database: { value: 'db' }, table: '/t', operation: { field: 'op', default: 'insert' } } }
  const { response, failures } = await run(map, eventOf('{"t":"x","op":"delete"}', '{"t":"x","op":"upsert"}', '{"op":"update"}'))
  const routed = (operation: string) => ({ partitionKeys: {}, otfMetadata: { destinationDatabaseName: 'db', destinationTableName: 'x', operation } })
  expect(response.records.map(({ metadata }) => metadata)).toEqual([routed('delete'), routed('insert'), undefined])
  expect(failures[0].message).toBe('byte 0: field "/t" expected text for the metadata, got none')
})

it('says what was wrong with a record, and where', async () => {
  const bad: [string | Uint8Array, string][] = [
    ['', 'byte 0: expected the rest of a JSON object, got something else'],
    ['{"a":1', 'byte 6: expected the rest of a JSON object, got something else'],
    ['[{}]', 'byte 0: expected a JSON object, or the end of the record, got something else'],
    ['{} x', 'byte 3: expected a JSON object, or the end of the record, got something else'],
    ['{"a":01}', 'byte 6: expected JSON, got something else'],
    ['{"a":"\t"}', 'byte 6: expected an escape in place of a control character, got something else'],
    ['{"a":"\\x"}', 'byte 7: expected an escape of JSON, got something else'],
    [Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d), 'byte 2: expected UTF-8, got something else'],
    [`{"a":${'['.repeat(256)}${']'.repeat(256)}}`, 'byte 260: expected at most 256 levels of nesting, got something else'],
    ['{"n": 1.5}', 'byte 6: field "/n" expected a whole number, got what cannot be cast to it'],
  ]
  const { response, failures } = await run({ cast: { n: 'int' } }, eventOf(...bad.map(([data]) => data)))
  expect(failures.map(({ message }) => message)).toEqual(bad.map(([, message]) => message))
  expect(response.records.map(({ result }) => result)).toEqual(bad.map(() => 'ProcessingFailed'))
})

it('bounds what flattening makes of a long name', async () => {
  // 2 MB of members below a name of 1 MB would be 300 GB
  const data = `{"${'n'.repeat(1_000_000)}":{${'"a":1,'.repeat(300_000)}"a":1}}`
  const { failures } = await run({ flatten: true }, eventOf(data))
  expect(failures).toMatchObject([{ message: 'byte 0: expected an output in proportion to the record, got one that is many times as long' }])
})

it('is linear in records made to be slow', async () => {
  const map: FirehoseMapping = {
    where: { field: 's', op: 'contains', value: `${'a'.repeat(30_000)}b` },
    redact: ['/x'],
    remove: ['/y', '/z/0'],
    flatten: true,
    partitionKeys: { s: { field: 's', default: 'none' } },
  }
  const data = `{"s":"${'a'.repeat(500_000)}b",${'"x":1,"y":{},"z":[[]],"q":{"q":{}},'.repeat(50_000)}"e":0}`
  const { response } = await run(map, eventOf(data), { responseLimit: 6_291_456 })
  expect(response.records[0].result).toBe('Ok')
})

describe('a record of 6 MB', () => {
  it('goes through', async () => {
    const data = `{"a":"${'é'.repeat(2_000_000)}","b":[${'1,'.repeat(100_000)}1]}`
    const { texts } = await run({ select: { b: 'b', a: 'a' } }, eventOf(data), {})
    expect(texts[0] === `{"b":[${'1,'.repeat(100_000)}1],"a":"${'é'.repeat(2_000_000)}"}\n`).toBe(true)
  })
})

describe('mappings', () => {
  it('are an object', () => {
    expect(() => firehoseMapping(null as never)).toThrow('"mapping" expected a mapping, got null')
  })

  it.each<[object, string]>([
    [{ selct: {} }, '"mapping" expected one of where, select, '],
    [{ select: {} }, '"mapping.select" expected at least one member, got an object'],
    [{ select: { a: 5 } }, '"mapping.select.a" expected the name of a field or a JSON Pointer, got 5'],
    [{ select: { a: '/a~2' } }, '"mapping.select.a" expected a JSON Pointer, in which "~" is followed by 0 or 1, got "/a~2"'],
    [{ redact: ['/a'.repeat(33)] }, '"mapping.redact[0]" expected a JSON Pointer of at most 32 levels, got 33'],
    [{ remove: ['a'.repeat(1025)] }, '"mapping.remove[0]" expected names of at most 1024 bytes, got a string of 1025 characters'],
    [{ hash: ['\ud800'] }, '"mapping.hash[0]" expected text without lone surrogates'],
    [{ format: 'tsv' }, '"mapping.format" expected json or csv, got "tsv"'],
    [{ format: 'csv' }, '"mapping.select" expected the columns of the format csv, got undefined'],
    [{ format: 'csv', select: { a: 'a' }, flatten: true }, '"mapping.flatten" expected nothing with the format csv'],
    [{ cast: { a: 'int' }, redact: ['/a'] }, '"mapping.redact[0]" expected one of "mapping.cast.a" and itself, got both'],
    [{ cast: { a: 'string' }, redact: ['/a/b'] }, '"mapping.redact[0]" expected a field that is not within that of "mapping.cast.a"'],
    [{ remove: ['a'], rename: { a: 'b' } }, '"mapping.rename.a" expected a field that "mapping.remove" does not name'],
    [{ select: { a: 'a' }, hash: ['b'] }, '"mapping.hash[0]" expected a field that "mapping.select" takes, or one within'],
    [{ select: { a: 'a' }, remove: ['a'] }, '"mapping.remove[0]" expected a field that "mapping.select" does not name'],
    [{ select: { a: '/a/b', c: 'a' }, redact: ['a'] }, '"mapping.select" expected no field within that of "mapping.redact[0]", got "/a/b"'],
    [{ select: { a: 'a' }, add: { a: 1 } }, '"mapping.add.a" expected a name that "mapping.select" has not'],
    [{ rename: { a: 'b' }, add: { b: 1 } }, '"mapping.add.b" expected a name that "mapping.rename.a" does not give'],
    [{ add: { a: 1n } }, '"mapping.add.a" expected a value of JSON, got 1n'],
    [{ add: { a: [Number.NaN] } }, '"mapping.add.a" expected a value of JSON, got NaN'],
    [{ partitionKeys: { a: 5 } }, '"mapping.partitionKeys.a" expected a field, { field, default } or { value }, got 5'],
    [{ partitionKeys: { a: { value: '' } } }, '"mapping.partitionKeys.a.value" expected text, got ""'],
    [
      { partitionKeys: { a: '/u/mail' }, hash: ['u'] },
      '"mapping.partitionKeys.a" expected a field that is not that of "mapping.hash[0]": it would stand there',
    ],
    [{ otf: { operation: { value: 'upsert' } } }, '"mapping.otf.operation.value" expected one of insert, update, delete, got "upsert"'],
    [{ otf: { tabel: 'a' } }, '"mapping.otf" expected one of database, table, operation, got "tabel"'],
    [{ where: {} }, '"mapping.where" expected one of and, or, not, field, got none'],
    [{ where: { and: [] } }, '"mapping.where.and" expected an array with at least one condition, got an array'],
    [{ where: { not: { field: 'a', op: '==', value: {} } } }, '"mapping.where.not.value" expected text, a number, true, false or null, got an object'],
    [{ where: { or: [{ field: 'a', op: '<', value: null }] } }, '"mapping.where.or[0].value" expected text or a number, got null'],
    [{ where: { field: 'a', op: 'in', value: 'a' } }, '"mapping.where.value" expected an array of values, got "a"'],
    [{ where: { field: 'a', op: 'exists', value: true } }, '"mapping.where" expected one of field, op, got "value"'],
    [{ where: Array.from({ length: 61 }).reduce<object>((not) => ({ not }), { field: 'a', op: 'exists' }) }, 'expected at most 60 levels, got 61'],
  ])('mapping %# is refused', (map, message) => {
    expect(() => firehoseMapping(map as FirehoseMapping)).toThrow(message)
  })
})
