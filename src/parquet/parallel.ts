// Row groups made by several threads. The text is cut into segments (segments.ts), segment i goes to
// thread i mod n, and what comes back is taken in the order of the segments: rows, bad records and
// errors are those of one thread.
import type { Format } from '../engine/columns.js'
import { compiledCore, createEngine } from '../engine/engine.js'
import { type ErrorCode, MillraceError } from '../errors.js'
import type { Thread, Threads } from '../ports/ports.js'
import type { Field } from '../types.js'
import type { FinishedRowGroup } from './file/rowgroup.js'
import type { BadRecord } from './intake/bad-records.js'
import { createCutter } from './intake/segments.js'
import type { WriterSettings } from './writer-options.js'

/** To a thread. */
export type Order =
  | { kind: 'open'; core: object; fields: readonly Field[]; options: object }
  /** What follows is of this source; `begun`: not from its start. */
  | { kind: 'source'; name: string | undefined; format: Format; begun: boolean }
  | { kind: 'text'; bytes: Uint8Array }
  /** The segment ends. */
  | { kind: 'end' }

/** From a thread. */
export type Answer =
  | { kind: 'taken'; bytes: number }
  | { kind: 'group'; group: FinishedRowGroup }
  /** `begun`: the record's source began in an earlier segment, so its positions count from the start of this one. */
  | { kind: 'bad'; bad: BadRecord; begun: boolean }
  /** The segment is done: records and line feeds of its last source. */
  | { kind: 'end'; records: number; lines: number; begun: boolean }
  | { kind: 'failed'; error: { message: string; code?: ErrorCode } }

export interface Parallel {
  write(bytes: Uint8Array): Promise<void>
  startSource(name: string): Promise<void>
  /** All that was written is encoded and handed over; what follows is a segment of its own. */
  flush(): Promise<void>
  /** Hands the threads back, or ends them where they have work. */
  stop(): Promise<void>
}

interface Segment {
  lane: Lane
  /** Of its source, where it begins. */
  offset: number
  source: string | undefined
  answers: Answer[]
}

interface Lane {
  thread: Thread
  /** Segments that it has before it, in order. */
  segments: Segment[]
  /** Bytes of text posted and not yet taken. */
  waiting: number
}

/** Text that may wait for one thread: a segment of usual rows, so that the next thread gets its own. */
const WAITING = 64 * 1024 * 1024
/** Text posted at a time. */
const PIECE = 1024 * 1024
/** Segments that may be under way, a thread. */
const AHEAD = 4
/** Bytes of what threads have made that may wait, a thread: for that of earlier segments, or for a sink that is slower than they are. */
const MADE = 32 * 1024 * 1024
/** Of a bad record, its text aside. */
const BAD = 512

/**
 * `options` is what a thread makes its settings of, beside the fields: structured-cloneable. `settle` is told bad
 * records; what it or `group` throws ends the work, as what a thread fails of does.
 */
export function createParallel(
  threads: Threads,
  count: number,
  options: object,
  { fields, limits, format = 'auto' }: WriterSettings,
  group: (group: FinishedRowGroup) => Promise<void>,
  settle: (bad: BadRecord) => void | Promise<void>,
): Parallel {
  const headBytes = limits.maxRecordBytes
  const engine = createEngine()
  const cutter = createCutter(engine, { lines: limits.rowGroupRows, bytes: limits.rowGroupBytes }, headBytes)
  const lanes: Lane[] = []
  const order: Segment[] = [] // not yet done
  let current: Segment | undefined
  let next = 0
  const source = { name: undefined as string | undefined, offset: 0, format: undefined as Format | undefined }
  let head = new Uint8Array(0) // of a source whose format is not settled
  let have = 0 // bytes in it
  let need = 0 // so many are worth a look
  let made = 0 // bytes of answers that wait
  const done = { records: 0, lines: 0 } // of the first segment's source, in segments before it
  let failure: { error: unknown } | undefined
  let stopped = false

  let wake = () => {}
  let changed = Promise.resolve()
  const signal = () => {
    wake()
    changed = new Promise((resolve) => {
      wake = resolve
    })
  }
  signal()
  const fail = (error: unknown) => {
    failure ??= { error }
    signal()
  }
  const until = async (ready: () => boolean) => {
    for (;;) {
      if (failure) throw failure.error
      if (stopped || ready()) return
      await changed
    }
  }
  /** until(), for a call: threads keep the process alive while one waits for them, and no longer. */
  const wait = async (ready: () => boolean) => {
    if (!failure && ready()) return
    for (const { thread } of lanes) thread.hold(true)
    try {
      await until(ready)
    } finally {
      for (const { thread } of lanes) thread.hold(false)
    }
  }

  const open = (): Lane => {
    const lane: Lane = { thread: threads.start(), segments: [], waiting: 0 }
    lane.thread.post({ kind: 'open', core: compiledCore(), fields, options } satisfies Order)
    pump(lane).catch((cause) => stopped || fail(new MillraceError('IO', `a thread failed: ${cause instanceof Error ? cause.message : cause}`, { cause })))
    return lane
  }
  const pump = async (lane: Lane): Promise<never> => {
    for (;;) {
      const answer = (await lane.thread.receive()) as Answer
      if (answer.kind === 'taken') lane.waiting -= answer.bytes
      else lane.segments[0].answers.push(answer)
      made += weight(answer)
      if (answer.kind === 'end') lane.segments.shift()
      signal()
    }
  }

  const collect = async () => {
    for (;;) {
      await until(() => order.length > 0 && order[0].answers.length > 0)
      if (stopped) return
      const segment = order[0]
      const answer = segment.answers.shift() as Answer
      if (answer.kind === 'group') await group(answer.group)
      else if (answer.kind === 'bad') await settle(answer.begun ? shifted(answer.bad, segment) : answer.bad)
      else if (answer.kind === 'failed') throw new MillraceError(answer.error.code ?? 'IO', answer.error.message)
      else if (answer.kind === 'end') {
        done.records = answer.records + (answer.begun ? done.records : 0)
        done.lines = answer.lines + (answer.begun ? done.lines : 0)
        order.shift()
      }
      made -= weight(answer)
      signal()
    }
  }
  const shifted = (bad: BadRecord, { offset, source: name }: Segment): BadRecord => ({
    ...(name === undefined ? {} : { source: name }),
    ...bad,
    record: bad.record + done.records,
    line: bad.line + done.lines,
    offset: bad.offset + offset,
    position: bad.position + offset,
  })
  const collecting = collect().catch(fail)

  const post = (segment: Segment, message: Order, transfer?: ArrayBuffer[]) => segment.lane.thread.post(message, transfer)
  const segment = async (): Promise<Segment> => {
    if (!current) {
      await wait(() => order.length < AHEAD * count)
      const number = next++ % count
      lanes[number] ??= open()
      const lane = lanes[number]
      current = { lane, offset: source.offset, source: source.name, answers: [] }
      lane.segments.push(current)
      order.push(current)
      if (source.format) post(current, { kind: 'source', name: source.name, format: source.format, begun: source.offset > 0 })
    }
    return current
  }
  const close = () => {
    if (current) post(current, { kind: 'end' })
    current = undefined
  }
  /** Ends the segment for another reason than its size. */
  const cutShort = () => {
    close()
    cutter.restart()
  }

  /** Text of a source whose format is settled. */
  const send = async (bytes: Uint8Array) => {
    const parts = source.format === 'lines' ? cutter.cut(bytes) : [{ part: bytes, ends: false }]
    for (const { part, ends } of parts) {
      for (let at = 0; at < part.length; at += PIECE) {
        const to = await segment()
        await wait(() => to.lane.waiting < WAITING && made < MADE * count)
        // the caller keeps its own
        const copy = new Uint8Array(part.subarray(at, at + PIECE))
        to.lane.waiting += copy.length
        source.offset += copy.length
        post(to, { kind: 'text', bytes: copy }, [copy.buffer])
      }
      if (ends) close()
    }
  }

  /** Settles the format of the source, as far as its first bytes tell, and sends them. */
  const begin = async (final: boolean) => {
    if (have === 0) return
    const text = head.subarray(0, have)
    const settled = cutter.format(text, format, final)
    // twice as much for the next look, so that the work stays in proportion to the text
    need = 2 * have
    if (!settled && have < headBytes && !final) return
    // what takes more text than a record may have is no lines
    source.format = settled ?? format
    if (source.format !== 'lines') cutShort()
    if (current) post(current, { kind: 'source', name: source.name, format: source.format, begun: false })
    head = new Uint8Array(0)
    have = need = 0
    await send(text)
  }

  return {
    async write(bytes) {
      if (failure) throw failure.error
      if (source.format) return send(bytes)
      const take = Math.min(bytes.length, headBytes - have)
      if (have + take > head.length) {
        const larger = new Uint8Array(Math.max(have + take, Math.min(headBytes, 2 * have)))
        larger.set(head)
        head = larger
      }
      head.set(bytes.subarray(0, take), have)
      have += take
      if (have >= need || have === headBytes) await begin(false)
      if (take < bytes.length) await send(bytes.subarray(take))
    },
    async startSource(name) {
      await begin(true)
      if (source.format !== undefined && source.format !== 'lines') cutShort()
      Object.assign(source, { name, offset: 0, format: undefined })
    },
    async flush() {
      await begin(true)
      cutShort()
      await wait(() => order.length === 0)
    },
    async stop() {
      stopped = true
      signal()
      const busy = failure !== undefined || current !== undefined || order.length > 0
      const ends = lanes.splice(0).map(({ thread }) => (busy ? thread.end() : thread.keep()))
      engine.release()
      await Promise.all([...ends, collecting])
    },
  }
}

function weight(answer: Answer): number {
  if (answer.kind === 'bad') return answer.bad.text.length + BAD
  return answer.kind === 'group' ? answer.group.bytes : 0
}
