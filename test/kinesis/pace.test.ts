// The buckets of a shard: never more than its limits, slower where it throttles, back again after.
import { expect, test } from 'vitest'
import { createPace, type Pace } from '../../src/kinesis/producer/pace.js'

const MIB = 1_048_576

/** Sends as soon as it may from `from` to `to`; gives how many. */
function drive(pace: Pace, size: number, from: number, to: number): number {
  let sent = 0
  for (let now = from; ; sent++) {
    const wait = pace.wait(size, now)
    if (now + wait > to) return sent
    now += wait
    pace.take(size, now)
  }
}

test('a full bucket at first, then the limit of a second each second', () => {
  expect(drive(createPace(100), 10, 0, 0)).toBe(1000)
  const pace = createPace(100)
  drive(pace, 10, 0, 0)
  expect(drive(pace, 10, 0, 1000)).toBeLessThanOrEqual(1000)
  expect(drive(pace, 10, 1000, 11_000)).toBeGreaterThan(9_900)
})

test('bytes count as records do', () => {
  expect(drive(createPace(100), MIB / 16, 0, 0)).toBe(16)
  expect(drive(createPace(100), MIB / 16, 0, 10_000)).toBeLessThanOrEqual(16 + 160)
  expect(drive(createPace(50), MIB / 16, 0, 0)).toBe(8)
})

test('a record larger than the bucket goes when it is full, and its debt is paid', () => {
  const pace = createPace(100)
  expect(pace.wait(10 * MIB, 0)).toBe(0)
  pace.take(10 * MIB, 0)
  expect(pace.wait(1000, 0)).toBeGreaterThan(8_900)
  expect(drive(pace, 10 * MIB, 0, 100_000)).toBeLessThanOrEqual(10)
})

test('additive increase, multiplicative decrease', () => {
  const pace = createPace(100)
  drive(pace, 10, 0, 0)
  for (let i = 0; i < 3; i++) pace.throttled(0)
  const slow = drive(pace, 10, 0, 1000)
  expect(slow).toBeGreaterThan(250)
  expect(slow).toBeLessThan(450)
  for (let i = 0; i < 100; i++) pace.throttled(1000)
  // Never given up.
  expect(drive(pace, 10, 1000, 2000)).toBeGreaterThan(40)
  drive(pace, 10, 2000, 22_000)
  expect(drive(pace, 10, 22_000, 23_000)).toBeGreaterThan(950)
  expect(pace.rested(23_000)).toBe(false)
  expect(pace.rested(60_000)).toBe(true)
})

test('behind an unknown shard may be many: it grows until it is told', () => {
  const pace = createPace(100, true)
  drive(pace, 10, 0, 20_000)
  expect(drive(pace, 10, 20_000, 21_000)).toBeGreaterThan(10_000)
  for (let i = 0; i < 10; i++) pace.throttled(21_000)
  expect(drive(pace, 10, 21_000, 22_000)).toBeLessThan(1500)
})

test('Infinity is no pace; a clock that stands or goes back breaks nothing', () => {
  const pace = createPace(Number.POSITIVE_INFINITY)
  expect(drive(pace, MIB, 0, -1)).toBe(0)
  expect(pace.wait(1e9, 0)).toBe(0)
  const other = createPace(100)
  other.take(MIB, 1000)
  expect(other.wait(1, 500)).toBeGreaterThan(0)
})
