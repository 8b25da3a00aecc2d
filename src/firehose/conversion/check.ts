// The dry run of record format conversion: which records Firehose would reject, and what it would silently lose or
// change in those that it takes, before anything is deployed.
import { checkKeys, wrongType } from '../../errors.js'
import type { DataFormatConversionConfiguration } from './config.js'
import { type LossKind, lossesOf } from './losses.js'
import { type ConversionOptions, openConversion } from './open.js'
import type { Rejected } from './rejection.js'

export interface CheckOptions extends Omit<ConversionOptions, 'table'> {
  /** Told of every record that would be rejected, `index` counted over all records. A promise that it gives is waited for. */
  onRejected?: ((rejected: Rejected) => void | Promise<void>) | undefined
}

/** Records of one kind of finding. */
export interface Finding<Kind extends string = string> {
  kind: Kind
  /** Path of the column or member; undefined of a finding about whole records. */
  column: string | undefined
  records: number
  /** Index of the first. */
  first: number
  /** Of a rejection the message of the first, of a loss its value, cut. */
  example: string
}

export interface ConversionReport {
  records: number
  converted: number
  rejected: number
  /** Why records would be rejected, the most frequent first; one reason a record. */
  rejections: Finding[]
  /** What would silently be lost or changed in records that are converted. */
  losses: Finding<LossKind>[]
  /** Whether there were further columns or members than the 1,000 that are told apart. */
  more: boolean
}

const OPTIONS = ['timestamps', 'ports', 'onRejected'] satisfies (keyof CheckOptions)[]
const BATCH_RECORDS = 1000
const BATCH_BYTES = 1024 * 1024
const FINDINGS = 1000

/**
 * Converts `records` by `config` and `table`, as createConversion() takes them, and keeps nothing of it but the report.
 * Takes records as they reach the conversion: behind a Lambda, decompression and de-aggregation. A time that no column
 * holds is a rejection here, while AWS wraps it. Throws what createConversion() throws.
 */
export async function checkConversion(
  records: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  config: DataFormatConversionConfiguration,
  table: unknown,
  options: CheckOptions = {},
): Promise<ConversionReport> {
  if (typeof options !== 'object' || options === null) throw wrongType('options', 'an object', options)
  checkKeys('options', options, OPTIONS)
  const { onRejected, ...others } = options
  if (onRejected !== undefined && typeof onRejected !== 'function') throw wrongType('options.onRejected', 'a function', onRejected)
  const { plan, fields, machine: create } = openConversion(config, { ...others, table })
  const rejections = findings<string>()
  const losses = findings<LossKind>()
  let count = 0
  let rejectedCount = 0
  const machine = create()
  const decoder = new TextDecoder()

  const settle = async (batch: readonly { data: Uint8Array }[]) => {
    const rejected = await machine.take(batch, async () => {})
    let next = 0
    for (const [i, { data }] of batch.entries()) {
      const index = count + i
      const bad = rejected[next]?.index === i ? rejected[next++] : undefined
      if (bad) {
        rejectedCount++
        rejections.add(bad.reason, bad.column, index, bad.message)
        await onRejected?.({ ...bad, index })
      } else lossesOf(decoder.decode(data), fields, plan, (kind, column, example) => losses.add(kind, column, index, example))
    }
    count += batch.length
  }

  try {
    for await (const batch of batches(records)) await settle(batch)
    await machine.finish()
  } finally {
    machine.stop()
  }
  return {
    records: count,
    converted: count - rejectedCount,
    rejected: rejectedCount,
    rejections: rejections.list(),
    losses: losses.list(),
    more: rejections.more || losses.more,
  }
}

async function* batches(records: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): AsyncGenerator<{ data: Uint8Array }[]> {
  let batch: { data: Uint8Array }[] = []
  let bytes = 0
  let index = 0
  for await (const data of records) {
    if (!(data instanceof Uint8Array)) throw wrongType(`records[${index}]`, 'a Uint8Array', data)
    index++
    batch.push({ data })
    bytes += data.length
    if (batch.length < BATCH_RECORDS && bytes < BATCH_BYTES) continue
    yield batch
    batch = []
    bytes = 0
  }
  if (batch.length > 0) yield batch
}

/** Findings by kind and column; of more than FINDINGS further ones count to their kind alone. */
function findings<Kind extends string>() {
  const found = new Map<string, Finding<Kind> & { last: number }>()
  let more = false
  return {
    get more() {
      return more
    },
    add(kind: Kind, column: string | undefined, index: number, example: string): void {
      let key = JSON.stringify([kind, column])
      let where = column
      if (!found.has(key) && found.size >= FINDINGS) {
        more = true
        where = undefined
        key = JSON.stringify([kind])
      }
      const known = found.get(key)
      if (!known) found.set(key, { kind, column: where, records: 1, first: index, example, last: index })
      else if (known.last !== index) {
        known.records++
        known.last = index
      }
    },
    list: (): Finding<Kind>[] => [...found.values()].sort((a, b) => b.records - a.records || a.first - b.first).map(({ last: _, ...finding }) => finding),
  }
}
