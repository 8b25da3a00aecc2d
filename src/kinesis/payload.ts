// A record's payload as those read it who do not want bytes.
import { jsonFault } from '../errors.js'

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** As UTF-8; what is none becomes U+FFFD. */
export const textOf = (data: Uint8Array): string => decoder.decode(data)

/** Parsed as JSON. Throws SyntaxError, whose message quotes nothing of the payload. */
export function jsonOf(data: Uint8Array): unknown {
  try {
    return JSON.parse(textOf(data))
  } catch (error) {
    throw new SyntaxError(`expected JSON: ${jsonFault(error)}`)
  }
}
