// The registered consumer of a stream that enhanced fan-out reads as: found or made by its name.
import { checkKeys, wrongType } from '../../errors.js'
import { faultOf } from '../../ports/faults.js'
import type { Clock, Random } from '../../ports/ports.js'
import { patiently } from '../service/patience.js'
import type { KinesisService, StreamConsumer } from '../service/service.js'

export interface FanOutOptions {
  /**
   * Name of a registered consumer of the stream; one that there is not is registered, and waited for until it is active:
   * `from: 'LATEST'` and `until: 'now'` are of that moment.
   */
  consumerName?: string | undefined
  /** Or the ARN of one that is registered. */
  consumerARN?: string | undefined
  /**
   * Whether the consumer is deregistered when an iteration ends, however it ends; default false: it stays, and is
   * paid for, until somebody deregisters it. Not where others read as the same consumer.
   */
  deregister?: boolean | undefined
}

export interface RegistrationOptions extends FanOutOptions {
  service: KinesisService
  clock: Clock
  random: Random
  /** Aborted when the consumer is closed. */
  signal: AbortSignal
}

/** Milliseconds for which a consumer may be in CREATING or DELETING, or the service be away. */
const PATIENCE = 60_000
/** The same at the end, where somebody waits. */
const PATIENCE_AT_END = 10_000

/** Checks the options at the public edge. */
export function checkFanOut(options: FanOutOptions): void {
  if (options === null || typeof options !== 'object') throw wrongType('fanOut', 'an object with consumerName or consumerARN', options)
  checkKeys('fanOut', options, ['consumerName', 'consumerARN', 'deregister'])
  const { consumerName, consumerARN, deregister = false } = options
  if (consumerARN === undefined && (typeof consumerName !== 'string' || !/^[\w.-]{1,128}$/.test(consumerName)))
    throw wrongType('fanOut.consumerName', 'a name of 1 to 128 letters, digits, "_", "." and "-" (or give consumerARN)', consumerName)
  if (consumerARN !== undefined && (typeof consumerARN !== 'string' || !consumerARN.startsWith('arn:')))
    throw wrongType('fanOut.consumerARN', 'an ARN', consumerARN)
  if (consumerARN !== undefined && consumerName !== undefined) throw wrongType('fanOut.consumerName', 'nothing beside "consumerARN"', consumerName)
  if (typeof deregister !== 'boolean') throw wrongType('fanOut.deregister', 'true or false', deregister)
}

/**
 * What `iterate` yields as the consumer with this ARN, which is active by then; nothing where it is closed first. Throws
 * SERVICE where the consumer does not become active, or is not deregistered.
 */
export async function* asConsumer<T>(options: RegistrationOptions, iterate: (consumerARN: string) => AsyncIterable<T>): AsyncGenerator<T> {
  const consumerARN = options.consumerARN ?? (await find(options))
  if (consumerARN === undefined) return
  try {
    yield* iterate(consumerARN)
  } finally {
    if (options.deregister) await deregister(consumerARN, options)
  }
}

async function find({ consumerName: name = '', service, clock, random, signal }: RegistrationOptions): Promise<string | undefined> {
  const options = { clock, random, patience: PATIENCE, signal }
  const look = async (stream: string): Promise<StreamConsumer> => {
    try {
      return await service.describeConsumer(stream, name, signal)
    } catch (error) {
      if (faultOf(error).code !== 'ResourceNotFoundException') throw error
      // ResourceInUseException: another one has just registered it, and the next look finds it.
      return await service.registerConsumer(stream, name, signal)
    }
  }
  try {
    const stream = await patiently('DescribeStreamSummary', () => service.streamARN(signal), options)
    const active = async () => {
      const { ConsumerARN, ConsumerStatus } = await look(stream)
      if (ConsumerStatus === 'ACTIVE') return ConsumerARN
      throw Object.assign(new Error(`expected it to be ACTIVE, got ${ConsumerStatus}`), { name: 'ResourceInUseException' })
    }
    return await patiently(`consumer ${name}`, active, options)
  } catch (error) {
    if (!signal.aborted) throw error
    return undefined
  }
}

async function deregister(consumerARN: string, { service, clock, random, signal }: RegistrationOptions): Promise<void> {
  const call = async () => {
    try {
      await service.deregisterConsumer(consumerARN)
    } catch (error) {
      if (faultOf(error).code !== 'ResourceNotFoundException') throw error
    }
  }
  try {
    await patiently('DeregisterStreamConsumer', call, { clock, random, patience: PATIENCE_AT_END })
  } finally {
    // Closed before, and used once more.
    if (signal.aborted) service.destroy()
  }
}
