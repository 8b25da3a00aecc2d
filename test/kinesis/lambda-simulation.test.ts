// A shard, Lambda with warm and cold containers, and functions that fail, hang and run out of time, all from a
// seed and in simulated time: what the handlers promise must hold whatever happens.
import { expect, it } from 'vitest'
import { createKinesisBatchHandler, createKinesisHandler, createKinesisWindowHandler, type KinesisEvent, type ProgressStore } from '../../src/kinesis/index.js'
import type { Random } from '../../src/ports/ports.js'
import { createSimulation } from '../../src/ports/simulated.js'
import { contextOf, failuresOf, type Line, sourceOf } from './lambda.js'

const below = (random: Random, n: number) => Math.floor(random.next() * n)
const SEEDS = Array.from({ length: 60 }, (_, i) => i + 1)

/** Kinesis records of 1 to 6 user records; each line has a number of its own, ascending. */
function shardOf(random: Random) {
  let next = 0
  return Array.from({ length: 10 + below(random, 30) }, () =>
    Array.from({ length: random.next() < 0.4 ? 1 : 2 + below(random, 5) }, (): Line => `k${below(random, 5)}:${next++}`),
  )
}

/** Invokes until the shard is done: as the service does, from the lowest sequence number that is named. */
async function consume(outers: Line[][], random: Random, invoke: (event: KinesisEvent) => Promise<number[] | undefined>) {
  let invocations = 0
  for (let at = 0; at < outers.length; ) {
    if (++invocations > 3000) throw new Error('a live-lock')
    const count = 1 + below(random, outers.length - at)
    const batch = outers.slice(at, at + count).map((lines, i) => sourceOf(at + i + 1, lines))
    // Rejected, the same batch comes again.
    let failures = await invoke({ Records: batch })
    while (failures === undefined) {
      if (++invocations > 3000) throw new Error('a live-lock')
      failures = await invoke({ Records: batch })
    }
    expect(failures.every((n) => n > at && n <= at + count)).toBe(true)
    at = failures.length > 0 ? Math.min(...failures) - 1 : at + count
  }
}

it.each([
  ['record by record', 1, true],
  ['by key', 4, true],
  ['without ReportBatchItemFailures', 3, false],
  ['as a batch', 0, true],
])('every record once at least, and in order within its key: %s', async (_, concurrency, reportBatchItemFailures) => {
  for (const seed of SEEDS) {
    const simulation = createSimulation(seed)
    const { clock, random, run } = simulation
    const outers = shardOf(random)
    const lines = outers.flat()
    const poison = new Set(lines.filter(() => random.next() < 0.03))
    // Of a batch nobody knows which record hangs.
    const hanging = new Set(lines.filter(() => concurrency > 0 && random.next() < 0.01))
    const flaky = random.next() * 0.15
    // Of a store that all share, at times; it may fail, at times.
    const kept = random.next() < 0.6 ? new Map<string, string>() : undefined
    const broken = random.next() < 0.5 ? 0.2 : 0
    const fault = () => {
      if (random.next() < broken) throw new Error('store')
    }
    const progress: ProgressStore | undefined = kept && {
      async get(key) {
        fault()
        return kept.get(key)
      },
      set(key, text) {
        fault()
        kept.set(key, text)
      },
      delete(key) {
        fault()
        kept.delete(key)
      },
    }
    const finished: Line[] = []
    const buried: Line[] = []
    const orphans = new Set<Line>()
    let invocation = 0
    const under = new Map<string, Line>()
    const handle = async (line: Line, mine: number) => {
      const key = line.split(':')[0]
      if (concurrency > 0 && mine === invocation) expect(under.has(key), `${seed} ${line}`).toBe(false)
      under.set(key, line)
      if (random.next() < 0.7) await clock.sleep(below(random, 120))
      if (hanging.has(line)) await new Promise(() => {})
      if (mine === invocation) under.delete(key)
      if (poison.has(line) || random.next() < flaky) throw new Error('no')
      // What ends after its invocation has answered was done all the same.
      if (mine === invocation) finished.push(line)
      else orphans.add(line)
    }
    const lineOf = (record: { partitionKey: string | undefined; text(): string }): Line => `${record.partitionKey}:${record.text()}`
    const options = {
      reportBatchItemFailures,
      ...(progress ? { progress } : {}),
      deadLetter: async (letters: readonly { partitionKey: string; data: Uint8Array }[]) => {
        if (random.next() < 0.2) throw new Error('sink')
        buried.push(...letters.map(({ partitionKey, data }) => `${partitionKey}:${new TextDecoder().decode(data)}`))
      },
      maxAttempts: 4,
      ports: { clock },
    }
    const container = () =>
      concurrency > 0
        ? createKinesisHandler((record) => handle(lineOf(record), invocation), { ...options, concurrency, isPoison: () => random.next() < 0.1 })
        : createKinesisBatchHandler(async (records) => {
            if (random.next() < flaky) throw new Error('all')
            const results = await Promise.allSettled(records.map((record) => handle(lineOf(record), invocation)))
            return records.filter((_, i) => results[i].status === 'rejected')
          }, options)
    const warm = [container(), container()]
    await consume(outers, random, async (event) => {
      invocation++
      under.clear()
      const which = below(random, 2)
      if (!progress && random.next() < 0.05) warm[which] = container()
      const time = 600 + below(random, 3000)
      const started = clock.monotonic()
      const answer = await run(
        warm[which](event, contextOf(simulation, time)).catch((error: Error) => {
          expect(error).toMatchObject({ code: 'NOT_DONE' })
          return undefined
        }),
      )
      expect(clock.monotonic() - started, `${seed}`).toBeLessThan(time)
      invocation++
      return answer && failuresOf(answer)
    })
    const gone = new Set(buried)
    expect(
      lines.filter((line) => !finished.includes(line) && !gone.has(line)),
      `seed ${seed}`,
    ).toEqual([])
    if (concurrency > 0) {
      // The first time that each was done, by key.
      const first = [...new Set(finished)]
      for (const key of new Set(lines.map((line) => line.split(':')[0]))) {
        const numbers = first.filter((line) => line.startsWith(`${key}:`) && !gone.has(line)).map((line) => Number(line.split(':')[1]))
        expect(numbers, `seed ${seed} ${key}`).toEqual(numbers.toSorted((a, b) => a - b))
      }
      // Where nothing is forgotten, nothing is done twice but what was at work at a deadline.
      if (kept && broken === 0) expect(finished.length - new Set(finished).size, `seed ${seed}`).toBe(0)
    }
  }
})

it('every record in the state of its window once, whatever fails', async () => {
  for (const seed of SEEDS) {
    const simulation = createSimulation(seed)
    const { clock, random, run } = simulation
    const flaky = random.next() * 0.1
    const kept = new Map<string, string>()
    const progress: ProgressStore = { get: (key) => kept.get(key), set: (key, text) => kept.set(key, text), delete: (key) => kept.delete(key) }
    const buried: string[] = []
    const ends: string[][] = []
    const poison = new Set<Line>()
    const container = () =>
      createKinesisWindowHandler<{ texts: string[] }>(
        {
          initial: () => ({ texts: [] }),
          async onRecord(state, record) {
            if (random.next() < 0.5) await clock.sleep(below(random, 100))
            state.texts.push(record.text())
            if (poison.has(`${record.partitionKey}:${record.text()}`) || random.next() < flaky) throw new Error('no')
            return state
          },
          async onWindowEnd({ texts }) {
            if (random.next() < 0.2) throw new Error('end')
            ends.push([...texts])
          },
        },
        {
          progress,
          deadLetter: (letters) => void buried.push(...letters.map(({ data }) => new TextDecoder().decode(data))),
          maxAttempts: 3,
          isPoison: () => random.next() < 0.2,
          ports: { clock },
        },
      )
    const warm = [container(), container()]
    const outers = shardOf(random)
    for (const line of outers.flat()) if (random.next() < 0.04) poison.add(line)
    let state: Record<string, unknown> = {}
    const invoke = async (event: KinesisEvent, isFinal: boolean) => {
      const bounds = { window: { start: 's', end: 'e' }, state, isFinalInvokeForWindow: isFinal, isWindowTerminatedEarly: false }
      const answer = await run(
        warm[below(random, 2)](JSON.parse(JSON.stringify({ ...event, ...bounds })), contextOf(simulation, 700 + below(random, 2000))).catch(() => undefined),
      )
      if (answer) state = JSON.parse(JSON.stringify(answer.state))
      return answer && failuresOf(answer)
    }
    await consume(outers, random, (event) => invoke(event, false))
    while ((await invoke({ Records: [] }, true)) === undefined);
    const all = outers.flat().map((line) => line.split(':')[1])
    expect(ends.length).toBe(1)
    expect(ends[0], `seed ${seed}`).toEqual(all.filter((text) => !buried.includes(text)))
    expect(new Set(buried).size).toBe(buried.length)
  }
})
