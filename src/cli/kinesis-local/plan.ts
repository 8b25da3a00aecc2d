// Which faults befall which request, from one seed: the n-th request of a kind has the same faults in
// every run, however long the others took and whatever was in them.
import { seededRandom } from '../../ports/simulated.js'
import { UsageError } from '../command.js'
import { meant } from '../nearest.js'

/** Chances from 0 to 1; absent is 0. */
export interface Faults {
  /** Per record of a PutRecords: ProvisionedThroughputExceededException, not stored. */
  throttle?: number
  /** Per record: InternalFailure, not stored. */
  internal?: number
  /** Per record: stored in another shard than its hash key says, as in the middle of a split. */
  wrongShard?: number
  /** Per request, one of these at most. 500 InternalFailure and 503 ServiceUnavailable, nothing stored. */
  error?: number
  unavailable?: number
  /** The connection is reset before anything is stored. */
  reset?: number
  /** All is stored, then the connection is reset. */
  resetAfter?: number
  /** All is stored, and no answer comes: the connection is reset after `hold` milliseconds. */
  lostAck?: number
  /** All is stored and answered, the second half of the answer `pause` milliseconds late. */
  slow?: number
  /** All is stored; the answer breaks off, or ends in the middle as if it were whole. */
  truncate?: number
  /** All is stored; the answer has one result less, or its FailedRecordCount is wrong. */
  miscount?: number
  /** ExpiredTokenException, nothing stored. */
  expired?: number
  /** The whole request is throttled: ProvisionedThroughputExceededException, nothing stored. */
  throttleAll?: number
}

export type RequestFault = Exclude<keyof Faults, 'throttle' | 'internal' | 'wrongShard'>
export type RecordFault = 'throttle' | 'internal' | 'wrongShard'

const REQUEST: readonly RequestFault[] = ['error', 'unavailable', 'reset', 'resetAfter', 'lostAck', 'slow', 'truncate', 'miscount', 'expired', 'throttleAll']
const RECORD: readonly RecordFault[] = ['throttle', 'internal', 'wrongShard']

export const FAULTS: readonly (keyof Faults)[] = [...RECORD, ...REQUEST]

export interface RequestPlan {
  fault: RequestFault | undefined
  /** For whatever else is left to chance in it: which half of a kind, which shard. */
  chance(): number
  /** The fault of the next record. */
  record(): RecordFault | undefined
}

/** The faults of request `index` (from 0). Reads know no faults of records. */
export function planRequest(faults: Faults, seed: number, index: number): RequestPlan {
  // Far apart, so that neighbours do not share their course.
  const { next } = seededRandom((seed ^ Math.imul(index + 1, 0x9e3779b1)) >>> 0)
  const draw = <T extends keyof Faults>(kinds: readonly T[]): T | undefined => {
    let at = next()
    for (const kind of kinds) {
      at -= faults[kind] ?? 0
      if (at < 0) return kind
    }
    return undefined
  }
  return { fault: draw(REQUEST), chance: next, record: () => draw(RECORD) }
}

/** `throttle=10%,reset=0.02`: chances, each a percentage or a number from 0 to 1. Throws UsageError. */
export function parseFaults(text: string): Faults {
  const faults: Faults = {}
  for (const part of text.split(',').filter((part) => part.trim() !== '')) {
    const [name, amount = '', ...more] = part.trim().split('=')
    const kind = FAULTS.find((known) => known === name)
    if (!kind) throw new UsageError(`--faults expected some of ${FAULTS.join(', ')}, got ${JSON.stringify(name)}${meant(name, FAULTS)}`)
    const number = /^\d+(\.\d+)?%?$/.test(amount) && more.length === 0 ? Number.parseFloat(amount) / (amount.endsWith('%') ? 100 : 1) : Number.NaN
    if (!(number >= 0 && number <= 1)) throw new UsageError(`--faults expected ${kind}=N% or a number from 0 to 1, got ${JSON.stringify(part.trim())}`)
    if (faults[kind] !== undefined) throw new UsageError(`--faults expected each fault once, got ${kind} twice`)
    faults[kind] = number
  }
  for (const kinds of [REQUEST, RECORD]) {
    if (kinds.reduce((sum, kind) => sum + (faults[kind] ?? 0), 0) > 1) throw new UsageError(`--faults expected ${kinds.join(', ')} of at most 100 % together`)
  }
  return faults
}
