// A record's data as people read it, on one line.
import { cutEnd, visible } from './places.js'

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * JSON without the white space between its tokens; other text as it is; in both what a terminal would obey as JSON's
 * escapes. What is no UTF-8, or has a NUL (which tells binary from text for git and grep), as 0x and hex. Cut to `width`
 * places of a terminal, Infinity: never.
 */
export function preview(data: Uint8Array, width: number): string {
  const text = data.includes(0) ? undefined : textOf(data)
  if (text === undefined) return cutEnd(`0x${hex(data.subarray(0, width))}`, width)
  // So many characters fill the width, unless they are marks without end on a few others.
  const most = 4 * width
  const line = isJson(text) ? joined(text, most) : text
  return cutEnd(`${visible(line.slice(0, most))}${line.length > most ? '…' : ''}`, width)
}

function textOf(data: Uint8Array): string | undefined {
  try {
    return decoder.decode(data)
  } catch {
    return undefined
  }
}

/** An object or an array; of the rest there is nothing to join. */
function isJson(text: string): boolean {
  if (!/^\s*[{[]/.test(text)) return false
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** JSON without the white space between its tokens, digits and doubled members as they are; it may end behind `most` characters. */
function joined(text: string, most: number): string {
  let out = ''
  let within = false
  let from = 0
  for (let at = 0; at < text.length && out.length + at - from <= most; at++) {
    const c = text[at]
    if (within) {
      if (c === '\\') at++
      else if (c === '"') within = false
    } else if (c === '"') within = true
    else if (c === ' ' || c === '\n' || c === '\r' || c === '\t') {
      out += text.slice(from, at)
      from = at + 1
    }
  }
  return out + text.slice(from, from + most + 1)
}

const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
