// The KCL's AggregatorUtil and protobuf-java's reader, slow and obvious: the oracle of the de-aggregation.
import { MAGIC, md5 } from './oracle.js'

class Malformed extends Error {}

/** CodedInputStream over one message: a cursor that throws where the Java one throws. */
class Reader {
  at = 0
  readonly data: Buffer
  readonly base: number
  readonly depth: number
  constructor(data: Buffer, base: number, depth: number) {
    this.data = data
    this.base = base
    this.depth = depth
  }
  get done() {
    return this.at >= this.data.length
  }
  byte() {
    if (this.done) throw new Malformed('truncated')
    return this.data[this.at++]
  }
  varint(): bigint {
    let value = 0n
    for (let i = 0n; i < 10n; i++) {
      const b = this.byte()
      value |= BigInt(b & 127) << (7n * i)
      if (b < 128) return BigInt.asUintN(64, value)
    }
    throw new Malformed('varint')
  }
  tag() {
    const tag = Number(BigInt.asUintN(32, this.varint()))
    if (tag >>> 3 === 0) throw new Malformed('field 0')
    return tag
  }
  skip(n: number) {
    if (n < 0 || n > this.data.length - this.at) throw new Malformed('length')
    this.at += n
  }
  bytes() {
    const n = Number(BigInt.asIntN(32, this.varint()))
    const start = this.at
    this.skip(n)
    return { at: this.base + start, data: this.data.subarray(start, this.at) }
  }
  message() {
    const { at, data } = this.bytes()
    return new Reader(data, at, this.depth + 1)
  }
  unknown(tag: number, depth = this.depth) {
    const kind = tag & 7
    if (kind === 0) this.varint()
    else if (kind === 1) this.skip(8)
    else if (kind === 2) this.bytes()
    else if (kind === 5) this.skip(4)
    else if (kind === 3) {
      if (depth >= 100) throw new Malformed('nesting')
      for (;;) {
        const inner = this.tag()
        if ((inner & 7) === 4) {
          if (inner >>> 3 !== tag >>> 3) throw new Malformed('end group')
          return
        }
        this.unknown(inner, depth + 1)
      }
    } else throw new Malformed('wire type')
  }
}

interface Parsed {
  keys: Buffer[]
  hashes: Buffer[]
  records: { key: number; hash: number | undefined; data: Buffer; at: number }[]
}

function parse(body: Buffer, base: number): Parsed {
  const out: Parsed = { keys: [], hashes: [], records: [] }
  for (const r = new Reader(body, base, 0); !r.done; ) {
    const tag = r.tag()
    if (tag === 0x0a) out.keys.push(r.bytes().data)
    else if (tag === 0x12) out.hashes.push(r.bytes().data)
    else if (tag === 0x1a) {
      const m = r.message()
      let key: number | undefined
      let hash: number | undefined
      let found: { at: number; data: Buffer } | undefined
      while (!m.done) {
        const inner = m.tag()
        if (inner === 0x08) key = Number(BigInt.asIntN(32, m.varint()))
        else if (inner === 0x10) hash = Number(BigInt.asIntN(32, m.varint()))
        else if (inner === 0x1a) found = m.bytes()
        else if (inner === 0x22) {
          const t = m.message()
          let named = false
          while (!t.done) {
            const deep = t.tag()
            if (deep === 0x0a) named = true
            t.unknown(deep)
          }
          if (!named) throw new Malformed('tag without key')
        } else m.unknown(inner)
      }
      if (key === undefined || found === undefined) throw new Malformed('required')
      out.records.push({ key, hash, ...found })
    } else r.unknown(tag)
  }
  return out
}

export interface Row {
  key: string | undefined
  hash: string | undefined
  data: string
  item: number
  aggregated: boolean
  reason: string | undefined
}

// Java gives one U+FFFD for an encoded surrogate, and for what is left of one, where TextDecoder gives one a byte.
const javaText = (key: Buffer) => text.decode(Buffer.from(key.toString('latin1').replace(/\xed[\xa0-\xbf][\x80-\xbf]?/g, '\xef\xbf\xbd'), 'latin1'))
const text = new TextDecoder('utf-8', { ignoreBOM: true })

/** What becomes of one Kinesis record; `outcome` is the first reason, 'raw' or 'ok' where there is none. */
export function open(data: Buffer, mode: 'kcl' | 'keep', range: [bigint, bigint] = [0n, 2n ** 128n - 1n], verify = true): { rows: Row[]; outcome: string } {
  const raw = (reason?: string) => ({
    rows: [{ key: 'outer', hash: undefined, data: data.toString('hex'), item: 0, aggregated: false, reason }],
    outcome: reason ?? 'raw',
  })
  if (!data.subarray(0, 4).equals(MAGIC)) return raw()
  if (data.length - 4 <= 16) return raw('TRUNCATED')
  const body = data.subarray(4, data.length - 16)
  if (verify && !md5(body).equals(data.subarray(data.length - 16))) return raw('BAD_CHECKSUM')
  let message: Parsed
  try {
    message = parse(body, 4)
  } catch (error) {
    if (error instanceof Malformed) return raw('BAD_PROTOBUF')
    throw error
  }
  if (message.records.length === 0) return mode === 'kcl' ? { rows: [], outcome: 'NO_RECORDS' } : raw('NO_RECORDS')
  const rows: Row[] = []
  let outcome = 'ok'
  for (const [item, r] of message.records.entries()) {
    let reason: string | undefined
    const key = message.keys[r.key]
    const hash = r.hash === undefined ? undefined : message.hashes[r.hash]
    if (key === undefined) reason = 'BAD_KEY_INDEX'
    else if (r.hash !== undefined && hash === undefined) reason = 'BAD_HASH_INDEX'
    else if (hash !== undefined && !/^[+-]?[0-9]+$/.test(hash.toString('latin1'))) reason = 'BAD_HASH_KEY'
    else {
      const digits = hash?.toString().replace(/^\+/, '')
      const n =
        digits === undefined
          ? BigInt(`0x${md5(Buffer.from(javaText(key))).toString('hex')}`)
          : digits.startsWith('-')
            ? -BigInt(digits.slice(1))
            : BigInt(digits)
      if (n < range[0] || n > range[1]) reason = 'OUT_OF_RANGE'
    }
    if (reason && outcome === 'ok') outcome = reason
    if (reason && mode === 'kcl') return { rows: reason === 'OUT_OF_RANGE' ? [] : rows, outcome }
    rows.push({
      key: key === undefined ? 'outer' : text.decode(key),
      hash: hash && text.decode(hash),
      data: r.data.toString('hex'),
      item,
      aggregated: true,
      reason,
    })
  }
  return { rows, outcome }
}
