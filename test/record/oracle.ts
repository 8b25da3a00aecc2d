// The KPL's aggregates and the KCL's de-aggregation, slow and obvious, in plain JavaScript.
import { createHash } from 'node:crypto'

export interface Plain {
  key: string
  hash?: string
  data: Uint8Array
}

export const MAGIC = Buffer.from('f3899ac2', 'hex')
export const md5 = (data: Uint8Array) => createHash('md5').update(data).digest()
export const hashKeyOf = (r: Plain): bigint => (r.hash === undefined ? BigInt(`0x${md5(Buffer.from(r.key)).toString('hex')}`) : BigInt(r.hash))

export function varint(n: number | bigint): Buffer {
  const out: number[] = []
  let rest = BigInt(n)
  for (; rest > 127n; rest >>= 7n) out.push(Number(rest & 127n) | 128)
  return Buffer.from([...out, Number(rest)])
}

export const field = (tag: number, data: Uint8Array) => Buffer.concat([varint(tag), varint(data.length), data])
export const seal = (body: Uint8Array) => Buffer.concat([MAGIC, body, md5(body)])

/** An AggregatedRecord as the KPL writes it. */
export function encodeBody(records: Plain[]): Buffer {
  const keys = [...new Set(records.map((r) => r.key))]
  const hashes = [...new Set(records.filter((r) => r.hash !== undefined).map((r) => BigInt(r.hash!).toString()))]
  return Buffer.concat([
    ...keys.map((k) => field(0x0a, Buffer.from(k))),
    ...hashes.map((k) => field(0x12, Buffer.from(k))),
    ...records.map((r) => {
      const hash = r.hash === undefined ? [] : [varint(0x10), varint(hashes.indexOf(BigInt(r.hash).toString()))]
      return field(0x1a, Buffer.concat([varint(8), varint(keys.indexOf(r.key)), ...hash, field(0x1a, r.data)]))
    }),
  ])
}

export interface Outer {
  key: string
  hash: string
  data: Buffer
  shard: number
  members: number[]
}

/** A batch to outer records: greedy per shard, in the order of their first user records. */
export function aggregateAll(records: Plain[], shardOf: (r: Plain) => number, maxSize: number, maxCount: number): Outer[] {
  const groups: { shard: number; members: number[] }[] = []
  const open = new Map<number, number[]>()
  records.forEach((r, i) => {
    const shard = shardOf(r)
    const members = open.get(shard)
    const bigger = members && [...members, i]
    if (bigger && bigger.length <= maxCount && encodeBody(bigger.map((m) => records[m])).length + 20 <= maxSize) members.push(i)
    else {
      const fresh = [i]
      open.set(shard, fresh)
      groups.push({ shard, members: fresh })
    }
  })
  return groups.map(({ shard, members }) => {
    const first = records[members[0]]
    const hash = hashKeyOf(first).toString()
    if (members.length === 1) return { key: first.key, hash, data: Buffer.from(first.data), shard, members }
    return { key: 'a', hash, data: seal(encodeBody(members.map((m) => records[m]))), shard, members }
  })
}
