// What --module FILE names.
import { MillraceError } from '../errors.js'
import { importFile } from '../ports/node-place.js'

/** The default export of the user's module; undefined where it has none. Throws IO where it cannot be loaded. */
export async function defaultExport(file: string): Promise<unknown> {
  try {
    return ((await importFile(file)) as { default?: unknown }).default
  } catch (cause) {
    throw new MillraceError('IO', `cannot be loaded: ${(cause as Error).message}`, { position: { source: file }, cause })
  }
}
