import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AS_KCL, STRICT, VERIFY } from '../../src/engine/core.js'
import { createEngine, type Engine } from '../../src/engine/engine.js'
import { MillraceError } from '../../src/errors.js'
import { deaggregateReason, FROM_AGGREGATE, open as openRows } from '../../src/kinesis/aggregates/deaggregate.js'
import { builds } from '../builds.js'
import { open, type Row } from './kcl.js'
import { encodeBody, field, hashKeyOf, MAGIC, md5, type Plain, seal, varint } from './oracle.js'

type Range = [bigint, bigint]
const ALL: Range = [0n, 2n ** 128n - 1n]
const text = new TextDecoder('utf-8', { ignoreBOM: true })

function rangeBytes(ranges: Range[]): Uint8Array {
  return new Uint8Array(Buffer.from(ranges.flatMap((r) => r.map((k) => k.toString(16).padStart(32, '0'))).join(''), 'hex'))
}

/** Kinesis records with the key "outer" through the kernels; the rows of each and its outcome. */
function run(e: Engine, records: Buffer[], mode: 'kcl' | 'keep' | 'strict', ranges: Range[] = [], verify = true): { rows: Row[]; outcome: string }[] {
  return e.scope(() => {
    const heap = Buffer.concat([Buffer.from('outer'), ...records])
    const at = e.put(heap)
    const table = e.reserve(records.length * 32)
    let next = 5
    records.forEach((r, i) => {
      e.words().set([0, 5, 0, 0xffffffff, next, r.length, 9, 9], (table >> 2) + i * 8)
      next += r.length
    })
    const flags = { keep: 0, kcl: AS_KCL, strict: STRICT }[mode] | (verify ? VERIFY : 0)
    const got = openRows(e, { heap: at, table }, records.length, { flags, ranges: rangeBytes(ranges), onDropped: undefined }, [])
    const out: { rows: Row[]; outcome: string }[] = records.map((_, i) => ({
      rows: [],
      outcome: deaggregateReason(got.outcomes[i]) ?? (got.outcomes[i] === FROM_AGGREGATE ? 'ok' : 'raw'),
    }))
    for (let i = 0; i < got.count; i++) {
      const [keyAt, keySize, hashAt, hashSize, dataAt, dataSize, source, item] = got.table.subarray(i * 8, i * 8 + 8)
      const read = (from: number, size: number) => {
        expect(from + size).toBeLessThanOrEqual(heap.length)
        return heap.subarray(from, from + size)
      }
      out[source].rows.push({
        key: text.decode(read(keyAt, keySize)),
        hash: hashSize === 0xffffffff ? undefined : text.decode(read(hashAt, hashSize)),
        data: read(dataAt, dataSize).toString('hex'),
        item,
        aggregated: (got.status[i] & FROM_AGGREGATE) !== 0,
        reason: deaggregateReason(got.status[i]),
      })
    }
    return out
  })
}

/** The error of mode strict: where it is, and the reason. */
function refused(e: Engine, records: Buffer[], ranges: Range[] = []) {
  try {
    run(e, records, 'strict', ranges)
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error
    const { record, offset } = error.position as { record: number; offset: number }
    return { record, offset, reason: /([A-Z_0-9]+): expected/.exec(error.message)?.[1] }
  }
  return undefined
}

function agree(e: Engine, records: Buffer[], ranges: Range[] = []) {
  for (const mode of ['keep', 'kcl'] as const) {
    const got = run(e, records, mode, ranges)
    const want = records.map((r, i) => open(r, mode, ranges[ranges.length > 1 ? i : 0]))
    if (JSON.stringify(got) !== JSON.stringify(want)) expect(got, mode).toEqual(want)
  }
  const outcomes = records.map((r, i) => open(r, 'keep', ranges[ranges.length > 1 ? i : 0]).outcome)
  const record = outcomes.findIndex((outcome) => outcome !== 'ok' && outcome !== 'raw')
  const fault = refused(e, records, ranges)
  expect([fault?.record, fault?.reason]).toEqual(record < 0 ? [undefined, undefined] : [record, outcomes[record]])
  if (fault) {
    expect(fault.offset).toBeGreaterThanOrEqual(4)
    expect(fault.offset).toBeLessThanOrEqual(records[record].length)
  }
}

const b = (...parts: (number | Uint8Array)[]) => Buffer.concat(parts.map((p) => (typeof p === 'number' ? Buffer.of(p) : p)))
const rec = (key: number | bigint, data: string, hash?: number | bigint) =>
  field(0x1a, b(0x08, varint(key), ...(hash === undefined ? [] : [0x10, varint(hash)]), field(0x1a, Buffer.from(data))))
const pk = (s: string | Uint8Array) => field(0x0a, Buffer.from(s))
const ehk = (s: string) => field(0x12, Buffer.from(s))
const nested = (depth: number) => b(Buffer.alloc(depth, 0x2b), Buffer.alloc(depth, 0x2c))
const good = b(pk('p'), pk('q'), rec(0, 'one'), rec(1, 'two'))
const damaged = seal(good)
damaged[damaged.length - 1] ^= 1

// What the KCL's AggregatorUtil does with each: [what, record, outcome in keep, sub-sequence numbers in keep, in kcl].
// In strict whatever has an outcome of its own is refused.
const cases: [string, Buffer, string, number[], number[]][] = [
  ['empty data', Buffer.alloc(0), 'raw', [0], [0]],
  ['3 bytes of the magic', MAGIC.subarray(0, 3), 'raw', [0], [0]],
  ['another magic', b(0xf3, 0x89, 0x9a, 0xc3, good, md5(good)), 'raw', [0], [0]],
  ['the magic alone', MAGIC, 'TRUNCATED', [0], [0]],
  ['the magic and 16 bytes', b(MAGIC, md5(Buffer.alloc(0))), 'TRUNCATED', [0], [0]],
  ['a wrong MD5', damaged, 'BAD_CHECKSUM', [0], [0]],
  ['a body that is no protobuf', seal(Buffer.from('hello, world')), 'BAD_PROTOBUF', [0], [0]],
  ['a truncated record', seal(good.subarray(0, good.length - 1)), 'BAD_PROTOBUF', [0], [0]],
  ['a trailing byte', seal(b(good, 0)), 'BAD_PROTOBUF', [0], [0]],
  ['a record without key index', seal(b(pk('p'), field(0x1a, field(0x1a, Buffer.from('x'))))), 'BAD_PROTOBUF', [0], [0]],
  ['a record without data', seal(b(pk('p'), rec(0, 'one'), field(0x1a, b(8, 0)))), 'BAD_PROTOBUF', [0], [0]],
  [
    'a tag without key',
    seal(b(pk('p'), field(0x1a, b(8, 0, field(0x1a, Buffer.from('x')), field(0x22, field(0x12, Buffer.from('v'))))))),
    'BAD_PROTOBUF',
    [0],
    [0],
  ],
  ['a key index out of the table', seal(b(pk('p'), rec(0, 'one'), rec(1, 'two'), rec(0, 'three'))), 'BAD_KEY_INDEX', [0, 1, 2], [0]],
  ['the same at record 0', seal(b(rec(0, 'one'), rec(0, 'two'))), 'BAD_KEY_INDEX', [0, 1], []],
  ['a hash key index out of the table', seal(b(pk('p'), ehk('5'), rec(0, 'one', 0), rec(0, 'two', 1))), 'BAD_HASH_INDEX', [0, 1], [0]],
  ['an explicit hash key that is no integer', seal(b(pk('p'), ehk('5'), ehk('x5'), rec(0, 'one', 0), rec(0, 'two', 1))), 'BAD_HASH_KEY', [0, 1], [0]],
  ['an empty explicit hash key', seal(b(pk('p'), ehk(''), rec(0, 'one', 0))), 'BAD_HASH_KEY', [0], []],
  ['one that no record uses', seal(b(pk('p'), ehk('x5'), rec(0, 'one'))), 'ok', [0], [0]],
  ['tables but no records', seal(b(pk('p'), ehk('5'))), 'NO_RECORDS', [0], []],
  ['an explicit hash key past 2^128 - 1', seal(b(pk('p'), ehk(String(2n ** 128n)), rec(0, 'one'), rec(0, 'two', 0))), 'OUT_OF_RANGE', [0, 1], []],
  ['a negative one', seal(b(pk('p'), ehk('-5'), rec(0, 'one', 0))), 'OUT_OF_RANGE', [0], []],
  [
    'unknown fields of every kind, tags, tables behind the records',
    seal(
      b(
        0x28,
        varint(9),
        0x31,
        Buffer.alloc(8),
        0x3d,
        Buffer.alloc(4),
        field(0x42, Buffer.from('u')),
        nested(3),
        rec(0, 'one'),
        field(0x1a, b(0x22, 3, field(0x0a, Buffer.from('t')), 8, 1, field(0x1a, Buffer.from('two')), 0x28, 7)),
        pk('p'),
        pk('q'),
      ),
    ),
    'ok',
    [0, 1],
    [0, 1],
  ],
  ['a known field of another wire type', seal(b(0x08, 5, 0x15, Buffer.alloc(4), good)), 'ok', [0, 1], [0, 1]],
  [
    'repeated scalars: the last wins',
    seal(b(pk('p'), pk('q'), field(0x1a, b(8, 0, field(0x1a, Buffer.from('no')), 8, 1, field(0x1a, Buffer.from('yes')))))),
    'ok',
    [0],
    [0],
  ],
  ['an index of 2^32', seal(b(pk('p'), rec(2n ** 32n, 'one'))), 'ok', [0], [0]],
  ['an index of 2^31', seal(b(pk('p'), rec(2n ** 31n, 'one'))), 'BAD_KEY_INDEX', [0], []],
  ['a varint of ten bytes', seal(b(pk('p'), field(0x1a, b(8, Buffer.alloc(9, 0x80), 0x7e, field(0x1a, Buffer.from('x')))))), 'ok', [0], [0]],
  ['a varint of eleven bytes', seal(b(pk('p'), field(0x1a, b(8, Buffer.alloc(10, 0x80), 0, field(0x1a, Buffer.from('x')))))), 'BAD_PROTOBUF', [0], [0]],
  ['tags and lengths longer than they need be', seal(b(0x8a, 0x80, 0, 0x81, 0x80, 0, 0x70, rec(0, 'one'))), 'ok', [0], [0]],
  ['a negative length', seal(b(pk('p'), 0x1a, varint(2n ** 32n - 1n))), 'BAD_PROTOBUF', [0], [0]],
  ['a length past the end', seal(b(0x0a, 100, good)), 'BAD_PROTOBUF', [0], [0]],
  ['field number 0', seal(b(0x02, 0, good)), 'BAD_PROTOBUF', [0], [0]],
  ['wire type 6', seal(b(0x2e, 0, good)), 'BAD_PROTOBUF', [0], [0]],
  ['an end of no group', seal(b(0x2c, good)), 'BAD_PROTOBUF', [0], [0]],
  ['an end of another group', seal(b(0x2b, 0x34, good)), 'BAD_PROTOBUF', [0], [0]],
  ['a group without an end', seal(b(0x2b, good)), 'BAD_PROTOBUF', [0], [0]],
  ['100 levels of groups', seal(b(nested(100), good)), 'ok', [0, 1], [0, 1]],
  ['101 levels of groups', seal(b(nested(101), good)), 'BAD_PROTOBUF', [0], [0]],
  ['99 levels within a record', seal(b(pk('p'), field(0x1a, b(8, 0, field(0x1a, Buffer.from('x')), nested(99))))), 'ok', [0], [0]],
  ['100 levels within a record', seal(b(pk('p'), field(0x1a, b(8, 0, field(0x1a, Buffer.from('x')), nested(100))))), 'BAD_PROTOBUF', [0], [0]],
  ['a key that is not UTF-8', seal(b(pk(Buffer.from('ff41c328', 'hex')), rec(0, 'one'))), 'ok', [0], [0]],
  ['explicit hash keys "0007" and "+7", verbatim', seal(b(pk('p'), ehk('0007'), ehk('+7'), rec(0, 'one', 0), rec(0, 'two', 1))), 'ok', [0, 1], [0, 1]],
  ['empty data', seal(b(pk('p'), rec(0, ''), rec(0, ''))), 'ok', [0, 1], [0, 1]],
  ['an aggregate of exactly one', seal(b(pk('p'), rec(0, 'one'))), 'ok', [0], [0]],
]

// The same with a range: [what, record, range, outcome in keep, sub-sequence numbers in keep, in kcl].
const hashOf = (key: string) => hashKeyOf({ key, data: Buffer.alloc(0) })
const within = (key: string): Range => [hashOf(key), hashOf(key)]
const ranged: [string, Buffer, Range, string, number[], number[]][] = [
  ['a hash key in the range, both ends', seal(b(pk('p'), rec(0, 'one'))), within('p'), 'ok', [0], [0]],
  ['one hash key outside: the whole aggregate', seal(good), within('p'), 'OUT_OF_RANGE', [0, 1], []],
  ['the same at the first record', seal(good), within('q'), 'OUT_OF_RANGE', [0, 1], []],
  ['an explicit hash key inside, the key outside', seal(b(pk('p'), ehk('7'), rec(0, 'one', 0))), [7n, 7n], 'ok', [0], [0]],
  ['an explicit hash key outside, the key inside', seal(b(pk('p'), ehk('7'), rec(0, 'one', 0))), within('p'), 'OUT_OF_RANGE', [0], []],
  ['outside before an index out of the table', seal(b(good, rec(2, 'three'))), within('p'), 'OUT_OF_RANGE', [0, 1, 2], []],
  [
    'an index out of the table before one outside',
    seal(b(pk('p'), pk('q'), rec(0, '1'), rec(2, '2'), rec(1, '3'))),
    within('p'),
    'BAD_KEY_INDEX',
    [0, 1, 2],
    [0],
  ],
  ['a record of its own is never judged', Buffer.from('outer'), [7n, 7n], 'raw', [0], [0]],
  ['nor is one that is delivered as it is', damaged, [7n, 7n], 'BAD_CHECKSUM', [0], [0]],
]

// Where strict says that the fault is: [what, record, byte].
const places: [string, Buffer, number][] = [
  ['TRUNCATED: the end', MAGIC, 4],
  ['BAD_CHECKSUM: the MD5', damaged, damaged.length - 16],
  ['BAD_PROTOBUF: the field that is cut', seal(b(pk('p'), rec(0, 'one'), field(0x1a, b(8, 0)))), 4 + b(pk('p'), rec(0, 'one')).length],
  ['BAD_PROTOBUF: the byte that is no tag', seal(b(good, 0)), 4 + good.length],
  ['NO_RECORDS: the end of the message', seal(pk('p')), 4 + pk('p').length],
  ['BAD_KEY_INDEX: its record', seal(b(pk('p'), rec(0, 'one'), rec(1, 'two'))), 4 + b(pk('p'), rec(0, 'one')).length],
  ['BAD_HASH_KEY: its record', seal(b(pk('p'), rec(0, 'one'), rec(0, 'two', 0), ehk('x'))), 4 + b(pk('p'), rec(0, 'one')).length],
]

const aggregate = fc
  .array(
    fc.record({
      key: fc.oneof(fc.constantFrom('10', '__proto__', 'ключ'), fc.string({ maxLength: 20 })),
      hash: fc.option(fc.bigInt(0n, 2n ** 128n - 1n).map(String), { nil: undefined }),
      data: fc.uint8Array({ maxLength: 200 }),
    }),
    { minLength: 1, maxLength: 12 },
  )
  .map((records: Plain[]) => ({ records, body: encodeBody(records) }))

describe.each(builds)('deaggregate (%s)', (_, engine) => {
  it.each(cases)('%s', (_name, record, outcome, keep, kcl) => {
    const kept = run(engine, [record], 'keep')[0]
    expect(kept.outcome).toBe(outcome)
    expect(kept.rows.map((r) => r.item)).toEqual(keep)
    expect(run(engine, [record], 'kcl')[0].rows.map((r) => r.item)).toEqual(kcl)
    agree(engine, [record, seal(good), record])
  })

  it.each(ranged)('with a range: %s', (_name, record, range, outcome, keep, kcl) => {
    const kept = run(engine, [record], 'keep', [range])[0]
    expect(kept.outcome).toBe(outcome)
    expect(kept.rows.map((r) => r.item)).toEqual(keep)
    expect(run(engine, [record], 'kcl', [range])[0].rows.map((r) => r.item)).toEqual(kcl)
    agree(engine, [record, record], [range])
  })

  it.each(places)('mode strict names the byte. %s', (_name, record, offset) => {
    expect(refused(engine, [Buffer.from('raw'), seal(good), record, MAGIC])).toEqual({ record: 2, offset, reason: open(record, 'keep').outcome })
  })

  it('does not open what is inside a user record', () => {
    const inner = seal(good)
    const [{ rows }] = run(engine, [seal(b(pk('p'), field(0x1a, b(8, 0, field(0x1a, inner)))))], 'keep')
    expect(rows.map((r) => r.data)).toEqual([inner.toString('hex')])
  })

  it('gives back what the canonical encoder was given', () => {
    fc.assert(
      fc.property(aggregate, ({ records, body }) => {
        const [{ rows }] = run(engine, [seal(body)], 'kcl')
        expect(rows.map((r) => [r.key, r.hash, r.data])).toEqual(records.map((r) => [r.key, r.hash, Buffer.from(r.data).toString('hex')]))
      }),
      { numRuns: 300, seed: 1 },
    )
  })

  it('agrees with the KCL on mutated aggregates, sealed anew or not', () => {
    const mutation = fc.record({
      at: fc.nat(),
      op: fc.constantFrom('set', 'insert', 'delete', 'cut', 'dup'),
      byte: fc.oneof(fc.constantFrom(0, 1, 8, 0x0a, 0x10, 0x12, 0x1a, 0x22, 0x2b, 0x2c, 0x7f, 0x80, 0xff), fc.nat(255)),
    })
    const mutated = fc.tuple(aggregate, fc.array(mutation, { maxLength: 4 }), fc.nat(9)).map(([{ body }, mutations, fresh]) => {
      let data = fresh > 0 ? body : seal(body)
      for (const { at, op, byte } of mutations) {
        const k = at % (data.length + 1)
        const tail =
          op === 'set' || op === 'delete'
            ? data.subarray(k + 1)
            : op === 'cut'
              ? Buffer.alloc(0)
              : op === 'dup'
                ? data.subarray(Math.max(0, k - 20))
                : data.subarray(k)
        data = b(data.subarray(0, k), ...(op === 'set' || op === 'insert' ? [byte] : []), tail)
      }
      return fresh > 0 ? seal(data) : data
    })
    fc.assert(
      fc.property(fc.array(mutated, { minLength: 1, maxLength: 8 }), (records) => agree(engine, records)),
      { numRuns: 600, seed: 2 },
    )
  })

  it('agrees on arbitrary bytes behind the magic', () => {
    const noise = fc
      .array(fc.oneof(fc.constantFrom(0, 8, 0x0a, 0x10, 0x12, 0x1a, 0x22, 0x2b, 0x2c, 0x80, 0xff), fc.nat(255)), { maxLength: 60 })
      .map((bytes) => seal(Buffer.from(bytes)))
    fc.assert(
      fc.property(fc.array(noise, { minLength: 1, maxLength: 20 }), (records) => agree(engine, records)),
      { numRuns: 300, seed: 3 },
    )
  })

  it('judges hash keys against the range of each record, both ends included', () => {
    fc.assert(
      fc.property(fc.array(aggregate, { minLength: 1, maxLength: 4 }), fc.nat(100), fc.nat(1), fc.boolean(), (list, pick, off, wide) => {
        const records = list.map(({ body }) => seal(body))
        const ranges = list.map(({ records }): Range => {
          const keys = records.map(hashKeyOf).sort((x, y) => (x < y ? -1 : 1))
          const last = keys[pick % keys.length] - BigInt(off)
          return wide ? [keys[0], keys[keys.length - 1]] : [keys[0] > last ? 0n : keys[0], last < 0n ? 0n : last]
        })
        agree(engine, records, ranges)
        agree(engine, records, [ranges[0]])
        agree(engine, records, [ALL])
      }),
      { numRuns: 150, seed: 4 },
    )
  })

  it('hashes keys that are not UTF-8 as Java reads them', () => {
    const bytes = fc.array(fc.oneof(fc.constantFrom(0x41, 0x80, 0xbf, 0xc1, 0xc3, 0xe0, 0xa0, 0xed, 0xf0, 0x90, 0xf4, 0x8f, 0xf5), fc.nat(255)), {
      maxLength: 10,
    })
    fc.assert(
      fc.property(fc.array(bytes, { minLength: 1, maxLength: 6 }), fc.bigInt(0n, 2n ** 128n - 1n), (keys, limit) => {
        const body = b(...keys.map((k) => pk(Buffer.from(k))), ...keys.map((_, i) => rec(i, 'x')))
        agree(engine, [seal(body)], [[0n, limit]])
      }),
      { numRuns: 300, seed: 7 },
    )
    // the hash of "\ufffd", and nothing else, is inside
    const at = BigInt(`0x${md5(Buffer.from('\ufffd')).toString('hex')}`)
    for (const key of ['ff', 'eda080', 'f09080', 'e0a0']) agree(engine, [seal(b(pk(Buffer.from(key, 'hex')), rec(0, 'x')))], [[at, at]])
    expect(run(engine, [seal(b(pk(Buffer.from('eda080', 'hex')), rec(0, 'x')))], 'kcl', [[at, at]])[0].outcome).toBe('ok')
  })

  it('hashes such a key as well where memory is at its end', () => {
    const full = createEngine(engine.build)
    full.reserve(2 ** 31 - full.core.mark() - 1024)
    full.core.rewind(2 ** 31 - 200_000)
    const key = Buffer.alloc(60_000, 0xff)
    const at = BigInt(`0x${md5(Buffer.from(key.toString())).toString('hex')}`)
    expect(run(full, [seal(b(pk(key), rec(0, 'x')))], 'kcl', [[at, at]])[0].outcome).toBe('ok')
  })

  it('opens a damaged aggregate where the MD5 is not asked for', () => {
    expect(run(engine, [damaged], 'keep', [], false)[0].outcome).toBe('ok')
    expect(run(engine, [damaged], 'keep', [], false)[0]).toEqual(open(damaged, 'keep', ALL, false))
  })

  it('takes 20,000 empty records, 20,000 empty keys and 20,000 empty fields', () => {
    for (const body of [Buffer.alloc(40_000, b(0x1a, 0)), Buffer.alloc(40_000, b(0x0a, 0)), b(pk('p'), Buffer.alloc(120_000, rec(0, '')))])
      agree(engine, [seal(body)])
  })

  it('takes 10 MiB of one record, of the smallest records, of empty ones, of keys and of open groups', () => {
    const size = 10 * 2 ** 20
    const [big, small, ...others] = [
      b(pk('p'), rec(0, 'x'.repeat(size - 100))),
      b(pk('p'), Buffer.alloc(size - (size % 6), rec(0, ''))),
      b(pk('p'), Buffer.alloc(size, b(0x1a, 0))),
      b(Buffer.alloc(size, b(0x0a, 0)), rec(0, 'x'), 0),
      Buffer.alloc(size, 0x2b),
    ].map((body) => seal(body))
    expect(run(engine, [big], 'kcl')[0].rows.map((r) => r.data.length)).toEqual([2 * (size - 100)])
    const counted = (record: Buffer) =>
      engine.scope(() => {
        const at = engine.put(record)
        const table = engine.put(new Uint8Array(Uint32Array.of(0, 0, 0, 0xffffffff, 0, record.length, 0, 0).buffer))
        const rows = openRows(engine, { heap: at, table }, 1, { flags: VERIFY, ranges: rangeBytes([ALL]), onDropped: undefined }, [])
        return [rows.count, deaggregateReason(rows.outcomes[0])]
      })
    expect(counted(small)).toEqual([Math.floor(size / 6), undefined])
    for (const record of others) expect(counted(record)).toEqual([1, 'BAD_PROTOBUF'])
  })

  it('reads nothing behind the last record', () => {
    // as the last bytes of the heap, each prefix of an aggregate, sealed: what lies behind must not matter
    for (let n = 1; n < good.length; n++) agree(engine, [seal(good.subarray(0, n))])
  })
})
