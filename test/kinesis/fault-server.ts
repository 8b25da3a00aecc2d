// A Kinesis with the service's limits and with faults, in this process: kinesalite behind the front of
// `millrace kinesis-local`.
import type { KinesisClient } from '@aws-sdk/client-kinesis'
import { type FaultEvent, type FrontOptions, startFront } from '../../src/cli/kinesis-local/front.js'
import { nodeClock } from '../../src/ports/node.js'
import { clientOf, type KinesisServer, startKinesalite } from '../servers.js'

export interface FaultServer extends KinesisServer {
  counts: ReadonlyMap<FaultEvent['fault'], number>
  events: FaultEvent[]
  /** A client that meets neither limits nor faults, for what a test does behind the scenes. */
  quiet: KinesisClient
}

/** `behind`: what stores; default kinesalite. */
export async function startFaultServer(options: Omit<FrontOptions, 'upstream' | 'clock' | 'onFault'> = {}, behind = startKinesalite): Promise<FaultServer> {
  const store = await behind()
  const events: FaultEvent[] = []
  const front = await startFront({ clock: nodeClock, ...options, upstream: Number(new URL(store.endpoint).port), onFault: (event) => events.push(event) })
  const client = clientOf(front.endpoint)
  return {
    endpoint: front.endpoint,
    client,
    quiet: store.client,
    counts: front.counts,
    events,
    async stop() {
      client.destroy()
      await front.close()
      await store.stop()
    },
  }
}
