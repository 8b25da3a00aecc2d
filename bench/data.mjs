// The inputs, generated from the seed: keys, user records, NDJSON rows of three shapes.
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

/**
 * Order events, 8 fields, ~440 bytes: a struct two deep, a list of structs, a map, a list of strings;
 * UTF-8 as it is and every kind of escape. Types as DuckDB writes them, which are millrace's too but for case.
 */
export const NESTED = {
  columns: [
    { name: 'id', type: 'string' },
    { name: 'ts', type: 'timestamp', unit: 'ms' },
    { name: 'customer', type: 'struct<name: string, email: string, address: struct<city: string, zip: string, lat: double, lon: double>>', nullable: true },
    { name: 'items', type: 'list<struct<sku: string, quantity: int32, price: double, gift: boolean>>', nullable: true },
    { name: 'attributes', type: 'map<string, string>', nullable: true },
    { name: 'tags', type: 'list<string>', nullable: true },
    { name: 'note', type: 'string', nullable: true },
    { name: 'total', type: 'double' },
  ],
  rows: nestedRows,
}

function nestedRows(count, seed) {
  const random = randomFrom(seed)
  const cities = ['Zürich', 'São Paulo', '東京', 'Kraków', 'Berlin', 'Malmö', 'Montréal', 'Москва', 'Lyon', 'Wien']
  const names = ["Ann O'Neil", 'Jürg "Jo" Müller', 'Łucja Nowak', '山田 太郎', 'Zoë Dubois', 'Ivan Petrov', 'Maria Silva']
  const notes = ['line one\nline two', 'a \\ b', 'tab\there', 'plain text that needs no escape at all', '\u{1f600} smile', 'quote " inside']
  const keys = ['colour', 'size', 'origin', 'batch', 'campaign', 'channel', 'locale', 'variant', 'source', 'theme']
  let time = Date.UTC(2026, 0, 1)
  return Array.from({ length: count }, () => {
    time += random.below(900)
    const items = Array.from({ length: random.below(4) }, () => ({
      sku: `SKU-${random.below(20_000)}`,
      quantity: 1 + random.below(9),
      price: random.below(100_000) / 100,
      gift: random.below(5) === 0,
    }))
    const attributes = {}
    for (let n = random.below(4); n > 0; n--) attributes[random.pick(keys)] = `v${random.below(300)}`
    return {
      id: random.uuid(),
      ts: new Date(time).toISOString(),
      customer:
        random.below(20) === 0
          ? null
          : {
              name: random.pick(names),
              email: `user${random.below(30_000)}@example.org`,
              address: {
                city: random.pick(cities),
                zip: String(10_000 + random.below(90_000)),
                lat: (random.below(180_000) - 90_000) / 1000,
                lon: (random.below(360_000) - 180_000) / 1000,
              },
            },
      items,
      attributes,
      tags: Array.from({ length: random.below(4) }, () => `tag-${random.below(200)}`),
      note: random.below(3) === 0 ? random.pick(notes) : null,
      total: random.below(1_000_000) / 100,
    }
  })
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

/** The same rows, each with its members in an order of its own. */
export function shuffled(rows, seed) {
  const random = randomFrom(seed)
  return rows.map((row) => {
    const members = Object.entries(row)
    for (let i = members.length - 1; i > 0; i--) {
      const j = random.below(i + 1)
      ;[members[i], members[j]] = [members[j], members[i]]
    }
    return Object.fromEntries(members)
  })
}

/** UTF-8 NDJSON, final newline included; characters beyond U+FFFF as \u escapes. */
export function ndjson(rows) {
  const text = `${rows.map((r) => JSON.stringify(r)).join('\n')}\n`
  return Buffer.from(text.replace(/[\ud800-\udfff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16)}`))
}
