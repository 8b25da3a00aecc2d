// From outer records to PutRecords requests: lanes, packing, pace, retry.
import { KINESIS } from '../../limits.js'
import { backoff } from '../../ports/backoff.js'
import { type Fault, faultOf } from '../../ports/faults.js'
import type { Clock, Random } from '../../ports/ports.js'
import { after } from '../service/attempt.js'
import type { KinesisService } from '../service/service.js'
import { type Reply, readAnswer } from './answer.js'
import { createLane, type Lane, type Ordering } from './lane.js'
import { detach, type Outer } from './outer.js'

export interface SenderOptions {
  service: KinesisService
  clock: Clock
  random: Random
  ordering: Ordering
  rateLimit: number
  maxRequests: number
  maxAttempts: number
  recordTtl: number
  requestBytes: number
  /** Before an outer record is sent, again or at all: false takes it back (its shard is closed, say). */
  current(outer: Outer): boolean
  /** A promise where it is not clear yet what that means: until then it counts as under way. */
  stored(outer: Outer, shardId: string, sequenceNumber: string): Promise<void> | undefined
  failed(outer: Outer, code: string, message: string): void
  /** Its oldest user record is older than recordTtl. */
  expired(outer: Outer): void
  /** An attempt has failed; `retried`: and there will be another one. */
  missed(outer: Outer, fault: Fault, retried: boolean): void
  /** A request has its answer. */
  answered(records: number, milliseconds: number, fault: Fault | undefined): void
  /** Something that was under way no longer is. */
  landed(): void
}

export interface Sender {
  /** Outer records that wait or are under way. */
  readonly count: number
  add(outers: readonly Outer[]): void
  /** Sends what it may; called after a round of add(). */
  pump(): void
  /** Takes back what waits: all of it, or one shard's. */
  recall(shardId?: string): Outer[]
  /** Whether something is under way that another version of the shard map has placed. */
  fliesBeside(version: number): boolean
  /** When the oldest user record that waits or is under way was accepted; Infinity where there is none. */
  oldest(): number
}

/** Milliseconds for which a lane that was struck counts as one whose records will wait. */
const SLOW = 10_000

/** Least milliseconds to wait for a shard's pace: each request takes what has become due meanwhile (KPL: 25 ms). */
const TICK = 25

export function createSender(options: SenderOptions): Sender {
  const { service, clock, random, ordering } = options
  const lanes = new Map<string, Lane>()
  /** Outer records under way, by the version of the map that placed them. */
  const versions = new Map<number, number>()
  const requests = new Set<Outer[]>()
  let turn = 0
  let held = 0

  const laneOf = (shardId: string): Lane => {
    let lane = lanes.get(shardId)
    if (!lane) {
      lane = createLane(shardId, ordering, options.rateLimit)
      lanes.set(shardId, lane)
    }
    return lane
  }

  const count = (version: number, by: number) => {
    const flying = (versions.get(version) ?? 0) + by
    if (flying > 0) versions.set(version, flying)
    else versions.delete(version)
  }

  const pump = () => {
    while (requests.size < options.maxRequests) {
      const request = draw()
      if (request.length === 0) return
      requests.add(request)
      void send(request).then(() => {
        requests.delete(request)
        pump()
      })
    }
  }

  // One outer record from each lane in turn, so that no shard waits behind another's backlog.
  const draw = (): Outer[] => {
    const request: Outer[] = []
    const now = clock.monotonic()
    let bytes = 0
    let open: Lane[] = []
    for (const [id, lane] of lanes) {
      if (lane.length === 0) {
        // A pace that owes is kept: the shard remembers too.
        if (lane.flying === 0 && now >= lane.notBefore && lane.pace.rested(now)) lanes.delete(id)
      } else if (lane.notBefore <= now) open.push(lane)
      else sleep(lane, lane.notBefore - now)
    }
    // Start each request at another lane.
    if (open.length > 1) open.unshift(...open.splice(turn++ % open.length))
    while (open.length > 0) {
      const again: Lane[] = []
      for (const lane of open) {
        const outer = next(lane, now)
        if (!outer || !lane.admits(outer)) continue
        const wait = lane.pace.wait(outer.bytes, now)
        if (wait > 0) {
          sleep(lane, Math.max(wait, TICK))
          continue
        }
        const fits = request.length < KINESIS.putRecordsCount.value && (bytes + outer.bytes <= options.requestBytes || request.length === 0)
        if (!fits) return request
        lane.shift()
        lane.pace.take(outer.bytes, now)
        lane.depart(outer)
        count(outer.version, 1)
        request.push(outer)
        bytes += outer.bytes
        again.push(lane)
      }
      open = again
    }
    return request
  }

  // The lane's first outer record that is still to be sent; settles or returns what is not.
  const next = (lane: Lane, now: number): Outer | undefined => {
    while (lane.length > 0) {
      const outer = lane.peek()
      const late = now - outer.since > options.recordTtl
      if (!late && options.current(outer)) return outer
      lane.shift()
      held--
      if (late) options.expired(outer)
    }
    return undefined
  }

  const sleep = (lane: Lane, ms: number) => {
    if (lane.asleep) return
    lane.asleep = true
    void clock.sleep(ms).then(() => {
      lane.asleep = false
      pump()
    })
  }

  const send = async (request: Outer[]): Promise<void> => {
    const started = clock.monotonic()
    let replies: Reply[]
    try {
      replies = readAnswer(await service.putRecords(request.map((outer) => outer.entry)), request.length)
    } catch (error) {
      const fault = faultOf(error)
      options.answered(request.length, clock.monotonic() - started, fault)
      if (fault.divisible && request.length > 1) {
        // One record may spoil the request for all: the halves find it. None was judged, so none has had an attempt.
        const half = request.length >> 1
        await Promise.all([send(request.slice(0, half)), send(request.slice(half))])
        return
      }
      return settle(
        request,
        request.map(() => ({ fault })),
        started,
      )
    }
    options.answered(request.length, clock.monotonic() - started, undefined)
    settle(request, replies, started)
  }

  const settle = (request: Outer[], replies: Reply[], started: number) => {
    const again = new Map<Lane, { outers: Outer[]; throttled: boolean }>()
    const well = new Set<Lane>()
    const milliseconds = clock.monotonic() - started
    for (let i = 0; i < request.length; i++) {
      const outer = request[i]
      const lane = laneOf(outer.shardId)
      const reply = replies[i]
      if (!reply.fault) {
        well.add(lane)
        const judged = options.stored(outer, reply.shardId, reply.sequenceNumber)
        if (judged) void judged.then(() => land(lane, outer)).then(pump)
        else land(lane, outer)
        continue
      }
      const { fault } = reply
      const { code, message, uncertain } = fault
      outer.past = after(outer.past, { at: clock.now() - milliseconds, milliseconds, code, message, uncertain })
      const { count: attempts } = outer.past
      const over = attempts >= options.maxAttempts
      const retried = fault.kind !== 'permanent' && !over
      options.missed(outer, fault, retried)
      if (!retried) options.failed(outer, code, over && fault.kind !== 'permanent' ? `${message} (${attempts} attempts)` : message)
      else {
        const group = again.get(lane) ?? { outers: [], throttled: false }
        again.set(lane, group)
        group.throttled ||= fault.kind === 'throttle'
        // Taken back where the shards have changed.
        if (options.current(outer)) {
          group.outers.push(outer)
          held++
        }
      }
      land(lane, outer)
    }
    for (const [lane, { outers, throttled }] of again) {
      lane.unshift(detach(outers))
      // Requests that were under way when the lane was struck count once.
      if (started < lane.struckAt) continue
      // Where some came through, the shard is up: its pace alone sees to it.
      lane.strikes = well.has(lane) ? 1 : lane.strikes + 1
      lane.struckAt = clock.monotonic()
      lane.notBefore = lane.struckAt + backoff(lane.strikes, random)
      if (throttled) lane.pace.throttled(lane.struckAt)
    }
    for (const lane of well) if (!again.has(lane)) lane.strikes = 0
  }

  const land = (lane: Lane, outer: Outer) => {
    lane.land(outer)
    held--
    count(outer.version, -1)
    options.landed()
  }

  return {
    get count() {
      return held
    },
    add(outers) {
      held += outers.length
      const slow = new Map<Lane, Outer[]>()
      const since = clock.monotonic() - SLOW
      for (const outer of outers) {
        const lane = laneOf(outer.shardId)
        if (lane.struckAt < since) lane.push(outer)
        else {
          const waiting = slow.get(lane)
          if (waiting) waiting.push(outer)
          else slow.set(lane, [outer])
        }
      }
      for (const [lane, waiting] of slow) for (const outer of detach(waiting)) lane.push(outer)
    },
    pump,
    recall(shardId) {
      const taken = [...lanes.values()].flatMap((lane) => (shardId === undefined || lane.shardId === shardId ? lane.clear() : []))
      held -= taken.length
      return taken
    },
    oldest() {
      let since = Number.POSITIVE_INFINITY
      for (const lane of lanes.values()) if (lane.length > 0) since = Math.min(since, lane.peek().since)
      for (const request of requests) for (const outer of request) since = Math.min(since, outer.since)
      return since
    },
    fliesBeside: (version) => versions.size > (versions.has(version) ? 1 : 0),
  }
}
