// NDJSON -> a Hive-layout directory of Parquet files: DIRECTORY/column=value/.../part-00000.parquet.
// Rows wait packed, by partition, until their partition has a row group or the memory is needed.

import { COLUMN_SIZE } from '../engine/core.js'
import { createEngine } from '../engine/engine.js'
import { leavesOf } from '../engine/leaves.js'
import { createSplit } from '../engine/split.js'
import { checkKeys, checkWhole, MillraceError, outOfRange, wrongType } from '../errors.js'
import type { ParquetSummary, ParquetWriter, ParquetWriterOptions } from '../parquet/index.js'
import {
  checkFileOptions,
  checkFormat,
  checkLimits,
  checkPolicy,
  createIntake,
  createParquetFile,
  createRowGroupEncoder,
  FILE_KEYS,
  flatColumns,
  flatFields,
  intakeMethods,
  type ScanField,
  turns,
} from '../parquet/internal.js'
import type { Random, Storage } from '../ports/ports.js'
import { cellsOf, recordOf } from './cells.js'
import { createPartitionFiles, type PartitionFiles } from './files.js'
import { partitionName } from './hive.js'

export interface HiveWriterOptions extends Omit<ParquetWriterOptions, 'sink'> {
  /** Made where it is missing; must be empty. */
  directory: string
  /** Columns of the schema that become directories, outermost first: strings, integers or booleans. */
  partitionBy: readonly string[]
  ports: { storage: Storage; random: Random }
  /** Rows that wait for their row group take at most this much, all partitions together. Default 256 MiB. */
  maxBufferedBytes?: number
}

export interface HiveSummary extends ParquetSummary {
  files: number
  partitions: number
}

export interface HiveWriter extends Omit<ParquetWriter, 'close'> {
  /** Writes what waits, then gives all files their names. */
  close(): Promise<HiveSummary>
}

interface Partition {
  directory: string
  rows: number
  used: number
  buffer: Uint8Array
}

const MIB = 1024 * 1024
const KEYS = [
  'schema',
  'directory',
  'partitionBy',
  'ports',
  'rowGroupRows',
  'rowGroupBytes',
  'maxRecordBytes',
  'maxBufferedBytes',
  'onBadRecord',
  'format',
  ...FILE_KEYS,
]
/** Bytes of a directory's name on the usual file systems. */
const NAME_MAX = 255
const FIRST_BUFFER = 1024

/**
 * A writer of a partitioned data set. The partition columns are not in the files, by Hive's rule;
 * null and '' become __HIVE_DEFAULT_PARTITION__. A value whose directory name would pass 255 bytes
 * makes its record bad. Under the memory bound the fullest partition is written first, so nothing
 * is lost, but a row group may be smaller than asked for. On failure or abort() nothing is left.
 *
 * @example
 * import { nodePorts } from 'millrace/node'
 * const schema: Schema = { columns: [{ name: 'origin', type: 'string' }, { name: 'delay', type: 'int32' }] }
 * const writer = createHiveWriter({ schema, directory: 'flights', partitionBy: ['origin'], ports: nodePorts })
 * await writer.writeRows([{ origin: 'AMS', delay: 3 }]) // flights/origin=AMS/part-00000.parquet
 * await writer.close()
 */
export function createHiveWriter(options: HiveWriterOptions): HiveWriter {
  if (typeof options !== 'object' || options === null) throw wrongType('options', 'an object', options)
  checkKeys('options', options, KEYS)
  const { directory, ports, onBadRecord = 'fail', format, maxBufferedBytes = 256 * MIB } = options
  if (typeof directory !== 'string' || directory === '') throw wrongType('options.directory', 'a path', directory)
  if (typeof ports?.storage?.create !== 'function' || typeof ports.random?.next !== 'function')
    throw wrongType('options.ports', 'ports with a storage and random', ports)
  const { keys, others } = arrange(flatColumns(options.schema, 'options.schema'), options.partitionBy)
  const limits = checkLimits({ rowGroupBytes: 64 * MIB, ...pick(options) })
  checkWhole('options.maxBufferedBytes', maxBufferedBytes, MIB, 2 ** 40)
  checkPolicy('options.onBadRecord', onBadRecord)
  checkFormat('options.format', format)

  const encodeText = new TextEncoder()
  const engine = createEngine()
  const columns = [...keys, ...others]
  const batch = async (rows: number, recordAt: (row: number) => number) => {
    for (const [group, { key, packed, rows: count }] of split.groups().entries()) {
      const partition = partitionOf(key)
      if (typeof partition === 'string') refuse(group, rows, recordAt, partition, key, packed)
      else add(partition, packed, count)
    }
    for (const partition of due) await flush(partition)
    due.clear()
    while (buffered > maxBufferedBytes) await flush(fullest())
  }
  const intake = createIntake(engine, columns, { maxRecordBytes: limits.maxRecordBytes, onBadRecord, format }, batch)
  const { scan } = intake
  const fields = flatFields(others)
  const leaves = leavesOf(fields)
  const settings = checkFileOptions(options, leaves)
  const encoder = createRowGroupEncoder(engine, scan.columns + keys.length * COLUMN_SIZE, leaves, settings)
  const split = createSplit(engine, scan.columns, columns.length, keys.length, scan.capacity, intake.textBytes)
  const partitions = new Map<string, Partition>() // by key; null and '' share one
  const directories = new Map<string, Partition>()
  const due = new Set<Partition>()
  let buffered = 0
  let total = 0
  let opened: PartitionFiles | undefined
  const files = async () => {
    opened ??= await createPartitionFiles(ports, directory, (sink) => createParquetFile(sink, fields, settings))
    return opened
  }

  /** The partition of a key, or why it can have none. */
  const partitionOf = (key: Uint8Array): Partition | string => {
    const id = latin1(key)
    const known = partitions.get(id)
    if (known) return known
    const cells = cellsOf(key, keys)
    const names = keys.map(({ name, type }, i) => partitionName(name, type === 'string' && cells[i] !== null ? (JSON.parse(cells[i]) as string) : cells[i]))
    const long = names.findIndex((name) => encodeText.encode(name).length > NAME_MAX)
    // what cannot be is not kept: there may be many of it, and long
    if (long >= 0) return `column ${JSON.stringify(keys[long].name)} expected a value whose directory name is at most ${NAME_MAX} bytes, got a longer one`
    const path = names.join('/')
    let partition = directories.get(path)
    if (!partition) {
      partition = { directory: path, rows: 0, used: 0, buffer: new Uint8Array(FIRST_BUFFER) }
      directories.set(path, partition)
      buffered += FIRST_BUFFER
    }
    partitions.set(id, partition)
    return partition
  }

  const refuse = (group: number, rows: number, recordAt: (row: number) => number, why: string, key: Uint8Array, packed: Uint8Array) => {
    const records = [...split.ids(rows)].flatMap((id, row) => (id === group ? [recordAt(row)] : []))
    let at = 0
    for (const record of records) {
      const { text, size } = recordOf(key, keys, packed.subarray(at), others)
      at += size
      intake.refuse(record, why, encodeText.encode(`${text}\n`))
    }
  }

  const add = (partition: Partition, packed: Uint8Array, rows: number) => {
    const need = partition.used + packed.length
    if (need > partition.buffer.length) {
      const size = Math.max(need, partition.buffer.length * 2)
      buffered += size - partition.buffer.length
      const larger = new Uint8Array(size)
      larger.set(partition.buffer.subarray(0, partition.used))
      partition.buffer = larger
    }
    partition.buffer.set(packed, partition.used)
    partition.used = need
    partition.rows += rows
    total += rows
    if (partition.rows >= limits.rowGroupRows || need >= limits.rowGroupBytes) due.add(partition)
  }

  const flush = async (partition: Partition) => {
    const { rows, used, buffer } = partition
    if (rows === 0) return
    // where others keep the columns in use, the batch at hand has been packed before
    split.unpack(buffer.subarray(0, used), () => encoder.append())
    buffered -= buffer.length - FIRST_BUFFER
    partition.buffer = new Uint8Array(FIRST_BUFFER)
    partition.rows = partition.used = 0
    await (await files()).rowGroup(partition.directory, await encoder.finish(rows))
  }

  const fullest = (): Partition => {
    let most: Partition | undefined
    for (const partition of directories.values()) {
      if (partition.rows > 0 && (!most || partition.used > most.used)) most = partition
    }
    if (!most) throw new MillraceError('OUT_OF_MEMORY', `${directories.size} partitions do not fit into maxBufferedBytes (${maxBufferedBytes})`)
    return most
  }

  const turn = turns(() => opened?.discard())
  return {
    ...intakeMethods(turn, engine, intake, flatFields(columns), batch, files),
    close: () =>
      turn.last(async () => {
        await intake.end()
        for (const partition of directories.values()) await flush(partition)
        const written = await (await files()).commit()
        return { rows: total, badRecords: intake.badRecords, badByReason: intake.badByReason, partitions: directories.size, ...written }
      }),
    abort: (reason) => turn.abort(reason),
  }
}

/** One character a byte. A loop over the bytes took most of the time where every row has a key of its own. */
function latin1(bytes: Uint8Array): string {
  let text = ''
  // so many arguments fit every engine's stack
  for (let at = 0; at < bytes.length; at += 4096) text += String.fromCharCode.apply(null, bytes.subarray(at, at + 4096) as unknown as number[])
  return text
}

function pick(options: HiveWriterOptions) {
  const { rowGroupRows, rowGroupBytes, maxRecordBytes } = options
  return Object.fromEntries(Object.entries({ rowGroupRows, rowGroupBytes, maxRecordBytes }).filter(([, v]) => v !== undefined))
}

function arrange(columns: ScanField[], partitionBy: unknown): { keys: ScanField[]; others: ScanField[] } {
  const label = 'options.partitionBy'
  if (!Array.isArray(partitionBy) || partitionBy.length === 0) throw wrongType(label, 'an array of column names', partitionBy)
  const keys = partitionBy.map((name: unknown, i) => {
    const key = columns.find((column) => column.name === name)
    if (!key) throw outOfRange(`${label}[${i}]`, `a column of the schema (${columns.map((c) => c.name).join(', ')})`, name)
    if (key.type === 'double' || key.type === 'timestamp')
      throw outOfRange(`${label}[${i}]`, 'a column of strings, integers or booleans', `${name} (${key.type})`)
    return key
  })
  if (new Set(keys).size < keys.length) throw outOfRange(label, 'each column once', partitionBy.join(', '))
  const others = columns.filter((column) => !keys.includes(column))
  if (others.length === 0) throw outOfRange(label, 'not all columns of the schema: the files would have none', partitionBy.join(', '))
  return { keys, others }
}
