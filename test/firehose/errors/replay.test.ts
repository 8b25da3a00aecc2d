import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { conversionFailureLine, failureLine, lambdaFailureLine } from '../../../src/firehose/errors/error-object.js'
import { replayErrors } from '../../../src/firehose/errors/replay.js'

const bytes = (text: string) => new TextEncoder().encode(text)
const all = async (text: string | Uint8Array, cut = 1 << 20, options = {}) => {
  const whole = typeof text === 'string' ? bytes(text) : text
  const pieces = []
  for (let at = 0; at < whole.length; at += cut) pieces.push(whole.subarray(at, at + cut))
  const records = []
  for await (const record of replayErrors(pieces, options)) records.push(record)
  return records
}
const base = { data: bytes('hi'), code: 'C', message: 'M', attempts: 4, arrival: 1_700_000_000_123, attemptEnd: 1_700_000_009_123 }

describe('an error object is written as real ones are', () => {
  it('of a Lambda', () => {
    expect(lambdaFailureLine({ ...base, lambdaArn: 'arn:aws:lambda:eu-central-1:1:function:f:$LATEST' })).toBe(
      '{"rawData":"aGk=","errorCode":"C","errorMessage":"M","attemptsMade":4,"arrivalTimestamp":1700000000123,"attemptEndingTimestamp":1700000009123,"lambdaARN":"arn:aws:lambda:eu-central-1:1:function:f:$LATEST"}',
    )
  })
  it('of another stage', () => {
    expect(failureLine(base)).toBe(
      '{"rawData":"aGk=","errorCode":"C","errorMessage":"M","attemptsMade":4,"arrivalTimestamp":1700000000123,"attemptEndingTimestamp":1700000009123}',
    )
  })
  it('of the format conversion', () => {
    expect(conversionFailureLine({ ...base, table: { databaseName: 'd', tableName: 't' } })).toBe(
      '{"attemptsMade":4,"arrivalTimestamp":1700000000123,"lastErrorCode":"C","lastErrorMessage":"M","attemptEndingTimestamp":1700000009123,"rawData":"aGk=","sequenceNumber":null,"subSequenceNumber":null,"dataCatalogTable":{"catalogId":null,"databaseName":"d","tableName":"t","region":null,"versionId":null,"catalogArn":null}}',
    )
  })
})

describe('replay', () => {
  it.each([
    [
      'as captured in 2026',
      '{"rawData":"aGk=","errorCode":"Lambda.ProcessingFailedStatus","errorMessage":"m","attemptsMade":1,"arrivalTimestamp":1700000000123,"attemptEndingTimestamp":1700000009123,"lambdaARN":"arn"}',
      { code: 'Lambda.ProcessingFailedStatus', lambdaArn: 'arn' },
    ],
    [
      'as captured from 2019 to 2022',
      '{"attemptsMade":1,"arrivalTimestamp":1700000000123,"errorCode":"Lambda.FunctionError","errorMessage":"m","attemptEndingTimestamp":1700000009123,"rawData":"aGk=","lambdaArn":"arn"}',
      { code: 'Lambda.FunctionError', lambdaArn: 'arn' },
    ],
    [
      'of a conversion, in the names of captures',
      '{"attemptsMade":1,"arrivalTimestamp":1700000000123,"lastErrorCode":"DataFormatConversion.MalformedData","lastErrorMessage":"m","attemptEndingTimestamp":1700000009123,"rawData":"aGk=","sequenceNumber":"49","subSequenceNumber":3,"dataCatalogTable":{"tableName":"t"}}',
      { code: 'DataFormatConversion.MalformedData', sequenceNumber: '49', subSequenceNumber: 3 },
    ],
    [
      'of a conversion, in the names of newer pages',
      '{"attemptsMade":1,"arrivalTimestamp":1700000000123,"ErrorCode":"DataFormatConversion.ParseError","ErrorMessage":"m","attemptEndingTimestamp":1700000009123,"rawData":"aGk=","sequenceNumber":null,"subSequenceNumber":null}',
      { code: 'DataFormatConversion.ParseError', sequenceNumber: undefined, subSequenceNumber: undefined },
    ],
    [
      'of an index',
      '{"attemptsMade":1,"arrivalTimestamp":"1700000000123","errorCode":"400","errorMessage":"m","attemptEndingTimestamp":"2023-11-14T22:13:29.123Z","esDocumentId":"d","esIndexName":"i","esTypeName":"t","rawData":"aGk="}',
      { code: '400', fields: expect.objectContaining({ esDocumentId: 'd', esIndexName: 'i', esTypeName: 't' }) },
    ],
    [
      'of a serverless collection',
      '{"attemptsMade":1,"arrivalTimestamp":1700000000123,"errorCode":"429","errorMessage":"m","attemptEndingTimestamp":1700000009123,"osDocumentId":"d","osIndexName":"i","rawData":"aGk="}',
      { code: '429', fields: expect.objectContaining({ osDocumentId: 'd', osIndexName: 'i' }) },
    ],
    [
      'of Splunk',
      '{"attemptsMade":1,"arrivalTimestamp":1700000000123,"errorCode":"Splunk.AckTimeout","errorMessage":"m","attemptEndingTimestamp":1700000009123,"rawData":"aGk=","EventId":"495.0"}',
      { code: 'Splunk.AckTimeout', fields: expect.objectContaining({ EventId: '495.0' }) },
    ],
    [
      'of an HTTP endpoint',
      '{"attemptsMade":1,"arrivalTimestamp":1700000000123,"errorCode":"HttpEndpoint.X","errorMessage":"m","attemptEndingTimestamp":1700000009123,"rawData":"aGk=","subsequenceNumber":0,"dataId":"x"}',
      { subSequenceNumber: 0, fields: expect.objectContaining({ dataId: 'x' }) },
    ],
  ])('reads one %s', async (_, line, fields) => {
    const common = { data: expect.anything(), message: 'm', attempts: 1, arrival: 1_700_000_000_123, attemptEnd: 1_700_000_009_123 }
    const [record] = await all(line)
    expect(record).toMatchObject({ ...common, ...fields })
    expect(Buffer.from(record.data).toString()).toBe('hi')
    expect(record.fields).not.toHaveProperty('rawData')
  })

  it('gives every record back byte for byte, however the input is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ data: fc.uint8Array({ maxLength: 40 }), message: fc.string(), last: fc.boolean() }), { maxLength: 12 }),
        fc.constantFrom('\n', '', '\r\n', ' \n\n'),
        fc.integer({ min: 1, max: 400 }),
        async (records, between, cut) => {
          const text = records
            .map(({ data, message, last }) =>
              last ? conversionFailureLine({ ...base, data, message, table: {} }) : lambdaFailureLine({ ...base, data, message, lambdaArn: '}{"' }),
            )
            .join(between)
          const read = await all(text, cut)
          expect(read.map(({ data, message }) => [[...data], message ?? ''])).toEqual(records.map(({ data, message }) => [[...data], message]))
        },
      ),
    )
  })

  it('reads a byte order mark, and nothing at all', async () => {
    expect(await all(`\uFEFF${failureLine(base)}`, 1)).toHaveLength(1)
    expect(await all('')).toEqual([])
    expect(await all(' \n\n')).toEqual([])
  })

  it.each([
    ['{"rawData":"aGk="}\n{"errorCode":"x"}', 'f.json, record 1, byte 19: "rawData" expected base64 text, got undefined'],
    ['{"rawData":"aGk"}{"rawData":"a!"}', 'f.json, record 1, byte 17: "rawData": '],
    ['{"rawData":"aGk="', 'f.json, record 0, byte 0: expected the end of a Firehose error object, got the end of the input'],
    ['{"rawData":"aGk="}\n{"rawData":"a', 'f.json, record 1, byte 19: expected the end of a Firehose error object'],
    ['hello', 'f.json, record 0, byte 0: expected a Firehose error object as JSON'],
    ['[1]', 'f.json, record 0, byte 0: expected a Firehose error object, got an array'],
    ['12', 'f.json, record 0, byte 0: expected a Firehose error object, got 12'],
    ['{"rawData":5}', '"rawData" expected base64 text, got 5'],
    ['{,}', 'expected a Firehose error object as JSON'],
  ])('refuses %j', async (text, message) => {
    for (const cut of [1, 7, 1000]) await expect(all(text, cut, { source: 'f.json' })).rejects.toThrow(message)
  })

  it('keeps hostile member names as data', async () => {
    const [record] = await all('{"__proto__":{"x":1},"rawData":"","constructor":2}')
    expect(Object.keys(record.fields)).toEqual(['__proto__', 'constructor'])
    expect(record.data).toHaveLength(0)
  })

  it('takes its input in linear time: a record of many pieces is looked at some twenty times', async () => {
    const text = failureLine({ ...base, data: new Uint8Array(3 << 20) })
    const [record] = await all(text, 1000)
    expect(record.data).toHaveLength(3 << 20)
  })

  it('refuses what gives no bytes', async () => {
    await expect(replayErrors(5 as never).next()).rejects.toThrow('"pieces" expected an iterable of byte pieces, got 5')
    await expect(replayErrors(['x'] as never).next()).rejects.toThrow('"piece" expected a Uint8Array, got "x"')
  })
})

it.each([
  ['text that does not end', '{"rawData":"'],
  ['a word', ''],
])('what is no error object is not gathered for ever: %s', async (_, start) => {
  let given = 0
  const endless = (function* () {
    yield bytes(start)
    for (const piece = new Uint8Array(16 << 20).fill(0x41); given < 64; given++) yield piece
  })()
  const read = async () => {
    for await (const record of replayErrors(endless, { source: 'x' })) throw new Error(`expected none, got ${record.code}`)
  }
  await expect(read()).rejects.toMatchObject({
    code: 'BAD_INPUT',
    message: expect.stringContaining('expected a Firehose error object of at most 134217728 bytes, got a longer one'),
    position: { record: 0, offset: 0, source: 'x' },
  })
  expect(given).toBeLessThan(12)
})
