// Which shards this consumer reads: rows of the checkpoint store that it takes, renews, takes over, and
// gives back. The KCL's way (LeaseCoordinator, LeaseTaker, LeaseRenewer), with all times parts of one, the lease's:
//
//   0     1/8   2/8        0.45            0.6        0.85    1
//   |-----|-----|-----------|---------------|----------|------|
//   scan  scan  renewed     the holder has  others     one has taken it
//               (1/5)       stopped         may take
//
// A holder that could not renew stops before anybody else begins, by clocks that need not agree on the time
// but on its pace. Whoever was not stopped (its process slept) learns at its next write that it is too late.
import { outOfRange } from '../../errors.js'
import type { Clock, Random } from '../../ports/ports.js'
import type { ShardDescription } from '../service/listing.js'
import type { KinesisService } from '../service/service.js'
import { listShards } from '../service/shards.js'
import { onAbort } from '../service/signal.js'
import { checkedStore } from './checked-store.js'
import { type CheckpointStore, type Lease, SHARD_END } from './checkpoint-store.js'
import { createHold, type Hold } from './hold.js'
import { alone, type Beginning, childrenOf, isDone, isOpenEnd, notOfThisStream, rowsToAdd } from './lineage.js'
import type { ConsumerTelemetry } from './telemetry.js'
import { joinWorkers, type Workers } from './workers.js'

export interface Leases {
  /** Lists the shards, makes their rows and takes what is free. Rejects where that cannot be done. */
  start(): Promise<void>
  /** What was taken since the last call. */
  taken(): Hold[]
  /** The shard is read and done with: its children's turn. */
  end(hold: Hold): Promise<void>
  /** The service does not know the shard: gives whether it has expired, and is done with. */
  vanished(hold: Hold): Promise<boolean>
  /** Nothing is left to take: others have it, or it is read. */
  readonly exhausted: boolean
  /** Every shard is read to its end, and no child has come. */
  readonly over: boolean
  /** Why it has given up, if it has. */
  readonly failure: unknown
  /** Gives back what it holds. */
  release(): Promise<void>
}

export interface LeaseOptions {
  store: CheckpointStore
  service: KinesisService
  clock: Clock
  random: Random
  signal: AbortSignal
  worker: string
  /** Milliseconds. */
  duration: number
  beginning: Beginning
  shardIds: readonly string[] | undefined
  attempts: number
  telemetry: ConsumerTelemetry
  /** Something is different: shards were taken or lost, or it has failed. */
  changed(): void
}

const SCAN = 1 / 8
const RENEW = 1 / 5
const FENCE = 0.45
const EXPIRY = 0.6
/** Milliseconds between two looks at the shards; after a shard's end, whose children may not be listed at once. */
const LOOK = 60_000
const LOOK_SOON = 1_000
const LOOKS_SOON = 5
/** Milliseconds for which the shards are asked for. */
const PATIENCE = 60_000

export function createLeases(options: LeaseOptions): Leases {
  const { service, clock, random, signal, worker, duration, beginning, shardIds, telemetry } = options
  const store = checkedStore(options.store, clock)
  const exclusive = store.exclusive === true
  let workers: Workers | undefined
  const held = new Map<string, Hold>()
  /** Counters as they were seen, and since when: a lease that is not renewed is free. */
  const seen = new Map<string, { counter: number; since: number }>()
  /** Rows that were made here. */
  const made = new Set<string>()
  /** Shards with rows that the stream does not list, and since when. */
  const unlisted = new Map<string, number>()
  /** Shards that were read to their end here, which may be listed as open for a while. */
  const ended = new Set<string>()
  let openEndSince: number | undefined
  let shards = new Map<string, ShardDescription>()
  let rows = new Map<string, Lease>()
  const fresh: Hold[] = []
  let lookAt = 0
  let soon = 0
  let failure: unknown
  let nudge = () => {}
  let loop: Promise<void> | undefined

  const lost = (hold: Hold) => {
    const id = hold.shard.ShardId
    if (held.get(id) === hold) held.delete(id)
    telemetry.lease(id, 'lost')
    options.changed()
    // Where nobody else reads it, it is ours again.
    nudge()
  }

  const look = async (patience: number) => {
    const before = ended.size
    shards = new Map((await listShards(() => service.listShards(signal), { clock, random, patience, signal })).map((shard) => [shard.ShardId, shard]))
    for (const hold of held.values()) hold.shard = shards.get(hold.shard.ShardId) ?? hold.shard
    // Later it may have expired.
    const unknown = loop ? undefined : shardIds?.find((id) => !shards.has(id) && !rows.has(id))
    if (unknown !== undefined) throw outOfRange('shardIds', 'shards of the stream', unknown)
    const listed = [...shards.values()].filter(({ ShardId }) => !shardIds || shardIds.includes(ShardId))
    let beaten = false
    for (const row of rowsToAdd(shardIds ? listed.map(alone) : listed, rows, beginning)) {
      if (await store.write(row, undefined)) {
        rows.set(row.shardId, row)
        made.add(row.shardId)
      } else beaten = true
    }
    // Another consumer has made some meanwhile.
    if (beaten) await read()
    const now = clock.monotonic()
    for (const row of rows.values()) {
      if (shards.has(row.shardId)) unlisted.delete(row.shardId)
      else if (!isDone(row)) unlisted.set(row.shardId, unlisted.get(row.shardId) ?? now)
      // Gone from the stream, and its children have begun: it need not be remembered.
      else if (childrenOf(row.shardId, shards).every((child) => rows.has(child)) && (await store.remove(row.shardId, row.counter))) rows.delete(row.shardId)
    }
    // One has ended meanwhile: its children, whose rows may be missing, want another look.
    if (ended.size > before) return
    const childless = !shardIds && [...rows.values()].some((row) => isDone(row) && shards.has(row.shardId) && childrenOf(row.shardId, shards).length === 0)
    const openEnd = [...rows.values()].find((row) => isMine(row) && !ended.has(row.shardId) && isDone(row) && isOpenEnd(row.shardId, shards))
    openEndSince = openEnd ? (openEndSince ?? now) : undefined
    if (openEnd && now - (openEndSince ?? now) >= LOOKS_SOON * LOOK_SOON) throw notOfThisStream(openEnd)
    soon = openEndSince === now ? LOOKS_SOON + 1 : childless || openEnd ? soon : 0
    lookAt = now + (soon > 0 ? LOOK_SOON : LOOK)
    if (soon > 0) soon--
  }

  const isMine = ({ shardId }: Lease) => !shardIds || shardIds.includes(shardId)

  // Another consumer may have listed a shard before we could; one that stays away has expired with its records.
  const isGone = (id: string, now: number) => now - (unlisted.get(id) ?? now) >= LOOK

  const read = async () => {
    rows = new Map((await store.read(signal)).map((row) => [row.shardId, row]))
    const now = clock.monotonic()
    for (const { shardId, counter } of rows.values()) if (seen.get(shardId)?.counter !== counter) seen.set(shardId, { counter, since: now })
  }

  /** Nobody reads it, or whoever did has stopped: this consumer too, where its take was answered too late. */
  const isFree = (row: Lease, now: number) =>
    row.owner === undefined ||
    (row.owner === worker && !held.has(row.shardId)) ||
    (exclusive ? !workers?.has(row.owner) : now - (seen.get(row.shardId)?.since ?? now) >= EXPIRY * duration)

  const open = () => [...rows.values()].filter((row) => !isDone(row) && isMine(row))

  const takeSome = async () => {
    const now = clock.monotonic()
    const wanted = open().filter(({ shardId }) => !held.has(shardId) && (shards.has(shardId) || isGone(shardId, now)))
    const others = new Map<string, Lease[]>()
    for (const row of wanted) {
      if (isFree(row, now)) continue
      const owner = row.owner as string
      others.set(owner, [...(others.get(owner) ?? []), row])
    }
    const share = exclusive ? Number.POSITIVE_INFINITY : Math.ceil(open().length / (others.size + 1))
    for (const row of shuffled(wanted.filter((row) => isFree(row, now)))) {
      if (held.size >= share) return
      await take(row)
    }
    // Who came late, or has fewer by two: it takes its share from who has most.
    const most = [...others.values()].sort((a, b) => b.length - a.length)[0]
    if (!most || exclusive) return
    const surplus = Math.max(most.length - share, most.length - held.size >= 2 ? 1 : 0)
    for (const row of shuffled(most).slice(0, Math.min(surplus, share - held.size))) await take(row)
  }

  const take = async (row: Lease) => {
    const shard = shards.get(row.shardId)
    const started = clock.monotonic()
    const lease = { ...row, owner: worker, counter: row.counter + 1 }
    if (!(await store.write(lease, row.counter))) return
    rows.set(row.shardId, lease)
    const hold = createHold(shard ?? ({ ShardId: row.shardId } as ShardDescription), lease, made.delete(row.shardId), started, {
      store,
      clock,
      fence: exclusive ? Number.POSITIVE_INFINITY : FENCE * duration,
      lost,
      stored: (checkpoint) => telemetry.stored(row.shardId, checkpoint),
    })
    held.set(row.shardId, hold)
    telemetry.lease(row.shardId, 'taken')
    if (!shard) await end(hold)
    else fresh.push(hold)
  }

  const end = async (hold: Hold) => {
    await hold.release(SHARD_END)
    held.delete(hold.shard.ShardId)
    rows.set(hold.shard.ShardId, hold.lease)
    ended.add(hold.shard.ShardId)
    soon = LOOKS_SOON
    lookAt = 0
    nudge()
  }

  const round = async (patience: number) => {
    const now = clock.monotonic()
    if (!exclusive) {
      const due = [...held.values()].filter((hold) => hold.alive() && now - hold.renewedAt >= RENEW * duration)
      await Promise.all(due.map((hold) => hold.renew().catch(() => {})))
    }
    await read()
    // Read before a write of ours that has come meanwhile: only an owner beside us says that it is lost.
    for (const hold of held.values()) {
      const row = rows.get(hold.shard.ShardId)
      if (!row || (row.owner !== worker && row.counter > hold.lease.counter)) hold.lose()
    }
    if (clock.monotonic() >= lookAt || open().some(({ shardId }) => !shards.has(shardId) && !unlisted.has(shardId))) await look(patience)
    await takeSome()
  }

  const rounds = async () => {
    for (let failures = 0; !signal.aborted; ) {
      // What nobody else can change needs no scan.
      await nap(
        Math.min(
          exclusive && open().every(({ shardId }) => held.has(shardId)) ? Number.POSITIVE_INFINITY : SCAN * duration,
          Math.max(0, lookAt - clock.monotonic()),
        ),
      )
      if (signal.aborted) return
      try {
        // Meanwhile nothing is renewed.
        await round(SCAN * duration)
        failures = 0
      } catch (error) {
        if (signal.aborted) return
        // The store or the service is away: what is held ends by itself, unless it comes back in time.
        if (++failures >= options.attempts || error instanceof RangeError || (error as { code?: unknown }).code === 'CORRUPT') {
          failure = error
          options.changed()
          return
        }
        lookAt = Math.max(lookAt, clock.monotonic() + LOOK_SOON)
      }
      options.changed()
    }
  }

  const nap = async (milliseconds: number) => {
    const early = new AbortController()
    nudge = () => early.abort()
    const end = onAbort(signal, nudge)
    await clock.sleep(milliseconds, early.signal).catch(() => {})
    end()
  }

  const settled = () => soon === 0 && lookAt > 0 && fresh.length === 0

  // By chance, so that consumers that start together do not all ask for the same one.
  const shuffled = (list: Lease[]) =>
    list
      .map((row) => ({ row, by: random.next() }))
      .sort((a, b) => a.by - b.by)
      .map(({ row }) => row)

  return {
    async start() {
      workers = joinWorkers(options.store, worker)
      await round(PATIENCE)
      loop = rounds()
    },
    taken: () => fresh.splice(0).filter((hold) => hold.alive()),
    end,
    async vanished(hold) {
      await look(PATIENCE)
      if (shards.has(hold.shard.ShardId)) return false
      await end(hold)
      return true
    },
    get exhausted() {
      return settled() && open().every((row) => held.has(row.shardId) || !isFree(row, clock.monotonic()))
    },
    get over() {
      return settled() && open().length === 0
    },
    get failure() {
      return failure
    },
    async release() {
      nudge()
      await loop
      await Promise.all([...held.values()].map((hold) => hold.release().catch(() => {})))
      held.clear()
      workers?.leave()
    },
  }
}
