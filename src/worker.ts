// What the library's own threads run (ports/node-threads.ts): each message says which stage it is for.
import { serve as serveParquet, type WorkerPort } from './parquet/worker.js'
import { nodeSha256 } from './ports/node-hash.js'
import { nodeThreadStorage } from './ports/node-thread-storage.js'
import { systemClock } from './ports/system.js'
import type { Order } from './snowball/pack/lanes.js'
import { servePacking } from './snowball/pack/thread.js'

export function serve({ post, listen }: WorkerPort): void {
  let parquet = (_: unknown) => {}
  serveParquet({
    post,
    listen: (take) => {
      parquet = take
    },
  })
  const pack = servePacking(post, { storage: nodeThreadStorage, clock: systemClock, sha256: nodeSha256 })
  listen((message) => {
    const order = message as Order | { to?: undefined }
    if (order.to === 'snowball') pack(order)
    else parquet(order)
  })
}
