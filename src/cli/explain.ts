// Errors in the words of the command line.
import { MillraceError } from '../errors.js'

/** What Node calls them, where those words help nobody at a prompt. */
const WORDS: Record<string, string> = { EISDIR: 'is a directory', ENOTDIR: 'is not a directory', EEXIST: 'exists already', EXDEV: 'is on another file system' }

interface SystemError extends Error {
  code: string
  syscall: string
  path?: string
  dest?: string
}

/** What went wrong and with which file; a system call's name and our temporary files' names tell nobody anything. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const system = isSystem(error) ? error : isSystem(error.cause) ? error.cause : undefined
  const path = system?.dest ?? system?.path
  if (system && path !== undefined) return `${visible(path)}: ${WORDS[system.code] ?? said(system)}`
  const own = error instanceof MillraceError || error.name === 'Error' || 'syscall' in error
  return own ? error.message : `${error.name}: ${error.message}`
}

const isSystem = (error: unknown): error is SystemError => error instanceof Error && 'syscall' in error && 'code' in error

/** "no such file or directory" of "ENOENT: no such file or directory, open 'x'". */
const said = ({ message, code }: SystemError) => (message.startsWith(`${code}: `) ? message.slice(code.length + 2).split(', ')[0] : message)

/** How names of temporary files begin, those of a delivery stream's objects last. */
const TEMPORARY = /^(?:\.millrace-|%\.)/

/** A temporary file stands for the directory that it was to be made in. */
function visible(path: string): string {
  const cut = path.lastIndexOf('/')
  if (!TEMPORARY.test(path.slice(cut + 1))) return path
  return cut < 0 ? '.' : path.slice(0, Math.max(cut, 1))
}
