// Binary columns and UUIDs against Buffer.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { builds } from '../builds.js'
import { scanValues } from '../columns.js'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const anyBytes = fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ maxLength: 200 }))

describe.each(builds)('%s', (_, engine) => {
  it('reads base64 in all its spellings', () => {
    const spelt = anyBytes.chain((bytes) => {
      const text = Buffer.from(bytes).toString('base64')
      return fc.record({
        hex: fc.constant(hex(bytes)),
        text: fc.constantFrom(
          text,
          text.replace(/=+$/, ''),
          Buffer.from(bytes).toString('base64url'),
          text.replaceAll('/', '\\/'),
          text.replace(/^./, (c) => `\\u00${c.charCodeAt(0).toString(16)}`),
          ` ${text.slice(0, 5)} ${text.slice(5)}\\n`,
          `${text}==`,
        ),
      })
    })
    fc.assert(
      fc.property(fc.array(spelt, { maxLength: 40 }), (list) => {
        expect(
          scanValues(
            engine,
            { type: 'binary' },
            list.map(({ text }) => `"${text}"`),
          ),
        ).toEqual(list.map((x) => x.hex))
      }),
      { numRuns: 150 },
    )
  })

  it('refuses what is not base64, and keeps the cells around', () => {
    const wrong = ['A', 'AAAAA', 'A*==', 'AA=A', 'é', '\\u0000', 'AAAA.']
    const texts = wrong.flatMap((text) => [`"${text}"`, '"AQID"'])
    const refused = { message: 'binary, got a string that is not base64' }
    expect(scanValues(engine, { type: 'binary' }, texts)).toEqual(wrong.flatMap(() => [refused, '010203']))
    expect(scanValues(engine, { type: 'binary' }, ['1', 'true', '[]', 'null', '""'])).toEqual([
      { message: 'binary, got a number' },
      { message: 'binary, got a boolean' },
      { message: 'binary, got an array' },
      null,
      '',
    ])
  })

  it('reads hex in either case', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anyBytes, fc.constantFrom('lower', 'upper', 'escaped')), { maxLength: 40 }), (list) => {
        const texts = list.map(([bytes, how]) => {
          const text = hex(bytes)
          return `"${how === 'upper' ? text.toUpperCase() : how === 'escaped' ? text.replace(/./, (c) => `\\u00${c.charCodeAt(0).toString(16)}`) : text}"`
        })
        expect(scanValues(engine, { type: 'binary', encoding: 'hex' }, texts)).toEqual(list.map(([bytes]) => hex(bytes)))
      }),
      { numRuns: 150 },
    )
    const refused = { message: 'binary, got a string that is not hex' }
    const wrong = ['0', '0g', 'g0', '00 ', '0x00', `${'0'.repeat(31)}g`, `${'0'.repeat(32)}0`, '/0', ':0', '@0', 'G0', '`0', '{0', 'é', '００']
    expect(
      scanValues(
        engine,
        { type: 'binary', encoding: 'hex' },
        wrong.map((t) => `"${t}"`),
      ),
    ).toEqual(wrong.map(() => refused))
  })

  it('tells every character that is a hex digit from those that are none', () => {
    for (let c = 0x20; c < 0x7f; c++) {
      const text = JSON.stringify(`${'0'.repeat(7)}${String.fromCharCode(c)}-0000-0000-0000-000000000000`)
      const short = JSON.stringify(`${'0'.repeat(32)}${String.fromCharCode(c)}0`)
      const isHex = /[0-9a-f]/i.test(String.fromCharCode(c))
      expect(typeof scanValues(engine, { type: 'uuid' }, [text])[0] === 'string', text).toBe(isHex)
      expect(typeof scanValues(engine, { type: 'binary', encoding: 'hex' }, [short])[0] === 'string', short).toBe(isHex)
    }
  })

  it('reads UUIDs with hyphens or without, in either case', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.nat(3)), { maxLength: 40 }), (list) => {
        const texts = list.map(([bytes, how]) => {
          const plain = hex(bytes)
          const text = how & 1 ? plain : plain.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
          return `"${how & 2 ? text.toUpperCase() : text}"`
        })
        expect(scanValues(engine, { type: 'uuid' }, texts)).toEqual(list.map(([bytes]) => hex(bytes)))
      }),
      { numRuns: 150 },
    )
    const uuid = '01234567-89ab-cdef-0123-456789abcdef'
    const wrong = [
      '',
      uuid.slice(1),
      `${uuid}0`,
      `{${uuid}}`,
      `urn:uuid:${uuid}`,
      uuid.replace('-', '_'),
      uuid.replace('-', '0'),
      `${uuid.slice(0, 35)}g`,
      'g'.repeat(32),
      '0'.repeat(31),
      `${uuid.replaceAll('-', '').slice(0, 32)}0`,
      uuid.replace('0123-', '012-3'),
    ]
    expect(
      scanValues(
        engine,
        { type: 'uuid' },
        wrong.map((t) => `"${t}"`),
      ),
    ).toEqual(wrong.map(() => ({ message: 'uuid, got a string that is none' })))
    expect(scanValues(engine, { type: 'uuid' }, [`"${uuid.replace('0', '\\u0030')}"`, '1'])).toEqual([
      uuid.replaceAll('-', ''),
      { message: 'uuid, got a number' },
    ])
  })
})
