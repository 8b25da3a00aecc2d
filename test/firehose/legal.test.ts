// Whatever is in an event and however the user's function misbehaves: the response is legal and within its limit, and what
// goes out is what came in, less what was dropped, with a reason for each failure. MILLRACE_EVENTS=100000 for the whole count.
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createFirehoseTransformer, type FirehoseEventRecord, type FirehoseInput, type TransformFailure, withMetadata } from '../../src/firehose/index.js'
import { aggregate, ShardMap } from '../../src/kinesis/index.js'
import { createSimulation } from '../../src/ports/simulated.js'

/** What the function does with a user record, and what should come of it: outputs, a failure, or no answer at all. */
interface Behaviour {
  act: (id: string, data: Uint8Array, sleep: (ms: number) => Promise<void>) => unknown
  /** Outputs without their delimiter; undefined: it fails. */
  gives: ((id: string) => string[]) | undefined
  metadata?: string
  never?: true
}

const line = (id: string) => `out ${id}`
const circular = () => {
  const all: Record<string, unknown> = {}
  all.self = all
  return all
}
const BEHAVIOURS: Record<string, Behaviour> = {
  text: { act: line, gives: (id) => [line(id)] },
  bytes: { act: (id) => Buffer.from(line(id)), gives: (id) => [line(id)] },
  object: { act: (id) => ({ id }), gives: (id) => [`{"id":"${id}"}`] },
  many: { act: (id) => [line(id), { id }, Buffer.from(line(id))], gives: (id) => [line(id), `{"id":"${id}"}`, line(id)] },
  long: { act: (id) => line(id).padEnd(400), gives: (id) => [line(id).padEnd(400)] },
  none: { act: () => null, gives: () => [] },
  noneOfMany: { act: () => [], gives: () => [] },
  later: { act: (id, _, sleep) => sleep(10).then(() => line(id)), gives: (id) => [line(id)] },
  // biome-ignore lint/suspicious/noThenProperty: what some promise libraries give
  thenable: { act: (id) => ({ then: (done: (value: unknown) => void) => done(line(id)) }), gives: (id) => [line(id)] },
  keys: {
    act: (id) => withMetadata(line(id), { partitionKeys: { day: '"é' } }),
    gives: (id) => [line(id)],
    metadata: JSON.stringify({ partitionKeys: { day: '"é' } }),
  },
  // its copy of the data is its own
  spoils: {
    act: (id, data) => {
      data.fill(0)
      return line(id)
    },
    gives: (id) => [line(id)],
  },
  spoilsAndThrows: {
    act: (_, data) => {
      data.fill(0)
      throw new Error('spoilt')
    },
    gives: undefined,
  },
  throws: {
    act: () => {
      throw new Error('mine')
    },
    gives: undefined,
  },
  throwsNothing: {
    act: () => {
      throw undefined
    },
    gives: undefined,
  },
  throwsTrap: {
    act: () => {
      throw new Proxy({}, { get: () => { throw new Error('trap') } }) // biome-ignore format: on one line
    },
    gives: undefined,
  },
  rejects: { act: () => Promise.reject(new Error('mine')), gives: undefined },
  rejectsLater: { act: (_, __, sleep) => sleep(10).then(() => Promise.reject(null)), gives: undefined },
  nothing: { act: () => undefined, gives: undefined },
  number: { act: () => 5, gives: undefined },
  map: { act: () => new Map([[1, 2]]), gives: undefined },
  big: { act: () => ({ n: 1n }), gives: undefined },
  circular: { act: circular, gives: undefined },
  holes: { act: () => new Array(3), gives: undefined },
  badKeys: { act: () => withMetadata('x', { partitionKeys: { day: '' } }), gives: undefined },
  badMetadata: { act: () => withMetadata('x', 5 as never), gives: undefined },
  jsonless: { act: () => ({ toJSON: () => undefined }), gives: undefined },
  never: { act: () => new Promise(() => {}), gives: undefined, never: true },
}

/** How user records lie in a record of the event. */
type Wrapping = 'plain' | 'gzip' | 'aggregate' | 'gzipAggregate' | 'aggregateGzip' | 'logs' | 'control' | 'noBase64' | 'noData' | 'badGzip'
const map = ShardMap.even(1)
const packed = (payloads: Uint8Array[]) => {
  return aggregate(
    payloads.map((data) => ({ partitionKey: 'k', data })),
    { shards: map },
  ).records[0].Data
}
const envelope = (payloads: string[]) =>
  gzipSync(
    JSON.stringify({
      messageType: 'DATA_MESSAGE',
      owner: 'o',
      logGroup: 'g',
      logStream: 's',
      subscriptionFilters: [],
      logEvents: payloads.map((message, i) => ({ id: String(i), timestamp: i, message })),
    }),
  )

interface One {
  wrapping: Wrapping
  behaviours: string[]
  /** Base64 with too much padding, and in kafkaRecordValue. */
  sloppy: boolean
  kafka: boolean
  /** Shares the recordId of the one before it. */
  again: boolean
}

/** The bytes of the record in the event, and its user records; undefined where it cannot be opened. */
function wrap({ wrapping, behaviours }: One, record: number): { data: Uint8Array | string | undefined; users: string[] | undefined } {
  const users = behaviours.map((behaviour, k) => `${record}.${k}:${behaviour}`)
  const bytes = users.map((user) => Buffer.from(user))
  switch (wrapping) {
    case 'plain':
      return { data: bytes[0], users: users.slice(0, 1) }
    case 'gzip':
      return { data: gzipSync(bytes[0]), users: users.slice(0, 1) }
    case 'aggregate':
      return { data: packed(bytes), users }
    case 'gzipAggregate':
      return { data: gzipSync(packed(bytes)), users }
    case 'aggregateGzip':
      return { data: packed(bytes.map((b) => gzipSync(b))), users }
    case 'logs':
      return { data: envelope(users), users }
    case 'control':
      return { data: gzipSync('{"messageType":"CONTROL_MESSAGE","logEvents":[]}'), users: [] }
    case 'noBase64':
      return { data: '%%%', users: undefined }
    case 'noData':
      return { data: undefined, users: undefined }
    case 'badGzip':
      return { data: Buffer.concat([Buffer.from([0x1f, 0x8b, 8]), bytes[0]]), users: undefined }
  }
}

const ones = fc.record<One>({
  wrapping: fc.constantFrom(
    'plain',
    'plain',
    'plain',
    'gzip',
    'aggregate',
    'gzipAggregate',
    'aggregateGzip',
    'logs',
    'control',
    'noBase64',
    'noData',
    'badGzip',
  ),
  behaviours: fc.oneof(
    { weight: 3, arbitrary: fc.array(fc.constantFrom('text', 'object', 'many', 'none', 'later', 'long'), { minLength: 1, maxLength: 4 }) },
    { weight: 2, arbitrary: fc.array(fc.constantFrom(...Object.keys(BEHAVIOURS).filter((name) => name !== 'never')), { minLength: 1, maxLength: 3 }) },
    { weight: 1, arbitrary: fc.array(fc.constantFrom(...Object.keys(BEHAVIOURS)), { minLength: 1, maxLength: 3 }) },
  ),
  sloppy: fc.boolean(),
  kafka: fc.boolean(),
  again: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
})

type Expected = { fails: true } | { fails: false; outputs: string[]; metadata: string | undefined }

/** The rule, told once more: all outputs of its user records, or a failure for all of them. */
function expected(users: string[] | undefined): Expected {
  if (users === undefined) return { fails: true }
  const outputs: string[] = []
  let metadata: string | undefined
  for (const user of users) {
    const { gives, metadata: own } = BEHAVIOURS[user.slice(user.indexOf(':') + 1)]
    if (!gives) return { fails: true }
    const given = gives(user)
    if (given.length === 0) continue
    if (outputs.length > 0 && own !== metadata) return { fails: true }
    metadata = own
    outputs.push(...given)
  }
  return { fails: false, outputs, metadata }
}

function both(a: Expected, b: Expected): Expected {
  if (a.fails || b.fails) return { fails: true }
  if (a.outputs.length === 0) return b
  if (b.outputs.length === 0) return a
  return a.metadata === b.metadata ? { ...a, outputs: [...a.outputs, ...b.outputs] } : { fails: true }
}

type Policy = 'none' | 'takes' | 'takesSome' | 'throws' | 'junk' | 'never'

it('whatever the event and the function', async () => {
  let seed = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(ones, { maxLength: 8 }),
      fc.constantFrom<Policy>('none', 'takes', 'takesSome', 'throws', 'junk', 'never'),
      // Bytes that the response may have beside those that it would like.
      fc.oneof(fc.constant(undefined), fc.integer({ min: -3, max: 3 }), fc.integer({ min: -1500, max: 0 })),
      fc.integer({ min: 1, max: 4 }),
      async (all, policy, room, concurrency) => {
        const simulation = createSimulation(seed++)
        const rows = new Map<string, { users: (string[] | undefined)[]; data: (string | undefined)[] }>()
        let recordId = ''
        const records = all.map((one, i) => {
          if (!one.again || i === 0) recordId = `id-${i}`
          const { data, users } = wrap(one, i)
          const base64 = data === undefined || typeof data === 'string' ? data : Buffer.from(data).toString('base64')
          const row = rows.get(recordId) ?? { users: [], data: [] }
          rows.set(recordId, { users: [...row.users, users], data: [...row.data, base64] })
          const text = base64 === undefined ? undefined : one.sloppy && base64 !== '%%%' ? `${base64}==` : base64
          return { recordId, approximateArrivalTimestamp: i, [one.kafka ? 'kafkaRecordValue' : 'data']: text } as FirehoseEventRecord
        })
        const failures: TransformFailure[] = []
        const elsewhere = new Map<string, { original: string; output: string }>()
        const options = {
          transform: (record: FirehoseInput) => {
            const user = record.text()
            return BEHAVIOURS[user.slice(user.indexOf(':') + 1)].act(user, record.data, simulation.clock.sleep) as never
          },
          concurrency,
          ports: simulation,
        }
        const within = (ms: number) => {
          const end = simulation.clock.monotonic() + ms
          return { end, getRemainingTimeInMillis: () => end - simulation.clock.monotonic() }
        }
        const free = await simulation.run(createFirehoseTransformer(options).plan({ records }, within(30_000)))
        const responseLimit = room === undefined ? free.limit : Math.max(100 + 70 * records.length, free.bytes + room)
        const handler = createFirehoseTransformer({
          ...options,
          responseLimit,
          onFailure: (failure) => {
            failures.push(failure)
            throw new Error('told, and that is all')
          },
          ...(policy === 'none'
            ? {}
            : {
                overflow: async (over, { signal }) => {
                  if (policy === 'throws') throw new Error('policy')
                  if (policy === 'junk') return 5 as never
                  if (policy === 'never') return new Promise(() => signal.throwIfAborted)
                  return over.map(({ recordId, original, output }, i) => {
                    if (policy === 'takesSome' && i % 2 === 1) return 'no'
                    elsewhere.set(recordId, { original: Buffer.from(original).toString('base64'), output: Buffer.from(output).toString() })
                    return undefined
                  })
                },
              }),
        })
        const invocation = within(30_000)
        const response = await simulation.run(handler({ records }, invocation))

        // Legal: each recordId once, in order, nothing beside, a result that there is, and not a byte too many.
        const bytes = Buffer.byteLength(JSON.stringify(response))
        expect(bytes).toBeLessThanOrEqual(responseLimit)
        if (free.bytes <= responseLimit) expect(bytes).toBe(free.bytes)
        expect(response.records.map((record) => record.recordId)).toEqual([...rows.keys()])
        expect(simulation.clock.monotonic()).toBeLessThan(invocation.end)
        const failed = new Map<string, string[]>()
        for (const { recordId, reason, message } of failures) {
          expect(message).not.toBe('')
          failed.set(recordId, [...(failed.get(recordId) ?? []), reason])
        }
        for (const { recordId, result, data, metadata } of response.records) {
          const { users, data: originals } = rows.get(recordId) as { users: (string[] | undefined)[]; data: (string | undefined)[] }
          const wanted = users.map(expected).reduce(both)
          const reasons = failed.get(recordId) ?? []
          const late = reasons.includes('timeout')
          // A function that never answers holds its place until the end: only then may others fail for want of time.
          if (late) expect(all.some(({ behaviours }) => behaviours.includes('never'))).toBe(true)
          switch (result) {
            case 'ProcessingFailed':
              expect(reasons).not.toEqual([])
              if (!wanted.fails && !late) expect(reasons).toEqual(['overflow'])
              // The original, where there is room for it.
              if (data !== undefined) expect(originals).toContain(data)
              expect(metadata).toBeUndefined()
              break
            case 'Dropped':
              expect([wanted.fails, data, metadata, reasons]).toEqual([false, undefined, undefined, []])
              if (!wanted.fails && wanted.outputs.length > 0) {
                expect(elsewhere.get(recordId)).toEqual({ original: originals[0], output: wanted.outputs.map((text) => `${text}\n`).join('') })
              }
              break
            default:
              expect([result, wanted.fails, reasons, elsewhere.has(recordId)]).toEqual(['Ok', false, [], false])
              if (!wanted.fails) {
                expect(Buffer.from(data ?? '', 'base64').toString()).toBe(wanted.outputs.map((text) => `${text}\n`).join(''))
                expect(metadata === undefined ? undefined : JSON.stringify(metadata)).toBe(wanted.metadata)
              }
          }
        }
        expect([...failed.keys(), ...elsewhere.keys()].every((id) => rows.has(id))).toBe(true)
      },
    ),
    { numRuns: Number(process.env.MILLRACE_EVENTS ?? 1_000), endOnFailure: true },
  )
}, 3_600_000)
