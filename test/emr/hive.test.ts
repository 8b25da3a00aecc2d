import fc from 'fast-check'
import { expect, it } from 'vitest'
import { escapePathName, partitionName, unescapePathName } from '../../src/emr/index.js'

// the list of Hive's FileUtils.charToEscape
const LIST = [...Array.from({ length: 31 }, (_, i) => String.fromCharCode(i + 1)), ...'"#%\'*/:=?\\\x7f{[]^']

it('escapes what Hive escapes, and NUL', () => {
  for (let code = 0; code < 128; code++) {
    const c = String.fromCharCode(code)
    const expected = LIST.includes(c) || code === 0 ? `%${code.toString(16).toUpperCase().padStart(2, '0')}` : c
    expect(escapePathName(c)).toBe(expected)
  }
  expect(escapePathName('水 é😀+&<>|~')).toBe('水 é😀+&<>|~')
})

it('comes back, whatever the text', () => {
  const texts = fc.array(fc.oneof(fc.nat(127), fc.nat(0xffff)), { maxLength: 20 }).map((codes) => String.fromCharCode(...codes))
  fc.assert(fc.property(texts, (text) => unescapePathName(escapePathName(text)) === text && !/[/\\\0]/.test(escapePathName(text))))
})

it('names partitions as Hive does', () => {
  expect(partitionName('dt', '2024-02-29 12:00:00')).toBe('dt=2024-02-29 12%3A00%3A00')
  expect(partitionName('a=b', '../../etc')).toBe('a%3Db=..%2F..%2Fetc')
  expect(partitionName('x', null)).toBe('x=__HIVE_DEFAULT_PARTITION__')
  expect(partitionName('x', '')).toBe('x=__HIVE_DEFAULT_PARTITION__')
})

it('words what is no text', () => {
  expect(() => escapePathName(null as never)).toThrow('"text" expected a string, got null')
  expect(() => unescapePathName(5 as never)).toThrow('"name" expected a string, got 5')
  expect(() => partitionName('x', 5 as never)).toThrow('"text" expected a string, got 5')
})
