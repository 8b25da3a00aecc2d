// Where millrace parquet writes: standard output, a file, numbered files, or a Hive-layout directory.
import { createHiveWriter } from '../emr/index.js'
import { MillraceError } from '../errors.js'
import {
  createParquetFiles,
  createParquetWriter,
  fileSink,
  type ParquetFileOptions,
  type ParquetRecordOptions,
  type ParquetSummary,
  type ParquetWriter,
} from '../parquet/index.js'
import { type Io, UsageError } from './command.js'
import { count } from './figures.js'

export interface Output {
  path: string
  /** Columns that become directories. */
  partitionBy?: readonly string[]
  /** Ends of numbered files. */
  maxBytes?: number
  maxRows?: number
  threads: number
}

export interface Writer extends Pick<ParquetWriter, 'writeJson' | 'startSource' | 'abort'> {
  close(): Promise<Done>
}

export interface Done {
  summary: ParquetSummary
  /** What there is besides one file, for --json. */
  more: object
  /** Where it all is, in words. */
  where: string
}

type Options = ParquetRecordOptions & ParquetFileOptions

export const rotates = ({ maxBytes, maxRows }: Output) => maxBytes !== undefined || maxRows !== undefined

/** Throws where something is in the way, before any input is read. */
export async function checkOutput(io: Io, output: Output): Promise<void> {
  if (rotates(output)) await noneNumbered(io, stemOf(output.path))
  else if (!output.partitionBy && output.path !== '-') await notOverOther(io, output.path)
}

export async function openOutput(io: Io, output: Output, options: Options): Promise<Writer> {
  const { path, partitionBy } = output
  if (partitionBy) {
    const writer = createHiveWriter({ ...options, directory: path, partitionBy, ports: io.ports })
    return closing(writer, ({ files, partitions, ...summary }) => ({
      summary,
      more: { files, partitions },
      where: `${path}: ${count(partitions, 'partition')}, ${count(files, 'file')}`,
    }))
  }
  if (rotates(output)) return numbered(io, output, options)
  const sink = path === '-' ? { write: (bytes: Uint8Array) => io.write(bytes) } : await fileSink(io.ports, path)
  try {
    const writer = createParquetWriter({ ...options, sink, threads: output.threads, ports: io.ports })
    return closing(writer, (summary) => ({ summary, more: {}, where: path === '-' ? 'standard output' : path }))
  } catch (error) {
    if ('abort' in sink) await sink.abort(error)
    throw error
  }
}

function closing<S>(writer: Omit<ParquetWriter, 'close'> & { close(): Promise<S> }, done: (summary: S) => Done): Writer {
  const { writeJson, startSource, abort } = writer
  return { writeJson, startSource, abort, close: async () => done(await writer.close()) }
}

/** The rename that gives a file its name would take the place of a device as well. */
async function notOverOther(io: Io, path: string): Promise<void> {
  const { storage } = io.ports
  const stat = await storage.resolve(path).then(storage.stat, () => undefined)
  if (stat && stat.kind !== 'file') throw new UsageError(`--output expected a file, got a ${stat.kind}, ${path}; "-" is standard output`)
}

/** OUT-00000.parquet, OUT-00001.parquet ...: of a name in .parquet the number stands before that. */
const stemOf = (path: string) => path.replace(/\.parquet$/, '')

function numbered(io: Io, { path, maxBytes, maxRows }: Output, options: Options): Writer {
  const stem = stemOf(path)
  const name = (index: number) => `${stem}-${String(index).padStart(5, '0')}.parquet`
  let whole = 0
  const next = async (index: number) => {
    const sink = await fileSink(io.ports, name(index))
    const close = async () => {
      await sink.close()
      whole++
    }
    return { ...sink, close }
  }
  const writer = createParquetFiles({ ...options, next, maxBytes, maxRows })
  const range = (files: number) => (files === 1 ? name(0) : `${name(0)} to ${name(files - 1)}`)
  return {
    ...closing(writer, ({ files, ...summary }) => ({
      summary,
      more: { files: files.length, parts: files.map((file, i) => ({ path: name(i), ...file })) },
      where: files.length > 0 ? range(files.length) : `${stem}: no file`,
    })),
    async abort(reason) {
      await writer.abort(reason)
      if (whole > 0) io.log(`millrace parquet: whole and left where ${whole === 1 ? 'it is' : 'they are'}: ${range(whole)}`)
    },
  }
}

/** Old parts beside new ones would be one data set of both. */
async function noneNumbered(io: Io, stem: string): Promise<void> {
  const cut = stem.lastIndexOf('/') + 1
  const directory = stem.slice(0, cut) || '.'
  for await (const { name } of io.ports.storage.list(directory)) {
    if (name.startsWith(stem.slice(cut)) && /^-\d{5,}\.parquet$/.test(name.slice(stem.length - cut)))
      throw new MillraceError('IO', `${stem.slice(0, cut)}${name} is there already: expected no file ${stem}-NNNNN.parquet`)
  }
}
