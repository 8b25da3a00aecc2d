// The producer's machinery: accepted rows are gathered in a pack, folded by shard, handed to the
// lanes, and settled by what comes back.
//
//   add -> pack -> fold -> lanes -> PutRecords -> stored | failed -> ticket
//           ^                          |
//           '--- recalled: aggregates that a split has put into the wrong shard, and with
//                ordering 'key' all that waits when the shards have changed
//
// Order of a key over a reshard: each record has a number. What is recalled goes back among the others by
// its number, and nothing is folded by the new shards while anything that the old ones placed is under way.
import { MillraceError } from '../../errors.js'
import { faultOf } from '../../ports/faults.js'
import { after, expiredBy, type Past } from '../service/attempt.js'
import type { KinesisService } from '../service/service.js'
import type { Account } from './account.js'
import { fold } from './fold.js'
import { createPack } from './intake.js'
import { keep, merge, rowsOf } from './merge.js'
import { OUTER_BYTES, type Outer } from './outer.js'
import type { Pack } from './pack.js'
import type { Pipeline } from './pipeline-face.js'
import { createPlacement } from './placement.js'
import type { ProducerSettings } from './producer-options.js'
import { createSearch } from './search.js'
import { createSender } from './sender.js'
import { createSettler } from './settler.js'
import { createTelemetry } from './telemetry.js'

/** `released` is told the numbers of records that have their outcomes; `name` gives the producer's, once records come. */
export function createPipeline(
  service: KinesisService,
  settings: ProducerSettings,
  account: Account,
  { released, name }: { released?: ((numbers: Float64Array) => void) | undefined; name(): string },
): Pipeline {
  const { clock, random, ordering, recordTtl, deadLetter, requestTimeout } = settings
  /** Aborted once nothing more is sent: no shard is needed any more. */
  const abandoned = new AbortController()
  const placement = createPlacement({ ...settings, service, signal: abandoned.signal })
  const { table } = placement
  const telemetry = createTelemetry(settings.metrics, settings.stream)
  const settler = createSettler({ account, clock, random, deadLetter, requestTimeout, telemetry, released })
  const counts = { retried: 0, throttled: 0, requests: 0, spoolDamaged: 0 }
  let pack = createPack()
  /** Outer records whose rows are to be folded anew. */
  let recalled: Outer[] = []
  /** Version of the shard map by which the lanes were filled. */
  let folded = 0
  let fenced = false
  let lingering: AbortController | undefined
  let scheduled = false
  let urgent = false

  const sender = createSender({
    ...settings,
    service,
    requestBytes: Math.max(settings.maxRequestBytes, settings.maxRecordSize),
    current(outer) {
      if (abandoned.signal.aborted) {
        again(outer)
        return false
      }
      if (outer.version === table.version) return true
      if (ordering !== 'key' && table.isOpen(outer.shardId)) return true
      again(outer)
      return false
    },
    stored(outer, shardId, sequenceNumber) {
      settler.stored(outer, shardId)
      if (shardId === outer.shardId || (outer.shardId === '' && !outer.aggregated)) settler.deliver(outer, shardId, sequenceNumber)
      else if (outer.aggregated) return judge(outer, shardId, sequenceNumber)
      else {
        // A record of its own may lie in any shard; a shard that is new to us says that the map is old.
        settler.deliver(outer, shardId, sequenceNumber)
        placement.saw(shardId)
      }
      return undefined
    },
    failed: (outer, code, message) => settler.fail(outer.pack, outer.rows, outer.past, code, message),
    expired(outer) {
      // Its order among those behind it is theirs too.
      if (ordering !== 'none') recall(outer.shardId)
      const late = (row: number) => clock.monotonic() - outer.pack.since[row] > recordTtl
      settler.fail(outer.pack, outer.rows.filter(late), outer.past, 'EXPIRED', expired(outer.past))
      again({ ...outer, rows: outer.rows.filter((row) => !late(row)) })
    },
    missed(outer, fault, retried) {
      // Another stream of this name may come, whose shards have the same ids and other ranges.
      if (fault.code === 'ResourceNotFoundException') table.forget()
      telemetry.missed(outer.shardId, fault.code, fault.kind === 'throttle', retried)
      if (fault.kind === 'throttle') counts.throttled++
      if (retried) counts.retried++
    },
    answered(records, milliseconds, fault) {
      counts.requests++
      telemetry.answered(records, milliseconds, fault?.code)
    },
    landed() {
      account.advance()
      if (!fenced || sender.fliesBeside(table.version)) return
      fenced = false
      urgent = true
      schedule()
    },
  })

  const expired = (past: Past | undefined) => expiredBy(recordTtl, table.known, past)

  // Bytes that a record will take beside its row, where each goes alone.
  const alone = () => (!placement.aggregation || (table.known && !table.map) ? OUTER_BYTES : 0)
  const held = (more: number) => OUTER_BYTES * sender.count + alone() * (pack.count + more)

  // Enough for some full aggregates a shard; what is left over is carried. And a quarter of the buffer,
  // so that a full one always has something under way.
  const isFull = () =>
    pack.count >= Math.min(65_536, settings.maxRecords / 4) ||
    pack.bytes >= Math.min(Math.max(2 ** 20, 2 * table.count * settings.maxSize), 2 ** 25) ||
    pack.weight + alone() * pack.count >= settings.maxBytes / 4

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
    if (pack.count === 0 && recalled.length === 0) return
    if (abandoned.signal.aborted) return giveUp()
    if (!table.known) return search.begin()
    placement.look()
    if (ordering === 'key') {
      if (folded !== table.version) recall()
      folded = table.version
      fenced = sender.fliesBeside(table.version)
      if (fenced) return
    }
    if (all) urgent = false
    const full = takePack()
    let made: ReturnType<typeof fold>
    try {
      made = fold(full, table, { ...settings, aggregation: placement.aggregation, all, producer: settings.stableIds ? name() : undefined })
    } catch (error) {
      // The core's memory may be at its end.
      refuseAll(full, error)
      return
    }
    for (const row of made.rest) pack.move(full, row, full.past(row))
    sender.add(made.outers)
    if (pack.count > 0) wait()
    else rest()
    sender.pump()
  }

  // All that is to be folded, by its numbers; what is too old fails.
  const takePack = (): Pack => {
    let full = pack
    pack = full.next()
    const now = clock.monotonic()
    if (recalled.length > 0) {
      const outers = recalled
      recalled = []
      full = merge(full, outers)
    }
    if (full.count === 0 || now - full.since[0] <= recordTtl) return full
    const rows = rowsOf(full)
    const late = (row: number) => now - full.since[row] > recordTtl
    const past = placement.missed(full.since[0])
    settler.fail(full, rows.filter(late), past, 'EXPIRED', expired(past))
    return keep(full, (row) => !late(row))
  }

  const giveUp = () => {
    const full = takePack()
    rest()
    if (settings.spool) settler.suspend(full, rowsOf(full))
    else settler.fail(full, rowsOf(full), undefined, 'ABORTED', 'given up: the producer was told to stop')
  }

  const oldestToFold = () => recalled.reduce((oldest, outer) => Math.min(oldest, outer.since), pack.count > 0 ? pack.since[0] : Number.POSITIVE_INFINITY)

  const search = createSearch({
    clock,
    recordTtl,
    signal: abandoned.signal,
    find: (signal) => placement.start(signal),
    oldest: oldestToFold,
    expire() {
      const left = takePack()
      // What has come in the room of those that are gone.
      left.absorb(pack)
      pack.discard()
      pack = left
      if (pack.count === 0) rest()
    },
    ended: () => drain(true),
    failed(error) {
      const full = takePack()
      rest()
      refuseAll(full, error)
    },
  })

  // The stream cannot be read, say, and that will not pass: what waits for its shards fails.
  const refuseAll = (full: Pack, error: unknown) => {
    const { code, message } = error instanceof MillraceError && error.code !== 'SERVICE' ? error : faultOf((error as Error).cause ?? error)
    urgent = false
    settler.fail(full, rowsOf(full), undefined, code, message)
  }

  const judge = async (outer: Outer, shardId: string, sequenceNumber: string) => {
    if (await placement.judge(outer, shardId, abandoned.signal)) return settler.deliver(outer, shardId, sequenceNumber)
    // Readers that do not look at ranges may have seen it.
    const message = `stored in ${shardId}, whose readers drop it`
    outer.past = after(outer.past, { at: clock.now(), milliseconds: 0, code: 'WRONG_SHARD', message, uncertain: true })
    counts.retried++
    if (ordering !== 'none') recall(outer.shardId)
    again(outer)
  }

  // One by one: 200,000 at once are more arguments than a stack has room for.
  const recall = (shardId?: string) => {
    for (const outer of sender.recall(shardId)) recalled.push(outer)
  }

  // Back to the intake, to be folded by the shards as they are now.
  const again = (outer: Outer) => {
    recalled.push(outer)
    urgent = true
    schedule()
  }

  return {
    get metrics() {
      const since = Math.min(oldestToFold(), sender.oldest())
      const oldest = since === Number.POSITIVE_INFINITY ? 0 : clock.monotonic() - since
      return { ...settler.counts, ...counts, oldest, bufferedRecords: account.records, bufferedBytes: account.bytes + held(0) }
    },
    alone,
    held,
    get full() {
      return isFull()
    },
    get pack() {
      return pack
    },
    take(batch) {
      // What an earlier fold has kept back is little beside a batch that comes from a device.
      if (pack.pasts || 2 * pack.count > batch.count) {
        pack.absorb(batch)
        batch.discard()
      } else {
        batch.prepend(pack)
        pack = batch
      }
    },
    arrived(count) {
      settler.counts.accepted += count
      telemetry.accepted(count)
      urgent ||= abandoned.signal.aborted
      if (urgent || isFull()) schedule()
      else wait()
    },
    damaged(places) {
      counts.spoolDamaged += places
      telemetry.damaged(places)
    },
    refuse: settler.refuse,
    drain,
    abandon() {
      abandoned.abort()
      recall()
      drain(true)
    },
    close: () => abandoned.abort(),
  }
}
