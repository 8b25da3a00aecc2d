// NDJSON -> a Hive-layout directory of Parquet files: DIRECTORY/column=value/.../part-00000.parquet.
// Rows wait packed, by partition, until their partition has a row group or the memory is needed.
import { COLUMN_SIZE } from '../engine/core.js'
import { createEngine } from '../engine/engine.js'
import { leavesOf } from '../engine/leaves.js'
import { createSplit } from '../engine/split.js'
import { checkWhole, MillraceError, outOfRange, wrongType } from '../errors.js'
import type { ParquetSummary, ParquetWriter, ParquetWriterOptions } from '../parquet/index.js'
import {
  checkFileOptions,
  checkRecordOptions,
  checkWriterKeys,
  createIntake,
  createParquetFile,
  createRowGroupEncoder,
  createTally,
  fieldsOf,
  takeMethods,
  turns,
} from '../parquet/internal.js'
import type { Random, Storage } from '../ports/ports.js'
import type { Field } from '../types.js'
import { keyCells, recordText } from './cells.js'
import { createPartitionFiles, type PartitionFiles } from './files.js'
import { partitionName } from './hive.js'

export interface HiveWriterOptions extends Omit<ParquetWriterOptions, 'sink' | 'threads' | 'ports'> {
  /** Made where it is missing; must be empty. */
  directory: string
  /** Columns of the schema that become directories, outermost first: strings, integers, booleans, dates, decimals. */
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
const KEYS = ['directory', 'partitionBy', 'ports', 'maxBufferedBytes']
/** Bytes of a directory's name on the usual file systems. */
const NAME_MAX = 255
const FIRST_BUFFER = 1024

/**
 * A writer of a partitioned data set. The partition columns are not in the files, by Hive's rule;
 * null and '' become __HIVE_DEFAULT_PARTITION__. A value whose directory name would pass 255 bytes
 * makes its record bad. At the memory bound the partition that was least recently added to, of those
 * with at least the average, is written: nothing is lost, but a row group may be smaller than asked
 * for. On failure or abort() nothing is left.
 *
 * @example
 * import { nodePorts } from 'millrace/node'
 * const schema: Schema = { columns: [{ name: 'origin', type: 'string' }, { name: 'delay', type: 'int32' }] }
 * const writer = createHiveWriter({ schema, directory: 'flights', partitionBy: ['origin'], ports: nodePorts })
 * await writer.writeRows([{ origin: 'AMS', delay: 3 }]) // flights/origin=AMS/part-00000.parquet
 * await writer.close()
 */
export function createHiveWriter(options: HiveWriterOptions): HiveWriter {
  checkWriterKeys(options, KEYS)
  const { directory, ports, maxBufferedBytes = 256 * MIB } = options
  if (typeof directory !== 'string' || directory === '') throw wrongType('options.directory', 'a path', directory)
  if (typeof ports?.storage?.create !== 'function' || typeof ports.random?.next !== 'function')
    throw wrongType('options.ports', 'ports with a storage and random', ports)
  const { keys, others } = arrange(fieldsOf(options.schema, 'options.schema'), options.partitionBy)
  const records = checkRecordOptions([...keys, ...others], { ...options, rowGroupBytes: options.rowGroupBytes ?? 64 * MIB })
  const keyLeaves = leavesOf(keys, options.coercion)
  const leaves = leavesOf(others, options.coercion)
  const settings = checkFileOptions(options, leaves)
  const { limits } = records
  checkWhole('options.maxBufferedBytes', maxBufferedBytes, MIB, 2 ** 40)

  const encodeText = new TextEncoder()
  const tally = createTally(leaves)
  const engine = createEngine()
  const batch = async (rows: number, recordAt: (row: number) => number) => {
    for (const [group, { key, packed, rows: count }] of split.groups().entries()) {
      const partition = partitionOf(key)
      if (typeof partition === 'string') refuse(group, rows, recordAt, partition, key, packed)
      else add(partition, packed, count)
    }
    for (const partition of due) await flush(partition)
    due.clear()
    while (buffered > maxBufferedBytes) await flush(oldest())
  }
  const intake = createIntake(engine, records, batch)
  const { scan } = intake
  const encoder = createRowGroupEncoder(engine, scan.columns + keys.length * COLUMN_SIZE, leaves, settings)
  const split = createSplit(engine, scan.columns, scan.leaves, keys.length, scan.capacity)
  const partitions = new Map<string, Partition>() // by key; null and '' share one
  const directories = new Map<string, Partition>() // least recently added to first
  const due = new Set<Partition>()
  let buffered = 0
  let total = 0
  let opened: PartitionFiles | undefined
  const files = async () => {
    opened ??= await createPartitionFiles(ports, directory, (sink) => createParquetFile(sink, others, settings, tally))
    return opened
  }

  /** The partition of a key, or why it can have none. */
  const partitionOf = (key: Uint8Array): Partition | string => {
    const id = latin1(key)
    const known = partitions.get(id)
    if (known) return known
    const cells = keyCells(key, keyLeaves)
    const names = keys.map(({ name }, i) => partitionName(name, cells[i]))
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
      const { text, size } = recordText(key, keyLeaves, packed.subarray(at), leaves)
      at += size
      intake.refuse(record, why, encodeText.encode(`${text}\n`))
    }
  }

  const add = (partition: Partition, packed: Uint8Array, rows: number) => {
    directories.delete(partition.directory)
    directories.set(partition.directory, partition)
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
    await split.unpack(buffer.subarray(0, used), () => encoder.append())
    buffered -= buffer.length - FIRST_BUFFER
    partition.buffer = new Uint8Array(FIRST_BUFFER)
    partition.rows = partition.used = 0
    await (await files()).rowGroup(partition.directory, await encoder.finish(rows))
  }

  // Small ones would give small row groups and little room. By age alone, where a few partitions take
  // most rows, thousands of the others would be written again and again.
  const oldest = (): Partition => {
    const average = buffered / directories.size
    for (const partition of directories.values()) if (partition.rows > 0 && partition.buffer.length >= average) return partition
    throw new MillraceError('OUT_OF_MEMORY', `${directories.size} partitions do not fit into maxBufferedBytes (${maxBufferedBytes})`)
  }

  const turn = turns(() => {
    engine.release()
    return opened?.discard()
  })
  return {
    ...takeMethods(turn, engine, intake, records, batch, files),
    close: () =>
      turn.last(async () => {
        await intake.end()
        for (const partition of directories.values()) await flush(partition)
        engine.release()
        const written = await (await files()).commit()
        const { badRecords, badByReason } = intake
        return { rows: total, badRecords, badByReason, columns: tally.columns(), partitions: directories.size, ...written }
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

/** What Hive and Spark take for a partition column and read back from a directory's name as it was. */
const KEY_TYPES = ['string', 'boolean', 'int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64', 'date', 'decimal']

function arrange(columns: Field[], partitionBy: unknown): { keys: Field[]; others: Field[] } {
  const label = 'options.partitionBy'
  if (!Array.isArray(partitionBy) || partitionBy.length === 0) throw wrongType(label, 'an array of column names', partitionBy)
  const keys = partitionBy.map((name: unknown, i) => {
    const key = columns.find((column) => column.name === name)
    if (!key) throw outOfRange(`${label}[${i}]`, `a column of the schema (${columns.map((c) => c.name).join(', ')})`, name)
    const type = key.leaf?.type ?? (key.struct ? 'struct' : key.list ? 'list' : 'map')
    if (!KEY_TYPES.includes(type)) throw outOfRange(`${label}[${i}]`, 'a column of strings, integers, booleans, dates or decimals', `${name} (${type})`)
    return key
  })
  if (new Set(keys).size < keys.length) throw outOfRange(label, 'each column once', partitionBy.join(', '))
  const others = columns.filter((column) => !keys.includes(column))
  if (others.length === 0) throw outOfRange(label, 'not all columns of the schema: the files would have none', partitionBy.join(', '))
  return { keys, others }
}
