// Names of records, as they stand in requests and error objects.
import type { Random } from '../../ports/ports.js'
import type { DeliveryRecord } from '../delivery/record.js'

/** Decimal digits of a sequence number; all of Kinesis' begin with 49. */
const DIGITS = 56

/**
 * Ids of the form that Firehose's own have, `SEQUENCENUMBER.SUBSEQUENCENUMBER`; the sequence number is made up where
 * the source has none. A record's id stays the same for as long as the record is there.
 */
export function createDataIds(random: Random): (record: DeliveryRecord) => string {
  const ids = new WeakMap<DeliveryRecord, string>()
  return (record) => {
    let id = ids.get(record)
    if (id === undefined) {
      const sequence = record.sequenceNumber ?? `49${Array.from({ length: DIGITS - 2 }, () => Math.floor(10 * random.next())).join('')}`
      id = `${sequence}.${record.subSequenceNumber ?? 0}`
      ids.set(record, id)
    }
    return id
  }
}
