// How records come in: when there is room, and with a spool once they are on the device. What an
// earlier run has left in the spool comes first.
import { NO_HASH, ROW_WORDS } from '../../engine/batch.js'
import type { Clock, Random } from '../../ports/ports.js'
import { randomName } from '../names.js'
import { unlessAborted } from '../service/signal.js'
import type { Account } from './account.js'
import { createPack, ROW_BYTES } from './intake.js'
import { bytesIn, type LineRows } from './ndjson-rows.js'
import type { Pack } from './pack.js'
import type { Pipeline } from './pipeline-face.js'
import type { Ticket } from './receipt.js'
import type { OpenSpool, Spool, SpooledBatch } from './spool-port.js'

export interface Admission {
  /** Takes one record in: now, and gives nothing, or when there is room. Rejects with the signal's reason, or the spool's error. */
  one(ticket: Ticket, index: number, key: string, hash: string | undefined, data: Uint8Array, signal?: AbortSignal): Promise<void> | undefined
  /** The same for records [from, to) of a list, `bytes` in all. */
  many(batch: Many, signal?: AbortSignal): Promise<void> | undefined
  /** The same for rows [from, to) over a text. */
  rows(ticket: Ticket, index: number, text: Uint8Array, rows: LineRows, from: number, to: number, signal?: AbortSignal): Promise<void> | undefined
  /** When all that was taken in so far is accepted: durable, where there is a spool. */
  accepted(): Promise<void> | undefined
  /** Opens the spool, where there is one, and takes in what it holds. Rejects where it cannot be opened or read. */
  open(): Promise<void> | undefined
  /** Names who numbers the records: the spool, or this producer alone. */
  name(): string
  /** These records have their outcomes; absent where nobody keeps them. */
  released?: (numbers: Float64Array) => void
  /** Gives up the spool's lock. */
  close(): Promise<void>
}

/** Records of a list that come in together. */
export interface Many {
  ticket: Ticket
  /** Of the first one in the ticket. */
  index: number
  records: readonly { partitionKey: string }[]
  from: number
  to: number
  /** From the first one on. */
  hashes: readonly (string | undefined)[]
  data: readonly Uint8Array[]
}

/** Bytes past which what waits for the device is a pack. */
const STAGED_BYTES = 1_048_576

/** Records of the spool have nobody who waits for them. */
const nobody = (epoch: number): Ticket => ({ epoch, bytes: 0, settle() {}, settleRows() {} })

/**
 * `pipeline` is asked for only once records come: it tells this of what is released. Aborted, `late` ends every
 * wait for the spool with its reason; what the spool was given may be in it then, for whoever opens it next.
 */
export function createAdmission(
  account: Account,
  pipeline: () => Pipeline,
  { clock, random, spool, maxBytes }: { clock: Clock; random: Random; spool: OpenSpool | undefined; maxBytes: number },
  late: AbortSignal,
): Admission {
  return spool ? spooled(account, pipeline, clock, spool, maxBytes / 4, late) : direct(account, pipeline, clock, random)
}

function direct(account: Account, pipeline: () => Pipeline, clock: Clock, random: Random): Admission {
  let number = 0
  let own: string | undefined
  return {
    one: (ticket, index, key, hash, data, signal) =>
      account.admit(
        key.length + data.length + ROW_BYTES + ticket.bytes,
        1,
        () => {
          const { pack } = pipeline()
          pack.add(key, hash, data, ticket, index, clock.monotonic(), number++)
          account.add(ticket.epoch, pack.size(pack.count - 1), 1)
          pipeline().arrived(1)
        },
        signal,
      ),
    many(batch, signal) {
      const bytes = sizeOf(batch)
      const enter = () => {
        const { pack } = pipeline()
        const first = pack.count
        addAll(pack, batch, clock.monotonic(), number)
        number += batch.to - batch.from
        account.add(batch.ticket.epoch, bytesFrom(pack, first), batch.to - batch.from)
        pipeline().arrived(batch.to - batch.from)
      }
      return account.admit(bytes, batch.to - batch.from, enter, signal)
    },
    rows: (ticket, index, text, rows, from, to, signal) => {
      const bytes = bytesIn(rows, from, to)
      return account.admit(
        bytes,
        to - from,
        () => {
          pipeline().pack.append(rows.table, from, to, text, rows.side, ticket, index, clock.monotonic(), number)
          number += to - from
          account.add(ticket.epoch, bytes, to - from)
          pipeline().arrived(to - from)
        },
        signal,
      )
    },
    accepted: () => undefined,
    open: () => undefined,
    name() {
      own ??= randomName(random)
      return own
    },
    async close() {},
  }
}

function spooled(account: Account, pipeline: () => Pipeline, clock: Clock, openSpool: OpenSpool, quarter: number, late: AbortSignal): Admission {
  let spool: Spool | undefined
  let opening: Promise<void> | undefined
  let ready = false
  let staged = createPack()
  /** Told the append of what is staged; absent where nothing is. */
  let given: ((written: Promise<void>) => void) | undefined
  /** Appends under way. */
  let appending = 0
  /** Of the last append. */
  let durable: Promise<void> | undefined

  // What comes goes to the device together: all since the last await of those who put, and all while an
  // append is under way, in packs of a size whose arrays are used again (spares.ts).
  const stage = () => {
    if (!given) {
      follow(
        new Promise((resolve) => {
          given = resolve
        }),
      )
      if (appending === 0) void Promise.resolve().then(give)
    }
    if (staged.bytes >= STAGED_BYTES) give()
  }

  const follow = (written: Promise<void>) => {
    const all = durable ? durable.then(() => written) : written
    durable = all
    // Who put looks at it; where nobody waits any more it is nobody's.
    all.catch(() => {})
    written.catch(() => {})
  }

  const give = () => {
    if (!given) return
    const batch = staged
    staged = createPack(batch.count, batch.bytes)
    given(write(batch))
    given = undefined
  }

  const write = async (batch: Pack) => {
    appending++
    try {
      const first = await unlessAborted((spool as Spool).append(batch), late)
      const { count } = batch
      batch.number(first)
      pipeline().take(batch)
      pipeline().arrived(count)
      // One by one: those that an fsync has made durable together would else be copied into one.
      if (pipeline().full) pipeline().drain(false)
    } catch (error) {
      for (let row = 0; row < batch.count; row++) account.remove(batch.tickets[batch.owners[row]].epoch, batch.size(row), 1)
      throw error
    } finally {
      appending--
      if (appending === 0) give()
    }
  }

  const replay = async () => {
    const opened = await openSpool()
    // Nobody would close it any more.
    if (late.aborted) await opened.close().catch(() => {})
    late.throwIfAborted()
    spool = opened
    if (spool.damaged) pipeline().damaged(spool.damaged)
    for await (const batch of spool.replay()) {
      for (let from = 0; from < batch.records.count; ) {
        late.throwIfAborted()
        const { pack, to } = takeSome(batch, from, nobody(account.epoch), clock.monotonic(), quarter)
        const enter = () => {
          for (let row = 0; row < pack.count; row++) account.add(pack.tickets[pack.owners[row]].epoch, pack.size(row), 1)
          const { count } = pack
          pipeline().take(pack)
          pipeline().arrived(count)
        }
        await account.admit(pack.weight, pack.count, enter, late)
        from = to
      }
    }
    ready = true
  }

  const open = () => {
    opening ??= unlessAborted(replay(), late)
    return opening
  }

  // What comes while the spool is opened, or read, goes behind what it holds, in the order of coming.
  const behind = (take: () => Promise<void> | undefined, signal: AbortSignal | undefined): Promise<void> | undefined => {
    if (ready) return take()
    const taken = open().then(() => {
      signal?.throwIfAborted()
      return take()
    })
    return unlessAborted(taken, signal)
  }

  return {
    one(ticket, index, key, hash, data, signal) {
      const enter = () => {
        staged.add(key, hash, data, ticket, index, clock.monotonic(), 0)
        account.add(ticket.epoch, staged.size(staged.count - 1), 1)
        stage()
      }
      return behind(() => account.admit(key.length + data.length + ROW_BYTES + ticket.bytes, 1, enter, signal), signal)
    },
    many(batch, signal) {
      const bytes = sizeOf(batch)
      const enter = () => {
        const first = staged.count
        addAll(staged, batch, clock.monotonic(), 0)
        account.add(batch.ticket.epoch, bytesFrom(staged, first), batch.to - batch.from)
        stage()
      }
      return behind(() => account.admit(bytes, batch.to - batch.from, enter, signal), signal)
    },
    rows(ticket, index, text, rows, from, to, signal) {
      const bytes = bytesIn(rows, from, to)
      const enter = () => {
        staged.append(rows.table, from, to, text, rows.side, ticket, index, clock.monotonic(), 0)
        account.add(ticket.epoch, bytes, to - from)
        stage()
      }
      return behind(() => account.admit(bytes, to - from, enter, signal), signal)
    },
    accepted: () => durable,
    open,
    name: () => (spool as Spool).id,
    released: (numbers) => spool?.settle(numbers),
    async close() {
      await opening?.catch(() => {})
      await durable?.catch(() => {})
      if (spool) await unlessAborted(spool.close(), late)
    },
  }
}

const addAll = (pack: Pack, { ticket, index, records, from, to, hashes, data }: Many, now: number, number: number) =>
  pack.addAll(records, from, to, hashes, data, ticket, index, now, number)

/** As `one` counts before the text is written. */
function sizeOf({ records, from, to, data }: Many): number {
  let bytes = 0
  for (let i = from; i < to; i++) bytes += records[i].partitionKey.length + data[i - from].length + ROW_BYTES
  return bytes
}

function bytesFrom(pack: Pack, first: number): number {
  let bytes = 0
  for (let row = first; row < pack.count; row++) bytes += pack.size(row)
  return bytes
}

/** Rows of the spool from `from` on, for `quarter` bytes at most, or one. */
function takeSome({ numbers, records }: SpooledBatch, from: number, ticket: Ticket, now: number, quarter: number): { pack: Pack; to: number } {
  const pack = createPack()
  const { table, heap } = records
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  let to = from
  for (; to < records.count && (to === from || pack.bytes < quarter); to++) {
    const [keyAt, keySize, hashAt, hashSize, dataAt, dataSize] = table.subarray(ROW_WORDS * to, ROW_WORDS * to + 6)
    const text = (at: number, size: number) => decoder.decode(heap.subarray(at, at + size))
    const hash = hashSize === NO_HASH ? undefined : text(hashAt, hashSize)
    pack.add(text(keyAt, keySize), hash, heap.subarray(dataAt, dataAt + dataSize), ticket, 0, now, numbers[to])
  }
  return { pack, to }
}
