// The producer between other people's streams: a WritableStream, and an iterable in, one out.
import { checkKeys, wrongType } from '../../errors.js'
import { checkSignal, type SignalOptions, unlessAborted } from '../service/signal.js'
import { createQueue } from './queue.js'
import type { BatchReceipt, Outcome, Receipt } from './receipt.js'
import type { ProducerRecord } from './record.js'

// A consumer with lib ES2022 alone has no streams; where they are declared, this adds nothing.
declare global {
  // biome-ignore lint/suspicious/noExplicitAny: as lib.dom.d.ts declares it, else the two would not merge
  interface WritableStream<W = any> {}
}

/** What these ask of a producer. */
interface Intake {
  put(record: ProducerRecord, options: SignalOptions): Promise<Receipt>
  putBatch(records: readonly ProducerRecord[], options: SignalOptions): Promise<BatchReceipt>
  flush(options: SignalOptions): Promise<void>
}

/** A record and what became of it. */
export interface Sent {
  record: ProducerRecord
  outcome: Outcome
}

export interface WritableOptions {
  /** Told of each record as it settles; what it throws errors the stream; without it outcomes are only counted, in metrics(). */
  settled?: ((outcome: Outcome, record: ProducerRecord) => void) | undefined
  /** Errors the stream with its reason, and ends the wait of its close: what was written goes on. */
  signal?: AbortSignal | undefined
}

/** Records under way in send() at most, whatever the buffer's bounds: their outcomes wait in order. */
const WINDOW = 65_536

/** Producer.send */
export function sending(
  producer: Intake,
  source: AsyncIterable<ProducerRecord> | Iterable<ProducerRecord>,
  signal: AbortSignal | undefined,
  most: number,
): AsyncGenerator<Sent> {
  const { [Symbol.asyncIterator]: async, [Symbol.iterator]: plain } = Object(source)
  if (typeof source === 'string' || typeof (async ?? plain) !== 'function') throw wrongType('source', 'an iterable of records', source)
  return give(producer, () => (async ?? plain).call(source), signal, Math.min(WINDOW, most))
}

async function* give(
  producer: Intake,
  iterate: () => AsyncIterator<ProducerRecord> | Iterator<ProducerRecord>,
  signal: AbortSignal | undefined,
  room: number,
): AsyncGenerator<Sent> {
  const window = createQueue<{ record: ProducerRecord; receipt: Receipt }>()
  let wake = () => {}
  let ended = false
  /** The source has ended or failed: there is nothing to stop. */
  let done = false
  let left = false
  let failure: { error: unknown } | undefined
  const change = () => unlessAborted(new Promise<void>((resolve) => (wake = resolve)), signal)
  const records = iterate()
  const next = async () => {
    try {
      const item = await records.next()
      if (item.done) done = true
      return item
    } catch (error) {
      done = true
      throw error
    }
  }
  // Takes in on its own: who waits for the first outcome would else keep the second record out.
  const feed = async () => {
    while (!left) {
      const { value } = await next()
      if (done || left) return
      window.push({ record: value, receipt: await producer.put(value, { signal }) })
      wake()
      while (window.length >= room && !left) await change()
    }
  }
  feed()
    .catch((error: unknown) => {
      failure = { error }
    })
    .finally(() => {
      ended = true
      wake()
    })
  try {
    for (;;) {
      if (window.length > 0) {
        const { record, receipt } = window.shift()
        yield { record, outcome: await unlessAborted(receipt.outcome, signal) }
        wake()
      } else if (ended) break
      else await change()
    }
    if (failure) throw failure.error
  } finally {
    left = true
    wake()
    // Not waited for: a source may be in the middle of a wait of its own.
    const stop = async () => records.return?.()
    if (!done) stop().catch(() => {})
  }
}

/** Producer.writable */
export function writableOf(producer: Intake, options: WritableOptions = {}): WritableStream<ProducerRecord | readonly ProducerRecord[]> {
  if (options === null || typeof options !== 'object') throw wrongType('options', 'an object', options)
  checkKeys('options', options, ['settled', 'signal'])
  const { settled, signal } = options
  if (settled !== undefined && typeof settled !== 'function') throw wrongType('options.settled', 'a function', settled)
  checkSignal(signal)
  let open = 0
  let idle = () => {}
  let failure: { error: unknown } | undefined
  let controller: { error(reason: unknown): void } | undefined
  const stop = () => controller?.error(signal?.reason)
  const tell = (records: readonly ProducerRecord[], { outcomes }: BatchReceipt) => {
    open++
    outcomes
      .then((all) => {
        if (settled) for (let i = 0; i < records.length; i++) settled(all.at(i), records[i])
      })
      .catch((error: unknown) => {
        failure ??= { error }
        controller?.error(error)
      })
      .finally(() => {
        if (--open === 0) idle()
      })
  }
  return new WritableStream({
    start(given) {
      controller = given
      if (signal?.aborted) stop()
      signal?.addEventListener('abort', stop, { once: true })
    },
    async write(chunk) {
      const records = Array.isArray(chunk) ? (chunk as readonly ProducerRecord[]) : [chunk as ProducerRecord]
      tell(records, await producer.putBatch(records, { signal }))
    },
    async close() {
      try {
        await producer.flush({ signal })
        // The outcomes of the last ones are told by promises that come after flush()'s.
        while (open > 0) await new Promise<void>((resolve) => (idle = resolve))
      } finally {
        signal?.removeEventListener('abort', stop)
      }
      if (failure) throw failure.error
    },
    abort: () => signal?.removeEventListener('abort', stop),
  })
}
