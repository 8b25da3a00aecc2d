import { expect, it } from 'vitest'
import type { Io } from '../../src/cli/command.js'
import type { Piece } from '../../src/cli/input.js'
import { meter } from '../../src/cli/meter.js'

async function lines(total: number | undefined, bad = 0) {
  const shown: string[] = []
  let now = 0
  const io = { progress: (line: string) => void shown.push(line), ports: { clock: { monotonic: () => now } } } as unknown as Io
  const watch = meter(io, 'parquet', total, () => bad)
  const pieces = async function* (): AsyncGenerator<Piece> {
    for (let i = 1; i <= 3; i++) yield { source: 'a', first: i === 1, bytes: new Uint8Array(2e6), taken: i * 1e6 }
  }
  // so long the work on each takes
  for await (const _ of watch.watch(pieces())) now += 700
  return { shown, read: watch.read }
}

it('tells bytes, speed, how much is done and what is left', async () => {
  const { shown, read } = await lines(90e6, 5)
  expect(shown).toEqual([
    'parquet: 2.0 MB read, 3 MB/s, 1 %, 5 bad records',
    'parquet: 4.0 MB read, 3 MB/s, 2 %, 1:02 left, 5 bad records',
    'parquet: 6.0 MB read, 3 MB/s, 3 %, 1:01 left, 5 bad records',
  ])
  expect(read).toBe(6e6)
})

it('of what has no size, bytes and speed', async () => {
  expect((await lines(undefined)).shown[1]).toBe('parquet: 4.0 MB read, 3 MB/s')
})
