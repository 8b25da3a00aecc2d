// Random Kinesis records: KPL aggregates as the KPL writes them, as protobuf allows them, damaged, and no aggregates at all.
import { random } from '../columnar/records.js'
import { hashKeyOf, MAGIC, seal, varint } from '../record/oracle.js'

export type Range = [bigint, bigint]
const LAST = 2n ** 128n - 1n

const KEYS = ['', 'a', '10', '__proto__', 'ключ', '\ufeffk', '😀', 'x'.repeat(130)].map((key) => Buffer.from(key))
// not UTF-8: cut, too long, surrogates, past U+10FFFF
const BROKEN = ['ff', 'c3', 'e0a0', 'eda080', 'edb0', 'eda080edb080', 'f0908041', 'f4908080', 'c0af', '61e28261'].map((key) => Buffer.from(key, 'hex'))
const HASHES = ['0', '7', '0007', '+7', '-0', '-5', '+', '-', '', ' 7', '7x', '0x7', '1e3', String(LAST), String(LAST + 1n), '9'.repeat(60)]
const BYTES = [0, 1, 4, 8, 0x0a, 0x0b, 0x0c, 0x10, 0x12, 0x1a, 0x22, 0x2b, 0x2c, 0x7f, 0x80, 0xff]

/** Kinesis records of one batch with a range each, from a seed. */
export function randomAggregates(seed: number): { records: Buffer[]; ranges: Range[] } {
  const next = random(seed)
  const below = (n: number) => Math.floor(next() * n)
  const pick = <T>(of: ArrayLike<T>): T => of[below(of.length)]
  const noise = (n: number) => Buffer.from(Array.from({ length: n }, () => (below(2) ? pick(BYTES) : below(256))))
  /** A varint, now and then longer than it need be, up to 11 bytes. */
  const number = (n: number | bigint) => {
    const bytes = varint(n)
    if (below(40)) return bytes
    bytes[bytes.length - 1] |= 0x80
    return Buffer.concat([bytes, Buffer.alloc(Math.max(0, below(11 - bytes.length)), 0x80), Buffer.of(pick([0, 0, 1, 0x7e]))])
  }
  const bytes = (tag: number, data: Uint8Array) => Buffer.concat([number(tag), number(data.length), data])
  const unknown = (depth = 0): Buffer<ArrayBuffer> => {
    const tag = (pick([4, 5, 6, 15, 16, 1 << 28]) << 3) >>> 0
    const kind = below(6)
    if (kind === 0) return Buffer.concat([number(tag), number(BigInt(below(2 ** 31)) ** 2n)])
    if (kind === 1) return Buffer.concat([number(tag + 1), noise(8)])
    if (kind === 2) return Buffer.concat([number(tag + 5), noise(4)])
    if (kind === 3 || depth > 3) return bytes(tag + 2, noise(below(6)))
    const levels = below(30) ? 1 : 97 + below(6)
    const open = Array.from({ length: levels }, () => varint(tag + 3))
    return Buffer.concat([...open, ...(levels === 1 && below(2) ? [unknown(depth + 1)] : []), ...open.map(() => varint(tag + 4))])
  }
  /** Mostly an index of a table of n entries. */
  const index = (n: number) => (below(30) ? below(n) : pick([n, n + 1, 2n ** 31n, 2n ** 32n, 2n ** 32n + 1n, 2n ** 63n, 2n ** 64n - 1n]))
  const shuffled = <T>(list: T[]) => {
    for (let i = list.length - 1; i > 0; i--) {
      const j = below(i + 1)
      ;[list[i], list[j]] = [list[j], list[i]]
    }
    return list
  }
  const canonical = () => {
    const keys = Array.from({ length: 1 + below(4) }, () => (below(12) ? pick(KEYS) : pick(BROKEN)))
    const hashes = Array.from({ length: below(4) }, () =>
      Buffer.from(below(6) ? String(BigInt(Math.floor(next() * 2 ** 52)) << BigInt(below(76))) : pick(HASHES)),
    )
    const records = Array.from({ length: below(25) ? 1 + below(6) : 0 }, () => {
      const fields = [
        Buffer.concat([varint(8), number(index(keys.length))]),
        ...(hashes.length > 0 && below(2) ? [Buffer.concat([varint(16), number(index(hashes.length))])] : []),
        bytes(0x1a, below(20) ? noise(below(below(10) ? 12 : 300)) : seal(Buffer.from('0a01611a0508001a0141', 'hex'))),
        ...(below(12) ? [] : [bytes(0x22, below(4) ? bytes(0x0a, noise(3)) : noise(below(5)))]),
        ...(below(25) ? [] : [unknown()]),
      ]
      if (!below(40)) fields.splice(below(fields.length), 1)
      if (!below(40)) fields.push(pick(fields) ?? unknown())
      return bytes(0x1a, Buffer.concat(below(12) ? fields : shuffled(fields)))
    })
    const fields = [...keys.map((key) => bytes(0x0a, key)), ...hashes.map((hash) => bytes(0x12, hash)), ...records]
    if (!below(25)) fields.push(unknown())
    return { keys, hashes, body: Buffer.concat(below(12) ? fields : shuffled(fields)) }
  }
  const mutated = (data: Buffer) => {
    for (let n = 1 + below(4); n > 0; n--) {
      const at = below(data.length + 1)
      const what = pick([Buffer.of(pick(BYTES)), noise(1), Buffer.of(), data.subarray(below(at + 1), at)])
      data = Buffer.concat([data.subarray(0, at), what, data.subarray(at + pick([0, 1, 1, below(20)]))])
    }
    return data
  }
  const records: Buffer[] = []
  const ranges: Range[] = []
  for (let n = 1 + below(5); n > 0; n--) {
    const { keys, hashes, body } = canonical()
    const kind = below(20)
    if (kind < 10) records.push(seal(body))
    else if (kind < 16) records.push(seal(mutated(body)))
    else if (kind < 17) records.push(mutated(seal(body)))
    else if (kind < 18) records.push(seal(noise(below(60))))
    else records.push(pick([noise(below(40)), Buffer.concat([MAGIC, noise(below(24))]), seal(body).subarray(0, below(30))]))
    const hash = pick(hashes)?.toString() ?? ''
    const at = /^[0-9]+$/.test(hash) && BigInt(hash) <= LAST ? BigInt(hash) : hashKeyOf({ key: pick(keys).toString(), data: body })
    const [first, last] = pick<Range>([
      [0n, LAST],
      [0n, LAST],
      [0n, at],
      [at, LAST],
      [0n, at - 1n],
      [at + 1n, LAST],
      [at, at],
    ])
    ranges.push(first <= last && last >= 0n ? [first, last] : [0n, 0n])
  }
  return { records, ranges }
}
