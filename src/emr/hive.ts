// The directory names of Hive partitions, as Hive (FileUtils.escapePathName) and Spark
// (ExternalCatalogUtils) write and read them.
import { wrongType } from '../errors.js'

/** The directory of null, and of the empty string, which Hive does not tell from null. */
export const DEFAULT_PARTITION = '__HIVE_DEFAULT_PARTITION__'

// ASCII controls and " # % ' * / : = ? \ { [ ] ^ as %XX. Neither escapes NUL, but no path can hold it.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what has to be escaped
const ESCAPED = /[\u0000-\u001f"#%'*/:=?\\{[\]^\u007f]/g

/** A column's name or value as part of a path. */
export function escapePathName(text: string): string {
  if (typeof text !== 'string') throw wrongType('text', 'a string', text)
  return text.replace(ESCAPED, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
}

/** What escapePathName() was given: %XX read back, other % left as they are. */
export function unescapePathName(name: string): string {
  if (typeof name !== 'string') throw wrongType('name', 'a string', name)
  return name.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

/** `column=value`; null and '' are the default partition. */
export function partitionName(column: string, value: string | null): string {
  return `${escapePathName(column)}=${value === null || value === '' ? DEFAULT_PARTITION : escapePathName(value)}`
}
