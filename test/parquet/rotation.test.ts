import { parquetReadObjects } from 'hyparquet'
import { describe, expect, it } from 'vitest'
import { type BytesSink, bytesSink, createParquetFiles, type ParquetFilesOptions } from '../../src/parquet/index.js'

const schema = {
  columns: [
    { name: 'n', type: 'int32' as const },
    { name: 's', type: 'string' as const },
  ],
}
const rows = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => ({ n: from + i, s: `${from + i}-${((from + i) * 2654435761) % 2 ** 32}` }))

function files(options: Partial<ParquetFilesOptions> = {}) {
  const sinks: BytesSink[] = []
  const writer = createParquetFiles({
    schema,
    next(index) {
      expect(index).toBe(sinks.length)
      sinks.push(bytesSink())
      return sinks[index]
    },
    ...options,
  })
  const read = () =>
    Promise.all(
      sinks.map(async (sink) => {
        const bytes = sink.bytes()
        return (await parquetReadObjects({ file: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer })).map(
          (row) => row.n as number,
        )
      }),
    )
  return { writer, sinks, read }
}
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i)

describe('createParquetFiles', () => {
  it('ends a file by its rows, none lost and none twice', async () => {
    const { writer, read, sinks } = files({ maxRows: 5000 })
    await writer.writeRows(rows(0, 30_000))
    const summary = await writer.close()
    const got = await read()
    expect(got.flat()).toEqual(upTo(30_000))
    expect(got.length).toBe(summary.files.length)
    expect(got.map((file) => file.length)).toEqual([5000, 5000, 5000, 5000, 5000, 5000])
    expect(summary.files.map((file) => file.rows)).toEqual(got.map((file) => file.length))
    expect(summary.files.map((file) => file.bytes)).toEqual(sinks.map((sink) => sink.bytes().length))
    expect(summary).toMatchObject({ rows: 30_000, badRecords: 0, rowGroups: summary.files.length })
  })

  it.each([1, 299, 300, 2048, 2049, 131_073])('has exactly %d rows in each file but the last, however they come', async (maxRows) => {
    const total = maxRows === 1 ? 25 : maxRows > 4000 ? 300_000 : 5000
    const text = Buffer.from(rows(0, total).reduce((all, row, i) => `${all}${JSON.stringify(row)}\n${i % 97 === 0 ? '{"n":"bad"}\n\n' : ''}`, ''))
    const lengths = Array.from({ length: Math.ceil(total / maxRows) }, (_, i) => Math.min(maxRows, total - i * maxRows))
    const forms: ((writer: ReturnType<typeof createParquetFiles>) => Promise<unknown>)[] = [
      (writer) => writer.writeJson(text),
      (writer) => writer.writeJson(Buffer.from(JSON.stringify(rows(0, total)))),
      (writer) => writer.writeColumns({ n: Int32Array.from(upTo(total)) }),
      async (writer) => {
        for (let at = 0; at < total; at += 777) await writer.writeRows(rows(at, Math.min(total, at + 777)))
      },
    ]
    for (const form of forms) {
      const { writer, read } = files({ maxRows, onBadRecord: 'skip', ...(total > 5000 ? {} : { rowGroupRows: 1000 }) })
      await form(writer)
      const { files: made } = await writer.close()
      expect(made.map((file) => file.rows)).toEqual(lengths)
      expect((await read()).flat()).toEqual(upTo(total))
    }
  })

  it('ends a file by its bytes, within a page of each column', async () => {
    const { writer, read } = files({ maxBytes: 300_000, rowGroupRows: 4096, compression: 'none' })
    await writer.writeRows(rows(0, 60_000))
    const summary = await writer.close()
    expect((await read()).flat()).toEqual(upTo(60_000))
    expect(summary.files.length).toBeGreaterThan(3)
    for (const { bytes } of summary.files.slice(0, -1)) {
      expect(bytes).toBeGreaterThanOrEqual(300_000)
      expect(bytes).toBeLessThan(500_000)
    }
  })

  it('ends a file by its age, or when it is told to', async () => {
    let now = 0
    const { writer, read } = files({ maxMilliseconds: 1000, ports: { clock: { monotonic: () => now } } })
    for (let i = 0; i < 6; i++) {
      await writer.writeColumns({ n: [i] })
      now += 400
    }
    await writer.rotate()
    await writer.rotate()
    await writer.writeJson(Buffer.from('{"n":6}\n{"n":'))
    await writer.rotate()
    await writer.writeJson(Buffer.from('7}'))
    const summary = await writer.close()
    expect(await read()).toEqual([
      [0, 1, 2, 3],
      [4, 5],
      [6, 7],
    ])
    expect(summary.files.length).toBe(3)
  })

  it('of no rows makes no file', async () => {
    const { writer, sinks } = files()
    expect(await writer.close()).toEqual({
      files: [],
      rows: 0,
      bytes: 0,
      rowGroups: 0,
      badRecords: 0,
      badByReason: {},
      columns: [expect.objectContaining({ column: 'n', values: 0 }), expect.objectContaining({ column: 's', values: 0 })],
    })
    expect(sinks).toEqual([])
  })

  it('aborts the file at hand alone', async () => {
    const aborted: number[] = []
    const sinks: BytesSink[] = []
    const { writer } = files({
      maxRows: 1,
      next(index) {
        const sink = bytesSink()
        sinks.push(sink)
        let writes = 0
        return {
          ...sink,
          write(bytes) {
            if (index === 2 && ++writes === 1) throw new Error('disk full')
            return sink.write(bytes)
          },
          abort: () => void aborted.push(index),
        }
      },
    })
    await writer.writeColumns({ n: [1] })
    await writer.writeColumns({ n: [2] })
    await expect(writer.writeColumns({ n: [3] })).rejects.toThrow('disk full')
    expect(aborted).toEqual([2])
    expect(sinks.slice(0, 2).every((sink) => sink.bytes().length > 0)).toBe(true)
    await expect(writer.close()).rejects.toMatchObject({ code: 'CLOSED' })
  })

  it.each([
    [{ next: 5 }, '"options.next" expected a function that gives a sink, got 5'],
    [{ maxRows: 0 }, '"options.maxRows" expected a whole number from 1, got 0'],
    [{ maxMilliseconds: 5 }, '"options.ports" expected ports with a clock, for maxMilliseconds, got undefined'],
    [{ sink: 5 }, '"options" expected one of schema, next'],
  ])('refuses %j', (options, message) => {
    expect(() => files(options as never)).toThrow(message)
  })
})
