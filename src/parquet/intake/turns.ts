// Calls of a writer that nobody need await one by one.
import { MillraceError } from '../../errors.js'

/** Calls one after the other; after a failure, or after the last one, none. */
export function turns(onFailure: (reason: unknown) => Promise<void> | void) {
  let tail: Promise<unknown> = Promise.resolve()
  let ended: MillraceError | undefined
  const enqueue = <T>(work: () => Promise<T>): Promise<T> => {
    const result = tail.then(async () => {
      if (ended) throw ended
      try {
        return await work()
      } catch (error) {
        ended = new MillraceError('CLOSED', 'the writer failed before', { cause: error })
        // the first failure is the one to tell
        await Promise.resolve(onFailure(error)).catch(() => {})
        throw error
      }
    })
    tail = result.catch(() => {})
    return result
  }
  return {
    next: enqueue,
    last: <T>(work: () => Promise<T>): Promise<T> =>
      enqueue(async () => {
        const result = await work()
        ended = new MillraceError('CLOSED', 'the writer was closed before')
        return result
      }),
    abort: (reason: unknown): Promise<void> => {
      const result = tail.then(async () => {
        if (ended) return
        ended = new MillraceError('CLOSED', 'the writer was aborted before')
        await onFailure(reason)
      })
      tail = result.catch(() => {})
      return result
    },
  }
}

export type Turns = ReturnType<typeof turns>
