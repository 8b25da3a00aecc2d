// Every row of the bench, in the order in which a record meets the stages. Loading a group loads nothing heavy: rivals load in `prepare`.
const GROUPS = {
  shard: () => import('./shard.mjs'),
  base64: () => import('./base64.mjs'),
  aggregate: () => import('./aggregate.mjs'),
  produce: () => import('./produce.mjs'),
  deaggregate: () => import('./deaggregate.mjs'),
  lambda: () => import('./lambda.mjs'),
  parquet: () => import('./parquet.mjs'),
  firehose: () => all(import('./firehose.mjs'), import('./mapping.mjs'), import('./delivery.mjs')),
  snowball: () => import('./snowball.mjs'),
  snappy: () => import('./snappy.mjs'),
  boundary: () => import('./boundary.mjs'),
  cold: () => import('./cold.mjs'),
}

const all = async (...files) => ({ rows: (await Promise.all(files)).flatMap(({ rows }) => rows) })

export const groups = Object.keys(GROUPS)

/** The rows of the named groups (all without an argument). */
export async function loadRows(only = groups) {
  const rows = []
  for (const group of groups) if (only.includes(group)) rows.push(...(await GROUPS[group]()).rows)
  return rows
}
