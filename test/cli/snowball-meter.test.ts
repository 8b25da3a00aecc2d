import { expect, it } from 'vitest'
import type { Io } from '../../src/cli/command.js'
import { meter } from '../../src/cli/snowball/meter.js'

function terminal(columns: number) {
  let now = 0
  const shown: string[] = []
  const io = { ports: { clock: { monotonic: () => now } }, columns, progress: (line: string) => void shown.push(line) } as unknown as Io
  return { rate: meter(io, 'verified'), shown, pass: (ms: number) => (now += ms) }
}

it('a narrow terminal has how far it is before how fast it goes', () => {
  const lines = [40, 100].map((columns) => {
    const { rate, shown, pass } = terminal(columns)
    pass(2000)
    rate.tell(40_003, 250e6, 'chunk 3 of 9', 1e9)
    return shown.at(-1)
  })
  expect(lines).toEqual([
    'verified 40,003 files, 25 %, 0:06 left',
    'verified 40,003 files, 25 %, 0:06 left, 20,002 files/s, 125.0 MB/s, 250.0 MB, chunk 3 of 9',
  ])
})

it('a second pass, whose bytes count from 0 again, has its own rate and time', () => {
  const { rate, shown, pass } = terminal(60)
  pass(100_000)
  rate.tell(10, 1e9, 'chunk 1 of 1', 1e9)
  pass(2000)
  rate.tell(1, 500e6, 'a', 1e9)
  expect(shown.at(-1)).toBe('verified 1 file, 50 %, 0:02 left, 1 files/s, 250.0 MB/s')
})
