import { expect, it } from 'vitest'
import { consumeLine } from '../../src/cli/consume.js'
import { lagText, readingOf } from '../../src/cli/reading.js'
import type { ConsumerMetrics } from '../../src/kinesis/consumer/telemetry.js'
import { createSimulation } from '../../src/ports/simulated.js'

const { clock } = createSimulation(1, Date.UTC(2026, 10, 27, 12))

it.each([
  [undefined, 'LATEST'],
  ['trim-horizon', 'TRIM_HORIZON'],
  ['TRIM_HORIZON', 'TRIM_HORIZON'],
  ['2026-11-23T04:00:00Z', new Date(Date.UTC(2026, 10, 23, 4))],
  ['1700000000000', new Date(1.7e12)],
  ['90s', new Date(Date.UTC(2026, 10, 27, 11, 58, 30))],
  ['15m', new Date(Date.UTC(2026, 10, 27, 11, 45))],
  ['2h', new Date(Date.UTC(2026, 10, 27, 10))],
  ['1d', new Date(Date.UTC(2026, 10, 26, 12))],
])('--from %s', (from, expected) => expect(readingOf({ from }, 'LATEST', clock).from).toEqual(expected))

it('--until, and shards by their number', () => {
  expect(readingOf({}, 'LATEST', clock)).toEqual({ from: 'LATEST', until: undefined, shardIds: undefined })
  expect(readingOf({ until: 'now', shard: ['2', 'shardId-000000000010', 'x'] }, 'LATEST', clock)).toMatchObject({
    until: 'now',
    shardIds: ['shardId-000000000002', 'shardId-000000000010', 'x'],
  })
  expect(readingOf({ until: '1m' }, 'LATEST', clock).until).toEqual(new Date(clock.now() - 60_000))
})

it.each([{ from: '15x' }, { from: '' }, { until: 'm' }, { until: '' }])('refuses %j', (values) =>
  expect(() => readingOf(values, 'LATEST', clock)).toThrow(/^--(from|until) expected .* or a time such as 2026-11-23T04:00:00Z or 15m, 15 minutes ago, got /),
)

it('refuses a beginning that is to come, but for what clocks may differ by', () => {
  expect(() => readingOf({ from: '2027-01-01T00:00:00Z' }, 'LATEST', clock)).toThrow('--from expected a time that is past, got "2027-01-01T00:00:00Z"')
  const soon = new Date(clock.now() + 5_000)
  expect(readingOf({ from: soon.toISOString() }, 'LATEST', clock).from).toEqual(soon)
})

const metricsOf = (...behind: (number | undefined)[]): ConsumerMetrics => ({
  kinesisRecords: 0,
  bytes: 0,
  calls: 0,
  failures: 0,
  throttled: 0,
  leasesTaken: 0,
  leasesLost: 0,
  shards: Object.fromEntries(behind.map((millisBehindLatest, i) => [`shardId-00000000000${i}`, { millisBehindLatest, checkpoint: undefined }])),
})

it('the closing line says how many shards are behind, and by how much at most', () => {
  expect(lagText(metricsOf())).toBe('')
  expect(lagText(metricsOf(undefined, undefined))).toBe('')
  expect(lagText(metricsOf(0, 0, undefined))).toBe('; no shard behind')
  expect(lagText(metricsOf(0, 12_345, 61_000, 2))).toBe('; 3 of 4 shards behind, shardId-000000000002 most, by 1:01')
  expect(lagText(metricsOf(12_345))).toBe('; 1 of 1 shards behind, by 12.3 s')
})

it('the live line has the lag in 80 columns, and its shard where there are several', () => {
  const rate = { records: 123_456.7, bytes: 123_456_789 }
  expect(consumeLine(metricsOf(0, 3_900_000), 12_345_678, rate, 79)).toBe('123K records/s, 123.5 MB/s, lag 1:05:00 (shardId-000000000001), 12.3M records')
  expect(consumeLine(metricsOf(0, 0), 5, rate, 79)).toBe('123K records/s, 123.5 MB/s, lag 0.0 s, 5 records, 2 shards')
  expect(consumeLine({ ...metricsOf(1_500), throttled: 7 }, 5, rate, 79)).toBe('123K records/s, 123.5 MB/s, lag 1.5 s, 5 records, 1 shard, 7 throttled')
  expect(consumeLine(metricsOf(), 0, { records: 0, bytes: 0 }, 20)).toBe('0 records/s')
})
