import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BAD_INPUT, BASE64_BITS, BASE64_BYTE, BASE64_ENDS, OUTPUT_FULL } from '../../src/engine/core.js'
import type { Engine } from '../../src/engine/engine.js'
import { builds, report } from '../builds.js'

const STANDARD = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

type Decoded = { bytes: Buffer } | { position: number; detail: number }

function encode(engine: Engine, data: Uint8Array): string {
  return engine.scope(() => {
    const src = engine.put(data)
    const cap = Math.ceil(data.length / 3) * 4
    const dst = engine.reserve(cap + 1)
    engine.bytes()[dst + cap] = 77
    expect(engine.core.base64Encode(src, data.length, dst, cap)).toBe(cap)
    expect(engine.bytes()[dst + cap]).toBe(77)
    return Buffer.from(engine.bytes().subarray(dst, dst + cap)).toString('latin1')
  })
}

function decode(engine: Engine, text: string | Uint8Array, lenient = false, inPlace = false): Decoded {
  const bytes = typeof text === 'string' ? Buffer.from(text, 'latin1') : text
  return engine.scope(() => {
    const src = engine.put(bytes)
    const padding = /={0,2}$/.exec(Buffer.from(bytes).toString('latin1'))![0].length
    const cap = Math.floor(((bytes.length - padding) * 3) / 4)
    const dst = inPlace ? src : engine.reserve(cap + 16)
    if (!inPlace) engine.bytes().fill(77, dst, dst + cap + 16)
    const n = engine.core.base64Decode(src, bytes.length, dst, cap, lenient)
    if (!inPlace) expect(engine.bytes().subarray(dst + cap, dst + cap + 16)).toEqual(new Uint8Array(16).fill(77))
    if (n >= 0) return { bytes: Buffer.from(engine.bytes().slice(dst, dst + n)) }
    expect(n).toBe(BAD_INPUT)
    const { position, detail } = report(engine)
    return { position, detail }
  })
}

// The grammar of RFC 4648 section 4 as a person would check it by hand, one character at a time.
function slowStrict(text: string): Decoded {
  for (let i = 0; i < text.length; i++) {
    if (STANDARD.includes(text[i])) continue
    const column = i % 4
    if (text[i] !== '=' || column < 2) return { position: i, detail: BASE64_BYTE }
    const free = column === 2 ? 15 : 3
    if (STANDARD.indexOf(text[i - 1]) & free) return { position: i - 1, detail: BASE64_BITS }
    const want = column === 2 ? '==' : '='
    for (let k = 0; k < want.length; k++) {
      if (i + k === text.length) return { position: i + k, detail: BASE64_ENDS }
      if (text[i + k] !== '=') return { position: i + k, detail: BASE64_BYTE }
    }
    if (i + want.length < text.length) return { position: i + want.length, detail: BASE64_BYTE }
    return { bytes: Buffer.from(text, 'base64') }
  }
  return text.length % 4 ? { position: text.length, detail: BASE64_ENDS } : { bytes: Buffer.from(text, 'base64') }
}

function slowLenient(text: string): Decoded {
  let sextets = ''
  let closed = false
  for (let i = 0; i < text.length; i++) {
    if (' \t\r\n\f'.includes(text[i])) continue
    if (text[i] === '=') {
      if (!closed && sextets.length % 4 === 1) return { position: i, detail: BASE64_BYTE }
      closed = true
    } else if (!closed && `${STANDARD}-_`.includes(text[i])) sextets += text[i]
    else return { position: i, detail: BASE64_BYTE }
  }
  if (sextets.length % 4 === 1) return { position: text.length, detail: BASE64_ENDS }
  return { bytes: Buffer.from(sextets, 'base64') }
}

const bytesOf = (n: number) => Buffer.from(Array.from({ length: n }, (_, i) => (i * 167 + 13 * n) & 255))

describe.each(builds)('base64 (%s)', (_, engine) => {
  it('agrees with Buffer on every length from 0 to 200, in place and not', () => {
    for (let n = 0; n <= 200; n++) {
      const data = bytesOf(n)
      const text = data.toString('base64')
      expect(encode(engine, data)).toBe(text)
      for (const inPlace of [false, true]) {
        expect(decode(engine, text, false, inPlace)).toEqual({ bytes: data })
        expect(decode(engine, text, true, inPlace)).toEqual({ bytes: data })
        expect(decode(engine, text.replace(/=+$/, ''), true, inPlace)).toEqual({ bytes: data })
        expect(decode(engine, data.toString('base64url'), true, inPlace)).toEqual({ bytes: data })
      }
    }
  })

  it('gives the vectors of RFC 4648 section 10', () => {
    const vectors = { '': '', f: 'Zg==', fo: 'Zm8=', foo: 'Zm9v', foob: 'Zm9vYg==', fooba: 'Zm9vYmE=', foobar: 'Zm9vYmFy' }
    for (const [plain, text] of Object.entries(vectors)) {
      expect(encode(engine, Buffer.from(plain))).toBe(text)
      expect(decode(engine, text)).toEqual({ bytes: Buffer.from(plain) })
    }
  })

  it('finds every bad byte at every position, in both modes', () => {
    for (const size of [3, 52]) {
      const text = bytesOf(size).toString('base64')
      for (let at = 0; at < text.length; at++) {
        for (let byte = 0; byte < 256; byte++) {
          const bad = Buffer.from(text, 'latin1')
          bad[at] = byte
          const latin1 = bad.toString('latin1')
          const strict = decode(engine, bad)
          const want = slowStrict(latin1)
          if (JSON.stringify(strict) !== JSON.stringify(want)) expect({ latin1, ...strict }).toEqual({ latin1, ...want })
          const lenient = decode(engine, bad, true)
          const wantLenient = slowLenient(latin1)
          if (JSON.stringify(lenient) !== JSON.stringify(wantLenient)) expect({ latin1, ...lenient }).toEqual({ latin1, ...wantLenient })
        }
      }
    }
  })

  it('agrees with the slow decoders on arbitrary text', () => {
    const odd = fc.string({ unit: fc.constantFrom('A', 'z', '9', '+', '/', '-', '_', '=', ' ', '\n', '\r', '!', '\0', 'ÿ'), maxLength: 9 })
    const text = fc.tuple(fc.uint8Array({ maxLength: 70 }), odd, fc.nat(200)).map(([data, insert, at]) => {
      const base = Buffer.from(data).toString('base64')
      const k = at % (base.length + 1)
      return base.slice(0, k) + insert + base.slice(k)
    })
    fc.assert(
      fc.property(text, fc.boolean(), (t, inPlace) => {
        expect(decode(engine, t, false, inPlace)).toEqual(slowStrict(t))
        expect(decode(engine, t, true, inPlace)).toEqual(slowLenient(t))
      }),
      { numRuns: 2000, seed: 4648 },
    )
  })

  it('accepts the over-padded and unpadded data of published Firehose events', () => {
    for (const text of ['SGVsbG8====', 'SGVsbG8==', 'SGVsbG8', 'SGVsbG8=\r\n', ' SGVs\nbG8= ']) {
      expect(decode(engine, text, true)).toEqual({ bytes: Buffer.from('Hello') })
      expect(decode(engine, text)).toHaveProperty('position')
    }
    expect(decode(engine, '', true)).toEqual({ bytes: Buffer.alloc(0) })
    expect(decode(engine, '====', true)).toEqual({ bytes: Buffer.alloc(0) })
    expect(decode(engine, 'QUJDR', true)).toEqual({ position: 5, detail: BASE64_ENDS })
  })

  it('asks for more room instead of writing past the end', () => {
    engine.scope(() => {
      const src = engine.put(Buffer.from('QUJD'.repeat(20)))
      const dst = engine.reserve(100)
      expect(engine.core.base64Decode(src, 80, dst, 59, false)).toBe(OUTPUT_FULL)
      expect(engine.core.base64Encode(src, 60, dst, 79)).toBe(OUTPUT_FULL)
      expect(engine.core.base64Encode(src, 60, dst, 80)).toBe(80)
    })
  })
})
