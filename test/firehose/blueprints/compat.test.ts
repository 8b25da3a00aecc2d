// What AWS's blueprints gave for their own events and for lines that try their oddities (aws.ndjson), run in Node with TZ=UTC and, where that
// differs, TZ=America/New_York; of an answer that failed there is none.
import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { createFirehoseTransformer, type FirehoseBlueprintName, firehoseBlueprint } from '../../../src/firehose/index.js'

interface Fixture {
  blueprint: FirehoseBlueprintName
  data: string
  result: 'Ok' | 'ProcessingFailed'
  output?: string
  newYork?: string
}

const fixtures: Fixture[] = readFileSync(new URL('aws.ndjson', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line))
const names = [...new Set(fixtures.map(({ blueprint }) => blueprint))]
const zone = process.env.TZ

afterEach(() => {
  process.env.TZ = zone
  if (zone === undefined) delete process.env.TZ
})

const binary = (base64: string | undefined) => Buffer.from(base64 ?? '', 'base64').toString('latin1')

describe.each(names)('%s with compat', (name) => {
  it.each([
    ['UTC', 0],
    ['America/New_York', 300],
  ])("gives the bytes of AWS's, in %s", async (TZ, offset) => {
    process.env.TZ = TZ
    expect(new Date(0).getTimezoneOffset()).toBe(offset)
    const own = fixtures.filter(({ blueprint }) => blueprint === name)
    const { records } = await createFirehoseTransformer(firehoseBlueprint(name, { compat: true }))({
      records: own.map(({ data }, i) => ({ recordId: `${i}`, approximateArrivalTimestamp: 1, data })),
    })
    const wanted = own.map(({ data, result, output, newYork }) => {
      if (result !== 'Ok') return [result, binary(data)]
      const given = TZ === 'UTC' ? output : (newYork ?? output)
      return given === '' ? ['Dropped', ''] : [result, binary(given)]
    })
    expect(records.map(({ result, data }) => [result, binary(data)])).toEqual(wanted)
  })
})

it('every blueprint that AWS has is among them', () => {
  const others = ['kpl', 'json-to-csv', 'dynamodb-to-json'] as FirehoseBlueprintName[]
  for (const name of others) expect(() => firehoseBlueprint(name, { compat: true })).toThrow(`"compat" expected false, as AWS has no blueprint ${name}`)
  expect(names).toEqual(['apachelog-to-json', 'apachelog-to-csv', 'syslog-to-json', 'syslog-to-csv', 'cloudwatch-logs-processor', 'process-record'])
})

it('takes no more than linear time for what is made to take more', async () => {
  const run = createFirehoseTransformer(firehoseBlueprint('syslog-to-json', { compat: true }))
  const data = Buffer.from(`Oct 11 22:14:15 <${'1'.repeat(1_000_000)} host prog: m`).toString('base64')
  const { records } = await run({ records: [{ recordId: 'a', data }] })
  expect(records[0].result).toBe('ProcessingFailed')
})
