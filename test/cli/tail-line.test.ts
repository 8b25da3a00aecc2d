import { expect, it } from 'vitest'
import { places } from '../../src/cli/places.js'
import { createTailLines } from '../../src/cli/tail-line.js'
import type { ConsumedRecord } from '../../src/kinesis/consumer/batch.js'
import { createSimulation } from '../../src/ports/simulated.js'

// Local times, wherever this runs.
const now = new Date(2026, 10, 27, 12, 0, 0).getTime()
const { clock } = createSimulation(1, now)
const record = (partitionKey: string | undefined, data: string, more: Partial<ConsumedRecord> = {}): ConsumedRecord => ({
  shardId: 'shardId-000000000012',
  partitionKey,
  explicitHashKey: undefined,
  data: new TextEncoder().encode(data),
  sequenceNumber: '1',
  subSequenceNumber: 0,
  aggregated: false,
  reason: undefined,
  arrival: new Date(2026, 10, 27, 9, 5, 7, 42).getTime(),
  ...more,
})
const DATA = '{"flight":1,"note":"a note that is longer than any terminal is wide, or so it seems to whoever reads it"}'

it.each([
  [120, '09:05:07.042  #12  AMS     105 B  {"flight":1,"note":"a note that is longer than any terminal is wide, or so it seems …'],
  [80, '09:05:07.042  #12  AMS     105 B  {"flight":1,"note":"a note that is longer th…'],
  [40, '09:05:07  AMS     105 B  {"flight":1,"…'],
  [30, '09:05:07  AMS  {"flight":1,"…'],
  [16, 'AMS  {"flight"…'],
])('in %d columns', (columns, expected) => {
  const line = createTailLines({ columns, color: false }, clock)
  expect(line(record('AMS', DATA))).toBe(expected)
  expect(places(expected)).toBeLessThan(columns)
})

it('is whole where there is no terminal', () => {
  const line = createTailLines(undefined, clock)
  const key = 'k'.repeat(256)
  expect(line(record(key, DATA))).toBe(`09:05:07.042  #12  ${key}     105 B  ${DATA}`)
  expect(line(record('AMS', DATA))).toBe(`09:05:07.042  #12  ${'AMS'.padEnd(16)}     105 B  ${DATA}`)
})

it('fits at every width, with wide characters, long keys and hostile ones', () => {
  const keys = ['AMS', '東京の長い長いキー', '\x1b[2J\x07', 'k'.repeat(200), undefined, '🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀']
  const widths = [...Array.from({ length: 53 }, (_, i) => 8 + i), 80, 120, 200]
  for (const columns of widths) {
    for (const color of [false, true]) {
      const line = createTailLines({ columns, color }, clock)
      for (const key of keys)
        for (const data of [DATA, '日本語'.repeat(50), '\x1b]0;x\x07'.repeat(20), ''])
          for (const reason of [undefined, 'OUT_OF_RANGE'] as const) {
            const given = line(record(key, data, { reason }))
            // biome-ignore lint/suspicious/noControlCharactersInRegex: our own colours
            const plain = given.replace(/\x1b\[\d+m/g, '')
            expect(plain).not.toMatch(/\p{Cc}/u)
            expect(places(plain), plain).toBeLessThan(columns)
            if (!color) expect(given).toBe(plain)
          }
    }
  }
})

it('follows the width of the terminal, and pads keys and shards to the widest so far', () => {
  const terminal = { columns: 80, color: false }
  const line = createTailLines(terminal, clock)
  expect(line(record('A', 'x', { shardId: 'shardId-000000000001' }))).toBe('09:05:07.042  #1  A       1 B  x')
  expect(line(record('ABCDE', 'x'))).toBe('09:05:07.042  #12  ABCDE       1 B  x')
  expect(line(record('A', 'x', { shardId: 'shardId-000000000001' }))).toBe('09:05:07.042   #1  A           1 B  x')
  terminal.columns = 30
  expect(line(record('A', 'x'))).toBe('09:05:07  A      x')
})

it('has the day from the first record on that did not arrive today', () => {
  const line = createTailLines(undefined, clock)
  expect(line(record('A', ''))).toMatch(/^09:05:07\.042 /)
  expect(line(record('A', '', { arrival: undefined }))).toMatch(/^--:--:--\.--- /)
  expect(line(record('A', '', { arrival: new Date(2026, 10, 26, 23, 59, 59, 999).getTime() }))).toMatch(/^11-26 23:59:59\.999 /)
  expect(line(record('A', ''))).toMatch(/^11-27 09:05:07\.042 /)
})

it('names what the KCL drops, a record without a key, and cuts a forged key', () => {
  const line = createTailLines(undefined, clock)
  expect(line(record('A', 'x', { reason: 'OUT_OF_RANGE' }))).toBe('09:05:07.042  #12  A       1 B  OUT_OF_RANGE x')
  expect(line(record(undefined, 'x'))).toBe('09:05:07.042  #12  -       1 B  x')
  expect(line(record('k'.repeat(1 << 20), 'x')).length).toBeLessThan(600)
})

it('is coloured where the terminal has colour', () => {
  const line = createTailLines({ columns: 80, color: true }, clock)
  expect(line(record('A', 'x'))).toBe('\x1b[2m09:05:07.042\x1b[0m  \x1b[2m#12\x1b[0m  \x1b[36mA\x1b[0m  \x1b[2m     1 B\x1b[0m  x')
})
