// Records that are given up: handed to the sink with all that happened to them, before their outcomes settle.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { DeadLetter } from '../../src/kinesis/dead-letter.js'
import { openDeadLetterFile } from '../../src/kinesis/dead-letter-file.js'
import { createProducer } from '../../src/kinesis/producer/producer.js'
import type { ProducerOptions } from '../../src/kinesis/producer/producer-options.js'
import { after, attemptsOf, join as joined, type Past } from '../../src/kinesis/service/attempt.js'
import { nodeStorage } from '../../src/ports/node-storage.js'
import type { Storage } from '../../src/ports/ports.js'
import { createSimulation } from '../../src/ports/simulated.js'
import { createFakeStream, serviceError } from './fake.js'

function world(seed: number, shards: number, options: Partial<ProducerOptions> = {}) {
  const simulation = createSimulation(seed)
  const stream = createFakeStream(shards, simulation.clock, simulation.random)
  const letters: DeadLetter[] = []
  const deadLetter = async (more: readonly DeadLetter[]) => {
    await simulation.clock.sleep(1)
    letters.push(...more)
  }
  const producer = createProducer({ streamName: 's', client: stream.client, commands: stream.commands, ports: simulation, deadLetter, ...options })
  return { ...simulation, stream, producer, letters }
}

const text = (data: Uint8Array) => new TextDecoder().decode(data)

test('what expires is handed over with every attempt, then its outcome settles', async () => {
  const { run, stream, clock, producer, letters } = world(1, 1, { recordTtl: 2_000 })
  stream.faults.serverError = 1
  await run(
    (async () => {
      const { outcome } = await producer.put({ partitionKey: 'AMS', explicitHashKey: 7n, data: 'x' })
      const settled = await outcome
      expect(letters).toHaveLength(1)
      const [{ attempts, ...letter }] = letters
      expect({ ...letter, data: text(letter.data) }).toEqual({
        partitionKey: 'AMS',
        explicitHashKey: '7',
        data: 'x',
        code: 'EXPIRED',
        message: 'not delivered within 2000 ms; last InternalFailure',
        uncertain: true,
        attemptCount: attempts.length,
      })
      expect(settled).toMatchObject({ status: 'failed', code: 'EXPIRED', deadLettered: true, attempts: attempts.length })
      expect(attempts.length).toBeGreaterThan(3)
      for (const [i, attempt] of attempts.entries()) {
        expect(attempt).toMatchObject({ code: 'InternalFailure', uncertain: true })
        expect(attempt.milliseconds).toBeGreaterThan(0)
        if (i > 0) expect(attempt.at).toBeGreaterThan(attempts[i - 1].at)
        expect(attempt.at).toBeLessThanOrEqual(clock.now())
      }
      await producer.close()
      expect(producer.metrics()).toMatchObject({ failed: 1, deadLettered: 1, bufferedRecords: 0 })
    })(),
  )
})

test.each(['in an aggregate', 'before the shards are known'])('a record that expires %s goes alone: those that came later live on', async (where) => {
  const { run, stream, clock, producer, letters } = world(2, 1, { recordTtl: 3_000, maxBufferedTime: 1_000, requestTimeout: 2_100 })
  const { PutRecords, ListShards } = stream.handlers
  const name = where === 'in an aggregate' ? 'PutRecords' : 'ListShards'
  // Up to a time between the ends of their lives.
  stream.handlers[name] = (input, signal) => {
    if (clock.monotonic() < 3_050) return clock.sleep(10_000, signal)
    return name === 'PutRecords' ? PutRecords(input, signal) : ListShards(input)
  }
  await run(
    (async () => {
      const first = await producer.put({ partitionKey: 'a', data: '1' })
      await clock.sleep(900)
      const second = await producer.put({ partitionKey: 'a', data: '2' })
      expect(await first.outcome).toMatchObject({ code: 'EXPIRED', deadLettered: true })
      expect(await second.outcome).toMatchObject({ status: 'delivered', attempts: where === 'in an aggregate' ? 2 : 1 })
      await producer.close()
    })(),
  )
  expect(letters.map(({ data }) => text(data))).toEqual(['1'])
})

test('what the service refuses, and what no record can be', async () => {
  const { run, stream, producer, letters } = world(3, 1)
  stream.handlers.PutRecords = () => {
    throw serviceError('AccessDeniedException', 400, 'no')
  }
  await run(
    (async () => {
      const one = await producer.put({ partitionKey: '', data: 'no key' })
      expect(await one.outcome).toMatchObject({ code: 'BAD_PARTITION_KEY', deadLettered: true, attempts: 0 })
      const lines = await producer.putNdjson(new TextEncoder().encode('{"id":"a"}\n{"id":\n'), { partitionKey: 'id' })
      await producer.close()
      expect([...(await lines.outcomes).failures()].map(({ code, deadLettered }) => [code, deadLettered])).toEqual([
        ['AccessDeniedException', true],
        ['BAD_JSON', true],
      ])
    })(),
  )
  expect(letters.map(({ code, data, position, attempts }) => [code, text(data), position, attempts.map((a) => a.code)])).toEqual([
    ['BAD_PARTITION_KEY', 'no key', undefined, []],
    ['BAD_JSON', '{"id":', { record: 1, line: 2, offset: 11 }, []],
    ['AccessDeniedException', '{"id":"a"}', undefined, ['AccessDeniedException']],
  ])
})

test('a sink that fails is asked again; one that never takes them does not hold the producer for ever', async () => {
  for (const [failures, kept] of [
    [3, true],
    [Number.POSITIVE_INFINITY, false],
  ] as const) {
    let calls = 0
    const deadLetter = () => {
      if (calls++ < failures) throw new Error('disk full')
    }
    const { run, producer, clock } = world(4, 1, { deadLetter, maxRecordSize: 64 })
    const outcome = await run(
      (async () => {
        const receipt = await producer.put({ partitionKey: 'k', data: new Uint8Array(100) })
        await producer.close()
        return receipt.outcome
      })(),
    )
    expect(outcome).toMatchObject({ code: 'RECORD_TOO_LARGE', deadLettered: kept })
    expect(calls).toBe(kept ? 4 : 10)
    expect(clock.monotonic()).toBeLessThan(60_000)
  }
})

test('a slow sink holds up whoever puts, in bounded memory', async () => {
  let open = () => {}
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  const { run, clock, stream, producer } = world(5, 1, { deadLetter: () => gate, maxBufferedRecords: 100 })
  stream.faults.throttle = 1
  stream.handlers.PutRecords = () => {
    throw serviceError('ResourceNotFoundException', 400)
  }
  await run(
    (async () => {
      let accepted = 0
      const puts = Array.from({ length: 300 }, async () => {
        const { outcome } = await producer.put({ partitionKey: 'k', data: 'x' })
        accepted++
        return outcome
      })
      await clock.sleep(10_000)
      expect(accepted).toBe(100)
      open()
      await Promise.all(puts)
      await producer.close()
    })(),
  )
  expect(producer.metrics()).toMatchObject({ accepted: 300, failed: 300, deadLettered: 300 })
})

test('an aggregate that lands where readers drop it tells of that attempt', async () => {
  const { run, stream, producer, letters } = world(6, 1, { recordTtl: 1_000 })
  await run(
    (async () => {
      await (await producer.put({ partitionKey: 'warm', data: 'up' })).outcome
      stream.split(stream.shards[0].ShardId)
      // The new shards are never listed.
      stream.handlers.ListShards = () => ({
        Shards: [stream.shards[0]].map(({ records, ...shard }) => ({ ...shard, SequenceNumberRange: { StartingSequenceNumber: '1' } })),
      })
      await producer.putBatch(Array.from({ length: 20 }, (_, i) => ({ partitionKey: `k${i}`, data: 'x' })))
      await producer.close()
    })(),
  )
  for (const { attempts } of letters) expect(attempts.map(({ code }) => code)).toContain('WRONG_SHARD')
  // It ends with aggregation switched off, then raw records are taken anywhere.
  expect(producer.metrics().delivered + letters.length).toBe(21)
})

test('a past is shared, joined and bounded', () => {
  const attempt = (code: string) => ({ at: 0, milliseconds: 1, code, message: '', uncertain: code === 'u' })
  let past: Past | undefined
  for (let i = 0; i < 100; i++) past = after(past, attempt(String(i)))
  expect(past?.count).toBe(100)
  expect(attemptsOf(past).map(({ code }) => code)).toEqual([...Array.from({ length: 63 }, (_, i) => String(i)), '99'])
  expect(past?.uncertain).toBe(false)
  const first = after(undefined, attempt('u'))
  expect(joined(first, undefined)).toBe(first)
  expect(joined(undefined, first)).toBe(first)
  const both = joined(first, after(after(undefined, attempt('a')), attempt('b')))
  expect([
    both?.count,
    both?.uncertain,
    attemptsOf(both)
      .map(({ code }) => code)
      .join(''),
  ]).toEqual([3, true, 'uab'])
})

describe('a file', () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-test-'))
  afterAll(() => rmSync(directory, { recursive: true }))
  const letter = (data: string): DeadLetter => ({
    partitionKey: 'AMS',
    data: new TextEncoder().encode(data),
    code: 'EXPIRED',
    message: 'late',
    uncertain: false,
    attemptCount: 1,
    attempts: [{ at: 0, milliseconds: 5, code: 'InternalFailure', message: 'm', uncertain: true }],
  })

  test('lines of JSON, appended; a line that a crash has cut is ended first', async () => {
    const path = join(directory, 'dead.ndjson')
    writeFileSync(path, '{"whole":1}\n{"cut":')
    const file = await openDeadLetterFile(nodeStorage, path)
    await Promise.all([file.take([letter('one'), letter('two')]), file.take([letter('three')])])
    await file.close()
    const again = await openDeadLetterFile(nodeStorage, path)
    await again.take([letter('four')])
    await again.close()
    const lines = readFileSync(path, 'utf8').split('\n')
    expect(lines.slice(0, 2)).toEqual(['{"whole":1}', '{"cut":'])
    expect(lines.at(-1)).toBe('')
    const read = lines.slice(2, -1).map((line) => JSON.parse(line))
    expect(read.map(({ data }) => Buffer.from(data, 'base64').toString())).toEqual(['one', 'two', 'three', 'four'])
    expect(read[0]).toMatchObject({
      partitionKey: 'AMS',
      code: 'EXPIRED',
      attempts: [{ at: '1970-01-01T00:00:00.000Z', code: 'InternalFailure', milliseconds: 5 }],
    })
  })

  test('a write that fails halfway is told, and the next line is whole', async () => {
    const path = join(directory, 'full.ndjson')
    let full = true
    const storage: Storage = {
      ...nodeStorage,
      async create(name, options) {
        const file = await nodeStorage.create(name, options)
        return {
          ...file,
          async write(bytes) {
            await file.write(full ? bytes.subarray(0, 5) : bytes)
            if (full) throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
          },
        }
      },
    }
    const file = await openDeadLetterFile(storage, path)
    await expect(Promise.resolve(file.take([letter('lost')]))).rejects.toMatchObject({ code: 'IO' })
    full = false
    await file.take([letter('kept')])
    await file.close()
    const lines = readFileSync(path, 'utf8').split('\n')
    expect(lines).toHaveLength(3)
    expect(Buffer.from(JSON.parse(lines[1]).data, 'base64').toString()).toBe('kept')
  })

  test('where nothing can be written it says so at once', async () => {
    await expect(openDeadLetterFile(nodeStorage, join(directory, 'no/such'))).rejects.toMatchObject({ code: 'IO' })
    await (await openDeadLetterFile(nodeStorage, join(directory, 'none.ndjson'))).close()
    expect(readFileSync(join(directory, 'none.ndjson'), 'utf8')).toBe('')
    await expect(openDeadLetterFile(nodeStorage, directory)).rejects.toMatchObject({ code: 'IO' })
    await expect(openDeadLetterFile({} as never, 'x')).rejects.toThrow('"storage" expected a storage port, got an object')
    await expect(openDeadLetterFile(nodeStorage, '')).rejects.toThrow('"path" expected the path of a file, got ""')
  })
})
