// The intake over a schema of two columns: every record settled once, wherever pieces are cut.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createEngine } from '../../src/engine/engine.js'
import type { BadRecord } from '../../src/parquet/intake/bad-records.js'
import { createIntake } from '../../src/parquet/intake/intake.js'
import { checkRecordOptions, type RecordOptions } from '../../src/parquet/writer-options.js'
import type { Field } from '../../src/types.js'
import { cells } from '../columns.js'
import { cpuTime } from '../cpu.js'

const FIELDS = [
  { name: 'a', key: 'a', nullable: true, leaf: { type: 'int32' } },
  { name: 'bb', key: 'bb', nullable: true, leaf: { type: 'string' } },
] satisfies Field[]

/** Rows with the index of their record, and the bad ones, of sources given as pieces. */
async function take(sources: { name: string; pieces: (string | Uint8Array)[] }[], options: Partial<RecordOptions> = {}) {
  const engine = createEngine()
  const rows: [unknown, number][] = []
  const bad: BadRecord[] = []
  const intake = createIntake(
    engine,
    checkRecordOptions(FIELDS, { maxRecordBytes: 4096, onBadRecord: (b) => void bad.push({ ...b, text: b.text.slice() }), ...options }),
    (count, recordAt) => {
      const [a] = cells(engine, intake.scan, count)
      for (let row = 0; row < count; row++) rows.push([a[row], recordAt(row)])
    },
  )
  for (const { name, pieces } of sources) {
    await intake.startSource(name)
    for (const piece of pieces) await intake.write(typeof piece === 'string' ? Buffer.from(piece) : piece)
  }
  await intake.end()
  return { rows, bad, intake }
}

const inPieces = (text: string, size: number) => {
  const bytes = Buffer.from(text)
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size))
}
const place = ({ source, record, line, offset, position, column, reason, text }: BadRecord) => [
  source,
  record,
  line,
  offset,
  position,
  column,
  reason,
  Buffer.from(text).toString(),
]

describe('positions', () => {
  it('count lines, bytes and records of each source', async () => {
    const one = '{"a":1}\r\n\n{"a":"x"}\n{"a":2}{"a":true}\n'
    const two = '[\n  {"a": 3},\n  {\n    "a": 4,\n    "bb": "x\n  },\n  {"bb":\n  5}\n'
    const { rows, bad, intake } = await take([
      { name: 'one', pieces: [one] },
      { name: 'two', pieces: [two] },
    ])
    expect(rows).toEqual([
      [1, 0],
      [2, 2],
      [3, 0],
    ])
    expect(bad.map(place)).toEqual([
      ['one', 1, 3, 10, 15, 'a', 'type', '{"a":"x"}\n'],
      ['one', 3, 4, 27, 32, 'a', 'type', '{"a":true}\n'],
      ['two', 1, 5, 16, 42, undefined, 'control', '{\n    "a": 4,\n    "bb": "x\n  }'],
      ['two', 2, 8, 50, 59, 'bb', 'type', '{"bb":\n  5}'],
      ['two', 3, 9, 62, 62, undefined, 'truncated', ''],
    ])
    expect(intake.badRecords).toBe(5)
    expect(intake.badByReason).toEqual({ 'type: a': 2, control: 1, 'type: bb': 1, truncated: 1 })
  })

  it('do not depend on how the input is cut, nor on how often it comes', async () => {
    const line = fc.constantFrom('{"a":1}', '{"a":\n1}', ' ', '{"a":"x"}', '[{"a":2},', '{"a":3}', ']', '{"bb":"', '"}', '\r', '{"a":[{', '\n')
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 12 }),
        fc.constantFrom('auto', 'lines', 'documents'),
        fc.integer({ min: 1, max: 20 }),
        async (parts, format, size) => {
          const text = parts.join('\n')
          const options = { format } as Partial<RecordOptions>
          const whole = await take([{ name: 's', pieces: [text] }], options)
          const cut = await take([{ name: 's', pieces: inPieces(text, size) }], options)
          expect([cut.rows, cut.bad]).toEqual([whole.rows, whole.bad])
          const twice = await take(
            [
              { name: 's', pieces: [text] },
              { name: 's', pieces: [text] },
            ],
            options,
          )
          expect([twice.rows, twice.bad]).toEqual([
            [...whole.rows, ...whole.rows],
            [...whole.bad, ...whole.bad],
          ])
          for (const { line, position } of whole.bad) expect(line).toBe(Buffer.from(text).subarray(0, position).toString().split('\n').length)
        },
      ),
      { numRuns: 150 },
    )
  })

  it('stay right over many scans', async () => {
    const lines = Array.from({ length: 60_000 }, (_, i) => (i % 1000 === 999 ? `{"a":"${i}"}` : `{"a":${i},"bb":"${'x'.repeat(i % 50)}"}`))
    const text = lines.join('\n')
    const starts = lines.map(() => 0)
    for (let i = 1; i < lines.length; i++) starts[i] = starts[i - 1] + lines[i - 1].length + 1
    const offsets = starts.filter((_, i) => i % 1000 === 999)
    for (const given of [text, `[${lines.join(',\n')}]`]) {
      const { rows, bad } = await take([{ name: 's', pieces: inPieces(given, 100_003) }])
      expect(bad.map((b) => [b.record, b.line])).toEqual(Array.from({ length: 60 }, (_, i) => [i * 1000 + 999, i * 1000 + 1000]))
      if (given === text) expect(bad.map((b) => b.offset)).toEqual(offsets)
      expect(rows.every(([a, record]) => a === record)).toBe(true)
      expect(rows.length).toBe(60_000 - 60)
    }
  })
})

describe('bad records', () => {
  it('take work in proportion to their text, however many there are', async () => {
    const engine = createEngine()
    let counted = 0
    const countFeeds = (at: number, size: number) => {
      counted += size
      return engine.core.countFeeds(at, size)
    }
    const watched = { ...engine, core: { ...engine.core, countFeeds } }
    const intake = createIntake(watched, checkRecordOptions(FIELDS, { onBadRecord: 'skip', format: 'lines' }), () => {})
    const text = Buffer.from(`x${'\n'.repeat(9)}`.repeat(10_000))
    await intake.write(text)
    await intake.end()
    expect(intake.badRecords).toBe(10_000)
    // counted from the start of the text for each, it was 5,000 times as much
    expect(counted).toBeLessThan(4 * text.length)
  })

  it('are told by a function that may take its time, whose failure ends the work', async () => {
    let open = 0
    const onBadRecord = async () => {
      open++
      await new Promise((wake) => setTimeout(wake, 5))
      open--
    }
    const { rows } = await take([{ name: 's', pieces: ['x\n{"a":1}\ny\n'] }], { onBadRecord })
    expect([rows.length, open]).toEqual([1, 0])
    const failing = async () => {
      throw new Error('no room')
    }
    await expect(take([{ name: 's', pieces: ['x\n{"a":1}\n'] }], { onBadRecord: failing })).rejects.toThrow('no room')
    await expect(take([{ name: 's', pieces: ['x'.repeat(600_000)] }], { onBadRecord: failing })).rejects.toThrow('no room')
  })
})

describe('policies', () => {
  const pieces = ['{"a":1}\n{"a":1.5}\n{"a":2}\n']

  it('fail: the first one ends the work', async () => {
    await expect(take([{ name: 'in', pieces }], { onBadRecord: 'fail' })).rejects.toMatchObject({
      code: 'BAD_INPUT',
      position: { source: 'in', record: 1, offset: 13, line: 2, column: 'a' },
      message: 'in, line 2, byte 13: column "a" expected int32, got a number that is not whole',
    })
  })

  it('skip: they are counted', async () => {
    const { rows, intake } = await take([{ name: 'in', pieces }], { onBadRecord: 'skip' })
    expect(rows.map(([a]) => a)).toEqual([1, 2])
    expect([intake.badRecords, intake.badByReason]).toEqual([1, { 'fraction: a': 1 }])
  })
})

it('DynamoDB-typed records, bad ones told as they came, cut anywhere', async () => {
  const lines = [
    '{"Item":{"a":{"N":"1"},"bb":{"S":"x"}}}',
    '{"Item":{"bb":{"S":"x"},"a":{"N":"1.5"}}}',
    '{"a":{"N":"2"},"bb":{"X":"x"}}',
    '{"eventName":"INSERT","dynamodb":{"NewImage":{"a":{"N":"3"}}}}',
    '{"a":{"S":"4"}}',
  ]
  for (const [given, format] of [
    [`${lines.join('\n')}\n`, 'lines'],
    [lines.join('\n').replaceAll(':{', ':\n{'), 'documents'],
  ] as const)
    for (const size of [1000, 7, 1]) {
      const { rows, bad } = await take([{ name: 's', pieces: inPieces(given, size) }], { dialect: 'dynamodb', format })
      expect(rows).toEqual([
        [1, 0],
        [3, 3],
      ])
      expect(bad.map((b) => [b.record, b.reason, b.column, Buffer.from(b.text).toString().replace(/\n/g, '')])).toEqual([
        [1, 'fraction', 'a', lines[1]],
        [2, 'typed', undefined, lines[2]],
        [4, 'type', 'a', lines[4]],
      ])
      for (const { line, position } of bad) expect(line).toBe(given.slice(0, position).split('\n').length)
    }
})

describe('records longer than the bound', () => {
  const long = (size: number) => `{"bb":"${'}{x'.repeat(size / 3)}",\n"c":[{},{}]}`

  it.each([
    ['documents', '', ''],
    ['documents', '[', ','],
    ['lines', '', '\n'],
  ])('as %s %s: are passed over, once each, and their neighbours taken', async (format, open, between) => {
    const big = format === 'lines' ? long(700_000).replace('\n', '') : long(700_000)
    const text = `${open}{"a":1}${between}${big}${between}{"a":2}${between}${big}${between}{"a":3}${open && ']'}`
    for (const size of [1 << 20, 65_536, 10_007]) {
      const { rows, bad, intake } = await take([{ name: 's', pieces: inPieces(text, size) }], { format: format as 'lines' })
      expect(rows).toEqual([
        [1, 0],
        [2, 2],
        [3, 4],
      ])
      expect(bad.map((b) => [b.record, b.offset, b.reason, b.text.length])).toEqual([
        [1, open.length + 7 + between.length, 'too-long', 0],
        [3, open.length + 14 + 3 * between.length + big.length, 'too-long', 0],
      ])
      expect(intake.badByReason).toEqual({ 'too-long': 2 })
    }
  })

  it('are taken up to it', async () => {
    const { rows, bad } = await take([{ name: 's', pieces: inPieces(`${long(900_000)}{"a":1}`, 30_000) }], { maxRecordBytes: 1 << 20 })
    expect([rows, bad]).toEqual([
      [
        [null, 0],
        [1, 1],
      ],
      [],
    ])
  })

  it('cost time in proportion to their length', async () => {
    const times: number[] = []
    for (const size of [1_000_000, 8_000_000]) {
      const pieces = inPieces(long(size), 50_000)
      const start = cpuTime()
      const { rows } = await take([{ name: 's', pieces }], { maxRecordBytes: 16 << 20 })
      times.push(cpuTime() - start)
      expect(rows.length).toBe(1)
    }
    // 8 times as long; each scan over what has come so far would make it 64
    expect(times[1]).toBeLessThan(25 * times[0] + 200)
  })
})
