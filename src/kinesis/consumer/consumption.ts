// One iteration of a consumer: the shards that it holds are read side by side, their batches handed out
// one at a time, and what the caller has come back from is done with.
import { wrongType } from '../../errors.js'
import type { Clock } from '../../ports/ports.js'
import type { DeaggregateMode } from '../aggregates/deaggregate.js'
import { isOpen } from '../service/shards.js'
import { type ConsumedRecord, type ConsumerBatch, endOf, openBatch, type Place, within } from './batch.js'
import { type Checkpoint, type CheckpointStore, compareCheckpoints, isNumber } from './checkpoint-store.js'
import type { Hold } from './hold.js'
import type { Leases } from './leases.js'
import type { Fetched, ShardReader, StartPosition } from './reader.js'
import type { Deduplicator } from './seen.js'
import type { ConsumerTelemetry } from './telemetry.js'

export interface ConsumptionOptions {
  clock: Clock
  /** What `signal` ends; `changed` is to be called when shards have come or gone. */
  openLeases(signal: AbortSignal, changed: () => void): Leases
  openReader(hold: Hold, start: StartPosition, signal: AbortSignal): ShardReader
  mode: DeaggregateMode
  known: Deduplicator | undefined
  /** Milliseconds since the epoch at which to end; Infinity: with the last shard. */
  end: number
  maxRequests: number
  /** Milliseconds; Infinity: only what the caller says is done with. */
  checkpointInterval: number
  /** Ends the iteration, without an error. */
  signal: AbortSignal
  telemetry: ConsumerTelemetry
}

/** A batch, whether its shard is ours still, and how to say that its records up to one are done with. */
export interface Handed {
  batch: ConsumerBatch
  alive(): boolean
  done(record: ConsumedRecord): void
}

/** Milliseconds to the next try where the store was away. */
const RETRY = 1_000

interface Reading {
  hold: Hold
  reader: ShardReader
  /** Where it began: what is not behind this was done with before. */
  resumed: Checkpoint
  /** The end of what was handed out, of what is done with, and of what is stored. */
  delivered: Checkpoint
  handled: Checkpoint
  stored: Checkpoint
  storedAt: number
  storing: Promise<void> | undefined
  /** Not before, after a write that failed. */
  retryAt: number
  /** Read to its end, though perhaps not done with. */
  ended: boolean
  /** Read as far as was asked for. */
  past: boolean
}

export async function* consume(options: ConsumptionOptions): AsyncGenerator<Handed> {
  const { clock, checkpointInterval, telemetry } = options
  // Ends what is under way when the caller leaves the loop.
  const leave = new AbortController()
  const signal = AbortSignal.any([options.signal, leave.signal])
  const leases = options.openLeases(signal, () => wake())
  const readings = new Map<Hold, Reading>()
  const waiting: Reading[] = []
  const done: { reading: Reading; fetched?: Fetched; error?: unknown }[] = []
  let running = 0
  let alarm = Number.POSITIVE_INFINITY
  let timer = new AbortController()
  let wake = () => {}
  signal.addEventListener('abort', () => wake(), { once: true })

  const run = (reading: Reading) => {
    running++
    reading.reader
      .next()
      .then(
        (fetched) => done.push({ reading, fetched }),
        (error) => done.push({ reading, error }),
      )
      .finally(() => {
        running--
        wake()
      })
  }

  const begin = (hold: Hold) => {
    const { checkpoint } = hold.lease
    const reading: Reading = {
      hold,
      reader: options.openReader(hold, startOf(hold), AbortSignal.any([signal, hold.signal])),
      resumed: checkpoint,
      delivered: checkpoint,
      handled: checkpoint,
      stored: checkpoint,
      storedAt: clock.monotonic(),
      storing: undefined,
      retryAt: Number.NEGATIVE_INFINITY,
      ended: false,
      past: false,
    }
    readings.set(hold, reading)
    waiting.push(reading)
  }

  const drop = (reading: Reading) => {
    readings.delete(reading.hold)
    const at = waiting.indexOf(reading)
    if (at >= 0) waiting.splice(at, 1)
  }

  const isFinished = ({ ended, handled, delivered }: Reading) => ended && compareCheckpoints(handled, delivered) >= 0

  const dueAt = (reading: Reading, finished = isFinished(reading)) => Math.max(reading.retryAt, finished ? 0 : reading.storedAt + checkpointInterval)

  // What is done with, written where it is time, or the end of a shard, which the KCL asks for too.
  const save = (reading: Reading, now: number): Promise<void> | undefined => {
    const { hold, handled } = reading
    const finished = isFinished(reading)
    if (reading.storing || now < dueAt(reading, finished) || !(finished || compareCheckpoints(handled, reading.stored) > 0)) return reading.storing
    reading.storedAt = now
    const write = async () => {
      if (!finished) {
        await hold.checkpoint(handled)
        reading.stored = handled
        return
      }
      await leases.end(hold)
      drop(reading)
    }
    reading.storing = write()
      .catch(() => {
        // Another's: seen at the next turn. Else the store is away, and asked again.
        reading.retryAt = clock.monotonic() + RETRY
      })
      .finally(() => {
        reading.storing = undefined
        saveDue()
        wake()
      })
    return reading.storing
  }

  // One timer at a time: each that sleeps is a listener of the signal.
  const ring = (at: number, now: number) => {
    if (at <= now || at >= alarm || at === Number.POSITIVE_INFINITY) return
    timer.abort()
    timer = new AbortController()
    alarm = at
    const rung = () => {
      alarm = Number.POSITIVE_INFINITY
      saveDue()
      wake()
    }
    clock.sleep(at - now, timer.signal).then(rung, () => {})
  }

  // Writes what is due, and sets the alarm for what is not: also while the caller is busy, for however long.
  const saveDue = () => {
    if (signal.aborted) return
    const now = clock.monotonic()
    for (const reading of readings.values()) {
      save(reading, now)
      if (!reading.storing && (isFinished(reading) || compareCheckpoints(reading.handled, reading.stored) > 0)) ring(dueAt(reading), now)
    }
  }

  // Starts the calls that are due; sets the alarm for the next thing that is not.
  const startDue = () => {
    const now = clock.monotonic()
    for (let i = 0; i < waiting.length && running + done.length < options.maxRequests; ) {
      if (waiting[i].reader.due > now) i++
      else run(waiting.splice(i, 1)[0])
    }
    ring(Math.min(...waiting.map(({ reader }) => reader.due).filter((due) => due > now)), now)
    saveDue()
  }

  const isOver = () => {
    if (readings.size === 0 && leases.over) return true
    // With an `until` nobody waits for the checkpoint of a shard's end.
    const isPast = (reading: Reading) => reading.past || (reading.ended && !isFinished(reading))
    return options.end < Number.POSITIVE_INFINITY && leases.exhausted && [...readings.values()].every(isPast)
  }

  const failed = async (reading: Reading, error: unknown) => {
    if (!readings.has(reading.hold) || !reading.hold.alive()) return drop(reading)
    const { name } = ((error as Error).cause ?? {}) as Error
    if (name === 'ResourceNotFoundException' && (await leases.vanished(reading.hold))) return drop(reading)
    throw error
  }

  try {
    await leases.start()
    while (!signal.aborted) {
      for (const hold of leases.taken()) begin(hold)
      for (const reading of readings.values()) if (!reading.hold.alive()) drop(reading)
      if (leases.failure !== undefined) throw leases.failure
      startDue()
      const item = done.shift()
      if (!item) {
        if (isOver()) return
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        continue
      }
      const { reading, fetched } = item
      if (!fetched) {
        await failed(reading, item.error)
        continue
      }
      if (!readings.has(reading.hold) || !reading.hold.alive()) continue
      telemetry.fetched(reading.hold.shard.ShardId, fetched)
      reading.ended = fetched.ended
      if (!fetched.ended) {
        reading.past = isPast(reading, fetched, options.end, clock.now())
        if (!reading.past) waiting.push(reading)
      }
      if (fetched.records.length > 0) {
        const { shard, signal } = reading.hold
        const end = endOf(fetched.records)
        reading.delivered = end
        const checkpoint = async (record?: Place, write?: CheckpointStore['write']) => {
          if (write !== undefined && typeof write !== 'function') throw wrongType('write', 'a function that writes a lease', write)
          const to = record ? within(record, reading.stored, end) : end
          const handled = () => {
            if (compareCheckpoints(to, reading.handled) > 0) reading.handled = to
          }
          // What the caller writes with it is its own to repeat: without it nothing is done with.
          if (!write) handled()
          await reading.hold.checkpoint(to, write)
          handled()
          reading.stored = to
        }
        const { mode, known } = options
        const { batch, empty } = openBatch({ shard, ...fetched, mode, known, after: reading.resumed, signal, checkpoint })
        const auto = checkpointInterval < Number.POSITIVE_INFINITY
        if (!empty) {
          const done = ({ sequenceNumber, subSequenceNumber }: ConsumedRecord) => {
            if (!auto) return
            reading.handled = { sequenceNumber, subSequenceNumber }
            if (checkpointInterval === 0) return
            const now = clock.monotonic()
            save(reading, now)
            ring(dueAt(reading), now)
          }
          yield { batch, alive: reading.hold.alive, done }
        }
        if (auto || empty) reading.handled = end
        if (checkpointInterval === 0) {
          // Perhaps of a part of the batch.
          await reading.storing
          await save(reading, clock.monotonic())
        }
      }
    }
  } catch (error) {
    if (!options.signal.aborted) throw error
  } finally {
    leave.abort()
    timer.abort()
    // What is done with is written before others take over.
    await Promise.all(
      [...readings.values()].map(async (reading) => {
        await reading.storing
        await save(reading, Number.POSITIVE_INFINITY)
      }),
    )
    await leases.release()
  }
}

function startOf({ lease, fresh }: Hold): StartPosition {
  const { sequenceNumber } = lease.checkpoint
  // Read again: the rest of an aggregate that was half done lies in it.
  if (isNumber(sequenceNumber)) return { sequenceNumber }
  // Later "latest" would be a later one. A row of the KCL's has no time.
  if (sequenceNumber === 'LATEST' && (fresh || lease.timestamp === undefined)) return 'LATEST'
  return lease.timestamp === undefined ? 'TRIM_HORIZON' : { timestamp: new Date(lease.timestamp) }
}

// A record that arrived later is proof. An answer without records, 0 behind, is the end of what is
// there (kinesalite says 0 whatever is left) but not of a closed shard: its end is said.
function isPast({ hold }: Reading, fetched: Fetched, end: number, now: number): boolean {
  if (end === Number.POSITIVE_INFINITY) return false
  const arrived = fetched.records.at(-1)?.ApproximateArrivalTimestamp?.getTime()
  if (arrived !== undefined) return arrived > end
  return isOpen(hold.shard) && !fetched.millisBehindLatest && now >= end
}
