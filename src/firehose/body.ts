// What an answer carries: bytes in pieces, or all of it as base64 already, as the core writes it.
import { concat } from '../bytes.js'
import { fromBase64, toBase64 } from '../engine/base64.js'

export type Body = readonly Uint8Array[] | string

export function bodyBytes(body: Body): number {
  if (typeof body !== 'string') return body.reduce((sum, part) => sum + part.length, 0)
  return (body.length / 4) * 3 - (body.endsWith('==') ? 2 : body.endsWith('=') ? 1 : 0)
}

/** Characters of its base64. */
export const bodyCharacters = (body: Body): number => (typeof body === 'string' ? body.length : 4 * Math.ceil(bodyBytes(body) / 3))

export const bodyText = (body: Body): string => (typeof body === 'string' ? body : toBase64(concat(body)))

export const bodyParts = (body: Body): readonly Uint8Array[] => (typeof body === 'string' ? [fromBase64(body)] : body)
