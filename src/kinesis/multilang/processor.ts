// A record processor of the KCL's MultiLangDaemon: one process for one shard. The daemon says what is next
// and waits for the answer, so one message is under way at a time.
import { kindOf, MillraceError } from '../../errors.js'
import type { Clock, Random } from '../../ports/ports.js'
import { failedOf } from '../batch-result.js'
import { checkPlace, type Place } from '../consumer/batch.js'
import { BrokenProtocol, CheckpointBlocked, checkpoint } from './checkpoint.js'
import type { KclContext, KclHandler, KclShard } from './handler.js'
import type { Daemon, Message } from './messages.js'
import { type KclRecord, readRecords } from './records.js'

export interface KclOptions {
  daemon: Daemon
  ports: { clock: Clock; random: Random }
  /** Milliseconds between checkpoints at least; Infinity: none but the handler's own and at the end of the shard. */
  checkpointInterval: number
  /** Aborted where the process has to end. */
  signal: AbortSignal
  /** Told of what goes wrong and is no reason to stop. */
  log(line: string): void
}

/** The handler threw, or returned records as failed. */
export class HandlerFailed extends Error {}

/**
 * Answers the daemon until it leaves. Records count as done, and are stored as done, only once the handler has
 * returned; where it fails this throws HandlerFailed and the next processor begins at the last checkpoint: every
 * record is handled at least once. When the lease is lost nothing more is handled or stored, and a handler that
 * fails then does no harm. Throws BAD_INPUT for what is not the protocol.
 */
export async function runProcessor(handler: KclHandler, options: KclOptions): Promise<void> {
  const { daemon, ports, checkpointInterval, log } = options
  const stop = new AbortController()
  let lost = false
  /** Whether records are done that no checkpoint says so of. */
  let ahead = false
  let stored = ports.clock.monotonic()

  const loseLease = (reason: unknown) => {
    lost = true
    stop.abort(reason)
  }

  /** Runs a function of the handler, which may checkpoint until it has returned, one after the other. */
  async function call(where: string, work: (checkpoint: KclContext['checkpoint']) => unknown): Promise<void> {
    let last: Promise<void> = Promise.resolve()
    let over = false
    let broken: unknown
    let failure: HandlerFailed | undefined
    const own = (place?: Place): Promise<void> => {
      if (over) return Promise.reject(new MillraceError('CLOSED', `${where}: checkpoint expected a call before the function has returned`))
      const made = last.then(() => {
        checkPlace(place)
        return store(place)
      })
      // Told here, for the function may not wait for it.
      last = made.catch((error: Error) => {
        if (!lost) log(error.message)
        if (error instanceof BrokenProtocol) broken = error
      })
      return made
    }
    try {
      await work(own)
    } catch (cause) {
      failure = new HandlerFailed(`${where}: ${cause instanceof Error ? cause.message : kindOf(cause)}`, { cause })
    }
    over = true
    await last
    if (broken !== undefined) throw broken
    options.signal.throwIfAborted()
    if (failure && !lost) throw failure
    if (failure) log(`${failure.message} (the shard is another worker's by now)`)
  }

  async function store(place?: Place): Promise<void> {
    try {
      await checkpoint(daemon, ports, shardId, place)
    } catch (error) {
      if (error instanceof MillraceError && error.code === 'LEASE_LOST') loseLease(error)
      throw error
    }
    stored = ports.clock.monotonic()
  }

  /** `must`: there is no later checkpoint that could make up for this one. */
  async function storeAll(must: boolean): Promise<void> {
    if (lost) return
    try {
      await store()
      ahead = false
    } catch (error) {
      if (lost) return
      if (must || !(error instanceof CheckpointBlocked)) throw error
      log(`${error.message}; the records stay done, and come again only if this process ends before the next checkpoint`)
    }
  }

  async function take(message: Message): Promise<void> {
    // Whoever has the shard now handles them.
    if (lost) return
    const records = readRecords(message.records, shardId)
    const behind = typeof message.millisBehindLatest === 'number' ? message.millisBehindLatest : undefined
    await call(`${shardId}, ${spanOf(records)}`, async (checkpoint) => {
      const failed = failedOf(await handler.records(records, { ...shard, millisBehindLatest: behind, checkpoint }), records)
      if (failed.size > 0) throw new Error(`${failed.size} of ${records.length} records failed`)
    })
    ahead ||= records.length > 0
    if (ahead && ports.clock.monotonic() - stored >= checkpointInterval) await storeAll(false)
  }

  async function end(hook: 'shardEnded' | 'shutdownRequested'): Promise<void> {
    if (lost) return
    await call(`${shardId}, ${hook}`, (checkpoint) => handler[hook]?.({ ...shard, checkpoint }))
    // Without the first, the KCL neither ends the shard nor begins its children.
    if (hook === 'shardEnded') await storeAll(true)
    else if (ahead && checkpointInterval !== Number.POSITIVE_INFINITY) await storeAll(false)
  }

  async function leave(): Promise<void> {
    loseLease(new MillraceError('LEASE_LOST', `${shardId}: is another worker's by now`))
    await call(`${shardId}, leaseLost`, () => handler.leaseLost?.(shard))
  }

  const first = await daemon.next()
  if (!first) return
  if (first.action !== 'initialize') throw new MillraceError('BAD_INPUT', `expected initialize as the first action, got ${kindOf(first.action)}`)
  if (typeof first.shardId !== 'string') throw new MillraceError('BAD_INPUT', `initialize: expected a shardId as text, got ${kindOf(first.shardId)}`)
  const { shardId, sequenceNumber, subSequenceNumber } = first
  const shard: KclShard = { shardId, signal: stop.signal }
  await call(`${shardId}, initialize`, () =>
    handler.initialize?.({
      ...shard,
      sequenceNumber: typeof sequenceNumber === 'string' ? sequenceNumber : undefined,
      subSequenceNumber: typeof subSequenceNumber === 'number' ? subSequenceNumber : undefined,
    }),
  )
  await daemon.send({ action: 'status', responseFor: first.action })
  for (let message = await daemon.next(); message; message = await daemon.next()) {
    const { action, reason } = message
    if (action === 'processRecords') await take(message)
    else if (action === 'leaseLost') await leave()
    else if (action === 'shardEnded' || action === 'shutdownRequested') await end(action)
    // What older daemons say in place of leaseLost and shardEnded.
    else if (action === 'shutdown' && (reason === 'ZOMBIE' || reason === 'LEASE_LOST')) await leave()
    else if (action === 'shutdown' && (reason === 'TERMINATE' || reason === 'SHARD_END')) await end('shardEnded')
    else throw new MillraceError('BAD_INPUT', `${shardId}: unknown action ${kindOf(action)}${action === 'shutdown' ? `, reason ${kindOf(reason)}` : ''}`)
    await daemon.send({ action: 'status', responseFor: action })
  }
}

/** The records by their ends: a log that has the data of none. */
function spanOf(records: readonly KclRecord[]): string {
  const [first, last] = [records[0], records.at(-1)]
  if (!first || !last) return 'no records'
  return `records ${first.sequenceNumber}/${first.subSequenceNumber} to ${last.sequenceNumber}/${last.subSequenceNumber}`
}
