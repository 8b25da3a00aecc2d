// One iteration of a consumer: the shards that it holds are read side by side, their batches handed out
// one at a time, and what the caller has come back from is done with.
import { wrongType } from '../../errors.js'
import type { Clock } from '../../ports/ports.js'
import type { DeaggregateMode } from '../aggregates/deaggregate.js'
import { type Again, type ConsumerBatch, checkPlace, endOf, openBatch, type Place, within } from './batch.js'
import { type Checkpoint, type CheckpointStore, compareCheckpoints } from './checkpoint-store.js'
import type { Hold } from './hold.js'
import type { Leases } from './leases.js'
import type { Fetched, ShardReader, StartPosition } from './reader.js'
import { againOf, createReading, isAhead, isFinished, isPast, type Reading, startOf } from './reading.js'
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
  /** Writes of a shard's checkpoint that fail in a row, after which the error is thrown. */
  attempts: number
  /** Ends the iteration, without an error. */
  signal: AbortSignal
  telemetry: ConsumerTelemetry
}

/** A batch, whether its shard is ours still, and how to say that its records up to one are done with, or that no more of them will be. */
export interface Handed {
  batch: ConsumerBatch
  alive(): boolean
  done(record: Checkpoint): void
  leave(): void
}

/** Milliseconds to the next try where the store was away. */
const RETRY = 1_000

export async function* consume(options: ConsumptionOptions): AsyncGenerator<Handed> {
  const { clock, checkpointInterval, telemetry } = options
  // Ends what is under way when the caller leaves the loop.
  const leave = new AbortController()
  const signal = AbortSignal.any([options.signal, leave.signal])
  const leases = options.openLeases(signal, () => wake())
  const readings = new Map<Hold, Reading>()
  /** Of shards that were lost while they were handed out. */
  const again = new Map<string, Again>()
  const waiting: Reading[] = []
  const done: { reading: Reading; fetched?: Fetched; error?: unknown }[] = []
  let running = 0
  let failure: unknown
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
    const reader = options.openReader(hold, startOf(hold), AbortSignal.any([signal, hold.signal]))
    const reading = createReading(hold, reader, again.get(hold.shard.ShardId), clock.monotonic())
    readings.set(hold, reading)
    waiting.push(reading)
  }

  const drop = (reading: Reading) => {
    readings.delete(reading.hold)
    const left = againOf(reading)
    if (left) again.set(reading.hold.shard.ShardId, left)
    else again.delete(reading.hold.shard.ShardId)
    const at = waiting.indexOf(reading)
    if (at >= 0) waiting.splice(at, 1)
  }

  const dueAt = (reading: Reading, finished = isFinished(reading)) => Math.max(reading.retryAt, finished ? 0 : reading.storedAt + checkpointInterval)

  // What is done with, written where it is time, or the end of a shard, which the KCL asks for too.
  const save = (reading: Reading, now: number): Promise<void> | undefined => {
    const { hold, handled } = reading
    const finished = isFinished(reading)
    if (reading.storing || now < dueAt(reading, finished) || !(finished || isAhead(reading))) return reading.storing
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
      .then(
        () => {
          reading.failures = 0
          reading.unstored = undefined
        },
        (error) => {
          reading.retryAt = clock.monotonic() + RETRY
          // Another's: seen at the next turn. Else the store is away, and asked again.
          if (!hold.alive()) return
          reading.unstored = error
          if (++reading.failures >= options.attempts) failure ??= error
        },
      )
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
      if (!reading.storing && (isFinished(reading) || isAhead(reading))) ring(dueAt(reading), now)
    }
  }

  /** Returns once what is done with is stored, the shard lost, or no more to be hoped for. */
  const store = async (reading: Reading) => {
    while (isAhead(reading) && readings.has(reading.hold) && reading.hold.alive() && failure === undefined && !signal.aborted) {
      const now = clock.monotonic()
      await (save(reading, now) ?? clock.sleep(reading.retryAt - now, signal).catch(() => {}))
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

  // What is done with is written before others take over. Where that fails the loop must not end as if it were.
  const end = async () => {
    const left = [...readings.values()]
    for (const reading of left) reading.retryAt = Number.NEGATIVE_INFINITY
    await Promise.all(
      left.map(async (reading) => {
        await reading.storing
        await save(reading, Number.POSITIVE_INFINITY)
      }),
    )
    const unstored = left.find((reading) => reading.unstored !== undefined && reading.hold.alive())
    await leases.release()
    if (unstored && failure === undefined) throw unstored.unstored
  }

  try {
    await leases.start()
    while (!signal.aborted) {
      // First, as one that was lost may have been taken again.
      for (const reading of readings.values()) if (!reading.hold.alive()) drop(reading)
      for (const hold of leases.taken()) begin(hold)
      failure ??= leases.failure
      if (failure !== undefined) throw failure
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
          checkPlace(record)
          if (write !== undefined && typeof write !== 'function') throw wrongType('write', 'a function that writes a lease', write)
          const to = record ? within(record, reading.stored, end) : end
          const handled = () => {
            if (compareCheckpoints(to, reading.handled) > 0) reading.handled = to
          }
          // What the caller writes with it is its own to repeat: without it nothing is done with.
          if (!write) handled()
          await reading.hold.checkpoint(to, write)
          handled()
          if (compareCheckpoints(to, reading.stored) > 0) reading.stored = to
        }
        const { mode, known } = options
        const { batch, empty } = openBatch({ shard, ...fetched, mode, known, after: reading.resumed, again: reading.again, signal, checkpoint })
        const auto = checkpointInterval < Number.POSITIVE_INFINITY
        let left = false
        if (!empty) {
          const done = (record: Checkpoint) => {
            if (!auto) return
            reading.handled = record
            if (checkpointInterval === 0) return
            const now = clock.monotonic()
            save(reading, now)
            ring(dueAt(reading), now)
          }
          const leave = () => {
            left = true
          }
          yield { batch, alive: reading.hold.alive, done, leave }
        }
        if ((auto && !left) || empty) reading.handled = end
        if (checkpointInterval === 0) await store(reading)
      }
    }
  } catch (error) {
    failure ??= error
    if (!options.signal.aborted) throw error
  } finally {
    leave.abort()
    timer.abort()
    await end()
  }
}
