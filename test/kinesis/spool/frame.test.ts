import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  createFrameBuffer,
  decodeRecords,
  encodeRecords,
  encodeSettled,
  type FrameBuffer,
  HEADER,
  MAX_BODY,
  RECORDS,
  readHeader,
  SETTLED,
  spooledSize,
} from '../../../src/kinesis/producer/spool/frame.js'
import { type Frame, type Gap, readFrames } from '../../../src/kinesis/producer/spool/scan.js'
import type { FileReader } from '../../../src/ports/ports.js'
import type { RecordBatch } from '../../../src/types.js'
import { batchOf, dataOf, textOf } from './batches.js'

const SEED = 0x1234567

/** A file over bytes that gives pieces of a size of its own and counts what is read; past its end it fails the test. */
function fileOf(data: Uint8Array, piece = 70_001) {
  const file = {
    bytes: 0,
    stat: async () => ({ kind: 'file' as const, size: data.length, mtime: 0, ctime: 0 }),
    async read(target: Uint8Array, at: number) {
      if (at > data.length) throw new Error(`read at ${at} of ${data.length}`)
      const some = data.subarray(at, at + Math.min(piece, target.length))
      target.set(some)
      file.bytes += some.length
      return some.length
    },
    async close() {},
  }
  return file satisfies FileReader
}

async function all(file: FileReader, seed = SEED) {
  const frames: Frame[] = []
  const gaps: Gap[] = []
  for await (const frame of readFrames(file, seed)) {
    if ('kind' in frame) frames.push({ ...frame, body: frame.body.slice() })
    else gaps.push(frame)
  }
  return { frames, gaps }
}

const view = ({ bytes, top }: FrameBuffer) => bytes.slice(0, top)
const textsOf = ({ body, count }: Frame) => {
  const rows = decodeRecords(body, count)
  return rows && Array.from({ length: count }, (_, row) => dataOf(rows, row))
}

/** Frames one behind the other, one a batch, and where each ends. */
function build(batches: readonly (readonly string[])[]) {
  const buffer = createFrameBuffer(1 << 20)
  let first = 7
  const ends: number[] = []
  for (const texts of batches) {
    expect(encodeRecords(buffer, batchOf(texts), 0, first, SEED)).toBe(texts.length)
    first += texts.length
    ends.push(buffer.top)
  }
  return { bytes: view(buffer), ends }
}

test('the frame of one record, byte by byte', () => {
  const buffer = createFrameBuffer(256)
  encodeRecords(buffer, batchOf(['hello']), 0, 2 ** 33 + 5, SEED)
  expect(
    Buffer.from(view(buffer))
      .toString('hex')
      .replace(/(.{8})(?=.)/g, '$1 '),
  ).toMatchInlineSnapshot(
    `"4d525332 01000000 05000000 02000000 01000000 1f000000 e44d4b90 73c5eb4a 00000000 02000000 00000000 ffffffff 02000000 05000000 6b356865 6c6c6f00"`,
  )
})

const texts = fc.array(fc.array(fc.string({ maxLength: 60 }), { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 12 })

test('frames come back as they were, whatever the pieces', async () => {
  await fc.assert(
    fc.asyncProperty(texts, fc.integer({ min: 1, max: 300 }), async (batches, piece) => {
      const { bytes } = build(batches)
      const { frames, gaps } = await all(fileOf(bytes, piece))
      expect(gaps).toEqual([])
      expect(frames.map(textsOf)).toEqual(batches)
      let first = 7
      for (const frame of frames) {
        expect(frame).toMatchObject({ kind: RECORDS, first })
        first += frame.count
      }
    }),
  )
})

test('rows anywhere in the heap, one within another, empty ones too, in no more bytes than was said', async () => {
  const heap = Uint8Array.from({ length: 3_000 }, (_, i) => 33 + (i % 90))
  const field = fc.tuple(fc.nat(2_900), fc.nat(100))
  // Near one another, as the producer has them, and all over.
  const rows = fc.tuple(fc.constantFrom(1, 10, 100), fc.array(fc.tuple(field, fc.option(field), field), { minLength: 1, maxLength: 40 }))
  await fc.assert(
    fc.asyncProperty(rows, fc.constantFrom(1 << 16, 1_000), async ([near, list], room) => {
      const cells = list.flatMap(([key, hash, data]) => {
        const [hashAt, hashSize] = hash ?? [7_000, 0xffffffff]
        // An empty field may lie anywhere, beyond the heap as well.
        return [Math.floor(key[0] / near), key[1], Math.floor(hashAt / near), hashSize, data[1] === 0 ? 5_000 : Math.floor(data[0] / near), data[1], 0, 0]
      })
      const batch = { count: list.length, table: Uint32Array.from(cells), heap }
      const buffer = createFrameBuffer(room)
      const seen: string[] = []
      let bytes = 0
      let frames = 0
      for (let from = 0; from < list.length; frames++) {
        buffer.top = 0
        const to = encodeRecords(buffer, batch, from, from, SEED)
        expect(to).toBeGreaterThan(from)
        bytes += buffer.top
        const [frame] = (await all(fileOf(view(buffer)))).frames
        expect(frame).toMatchObject({ first: from, count: to - from })
        const back = decodeRecords(frame.body, frame.count) as RecordBatch
        for (let row = 0; row < back.count; row++) seen.push(textOf(back, row))
        from = to
      }
      expect(seen).toEqual(list.map((_, row) => textOf(batch, row)))
      expect(bytes).toBeLessThan(spooledSize(batch) + 8 + 40 * (frames - 1))
    }),
    { numRuns: 300 },
  )
})

test('a batch that does not fit behind others is left whole for an empty buffer', () => {
  const buffer = createFrameBuffer(400)
  const batch = batchOf(['x'.repeat(50), 'y'.repeat(50), 'z'.repeat(50)])
  expect(encodeRecords(buffer, batch, 0, 0, SEED)).toBe(3)
  expect(encodeRecords(buffer, batch, 0, 3, SEED)).toBe(0)
  buffer.top = 0
  expect(encodeRecords(buffer, batchOf(['x'.repeat(200), 'y'.repeat(50), 'z'.repeat(50)]), 0, 0, SEED)).toBe(2)
})

test('changed bytes: every frame before and behind the damage is whole, none is invented, gaps say where', async () => {
  const change = fc.record({ at: fc.nat(), length: fc.integer({ min: 1, max: 200 }), byte: fc.option(fc.nat(255)), cut: fc.boolean() })
  await fc.assert(
    fc.asyncProperty(texts, fc.array(change, { minLength: 1, maxLength: 3 }), fc.integer({ min: 1, max: 300 }), async (batches, changes, piece) => {
      const { bytes, ends } = build(batches)
      let data = bytes.slice()
      for (const { at, length, byte, cut } of changes) {
        const from = at % data.length
        if (cut) data = data.slice(0, Math.max(from, 1))
        else for (let i = from; i < Math.min(from + length, data.length); i++) data[i] = byte ?? data[i] ^ (1 + (i % 255))
      }
      const file = fileOf(data, piece)
      const { frames, gaps } = await all(file)
      const untouched = batches.filter((_, i) => {
        const [start, end] = [i === 0 ? 0 : ends[i - 1], ends[i]]
        return data.length >= end && Buffer.compare(data.subarray(start, end), bytes.subarray(start, end)) === 0
      })
      const seen = frames.map((frame) => JSON.stringify(textsOf(frame)))
      // Bytes that changed back, or padding alone, leave a frame whole that was touched.
      const whole = new Set(batches.map((batch) => JSON.stringify(batch)))
      for (const frame of seen) expect(whole).toContain(frame)
      const expected = untouched.map((batch) => JSON.stringify(batch))
      let next = 0
      for (const frame of seen) if (frame === expected[next]) next++
      expect(next).toBe(expected.length)
      // All of the file is accounted for, once, and read once.
      const covered = [
        ...frames.map(({ offset, size }) => [offset, Math.min(HEADER + Math.ceil(size / 8) * 8, data.length - offset)]),
        ...gaps.map((g) => [g.offset, g.bytes]),
      ].sort((a, b) => a[0] - b[0])
      let at = 0
      for (const [offset, length] of covered) {
        expect(offset).toBe(at)
        at += length
      }
      expect(at).toBe(data.length)
      expect(file.bytes).toBe(data.length)
    }),
    { numRuns: 500 },
  )
})

test('any bytes: no error, no frame', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), fc.integer({ min: 1, max: 300 }), async (bytes, piece) => {
      const { frames, gaps } = await all(fileOf(bytes, piece))
      expect(frames).toEqual([])
      expect(gaps).toMatchObject(bytes.length > 0 ? [{ offset: 0, bytes: bytes.length }] : [])
    }),
  )
})

test('a spool file that lies as payload in another is no frame there, even where the frame round it is broken', async () => {
  const inner = createFrameBuffer(4096)
  encodeRecords(inner, batchOf(['smuggled']), 0, 0, SEED + 1)
  const buffer = createFrameBuffer(4096)
  const payload = batchOf(['x'])
  const heap = new Uint8Array(16 + inner.top)
  heap.set(view(inner), 16)
  encodeRecords(buffer, { count: 1, table: Uint32Array.of(0, 0, 0, 0xffffffff, 0, heap.length, 0, 0), heap }, 0, 0, SEED)
  encodeRecords(buffer, payload, 0, 1, SEED)
  const bytes = view(buffer)
  bytes[5] ^= 1
  const { frames } = await all(fileOf(bytes))
  expect(frames.map(textsOf)).toEqual([['x']])
})

test('hostile lengths and counts under good checksums are no frames', async () => {
  const buffer = createFrameBuffer(256)
  encodeRecords(buffer, batchOf(['abc', 'def']), 0, 0, SEED)
  const bytes = view(buffer)
  const words = new Uint32Array(bytes.buffer)
  expect(readHeader(bytes, words, 0, SEED)).toBeDefined()
  expect(readHeader(bytes, words, 0, SEED + 1)).toBeUndefined()
  // A body whose places or sizes reach beyond it.
  for (let at = 0; at < 48; at += 4) {
    const body = bytes.slice(HEADER, HEADER + words[5])
    const view = new DataView(body.buffer)
    for (const value of [0xfffffff0, body.length - 48 + 1]) {
      view.setUint32(at, value, true)
      expect(decodeRecords(body, 2), `${value} at ${at}`).toBeUndefined()
    }
    // The size that says that there is no hash key.
    view.setUint32(at, 0xffffffff, true)
    expect(decodeRecords(body, 2) !== undefined, `none at ${at}`).toBe(at % 24 === 12)
  }
  expect(decodeRecords(new Uint8Array(48), 2)).toBeDefined()
})

test('linear: 8 MiB of headers that lie about their bodies, and of magic alone', async () => {
  const size = 8 << 20
  const time = async (data: Uint8Array) => {
    const started = performance.now()
    const { frames } = await all(fileOf(data, 1 << 20))
    expect(frames).toEqual([])
    return performance.now() - started
  }
  const buffer = createFrameBuffer(size)
  while (encodeRecords(buffer, batchOf(['x'.repeat(40)]), 0, 0, SEED) === 1);
  const lying = view(buffer)
  // every header holds, no body does
  for (let at = 0; at < lying.length; at += 104) lying[at + 60] ^= 1
  const magic = new Uint8Array(size)
  new Uint32Array(magic.buffer).fill(0x3153524d)
  expect(await time(lying)).toBeLessThan(8_000)
  expect(await time(magic)).toBeLessThan(16_000)
})

test('what has settled, and records that need a buffer of their own', async () => {
  const buffer = createFrameBuffer(64)
  expect(encodeSettled(buffer, Uint8Array.of(0b101, 0b1), 100, 9, SEED)).toBe(true)
  expect(encodeSettled(buffer, new Uint8Array(100), 100, 800, SEED)).toBe(false)
  const { frames } = await all(fileOf(view(buffer)))
  expect(frames).toMatchObject([{ kind: SETTLED, first: 100, count: 9, body: Uint8Array.of(0b101, 0b1) }])
  buffer.top = 0
  expect(encodeRecords(buffer, batchOf(['x'.repeat(1000), 'y']), 0, 0, SEED)).toBe(1)
  expect((await all(fileOf(view(buffer)))).frames.map(textsOf)).toEqual([['x'.repeat(1000)]])
  expect(() => spooledSize({ count: 1, table: Uint32Array.of(0, 1, 0, 0xffffffff, 1, MAX_BODY, 0, 0), heap: new Uint8Array(0) })).toThrow(RangeError)
  expect(() => spooledSize({ count: 1, table: Uint32Array.of(0, 70_000, 0, 0xffffffff, 1, 0, 0, 0), heap: new Uint8Array(0) })).toThrow(RangeError)
})
