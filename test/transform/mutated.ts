// Lines for property tests: from parts, and then spoilt.
import fc from 'fast-check'

/** A text with some of its bytes replaced, left out, doubled, or with odd ones put in between. */
export const mutated = (text: fc.Arbitrary<string>): fc.Arbitrary<string> => {
  const odd = fc.constantFrom(
    ' ',
    '"',
    '\\',
    '[',
    ']',
    ':',
    '/',
    '-',
    '0',
    '9',
    '<',
    '>',
    ',',
    '=',
    '\r',
    '\t',
    '\0',
    '\x7f',
    '\x80',
    '\xc3',
    '\xa9',
    '\xed',
    '\xf0\x9f',
    '\xff',
  )
  const change = fc.tuple(fc.constantFrom('replace', 'remove', 'insert', 'double', 'cut'), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), odd)
  return fc.tuple(text, fc.array(change, { maxLength: 3 })).map(([line, changes]) =>
    changes.reduce((now, [what, where, byte]) => {
      const at = Math.floor(where * now.length)
      if (what === 'cut') return now.slice(0, at)
      if (what === 'double') return now.slice(0, at + 1) + now.slice(at)
      return now.slice(0, at) + (what === 'remove' ? '' : byte) + now.slice(what === 'insert' ? at : at + 1)
    }, line),
  )
}

/** Characters of one byte each that are the UTF-8 of a text. */
export const binary = (text: string): string => Buffer.from(text).toString('latin1')
