// What a service lists as there or as failed, in CSV: an S3 Inventory, or the logs of a Snowball job.
//
// S3 Inventory: files without a header, their columns in `fileSchema` of the manifest.json beside them,
// keys URL-encoded, with "+" for a space (Amazon S3 user guide, "Amazon S3 Inventory"). The guide of Snowball says of a job's success
// and failure log that they are CSV and no more (report.md); their columns are found in no public text, so they
// are told by the names in a header, or by the caller.
import { MillraceError } from '../../errors.js'
import type { Storage } from '../../ports/ports.js'
import { csvRows } from '../csv.js'
import { storedText } from '../unpack/archive.js'

export interface Listing {
  /** Files of CSV, plain or in gzip; or manifest.json of an inventory, which names its files. */
  files: readonly string[]
  /** The columns, such as "Bucket, Key, Size", where neither a manifest.json nor a header says them. */
  fields?: string | undefined
  /** Whether keys are URL-encoded. */
  encoded: boolean
}

export interface ListedKey {
  key: string
  size?: number
  etag?: string
  /** What a failure log says of it. */
  error?: string
}

/** Names of columns by what they mean to us, letters and digits only; the first one that is there counts. */
const COLUMNS = {
  key: ['key', 'objectkey', 's3key', 'keyname', 'objectname', 'object', 'filename', 'filepath', 'file', 'path', 'name'],
  size: ['size', 'bytes', 'objectsize', 'filesize', 'sizebytes', 'sizeinbytes', 'contentlength'],
  etag: ['etag'],
  latest: ['islatest'],
  marker: ['isdeletemarker', 'deletemarker'],
  encryption: ['encryptionstatus'],
  error: ['error', 'errormessage', 'failurereason', 'reason', 'message', 'failure', 'exception', 'errorcode', 'status'],
} as const

type Column = keyof typeof COLUMNS
type Columns = Partial<Record<Column, number>>

/** One that is older than the newest of its key, or says that it was deleted, is not there. */
const isThere = (fields: readonly string[], { latest, marker }: Columns) =>
  !(latest !== undefined && /^false$/i.test(fields[latest])) && !(marker !== undefined && /^true$/i.test(fields[marker]))

/** Each key that is listed as there, in the order of the files. Throws IO, CORRUPT with file and line, and BAD_INPUT where the columns are not known. */
export async function* listedKeys(storage: Storage, { files, fields, encoded }: Listing): AsyncGenerator<ListedKey> {
  for (const file of files) {
    if (!file.endsWith('.json')) yield* rowsOf(storage, file, fields, encoded)
    else {
      const inventory = await readInventory(storage, file)
      for (const path of inventory.files) yield* rowsOf(storage, path, fields ?? inventory.schema, encoded)
    }
  }
}

async function* rowsOf(storage: Storage, path: string, fields: string | undefined, encoded: boolean): AsyncGenerator<ListedKey> {
  const bad = (message: string, line: number, code: 'CORRUPT' | 'BAD_INPUT' = 'CORRUPT') =>
    new MillraceError(code, message, { position: { source: path, line } })
  let columns = fields === undefined ? undefined : columnsOf(fields.split(','))
  for await (const row of csvRows(await storedText(storage, path), path)) {
    if (!columns) {
      columns = columnsOf(row.fields)
      if (columns.key === undefined || Object.keys(columns).length < 2)
        throw bad(
          'expected a header with the names of the columns, a manifest.json, or to be told the fields, such as "Bucket, Key, Size"',
          row.line,
          'BAD_INPUT',
        )
      continue
    }
    const { key: at, size, etag, error, encryption } = columns
    if (at === undefined) throw bad(`expected fields with one named Key, got ${JSON.stringify(fields)}`, row.line, 'BAD_INPUT')
    if (row.fields.length <= Math.max(...Object.values(columns)))
      throw bad(`expected at least ${Math.max(...Object.values(columns)) + 1} fields, got ${row.fields.length}`, row.line)
    if (!isThere(row.fields, columns)) continue
    const key = encoded ? decoded(row.fields[at]) : row.fields[at]
    if (key === undefined) throw bad(`expected a URL-encoded key, got ${JSON.stringify(row.fields[at])}`, row.line)
    const listed: ListedKey = { key }
    const bytes = size === undefined ? '' : row.fields[size].trim()
    if (bytes !== '') {
      if (!/^\d{1,15}$/.test(bytes)) throw bad(`expected a size in bytes, got ${JSON.stringify(bytes)}`, row.line)
      listed.size = Number(bytes)
    }
    const tag = etag === undefined ? '' : row.fields[etag].replaceAll('"', '').toLowerCase()
    // of what a key of KMS or the customer's encrypts it is no MD5
    if (tag !== '' && !(encryption !== undefined && /KMS|SSE-C/i.test(row.fields[encryption]))) listed.etag = tag
    if (error !== undefined) listed.error = row.fields[error]
    yield listed
  }
}

function columnsOf(names: readonly string[]): Columns {
  const plain = names.map((name) => name.toLowerCase().replace(/[^a-z0-9]/g, ''))
  const found = Object.entries(COLUMNS).flatMap(([column, known]) => {
    const name = known.find((candidate) => plain.includes(candidate))
    return name === undefined ? [] : [[column, plain.indexOf(name)]]
  })
  return Object.fromEntries(found)
}

function decoded(text: string): string | undefined {
  if (!text.includes('%') && !text.includes('+')) return text
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

/** A manifest.json lists files by their keys in the destination bucket; they lie beside it, or in `data` beside its folder. */
async function readInventory(storage: Storage, path: string): Promise<{ files: string[]; schema: string }> {
  const bad = (message: string) => new MillraceError('BAD_INPUT', message, { position: { source: path } })
  const decoder = new TextDecoder()
  let text = ''
  for await (const piece of await storedText(storage, path)) {
    text += decoder.decode(piece, { stream: true })
    if (text.length > MOST_JSON) throw bad(`expected a manifest.json of at most ${MOST_JSON} characters`)
  }
  let json: { fileFormat?: unknown; fileSchema?: unknown; files?: unknown } | null
  try {
    json = JSON.parse(text)
  } catch {
    throw bad('expected the manifest.json of an S3 Inventory')
  }
  if (json?.fileFormat !== 'CSV') throw bad(`expected an S3 Inventory in CSV, got ${JSON.stringify(json?.fileFormat)}`)
  if (typeof json.fileSchema !== 'string' || !Array.isArray(json.files)) throw bad('expected fileSchema and files, as an S3 Inventory has them')
  const here = path.slice(0, path.lastIndexOf('/') + 1)
  const above = /^$|(?:^|\/)\.\.?\/$/.test(here) ? `${here}../` : here.replace(/[^/]+\/$/, '')
  const files: string[] = []
  for (const file of json.files) {
    const name = typeof file?.key === 'string' ? file.key.slice(file.key.lastIndexOf('/') + 1) : ''
    if (name === '' || name === '..') throw bad('expected files with their keys')
    const places = [here + name, `${above}data/${name}`, `${here}data/${name}`]
    const there = await Promise.all(
      places.map((place) =>
        storage.stat(place).then(
          () => true,
          () => false,
        ),
      ),
    )
    const found = places.find((_, i) => there[i])
    if (found === undefined) throw bad(`expected its file ${JSON.stringify(name)} beside it or in ../data, found none`)
    files.push(found)
  }
  return { files, schema: json.fileSchema }
}

const MOST_JSON = 64 << 20
