// Checkpoints through the daemon: a request on standard output, its answer on standard input.
import { kindOf, MillraceError } from '../../errors.js'
import { backoff } from '../../ports/backoff.js'
import type { Clock, Random } from '../../ports/ports.js'
import type { Place } from '../consumer/batch.js'
import type { Daemon } from './messages.js'

/** With the waits between them some 7 to 14 seconds. */
const TRIES = 8

/** Of the KCL's checkpointer; may pass: the lease table throttles, or DynamoDB failed. */
const PASSING = ['ThrottlingException', 'KinesisClientLibDependencyException']

/**
 * Has the daemon store that the shard is done up to and with `place`; without one, up to the last record that
 * it has handed over, or at the end of the shard all of it. Resolves once that is stored. Rejects with
 * LEASE_LOST where the shard is another worker's by now (ShutdownException); RangeError for a place before the last
 * checkpoint or behind the last record (IllegalArgumentException); SERVICE and the KCL's name of it for every
 * other exception, those of throttling and of DynamoDB after 8 tries; CLOSED where the daemon leaves.
 */
export async function checkpoint(daemon: Daemon, ports: { clock: Clock; random: Random }, shardId: string, place?: Place): Promise<void> {
  const { sequenceNumber = null, subSequenceNumber = place ? 0 : null } = place ?? {}
  for (let tries = 1; ; tries++) {
    await daemon.send({ action: 'checkpoint', sequenceNumber, subSequenceNumber })
    const answer = await daemon.next()
    if (!answer) throw new BrokenProtocol('CLOSED', `${shardId}: the daemon left before it answered a checkpoint`)
    if (answer.action !== 'checkpoint') throw new BrokenProtocol('BAD_INPUT', `${shardId}: expected the answer to a checkpoint, got ${kindOf(answer.action)}`)
    const exception = answer.error ?? undefined
    if (exception === undefined) return
    if (exception === 'ShutdownException') throw new MillraceError('LEASE_LOST', `${shardId}: is another worker's by now (ShutdownException)`)
    const at = sequenceNumber === null ? '' : ` at ${sequenceNumber}/${subSequenceNumber}`
    if (exception === 'IllegalArgumentException') {
      throw new RangeError(`${shardId}: checkpoint${at} is before the last checkpoint or behind the last record (IllegalArgumentException)`)
    }
    if (typeof exception !== 'string' || !PASSING.includes(exception)) {
      throw new MillraceError('SERVICE', `${shardId}: checkpoint${at} failed: ${typeof exception === 'string' ? exception : kindOf(exception)}`)
    }
    if (tries === TRIES) throw new CheckpointBlocked('SERVICE', `${shardId}: checkpoint${at} failed ${TRIES} times, at last with ${exception}`)
    await ports.clock.sleep(backoff(tries, ports.random, 100))
  }
}

/** The lease table could not be written for now. What is done may be stored with a later checkpoint. */
export class CheckpointBlocked extends MillraceError {}

/** The answer did not come, or another one: no further message means what it says. */
export class BrokenProtocol extends MillraceError {}
