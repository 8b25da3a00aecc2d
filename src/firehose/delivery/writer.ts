// Objects on their way into the store: a few at once, each until it is there.
import { inform, MillraceError, messageOf } from '../../errors.js'
import { unlessAborted } from '../../kinesis/service/signal.js'
import { backoff } from '../../ports/backoff.js'
import type { Clock, Random } from '../../ports/ports.js'
import { createSlots } from '../../ports/slots.js'
import type { Budget } from './budget.js'
import type { DeliveryObject, ObjectStore } from './store.js'

/** What is to be written. */
export interface WriteJob {
  /** Records that are in it. */
  records: number
  /** Bytes of memory that are given back at its end. */
  held: number
  /** Makes the object; undefined where nothing is left to write. */
  make(): Promise<DeliveryObject | undefined>
  /** Told once it is stored. */
  stored(object: DeliveryObject): void
  /** Told where it is given up. */
  lost?(error: unknown): void
}

/** An object that was given up. */
export interface UnwrittenObject {
  bucket: string
  key: string
  records: number
  bytes: number
  /** What the store had to say at last. */
  error: unknown
}

export interface StoreFailure {
  bucket: string
  key: string
  /** Puts of this object that have failed in a row. */
  failures: number
  error: unknown
}

export interface Writer {
  write(job: WriteJob): void
  /** Jobs that have not ended. */
  readonly active: number
  /** Resolves once what is being written now has ended, one way or the other. */
  settled(): Promise<void>
  /** From now on an object is given up after some more failures, or one where another was given up and nothing stored since. */
  closing(): void
  readonly unwritten: readonly UnwrittenObject[]
  /** Set once an object has failed for a reason that no other try mends. */
  readonly broken: { error: unknown } | undefined
  /** Puts that failed and were tried again. */
  readonly retries: number
}

/** Objects that are made and written at once. */
const AT_ONCE = 4
/**
 * Failures of an object, once the stream closes, after which it is given up: some 30 seconds. Until something is stored again
 * the others have one try each, or hundreds of them would take hours.
 */
const LAST_TRIES = 10

/** `signal`: gives up at once. `onFailure`: told of each put that has failed. */
export function createWriter(
  store: ObjectStore,
  {
    clock,
    random,
    budget,
    signal,
    onFailure,
  }: { clock: Clock; random: Random; budget: Budget; signal: AbortSignal; onFailure?: ((failure: StoreFailure) => void) | undefined },
): Writer {
  const running = new Set<Promise<void>>()
  let active = 0
  const unwritten: UnwrittenObject[] = []
  const slots = createSlots(AT_ONCE)
  let closing = false
  /** Since an object was given up nothing has been stored. */
  let down = false
  let retries = 0
  let broken: { error: unknown } | undefined

  /** What the store said at last, where the object is given up. */
  async function put(object: DeliveryObject): Promise<{ error: unknown } | undefined> {
    let last = 0
    for (let failures = 1; ; failures++) {
      try {
        signal.throwIfAborted()
        await unlessAborted(Promise.resolve(store.put(object, signal)), signal)
        down = false
        return undefined
      } catch (error) {
        if (signal.aborted || isHopeless(error)) return { error }
        if (closing && (down || ++last >= LAST_TRIES)) {
          down = true
          return { error }
        }
        retries++
        if (onFailure) inform(() => onFailure({ bucket: object.bucket, key: object.key, failures, error }))
        await clock.sleep(backoff(failures, random), signal).catch(() => {})
      }
    }
  }

  async function run({ records, held, make, stored, lost }: WriteJob): Promise<void> {
    await slots.take()
    try {
      const object = await make()
      if (!object) return
      const given = await put(object)
      if (given && isHopeless(given.error)) broken = given
      if (!given) {
        stored(object)
        return
      }
      unwritten.push({ bucket: object.bucket, key: object.key, records, bytes: object.body.length, error: given.error })
      lost?.(given.error)
    } catch (error) {
      broken = { error }
      unwritten.push({ bucket: '', key: `an object that could not be made (${messageOf(error)})`, records, bytes: 0, error })
      lost?.(error)
    } finally {
      slots.give()
      // Who is woken by it looks at what goes on.
      active--
      budget.give(held)
    }
  }

  return {
    write(job) {
      active++
      const done = run(job).finally(() => running.delete(done))
      running.add(done)
    },
    get active() {
      return active
    },
    async settled() {
      await Promise.all(running)
    },
    closing() {
      closing = true
    },
    unwritten,
    get broken() {
      return broken
    },
    get retries() {
      return retries
    },
  }
}

/** What no try mends: a package that is not installed, a client without credentials. */
function isHopeless(error: unknown): boolean {
  return error instanceof MillraceError && (error.code === 'MISSING_PEER' || error.code === 'CONFIG')
}
