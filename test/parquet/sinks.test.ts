import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parquetReadObjects } from 'hyparquet'
import { describe, expect, it } from 'vitest'
import { bytesSink, createParquetWriter, fileSink, type ParquetSink, streamSink, writableSink } from '../../src/parquet/index.js'
import { nodePorts } from '../../src/ports/node.js'

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

describe('a sink that is slow', () => {
  const wide = Array.from({ length: 400 }, (_, i) => ({ id: i, text: 'x'.repeat(100_000) }))
  /** A sink whose writes end when they are let; `most`: of bytes that it had before it let them. */
  function held() {
    const parts: Uint8Array[] = []
    let open = () => {}
    const gate = new Promise<void>((done) => {
      open = done
    })
    const sink: ParquetSink = {
      async write(bytes) {
        await gate
        parts.push(bytes)
      },
    }
    return { sink, open, parts }
  }
  const settles = (work: Promise<unknown>) => Promise.race([work.then(() => 'done'), new Promise((done) => setTimeout(done, 50, 'waits'))])

  it('is given a row group while the next is made, and no second one', async () => {
    const { sink, open, parts } = held()
    const writer = createParquetWriter({ schema, sink, compression: 'none', rowGroupRows: 10 })
    await writer.writeRows(wide.slice(0, 18))
    const second = writer.writeRows(wide.slice(18, 40))
    expect(await settles(second)).toBe('waits')
    expect(parts).toHaveLength(0)
    open()
    await second
    await writer.close()
    expect(await ids(concat(parts))).toEqual(wide.slice(0, 40).map(({ id }) => id))
  })

  it('holds the writer up at once where the row group is a large one', async () => {
    const { sink, open, parts } = held()
    const writer = createParquetWriter({ schema, sink, compression: 'none', rowGroupRows: 200, encodings: { text: 'plain' } })
    const first = writer.writeRows(wide.slice(0, 210))
    expect(await settles(first)).toBe('waits')
    open()
    await first
    await writer.close()
    expect(await ids(concat(parts))).toEqual(wide.slice(0, 210).map(({ id }) => id))
  })

  it('fails a later call, once', async () => {
    const told: unknown[] = []
    let writes = 0
    const failing: ParquetSink = {
      async write() {
        writes++
        await new Promise((done) => setTimeout(done, 5))
        throw new Error('ENOSPC')
      },
      abort: (reason) => void told.push(reason),
    }
    const writer = createParquetWriter({ schema, sink: failing, compression: 'none', rowGroupRows: 10 })
    await writer.writeRows(wide.slice(0, 18))
    await new Promise((done) => setTimeout(done, 20))
    await expect(writer.writeRows(wide.slice(18, 40))).rejects.toThrow('ENOSPC')
    await expect(writer.close()).rejects.toThrow('the writer failed before')
    expect(told).toEqual([new Error('ENOSPC')])
    expect(writes).toBe(1)
  })

  it('fails the next call, whatever it is, not only one that ends a row group', async () => {
    const failing = { write: () => Promise.reject(new Error('ENOSPC')) }
    const writer = createParquetWriter({ schema, sink: failing, compression: 'none', rowGroupRows: 10 })
    await writer.writeRows(wide.slice(0, 18))
    await new Promise((done) => setTimeout(done, 5))
    await expect(writer.writeRows(rows.slice(0, 1))).rejects.toThrow('ENOSPC')
  })

  it.each([1, 2])('abort() and a bad record end a write that nothing else would (%d threads)', async (threads) => {
    const stuck = (end: 'abort' | 'bad') => {
      const sink = streamSink()
      const writer = createParquetWriter({ schema, sink, compression: 'none', rowGroupRows: 50, threads, ports: nodePorts, encodings: { text: 'plain' } })
      return { writer, end, sink }
    }
    const given = stuck('abort')
    await given.writer.writeRows(wide.slice(0, 60))
    await new Promise((done) => setTimeout(done, 50))
    await given.writer.abort(new Error('enough'))
    await expect(given.sink[Symbol.asyncIterator]().next()).rejects.toThrow('enough')
    const bad = stuck('bad')
    await bad.writer.writeRows(wide.slice(0, 60))
    await new Promise((done) => setTimeout(done, 50))
    const told = bad.writer.writeJson(Buffer.from('{"id": "zz", "text": "1"}\n')).then(() => bad.writer.startSource('next'))
    if (threads === 1) await expect(told).rejects.toThrow('column "id" expected int64, got a string')
    else await Promise.all([told.catch(() => {}), bad.writer.abort()])
  })

  it('is written to no more once it was aborted; a file is closed and gone when its write has ended', async () => {
    const calls: string[] = []
    const slow: ParquetSink = {
      async write() {
        calls.push('write')
        await new Promise((done) => setTimeout(done, 20))
      },
      abort: () => void calls.push('abort'),
    }
    const given = createParquetWriter({ schema, sink: slow, compression: 'none', rowGroupRows: 10, encodings: { text: 'plain' } })
    await given.writeRows(wide.slice(0, 18))
    await given.abort()
    await new Promise((done) => setTimeout(done, 40))
    expect(calls).toEqual(['write', 'abort'])

    const done: string[] = []
    const dir = await mkdtemp(join(tmpdir(), 'millrace-sinks-'))
    const storage = {
      ...nodePorts.storage,
      async create(path: string, options?: object) {
        const file = await nodePorts.storage.create(path, options)
        return {
          ...file,
          async writeAll(parts: readonly Uint8Array[]) {
            await new Promise((wake) => setTimeout(wake, 20))
            await file.writeAll?.(parts)
            done.push('written')
          },
          async close() {
            done.push('closed')
            await file.close()
          },
        }
      },
    }
    const sink = await fileSink({ ...nodePorts, storage }, join(dir, 'a.parquet'))
    const writer = createParquetWriter({ schema, sink, compression: 'none', rowGroupRows: 10, encodings: { text: 'plain' } })
    await writer.writeRows(wide.slice(0, 18))
    await writer.abort()
    expect(done).toEqual(['written', 'closed'])
    expect(await readdir(dir)).toEqual([])
    await expect(Promise.resolve(sink.write(new Uint8Array(1)))).rejects.toThrow('was closed or given up before')
    await rm(dir, { recursive: true })
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
