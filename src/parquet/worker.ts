// What a thread runs: a line of its own over the segments that it is sent (parallel.ts).
import { setCore } from '../engine/engine.js'
import { MillraceError } from '../errors.js'
import type { FinishedRowGroup } from './file/rowgroup.js'
import type { BadRecord } from './intake/bad-records.js'
import { turns } from './intake/turns.js'
import { createLine, type Line } from './line.js'
import type { Answer, Order } from './parallel.js'
import { settingsOf } from './writer-options.js'

/** The thread's end of its channel. */
export interface WorkerPort {
  post(message: object, transfer?: ArrayBuffer[]): void
  listen(take: (message: unknown) => void): void
}

export function serve(port: WorkerPort): void {
  const answer = (message: Answer, transfer?: ArrayBuffer[]) => port.post(message, transfer)
  let line: Line | undefined
  let begun = false // whether the source at hand began in an earlier segment

  const take = async (order: Order): Promise<void> => {
    if (order.kind === 'open') {
      if (line) await line.stop()
      else setCore(order.core)
      const onBadRecord = (bad: BadRecord) => answer({ kind: 'bad', bad, begun })
      const settings = settingsOf(order.fields, { ...order.options, onBadRecord })
      line = createLine(
        turns(() => {}),
        settings,
        async (group) => answer({ kind: 'group', group }, buffersOf(group)),
      )
      return
    }
    if (!line) return
    const { intake } = line
    if (order.kind === 'source') {
      const { name, format } = order
      await intake.startSource(name, { format, begun: order.begun })
      begun = order.begun
    } else if (order.kind === 'text') {
      await intake.write(order.bytes)
      answer({ kind: 'taken', bytes: order.bytes.length })
    } else {
      await intake.end()
      await line.endRowGroup()
      intake.restart()
      answer({ kind: 'end', ...intake.place, begun })
    }
  }

  let tail = Promise.resolve()
  let failed = false
  port.listen((message) => {
    tail = tail.then(async () => {
      if (failed) return
      try {
        await take(message as Order)
      } catch (error) {
        failed = true
        answer({ kind: 'failed', error: plain(error) })
      }
    })
  })
}

/** Errors cross as data: structured cloning would make a MillraceError an Error. */
function plain(error: unknown) {
  const message = error instanceof Error ? error.message : String(error)
  return { message, ...(error instanceof MillraceError ? { code: error.code } : {}) }
}

/** Buffers that move to the other side. A part may be a view of what another part views too. */
function buffersOf({ parts, chunks }: FinishedRowGroup): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>()
  for (const { buffer } of parts) buffers.add(buffer as ArrayBuffer)
  for (const { chunk } of chunks) if (chunk.bloom) buffers.add(chunk.bloom.buffer as ArrayBuffer)
  return [...buffers]
}
