// A mapping as a transformation that the core does, and in words why it refused a record.
import { KERNEL_MAPPING, MAP_CAST, MAP_DIFFERS, MAP_METADATA, MAP_SIZE } from '../../engine/transform-core.js'
import { explainReason } from '../blueprints/reasons.js'
import { RecordKernel } from '../kernel.js'
import type { RecordWorker } from '../run.js'
import { type CompiledMapping, compileMapping } from './compile.js'
import type { FirehoseMapping, MappingCast } from './mapping.js'

/**
 * A mapping of JSON records as the `transform` of createFirehoseTransformer: done on the records' bytes in the core, without one object a
 * record. Each of several objects in a record is mapped, whatever `splitJson` says. A record that is bad fails with the reason and the byte
 * where it was seen. Throws TypeError and RangeError for a mapping that is wrong, naming the place in it.
 *
 * @example
 * createFirehoseTransformer({
 *   transform: firehoseMapping({
 *     where: { field: 'level', op: '!=', value: 'debug' },
 *     hash: ['/user/email'],
 *     partitionKeys: { customer: 'customer_id' },
 *   }),
 * })
 */
export function firehoseMapping(mapping: FirehoseMapping): RecordWorker {
  const compiled = compileMapping(mapping)
  return new RecordKernel({ kernel: KERNEL_MAPPING, options: compiled.program }, (reason, position) => explain(compiled, reason, position))
}

const EXPECTED: Record<MappingCast, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  timestamp: 'a time of the years 0 to 9999',
  'sql-timestamp': 'a time of the years 0 to 9999',
  'epoch-ms': 'a time',
  'epoch-s': 'a time',
}

/** Says nothing of the payload but where. */
function explain({ paths, casts }: CompiledMapping, reason: number, position: number): string {
  const id = reason >>> 8
  const field = `field ${JSON.stringify(paths[id])}`
  const cast = casts[id]
  const words: Record<number, string> = {
    [MAP_CAST]: `${field} expected ${cast ? EXPECTED[cast] : 'another value'}, got what cannot be cast to it`,
    [MAP_METADATA]: `${field} expected text for the metadata, got none`,
    [MAP_DIFFERS]: 'expected the same metadata for all records in one, got different ones',
    [MAP_SIZE]: 'expected an output in proportion to the record, got one that is many times as long',
  }
  const own = words[reason & 0xff]
  return own === undefined ? explainReason(reason, position) : `byte ${position}: ${own}`
}
