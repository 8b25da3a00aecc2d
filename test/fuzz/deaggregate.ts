// Differential fuzz of the de-aggregation against the oracle (test/record/kcl.ts), on both builds and in all modes.
// A case is a batch of random aggregates (aggregates.ts), each with a range of its own. Checked: rows, statuses and
// outcomes; that each row lies within its own Kinesis record; that no byte of memory behind a block of
// the kernel's output is written, and none of the input; that mode strict stops where mode keep first has a reason.
import { isDeepStrictEqual } from 'node:util'
import { AS_KCL, BAD_INPUT, ROW_SIZE, SCRATCH_ENTRY, SCRATCH_OUTER, STRICT, VERIFY } from '../../src/engine/core.js'
import type { Engine } from '../../src/engine/engine.js'
import { deaggregateReason, FROM_AGGREGATE } from '../../src/kinesis/aggregates/deaggregate.js'
import { open, type Row } from '../record/kcl.js'
import { type Range, randomAggregates } from './aggregates.js'

const GUARD = 64
const text = new TextDecoder('utf-8', { ignoreBOM: true })

export function deaggregateDifference(builds: [string, Engine][], seed: number): object | undefined {
  const { records, ranges } = randomAggregates(seed)
  const failure = (what: string, detail: object) => ({ what, records: records.map((r) => r.toString('hex')), ranges: ranges.map(String), ...detail })
  const wanted = (mode: 'keep' | 'kcl') => records.map((record, i) => open(record, mode, ranges[i]))
  const keep = wanted('keep')
  const kcl = wanted('kcl')
  const first = keep.findIndex(({ outcome }) => outcome !== 'ok' && outcome !== 'raw')
  for (const [build, engine] of builds) {
    for (const [mode, flag, want] of [['keep', 0, keep] as const, ['kcl', AS_KCL, kcl] as const]) {
      const got = run(engine, records, ranges, flag, seed)
      if (!isDeepStrictEqual(got, want)) return failure(`${build}, ${mode}: differs from the oracle`, { got, want })
    }
    const got = run(engine, records, ranges, STRICT, seed)
    if (first < 0 ? !isDeepStrictEqual(got, keep) : !isStop(got, first, keep[first].outcome, records[first].length))
      return failure(`${build}, strict: not what keep says`, { got, record: first, reason: keep[first]?.outcome })
  }
  return undefined
}

interface Stop {
  record: number
  offset: number
  reason: string | undefined
}

const isStop = (got: unknown, record: number, reason: string, size: number) => {
  const stop = got as Stop
  return stop.record === record && stop.reason === reason && stop.offset >= 4 && stop.offset <= size
}

/** The kernel itself, each of its buffers followed by bytes that must stay as they are. */
function run(e: Engine, records: Buffer[], ranges: Range[], flag: number, seed: number): { rows: Row[]; outcome: string }[] | Stop | string {
  const { core } = e
  const filling = seed & 0xff
  return e.scope(() => {
    const heap = Buffer.concat([Buffer.from('outer'), ...records])
    e.bytes().fill(filling, core.mark(), core.mark() + (1 << 17))
    const guards: number[] = []
    const block = (size: number) => {
      const at = e.reserve(size + GUARD)
      e.bytes().fill(filling, at, at + size + GUARD)
      guards.push(at + size)
      return at
    }
    const at = block(heap.length)
    e.bytes().set(heap, at)
    const table = block(records.length * ROW_SIZE)
    const starts: number[] = []
    let next = 5
    records.forEach((r, i) => {
      starts.push(next)
      e.words().set([0, 5, 0, 0xffffffff, next, r.length, 9, 9], (table >> 2) + i * 8)
      next += r.length
    })
    const range = block(32 * records.length)
    e.bytes().set(Buffer.from(ranges.flatMap((r) => r.map((k) => k.toString(16).padStart(32, '0'))).join(''), 'hex'), range)
    const cap = core.deaggregateSize(at, table, records.length)
    const entries = e.words()[(core.report() >> 2) + 1]
    const rows = block(cap * ROW_SIZE)
    const status = block(cap)
    const outcomes = block(records.length)
    const scratch = block(records.length * SCRATCH_OUTER + entries * SCRATCH_ENTRY)
    const made = core.deaggregate(at, table, records.length, flag | VERIFY, range, 32, rows, cap, status, outcomes, scratch, entries)
    const bytes = e.bytes()
    if (guards.some((guard) => bytes.subarray(guard, guard + GUARD).some((byte) => byte !== filling))) return 'wrote behind a block'
    if (Buffer.compare(bytes.subarray(at, at + heap.length), heap) !== 0) return 'wrote to its input'
    if (made === BAD_INPUT) {
      const [, , offset, record, reason] = e.words().subarray(core.report() >> 2)
      return { record, offset, reason: deaggregateReason(reason) }
    }
    if (made < 0 || made > cap) return `gave ${made} of ${cap} rows`
    const out: { rows: Row[]; outcome: string }[] = records.map((_, i) => {
      const outcome = bytes[outcomes + i]
      return { rows: [], outcome: deaggregateReason(outcome) ?? (outcome === FROM_AGGREGATE ? 'ok' : 'raw') }
    })
    for (let i = 0; i < made; i++) {
      const [keyAt, keySize, hashAt, hashSize, dataAt, dataSize, source, item] = e.words().subarray((rows >> 2) + i * 8, (rows >> 2) + i * 8 + 8)
      const read = (from: number, size: number) => {
        const own = from >= starts[source] && from + size <= starts[source] + records[source].length
        if (!own && !(from === 0 && size === 5)) throw new RangeError(`row ${i} reaches out of record ${source}`)
        return heap.subarray(from, from + size)
      }
      out[source].rows.push({
        key: text.decode(read(keyAt, keySize)),
        hash: hashSize === 0xffffffff ? undefined : text.decode(read(hashAt, hashSize)),
        data: read(dataAt, dataSize).toString('hex'),
        item,
        aggregated: (bytes[status + i] & FROM_AGGREGATE) !== 0,
        reason: deaggregateReason(bytes[status + i]),
      })
    }
    return out
  })
}
