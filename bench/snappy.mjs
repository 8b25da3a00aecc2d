// Snappy, raw format, both ways, from bytes in JS to bytes in JS: ours pays the copy in and the copy out.
import { createRequire } from 'node:module'
import { FLAT, ndjson } from './data.mjs'
import { same } from './frame.mjs'

const require = createRequire(import.meta.url)
const PAGE = 65_536
const RIVALS = ['snappyjs', 'snappy (native addon)']

async function ours() {
  const { engine } = await import('../dist/esm/engine/engine.js')
  const e = engine()
  return {
    compress: (data) =>
      e.scope(() => {
        const src = e.put(data)
        const cap = e.core.snappyBound(data.length)
        const dst = e.reserve(cap)
        const size = e.core.snappyCompress(src, data.length, dst, cap)
        return e.bytes().slice(dst, dst + size)
      }),
    uncompress: (data, plain) =>
      e.scope(() => {
        const src = e.put(data)
        const dst = e.reserve(plain)
        const size = e.core.snappyDecompress(src, data.length, dst, plain)
        return e.bytes().slice(dst, dst + size)
      }),
  }
}

function row(name, direction, cut) {
  return {
    row: `snappy ${direction}, ${name}`,
    unit: 'MB/s',
    rivals: RIVALS,
    async prepare({ quick }) {
      const mine = await ours()
      const js = require('snappyjs')
      const native = require('snappy')
      const text = ndjson(FLAT.rows(quick ? 6000 : 18_000))
      const pages = []
      for (let at = 0; at < text.length; at += cut || text.length) pages.push(text.subarray(at, at + (cut || text.length)))
      const packed = pages.map((p) => Buffer.from(mine.compress(p)))
      const runs =
        direction === 'compress'
          ? [() => pages.map(mine.compress), () => pages.map((p) => js.compress(p)), () => pages.map((p) => native.compressSync(p))]
          : [
              () => packed.map((p, i) => mine.uncompress(p, pages[i].length)),
              () => packed.map((p) => js.uncompress(p)),
              () => packed.map((p) => native.uncompressSync(p, { asBuffer: true })),
            ]
      const work = text.length / 1e6
      return {
        ours: { work, run: runs[0] },
        rivals: [
          { name: RIVALS[0], work, run: runs[1] },
          {
            name: RIVALS[1],
            work,
            run: runs[2],
            note: 'through its Node binding, which makes an external Buffer a call; not the speed of the C++ code itself',
          },
        ],
        check() {
          runs.forEach((run, i) => {
            // compressors choose their own matches: what they wrote must decode to the input, by another's decoder
            const plain = direction === 'compress' ? run().map((p) => Buffer.from(i === 0 ? js.uncompress(p) : mine.uncompress(p, largest(pages)))) : run()
            same(`snappy ${direction} ${i}`, Buffer.concat(plain), text)
          })
        },
      }
    },
  }
}

const largest = (pages) => Math.max(...pages.map((p) => p.length))

export const rows = [
  row('NDJSON, one buffer', 'compress', 0),
  row('NDJSON, 64 KB pages', 'compress', PAGE),
  row('NDJSON, one buffer', 'decompress', 0),
  row('NDJSON, 64 KB pages', 'decompress', PAGE),
]
