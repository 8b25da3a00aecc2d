// A Kinesis stream in memory, in simulated time, with faults from a seed. It places records as the
// service does (MD5 of the key or the explicit hash key), closes parents at splits and merges, and
// answers the commands that millrace sends.
import { createHash } from 'node:crypto'
import type { ShardDescription } from '../../src/kinesis/service/listing.js'
import type { StreamRecord } from '../../src/kinesis/service/service.js'
import type { AwsClient } from '../../src/ports/aws.js'
import type { Clock, Random } from '../../src/ports/ports.js'

export interface Faults {
  /** Chances per record. */
  throttle?: number
  internalFailure?: number
  /** Chances per request. */
  throttleAll?: number
  serverError?: number
  /** Stored, then the connection breaks. */
  lostAck?: number
  /** Stored, then no answer at all. */
  hang?: number
  /** No answer, nothing stored. */
  swallow?: number
  miscount?: number
  /** Stored, and an answer that is no JSON. */
  garble?: number
  /** ListShards refused. */
  list?: number
  /** ListShards without an answer. */
  listHang?: number
  /** A list that no service gives: each page by chance one of ODD_PAGES or POOR_PAGES. */
  listOdd?: number
  /** RecordDistributionStrategy AUTO: the service places records where it likes. */
  auto?: boolean
}

export interface FakeOptions {
  /** Milliseconds for which a new shard is not listed. */
  listingLag?: number
  /** The service's own write limits by shard. */
  limits?: boolean
  /** ShardFilter AT_LATEST is heeded. */
  filter?: boolean
}

interface Page {
  Shards: ShardDescription[]
  NextToken: string | undefined
}

/** What a proxy, a server that is coming up or one with a bug makes of a page. Such a list is no list. */
export const ODD_PAGES: Record<string, (page: Page) => unknown> = {
  nothing: () => undefined,
  'no shards': () => ({}),
  'no range': ({ Shards, NextToken }) => ({ Shards: [...Shards.slice(1), { ...Shards[0], HashKeyRange: undefined }], NextToken }),
  'no id': ({ Shards, NextToken }) => ({ Shards: [...Shards.slice(1), { ...Shards[0], ShardId: undefined }], NextToken }),
  overlap: ({ Shards, NextToken }) => ({ Shards: [...Shards, everything('shardId-999999999998'), everything('shardId-999999999999')], NextToken }),
  getter: ({ Shards, NextToken }) => ({
    Shards,
    get NextToken(): string | undefined {
      throw new TypeError(`no ${NextToken}`)
    },
  }),
  'same token': ({ Shards }) => ({ Shards, NextToken: 'again' }),
  'new tokens': ({ Shards }) => ({ Shards, NextToken: 'again0' }),
}

/** Pages that are as good as any to who cannot know better. */
export const POOR_PAGES: Record<string, (page: Page) => Page> = {
  empty: () => ({ Shards: [], NextToken: undefined }),
  closed: ({ Shards, NextToken }) => ({
    Shards: Shards.map((shard) => ({ ...shard, SequenceNumberRange: { ...shard.SequenceNumberRange, EndingSequenceNumber: '9' } })),
    NextToken,
  }),
  gap: ({ Shards, NextToken }) => ({ Shards: Shards.slice(1), NextToken }),
  repeated: ({ Shards, NextToken }) => ({ Shards: [...Shards, ...Shards], NextToken }),
}

const everything = (ShardId: string): ShardDescription => ({
  ShardId,
  HashKeyRange: { StartingHashKey: '0', EndingHashKey: String(TOP - 1n) },
  SequenceNumberRange: { StartingSequenceNumber: '1' },
})

export interface FakeRecord extends StreamRecord {
  ExplicitHashKey?: string
}

/** The fields of all commands together. */
interface Input {
  Records: FakeRecord[]
  NextToken?: string
  ShardFilter?: { Type: string }
  StreamName: string
  ShardId: string
  ShardIteratorType: string
  StartingSequenceNumber: string
  Timestamp: Date
  ShardIterator: string
  Limit: number
}

interface FakeShard extends ShardDescription {
  start: bigint
  end: bigint
  records: FakeRecord[]
  made: number
  /** What is left of its second's worth of records and bytes. */
  left: { at: number; records: number; bytes: number }
}

const TOP = 2n ** 128n
const hashOf = (key: string) => BigInt(`0x${createHash('md5').update(key).digest('hex')}`)

class Command {
  readonly input: Input
  constructor(input: Input) {
    this.input = input
  }
}

const READING = ['GetShardIterator', 'GetRecords', 'SubscribeToShard']
const CONSUMERS = ['RegisterStreamConsumer', 'DescribeStreamConsumer', 'DeregisterStreamConsumer']

export const commands = Object.fromEntries(
  ['PutRecords', 'ListShards', 'DescribeStreamSummary', ...READING, ...CONSUMERS].map((name) => [`${name}Command`, { [name]: class extends Command {} }[name]]),
)

export const serviceError = (name: string, status: number | undefined, message = name) =>
  Object.assign(new Error(message), { name, $metadata: status === undefined ? {} : { httpStatusCode: status } })

export function createFakeStream(count: number, clock: Clock, random: Random, options: FakeOptions = {}) {
  const shards: FakeShard[] = []
  const faults: Faults = {}
  /** Those of ODD_PAGES that were given. */
  const odd = new WeakSet<object>()
  const log: { command: string; at: number; input: Input }[] = []
  let sequence = 0n
  const add = (start: bigint, end: bigint, parents: string[] = []) => {
    const shard: FakeShard = {
      ShardId: `shardId-${String(shards.length).padStart(12, '0')}`,
      ParentShardId: parents[0],
      AdjacentParentShardId: parents[1],
      HashKeyRange: { StartingHashKey: String(start), EndingHashKey: String(end) },
      SequenceNumberRange: { StartingSequenceNumber: String(10n ** 55n + sequence++) },
      start,
      end,
      records: [],
      made: clock.monotonic(),
      left: { at: clock.monotonic(), records: 1000, bytes: 1_048_576 },
    }
    shards.push(shard)
    return shard
  }
  const over = ({ left }: FakeShard, size: number) => {
    const seconds = (clock.monotonic() - left.at) / 1000
    left.at = clock.monotonic()
    left.records = Math.min(1000, left.records + 1000 * seconds)
    left.bytes = Math.min(1_048_576, left.bytes + 1_048_576 * seconds)
    if (left.records < 1 || left.bytes < Math.min(size, 1_048_576)) return true
    left.records--
    left.bytes -= size
    return false
  }
  for (let i = 0; i < count; i++) add((BigInt(i) * TOP) / BigInt(count), (BigInt(i + 1) * TOP) / BigInt(count) - 1n)
  const open = () => shards.filter((s) => !s.SequenceNumberRange.EndingSequenceNumber)
  const close = (shard: FakeShard) => {
    shard.SequenceNumberRange = { ...shard.SequenceNumberRange, EndingSequenceNumber: String(10n ** 55n + sequence++) }
  }
  const find = (id: string) => {
    const shard = shards.find((s) => s.ShardId === id)
    if (!shard) throw serviceError('ResourceNotFoundException', 400)
    return shard
  }
  const silence = (signal?: AbortSignal) => new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
  const chance = (p: number | undefined) => p !== undefined && p > 0 && random.next() < p

  const handlers: Record<string, (input: Input, signal?: AbortSignal) => unknown> = {
    async PutRecords({ Records }, signal) {
      if (Records.length > 500) throw serviceError('ValidationException', 400, 'too many records')
      for (const { PartitionKey = '', Data } of Records) {
        if (PartitionKey === '' || [...PartitionKey].length > 256) throw serviceError('ValidationException', 400, 'partition key')
        if (Data.length + Buffer.byteLength(PartitionKey) > 1_048_576) throw serviceError('ValidationException', 400, 'record too large')
      }
      if (chance(faults.throttleAll)) throw serviceError('ProvisionedThroughputExceededException', 400)
      if (chance(faults.serverError)) throw serviceError('InternalFailure', 500)
      if (chance(faults.swallow)) await silence(signal)
      const answers = Records.map((r: FakeRecord) => {
        if (chance(faults.throttle)) return { ErrorCode: 'ProvisionedThroughputExceededException', ErrorMessage: 'Rate exceeded for shard' }
        if (chance(faults.internalFailure)) return { ErrorCode: 'InternalFailure', ErrorMessage: 'Internal service failure.' }
        const hash = faults.auto
          ? BigInt(Math.floor(random.next() * 2 ** 32)) << 96n
          : r.ExplicitHashKey !== undefined
            ? BigInt(r.ExplicitHashKey)
            : hashOf(r.PartitionKey as string)
        const shard = open().find((s) => s.start <= hash && hash <= s.end) as FakeShard
        if (options.limits && over(shard, r.Data.length + Buffer.byteLength(r.PartitionKey as string)))
          return { ErrorCode: 'ProvisionedThroughputExceededException', ErrorMessage: 'Rate exceeded for shard' }
        const stored = {
          ...r,
          Data: Uint8Array.from(r.Data),
          SequenceNumber: String(10n ** 55n + sequence++),
          ApproximateArrivalTimestamp: new Date(clock.now()),
        }
        shard.records.push(stored)
        return { ShardId: shard.ShardId, SequenceNumber: stored.SequenceNumber }
      })
      if (chance(faults.lostAck)) throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
      if (chance(faults.hang)) await silence(signal)
      if (chance(faults.garble)) throw serviceError('SyntaxError', 200, 'Unexpected end of JSON input')
      if (chance(faults.miscount)) answers.pop()
      return { FailedRecordCount: answers.filter((a: { ErrorCode?: string }) => a.ErrorCode).length, Records: answers }
    },
    async ListShards({ NextToken, StreamName, ShardFilter }, signal) {
      if (NextToken && StreamName) throw serviceError('ValidationException', 400, 'NextToken and StreamName')
      if (chance(faults.list)) throw serviceError('LimitExceededException', 400)
      if (chance(faults.listHang)) await silence(signal)
      const [, again, at = '0', latest] = /^(again)?(\d*)(latest)?$/.exec(NextToken ?? '') ?? []
      const filter = options.filter && (latest !== undefined || ShardFilter?.Type === 'AT_LATEST')
      // Pages of three; closed shards included by a server that knows no filter.
      const from = again ? 0 : Number(at)
      const visible = shards.filter((shard) => shard.made === 0 || clock.monotonic() - shard.made >= (options.listingLag ?? 0))
      const listed = filter ? visible.filter((shard) => !shard.SequenceNumberRange.EndingSequenceNumber) : visible
      const Shards = listed.slice(from, from + 3).map(({ start, end, records, made, left, ...shard }) => shard)
      if (again) return { Shards, NextToken: at === '' ? NextToken : `again${Number(at) + 1}` }
      const page: Page = { Shards, NextToken: from + 3 < listed.length ? `${from + 3}${filter ? 'latest' : ''}` : undefined }
      if (!chance(faults.listOdd)) return page
      const ways = [...Object.values(ODD_PAGES), ...Object.values(POOR_PAGES)]
      const way = Math.floor(random.next() * ways.length)
      const answer = ways[way](page)
      if (answer && way < Object.keys(ODD_PAGES).length) odd.add(answer)
      return answer
    },
    DescribeStreamSummary: () => ({
      StreamDescriptionSummary: { StreamStatus: 'ACTIVE', RecordDistributionStrategy: faults.auto ? 'AUTO' : 'USER_PARTITION_KEY' },
    }),
    GetShardIterator({ ShardId, ShardIteratorType, StartingSequenceNumber, Timestamp }) {
      const { records } = find(ShardId)
      const at = {
        TRIM_HORIZON: () => 0,
        LATEST: () => records.length,
        AT_TIMESTAMP: () => records.findIndex((r) => Number(r.ApproximateArrivalTimestamp) >= Number(Timestamp)),
        AT_SEQUENCE_NUMBER: () => records.findIndex((r) => BigInt(r.SequenceNumber) >= BigInt(StartingSequenceNumber)),
        AFTER_SEQUENCE_NUMBER: () => records.findIndex((r) => BigInt(r.SequenceNumber) > BigInt(StartingSequenceNumber)),
      }[ShardIteratorType as 'LATEST']()
      return { ShardIterator: `${ShardId}:${at < 0 ? records.length : at}:${clock.now()}` }
    },
    GetRecords({ ShardIterator, Limit }) {
      const [id, at, issued] = ShardIterator.split(':')
      if (clock.now() - Number(issued) > 300_000) throw serviceError('ExpiredIteratorException', 400)
      if (chance(faults.throttleAll)) throw serviceError('ProvisionedThroughputExceededException', 400)
      if (chance(faults.serverError)) throw serviceError('InternalFailure', 500)
      const shard = find(id)
      const end = Math.min(Number(at) + Limit, shard.records.length)
      const done = end === shard.records.length && shard.SequenceNumberRange.EndingSequenceNumber
      return {
        Records: shard.records.slice(Number(at), end),
        NextShardIterator: done ? null : `${id}:${end}:${clock.now()}`,
        MillisBehindLatest: shard.records.length - end,
      }
    },
  }

  const client: AwsClient = {
    async send(command, options) {
      const name = command.constructor.name
      log.push({ command: name, at: clock.monotonic(), input: (command as Command).input })
      await clock.sleep(1 + random.next() * 20)
      const answer = await handlers[name]((command as Command).input, options?.abortSignal)
      await clock.sleep(1 + random.next() * 5)
      return answer
    },
  }

  return {
    client,
    commands,
    shards,
    faults,
    odd,
    log,
    handlers,
    open,
    split(id: string) {
      const shard = find(id)
      close(shard)
      const middle = (shard.start + shard.end) / 2n
      return [add(shard.start, middle, [id]), add(middle + 1n, shard.end, [id])]
    },
    merge(left: string, right: string) {
      const [a, b] = [find(left), find(right)]
      close(a)
      close(b)
      return add(a.start, b.end, [left, right])
    },
  }
}
