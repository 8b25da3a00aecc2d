// The frame of the second binary, over its identity kernel: what comes out is what Buffer makes of the same records.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { outOfMemory } from '../../src/engine/binary.js'
import { createTransformEngine, type RecordWork, transformBytes, transformTexts } from '../../src/engine/transform.js'
import { AGGREGATES, ASK_HOST, DROPPED, GZIP, KERNEL_APACHE, KERNEL_IDENTITY, LOGS, NO_MEMORY, OK, SAME } from '../../src/engine/transform-core.js'
import { transformBuilds } from '../builds.js'

const identity = (delimiter: string): RecordWork => ({ kernel: KERNEL_IDENTITY, options: 0, delimiter: Buffer.from(delimiter) })
const ended = (data: Buffer, delimiter: string) => (data.toString('latin1').endsWith(delimiter) ? data : Buffer.concat([data, Buffer.from(delimiter)]))

describe.each(transformBuilds)('transformRecords (%s)', (_, engine) => {
  const run = (list: readonly string[], delimiter: string, flags = 0) => {
    const out: (string | number | undefined)[] = list.map(() => undefined)
    const settled = list.map(() => 0)
    transformTexts(
      list,
      identity(delimiter),
      flags,
      (i, status, output) => {
        settled[i]++
        out[i] = status === OK ? output : status
      },
      engine,
    )
    expect(settled.every((times) => times === 1)).toBe(true)
    return out
  }

  it('gives each record, decoded, ended and encoded', () => {
    // sizes only: fast-check takes a minute for as many bytes
    const size = fc.oneof({ weight: 20, arbitrary: fc.nat(400) }, fc.integer({ min: 1000, max: 70_000 }))
    fc.assert(
      fc.property(fc.array(size, { maxLength: 700, size: 'max' }), fc.constantFrom('\n', '\r\n', '--end--'), fc.integer(), (sizes, delimiter, seed) => {
        let state = seed
        const next = () => {
          state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
          return state >>> 24
        }
        const list = sizes.map((n) => Buffer.from(Uint8Array.from({ length: n }, next)).fill(delimiter, Math.max(0, n - (next() & 15))))
        const wanted = list.map((data) => ended(data, delimiter))
        const texts = list.map((data) => data.toString('base64'))
        expect(run(texts, delimiter)).toEqual(wanted.map((data) => data.toString('base64')))
        const bytes: Uint8Array[] = []
        const settle = (i: number, status: number, output: Uint8Array | undefined) => {
          if (status === OK && output) bytes[i] = output
        }
        transformBytes(list, identity(delimiter), settle, engine)
        expect(bytes.map((data) => Buffer.from(data).toString('base64'))).toEqual(wanted.map((data) => data.toString('base64')))
      }),
      { numRuns: 20 },
    )
  })

  it('has room for a record of 6 MB among small ones', () => {
    const large = Buffer.alloc(6_000_000, 'a')
    const list = [Buffer.from('b'), large, Buffer.from('c')]
    const wanted = list.map((data) => ended(data, '\n').toString('base64'))
    const texts = list.map((data) => data.toString('base64'))
    expect(run(texts, '\n')).toEqual(wanted)
  })

  it('hands back what is as it was, and drops what is empty', () => {
    expect(run([Buffer.from('as it is').toString('base64'), ''], '')).toEqual([SAME, DROPPED])
    expect(run([''], '\n')).toEqual(['Cg=='])
  })

  it('leaves to the host what is not canonical base64', () => {
    const odd = ['YQ', 'YQ===', 'Y Q==', 'YR==', '\u0141Q==', 'é', 'éa', 'AAAé', '-_==', '=', '\ud800']
    expect(run([...odd, 'YQ=='], '\n')).toEqual([...odd.map(() => ASK_HOST), 'YQo='])
  })

  it.each([
    ['gzip', GZIP, [0x1f, 0x8b, 8]],
    ['an aggregate', AGGREGATES, [0xf3, 0x89, 0x9a, 0xc2, 0]],
    ['an envelope of CloudWatch Logs', LOGS, [...Buffer.from('{"messageType":"D')]],
  ])('leaves %s to the host where that is asked for, and nothing shorter', (_, flag, bytes) => {
    const whole = Buffer.from(bytes).toString('base64')
    const cut = Buffer.from(bytes.slice(0, -1)).toString('base64')
    // the whole one first: what it leaves in memory is no part of the next
    expect(run([whole, cut], '', flag)).toEqual([ASK_HOST, SAME])
    expect(run([whole], '', (GZIP | AGGREGATES | LOGS) & ~flag)).toEqual([SAME])
  })
})

it('a record that memory has no room for settles alone', () => {
  const engine = createTransformEngine()
  const reserve = (size: number) => {
    if (size > 400_000) throw outOfMemory(size)
    return engine.reserve(size)
  }
  const text = (bytes: number) => Buffer.from(`h - - [07/Mar/2004:16:10:02 -0800] "${'\x01'.repeat(bytes)}" 200 1`)
  const settled: number[] = []
  const work = { kernel: KERNEL_APACHE, options: 0, delimiter: Buffer.from('\n') }
  transformBytes([text(9), text(90_000), text(9)], work, (_, status) => settled.push(status), { ...engine, reserve })
  expect(settled).toEqual([OK, NO_MEMORY, OK])
})

it('an engine grows with its records and goes back to where it was', () => {
  const engine = createTransformEngine()
  const start = engine.core.mark()
  transformBytes([new Uint8Array(3_000_000)], identity('\n'), () => {}, engine)
  expect(engine.core.mark()).toBe(start)
})
