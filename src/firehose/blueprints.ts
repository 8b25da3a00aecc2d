// Ready transformations by the names of AWS's Lambda blueprints, the "kinesis-firehose-" left out.
import { KERNEL_IDENTITY } from '../engine/transform-core.js'
import { RecordKernel } from './kernel.js'
import type { FirehoseTransformerOptions } from './transform.js'

type Blueprint = Omit<FirehoseTransformerOptions, 'onFailure'>

const asItIs = { gunzip: false, logs: false }
const identity = new RecordKernel({ kernel: KERNEL_IDENTITY, options: 0 }, () => '')

/**
 * `process-record`: each record as it is, byte for byte. `kpl`: KPL aggregates opened, every user
 * record on a line of its own.
 */
export const blueprints: Readonly<Record<string, Blueprint>> = {
  'process-record': { transform: identity, delimiter: '', deaggregate: false, ...asItIs },
  kpl: { transform: identity, ...asItIs },
}
