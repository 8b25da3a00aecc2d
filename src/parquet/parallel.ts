// Row groups made by several threads. The text is cut into segments (segments.ts), segment i goes to
// thread i mod n, and what comes back is taken in the order of the segments: rows, bad records and
// errors are those of one thread.
import { compiledCore, type Engine } from '../engine/engine.js'
import { MillraceError } from '../errors.js'
import type { Thread, Threads } from '../ports/ports.js'
import type { BadRecord } from './intake.js'
import type { FinishedRowGroup } from './rowgroup.js'
import { createCutter } from './segments.js'

/** To a thread. */
export type Order = { kind: 'open'; core: object; plan: unknown } | { kind: 'text'; bytes: Uint8Array } | { kind: 'source'; name: string } | { kind: 'end' }

/** From a thread. */
export type Answer =
  | { kind: 'taken'; bytes: number }
  | { kind: 'group'; group: FinishedRowGroup }
  /** `begun`: the record's source began in an earlier segment, so its positions count from the segment's start. */
  | { kind: 'bad'; bad: BadRecord; begun: boolean }
  /** Records and lines of the last source, and whether it began in an earlier segment. */
  | { kind: 'end'; records: number; lines: number; begun: boolean }
  | { kind: 'failed'; code: string; message: string }

export interface ParallelOptions {
  threads: Threads
  count: number
  /** What a worker needs to know: structured-cloneable (worker.ts). */
  plan: unknown
  lines: number
  bytes: number
  group(group: FinishedRowGroup): Promise<void>
  /** Settles a bad record; what it throws ends the work. */
  settle(bad: BadRecord): void
}

export interface Parallel {
  write(bytes: Uint8Array): Promise<void>
  startSource(name: string): Promise<void>
  /** Resolves when all is encoded and handed over. */
  end(): Promise<void>
  abort(): Promise<void>
}

interface Segment {
  /** Of its source, where it begins; the name of that source. */
  offset: number
  source: string | undefined
  answers: Answer[]
}

interface Lane {
  thread: Thread
  /** Segments that it works on or has before it, in order. */
  segments: Segment[]
  /** Bytes of text posted and not yet taken. */
  waiting: number
}

/** Text that may wait for one thread: a segment of usual rows, so that the next thread gets its own. */
const WAITING = 64 * 1024 * 1024

export function createParallel(engine: Engine, options: ParallelOptions): Parallel {
  const cutter = createCutter(engine, options)
  const lanes: Lane[] = []
  const order: { segment: Segment; lane: Lane }[] = []
  let current: { segment: Segment; lane: Lane } | undefined
  let next = 0
  let source: string | undefined
  let offset = 0
  // of the source at hand, in segments that are done
  let records = 0
  let lines = 0
  let failure: { error: unknown } | undefined
  let ended = false
  let wake = () => {}
  let changed = new Promise<void>((resolve) => {
    wake = resolve
  })
  const signal = () => {
    wake()
    changed = new Promise((resolve) => {
      wake = resolve
    })
  }
  const until = async (done: () => boolean) => {
    for (;;) {
      if (failure) throw failure.error
      if (ended || done()) return
      await changed
    }
  }

  const open = (): Lane => {
    const lane: Lane = { thread: options.threads.start(), segments: [], waiting: 0 }
    lane.thread.post({ kind: 'open', core: compiledCore(), plan: options.plan } satisfies Order)
    void pump(lane)
    return lane
  }

  const pump = async (lane: Lane) => {
    try {
      for (;;) {
        const answer = (await lane.thread.receive()) as Answer
        if (answer.kind === 'taken') lane.waiting -= answer.bytes
        else {
          lane.segments[0].answers.push(answer)
          if (answer.kind === 'end') lane.segments.shift()
        }
        signal()
      }
    } catch (error) {
      if (!ended) failure ??= { error }
      signal()
    }
  }

  const begin = () => {
    lanes[next % options.count] ??= open()
    const lane = lanes[next++ % options.count]
    const segment: Segment = { offset, source, answers: [] }
    lane.segments.push(segment)
    current = { segment, lane }
    order.push(current)
    return current
  }

  // Takes the answers of the first segment, then of the next; alone, one at a time.
  const collect = async () => {
    for (;;) {
      await until(() => order.length > 0 && order[0].segment.answers.length > 0)
      if (ended) return
      const { segment } = order[0]
      const answer = segment.answers.shift() as Answer
      if (answer.kind === 'group') await options.group(answer.group)
      else if (answer.kind === 'bad') options.settle(answer.begun ? shifted(answer.bad, segment) : answer.bad)
      else if (answer.kind === 'failed') throw new MillraceError(answer.code as MillraceError['code'], answer.message)
      else if (answer.kind === 'end') {
        records = answer.records + (answer.begun ? records : 0)
        lines = answer.lines + (answer.begun ? lines : 0)
        order.shift()
        signal()
      }
    }
  }
  const shifted = (bad: BadRecord, segment: Segment): BadRecord => ({
    ...bad,
    source: segment.source,
    record: bad.record + records,
    offset: bad.offset + segment.offset,
    position: bad.position + segment.offset,
  })

  const collecting = collect().catch((error: unknown) => {
    failure ??= { error }
    signal()
  })

  const post = (bytes: Uint8Array, ends: boolean) => {
    const { lane } = current ?? begin()
    // the caller keeps its own
    const copy = bytes.slice()
    lane.thread.post({ kind: 'text', bytes: copy } satisfies Order, [copy.buffer])
    lane.waiting += bytes.length
    offset += bytes.length
    if (ends) close()
  }
  const close = () => {
    current?.lane.thread.post({ kind: 'end' } satisfies Order)
    current = undefined
  }

  return {
    async write(bytes) {
      const parts: [Uint8Array, boolean][] = []
      cutter.cut(bytes, (part, ends) => parts.push([part, ends]))
      for (const [part, ends] of parts) {
        const { lane } = current ?? begin()
        await until(() => lane.waiting < WAITING)
        post(part, ends)
      }
    },
    async startSource(name) {
      source = name
      offset = 0
      const { lane } = current ?? begin()
      lane.thread.post({ kind: 'source', name } satisfies Order)
    },
    async end() {
      close()
      await until(() => order.length === 0)
      await stop()
    },
    abort: stop,
  }

  async function stop(): Promise<void> {
    ended = true
    signal()
    await Promise.all([...lanes.map(({ thread }) => thread.end()), collecting])
  }
}
