// The end of a delivery stream whose records go to a destination: gathered by its hints, each buffer delivered whole.
import { gather } from '../delivery/batch.js'
import type { RecordOutput, Surroundings } from '../delivery/output.js'
import type { FailedDelivery } from '../delivery/record.js'
import { heldBytes, type Taken } from '../delivery/taken.js'
import type { StreamDestination } from './destination.js'

export interface DestinationOutputOptions {
  destination: StreamDestination
  /** Told of each record that was not delivered, with its line of the error object. */
  fail(failure: FailedDelivery, line: string): void
  /** Told of a buffer, and of how many of its records were delivered. */
  delivered(records: number): void
  signal: AbortSignal
}

/** Some buffers are delivered at once, so that records keep no order. A stream has no partitions here. */
export function destinationOutput({ destination, fail, delivered, signal }: DestinationOutputOptions, around: Surroundings): RecordOutput {
  const { clock, budget, writer } = around
  const gatherer = gather<Taken>(clock, destination.hints, budget, ({ items, held }) => {
    const make = async () => {
      const failed = await destination.deliver(items, signal)
      for (const failure of failed) fail(failure, destination.failureLine(failure))
      delivered(items.length - failed.length)
      return undefined
    }
    writer.write({ records: items.length, held, make, stored() {} })
  })
  return {
    active: 0,
    has: () => false,
    add(record) {
      gatherer.add(record, record.data.length, heldBytes(record), record.arrival)
    },
    end: gatherer.end,
    gathered: () => [{ held: gatherer.open?.held ?? 0, end: gatherer.end }],
  }
}
