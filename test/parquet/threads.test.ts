// Several threads write what one does: the same bytes, the same bad records in the same order.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type BadRecord, bytesSink, createParquetWriter, type ParquetWriterOptions } from '../../src/parquet/index.js'
import { nodePorts } from '../../src/ports/node.js'

const schema = {
  columns: [
    { name: 'id', type: 'int64' as const, nullable: false },
    { name: 's', type: 'string' as const },
    { name: 'l', type: 'list<int32>' },
  ],
}

interface Source {
  name?: string
  text: string
}

async function write(threads: number, sources: readonly Source[], options: Partial<ParquetWriterOptions>, piece: number) {
  const bad: Omit<BadRecord, 'text'>[] = []
  const sink = bytesSink()
  const onBadRecord = ({ text: _, ...rest }: BadRecord) => void bad.push(rest)
  const writer = createParquetWriter({ onBadRecord, ...options, schema, sink, threads, ports: nodePorts })
  for (const { name, text } of sources) {
    if (name !== undefined) await writer.startSource(name)
    const bytes = Buffer.from(text)
    for (let at = 0; at < bytes.length; at += piece) await writer.writeJson(bytes.subarray(at, at + piece))
  }
  const summary = await writer.close()
  return { file: Buffer.from(sink.bytes()), summary, bad }
}

function text(rows: number, seed: number): string {
  let state = seed
  const next = (n: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * n)
  }
  let out = ''
  for (let i = 0; i < rows; i++) {
    const odd = next(40)
    if (odd === 0) out += '\n'
    else if (odd === 1) out += '{"id":"no number"}\n'
    else if (odd === 2) out += '{"id":1\n'
    else if (odd === 3) out += '{"id":1}{"id":2,"s":"two on a line"}\n'
    else out += `{"id":${i},"s":"v${next(500)}","l":[${Array.from({ length: next(5) }, () => next(9)).join(',')}]}\n`
  }
  return out
}

describe('threads', () => {
  it('give the same file and the same bad records, whatever their number and the pieces', async () => {
    const sources = [
      { text: text(9000, 1) },
      { name: 'b', text: `\ufeff${text(3000, 2)}{"id":7}` },
      { name: 'c', text: '[{"id":1},\n{"id":2}]' },
      { name: 'd', text: text(4000, 3) },
    ]
    const options = { rowGroupRows: 1000 }
    const one = await write(1, sources, options, 1 << 20)
    expect(one.summary.rowGroups).toBeGreaterThan(10)
    expect(one.bad.length).toBeGreaterThan(100)
    for (const [threads, piece] of [
      [2, 70_001],
      [3, 1 << 20],
    ]) {
      const many = await write(threads, sources, options, piece)
      expect(many.bad).toEqual(one.bad)
      expect(many.summary).toEqual(one.summary)
      expect(many.file.equals(one.file)).toBe(true)
    }
  })

  it('cut by bytes as well', async () => {
    const sources = [{ text: text(5000, 4) }]
    const options = { rowGroupBytes: 30_000, compression: 'gzip' as const }
    const one = await write(1, sources, options, 1 << 20)
    expect(one.summary.rowGroups).toBeGreaterThan(5)
    expect((await write(2, sources, options, 999)).file.equals(one.file)).toBe(true)
  })

  it('the first bad record ends the work under fail, by its place in the input', async () => {
    const lines = Array.from({ length: 5000 }, (_, i) => (i === 3210 || i === 4000 ? '{"id":null}\n' : `{"id":${i}}\n`)).join('')
    const errors = await Promise.all(
      [1, 2].map((threads) => write(threads, [{ name: 'x', text: lines }], { rowGroupRows: 500, onBadRecord: 'fail' }, 1 << 20).catch((e) => e)),
    )
    for (const error of errors) expect(error).toMatchObject({ code: 'BAD_INPUT', position: { source: 'x', record: 3210, line: 3211, column: 'id' } })
    expect(errors[1].message).toBe(errors[0].message)
  })

  it('any small text', async () => {
    const line = fc.constantFrom('{"id":1}', '{"id":2}{"id":3}', '', ' ', '{"id":', '{"id":4} ', '[', '\ufeff', '{\n"id":5}')
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(line, { maxLength: 8 }), { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 40 }),
        async (all, rowGroupRows, piece) => {
          const sources = all.map((lines, i) => ({ ...(i > 0 ? { name: `s${i}` } : {}), text: lines.join('\n') }))
          const one = await write(1, sources, { rowGroupRows }, 1 << 20)
          const two = await write(2, sources, { rowGroupRows }, piece)
          expect(two.bad).toEqual(one.bad)
          expect(two.summary).toEqual(one.summary)
          expect(two.file.equals(one.file)).toBe(true)
        },
      ),
      { numRuns: 25 },
    )
  }, 60_000)

  it('what has no threads says so', () => {
    const sink = { write() {} }
    expect(() => createParquetWriter({ schema, sink, threads: 2, ports: {} })).toThrow(expect.objectContaining({ code: 'MISSING_PEER' }))
    expect(() => createParquetWriter({ schema, sink, threads: 0 })).toThrow(RangeError)
    const codec = { name: 'gzip' as const, compress: (b: Uint8Array) => b }
    expect(() => createParquetWriter({ schema, sink, threads: 2, ports: nodePorts, compression: codec })).toThrow(RangeError)
  })
})
