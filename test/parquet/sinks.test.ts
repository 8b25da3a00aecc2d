import { parquetReadObjects } from 'hyparquet'
import { describe, expect, it } from 'vitest'
import { bytesSink, createParquetWriter, type ParquetSink, streamSink, writableSink } from '../../src/parquet/index.js'

const schema = {
  columns: [
    { name: 'id', type: 'int64' as const },
    { name: 'text', type: 'string' as const },
  ],
}
const rows = Array.from({ length: 5000 }, (_, i) => ({ id: i, text: `${i}-${'x'.repeat(100)}` }))

async function fill(sink: ParquetSink) {
  const writer = createParquetWriter({ schema, sink, compression: 'none', rowGroupRows: 100 })
  await writer.writeRows(rows)
  return writer.close()
}
async function ids(bytes: Uint8Array) {
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer
  return (await parquetReadObjects({ file })).map((row) => Number(row.id))
}
const ALL = rows.map((row) => row.id)
const concat = (parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts))

describe('bytesSink', () => {
  it('has the whole file at its end, and nothing before or after abort()', async () => {
    const sink = bytesSink()
    expect(() => sink.bytes()).toThrow('the file is not finished')
    const { bytes } = await fill(sink)
    expect(sink.bytes().length).toBe(bytes)
    expect(await ids(sink.bytes())).toEqual(ALL)
    const given = bytesSink()
    const writer = createParquetWriter({ schema, sink: given })
    await writer.writeRows(rows)
    await writer.abort()
    expect(() => given.bytes()).toThrow('the file was given up')
  })
})

describe('streamSink', () => {
  it('gives the file to for await, and waits for its reader', async () => {
    const sink = streamSink({ highWaterMark: 1 })
    const parts: Uint8Array[] = []
    let waiting = 0
    const write = sink.write
    const work = fill({
      ...sink,
      write: async (bytes) => {
        waiting++
        await write(bytes)
        waiting--
      },
    })
    await new Promise((done) => setTimeout(done, 20))
    expect(waiting).toBe(1)
    for await (const part of sink) parts.push(part)
    await work
    expect(parts.length).toBeGreaterThan(2)
    expect(await ids(concat(parts))).toEqual(ALL)
  })

  it('gives the file to a Response', async () => {
    const sink = streamSink({ highWaterMark: 65536 })
    const response = new Response(sink.stream() as BodyInit)
    const [body] = await Promise.all([response.arrayBuffer(), fill(sink)])
    expect(await ids(new Uint8Array(body))).toEqual(ALL)
    await expect(sink[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'CLOSED' })
  })

  it('fails the writer where its reader stops, and the reader where the writer does', async () => {
    const sink = streamSink({ highWaterMark: 1 })
    const work = fill(sink)
    for await (const _ of sink) break
    await expect(work).rejects.toMatchObject({ code: 'CLOSED' })

    const cancelled = streamSink({ highWaterMark: 1 })
    const more = fill(cancelled)
    await cancelled.stream().cancel()
    await expect(more).rejects.toMatchObject({ code: 'CLOSED' })

    const given = streamSink()
    const writer = createParquetWriter({ schema, sink: given })
    await writer.writeRows(rows)
    const read = (async () => {
      for await (const _ of given);
    })()
    await writer.abort(new Error('no more'))
    await expect(read).rejects.toThrow('no more')
  })

  it('checks its options', () => {
    expect(() => streamSink({ highWaterMark: 0 })).toThrow('"options.highWaterMark" expected a whole number from 1')
  })
})

describe('writableSink', () => {
  it('writes, closes and aborts a WritableStream', async () => {
    const parts: Uint8Array[] = []
    const state: unknown[] = []
    const stream = () =>
      new WritableStream<Uint8Array>({
        write: (part) => void parts.push(part),
        close: () => void state.push('closed'),
        abort: (reason) => void state.push(reason),
      })
    await fill(writableSink(stream()))
    expect(await ids(concat(parts))).toEqual(ALL)
    const writer = createParquetWriter({ schema, sink: writableSink(stream()) })
    await writer.abort('enough')
    expect(state).toEqual(['closed', 'enough'])
    expect(() => writableSink({} as never)).toThrow('"stream" expected a WritableStream, got an object')
  })

  it('surfaces what the stream rejects with', async () => {
    const stream = new WritableStream({
      write() {
        throw new Error('disk full')
      },
    })
    await expect(fill(writableSink(stream))).rejects.toThrow('disk full')
  })
})
