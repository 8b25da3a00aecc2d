// The delivery stream from put to object, in simulated time.
import { describe, expect, it } from 'vitest'
import { createDeliveryStream } from '../../../src/firehose/delivery/delivery-stream.js'
import { memoryStore } from '../../../src/firehose/delivery/store.js'
import type { DeliveryStreamOptions } from '../../../src/firehose/delivery/stream-options.js'
import { createSimulation } from '../../../src/ports/simulated.js'
import { configOf, lines, linesOf, NOW, START, textOf } from './streams.js'

describe('buffering', () => {
  it('writes an object once the interval has passed since its first record', async () => {
    const simulation = createSimulation(1, NOW)
    const store = memoryStore()
    const stream = createDeliveryStream(configOf({ BufferingHints: { SizeInMBs: 1, IntervalInSeconds: 60 } }), { store, ports: simulation })
    const written: number[] = []
    await simulation.run(
      (async () => {
        await stream.put(lines('a'))
        await simulation.clock.sleep(59_000)
        await stream.put(lines('b'))
        await simulation.clock.sleep(999)
        written.push(store.objects.length)
        await simulation.clock.sleep(2)
        written.push(store.objects.length)
        await simulation.clock.sleep(58_000)
        await stream.put(lines('c'))
        await simulation.clock.sleep(59_000)
        written.push(store.objects.length)
        await stream.close()
      })(),
    )
    expect(written).toEqual([0, 1, 1])
    expect(store.objects.map(({ body }) => textOf(body))).toEqual(['ab', 'c'])
  })
})
