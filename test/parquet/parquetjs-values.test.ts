// Odd values of every type on parquetjs-lite and on the drop-in: what it refuses is refused, what it writes
// as it stands is written, and what it cuts to another value is refused.
import { PassThrough } from 'node:stream'
import { parquetReadObjects } from 'hyparquet'
import { beforeAll, describe, expect, it } from 'vitest'
import * as ours from '../../src/parquet/parquetjs.js'

// biome-ignore lint/suspicious/noExplicitAny: it has no types
const lite = (await import('parquetjs-lite' as string)) as any

const VALUES: Record<string, unknown> = {
  1: 1,
  '1.5': 1.5,
  '-1': -1,
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '1e21': 1e21,
  '1e-7': 1e-7,
  '2**31': 2 ** 31,
  '5n': 5n,
  '2n**53n+1n': 2n ** 53n + 1n,
  "'5'": '5',
  "' 5 '": ' 5 ',
  "'5.0'": '5.0',
  "'1.5'": '1.5',
  "'1e3'": '1e3',
  "'0x10'": '0x10',
  "''": '',
  "'12abc'": '12abc',
  "'2024-01-02T03:04:05Z'": '2024-01-02T03:04:05Z',
  "'Infinity'": 'Infinity',
  'a lone surrogate': '\ud800',
  'a byte order mark': '\ufeffx',
  true: true,
  false: false,
  date: new Date(1.7e12),
  'date before 1970': new Date(-1),
  'date that is none': new Date(Number.NaN),
  'bytes 1, 2': Uint8Array.of(1, 2),
  'byte 0xff': Uint8Array.of(0xff),
  "Buffer '12'": Buffer.from('12'),
  "Buffer '12' as JSON": Buffer.from('12').toJSON(),
  'an ArrayBuffer': new Uint8Array([53]).buffer,
  'a Uint16Array': Uint16Array.of(300),
  '{}': {},
  '{length}': { length: 2 },
  'no prototype': Object.create(null),
  'Number object': new Number(5),
  'String object': new String('5'),
  function: () => 1,
  symbol: Symbol('x'),
  'null in an array': [null],
}
const WHOLE = ['INT32', 'INT64', 'DATE', 'TIME_MILLIS', 'TIME_MICROS', 'TIMESTAMP_MILLIS', 'TIMESTAMP_MICROS', 'INT_8', 'INT_16', 'INT_32', 'INT_64']
const UNSIGNED = ['UINT_8', 'UINT_16', 'UINT_32', 'UINT_64']
const TYPES = ['BOOLEAN', 'FLOAT', 'DOUBLE', 'BYTE_ARRAY', 'UTF8', 'ENUM', 'JSON', ...WHOLE, ...UNSIGNED]

type Outcome = { value: unknown } | { error: unknown }
const took = (outcome: Outcome): outcome is { value: unknown } => 'value' in outcome

async function write(library: Pick<typeof ours, 'ParquetSchema' | 'ParquetWriter'>, type: string, value: unknown): Promise<Outcome> {
  const stream = new PassThrough()
  const parts: Buffer[] = []
  stream.on('data', (part: Buffer) => parts.push(part)).on('error', () => {})
  const repeated = Array.isArray(value)
  try {
    const writer = await library.ParquetWriter.openStream(new library.ParquetSchema({ a: { type, repeated } }), stream, { useDataPageV2: false })
    await writer.appendRow({ a: value })
    await writer.close()
    const { buffer } = Uint8Array.from(Buffer.concat(parts))
    const [{ a }] = await parquetReadObjects({ file: buffer, utf8: type !== 'BYTE_ARRAY' })
    return { value: a }
  } catch (error) {
    return { error }
  }
}

interface Cell {
  name: string
  type: string
  theirs: Outcome
  mine: Outcome
}
const cells: Cell[] = []
beforeAll(async () => {
  for (const [name, value] of Object.entries(VALUES))
    for (const type of TYPES) cells.push({ name, type, theirs: await write(lite, type, value), mine: await write(ours, type, value) })
})

/** By value, the types that `which` picks. */
function table(which: (theirs: Outcome, mine: Outcome) => boolean): Record<string, string> {
  const found: Record<string, string> = {}
  for (const { name, type, theirs, mine } of cells) if (which(theirs, mine)) found[name] = found[name] === undefined ? type : `${found[name]} ${type}`
  return found
}

describe('odd values', () => {
  const all = [...WHOLE, ...UNSIGNED].join(' ')
  const but = (...types: string[]) =>
    all
      .split(' ')
      .filter((type) => !types.includes(type))
      .join(' ')
  const BIG = ['INT64', 'TIME_MICROS', 'TIMESTAMP_MICROS']
  const SMALL = ['INT_8', 'UINT_8']

  it('that parquetjs-lite cuts to another value, or to what is no value of the type, are refused', () => {
    expect(table((theirs, mine) => took(theirs) && !took(mine))).toEqual({
      '1.5': but(...BIG),
      NaN: 'JSON',
      Infinity: 'JSON',
      '1e21': but('INT32', ...BIG),
      '1e-7': but(...BIG),
      "'1.5'": but(...BIG),
      "'1e3'": but(...BIG),
      "'0x10'": `FLOAT DOUBLE ${but('TIME_MICROS')}`,
      "''": 'TIMESTAMP_MICROS',
      "'12abc'": `FLOAT DOUBLE ${but(...BIG)}`,
      "'2024-01-02T03:04:05Z'": `FLOAT DOUBLE ${but(...BIG, ...SMALL)}`,
      true: 'TIMESTAMP_MICROS',
      false: 'TIMESTAMP_MICROS',
      'date that is none': 'JSON DATE',
      'bytes 1, 2': `FLOAT DOUBLE ${but(...BIG)}`,
      'byte 0xff': 'UTF8 ENUM',
      'a Uint16Array': 'UTF8 ENUM',
      '{length}': 'UTF8 ENUM',
      'null in an array': 'BOOLEAN JSON',
    })
  })

  it('that parquetjs-lite fails on by mistakes of its own are written: its BigInt statistics and TIME_MICROS', () => {
    expect(table((theirs, mine) => !took(theirs) && took(mine))).toEqual({
      1: 'TIME_MICROS',
      '2**31': 'TIME_MICROS UINT_32',
      '5n': 'FLOAT DOUBLE INT32 TIME_MICROS',
      '2n**53n+1n': 'FLOAT DOUBLE',
      "'5'": 'TIME_MICROS',
      "' 5 '": 'TIME_MICROS',
      'bytes 1, 2': 'BYTE_ARRAY',
      'byte 0xff': 'BYTE_ARRAY TIME_MICROS',
      "Buffer '12'": 'TIME_MICROS',
      "Buffer '12' as JSON": 'BYTE_ARRAY',
      'an ArrayBuffer': 'BYTE_ARRAY',
      'a Uint16Array': 'TIME_MICROS',
      'no prototype': 'BOOLEAN JSON',
      'Number object': 'TIME_MICROS',
      'String object': 'TIME_MICROS',
      symbol: 'BOOLEAN',
    })
  })

  it('that both take are the same, but for bits and days that parquetjs-lite loses', () => {
    const same = (a: unknown, b: unknown) => expect.objectContaining({ value: a }).asymmetricMatch({ value: b })
    expect(table((theirs, mine) => took(theirs) && took(mine) && !same(theirs.value, mine.value))).toEqual({
      '2n**53n+1n': 'INT64 INT_64 UINT_64',
      'date before 1970': 'DATE',
    })
  })

  it('at the ends of each range are written, beyond them refused', async () => {
    const day = 86_400_000n
    const RANGES: Record<string, [bigint, bigint]> = {
      INT_8: [-128n, 127n],
      INT_16: [-32768n, 32767n],
      INT32: [-(2n ** 31n), 2n ** 31n - 1n],
      INT64: [-(2n ** 63n), 2n ** 63n - 1n],
      UINT_8: [0n, 255n],
      UINT_16: [0n, 65535n],
      UINT_32: [0n, 2n ** 32n - 1n],
      UINT_64: [0n, 2n ** 64n - 1n],
      TIME_MILLIS: [0n, day - 1n],
      TIME_MICROS: [0n, 1000n * day - 1n],
      TIMESTAMP_MILLIS: [0n, 2n ** 63n - 1n],
      TIMESTAMP_MICROS: [0n, 2n ** 63n - 1n],
      DATE: [0n, 2932896n],
    }
    for (const [type, [least, most]] of Object.entries(RANGES)) {
      for (const value of [least, most]) {
        const outcome = await write(ours, type, value)
        expect([type, value, took(outcome)]).toEqual([type, value, true])
        // what hyparquet makes a Date of
        const { value: read } = outcome as { value: unknown }
        if (!(read instanceof Date)) expect(BigInt(read as number)).toBe(value)
      }
      for (const value of [least - 1n, most + 1n])
        expect(await write(ours, type, value)).toMatchObject({ error: { message: expect.stringMatching(/^invalid value/) } })
    }
    const years = [-62_167_219_200_000, 253_402_300_799_999]
    for (const time of years) expect(await write(ours, 'DATE', new Date(time))).toEqual({ value: new Date(Math.floor(time / 86_400_000) * 86_400_000) })
    for (const time of [years[0] - 1, years[1] + 1])
      expect(await write(ours, 'DATE', new Date(time))).toMatchObject({ error: { message: expect.stringContaining('expected a Date of the years 0 to 9999') } })
    for (const time of [-8.64e15, 8.64e15]) {
      expect(await write(ours, 'TIMESTAMP_MILLIS', new Date(time))).toEqual({ value: new Date(time) })
      expect(took(await write(ours, 'TIMESTAMP_MICROS', new Date(time)))).toBe(true)
    }
  })

  it('are refused by name, and the writer goes on', async () => {
    const stream = new PassThrough().resume()
    const writer = await ours.ParquetWriter.openStream(
      new ours.ParquetSchema({ at: { type: 'TIMESTAMP_MICROS' }, j: { type: 'JSON', optional: true } }),
      stream,
    )
    await expect(writer.appendRow({ at: '2024-01-02T03:04:05Z' })).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: 'invalid value for TIMESTAMP_MICROS: 2024-01-02T03:04:05Z; field "at" expected a Date or a whole number from 0 to 9223372036854775807',
    })
    const round: Record<string, unknown> = {}
    round.self = round
    for (const j of [round, 5n, Number.NaN]) await expect(writer.appendRow({ at: 1, j })).rejects.toMatchObject({ code: 'BAD_INPUT' })
    const nested = (levels: number) => JSON.parse(`${'{"a\\"[":['.repeat(levels / 2)}${']}'.repeat(levels / 2)}`)
    await expect(writer.appendRow({ at: 1, j: nested(202) })).rejects.toThrow('field "j" expected at most 200 levels of nesting')
    await writer.appendRow({ at: 1, j: nested(200) })
    await writer.appendRow({ at: 1, j: 'null' })
    await writer.appendRow({ at: 1, j: 'x'.repeat(20_000_000) })
    await writer.close()
  })
})
