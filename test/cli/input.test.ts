import { expect, it } from 'vitest'
import type { Io } from '../../src/cli/command.js'
import { untilAborted } from '../../src/cli/input.js'
import { bufferBytes } from '../memory.js'

it('standard input up to a signal holds on to no piece of it', async () => {
  const stop = new AbortController()
  const io = {
    signal: stop.signal,
    async *stdin() {
      for (;;) yield new Uint8Array(65_536)
    },
  } as unknown as Io
  let pieces = 0
  for await (const piece of untilAborted(io)) {
    expect(piece.length).toBe(65_536)
    if (++pieces === 4000) stop.abort()
    expect(pieces).toBeLessThanOrEqual(4000)
  }
  expect(pieces).toBe(4000)
  // of 262 MB
  expect(bufferBytes(130e6)).toBeLessThan(130e6)
})

it('standard input that waits ends at a signal; what it throws is thrown', async () => {
  const stop = new AbortController()
  const io = (stdin: () => AsyncGenerator<Uint8Array>) => ({ signal: stop.signal, stdin }) as unknown as Io
  const broken = untilAborted(
    io(async function* () {
      yield new Uint8Array(1)
      throw new Error('EIO')
    }),
  )
  await broken.next()
  await expect(broken.next()).rejects.toThrow('EIO')
  const silent = untilAborted(
    io(async function* () {
      await new Promise(() => {})
      yield new Uint8Array(1)
    }),
  )
  const next = silent.next()
  stop.abort()
  expect(await next).toEqual({ done: true, value: undefined })
})
