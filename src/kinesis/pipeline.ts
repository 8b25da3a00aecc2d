// The producer's machinery: accepted rows are gathered in a pack, folded by shard, handed to the
// lanes, and settled by what comes back.
//
//   add -> pack -> fold -> lanes -> PutRecords -> stored | failed -> ticket
//           ^                          |
//           '--- aggregates that a split has put into the wrong shard
import { MillraceError } from '../errors.js'
import { KINESIS } from '../limits.js'
import type { Account } from './account.js'
import { faultOf } from './faults.js'
import { fold } from './fold.js'
import { createPack, type Pack, ROW_BYTES } from './intake.js'
import type { Outer } from './outer.js'
import type { ProducerSettings } from './producer-options.js'
import type { Failed, Settlement, Ticket } from './receipt.js'
import { createSender } from './sender.js'
import type { KinesisService } from './service.js'
import { createShardTable } from './shard-table.js'

export interface ProducerMetrics {
  /** Accepted and not yet settled. */
  bufferedRecords: number
  bufferedBytes: number
  accepted: number
  delivered: number
  failed: number
  /** Delivered, but perhaps twice. */
  uncertain: number
  /** Kinesis records stored, their bytes (keys included) and PUT payload units of 25 KB. */
  kinesisRecords: number
  kinesisBytes: number
  payloadUnits: number
  /** PUT payload units of the delivered user records, had each been put alone. */
  userPayloadUnits: number
}

export interface Pipeline {
  readonly metrics: ProducerMetrics
  /** Whether the pack is worth a drain(false). */
  readonly full: boolean
  /** An accepted record; drains by itself once the pack is full or its time is up. */
  add(ticket: Ticket, index: number, key: string, hash: string | undefined, data: Uint8Array): void
  /** A record that is not accepted. */
  refuse(ticket: Ticket, index: number, fault: Pick<Failed, 'code' | 'message' | 'position'>): void
  /** Folds the pack and sends it; unless `all`, aggregates that more could join stay. */
  drain(all: boolean): void
}

const MIB = 1_048_576

const unitsOf = (bytes: number) => Math.max(1, Math.ceil(bytes / KINESIS.payloadUnitBytes.value))

export function createPipeline(service: KinesisService, settings: ProducerSettings, account: Account): Pipeline {
  const { clock, random } = settings
  const table = createShardTable(service, clock, random, settings.recordTtl)
  let { aggregation } = settings
  let pack = createPack()
  let lingering: AbortController | undefined
  let scheduled = false
  let urgent = false
  let starting = false
  let unexplained = 0
  const metrics = { accepted: 0, delivered: 0, failed: 0, uncertain: 0, kinesisRecords: 0, kinesisBytes: 0, payloadUnits: 0, userPayloadUnits: 0 }

  const sender = createSender({
    ...settings,
    service,
    requestBytes: Math.max(KINESIS.putRecordsBytes.value, settings.maxRecordSize),
    current(outer) {
      if (!outer.aggregated || outer.version === table.version || table.holds(outer.shardId, outer.pack, outer.rows)) return true
      again(outer)
      return false
    },
    stored(outer, shardId, sequenceNumber) {
      metrics.kinesisRecords++
      metrics.kinesisBytes += outer.bytes
      metrics.payloadUnits += unitsOf(outer.entry.Data.length)
      if (shardId === outer.shardId || outer.shardId === '') deliver(outer, shardId, sequenceNumber)
      else if (outer.aggregated) void judge(outer, shardId, sequenceNumber)
      else {
        // A record of its own may lie in any shard; a shard that is new to us says that the map is old.
        deliver(outer, shardId, sequenceNumber)
        if (table.known && !table.isOpen(shardId)) table.refresh().catch(() => {})
      }
    },
    failed: (outer, code, message) => fail(outer, code, message),
  })

  // Enough for some full aggregates a shard; what is left over is carried. And a quarter of the buffer,
  // so that a full one always has something under way.
  const isFull = () =>
    pack.count >= Math.min(65_536, settings.maxRecords / 4) ||
    pack.bytes >= Math.min(Math.max(MIB, 2 * table.count * settings.maxSize), 32 * MIB) ||
    pack.bytes + ROW_BYTES * pack.count >= settings.maxBytes / 4

  const wait = () => {
    if (lingering) return
    const timer = new AbortController()
    lingering = timer
    clock.sleep(settings.linger, timer.signal).then(
      () => {
        lingering = undefined
        drain(true)
      },
      () => {},
    )
  }

  // An empty pack waits for nothing: a timer of an hour would hold the process for as long.
  const rest = () => {
    lingering?.abort()
    lingering = undefined
  }

  // After the code that fills the intake has run to its next await.
  const schedule = () => {
    if (scheduled) return
    scheduled = true
    void Promise.resolve().then(() => {
      scheduled = false
      if (urgent) drain(true)
      else if (isFull()) drain(false)
    })
  }

  const drain = (all: boolean) => {
    if (pack.count === 0) return
    if (!table.known) {
      if (!starting) void start()
      return
    }
    if (all) urgent = false
    const full = pack
    pack = createPack()
    let folded: ReturnType<typeof fold>
    try {
      folded = fold(full, table, { ...settings, aggregation, all })
    } catch (error) {
      // The core's memory may be at its end.
      refuseAll(full, error)
      return
    }
    const { outers, rest: left } = folded
    for (const row of left) pack.move(full, row, full.attempts[row], full.uncertain[row])
    sender.add(outers)
    if (pack.count > 0) wait()
    else rest()
    sender.pump()
  }

  const start = async () => {
    starting = true
    try {
      // Not every server knows this call, and not every role may make it; mismatches tell it too.
      if (aggregation && (await service.distribution().catch(() => undefined)) === 'AUTO') aggregation = false
      await table.refresh()
      drain(true)
    } catch (error) {
      const full = pack
      pack = createPack()
      rest()
      refuseAll(full, error)
    } finally {
      starting = false
    }
  }

  // The stream cannot be read, say, and that will not pass: what waits for its shards fails.
  const refuseAll = (full: Pack, error: unknown) => {
    const { code, message } = error instanceof MillraceError && error.code !== 'SERVICE' ? error : faultOf((error as Error).cause ?? error)
    urgent = false
    for (let row = 0; row < full.count; row++) {
      const failed: Failed = { status: 'failed', code, message, attempts: full.attempts[row], uncertain: full.uncertain[row] }
      settle(full, row, failed, 0)
    }
  }

  // --- what came back

  const deliver = ({ rows, pack: from, aggregated, attempts, uncertain }: Outer, shardId: string, sequenceNumber: string) => {
    let shared: Settlement | undefined
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]
      const before = from.attempts[row]
      const settlement: Settlement =
        before === 0 && shared
          ? shared
          : { status: 'delivered', shardId, sequenceNumber, attempts: before + attempts, uncertain: uncertain || from.uncertain[row] }
      if (before === 0) shared = settlement
      settle(from, row, settlement, aggregated ? i : 0)
    }
  }

  const fail = ({ rows, pack: from, attempts, uncertain }: Outer, code: string, message: string) => {
    for (const row of rows) {
      settle(from, row, { status: 'failed', code, message, attempts: from.attempts[row] + attempts, uncertain: uncertain || from.uncertain[row] }, 0)
    }
  }

  // An aggregate in a shard that was not predicted. Readers that follow the KCL drop it whole if one
  // of its hash keys lies outside that shard's range, and take it if none does.
  const judge = async (outer: Outer, shardId: string, sequenceNumber: string) => {
    const stale = outer.version === table.version
    try {
      if (stale) await table.refresh()
    } catch {
      // Then only the ranges that are known count.
    }
    if (table.holds(shardId, outer.pack, outer.rows)) {
      deliver(outer, shardId, sequenceNumber)
      return
    }
    if (stale && table.isOpen(outer.shardId) && ++unexplained >= 3) aggregation = false
    // Readers that do not look at ranges may have seen it.
    outer.uncertain = true
    again(outer)
  }

  // Back to the intake, to be folded by the shards as they are now.
  const again = ({ rows, pack: from, attempts, uncertain }: Outer) => {
    for (const row of rows) pack.move(from, row, from.attempts[row] + attempts, uncertain || from.uncertain[row])
    urgent = true
    schedule()
  }

  const settle = (from: Pack, row: number, settlement: Settlement, sub: number) => {
    if (settlement.status === 'failed') metrics.failed++
    else {
      metrics.delivered++
      if (settlement.uncertain) metrics.uncertain++
      metrics.userPayloadUnits += unitsOf(from.dataSize(row))
    }
    from.tickets[row].settle(from.indices[row], settlement, sub)
    account.remove(from.tickets[row].epoch, from.size(row))
  }

  return {
    get metrics() {
      return { ...metrics, bufferedRecords: account.records, bufferedBytes: account.bytes }
    },
    get full() {
      return isFull()
    },
    add(ticket, index, key, hash, data) {
      const row = pack.count
      pack.add(key, hash, data, ticket, index, clock.monotonic())
      metrics.accepted++
      account.add(ticket.epoch, pack.size(row))
      if (isFull()) schedule()
      else wait()
    },
    refuse(ticket, index, fault) {
      metrics.accepted++
      metrics.failed++
      ticket.settle(index, { status: 'failed', ...fault, attempts: 0, uncertain: false }, 0)
    },
    drain,
  }
}
