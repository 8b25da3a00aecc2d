// A user record as a line of JSON: what millrace deaggregate, consume and the files of dead letters have, and
// what aggregate and produce --records read.
import type { UserRecord } from '../types.js'
import { dataField, knownFields, textField } from './ndjson.js'

/** What a line may have: of the second row, what deaggregate and consume add, and the third, what dead letters do, nothing is read. */
const FIELDS = new Set([
  ...['partitionKey', 'explicitHashKey', 'data'],
  ...['sequenceNumber', 'subSequenceNumber', 'aggregated', 'reason', 'shardId'],
  ...['code', 'message', 'uncertain', 'attemptCount', 'attempts', 'position'],
])

/** Throws an Error that says what was expected. */
export function readUserRecord(object: Record<string, unknown>): UserRecord {
  knownFields(object, FIELDS)
  return {
    partitionKey: textField(object, 'partitionKey'),
    explicitHashKey: textField(object, 'explicitHashKey', true),
    data: dataField(object, 'data'),
  }
}
