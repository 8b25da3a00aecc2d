import type { Table } from './run.js'

/** In the order in which a record meets them. */
export const commands: Table = {
  shard: () => import('./shard.js'),
  aggregate: () => import('./aggregate.js'),
  deaggregate: () => import('./deaggregate.js'),
  produce: () => import('./produce.js'),
  consume: () => import('./consume.js'),
  tail: () => import('./tail.js'),
  kcl: () => import('./kcl.js'),
  parquet: () => import('./parquet.js'),
  schema: () => import('./schema.js'),
  transform: () => import('./transform.js'),
  deliver: () => import('./deliver.js'),
  replay: () => import('./replay.js'),
  snowball: () => import('./snowball.js'),
  'kinesis-local': () => import('./kinesis-local.js'),
  demo: () => import('./demo.js'),
}
