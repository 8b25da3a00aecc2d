// Work that waits for devices, several at a time: whoever hands it in waits only for room.

export interface Flow {
  /** Begins `work` as soon as there is room for it and its `bytes`; rejects with the first failure of any work before. */
  run(bytes: number, work: () => Promise<void>): Promise<void>
  /** Throws the first failure, if there was one. */
  check(): void
  /** Waits for all; rejects with the first failure. */
  idle(): Promise<void>
  /** Waits for all, failed or not. */
  settled(): Promise<void>
}

/** At most `count` works at a time, of together at most `bytes` bytes; one alone may have more. */
export function createFlow(count: number, bytes: number): Flow {
  const running = new Set<Promise<void>>()
  let held = 0
  let failure: { reason: unknown } | undefined
  const check = () => {
    if (failure) throw failure.reason
  }
  return {
    check,
    async run(size, work) {
      check()
      while (running.size >= count || (running.size > 0 && held + size > bytes)) {
        await Promise.race(running)
        check()
      }
      held += size
      const done = work()
        .catch((reason: unknown) => {
          failure ??= { reason }
        })
        .finally(() => {
          held -= size
          running.delete(done)
        })
      running.add(done)
    },
    async idle() {
      while (running.size > 0) await Promise.all(running)
      check()
    },
    async settled() {
      while (running.size > 0) await Promise.all(running)
    },
  }
}
