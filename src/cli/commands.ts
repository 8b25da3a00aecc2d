import type { Table } from './run.js'

/** In the order in which a record meets them. */
export const commands: Table = {
  snowball: () => import('./snowball.js'),
  shard: () => import('./shard.js'),
}
