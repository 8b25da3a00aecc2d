// What is packed in no chunk, and why.
import type { FileKind } from '../ports/ports.js'

/**
 * Why an entry of the tree, or of a list, is in no chunk. By its kind, or as the output, is no failure; the others are.
 * `directory`: of a list, which names files. `collision`: its key is another one's. `outside`: it lies beyond the source.
 */
export type Reason = Exclude<FileKind, 'file'> | 'output' | 'unreadable' | 'vanished' | 'changed' | 'key' | 'collision' | 'outside' | 'too-large'

const BY_KIND: readonly string[] = ['symlink', 'fifo', 'socket', 'device', 'other', 'directory', 'output'] satisfies Reason[]

export interface Left {
  /** `skipped`: by its kind, which is no failure. `failed`: a file that should have been packed. */
  type: 'skipped' | 'failed'
  path: string
  reason: Reason
  message: string
}

export function left(path: string, reason: Reason, message: string): Left {
  return { type: BY_KIND.includes(reason) ? 'skipped' : 'failed', path, reason, message }
}

/** What an error while reading an entry of the tree means for it. */
export function failure(path: string, error: unknown): Left {
  const { code, message } = error as { code?: string; message?: string }
  // A name that is no UTF-8 arrives with U+FFFD in it, and then nothing has that name.
  if (code === 'ENOENT' && path.includes('\uFFFD')) return left(path, 'key', 'expected a name in UTF-8')
  if (code === 'ENOENT') return left(path, 'vanished', 'was there when its directory was read, is gone')
  if (code === 'ELOOP' || code === 'ENOTDIR') return left(path, 'changed', 'became a link, or a directory above it did')
  return left(path, 'unreadable', code ?? message ?? 'unknown error')
}
