import { describe, expect, it } from 'vitest'
import { createChunker, directoryTarget, type SnowballChunk } from '../../src/snowball/index.js'
import { npmTarStream, sha256 } from '../archive/members.js'
import { bytes, collect, members } from './chunks.js'
import { failing, memoryStorage } from './memory.js'

/** A stream of `size` bytes that knows how much was asked of it and how it ended. */
function source(size: number, fail?: Error) {
  const state = { pulled: 0, closed: false }
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (state.pulled >= size) {
          if (fail) controller.error(fail)
          else controller.close()
          return
        }
        const piece = bytes(Math.min(1000, size - state.pulled))
        state.pulled += piece.length
        controller.enqueue(piece)
      },
      cancel() {
        state.closed = true
      },
    },
    { highWaterMark: 0 },
  )
  return { state, stream }
}

const good = { key: 'good', data: bytes(100) }
const last = { key: 'last', data: bytes(200) }

describe('a file that will not do', () => {
  class Trap {
    get key() {
      throw new Error('no')
    }
  }
  const throwing = (error: unknown) => () => {
    throw error
  }
  async function* odd(piece: unknown) {
    yield piece as Uint8Array
  }
  it.each<[string, unknown, string, string, string]>([
    ['is null', null, 'file 1', 'unreadable', 'expected a file { key, size?, data }, got null'],
    ['is a number', 5, 'file 1', 'key', '"key" expected a string, got undefined'],
    ['throws when it is read', new Trap(), 'file 1', 'unreadable', 'expected a file { key, size?, data }, got Trap'],
    ['has no key', { data: 'x' }, 'file 1', 'key', '"key" expected a string, got undefined'],
    ['has an empty key', { key: '', data: 'x' }, '', 'key', 'expected a key, got an empty one'],
    ['leads upward', { key: 'a/../../b', data: 'x' }, 'a/../../b', 'key', 'expected a key without .. segments'],
    ['is absolute', { key: '/etc/passwd', data: 'x' }, '/etc/passwd', 'key', 'expected a relative key, got an absolute one'],
    ['is no Unicode', { key: 'a\ud800', data: 'x' }, 'a\ud800', 'key', 'expected a key in well-formed Unicode, got a lone surrogate'],
    ['has a long key', { key: 'ü'.repeat(500), data: 'x' }, 'ü'.repeat(500), 'key', 'expected a key of at most 933 bytes, got 1000'],
    ['comes again', { key: 'good', data: 'x' }, 'good', 'collision', 'an earlier file has the same key'],
    ['has no data', { key: 'a' }, 'a', 'unreadable', '"data" expected a Uint8Array, a string, a Blob'],
    ['has data of another kind', { key: 'a', data: { length: 5 } }, 'a', 'unreadable', '"data" expected a Uint8Array'],
    ['gives data of another kind', { key: 'a', data: () => 5 }, 'a', 'unreadable', 'or a function that gives one, got 5'],
    ['gives a function', { key: 'a', data: () => () => 'x' }, 'a', 'unreadable', 'or a function that gives one, got function'],
    ['has half a byte', { key: 'a', size: 1.5, data: 'x' }, 'a', 'unreadable', '"size" expected a whole number of bytes, got 1.5'],
    ['has a size that is text', { key: 'a', size: '1', data: 'x' }, 'a', 'unreadable', '"size" expected a whole number of bytes, got "1"'],
    ['says that it is huge', { key: 'a', size: 2 ** 53 - 1, data: 'x' }, 'a', 'too-large', 'expected at most 100000000000 bytes with its headers'],
    ['is longer than it says', { key: 'a', size: 5, data: 'xxxxxx' }, 'a', 'changed', 'expected 5 bytes, as was said, got 6'],
    ['is shorter than it says', { key: 'a', size: 5, data: bytes(4) }, 'a', 'changed', 'expected 5 bytes, as was said, got 4'],
    ['is another Blob', { key: 'a', size: 5, data: new Blob(['xxxx']) }, 'a', 'changed', 'expected 5 bytes, as was said, got 4'],
    ['is a longer stream', { key: 'a', size: 5, data: odd(bytes(6)) }, 'a', 'changed', 'expected 5 bytes, as was said, got more'],
    ['is a shorter stream', { key: 'a', size: 7, data: odd(bytes(6)) }, 'a', 'changed', 'expected 7 bytes, as was said, got 6'],
    ['is a stream of text', { key: 'a', data: odd('text') }, 'a', 'unreadable', '"data" expected pieces of Uint8Array, got "text"'],
    ['throws', { key: 'a', data: throwing(failing('EACCES')) }, 'a', 'unreadable', 'EACCES'],
    ['is gone', { key: 'a', data: throwing(failing('ENOENT')) }, 'a', 'vanished', 'was there when its directory was read, is gone'],
    ['rejects', { key: 'a', data: () => Promise.reject(new Error('later')) }, 'a', 'unreadable', 'later'],
    ['throws what is no error', { key: 'a', data: throwing(null) }, 'a', 'unreadable', 'threw null'],
    ['fails half-way', { key: 'a', data: source(500, new Error('cut')).stream }, 'a', 'unreadable', 'cut'],
    [
      'was changed on the disk',
      { key: 'a', data: throwing(new DOMException('x', 'NotReadableError')) },
      'a',
      'unreadable',
      'it has changed since it was listed, or may not be read',
    ],
    [
      'was removed from the disk',
      { key: 'a', data: throwing(new DOMException('x', 'NotFoundError')) },
      'a',
      'vanished',
      'was there when it was listed, is gone',
    ],
    [
      'is a stream of unknown size and goes on',
      { key: 'a', data: source(5_000_000).stream },
      'a',
      'too-large',
      'expected at most 1048576 bytes of a file whose size is not given; give its "size", or raise "bufferBytes"',
    ],
  ])('and %s is left out, the rest goes on', async (_, file, path, reason, message) => {
    const { left, tars, lines, summary } = await collect([good, file as never, last])
    expect(left).toEqual([{ type: 'failed', path, reason, message: expect.stringContaining(message) }])
    expect(lines.filter(({ type }) => type === 'failed')).toEqual(JSON.parse(JSON.stringify(left)))
    expect(summary).toMatchObject({ members: 2, failed: 1, left: { [reason]: 1 } })
    expect(await members(tars)).toEqual({ good: sha256(good.data), last: sha256(last.data) })
  })

  it('for its key is read to its end, one that is too long is closed', async () => {
    const [bad, long] = [source(5000), source(50_000)]
    await collect(
      [
        { key: '..', data: bad.stream },
        { key: 'long', data: long.stream },
      ],
      { bufferBytes: 10_000 },
    )
    expect(bad.state).toEqual({ pulled: 5000, closed: false })
    expect(long.state).toEqual({ pulled: 11_000, closed: true })
    expect([bad.stream.locked, long.stream.locked]).toEqual([false, false])
  })

  it('of a name that objects have by themselves is packed', async () => {
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '__proto__/a']
    const { tars, left } = await collect(names.map((key) => ({ key, data: key })))
    expect(left).toEqual([])
    expect((await npmTarStream([...tars.values()][0])).map(({ name }) => name)).toEqual(names)
  })

  it('counts the destination as part of its key', async () => {
    const { left } = await collect([{ key: 'k'.repeat(900), data: '' }], { prefix: 'p/', destination: 'd'.repeat(40) })
    expect(left).toMatchObject([{ reason: 'key', message: 'expected a key of at most 933 bytes with its prefix, got 942' }])
  })
})

describe('a large file that fails', () => {
  /** What reads it learns: of each chunk its bytes, or the error. */
  async function outcomes(files: Parameters<typeof collect>[0], smallBytes = 1000) {
    const told: string[] = []
    const left: string[] = []
    for await (const chunk of createChunker({ smallBytes, onLeft: ({ path, reason }) => left.push(`${path} ${reason}`) }).chunks(files)) {
      const done = chunk.done.then(
        ({ members }) => members.map(({ key }) => key).join(),
        (error) => `rejects: ${error.code}`,
      )
      try {
        for await (const _ of chunk);
        told.push(`${chunk.name} ${await done}`)
      } catch (error) {
        told.push(`${chunk.name} ${(error as Error).message}, ${await done}`)
      }
    }
    return { told, left }
  }

  it.each([
    ['throws', () => source(3_000_000, new Error('cut')).stream, 'big: cut, rejects: IO', 'unreadable'],
    ['ends early', () => source(3_000_000).stream, 'big: expected 4000000 bytes, as was said, got 3000000, rejects: BAD_INPUT', 'changed'],
    ['goes on', () => source(5_000_000).stream, 'big: expected 4000000 bytes, as was said, got more, rejects: BAD_INPUT', 'changed'],
  ])('and %s rejects who reads its chunk, and no other', async (_, data, message, reason) => {
    const files = [good, { key: 'big', size: 4_000_000, data: data() }, last]
    expect(await outcomes(files)).toEqual({
      told: ['chunk-000001.tar good', `chunk-000002.tar ${message}`, 'chunk-000003.tar last'],
      left: [`big ${reason}`],
    })
  })

  it('when it is opened begins no chunk', async () => {
    const data = () => {
      throw failing('EACCES')
    }
    expect(await outcomes([good, { key: 'big', size: 4_000_000, data }, last])).toEqual({ told: ['chunk-000001.tar good,last'], left: ['big unreadable'] })
  })

  it('leaves nothing behind in a directory', async () => {
    const storage = memoryStorage(() => 0)
    const files = [good, { key: 'big', size: 4_000_000, data: source(3_000_000, new Error('cut')).stream }, last]
    const summary = await createChunker({ smallBytes: 1000 }).write(files, directoryTarget({ storage }, '/out'))
    expect(summary).toEqual({ chunks: 2, members: 2, bytes: 300, skipped: 0, failed: 1, left: { unreadable: 1 } })
    expect([...storage.nodes.keys()].sort()).toEqual(['/', '/out', '/out/chunk-000001.tar', '/out/chunk-000003.tar', '/out/manifest.ndjson'])
  })
})

describe('what stops', () => {
  it('a manifest that nobody takes rejects who waits for the chunk, though all of it was read', async () => {
    const full = new Error('full')
    let calls = 0
    const onManifest = () => {
      if (++calls === 2) throw full
    }
    const chunks = createChunker({ onManifest }).chunks([good])
    const chunk = (await chunks.next()).value as SnowballChunk
    for await (const _ of chunk);
    await expect(chunk.done).rejects.toBe(full)
    await expect(chunks.next()).rejects.toBe(full)
  })

  /** Endless files of which it knows how many were asked for, and whether it was closed. */
  function files(size: number) {
    const state = { asked: 0, closed: false }
    async function* all() {
      try {
        for (;;) yield { key: `file-${state.asked++}`, data: bytes(size) }
      } finally {
        state.closed = true
      }
    }
    return { state, files: all() }
  }

  it('a reader that does not pull makes the source wait', async () => {
    const { state, files: endless } = files(100_000)
    const chunks = createChunker({ chunkBytes: 50_000_000 }).chunks(endless)
    const chunk = (await chunks.next()).value as SnowballChunk
    // none but the first, of which it is known that there is a chunk
    expect(state.asked).toBe(1)
    const reader = chunk.stream().getReader()
    let read = 0
    for (let i = 0; i < 20; i++) {
      read += (await reader.read()).value?.length ?? 0
      // microtasks of whoever might run ahead
      for (let turn = 0; turn < 1000; turn++) await undefined
      expect(state.asked).toBeLessThanOrEqual((read + 2 * 1_200_000) / 100_000)
    }
    expect(read).toBeGreaterThan(19 << 20)
    await reader.cancel()
    await expect(chunk.done).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(chunks.next()).rejects.toThrow('chunk-000001.tar: it was not read to its end')
    expect(state.closed).toBe(true)
  })

  it('a large stream waits as well', async () => {
    const { state, stream } = source(100_000_000)
    const chunks = createChunker().chunks([{ key: 'big', size: 100_000_000, data: stream }])
    const chunk = (await chunks.next()).value as SnowballChunk
    expect(state.pulled).toBe(1000)
    const iterator = chunk[Symbol.asyncIterator]()
    await iterator.next()
    for (let turn = 0; turn < 1000; turn++) await undefined
    expect(state.pulled).toBeLessThan(4 << 20)
    await iterator.return?.()
    await chunks.return(undefined as never)
    expect([state.closed, stream.locked]).toEqual([true, false])
  })

  it('leaving the loop closes the source, and the stream that was at hand', async () => {
    for (const read of [true, false]) {
      const { state, files: endless } = files(2000)
      for await (const chunk of createChunker({ smallBytes: 1000 }).chunks(endless)) {
        if (read) for await (const _ of chunk);
        break
      }
      expect(state.closed).toBe(true)
    }
    const waiting = source(5000)
    for await (const _ of createChunker({ smallBytes: 1000 }).chunks([{ key: 'a', size: 5000, data: waiting.stream }])) break
    expect(waiting.state.closed).toBe(true)
    expect(waiting.stream.locked).toBe(false)
    const behind = source(5000)
    for await (const _ of createChunker({ smallBytes: 1000 }).chunks([good, { key: 'a', size: 5000, data: behind.stream }])) break
    expect(behind.state).toEqual({ pulled: 0, closed: false })
  })

  it('a chunk that nobody reads is an error where the next one is asked for', async () => {
    const { state, files: endless } = files(2000)
    const take = async () => {
      for await (const _ of createChunker({ smallBytes: 1000 }).chunks(endless));
    }
    await expect(take()).rejects.toMatchObject({ code: 'CLOSED', message: 'chunk-000001.tar: it was not read to its end' })
    expect(state.closed).toBe(true)
  })

  it('chunks may be asked for while the one before is read', async () => {
    const chunks = createChunker({ smallBytes: 10 }).chunks([good, last])
    const first = (await chunks.next()).value as SnowballChunk
    const body = new Response(first.stream()).arrayBuffer()
    const second = (await chunks.next()).value as SnowballChunk
    expect((await npmTarStream(new Uint8Array(await body))).map(({ name }) => name)).toEqual(['good'])
    expect((await npmTarStream(new Uint8Array(await new Response(second.stream()).arrayBuffer()))).map(({ name }) => name)).toEqual(['last'])
    expect(await chunks.next()).toMatchObject({ done: true, value: { chunks: 2, members: 2 } })
  })

  it('a source that throws rejects, and who reads at that time too', async () => {
    async function* broken() {
      yield good
      throw new Error('no more')
    }
    const chunks = createChunker().chunks(broken())
    const chunk = (await chunks.next()).value as SnowballChunk
    await expect(new Response(chunk.stream()).arrayBuffer()).rejects.toThrow('no more')
    await expect(chunk.done).rejects.toThrow('no more')
    await expect(chunks.next()).rejects.toThrow('no more')
  })

  it('a signal ends it with CLOSED', async () => {
    const { state, files: endless } = files(100)
    const stop = new AbortController()
    const storage = memoryStorage(() => 0)
    const chunker = createChunker({ chunkFiles: 5, signal: stop.signal, onProgress: ({ chunks }) => chunks === 2 && stop.abort(new Error('enough')) })
    await expect(chunker.write(endless, directoryTarget({ storage }, '/out'))).rejects.toMatchObject({ code: 'CLOSED', cause: { message: 'enough' } })
    expect(state.closed).toBe(true)
    // no manifest: not all is there
    expect([...storage.nodes.keys()].sort()).toEqual(['/', '/out', '/out/chunk-000001.tar', '/out/chunk-000002.tar'])
  })

  it.each(['create', 'write', 'sync', 'rename', 'syncDirectory'])('a disk that fails at %s leaves nothing torn', async (operation) => {
    const storage = memoryStorage(() => 0)
    storage.hook = (now, path) => {
      if (now === operation && (path.includes('chunk-000002') || now === 'syncDirectory')) throw failing('ENOSPC')
    }
    const { state, files: endless } = files(100)
    const error = await createChunker({ chunkFiles: 5 })
      .write(endless, directoryTarget({ storage }, '/out'))
      .catch((error) => error)
    expect(error).toMatchObject({ code: 'IO', message: expect.stringContaining('ENOSPC') })
    expect(state.closed).toBe(true)
    expect([...storage.nodes.keys()].filter((path) => /manifest\.ndjson$|tmp$|000002.tar$/.test(path))).toEqual([])
  })

  it('and no directory is written over', async () => {
    const storage = memoryStorage(() => 0)
    const write = () => createChunker().write([good], directoryTarget({ storage }, '/out'))
    await write()
    await expect(write()).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: '/out/manifest.ndjson: expected a directory without it, got one that has it already',
    })
    storage.nodes.delete('/out/manifest.ndjson')
    await expect(write()).rejects.toMatchObject({ code: 'BAD_INPUT', message: expect.stringContaining('/out/chunk-000001.tar') })
    expect([...storage.nodes.keys()].sort()).toEqual(['/', '/out', '/out/chunk-000001.tar'])
  })
})

it('wants its arguments right', async () => {
  expect(() => createChunker(null as never)).toThrow('"options" expected an object, got null')
  expect(() => createChunker({ chunkSize: 5 } as never)).toThrow('"options" expected one of prefix')
  expect(() => createChunker({ bufferBytes: 2 ** 31 })).toThrow('"bufferBytes" expected a whole number from 0 to 1073741824')
  expect(() => createChunker({ chunkBytes: 5 })).toThrow('"chunkBytes" expected a whole number from')
  expect(() => createChunker({ prefix: '../' })).toThrow('"prefix" expected a relative key prefix')
  expect(() => createChunker({ onLeft: 5 as never })).toThrow('"onLeft" expected a function, got 5')
  expect(() => createChunker({ signal: 5 as never })).toThrow('"signal" expected an AbortSignal, got 5')
  expect(() => createChunker({ ports: 5 as never })).toThrow('"ports" expected ports')
  expect(() => createChunker().chunks('files' as never)).toThrow('"files" expected an iterable or async iterable of files, got "files"')
  expect(() => createChunker().chunks(undefined as never)).toThrow('"files" expected an iterable')
  await expect(createChunker().write([], {} as never)).rejects.toThrow('"store" expected a ChunkStore')
  expect(() => directoryTarget({} as never, 'x')).toThrow('"ports" expected ports with a storage')
  expect(() => directoryTarget({ storage: memoryStorage(() => 0) }, '')).toThrow('"path" expected the path of a directory')
})
