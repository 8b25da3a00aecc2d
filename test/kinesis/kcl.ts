// The reader's side as the KCL has it, for oracles: written from its rules, sharing no code with src/.
import { createHash } from 'node:crypto'
import type { FakeRecord } from './fake.js'

const MAGIC = Buffer.from('f3899ac2', 'hex')

export interface User {
  key: string
  data: string
}

interface Stream {
  shards: { ShardId: string; start: bigint; end: bigint; records: FakeRecord[] }[]
}

/** All user records of a stream; an aggregate with a hash key outside its shard's range is dropped whole. */
export function usersIn(stream: Stream, options: { keepRaw?: boolean } = {}) {
  const all: User[] = []
  const places = new Map<string, User>()
  const stored: { user: User; sequence: bigint; sub: number }[] = []
  let dropped = 0
  for (const { ShardId, start, end, records } of stream.shards) {
    for (const record of records) {
      const parsed = parse(Buffer.from(record.Data))
      const users = parsed ?? [{ key: record.PartitionKey as string, hash: undefined, data: Buffer.from(record.Data).toString() }]
      const inside = users.every(({ key, hash }) => {
        const at = hash !== undefined ? BigInt(hash) : BigInt(`0x${createHash('md5').update(key).digest('hex')}`)
        return start <= at && at <= end
      })
      if (parsed && !inside && !options.keepRaw) {
        dropped++
        continue
      }
      users.forEach(({ key, data }, sub) => {
        all.push({ key, data })
        stored.push({ user: { key, data }, sequence: BigInt(record.SequenceNumber), sub })
        places.set(`${ShardId}/${record.SequenceNumber}/${sub}`, { key, data })
      })
    }
  }
  // As they were stored, over all shards.
  const inOrder = () => stored.sort((a, b) => (a.sequence < b.sequence ? -1 : a.sequence > b.sequence ? 1 : a.sub - b.sub)).map(({ user }) => user)
  return { all, dropped, inOrder, find: (shard: string, sequence: string, sub: number) => places.get(`${shard}/${sequence}/${sub}`) }
}

function parse(data: Buffer): { key: string; hash: string | undefined; data: string }[] | undefined {
  if (data.length <= 20 || !data.subarray(0, 4).equals(MAGIC)) return undefined
  const body = data.subarray(4, -16)
  if (!createHash('md5').update(body).digest().equals(data.subarray(-16))) return undefined
  const keys: string[] = []
  const hashes: string[] = []
  const records: Buffer[] = []
  for (const [field, value] of fields(body)) {
    if (field === 1) keys.push(String(value))
    else if (field === 2) hashes.push(String(value))
    else if (field === 3) records.push(value as Buffer)
  }
  return records.map((record) => {
    const found = new Map(fields(record))
    const hash = found.get(2)
    return { key: keys[found.get(1) as number], hash: hash === undefined ? undefined : hashes[hash as number], data: String(found.get(3)) }
  })
}

function fields(bytes: Buffer): [number, number | Buffer][] {
  const found: [number, number | Buffer][] = []
  let at = 0
  const varint = () => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
  }
  while (at < bytes.length) {
    const tag = varint()
    const value = varint()
    if ((tag & 7) === 0) found.push([tag >> 3, value])
    else {
      found.push([tag >> 3, bytes.subarray(at, at + value)])
      at += value
    }
  }
  return found
}
