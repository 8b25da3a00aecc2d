// The inputs, generated from the seed: keys, user records, NDJSON rows of two shapes.
import { randomFrom } from './random.mjs'

export function uuids(count, seed) {
  const random = randomFrom(seed)
  return Array.from({ length: count }, () => random.uuid())
}

/** `{ partitionKey, data }`; `keys` 0: all distinct. Data is text-like, as log lines are. */
export function userRecords(count, size, keys = 0, seed) {
  const random = randomFrom(seed)
  const pool = uuids(keys || count, 7)
  return Array.from({ length: count }, (_, i) => {
    const data = random.bytes(size)
    for (let j = 0; j < size; j++) data[j] = 0x20 + (data[j] % 95)
    return { partitionKey: keys ? random.pick(pool) : pool[i], data }
  })
}

/** Keys one behind the other, and where each one ends. */
export function packKeys(keys) {
  const heap = Buffer.from(keys.join(''))
  const ends = new Uint32Array(keys.length)
  let at = 0
  keys.forEach((key, i) => {
    at += Buffer.byteLength(key)
    ends[i] = at
  })
  return { heap, ends }
}

/** The packed form of the same records: the record table of src/types.ts. */
export function pack(records) {
  const ABSENT = 0xffffffff
  const table = new Uint32Array(records.length * 8)
  let size = 0
  for (const r of records) size += r.partitionKey.length + r.data.length
  const heap = new Uint8Array(size)
  const text = Buffer.from(heap.buffer)
  let at = 0
  records.forEach((r, i) => {
    const keySize = text.latin1Write(r.partitionKey, at)
    heap.set(r.data, at + keySize)
    table.set([at, keySize, 0, ABSENT, at + keySize, r.data.length, i, 0], i * 8)
    at += keySize + r.data.length
  })
  return { count: records.length, table, heap }
}

const COUNTRIES = ['AT', 'BR', 'CA', 'CH', 'CN', 'DE', 'ES', 'FR', 'GB', 'IN', 'IT', 'JP', 'KR', 'MX', 'NL', 'PL', 'SE', 'US', 'ZA']
const STATUS = [200, 200, 200, 200, 200, 200, 204, 301, 304, 400, 403, 404, 500, 503]

/** Access-log rows, 12 fields, ~358 bytes: timestamp, strings, integers, doubles, a boolean, three fields that may be null. */
export const FLAT = {
  columns: [
    { name: 'ts', type: 'timestamp', unit: 'ms' },
    { name: 'user', type: 'string' },
    { name: 'url', type: 'string' },
    { name: 'status', type: 'int32' },
    { name: 'bytes', type: 'int64' },
    { name: 'latency', type: 'double' },
    { name: 'country', type: 'string' },
    { name: 'agent', type: 'string' },
    { name: 'cached', type: 'boolean' },
    { name: 'referrer', type: 'string', nullable: true },
    { name: 'retries', type: 'int32', nullable: true },
    { name: 'score', type: 'double', nullable: true },
  ],
  rows: flatRows,
}

/** Sensor rows, 8 fields, ~141 bytes: id, epoch milliseconds, six doubles of which one has 16-17 digits. */
export const TELEMETRY = {
  columns: [
    { name: 'id', type: 'int32' },
    { name: 't', type: 'int64' },
    { name: 'lat', type: 'double' },
    { name: 'lon', type: 'double' },
    { name: 'temperature', type: 'double' },
    { name: 'pressure', type: 'double' },
    { name: 'speed', type: 'double' },
    { name: 'exact', type: 'double' },
  ],
  rows: telemetryRows,
}

function flatRows(count, seed) {
  const random = randomFrom(seed)
  const agents = Array.from({ length: 1500 }, (_, i) => {
    const engine = `AppleWebKit/537.${36 + (i % 7)} (KHTML, like Gecko)`
    return `Mozilla/5.0 (X11; Linux x86_64; rv:${100 + (i % 40)}.0) ${engine} Chrome/${90 + (i % 50)}.0.${i}.${random.below(200)} Safari/537.36`
  })
  let time = Date.UTC(2026, 0, 1)
  return Array.from({ length: count }, () => {
    time += random.below(40)
    return {
      ts: new Date(time).toISOString(),
      user: `user-${random.below(50_000).toString(36).padStart(6, '0')}`,
      url: `/catalogue/${random.pick(['books', 'music', 'garden', 'tools'])}/${random.below(40_000)}?page=${random.below(30)}`,
      status: random.pick(STATUS),
      bytes: random.below(4_000_000),
      latency: random.below(900_000) / 1000,
      country: random.pick(COUNTRIES),
      agent: random.pick(agents),
      cached: random.below(3) === 0,
      referrer: random.below(2) ? null : `https://example.org/${random.below(5000)}`,
      retries: random.below(4) ? null : random.below(6),
      score: random.below(3) ? random.below(10_000) / 100 : null,
    }
  })
}

function telemetryRows(count, seed) {
  const random = randomFrom(seed)
  let time = Date.UTC(2026, 0, 1)
  return Array.from({ length: count }, () => {
    time += random.below(25)
    return {
      id: random.below(5000),
      t: time,
      lat: (random.below(180_000_000) - 90_000_000) / 1e6,
      lon: (random.below(360_000_000) - 180_000_000) / 1e6,
      temperature: random.below(600) / 10,
      pressure: random.below(12_000) / 10,
      speed: random.below(4000) / 100,
      exact: random.unit(),
    }
  })
}

/** UTF-8 NDJSON, final newline included. */
export function ndjson(rows) {
  return Buffer.from(`${rows.map((r) => JSON.stringify(r)).join('\n')}\n`)
}
