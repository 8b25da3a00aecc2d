// The end of a stream whose configuration names another destination than S3.
import { inform } from '../../errors.js'
import { DESTINATIONS } from '../destinations/choose.js'
import type { StreamDestination } from '../destinations/destination.js'
import { createRedshiftLoader } from '../destinations/redshift.js'
import type { StreamPlan } from './config/stream.js'
import type { Surroundings } from './output.js'
import type { DeliveryObject } from './store.js'
import type { CheckedOptions } from './stream-options.js'

/** Throws TypeError or RangeError with the path of what is wrong in its configuration; undefined where records end as objects. */
export function destinationOf({ destination }: StreamPlan, options: CheckedOptions): StreamDestination | undefined {
  if (!destination || destination.name === 'RedshiftDestinationConfiguration') return undefined
  const { transport, searchHeaders, clock, random, streamArn } = options
  return DESTINATIONS[destination.name](destination.config, destination.path, {
    transport,
    headers: searchHeaders,
    ports: { clock, random },
    deliveryStreamArn: streamArn,
  })
}

/** Copies of stored objects into Redshift. */
export interface Copies {
  add(object: DeliveryObject): void
  /** Resolves once those that were added have ended. */
  settled(): Promise<void>
  readonly counts: { copied: number; skipped: number; undone: number }
}

/** Undefined where the destination is not Redshift. Throws as destinationOf. */
export function copiesOf(
  { destination, output }: StreamPlan,
  options: CheckedOptions,
  { writer, ...ports }: Surroundings,
  signal: AbortSignal,
): Copies | undefined {
  if (destination?.name !== 'RedshiftDestinationConfiguration') return undefined
  const put = (key: string, body: Uint8Array) =>
    new Promise<void>((resolve, lost) => {
      const object = { bucket: output.bucket, key, body, contentType: 'application/json', contentEncoding: undefined }
      writer.write({ records: 0, held: 0, make: async () => object, stored: () => resolve(), lost })
    })
  const { redshiftQuery: query, onRedshiftLoad } = options
  const loader = createRedshiftLoader(destination.config, destination.path, { ports, put, query, signal })
  const counts = { copied: 0, skipped: 0, undone: 0 }
  const running = new Set<Promise<void>>()
  return {
    counts,
    add({ key, body }) {
      const load = async () => {
        try {
          const done = await loader.load({ key, bytes: body.length })
          if (done.status !== 'written') counts[done.status]++
          if (onRedshiftLoad) inform(() => onRedshiftLoad(done))
        } catch {
          // Aborted, or its manifest is among what could not be written.
          counts.undone++
        }
      }
      const one = load().finally(() => running.delete(one))
      running.add(one)
    },
    async settled() {
      await Promise.all(running)
    },
  }
}
