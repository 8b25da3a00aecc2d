// Ready transformations by the names of AWS's Lambda blueprints, the "kinesis-firehose-" left out.
import type { FirehoseTransformerOptions } from './transform.js'

type Blueprint = Omit<FirehoseTransformerOptions, 'onFailure'>

const asItIs = { gunzip: false, logs: false }

/**
 * `process-record`: each record as it is, byte for byte. `kpl`: KPL aggregates opened, every user
 * record on a line of its own.
 */
export const blueprints: Readonly<Record<string, Blueprint>> = {
  'process-record': { transform: ({ data }) => data, delimiter: '', deaggregate: false, ...asItIs },
  kpl: { transform: ({ data }) => data, ...asItIs },
}
