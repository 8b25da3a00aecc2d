import { brotliCompressSync, crc32, deflateSync, gunzipSync, gzipSync } from 'node:zlib'
import { parquetMetadata, parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import zstdPackage from 'zstd-codec'
import { createEngine } from '../../src/engine/engine.js'
import { leavesOf } from '../../src/engine/leaves.js'
import { type Compression, type ParquetCodec, resolveCodec, zstdCodec } from '../../src/parquet/file/codec.js'
import { checkFileOptions, type FileOptions } from '../../src/parquet/file/options.js'
import { createRowGroupBuilder } from '../../src/parquet/file/rowgroup.js'
import { systemGzip, systemZstd } from '../../src/ports/compression.js'
import { type Duck, openDuck } from '../duck.js'
import { arrayBuffer, file, int64, leaf, page, text, type Value } from './pages.js'

let duck: Duck
beforeAll(async () => {
  duck = await openDuck()
})
afterAll(() => duck.close())
afterEach(() => vi.unstubAllGlobals())

const engine = createEngine()
/** The core's own codecs as injected ones: to have them over pages made by hand. */
const core = (name: 'snappy' | 'lz4_raw'): ParquetCodec => ({
  name,
  compress: (bytes) =>
    engine.scope(() => {
      const src = engine.put(bytes)
      const cap = name === 'snappy' ? engine.core.snappyBound(bytes.length) : engine.core.lz4Bound(bytes.length)
      const dst = engine.reserve(cap)
      const size = name === 'snappy' ? engine.core.snappyCompress(src, bytes.length, dst, cap) : engine.core.lz4Compress(src, bytes.length, dst, cap)
      return engine.bytes().subarray(dst, dst + size)
    }),
})
const later = (codec: ParquetCodec): ParquetCodec => ({ ...codec, compress: async (bytes, level) => codec.compress(bytes, level) })
const zstd = zstdCodec(zstdPackage)

const CODECS: [string, Compression, string][] = [
  ['none', 'none', 'UNCOMPRESSED'],
  ['gzip', 'gzip', 'GZIP'],
  ['zstd-codec', zstd, 'ZSTD'],
  ['snappy, injected', core('snappy'), 'SNAPPY'],
  ['snappy, by promises', later(core('snappy')), 'SNAPPY'],
  ['lz4_raw, injected', core('lz4_raw'), 'LZ4_RAW'],
  ['brotli, injected', { name: 'brotli', compress: (bytes) => brotliCompressSync(bytes) }, 'BROTLI'],
]
if (systemZstd()) CODECS.push(['zstd', 'zstd', 'ZSTD'])

const fields = [leaf('n', { type: 'int64' }), leaf('s', { type: 'string' }), leaf('none', { type: 'string' })]
const N = 1000
const columns: Value[][] = [
  Array.from({ length: N }, (_, i) => (i % 7 ? int64(BigInt(i) * 3n) : null)),
  // every other page hardly compresses
  Array.from({ length: N }, (_, i) => text(i % 200 < 100 ? 'mill'.repeat(i % 9) : `${Math.imul(i + 1, 0x9e3779b1) >>> 0}`)),
  Array.from({ length: N }, () => null),
]
const rows = Array.from({ length: N }, (_, i) => ({
  n: i % 7 ? BigInt(i) * 3n : null,
  s: Buffer.from(columns[1][i]!).toString(),
  none: null,
}))

describe.each([1, 2] as const)('pages of version %d', (pageVersion) => {
  it.each(CODECS)('compressed by %s are read back by DuckDB and hyparquet', async (_, compression, name) => {
    const bytes = await file(fields, [columns, columns], { compression, pageVersion, pageChecksums: true })
    const metadata = parquetMetadata(arrayBuffer(bytes))
    expect(metadata.row_groups[0].columns.map(({ meta_data }) => meta_data!.codec)).toEqual([name, name, name])
    const path = duck.file('codec.parquet', bytes)
    const read = await duck.rows(`select * from read_parquet('${path}', file_row_number = true) order by file_row_number`)
    expect(read.map(({ n, s, none }) => ({ n, s, none }))).toEqual([...rows, ...rows])
    const objects = await parquetReadObjects({ file: arrayBuffer(bytes), compressors })
    expect(objects.map(({ n, s, none }) => ({ n: n ?? null, s, none: none ?? null }))).toEqual([...rows, ...rows])
  })
})

describe('compression', () => {
  it.each([
    ['snappy', 'snappy'],
    ['none', 'none'],
    ['lz4_raw', 'lz4'],
  ] as const)('%s is the core’s', (name, kernel) => {
    expect(resolveCodec(name)).toMatchObject({ name, core: kernel, compress: undefined })
    expect(() => resolveCodec(name, 3)).toThrow(`"options.compressionLevel" expected nothing, for ${name} has no levels, got 3`)
  })

  it('is Snappy where nothing is said', () => {
    expect(resolveCodec().name).toBe('snappy')
  })

  it.each([
    ['lz4', undefined, '"options.compression" expected snappy, none, gzip, zstd, lz4_raw or a codec {name, compress}, got "lz4"'],
    [3, undefined, /"options.compression" expected snappy, .*, got 3/],
    [{ name: 'none', compress() {} }, undefined, '"options.compression.name" expected one of snappy, gzip, brotli, zstd, lz4_raw, got "none"'],
    [{ name: 'zstd' }, undefined, '"options.compression.compress" expected a function, got undefined'],
    ['gzip', 10, '"options.compressionLevel" expected a whole number from 1 to 9, got 10'],
    ['gzip', 'fast', '"options.compressionLevel" expected a whole number from 1 to 9, got "fast"'],
    [{ name: 'zstd', compress() {} }, 1.5, '"options.compressionLevel" expected a whole number, got 1.5'],
  ])('%j at level %s is told', (compression, level, message) => {
    expect(() => resolveCodec(compression, level)).toThrow(message)
  })

  it('takes a level', async () => {
    const sizes = await Promise.all(
      [1, 9].map(async (compressionLevel) => (await file(fields, [columns], { compression: 'gzip', compressionLevel }, { pageRows: N })).length),
    )
    expect(sizes[1]).toBeLessThan(sizes[0])
    const levels: (number | undefined)[] = []
    const compress: ParquetCodec['compress'] = (bytes, level) => {
      levels.push(level)
      return core('snappy').compress(bytes)
    }
    await file(fields, [columns], { compression: { name: 'snappy', compress }, compressionLevel: -5 }, { pageRows: N })
    expect(levels).toEqual([-5, -5, -5])
  })

  it.each<[string, unknown, string]>([
    ['null', null, '"zstd codec\'s result" expected a Uint8Array, got null'],
    ['nothing', new Uint8Array(0), 'the zstd codec gave what is no zstd'],
    ['another format', deflateSync('x'), 'the zstd codec gave what is no zstd'],
  ])('that gives %s makes no file', async (_, packed, message) => {
    const options: FileOptions = { compression: { name: 'zstd', compress: () => packed as Uint8Array } }
    await expect(file(fields, [columns], options)).rejects.toThrow(message)
    const slow: FileOptions = { compression: { name: 'zstd', compress: async () => packed as Uint8Array } }
    await expect(file(fields, [columns], slow)).rejects.toThrow(message)
  })

  it('says what to do where the runtime has none', () => {
    vi.stubGlobal('process', undefined)
    expect(() => resolveCodec('zstd')).toThrow(/^this runtime has no zstd .* give compression zstdCodec\(await import\("zstd-codec"\)\)/)
    expect(() => resolveCodec('gzip', 6)).toThrow('"options.compressionLevel" expected nothing, for the CompressionStream of this runtime has no levels, got 6')
    vi.stubGlobal('CompressionStream', undefined)
    expect(() => resolveCodec('gzip')).toThrow(/^this runtime has no gzip/)
  })

  it('is gzip of CompressionStream in a browser', async () => {
    vi.stubGlobal('process', undefined)
    const gzip = systemGzip()!
    vi.unstubAllGlobals()
    expect(gzip.levels).toBe(false)
    const bytes = await file(fields, [columns], { compression: { name: 'gzip', compress: gzip.compress } })
    const [{ n }] = await duck.rows(`select count(n) n from '${duck.file('stream.parquet', bytes)}'`)
    expect(n).toBe(857n)
  })
})

describe('promises of a codec', () => {
  const settings = (compress: ParquetCodec['compress']) => checkFileOptions({ compression: { name: 'gzip', compress } }, leaves)
  const leaves = leavesOf([leaf('n', { type: 'int64' }, false)])
  const pages = Array.from({ length: 20 }, (_, i) => page(0, leaves[0], [int64(BigInt(i))], 1))
  const chunks = [{ values: 20, nulls: 0, plainBytes: 160 }]

  it('may settle in any order, and nobody need wait for them', async () => {
    const compress: ParquetCodec['compress'] = (bytes) => {
      const packed = gzipSync(bytes)
      const turns = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(0, true) * 7n) % 20
      // now and then one that does not wait
      if (turns > 15) return packed
      return (async () => {
        for (let i = 0; i < turns; i++) await undefined
        return packed
      })()
    }
    const builder = createRowGroupBuilder(1, settings(compress))
    for (let i = 0; i < 20; i += 2) builder.add(pages.slice(i, i + 2))
    const { parts } = await builder.finish(20, chunks)
    const bodies = parts.filter((_, i) => i % 2 === 1)
    expect(bodies.map((body) => gunzipSync(body)[0])).toEqual(Array.from({ length: 20 }, (_, i) => i))
    expect(builder.held()).toBe(0)
  })

  it('fail the row group', async () => {
    const builder = createRowGroupBuilder(
      1,
      settings(() => Promise.reject(new Error('no room'))),
    )
    builder.add(pages)
    await expect(builder.finish(20, chunks)).rejects.toThrow('no room')
    expect((await builder.finish(0, [])).parts).toEqual([])
  })
})

describe('zstd-codec', () => {
  const noise = (size: number) => {
    let state = 1
    return Uint8Array.from({ length: size }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      return (state >>> 24) & 63
    })
  }

  it('takes pages beyond its heap, at every level that it has', async () => {
    for (const [size, level] of [
      [0, 3],
      [1, 1],
      [2 * 1024 * 1024, 9],
      [2 * 1024 * 1024 + 1, 9],
      [6_000_000, 1],
    ]) {
      const data = noise(size)
      const packed = await zstd.compress(data, level)
      const out = compressors.ZSTD!(packed, data.length)
      expect(crc32(out)).toBe(crc32(data))
    }
  })

  it('refuses levels that its heap has no room for', () => {
    expect(() => zstd.compress(noise(10), 12)).toThrow('"options.compressionLevel" expected a whole number from 1 to 9, got 12')
  })

  it.each(['null', 'undefined', 'abort(OOM)'])('that gives %s is told', async (failure) => {
    const compress = () => {
      if (failure.startsWith('abort')) throw failure
      return failure === 'null' ? null : undefined
    }
    class Simple {
      compress = compress
    }
    class Streaming {
      compressChunks = compress
    }
    const codec = zstdCodec({ run: (callback) => callback({ Simple, Streaming }) })
    await expect(codec.compress(new Uint8Array(5))).rejects.toMatchObject({
      code: 'OUT_OF_MEMORY',
      message: expect.stringMatching(/^zstd-codec failed on a page of 5 bytes at level 3/),
    })
  })

  it('is told from what is no such package', () => {
    expect(() => zstdCodec({} as typeof zstdPackage)).toThrow('"module" expected the package zstd-codec, got an object')
    expect(() => zstdCodec(undefined as unknown as typeof zstdPackage)).toThrow('"module" expected the package zstd-codec, got undefined')
  })
})
