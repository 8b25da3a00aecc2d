// A pack as its users see it: accepted records as packed rows, each with the ticket that its outcome goes to.
import type { RecordBatch } from '../../types.js'
import type { Past } from '../service/attempt.js'
import type { Ticket } from './receipt.js'

export interface Pack extends RecordBatch {
  /** Tickets of the rows, and for each row which. */
  readonly tickets: readonly Ticket[]
  readonly owners: Uint32Array
  /** Index within the ticket. */
  readonly indices: Uint32Array
  /** Monotonic milliseconds at acceptance. */
  readonly since: Float64Array
  /** In the order of acceptance, over all packs. */
  readonly numbers: Float64Array
  /** Payload and keys. */
  readonly bytes: number
  /** What all its rows count for against the buffer's limit. */
  readonly weight: number
  /** A new one, empty, with room for as much as this one has come to hold; this one gets no more rows. */
  next(): Pack
  /** So many rows need nothing of it any more. When none does, and it gets none, its arrays are another's. */
  leave(rows: number): void
  /** How it fared before it came into this pack. */
  past(row: number): Past | undefined
  /** Whether any row has such a past. */
  readonly pasts: boolean
  /** Bytes that one row counts for against the buffer's limit. */
  size(row: number): number
  /** Bytes of its key, hash key and data. */
  textSize(row: number): number
  data(row: number): Uint8Array
  key(row: number): string
  hash(row: number): string | undefined
  /** One new row; `key` and `hash` as text. */
  add(key: string, hash: string | undefined, data: Uint8Array, ticket: Ticket, index: number, since: number, number: number): void
  /** As many new rows, their keys in one text; `data` and `hashes` by index from `from` on. */
  addAll(
    records: readonly { partitionKey: string }[],
    from: number,
    to: number,
    hashes: readonly (string | undefined)[],
    data: readonly Uint8Array[],
    ticket: Ticket,
    index: number,
    since: number,
    number: number,
  ): void
  /** Rows [from, to) of a table over `text`, all there is of it in one piece; what lies behind its end is in `side`. */
  append(table: Uint32Array, from: number, to: number, text: Uint8Array, side: Uint8Array, ticket: Ticket, index: number, since: number, number: number): void
  /** All rows of another pack, whose tickets and times they keep. */
  absorb(from: Pack): void
  /** Numbers all its rows. */
  number(first: number): void
  /** All rows of another pack, in front of those that are here; for one that is small, and whose rows have no past. The other one is done with. */
  prepend(from: Pack): void
  /** Nothing of it is needed any more: its arrays are another's. */
  discard(): void
  /** Row of another pack, taken over with its ticket. */
  move(from: Pack, row: number, past: Past | undefined): void
}
