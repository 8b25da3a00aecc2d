// Reads a plan some way ahead of what packs it, so that no lane waits for the walk.
import type { Left } from '../left.js'
import type { PlannedChunk } from '../plan/planned.js'

/** Members that may wait: some 200 bytes each. */
const WAITING = 100_000

/**
 * What comes out of `plan`, in its order. `planned` is told of each chunk when it is read, and of the end by undefined. Ends when
 * aborted, for which it waits for nobody: a caller's plan may come from where nothing comes any more.
 */
export async function* ahead(
  plan: AsyncIterable<PlannedChunk | Left>,
  planned: (chunk: PlannedChunk | undefined) => void,
  signal?: AbortSignal | undefined,
): AsyncGenerator<PlannedChunk | Left> {
  let queue: (PlannedChunk | Left)[] = []
  let waiting = 0
  const state = { ended: false, stopped: false }
  let failure: { error: unknown } | undefined
  let wake = () => {}
  // who reads waits for room, who packs for something: never both
  let leave = () => {}
  const aborted = new Promise<void>((resolve) => (leave = resolve))
  const abort = () => {
    state.ended = true
    leave()
    wake()
  }
  const changed = () => new Promise<void>((resolve) => (wake = resolve))

  const read = async () => {
    for await (const item of plan) {
      if (state.stopped) return
      if (item.type === 'chunk') planned(item)
      queue.push(item)
      waiting += weight(item)
      wake()
      while (waiting >= WAITING && !state.stopped) await changed()
      if (state.stopped) return
    }
    planned(undefined)
  }
  if (signal?.aborted) abort()
  signal?.addEventListener('abort', abort)
  const reading = read()
    .catch((error) => {
      failure = { error }
    })
    .finally(() => {
      state.ended = true
      wake()
    })
  try {
    for (;;) {
      const taken = queue
      queue = []
      for (const item of taken) {
        yield item
        waiting -= weight(item)
        wake()
      }
      if (taken.length > 0) continue
      if (!state.ended) await changed()
      else if (failure) throw failure.error
      else return
    }
  } finally {
    state.stopped = true
    wake()
    await Promise.race([reading, aborted])
    signal?.removeEventListener('abort', abort)
  }
}

const weight = (item: PlannedChunk | Left) => (item.type === 'chunk' ? item.members.length : 1)
