// What loads objects into Redshift: the manifest that lists them, and the COPY statement. Source: Redshift's developer
// guide, "Using a manifest to specify data files" and "Names and identifiers"; the statement as Firehose's console prints it.
import { outOfRange } from '../../errors.js'

export interface ManifestEntry {
  /** s3://bucket/key */
  url: string
  /** Bytes of the object, which COPY asks for where it is Parquet or ORC. */
  contentLength?: number | undefined
}

export interface CopyCommand {
  /** `table` or `schema.table`. */
  DataTableName: string
  /** Names between commas. */
  DataTableColumns?: string | undefined
  CopyOptions?: string | undefined
}

/** Every object is mandatory: COPY fails where one is missing, and does not load less than all of them. */
export function redshiftManifest(entries: readonly ManifestEntry[]): Uint8Array {
  const all = entries.map(({ url, contentLength }) => ({
    url,
    mandatory: true,
    ...(contentLength === undefined ? {} : { meta: { content_length: contentLength } }),
  }))
  return new TextEncoder().encode(JSON.stringify({ entries: all }))
}

/**
 * The statement for a manifest: names and options as they are configured, a name that is no plain identifier put in
 * quotes where it is in none. A reserved word is to be quoted in the configuration, as for AWS. `path`: of the CopyCommand.
 * Throws RangeError where quotes do not close, or where the options hold a second statement.
 */
export function copyStatement(command: CopyCommand, path: string): (manifestUrl: string, roleArn: string) => string {
  const table = pieces(command.DataTableName, '.', `${path}.DataTableName`).map(identifier).join('.')
  const columns = command.DataTableColumns ? `(${pieces(command.DataTableColumns, ',', `${path}.DataTableColumns`).map(identifier).join(',')})` : undefined
  const options = optionsOf(command.CopyOptions ?? '', `${path}.CopyOptions`)
  return (manifestUrl, roleArn) =>
    ['COPY', table, columns, `FROM ${literal(manifestUrl)} CREDENTIALS ${literal(`aws_iam_role=${roleArn}`)} MANIFEST`, options]
      .filter((part) => part)
      .join(' ')
      .concat(';')
}

/** Whether COPY is told that the objects are Parquet or ORC: FORMAT [AS] PARQUET. */
export const isColumnar = ({ CopyOptions = '' }: CopyCommand): boolean =>
  /\bformat\s+(?:as\s+)?(?:parquet|orc)\b/i.test(CopyOptions.replace(/'(?:\\.|[^'])*'/gs, "''"))

const literal = (text: string) => `'${text.replace(/'/g, "''")}'`

/** What stands between separators, those in quotes left alone. */
function pieces(text: string, separator: '.' | ',', path: string): string[] {
  const all = ['']
  for (const [token] of text.matchAll(/"(?:[^"]|"")*"|[\s\S]/g)) {
    if (token === '"') throw outOfRange(path, 'an end to every "', text)
    if (token === separator) all.push('')
    else all[all.length - 1] += token
  }
  if (all.some((piece) => piece.trim() === '')) throw outOfRange(path, `a name on each side of every "${separator}"`, text)
  return all
}

/** A letter, underscore or more than ASCII, and digits and $ behind it; Redshift's standard identifier. */
const STANDARD = /^[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*$/
const DELIMITED = /^"(?:[^"]|"")+"$/

/** With the space round it. */
function identifier(piece: string): string {
  const name = piece.trim()
  if (STANDARD.test(name) || DELIMITED.test(name)) return piece
  return piece.replace(name, () => `"${name.replace(/"/g, '""')}"`)
}

/** Without the end of the statement. */
function optionsOf(text: string, path: string): string {
  const trimmed = text.trim().replace(/[\s;]+$/, '')
  for (const [token] of trimmed.matchAll(/'(?:\\[\s\S]|''|[^'\\])*'|[\s\S]/g)) {
    if (token === "'") throw outOfRange(path, "an end to every '", text)
    if (token === ';') throw outOfRange(path, 'options of one statement, and no ; in them', text)
  }
  return trimmed
}
