// Text on a terminal: the places that it takes, cut to fit, and without what a terminal would obey.

/** Places that the text takes. East Asian Width (UAX #11) F and W are two wide, marks that stand on others none. */
export function places(text: string): number {
  let sum = 0
  for (const c of text) sum += placesOf(c)
  return sum
}

/** Its beginning, with an ellipsis where something is left out. */
export function cutEnd(text: string, width: number): string {
  let used = 0
  /** Where the ellipsis goes, should the text be too long. */
  let end = 0
  let at = 0
  for (const c of text) {
    used += placesOf(c)
    if (used > width) return `${text.slice(0, end)}…`
    at += c.length
    if (used < width) end = at
  }
  return text
}

/** Without its middle: paths, and keys, differ at their ends. */
export function cutMiddle(text: string, width: number): string {
  if (places(text) <= width) return text
  const whole = [...text]
  let head = ''
  let tail = ''
  for (let a = 0, b = whole.length - 1; a <= b; ) {
    const front = places(head) <= places(tail)
    const next = front ? whole[a++] : whole[b--]
    if (places(head) + places(tail) + places(next) > width - 1) break
    if (front) head += next
    else tail = next + tail
  }
  return `${head}…${tail}`
}

// Controls, line ends, lone surrogates, and what is invisible or turns the direction of writing. The two joiners
// stay: Persian, Hindi and emoji are spelled with them.
const OBEYED = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]|(?![\u200c\u200d])\p{Cf}/gu
const SHORT: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** Nothing in it does anything to a terminal: such characters become JSON's escapes, so that JSON stays JSON. */
export function visible(text: string): string {
  return text.replace(OBEYED, (c) => SHORT[c] ?? Array.from({ length: c.length }, (_, i) => `\\u${c.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''))
}

// The blocks of EastAsianWidth.txt (Unicode 16) that are wide; emoji and flags' letters aside.
const WIDE =
  /[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18dff}\u{1aff0}-\u{1b2ff}\u{1f200}-\u{1f265}\u{20000}-\u{3fffd}]|(?!\p{RI})\p{Emoji_Presentation}/u
/** Combining marks, joiners, and the vowels and finals of Hangul in pieces; not what makes the character before it an emoji, which is then wide. */
const NONE = /(?!\ufe0f)[\p{Mn}\p{Me}\p{Cf}\u1160-\u11ff\ud7b0-\ud7ff]/u

const placesOf = (c: string) => (c < '\u0300' ? 1 : NONE.test(c) ? 0 : WIDE.test(c) ? 2 : 1)
