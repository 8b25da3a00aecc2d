import { expect, it } from 'vitest'
import type { Io } from '../../src/cli/command.js'
import { drawLive, liveLine } from '../../src/cli/produce-line.js'
import type { ProducerMetrics } from '../../src/kinesis/producer/pipeline-face.js'
import { createSimulation } from '../../src/ports/simulated.js'

const none: ProducerMetrics = {
  accepted: 0,
  delivered: 0,
  failed: 0,
  deadLettered: 0,
  spoolDamaged: 0,
  spooled: 0,
  uncertain: 0,
  kinesisRecords: 0,
  kinesisBytes: 0,
  payloadUnits: 0,
  userPayloadUnits: 0,
  bufferedRecords: 0,
  bufferedBytes: 0,
  retried: 0,
  throttled: 0,
  requests: 0,
  oldest: 0,
}
const busy = {
  ...none,
  delivered: 12_345_678,
  failed: 3,
  bufferedRecords: 4_321,
  kinesisRecords: 54_321,
  payloadUnits: 100_000,
  userPayloadUnits: 12_445_678,
  throttled: 23_456,
  oldest: 12_345,
}
const rate = { records: 123_456.7, bytes: 123_456_789 }

it('has the figures needed most in 80 columns, and the others where they fit', () => {
  expect(liveLine(busy, rate, 79)).toBe('123K records/s, 123.5 MB/s, 12.3M units saved, 23.5K throttled, oldest 12.3 s')
  expect(liveLine(busy, rate, 119)).toBe('123K records/s, 123.5 MB/s, 12.3M units saved, 23.5K throttled, oldest 12.3 s, 3 failed, 12.3M delivered')
  expect(liveLine(busy, rate, 200)).toBe(
    '123K records/s, 123.5 MB/s, 12.3M units saved, 23.5K throttled, oldest 12.3 s, 3 failed, 12.3M delivered, 4.32K buffered, 54.3K Kinesis records',
  )
  expect(liveLine({ ...none, oldest: 3_900_000 }, { records: 0, bytes: 0 }, 79)).toBe(
    '0 records/s, 0.0 MB/s, 0 units saved, 0 throttled, oldest 1:05:00, 0 delivered',
  )
  expect(liveLine(busy, rate, 20)).toBe('123K records/s')
})

it('has the rates of the last second or two, and goes on where nothing happens', async () => {
  const { run, clock } = createSimulation(1)
  const shown: string[] = []
  let metrics = none
  const io = { columns: 80, progress: (line: string) => void shown.push(line), ports: { clock } } as unknown as Io
  const end = drawLive(io, () => ({ ...metrics, oldest: clock.monotonic() }))
  await run(
    (async () => {
      for (let i = 0; i < 400; i++) {
        metrics = { ...metrics, delivered: metrics.delivered + 10, kinesisBytes: metrics.kinesisBytes + 2e4 }
        await clock.sleep(10)
      }
      const before = shown.length
      expect(shown.at(-1)).toMatch(/^(1K|1\.0\dK|99\d) records\/s, 2\.0 MB\/s, /)
      await clock.sleep(10_000)
      expect(shown.length).toBeGreaterThan(before + 40)
      expect(shown.at(-1)).toMatch(/^0 records\/s, 0\.0 MB\/s, .*oldest 1[34]\.\d s/)
      end()
      const after = shown.length
      expect(shown.at(-1)).toBe('')
      await clock.sleep(1_000)
      expect(shown).toHaveLength(after)
    })(),
  )
})

it('asks nothing where there is no terminal', () => {
  const io = { columns: 0, progress() {}, ports: createSimulation(1) } as unknown as Io
  drawLive(io, () => none)()
})
