// The dry run of record format conversion: which records Firehose would reject, and what it would silently lose or
// change in those that it takes, before anything is deployed.
import { wrongType } from '../../errors.js'
import { checkOptions } from '../../kinesis/service/service.js'
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
 * Converts `records` by `config` and `table`, as createFirehoseConversion() takes them, and keeps nothing of it but the report.
 * Takes records as they reach the conversion: behind a Lambda, decompression and de-aggregation. A time that no column
 * holds is a rejection here, while AWS wraps it. Throws what createFirehoseConversion() throws.
 */
export async function checkConversion(
  records: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  config: DataFormatConversionConfiguration,
  table: string | object,
  options: CheckOptions = {},
): Promise<ConversionReport> {
  const check = openCheck(config, table, options)
  try {
    for await (const record of records) await check.add(record)
    return await check.end()
  } finally {
    check.stop()
  }
}

export interface Check {
  /** Takes a record, whose bytes must not change any more. Records are looked at in batches. */
  add(record: Uint8Array): Promise<void>
  end(): Promise<ConversionReport>
  /** Gives back what it holds. */
  stop(): void
}

/** checkConversion(), for records that are handed in. */
export function openCheck(config: DataFormatConversionConfiguration, table: string | object, options: CheckOptions): Check {
  checkOptions(options, OPTIONS)
  const { onRejected, ...others } = options
  if (onRejected !== undefined && typeof onRejected !== 'function') throw wrongType('options.onRejected', 'a function', onRejected)
  const { plan, fields, machine: create } = openConversion(config, { ...others, table })
  const machine = create()
  const decoder = new TextDecoder()
  const rejections = findings<string>()
  const losses = findings<LossKind>()
  let batch: { data: Uint8Array }[] = []
  let bytes = 0
  let records = 0
  let rejected = 0

  const settle = async () => {
    const all = batch
    batch = []
    bytes = 0
    const bad = await machine.take(all, async () => {})
    let next = 0
    for (const [i, { data }] of all.entries()) {
      const index = records++
      if (bad[next]?.index === i) {
        const one = bad[next++]
        rejected++
        rejections.add(one.reason, one.column, index, one.message)
        await onRejected?.({ ...one, index })
      } else lossesOf(decoder.decode(data), fields, plan, (kind, column, example) => losses.add(kind, column, index, example))
    }
  }

  return {
    async add(record) {
      if (!(record instanceof Uint8Array)) throw wrongType(`records[${records + batch.length}]`, 'a Uint8Array', record)
      batch.push({ data: record })
      bytes += record.length
      if (batch.length >= BATCH_RECORDS || bytes >= BATCH_BYTES) await settle()
    },
    async end() {
      await settle()
      const more = rejections.more || losses.more
      return { records, converted: records - rejected, rejected, rejections: rejections.list(), losses: losses.list(), more }
    },
    stop: () => machine.stop(),
  }
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
