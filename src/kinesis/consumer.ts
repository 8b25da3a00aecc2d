// The consumer: all shards of a stream, parents before children, as one async iterable of batches of
// user records. It keeps no checkpoints: whoever starts again says where from.
import { MillraceError, outOfRange, wrongType } from '../errors.js'
import { KINESIS } from '../limits.js'
import type { Clock, Random } from '../ports/ports.js'
import { type ConsumerBatch, openBatch } from './consumer-batch.js'
import { type DeaggregateMode, isMode } from './deaggregate.js'
import { createLineage } from './lineage.js'
import { createShardReader, type Fetched, type ShardReader, type StartPosition } from './reader.js'
import { createDeduplicator } from './seen.js'
import { checkOptions, checkPorts, createService, numbersOf, type ShardDescription, STREAM_KEYS, type StreamOptions } from './service.js'
import { isOpen, listShards } from './shards.js'

export interface ConsumerOptions extends StreamOptions {
  /** Clock and chance; default: the system's. */
  ports?: { clock: Clock; random: Random }
  /** Where to begin: the oldest record (default), whatever comes from now on, or a point in time. */
  from?: 'TRIM_HORIZON' | 'LATEST' | 'AT_TIMESTAMP' | Date
  /** With AT_TIMESTAMP. */
  timestamp?: Date
  /**
   * When to end: never by itself, but where the stream's last shards are closed (default); or when
   * every shard is read up to its newest record ('now'), or past the records that arrived before a
   * point in time. A batch is never cut: some records that arrived later may come too.
   */
  until?: 'now' | Date
  /** These shards only, without their children. The iteration throws RangeError for one that the stream does not have. */
  shardIds?: readonly string[]
  /**
   * What de-aggregation does with aggregates that the KCL drops, those with a hash key outside their
   * shard's range above all: 'kcl' (default) drops them and lists them in `batch.dropped`, 'keep'
   * delivers them too, with the reason. A producer that was surprised by a split sends such an
   * aggregate again, so that with 'keep' its records come twice. 'strict': the iteration throws
   * MillraceError at the first such aggregate, and at one that is damaged; the batch that has it is not yielded.
   */
  mode?: DeaggregateMode
  /**
   * Leaves out records that have come before, by the ids that `createProducer({ stableIds: true })` gives them; default
   * false. Remembered for each iteration: some 67 million records. Others are not affected.
   */
  deduplicate?: boolean
  /** Kinesis records a call, 1 to 10,000 (default). */
  maxRecords?: number
  /** Milliseconds between two calls on a shard; default 200, which is the service's 5 a second. */
  pollInterval?: number
  /** The same after a call that brought nothing; default 1,000. */
  idleInterval?: number
  /** Calls under way or batches held at once over all shards; default 16. Memory: as many answers of up to 10 MiB. */
  maxRequests?: number
  /** Failures in a row on a shard after which the iteration throws; default 20. */
  maxAttempts?: number
}

export interface Consumer extends AsyncIterable<ConsumerBatch> {
  /** The user records one by one. */
  records(): AsyncIterable<ConsumerBatch['records'][number]>
  /** Ends the iteration; calls under way are aborted. */
  close(): void
}

const OPTION_KEYS = [
  ...STREAM_KEYS,
  'ports',
  'from',
  'timestamp',
  'until',
  'shardIds',
  'mode',
  'deduplicate',
  'maxRecords',
  'pollInterval',
  'idleInterval',
  'maxRequests',
  'maxAttempts',
] as const

/**
 * A consumer of one stream. Batches of one shard come in order; those of different shards mix, but
 * a child shard's come after its parents'. At-least-once is the caller's: what was yielded is not
 * yielded again. Each iteration starts anew at `from`.
 *
 * @example
 * const consumer = createConsumer({ streamName: 'flights', until: 'now', clientConfig: { region: 'eu-central-1' } })
 * for await (const { partitionKey, data } of consumer.records()) console.log(partitionKey, new TextDecoder().decode(data))
 */
export function createConsumer(options: ConsumerOptions): Consumer {
  checkOptions(options, OPTION_KEYS)
  const { clock, random } = checkPorts(options.ports)
  const service = createService(options, clock)
  const { whole, time } = numbersOf(options)
  const start = startOf(options)
  const { until, shardIds, mode = 'kcl', deduplicate = false } = options
  if (until !== undefined && until !== 'now' && !isDate(until)) throw wrongType('until', "'now' or a Date", until)
  if (!isMode(mode)) throw wrongType('mode', "'kcl', 'keep' or 'strict'", mode)
  if (typeof deduplicate !== 'boolean') throw wrongType('deduplicate', 'true or false', deduplicate)
  if (shardIds !== undefined && !(Array.isArray(shardIds) && shardIds.every((id) => typeof id === 'string'))) {
    throw wrongType('shardIds', 'an array of shard ids', shardIds)
  }
  const maxRequests = whole('maxRequests', 16, 1)
  const stop = new AbortController()
  const settings = {
    service,
    clock,
    random,
    limit: whole('maxRecords', KINESIS.getRecordsCount.value, 1, KINESIS.getRecordsCount.value),
    pace: time('pollInterval', 1000 / KINESIS.getRecordsCalls.value, 0),
    idle: time('idleInterval', 1000, 0),
    attempts: whole('maxAttempts', 20, 1),
  }

  async function* iterate(): AsyncGenerator<ConsumerBatch> {
    if (stop.signal.aborted) return
    const end = until === 'now' ? clock.now() : until?.getTime()
    // Ends what is under way when the caller leaves the loop.
    const leave = new AbortController()
    const signal = AbortSignal.any([stop.signal, leave.signal])
    const reader = { ...settings, signal }
    const known = deduplicate ? createDeduplicator() : undefined
    const lineage = createLineage(start === 'LATEST')
    const waiting: ShardReader[] = []
    const done: { reader: ShardReader; fetched?: Fetched; error?: unknown }[] = []
    let running = 0
    let alarm = Number.POSITIVE_INFINITY
    let wake = () => {}
    // Of a point in time the children keep it; after LATEST theirs are all new.
    const childStart: StartPosition = start === 'LATEST' ? 'TRIM_HORIZON' : start

    const listed = () => listShards(service, clock, random, PATIENCE, signal)
    const begin = (shards: ShardDescription[], from: StartPosition) => {
      for (const shard of shards) {
        if (!shardIds || shardIds.includes(shard.ShardId)) waiting.push(createShardReader(shard, from, reader))
      }
    }
    const run = (item: ShardReader, work: () => Promise<Fetched>) => {
      running++
      work()
        .then(
          (fetched) => done.push({ reader: item, fetched }),
          (error) => done.push({ reader: item, error }),
        )
        .finally(() => {
          running--
          wake()
        })
    }
    // A closed shard has children; the list may lag behind its closing for a moment.
    const follow = async (shardId: string) => {
      for (let tries = 0; tries < 5; tries++) {
        if (tries > 0) await clock.sleep(1000, signal)
        begin(lineage.update(await listed()), childStart)
        if (lineage.hasChild(shardId)) break
      }
      return NOTHING
    }
    const finish = (item: ShardReader) => {
      const { ShardId } = item.shard
      begin(lineage.finish(ShardId), childStart)
      if (!shardIds && !lineage.hasChild(ShardId)) run(item, () => follow(ShardId))
    }
    // Starts the calls that are due; sets the alarm for the next one that is not.
    const startDue = () => {
      const now = clock.monotonic()
      for (let i = 0; i < waiting.length && running + done.length < maxRequests; ) {
        const item = waiting[i]
        if (item.due > now) i++
        else {
          waiting.splice(i, 1)
          run(item, () => item.next())
        }
      }
      const next = Math.min(...waiting.map((item) => item.due))
      if (waiting.length === 0 || next <= now || next >= alarm) return
      alarm = next
      clock.sleep(next - now, signal).then(
        () => {
          if (alarm === next) alarm = Number.POSITIVE_INFINITY
          wake()
        },
        () => wake(),
      )
    }

    try {
      const first = await listed()
      const unknown = shardIds?.find((id) => !first.some((shard) => shard.ShardId === id))
      if (unknown !== undefined) throw outOfRange('shardIds', 'shards of the stream', unknown)
      begin(lineage.update(first), start)
      while (waiting.length + running + done.length > 0 && !signal.aborted) {
        startDue()
        const item = done.shift()
        if (!item) {
          await new Promise<void>((resolve) => {
            wake = resolve
          })
          continue
        }
        if (!item.fetched) throw item.error
        if (item.fetched === NOTHING) continue
        const { records, millisBehindLatest, ended } = item.fetched
        if (ended) finish(item.reader)
        else if (end === undefined || !isPast(item, end, clock.now())) waiting.push(item.reader)
        if (records.length > 0) yield openBatch(item.reader.shard, records, millisBehindLatest, mode, known)
      }
    } catch (error) {
      if (!stop.signal.aborted) throw error
    } finally {
      leave.abort()
    }
  }

  const consumer: Consumer = {
    [Symbol.asyncIterator]: iterate,
    async *records() {
      for await (const batch of consumer) yield* batch.records
    },
    close() {
      stop.abort(new MillraceError('CLOSED', 'the consumer is closed'))
      service.destroy()
    },
  }
  return consumer
}

/** Milliseconds for which the shards are asked for. */
const PATIENCE = 60_000

const NOTHING: Fetched = { records: [], millisBehindLatest: undefined, ended: false }

// A record that arrived later is proof. An answer without records, 0 behind, is the end of what is
// there (kinesalite says 0 whatever is left) but not of a closed shard: its end is said.
function isPast({ reader, fetched }: { reader: ShardReader; fetched?: Fetched }, end: number, now: number): boolean {
  const arrived = fetched?.records.at(-1)?.ApproximateArrivalTimestamp?.getTime()
  if (arrived !== undefined) return arrived > end
  return isOpen(reader.shard) && !fetched?.millisBehindLatest && now >= end
}

function startOf({ from = 'TRIM_HORIZON', timestamp }: ConsumerOptions): StartPosition {
  if (timestamp !== undefined && from !== 'AT_TIMESTAMP') throw wrongType('timestamp', 'nothing, for only AT_TIMESTAMP has one', timestamp)
  if (isDate(from)) return { timestamp: from }
  if (from === 'AT_TIMESTAMP') {
    if (!isDate(timestamp)) throw wrongType('timestamp', 'a Date (from is AT_TIMESTAMP)', timestamp)
    return { timestamp }
  }
  if (from !== 'TRIM_HORIZON' && from !== 'LATEST') throw wrongType('from', "'TRIM_HORIZON', 'LATEST', 'AT_TIMESTAMP' or a Date", from)
  return from
}

const isDate = (value: unknown): value is Date => value instanceof Date && !Number.isNaN(value.getTime())
