import fc from 'fast-check'
import { expect, it } from 'vitest'
import { places } from '../../src/cli/places.js'
import { preview } from '../../src/cli/preview.js'

const whole = (data: string | number[]) => preview(typeof data === 'string' ? new TextEncoder().encode(data) : Uint8Array.from(data), Number.POSITIVE_INFINITY)

it('puts JSON on one line, with its numbers, doubled members and text as they are', () => {
  expect(whole('{\n  "id": 9007199254740993, "id": 1.0,\r\n\t"a": [ 1 , "x  \\" y\\\\" ]\n}\n')).toBe('{"id":9007199254740993,"id":1.0,"a":[1,"x  \\" y\\\\"]}')
  expect(whole(' "a  b" ')).toBe(' "a  b" ')
})

it('keeps JSON what it was', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(0, 1, 4, '\t', '\r\n'), (value, space) => {
      if (typeof value !== 'object' || value === null) return
      // The escapes of what a terminal obeys are JSON's own.
      expect(whole(JSON.stringify(value, undefined, space))).toSatisfy((line: string) => JSON.stringify(JSON.parse(line)) === JSON.stringify(value))
    }),
    { seed: 3, numRuns: 1000 },
  )
})

it('writes other text as it is, its line ends and controls as escapes', () => {
  expect(whole('[INFO] a  b\n  c\x1b[2J')).toBe('[INFO] a  b\\n  c\\u001b[2J')
  expect(whole('')).toBe('')
  expect(whole('{"a": 1')).toBe('{"a": 1')
})

it('writes what is no UTF-8, or has a NUL, as hex', () => {
  expect(whole([0xe9, 0x74])).toBe('0xe974')
  expect(whole([0x61, 0, 0x62])).toBe('0x610062')
  expect(preview(new Uint8Array(1 << 20), 8)).toBe('0x00000…')
  expect(preview(Uint8Array.of(0xff, 0xfe, 0xfd), 8)).toBe('0xfffefd')
})

it('fits the width, whatever the data', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 200 }),
        fc.string({ unit: 'binary', maxLength: 100 }).map((s) => new TextEncoder().encode(s)),
      ),
      fc.integer({ min: 1, max: 60 }),
      (data, width) => {
        const cut = preview(data, width)
        expect(places(cut)).toBeLessThanOrEqual(width)
        const all = preview(data, Number.POSITIVE_INFINITY)
        if (places(all) <= width) expect(cut).toBe(all)
      },
    ),
    { seed: 5, numRuns: 3000 },
  )
})

it('marks without end do not fill the line', () => {
  const cut = preview(new TextEncoder().encode(`e${'\u0301'.repeat(500_000)}`), 30)
  expect(cut.length).toBeLessThan(200)
  expect(cut.endsWith('…')).toBe(true)
})

it('a record of 10 MiB of nested JSON is one line', () => {
  const depth = 200_000
  expect(preview(new TextEncoder().encode(`${'[ '.repeat(depth)}1${' ]'.repeat(depth)}${' '.repeat(9_000_000)}`), 10)).toBe('[[[[[[[[[…')
})
