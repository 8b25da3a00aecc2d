// A user record at the edge: what is a wrong argument, and what is a bad record.
import { checkKeys, kindOf, wrongType } from '../../errors.js'
import { KINESIS } from '../../limits.js'
import { parseHashKey } from '../shards/hash-key.js'

export interface ProducerRecord {
  /** 1 to 256 characters. */
  partitionKey: string
  /** 0 to 2^128 - 1, decimal text or bigint; takes the place of the partition key's MD5. */
  explicitHashKey?: string | bigint | undefined
  /** Copied when the record is accepted. Text is sent as UTF-8. */
  data: Uint8Array | string
}

/** Why a record is not accepted: it fails alone. */
export interface RecordFault {
  code: 'BAD_PARTITION_KEY' | 'BAD_HASH_KEY' | 'RECORD_TOO_LARGE' | 'BAD_JSON'
  message: string
}

/** Throws TypeError for records of the wrong shape. */
export function checkRecords(records: readonly unknown[]): asserts records is readonly ProducerRecord[] {
  for (let i = 0; i < records.length; i++) if (!isPlain(records[i])) checkRecord(`records[${i}]`, records[i])
}

/** Whether it surely is a record; makes neither a label nor a list of its keys. */
function isPlain(record: unknown): boolean {
  if (record === null || typeof record !== 'object') return false
  for (const key in record) if (key !== 'partitionKey' && key !== 'data') return false
  const { partitionKey, data } = record as Partial<ProducerRecord>
  return typeof partitionKey === 'string' && data instanceof Uint8Array && data.length > 0 && (record as Partial<ProducerRecord>).explicitHashKey === undefined
}

/** Throws TypeError for a record of the wrong shape. */
export function checkRecord(label: string, record: unknown): asserts record is ProducerRecord {
  if (record === null || typeof record !== 'object') throw wrongType(label, 'a record', record)
  checkKeys(label, record, ['partitionKey', 'explicitHashKey', 'data'])
  const { partitionKey, explicitHashKey, data } = record as Partial<ProducerRecord>
  if (typeof partitionKey !== 'string') throw wrongType(`${label}.partitionKey`, 'a string', partitionKey)
  if (explicitHashKey !== undefined && typeof explicitHashKey !== 'string' && typeof explicitHashKey !== 'bigint') {
    throw wrongType(`${label}.explicitHashKey`, 'a string or a bigint', explicitHashKey)
  }
  if (typeof data === 'string') return
  if (!(data instanceof Uint8Array)) throw wrongType(`${label}.data`, 'a Uint8Array or a string', data)
  checkMemory(`${label}.data`, data)
}

/** Throws TypeError for an array whose buffer was transferred, or shrunk past its start: it looks like an empty one. */
export function checkMemory(label: string, bytes: Uint8Array): void {
  if (bytes.length > 0) return
  try {
    bytes.subarray()
  } catch {
    throw new TypeError(`"${label}" expected a Uint8Array over its memory, got one whose buffer was transferred or shrunk`)
  }
}

/** What the service would refuse the record for. `maxSize`: bytes of data and key. */
export function faultOfRecord(key: string, hash: string | bigint | undefined, data: Uint8Array, maxSize: number): RecordFault | undefined {
  const most = KINESIS.partitionKeyCharacters.value
  if (key.length === 0 || (key.length > most && (key.length > 2 * most || [...key].length > most))) {
    return { code: 'BAD_PARTITION_KEY', message: `partition key: expected 1 to ${most} characters, got ${kindOf(key)}` }
  }
  if (hash !== undefined) {
    try {
      parseHashKey(hash)
    } catch (error) {
      return { code: 'BAD_HASH_KEY', message: (error as Error).message }
    }
  }
  // UTF-8 takes one to three bytes for each UTF-16 unit.
  if (data.length + 3 * key.length > maxSize) {
    const size = data.length + utf8Size(key)
    if (size > maxSize) return { code: 'RECORD_TOO_LARGE', message: `data and partition key: expected ${maxSize} bytes at most, got ${size}` }
  }
  return undefined
}

function utf8Size(text: string): number {
  let size = 0
  for (const character of text) {
    const code = character.codePointAt(0) as number
    size += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
  }
  return size
}
