// Several threads write what one does: the same bytes, the same bad records in the same order.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type BadRecord, bytesSink, createParquetWriter, type ParquetWriterOptions } from '../../src/parquet/index.js'
import type { Order } from '../../src/parquet/parallel.js'
import { nodePorts } from '../../src/ports/node.js'
import type { Threads } from '../../src/ports/ports.js'

const schema = {
  columns: [
    { name: 'id', type: 'int64' as const, nullable: false },
    { name: 's', type: 'string' as const },
    { name: 'l', type: 'list<int32>' },
  ],
}

const flat = { columns: [{ name: 'id', type: 'int64' as const, nullable: false }] }

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

  it('end with columns between texts what one thread ends, however many calls', async () => {
    const file = async (threads: number) => {
      const sink = bytesSink()
      const writer = createParquetWriter({ schema: flat, sink, threads, ports: nodePorts, rowGroupRows: 250 })
      await writer.writeColumns({ id: [1n] })
      await writer.writeJson(Buffer.from('[{"id":2},'))
      await writer.writeJson(Buffer.from('{"id":3}]'))
      await writer.startSource('lines')
      await writer.writeJson(Buffer.from('{"id":4}\n'.repeat(600)))
      for (let i = 0; i < 60; i++) await writer.writeColumns({ id: BigInt64Array.of(5n, 6n, 7n, 8n, 9n) })
      await writer.writeRows([{ id: 10 }])
      await writer.writeColumns({ id: [] })
      await writer.writeRows([{ id: 11 }])
      const wrong = await writer.writeColumns({ id: ['no number'] }).catch((error) => error)
      expect(wrong).toBeInstanceOf(TypeError)
      await writer.writeColumns({ id: [12n] })
      return { summary: await writer.close(), file: Buffer.from(sink.bytes()) }
    }
    const one = await file(1)
    expect(one.summary).toMatchObject({ rows: 906, rowGroups: 10 })
    const two = await file(2)
    expect(two.summary).toEqual(one.summary)
    expect(two.file.equals(one.file)).toBe(true)
  })

  it('take options as they were when the writer was made', async () => {
    const sink = bytesSink()
    const columns = [{ name: 'id', type: 'int64' as const }]
    const options = { schema: { columns }, sink, threads: 2, ports: nodePorts, keyValueMetadata: { a: 'b' } }
    const writer = createParquetWriter(options)
    columns.push({ name: 'later', type: 'int64' })
    options.keyValueMetadata.a = 'c'
    await writer.writeRows([{ id: 1 }])
    expect(await writer.close()).toMatchObject({ rows: 1 })
  })

  it('wait for a sink that is slower than they are', async () => {
    let open = () => {}
    const gate = new Promise<void>((resolve) => {
      open = resolve
    })
    let first = true
    const sink = {
      write: () => {
        if (!first) return
        first = false
        return gate
      },
    }
    const writer = createParquetWriter({ schema: flat, sink, threads: 2, ports: nodePorts, rowGroupRows: 100 })
    const text = Buffer.from('{"id":1}\n'.repeat(100))
    let written = 0
    const all = (async () => {
      for (; written < 50; written++) await writer.writeJson(text)
    })()
    for (let before = -1; before !== written || written === 0; ) {
      before = written
      await new Promise((resolve) => setTimeout(resolve, 300))
    }
    expect(written).toBeLessThan(12)
    open()
    await all
    expect(await writer.close()).toMatchObject({ rows: 5000, rowGroups: 50 })
  })

  it('settle the format of a source whose first line comes a few bytes at a time', async () => {
    const line = `{"id":1,"s":"${'x'.repeat(200_000)}"}\n`
    const many = await write(2, [{ text: line + text(50, 5) }], {}, 7)
    const one = await write(1, [{ text: line + text(50, 5) }], {}, 1 << 20)
    expect(many.bad).toEqual(one.bad)
    expect(many.file.equals(one.file)).toBe(true)
  })

  it('fail with MillraceError where one of them dies, and the sink is aborted once', async () => {
    const aborts: unknown[] = []
    const sink = { write() {}, abort: (reason: unknown) => void aborts.push(reason) }
    const dying: Threads = {
      cores: 2,
      start: () => {
        const thread = (nodePorts.threads as Threads).start()
        return { ...thread, post: (message, transfer) => ((message as Order).kind === 'end' ? void thread.end() : thread.post(message, transfer)) }
      },
    }
    const writer = createParquetWriter({ schema: flat, sink, threads: 2, ports: { threads: dying } })
    await writer.writeRows([{ id: 1 }])
    await expect(writer.close()).rejects.toMatchObject({ name: 'MillraceError', code: 'IO', message: expect.stringContaining('a thread failed') })
    await expect(writer.close()).rejects.toMatchObject({ code: 'CLOSED' })
    await writer.abort()
    expect(aborts).toHaveLength(1)
  })

  it('end when the sink or onBadRecord throws, with what it threw', async () => {
    for (const threads of [1, 2]) {
      const full = new Error('disk full')
      const aborted: unknown[] = []
      const abort = (reason: unknown) => {
        aborted.push(reason)
        throw new Error('and abort fails too')
      }
      const throws = () => {
        throw full
      }
      const failing = (sink: object, more: object = {}) =>
        createParquetWriter({ schema: flat, sink: { write() {}, abort, ...sink }, threads, ports: nodePorts, rowGroupRows: 10, ...more })
      const skip = { onBadRecord: 'skip' }
      for (const writer of [failing({ write: throws }, skip), failing({ close: throws }, skip), failing({}, { onBadRecord: throws })]) {
        aborted.length = 0
        await writer.writeJson(Buffer.from('{"id":1}\n{"id":\n'.repeat(25))).catch(() => {})
        // whichever call comes upon it tells it
        const told = await writer.close().catch((error) => (error.code === 'CLOSED' ? error.cause : error))
        expect(told).toBe(full)
        expect(aborted).toEqual([full])
      }
    }
  })

  it('what has no threads says so', () => {
    const sink = { write() {} }
    expect(() => createParquetWriter({ schema, sink, threads: 2, ports: {} })).toThrow(expect.objectContaining({ code: 'MISSING_PEER' }))
    expect(() => createParquetWriter({ schema, sink, threads: 0 })).toThrow(RangeError)
    const codec = { name: 'gzip' as const, compress: (b: Uint8Array) => b }
    expect(() => createParquetWriter({ schema, sink, threads: 2, ports: nodePorts, compression: codec })).toThrow(RangeError)
  })
})
