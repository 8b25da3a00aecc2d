// Base64, both ways. Byte to byte is where Node has no API of its own (a Buffer must go through a
// string); with a JS string on one side millrace uses the runtime's decoder, which no 128-bit kernel
// beats, and only checks what that one lets pass.

import { same } from './frame.mjs'
import { randomFrom } from './random.mjs'

const SIZES = [
  { label: '200 B', size: 200, count: 1000 },
  { label: '2 KB', size: 2048, count: 100 },
  { label: '100 KB', size: 102_400, count: 1 },
]

/** `count` items back to back in one Buffer, and a view of each. */
function items(list) {
  const heap = Buffer.concat(list)
  let at = 0
  const views = list.map((item) => {
    at += item.length
    return heap.subarray(at - item.length, at)
  })
  return { heap, views }
}

async function inCore() {
  const { engine } = await import('../dist/esm/engine/engine.js')
  return engine()
}

// One crossing a batch: the packed items go in at once, a kernel call each, the packed results come out at
// once into memory that is used again, as it is on the faster rival's side.
function batch(e, { heap, views }, outSize, kernel) {
  const sizes = views.map((v) => v.length)
  const out = new Uint8Array(outSize)
  return () =>
    e.scope(() => {
      let src = e.put(heap)
      const start = e.reserve(outSize)
      let dst = start
      for (let i = 0; i < sizes.length; i++) {
        dst += kernel(src, sizes[i], dst, start + outSize - dst)
        src += sizes[i]
      }
      out.set(e.bytes().subarray(start, dst))
      return out
    })
}

function byteRow(direction, { label, size, count }) {
  const decode = direction === 'decode'
  const names = decode ? ['Buffer.from(latin1Slice)', 'Buffer.write, reused'] : ['Buffer.from(base64Slice)', 'Buffer.write, reused']
  return {
    row: `base64 ${direction}, bytes -> bytes, ${label}${count > 1 ? ` x ${count.toLocaleString('en-US')}` : ''}`,
    unit: 'MB/s',
    rivals: names,
    // "within 2x of Buffer"
    targets: { '*': 0.5 },
    async prepare() {
      const e = await inCore()
      const random = randomFrom()
      const plain = items(Array.from({ length: count }, () => random.bytes(size)))
      const text = items(plain.views.map((v) => Buffer.from(v.toString('base64'))))
      const [input, output] = decode ? [text, plain] : [plain, text]
      const run = decode
        ? batch(e, input, output.heap.length, (src, len, dst, cap) => e.core.base64Decode(src, len, dst, cap, false))
        : batch(e, input, output.heap.length, (src, len, dst, cap) => e.core.base64Encode(src, len, dst, cap))
      const { views } = input
      const each = () => views.map(decode ? (v) => Buffer.from(v.latin1Slice(), 'base64') : (v) => Buffer.from(v.base64Slice(), 'latin1'))
      const reused = Buffer.alloc(output.heap.length)
      const write = () => {
        let at = 0
        for (let i = 0; i < views.length; i++) at += decode ? reused.base64Write(views[i].latin1Slice(), at) : reused.latin1Write(views[i].base64Slice(), at)
        return reused
      }
      const work = plain.heap.length / 1e6
      return {
        ours: { work, run },
        rivals: [
          { name: names[0], work, run: each },
          { name: names[1], work, run: write },
        ],
        check() {
          same(`base64 ${direction}, millrace`, Buffer.from(run()), output.heap)
          same(`base64 ${direction}, ${names[0]}`, Buffer.concat(each()), output.heap)
          same(`base64 ${direction}, ${names[1]}`, write(), output.heap)
        },
      }
    },
  }
}

function stringRow(direction, { label, size, count }) {
  const decode = direction === 'decode'
  const names = decode ? ['Buffer.from(text)', 'atob (a binary string)'] : ['Buffer.toString', 'btoa(latin1Slice)']
  return {
    row: `base64 ${decode ? 'decode, JS string -> bytes' : 'encode, bytes -> JS string'}, ${label}`,
    unit: 'MB/s',
    rivals: names,
    async prepare() {
      const { fromBase64, toBase64 } = await import('../dist/esm/engine/base64.js')
      const random = randomFrom()
      const plain = Array.from({ length: count }, () => random.bytes(size))
      const text = plain.map((v) => v.toString('base64'))
      const runs = decode
        ? [() => text.map((t) => fromBase64(t)), () => text.map((t) => Buffer.from(t, 'base64')), () => text.map((t) => atob(t))]
        : [() => plain.map((v) => toBase64(v)), () => plain.map((v) => v.toString('base64')), () => plain.map((v) => btoa(v.latin1Slice()))]
      const work = (size * count) / 1e6
      return {
        ours: { work, run: runs[0] },
        rivals: [
          { name: names[0], work, run: runs[1] },
          { name: names[1], work, run: runs[2] },
        ],
        check() {
          runs.forEach((run, i) => {
            const out = run()
            if (decode) same(`base64 decode ${i}`, Buffer.concat(out.map((o) => Buffer.from(o, 'latin1'))), Buffer.concat(plain))
            else same(`base64 encode ${i}`, out, text)
          })
        },
      }
    },
  }
}

export const rows = [
  ...SIZES.map((s) => byteRow('decode', s)),
  ...SIZES.map((s) => byteRow('encode', s)),
  ...SIZES.map((s) => stringRow('decode', s)),
  ...SIZES.map((s) => stringRow('encode', s)),
]
