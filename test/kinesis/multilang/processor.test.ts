import { describe, expect, it } from 'vitest'
import type { KclBatchContext, KclContext, KclHandler } from '../../../src/kinesis/multilang/handler.js'
import { runProcessor } from '../../../src/kinesis/multilang/processor.js'
import { createSimulation } from '../../../src/ports/simulated.js'
import { initialize, record, records, talk } from './daemon.js'

interface Options {
  errors?: (string | null)[]
  checkpointInterval?: number
  signal?: AbortSignal
}

/** A conversation in virtual time. */
async function converse(script: object[], handler: KclHandler, { errors, checkpointInterval = 0, signal = new AbortController().signal }: Options = {}) {
  const simulation = createSimulation(7)
  const { daemon, replies } = talk(script, errors)
  const logs: string[] = []
  let error: (Error & { code?: string }) | undefined
  const run = runProcessor(handler, { daemon, ports: simulation, checkpointInterval, signal, log: (line) => logs.push(line) })
  await simulation.run(run.catch((caught) => (error = caught)))
  const said = replies.map((reply) => (reply.action === 'status' ? reply.responseFor : [reply.sequenceNumber, reply.subSequenceNumber]))
  return { said, logs, error, elapsed: simulation.clock.monotonic() }
}

/** A handler that writes down what it is told. */
function diary(more: Partial<KclHandler> = {}) {
  const told: unknown[] = []
  const handler: KclHandler = {
    initialize: ({ shardId, sequenceNumber, subSequenceNumber }) => told.push(['initialize', shardId, sequenceNumber, subSequenceNumber]),
    records(batch, { millisBehindLatest }) {
      told.push([...batch.map((one) => `${one.sequenceNumber}/${one.subSequenceNumber}`), millisBehindLatest])
    },
    leaseLost: ({ signal }) => told.push(['leaseLost', signal.aborted]),
    shardEnded: ({ shardId }) => told.push(['shardEnded', shardId]),
    shutdownRequested: () => told.push(['shutdownRequested']),
    ...more,
  }
  return { handler, told }
}

const ALL = [null, null]

describe('a shard', () => {
  it('is handled batch by batch, and stored behind each one and at its end', async () => {
    const { handler, told } = diary()
    const { said, error, logs } = await converse(
      [initialize, records(record(5), record(6, 0), record(6, 1)), records(record(8)), { action: 'shardEnded' }],
      handler,
    )
    expect({ error, logs }).toEqual({ error: undefined, logs: [] })
    expect(said).toEqual(['initialize', ALL, 'processRecords', ALL, 'processRecords', ALL, 'shardEnded'])
    expect(told).toEqual([
      ['initialize', 'shardId-000000000007', 'TRIM_HORIZON', 0],
      ['5/0', '6/0', '6/1', 12],
      ['8/0', 12],
      ['shardEnded', 'shardId-000000000007'],
    ])
  })

  it('is told by older daemons that it ended, or that it is lost', async () => {
    for (const reason of ['TERMINATE', 'SHARD_END']) {
      const { handler, told } = diary()
      const { said } = await converse([initialize, { action: 'shutdown', reason }], handler)
      expect(said).toEqual(['initialize', ALL, 'shutdown'])
      expect(told.at(-1)).toEqual(['shardEnded', 'shardId-000000000007'])
    }
    for (const reason of ['ZOMBIE', 'LEASE_LOST']) {
      const { handler, told } = diary()
      const { said } = await converse([initialize, records(record(1)), { action: 'shutdown', reason }], handler)
      expect(said).toEqual(['initialize', ALL, 'processRecords', 'shutdown'])
      expect(told.at(-1)).toEqual(['leaseLost', true])
    }
  })

  it('needs no more than the one function', async () => {
    const script = [initialize, records(record(1)), { action: 'shutdownRequested' }, { action: 'leaseLost' }]
    const { said, error } = await converse(script, { records: async () => {} })
    expect(error).toBeUndefined()
    expect(said).toEqual(['initialize', ALL, 'processRecords', 'shutdownRequested', 'leaseLost'])
  })

  it('takes a daemon that leaves for the end, before it said anything too', async () => {
    expect(await converse([], diary().handler)).toMatchObject({ said: [], error: undefined })
    expect(await converse([initialize], diary().handler)).toMatchObject({ said: ['initialize'], error: undefined })
  })

  it('without records is told so, where the daemon is configured to, and stores nothing', async () => {
    const { handler, told } = diary()
    expect((await converse([initialize, records()], handler)).said).toEqual(['initialize', 'processRecords'])
    expect(told.at(-1)).toEqual([12])
  })
})

describe('the interval', () => {
  it('holds checkpoints back, until a batch comes after it, or the shutdown', async () => {
    const simulation = createSimulation(1)
    const script = [initialize, ...[1, 2, 3, 4].map((n) => records(record(n))), { action: 'shutdownRequested' }, { action: 'shutdownRequested' }]
    const { daemon, replies } = talk(script)
    const handler = { records: () => simulation.clock.sleep(4_000) }
    const run = runProcessor(handler, { daemon, ports: simulation, checkpointInterval: 10_000, signal: new AbortController().signal, log: () => {} })
    await simulation.run(run)
    expect(replies.map(({ action, responseFor }) => responseFor ?? action)).toEqual([
      'initialize',
      'processRecords',
      'processRecords',
      'checkpoint',
      'processRecords',
      'processRecords',
      'checkpoint',
      'shutdownRequested',
      'shutdownRequested',
    ])
  })

  it('of never leaves them to the handler, but for the end of the shard', async () => {
    const { handler } = diary({ records: async (batch, { checkpoint }) => (batch.length > 1 ? checkpoint(batch[0]) : undefined) })
    const script = [initialize, records(record(1)), records(record(3, 4), record(4)), { action: 'shutdownRequested' }, { action: 'shardEnded' }]
    const { said } = await converse(script, handler, { checkpointInterval: Number.POSITIVE_INFINITY })
    expect(said).toEqual(['initialize', 'processRecords', ['3', 4], 'processRecords', 'shutdownRequested', ALL, 'shardEnded'])
  })
})

describe("the handler's own checkpoint", () => {
  it('is made one after the other, before the status, waited for or not', async () => {
    const made: unknown[] = []
    const { handler } = diary({
      records(batch, { checkpoint }) {
        void checkpoint(batch[0]).then(() => made.push(1))
        void checkpoint({ sequenceNumber: '2' }).then(() => made.push(2))
        void checkpoint().then(() => made.push(3))
      },
      shardEnded: ({ checkpoint }) => checkpoint(),
    })
    const { said } = await converse([initialize, records(record(1, 3), record(2)), { action: 'shardEnded' }], handler)
    expect(said).toEqual(['initialize', ['1', 3], ['2', 0], ALL, ALL, 'processRecords', ALL, ALL, 'shardEnded'])
    expect(made).toEqual([1, 2, 3])
  })

  it.each([
    [7, 'TypeError', '"record" expected a record or its { sequenceNumber, subSequenceNumber }, got 7'],
    [{ sequenceNumber: 7 }, 'TypeError', '"record.sequenceNumber" expected a string, got 7'],
    [{ sequenceNumber: '7', subSequenceNumber: -1 }, 'TypeError', '"record.subSequenceNumber" expected a whole number, got -1'],
    [
      { sequenceNumber: '9' },
      'RangeError',
      'shardId-000000000007: checkpoint at 9/0 is before the last checkpoint or behind the last record (IllegalArgumentException)',
    ],
  ])('at %j is refused, and the handler may go on', async (place, name, message) => {
    let caught: unknown
    const { handler } = diary({
      records: (_, { checkpoint }) =>
        checkpoint(place as never).catch((error) => {
          caught = error
        }),
    })
    const { said, error } = await converse([initialize, records(record(1))], handler, { errors: name === 'RangeError' ? ['IllegalArgumentException'] : [] })
    expect(error).toBeUndefined()
    expect(caught).toMatchObject({ name, message })
    expect(said.at(-1)).toBe('processRecords')
  })

  it('cannot be made once the function has returned: the daemon would not expect it', async () => {
    let kept: KclContext['checkpoint'] | undefined
    const { handler } = diary({
      records: (_, { checkpoint }: KclBatchContext) => {
        kept = checkpoint
      },
      shutdownRequested: () => kept?.(),
    })
    const { error } = await converse([initialize, records(record(1)), { action: 'shutdownRequested' }], handler)
    expect(error?.message).toContain('shutdownRequested: shardId-000000000007, records 1/0 to 1/0: checkpoint expected a call before the function has returned')
  })
})

describe('a handler that fails', () => {
  const three = records(record(5), record(6, 0), record(6, 1))

  it.each([
    ['throws', () => Promise.reject(new Error('no room')), 'no room'],
    ['throws what is no error', () => Promise.reject('x'), '"x"'],
    ['returns failed records', (batch: readonly unknown[]) => batch.slice(1), '2 of 3 records failed'],
    ['returns something else', () => ['5'], '"the result" expected records of this batch, got "5"'],
    ['returns no list', () => 5, '"the result" expected an array of the records that failed, or nothing, got 5'],
  ])('and %s has nothing stored, and says which records those were', async (_, failing, message) => {
    let batches = 0
    const { handler } = diary({ records: ((batch: readonly unknown[]) => (++batches === 2 ? failing(batch) : undefined)) as never })
    const { said, error } = await converse([initialize, records(record(1)), three, { action: 'shardEnded' }], handler)
    expect(said).toEqual(['initialize', ALL, 'processRecords'])
    expect(error).toMatchObject({ name: 'Error', message: `shardId-000000000007, records 5/0 to 6/1: ${message}` })
  })

  it('in another function has its name said', async () => {
    for (const hook of ['initialize', 'shardEnded', 'shutdownRequested'] as const) {
      const { handler } = diary({ [hook]: () => Promise.reject(new TypeError('no')) })
      const { said, error } = await converse([initialize, ...(hook === 'initialize' ? [] : [{ action: hook }])], handler)
      expect(said).toEqual(hook === 'initialize' ? [] : ['initialize'])
      expect(error?.message).toBe(`shardId-000000000007, ${hook}: no`)
    }
  })

  it('outside of itself, so that the process has to end, has nothing stored', async () => {
    const stop = new AbortController()
    const { handler } = diary({ records: () => stop.abort(new Error('uncaught')) })
    const { said, error } = await converse([initialize, three], handler, { signal: stop.signal })
    expect(said).toEqual(['initialize'])
    expect(error?.message).toBe('uncaught')
  })
})

describe('a checkpoint that fails', () => {
  const throttled = Array.from({ length: 8 }, (_, i) => ['ThrottlingException', 'KinesisClientLibDependencyException'][i % 2])
  const twice = [initialize, records(record(1)), records(record(2)), { action: 'shardEnded' }]

  it('for a while is tried again, later each time', async () => {
    const { said, error, logs, elapsed } = await converse(twice, diary().handler, { errors: throttled.slice(0, 3) })
    expect({ error, logs }).toEqual({ error: undefined, logs: [] })
    expect(said).toEqual(['initialize', ALL, ALL, ALL, ALL, 'processRecords', ALL, 'processRecords', ALL, 'shardEnded'])
    expect(elapsed).toBeGreaterThan((100 + 200 + 400) / 2)
    expect(elapsed).toBeLessThan(700)
  })

  it('for longer is made up for by the next one', async () => {
    const { said, error, logs } = await converse(twice, diary().handler, { errors: throttled })
    expect(error).toBeUndefined()
    expect(said).toEqual(['initialize', ...Array(8).fill(ALL), 'processRecords', ALL, 'processRecords', ALL, 'shardEnded'])
    expect(logs).toEqual([expect.stringContaining('shardId-000000000007: checkpoint failed 8 times, at last with KinesisClientLibDependencyException')])
  })

  it('for longer at the end of the shard is an error: nothing could make up for it', async () => {
    const { said, error } = await converse([initialize, { action: 'shardEnded' }], diary().handler, { errors: throttled })
    expect(said).toEqual(['initialize', ...Array(8).fill(ALL)])
    expect(error).toMatchObject({ code: 'SERVICE', message: expect.stringContaining('failed 8 times') })
  })

  it.each(['InvalidStateException', 'SomethingElse'])('with %s is an error', async (exception) => {
    const { said, error } = await converse(twice, diary().handler, { errors: [exception] })
    expect(said).toEqual(['initialize', ALL])
    expect(error).toMatchObject({ code: 'SERVICE', message: `shardId-000000000007: checkpoint failed: ${exception}` })
  })

  it('since the lease is lost stops quietly: the signal aborts, nothing more is handled or stored', async () => {
    const { handler, told } = diary()
    const script = [initialize, records(record(1)), records(record(2)), { action: 'shutdownRequested' }, { action: 'leaseLost' }]
    const { said, error, logs } = await converse(script, handler, { errors: ['ShutdownException'] })
    expect({ error, logs }).toEqual({ error: undefined, logs: [] })
    expect(said).toEqual(['initialize', ALL, 'processRecords', 'processRecords', 'shutdownRequested', 'leaseLost'])
    expect(told.slice(1)).toEqual([
      ['1/0', 12],
      ['leaseLost', true],
    ])
  })

  it('since the lease is lost, amid a batch, is no failure of the handler that gives up', async () => {
    const seen: unknown[] = []
    const { handler } = diary({
      async records(batch, { checkpoint, signal }) {
        await checkpoint(batch[0]).catch((error) => seen.push(error.code))
        signal.throwIfAborted()
      },
    })
    const script = [initialize, records(record(1), record(2)), { action: 'shardEnded' }]
    const { said, error, logs } = await converse(script, handler, { errors: ['ShutdownException'] })
    expect(error).toBeUndefined()
    expect(seen).toEqual(['LEASE_LOST'])
    expect(said).toEqual(['initialize', ['1', 0], 'processRecords', 'shardEnded'])
    expect(logs).toEqual([expect.stringMatching(/^shardId-000000000007, records 1\/0 to 2\/0: .* \(the shard is another worker's by now\)$/)])
  })

  it('for want of an answer is an error, though the handler looks away', async () => {
    const { handler } = diary({ records: (_, { checkpoint }) => checkpoint().catch(() => {}) })
    const messages = [initialize, records(record(1))]
    const daemon = { send: async () => {}, next: async () => messages.shift() }
    const options = { ports: createSimulation(1), checkpointInterval: 0, signal: new AbortController().signal, log: () => {} }
    await expect(runProcessor(handler, { daemon, ...options })).rejects.toMatchObject({ code: 'CLOSED', message: expect.stringContaining('the daemon left') })
    const confused = [initialize, records(record(1)), records(record(2))]
    await expect(runProcessor(handler, { ...options, daemon: { send: async () => {}, next: async () => confused.shift() } })).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: 'shardId-000000000007: expected the answer to a checkpoint, got "processRecords"',
    })
  })
})

describe('what is not the protocol', () => {
  it.each([
    [[{ action: 'shardEnded' }], 'expected initialize as the first action, got "shardEnded"'],
    [[{ action: 'initialize' }], 'initialize: expected a shardId as text, got undefined'],
    [[initialize, initialize], 'shardId-000000000007: unknown action "initialize"'],
    [[initialize, { action: 'dance' }], 'shardId-000000000007: unknown action "dance"'],
    [[initialize, { action: 'checkpoint', error: null }], 'shardId-000000000007: unknown action "checkpoint"'],
    [[initialize, { action: 'shutdown', reason: 'REQUESTED' }], 'shardId-000000000007: unknown action "shutdown", reason "REQUESTED"'],
    [[initialize, { action: 'processRecords' }], 'expected an array of records, got undefined'],
    [[initialize, records(record(1), { ...record(2), data: 7 })], 'shardId-000000000007: processRecords, record 1: expected data as base64, got 7'],
    [[initialize, records({ ...record(2), data: '===' })], 'shardId-000000000007: processRecords, record 0: byte 0: expected base64'],
    [[initialize, records({ ...record(2), sequenceNumber: null })], 'expected a sequenceNumber as text, got null'],
    [[initialize, records({ ...record(2), subSequenceNumber: 0.5 })], 'expected a whole number as subSequenceNumber, got 0.5'],
    [[initialize, records([])], 'expected a sequenceNumber as text, got undefined'],
  ])('is an error: case %#', async (script, message) => {
    const { error } = await converse(script, diary().handler)
    expect(error).toMatchObject({ code: 'BAD_INPUT', message: expect.stringContaining(message) })
  })
})
