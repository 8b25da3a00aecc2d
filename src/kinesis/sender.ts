// From outer records to PutRecords requests: lanes, packing, retry. A lane holds what waits for one
// shard; a shard that throttles holds up its own lane only.
import { KINESIS } from '../limits.js'
import type { Clock, Random } from '../ports/ports.js'
import { backoff } from './backoff.js'
import { type Fault, faultOf, recordFault } from './faults.js'
import { detach, type Outer } from './outer.js'
import type { KinesisService, PutRecordsResult } from './service.js'

export interface SenderOptions {
  service: KinesisService
  clock: Clock
  random: Random
  maxRequests: number
  maxAttempts: number
  recordTtl: number
  requestBytes: number
  /** Before an outer record is sent: false takes it back (its shard is closed, say). */
  current(outer: Outer): boolean
  stored(outer: Outer, shardId: string, sequenceNumber: string): void
  failed(outer: Outer, code: string, message: string): void
}

export interface Sender {
  add(outers: readonly Outer[]): void
  /** Sends what it may; called after a round of add(). */
  pump(): void
}

interface Lane {
  queue: Outer[]
  /** First of `queue` not yet drawn. */
  head: number
  /** Failures in a row, and when the last one was. */
  strikes: number
  struckAt: number
  /** Monotonic milliseconds before which nothing is sent. */
  notBefore: number
  asleep: boolean
  /** Outer records of this lane in requests under way. */
  flying: number
}

function push(lists: Map<Lane, Outer[]>, lane: Lane, outer: Outer): void {
  const list = lists.get(lane)
  if (list) list.push(outer)
  else lists.set(lane, [outer])
}

/** Milliseconds for which a lane that was struck counts as one whose records will wait. */
const SLOW = 10_000

export function createSender(options: SenderOptions): Sender {
  const { service, clock, random } = options
  const lanes = new Map<string, Lane>()
  let turn = 0
  let running = 0

  const laneOf = (shardId: string): Lane => {
    let lane = lanes.get(shardId)
    if (!lane) {
      lane = { queue: [], head: 0, strikes: 0, struckAt: Number.NEGATIVE_INFINITY, notBefore: 0, asleep: false, flying: 0 }
      lanes.set(shardId, lane)
    }
    return lane
  }

  const pump = () => {
    while (running < options.maxRequests) {
      const request = draw()
      if (request.length === 0) return
      running++
      void send(request).then(() => {
        running--
        pump()
      })
    }
  }

  // One outer record from each lane in turn, so that no shard waits behind another's backlog.
  const draw = (): Outer[] => {
    const request: Outer[] = []
    const now = clock.monotonic()
    let bytes = 0
    let open: [string, Lane][] = []
    for (const [id, lane] of lanes) {
      if (lane.head === lane.queue.length) {
        if (lane.flying === 0) lanes.delete(id)
      } else if (lane.notBefore <= now) open.push([id, lane])
      else sleep(lane)
    }
    // Start each request at another lane.
    if (open.length > 1) open.unshift(...open.splice(turn++ % open.length))
    while (open.length > 0) {
      const again: typeof open = []
      for (const item of open) {
        const outer = next(item[1], now)
        if (!outer) continue
        const fits = request.length < KINESIS.putRecordsCount.value && (bytes + outer.bytes <= options.requestBytes || request.length === 0)
        if (!fits) return request
        item[1].flying++
        item[1].head++
        request.push(outer)
        bytes += outer.bytes
        again.push(item)
      }
      open = again
    }
    return request
  }

  // The lane's first outer record that is still to be sent; settles or returns what is not.
  const next = (lane: Lane, now: number): Outer | undefined => {
    if (lane.head > 1024 && 2 * lane.head > lane.queue.length) {
      lane.queue = lane.queue.slice(lane.head)
      lane.head = 0
    }
    while (lane.head < lane.queue.length) {
      const outer = lane.queue[lane.head]
      if (now - outer.since > options.recordTtl) options.failed(outer, 'EXPIRED', `not delivered within ${options.recordTtl} ms`)
      else if (options.current(outer)) return outer
      lane.head++
    }
    lane.queue = []
    lane.head = 0
    return undefined
  }

  const sleep = (lane: Lane) => {
    if (lane.asleep) return
    lane.asleep = true
    void clock.sleep(lane.notBefore - clock.monotonic()).then(() => {
      lane.asleep = false
      pump()
    })
  }

  const send = async (request: Outer[]): Promise<void> => {
    const started = clock.monotonic()
    for (const outer of request) outer.attempts++
    let results: (PutRecordsResult | null)[]
    try {
      const answer = await service.putRecords(request.map((outer) => outer.entry))
      if (answer?.Records?.length !== request.length)
        throw new Error(`PutRecords answered ${answer?.Records?.length ?? 'no'} results for ${request.length} records`)
      results = answer.Records
    } catch (error) {
      const fault = faultOf(error)
      if (fault.divisible && request.length > 1) {
        // One record may spoil the request for all: the halves find it. None was judged, so none has had an attempt.
        for (const outer of request) outer.attempts--
        const half = request.length >> 1
        await Promise.all([send(request.slice(0, half)), send(request.slice(half))])
        return
      }
      return settle(request, () => fault, started)
    }
    settle(
      request,
      (i) => {
        const { ErrorCode, ErrorMessage, ShardId, SequenceNumber } = results[i] ?? {}
        if (ErrorCode) return recordFault(ErrorCode, ErrorMessage ?? '')
        if (!ShardId || !SequenceNumber) return { kind: 'transient', code: 'InvalidResponse', message: 'no sequence number', uncertain: true, divisible: false }
        options.stored(request[i], ShardId, SequenceNumber)
        return undefined
      },
      started,
    )
  }

  const settle = (request: Outer[], result: (i: number) => Fault | undefined, started: number) => {
    const again = new Map<Lane, Outer[]>()
    const well = new Set<Lane>()
    for (let i = 0; i < request.length; i++) {
      const outer = request[i]
      const lane = laneOf(outer.shardId)
      const fault = result(i)
      lane.flying--
      if (!fault) {
        well.add(lane)
        continue
      }
      outer.uncertain ||= fault.uncertain
      if (fault.kind === 'permanent') options.failed(outer, fault.code, fault.message)
      else if (outer.attempts >= options.maxAttempts) options.failed(outer, fault.code, `${fault.message} (${outer.attempts} attempts)`)
      else push(again, lane, outer)
    }
    for (const [lane, outers] of again) {
      // Back to the front; requests that were under way when the lane was struck count once.
      lane.queue = [...detach(outers), ...lane.queue.slice(lane.head)]
      lane.head = 0
      if (started >= lane.struckAt) {
        lane.strikes++
        lane.struckAt = clock.monotonic()
        lane.notBefore = lane.struckAt + backoff(lane.strikes, random)
      }
    }
    for (const lane of well) if (!again.has(lane)) lane.strikes = 0
  }

  return {
    add(outers) {
      const slow = new Map<Lane, Outer[]>()
      const since = clock.monotonic() - SLOW
      for (const outer of outers) {
        const lane = laneOf(outer.shardId)
        if (lane.struckAt < since) lane.queue.push(outer)
        else push(slow, lane, outer)
      }
      for (const [lane, waiting] of slow) for (const outer of detach(waiting)) lane.queue.push(outer)
    },
    pump,
  }
}
