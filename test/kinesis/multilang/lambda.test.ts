import { expect, it } from 'vitest'
import { createKinesisBatchHandler } from '../../../src/kinesis/lambda/handler.js'
import { runProcessor } from '../../../src/kinesis/multilang/processor.js'
import { createSimulation } from '../../../src/ports/simulated.js'
import { initialize, record, records, talk } from './daemon.js'

interface Seen {
  readonly partitionKey: string | undefined
  readonly sequenceNumber: string
  readonly subSequenceNumber: number
  readonly shardId: string
  readonly arrival: number | undefined
  json(): unknown
}

it('one function is a handler under Lambda and under the KCL', async () => {
  const seen: unknown[] = []
  const handle = async (batch: readonly Seen[], { signal }: { signal: AbortSignal }) => {
    for (const one of batch) seen.push([one.partitionKey, one.sequenceNumber, one.subSequenceNumber, one.shardId, one.arrival, one.json(), signal.aborted])
  }
  const data = Buffer.from('{"a":1}').toString('base64')
  const kinesis = { partitionKey: 'key-0', sequenceNumber: '5', data, approximateArrivalTimestamp: 1_700_000_000.123 }
  await createKinesisBatchHandler(handle)({ Records: [{ eventID: 'shardId-000000000007:5', kinesis }] })

  const simulation = createSimulation(1)
  const { daemon } = talk([initialize, records(record(5, 0, '{"a":1}'))])
  const options = { daemon, ports: simulation, checkpointInterval: 0, signal: new AbortController().signal, log: () => {} }
  await simulation.run(runProcessor({ records: handle }, options))
  expect(seen).toHaveLength(2)
  expect(seen[1]).toEqual(seen[0])
})
