import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { createQueue } from '../../src/kinesis/producer/queue.js'

test('first in, first out, over any number of turns', () => {
  const queue = createQueue<number>()
  let next = 0
  let oldest = 0
  for (let round = 0; round < 3_000; round++) {
    for (let i = 0; i < round % 7; i++) queue.push(next++)
    for (let i = 0; i < round % 5 && queue.length > 0; i++) {
      expect(queue.peek()).toBe(oldest)
      expect(queue.shift()).toBe(oldest++)
    }
    expect(queue.length).toBe(next - oldest)
  }
  expect(oldest).toBeGreaterThan(4_000)
})

test('what has left is not held', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const queue = createQueue<object>()
  const left = Array.from({ length: 3 }, () => {
    queue.push({})
    return new WeakRef(queue.shift())
  })
  queue.push({})
  // A WeakRef that was just made is held until the turn ends.
  await new Promise((resolve) => setImmediate(resolve))
  collect()
  expect(left.map((item) => item.deref())).toEqual([undefined, undefined, undefined])
  expect(queue.length).toBe(1)
})
