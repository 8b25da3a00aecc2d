// A spool: accepted records in the files of a directory until they have settled. Appends that come while
// the device is busy go with its next fsync; one fsync is under way at a time, and beside it the write of what goes
// with the next one.
import { checkKeys, checkWhole, MillraceError, wrongType } from '../../../errors.js'
import { backoff } from '../../../ports/backoff.js'
import type { Clock, DirectoryLock, Random, Storage } from '../../../ports/ports.js'
import { makeDurable } from '../../durable.js'
import type { OpenSpool, Spool } from '../spool-port.js'
import { createAppends, type Group } from './appends.js'
import { recover, type SpoolDamage, unsettled } from './recovery.js'
import { findSegment, type Segment, settle } from './segment.js'
import { createWriter, GROUP_BYTES, SEGMENT_BYTES } from './writer.js'

export interface FileSpoolOptions {
  /**
   * Bytes of files with records that have not settled at which put waits; default 1 GiB, at least 1 MiB. Room
   * comes back by whole files, of an eighth of this or 64 MiB, whichever is less: one record that does not settle
   * keeps all of its file for as long.
   */
  maxBytes?: number | undefined
  /**
   * Called when the spool is opened, for each place in a file where records may have been that cannot be read (see
   * below). Without it `producer.metrics().spoolDamaged` still counts them.
   */
  onDamage?: ((damage: SpoolDamage) => void) | undefined
}

/** Milliseconds between two words about settled records while nothing is appended. */
const TELL_MS = 50
/** Tries of a write or fsync that fails, each in a new file, before the spool gives up. */
const TRIES = 4

const FULL = new Set(['ENOSPC', 'EDQUOT'])
// The device or the process is out of something that others may give back.
const PASSING = new Set([...FULL, 'EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM', 'EINTR', 'EBUSY'])

/**
 * A spool in a directory of its own, which is made where it is not there. What put() has accepted is on
 * the device, fsynced, until it has settled: it survives kill -9, a power failure, a restart, and is
 * sent by the next producer that opens the directory, in the order of acceptance, whatever the clock
 * says. Records whose outcome was known in the last 50 ms before a crash may be sent again; their
 * numbers are the same. A full disk, and `maxBytes`, make put() wait until something settles, or somebody makes
 * room; a crash while the disk is full may send again more of what had settled. A failed write or fsync is
 * tried four times, each time in a new file; then put() rejects with IO and stays so.
 *
 * Nothing that cannot be read is ever deleted. The beginning of a frame in which a file ends is what a crash
 * leaves of a write that nobody was told of: it is passed over. Where bytes were changed or cut, or a file was renamed, all
 * frames that are whole are sent, the rest is told to `onDamage` and counted, and the file is kept, once what could
 * be read of it has settled, as NAME.damaged, on top of `maxBytes`, until you remove it. A renamed file is read again
 * under its first name. A power failure that keeps the end of a write and loses its middle looks the same, and costs no accepted record.
 *
 * What it cannot do: survive the loss of the device, or one that says it has flushed and has not; see that
 * a file has lost its very end, unless a later one tells. One process at a time: the next one is rejected with LOCKED, naming
 * the first one's process and host. Of a holder on another host, or in another container, only its sign of life can be seen, which it
 * gives every 2 s: opening waits for one, and takes the directory over after 10 s without. So does the restart of
 * a container that was killed. Two hosts on one directory need a file system that shows one's files to the other by then.
 *
 * `ports.storage` may be any; in Node `nodePorts` of millrace/node. Throws TypeError and RangeError for
 * bad arguments; all else at the first record.
 *
 * @example
 * import { nodePorts } from 'millrace/node'
 * const producer = createProducer({ streamName: 'flights', spool: fileSpool(nodePorts, '/var/spool/flights') })
 */
export function fileSpool(ports: { storage: Storage; clock: Clock; random: Random }, directory: string, options: FileSpoolOptions = {}): OpenSpool {
  if (typeof ports?.storage?.create !== 'function' || typeof ports.clock?.sleep !== 'function' || typeof ports.random?.next !== 'function')
    throw wrongType('ports', 'ports with a storage, a clock and random', ports)
  if (typeof directory !== 'string' || directory === '') throw wrongType('directory', 'the path of a directory', directory)
  if (options === null || typeof options !== 'object') throw wrongType('options', 'an object', options)
  checkKeys('options', options, ['maxBytes', 'onDamage'])
  const { maxBytes = 1_073_741_824, onDamage } = options
  checkWhole('maxBytes', maxBytes, 1_048_576, Number.MAX_SAFE_INTEGER)
  if (onDamage !== undefined && typeof onDamage !== 'function') throw wrongType('onDamage', 'a function', onDamage)
  return async () => {
    try {
      return await open(ports, directory.replace(/(?<=.)\/+$/, ''), maxBytes, onDamage)
    } catch (error) {
      throw failureOf(error)
    }
  }
}

const failureOf = (error: unknown) =>
  error instanceof MillraceError ? error : new MillraceError('IO', `the spool fails: ${(error as Error)?.message ?? error}`, { cause: error })

async function open(
  { storage, clock, random }: { storage: Storage; clock: Clock; random: Random },
  directory: string,
  maxBytes: number,
  onDamage: FileSpoolOptions['onDamage'],
): Promise<Spool> {
  await makeDurable(storage, directory, 'the spool')
  const lock: DirectoryLock | undefined = await storage.lock?.(directory)
  try {
    const found = await recover(storage, random, directory)
    for (const damage of found.damage) onDamage?.(damage)
    return run({ storage, clock, random, directory, maxBytes, lock, ...found })
  } catch (error) {
    await lock?.release().catch(() => {})
    throw error
  }
}

interface Running extends Awaited<ReturnType<typeof recover>> {
  storage: Storage
  clock: Clock
  random: Random
  directory: string
  maxBytes: number
  lock: DirectoryLock | undefined
}

function run({ storage, clock, random, directory, maxBytes, lock, id, segments, generation, ...found }: Running): Spool {
  let { next } = found
  const segmentBytes = Math.min(SEGMENT_BYTES, Math.ceil(maxBytes / 8))
  const earlier = [...segments]
  const writer = createWriter({ storage, directory, id, segmentBytes, segments, generation, next: () => next })
  const appends = createAppends(Math.min(GROUP_BYTES, Math.ceil(segmentBytes / 4)))
  /** Ends a wait for the device early. */
  let waiting: AbortController | undefined
  let running: Promise<void> | undefined
  let failed: unknown
  let closed = false
  let toldAt = Number.NEGATIVE_INFINITY
  let timer = false
  let again = false

  const bytes = () => segments.reduce((sum, s) => sum + (s.left > 0 ? s.bytes : 0), 0)

  const gather = (flying: number) => {
    // Let in, and not yet among what the files hold.
    let coming = flying
    return appends.gather((append) => {
      const held = bytes() + coming
      if (held > 0 && held + append.size > maxBytes) return false
      coming += append.size
      append.first = next
      next += append.batch.count
      return true
    })
  }

  // Writes anew what has failed, until it is durable, or nobody can wait for it any longer.
  const insist = async (groups: readonly Group[], tell: boolean, failure: unknown) => {
    for (let tries = 1, error = failure; ; tries++) {
      await writer.drop()
      const code = String((error as { code?: unknown })?.code)
      const passing = PASSING.has(code)
      const full = FULL.has(code)
      if (tries >= TRIES && !passing) throw error
      if (tries >= TRIES && closed)
        throw groups.length > 0 ? new MillraceError('CLOSED', `the spool was closed while it waited: ${(error as Error).message}`, { cause: error }) : error
      waiting = new AbortController()
      await clock.sleep(backoff(tries, random, 10, 1_000), waiting.signal).catch(() => {})
      try {
        // What has settled meanwhile may give the room that is missing.
        if (full) await writer.makeRoom(groups[0]?.first ?? next)
        const [first, ...rest] = groups
        await writer.write(first, tell || full)
        for (const group of rest) await writer.write(group, false)
        await writer.sync()
        return
      } catch (again) {
        error = again
      }
    }
  }

  /** A group, if there is one, that is written and not durable yet. */
  interface Flight {
    group: Group | undefined
    tell: boolean
    landed: Promise<void>
  }

  const work = async () => {
    for (let flight: Flight | undefined; ; ) {
      const group = gather(flight?.group?.size ?? 0)
      const tell = writer.untold && (closed || clock.monotonic() - toldAt >= TELL_MS)
      const more = group !== undefined || tell
      if (!more && !flight) return
      if (tell) toldAt = clock.monotonic()
      const [landed, written] = await Promise.allSettled([flight?.landed, more ? writer.write(group, tell) : undefined])
      const broken = [landed, written].find((result) => result.status === 'rejected')
      if (broken) {
        const groups = [landed.status === 'rejected' ? flight?.group : undefined, group].filter((one) => one !== undefined)
        try {
          await insist(groups, tell || flight?.tell === true, broken.reason)
        } catch (error) {
          for (const lost of groups) lost.fail(failureOf(error))
          throw error
        }
        for (const saved of groups) saved.done()
        flight = undefined
      } else if (more) {
        flight = { group, tell, landed: writer.sync().then(() => group?.done()) }
        // awaited above
        flight.landed.catch(() => {})
      } else flight = undefined
      await writer.sweep()
    }
  }

  const kick = () => {
    if (failed !== undefined) return
    again = running !== undefined
    running ??= work()
      .catch((error) => {
        failed = failureOf(error)
        appends.fail(failed)
      })
      .finally(() => {
        running = undefined
        // what came when work() had looked for the last time
        if (again) kick()
        else if (writer.untold) tellSoon()
      })
  }

  // Nobody waits for it: a moment later it goes together with what settles until then.
  const tellSoon = () => {
    if (timer || closed || failed !== undefined) return
    timer = true
    void clock.sleep(TELL_MS).then(() => {
      timer = false
      if (!closed) kick()
    })
  }

  return {
    id,
    damaged: found.damage.length,
    get bytes() {
      return bytes()
    },
    async *replay() {
      try {
        yield* unsettled(storage, directory, earlier, (segment) => !segments.includes(segment))
      } catch (error) {
        throw failureOf(error)
      }
    },
    async append(batch) {
      if (closed) throw new MillraceError('CLOSED', 'the spool is closed')
      if (failed !== undefined) throw failed
      if (batch.count === 0) return next
      const done = appends.add(batch)
      kick()
      return done
    },
    settle(numbers) {
      let segment: Segment | undefined
      for (const number of numbers) {
        if (!segment || number < segment.first || number >= segment.end) segment = findSegment(segments, number)
        if (segment) settle(segment, number)
      }
      tellSoon()
      if (appends.waiting) kick()
    },
    async close() {
      closed = true
      waiting?.abort()
      while (running) await running
      appends.fail(new MillraceError('CLOSED', 'the spool is closed'))
      try {
        if (writer.untold) kick()
        while (running) await running
        await writer.close()
      } finally {
        await lock?.release()
      }
      if (failed !== undefined) throw failed
    },
  }
}
