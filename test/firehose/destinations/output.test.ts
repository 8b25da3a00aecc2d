import { expect, it } from 'vitest'
import { createBudget } from '../../../src/firehose/delivery/budget.js'
import { WHOLE } from '../../../src/firehose/delivery/partition.js'
import type { DeliveryRecord } from '../../../src/firehose/delivery/record.js'
import { memoryStore } from '../../../src/firehose/delivery/store.js'
import { createWriter } from '../../../src/firehose/delivery/writer.js'
import type { StreamDestination } from '../../../src/firehose/destinations/destination.js'
import { destinationOutput } from '../../../src/firehose/destinations/output.js'
import { createSimulation } from '../../../src/ports/simulated.js'
import { record, text } from './web.js'

/** Takes a second for each buffer, and refuses records that begin with "bad". */
function world() {
  const simulation = createSimulation(1)
  const { clock, random } = simulation
  const abort = new AbortController()
  const budget = createBudget(1 << 20, () => {})
  const writer = createWriter(memoryStore(), { clock, random, budget, signal: abort.signal })
  const buffers: { at: number; records: string[] }[] = []
  const lines: string[] = []
  let delivered = 0
  const start = clock.monotonic()
  const destination: StreamDestination = {
    hints: { bytes: 10, interval: 60_000 },
    backupAll: false,
    errorOutputType: 'splunk-failed',
    failureLine: ({ record, code }) => `${code} ${text(record.data)}`,
    async deliver(records, signal) {
      buffers.push({ at: clock.monotonic() - start, records: records.map(({ data }) => text(data)) })
      await clock.sleep(1000, signal)
      const bad = records.filter(({ data }) => text(data).startsWith('bad'))
      return bad.map((record: DeliveryRecord) => ({ record, code: 'C', message: 'm', attempts: 1, attemptEnd: clock.now() }))
    },
  }
  const output = destinationOutput(
    {
      destination,
      fail: (_, line) => lines.push(line),
      delivered(records) {
        delivered += records
      },
      signal: abort.signal,
    },
    { name: 's', version: 1, clock, random, budget, writer },
  )
  return { ...simulation, abort, budget, writer, buffers, lines, output, delivered: () => delivered }
}

it('delivers a buffer once it is large or old enough, and tells what became of its records', async () => {
  const { output, run, clock, writer, budget, buffers, lines, delivered } = world()
  for (const data of ['12345', '67890', 'bad', 'x']) output.add(record(data), WHOLE)
  expect(output.gathered()).toHaveLength(1)
  await run(clock.sleep(61_000))
  await run(writer.settled())
  expect(buffers).toEqual([
    { at: 0, records: ['12345', '67890'] },
    { at: 60_000, records: ['bad', 'x'] },
  ])
  expect([delivered(), lines]).toEqual([3, ['C bad']])
  output.add(record('y'), WHOLE)
  expect(budget.held).toBeGreaterThan(0)
  output.end()
  await run(writer.settled())
  expect([buffers[2].records, delivered(), budget.held]).toEqual([['y'], 4, 0])
})

it('leaves what is not delivered once it is given up, for who closes the stream to tell', async () => {
  const { output, run, writer, budget, abort, delivered } = world()
  for (const data of ['a', 'b']) output.add(record(data), WHOLE)
  output.end()
  abort.abort(new Error('enough'))
  await run(writer.settled())
  expect(writer.unwritten).toMatchObject([{ records: 2, error: new Error('enough') }])
  expect([delivered(), budget.held]).toEqual([0, 0])
})
