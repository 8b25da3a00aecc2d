import { expect, test } from 'vitest'
import { createQueue } from '../../src/kinesis/producer/queue.js'
import { bufferBytes } from '../memory.js'

test('first in, first out; what is put back comes first again', () => {
  const queue = createQueue<number>()
  const out: number[] = []
  for (let i = 0; i < 10_000; i++) {
    queue.push(i)
    if (i % 3 > 0) out.push(queue.shift())
  }
  queue.unshift(out.splice(-2))
  while (queue.length > 5) {
    expect(queue.peek()).toBe(out.length)
    out.push(queue.shift())
  }
  expect([...out, ...queue.clear()]).toEqual(Array.from({ length: 10_000 }, (_, i) => i))
  expect(queue.length).toBe(0)
})

test('holds nothing that has left', () => {
  const before = bufferBytes()
  const queue = createQueue<Uint8Array>()
  for (let i = 0; i < 100; i++) queue.push(new Uint8Array(1_000_000))
  for (let i = 0; i < 99; i++) queue.shift()
  expect(bufferBytes(before + 10_000_000) - before).toBeLessThan(10_000_000)
  expect(queue.length).toBe(1)
})
