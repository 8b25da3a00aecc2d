// Readers of other hands: node:zlib, unzip, python's zipfile; for Snappy a reader of both streams over
// hyparquet's blocks, written from snappy-java's and Hadoop's descriptions.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { snappyUncompress } from 'hyparquet'
import { expect, it } from 'vitest'
import { objectCodec } from '../../../src/firehose/delivery/compression.js'

const lines = (count: number) =>
  new TextEncoder().encode(Array.from({ length: count }, (_, i) => `{"id":${i},"name":"flight ${(i * 7919) % 1000}"}\n`).join(''))
const bodies = [new Uint8Array(1), lines(10), lines(5000), new Uint8Array(32 * 1024), new Uint8Array(32 * 1024 + 1).fill(7)]

/** A raw block: its size as a varint, then the elements. */
function snappy(block: Uint8Array): Buffer {
  let size = 0
  for (let i = 0; ; i++) {
    size += (block[i] & 0x7f) * 2 ** (7 * i)
    if (block[i] < 0x80) break
  }
  const out = Buffer.alloc(size)
  snappyUncompress(block, out)
  return out
}

function xerial(stream: Uint8Array): Buffer {
  const bytes = Buffer.from(stream)
  expect(bytes.subarray(0, 16).toString('hex')).toBe('82534e4150505900' + '00000001' + '00000001')
  const blocks = []
  for (let at = 16; at < bytes.length; ) {
    const size = bytes.readUInt32BE(at)
    blocks.push(snappy(bytes.subarray(at + 4, at + 4 + size)))
    at += 4 + size
  }
  expect(blocks.slice(0, -1).every(({ length }) => length === 32_768)).toBe(true)
  return Buffer.concat(blocks)
}

function hadoop(stream: Uint8Array): Buffer {
  const bytes = Buffer.from(stream)
  const blocks = []
  for (let at = 0; at < bytes.length; ) {
    const [raw, size] = [bytes.readUInt32BE(at), bytes.readUInt32BE(at + 4)]
    const block = snappy(bytes.subarray(at + 8, at + 8 + size))
    expect(block.length).toBe(raw)
    blocks.push(block)
    at += 8 + size
  }
  return Buffer.concat(blocks)
}

function unzip(archive: Uint8Array, name: string): Buffer {
  const home = mkdtempSync(join(tmpdir(), 'millrace-zip-'))
  try {
    const file = join(home, 'x.zip')
    writeFileSync(file, archive)
    const program =
      'import sys,zipfile\nz=zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None and z.namelist()==[sys.argv[2]]\nsys.stdout.buffer.write(z.read(sys.argv[2]))'
    return execFileSync('python3', ['-c', program, file, name], { maxBuffer: 1 << 28 })
  } finally {
    rmSync(home, { recursive: true })
  }
}

it.each([
  ['UNCOMPRESSED', '', undefined, Buffer.from],
  ['GZIP', '.gz', 'gzip', gunzipSync],
  ['ZIP', '.zip', 'zip', (archive: Uint8Array) => unzip(archive, 'entry')],
  ['Snappy', '.snappy', 'snappy-java', xerial],
  ['HADOOP_SNAPPY', '.snappy', 'hadoop-snappy', hadoop],
] as const)('%s reads back', async (format, extension, contentEncoding, read) => {
  const codec = objectCodec(format, 'CompressionFormat')
  expect(codec).toMatchObject({ extension, contentEncoding })
  for (const body of bodies) expect(Buffer.compare(read((await codec.compress(body, 'entry')) as never), body)).toBe(0)
})

it('Snappy reads back, whatever the bytes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 100_000, size: 'max' }), async (body) => {
      expect(Buffer.compare(xerial(await objectCodec('Snappy', 'f').compress(body, '')), body)).toBe(0)
      expect(Buffer.compare(hadoop(await objectCodec('HADOOP_SNAPPY', 'f').compress(body, '')), body)).toBe(0)
    }),
    { numRuns: 50 },
  )
})

it('there is no other format', () => {
  expect(() => objectCodec('LZO', 'CompressionFormat')).toThrow('"CompressionFormat" expected one of UNCOMPRESSED, GZIP, ZIP, Snappy, HADOOP_SNAPPY, got "LZO"')
})
