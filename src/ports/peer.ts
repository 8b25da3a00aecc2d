// Optional peers: packages that the user installs where a stage needs them.
import { MillraceError } from '../errors.js'

/** The error for a peer that could not be imported: not installed, or installed and broken. */
export function missingPeer(name: string, purpose: string, cause: unknown): MillraceError {
  const code = (cause as { code?: unknown } | undefined)?.code
  const absent = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND'
  const what = absent
    ? `millrace needs the package ${name} ${purpose}: npm install ${name}`
    : `the package ${name} does not load: ${cause instanceof Error ? cause.message : cause}`
  return new MillraceError('MISSING_PEER', what, { cause })
}
