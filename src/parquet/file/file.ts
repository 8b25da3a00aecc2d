// A Parquet file in the making: row groups go to the sink one after the other, page index and footer
// last. Nothing but metadata is held; offsets are numbers below 2^53, so a file may pass 4 GiB.
import { REVISION, VERSION } from '../../engine/core.js'
import { leavesOf } from '../../engine/leaves.js'
import type { Field } from '../../types.js'
import { schemaElements } from './elements.js'
import { columnMetadata, type GroupMeta, type IndexPlace, rowGroup } from './metadata.js'
import type { FileSettings } from './options.js'
import { createOutput } from './output.js'
import { bloomFilterHeader, columnIndex, offsetIndex } from './pageindex.js'
import type { FinishedRowGroup } from './rowgroup.js'
import type { ParquetSink } from './sink.js'
import type { Tally } from './tally.js'
import { THRIFT_STRUCT, ThriftWriter, thriftBytes } from './thrift.js'

const MAGIC = new Uint8Array([0x50, 0x41, 0x52, 0x31])
/** parquet-mr and others judge statistics by it; this is the form that they parse. */
const CREATED_BY = `millrace version ${VERSION} (build ${REVISION})`

export interface ParquetFile {
  readonly rows: number
  readonly bytes: number
  readonly rowGroups: number
  /** Writes a row group; one of no rows is left out, for readers refuse those. */
  rowGroup(group: FinishedRowGroup): Promise<void>
  /** Writes page index and footer, and closes the sink. */
  close(): Promise<void>
}

/** `tally`, which other files may share, is told of the row groups. */
export function createParquetFile(sink: ParquetSink, fields: readonly Field[], settings: FileSettings, tally?: Tally): ParquetFile {
  const leaves = leavesOf(fields)
  const out = createOutput(sink, MAGIC)
  const groups: GroupMeta[] = []
  // Encoded as they come, one chunk behind the other; written at the end.
  const columnIndexes = new ThriftWriter()
  const offsetIndexes = new ThriftWriter()
  const places: IndexPlace[][] = []
  let rows = 0

  const index = (group: FinishedRowGroup, i: number, dataAt: number): IndexPlace => {
    const columnAt = columnIndexes.size
    const offsetAt = offsetIndexes.size
    if (settings.statistics) columnIndex(columnIndexes, group.chunks[i].pages, leaves[i].order)
    offsetIndex(offsetIndexes, group.chunks[i].pages, dataAt)
    return { columnAt, columnBytes: columnIndexes.size - columnAt, offsetAt, offsetBytes: offsetIndexes.size - offsetAt }
  }

  return {
    get rows() {
      return rows
    },
    get bytes() {
      return out.bytes
    },
    get rowGroups() {
      return groups.length
    },
    async rowGroup(group) {
      if (group.rows === 0) return
      const at = out.bytes
      const meta: GroupMeta = { rows: group.rows, at, compressedBytes: 0, uncompressedBytes: 0, chunks: [] }
      const indexed: IndexPlace[] = []
      const starts = group.chunks.map(({ compressedBytes, uncompressedBytes, dictionaryBytes }, i) => {
        const start = at + meta.compressedBytes
        if (settings.pageIndex) indexed.push(index(group, i, start + dictionaryBytes))
        meta.compressedBytes += compressedBytes
        meta.uncompressedBytes += uncompressedBytes
        return start
      })
      await out.write(group.parts)
      const chunks: Uint8Array[] = []
      for (const [i, finished] of group.chunks.entries()) {
        const bits = finished.chunk.bloom
        // behind each row group, not held until the end: of many columns they are megabytes
        const bloom = bits && (await out.place([thriftBytes((w) => bloomFilterHeader(w, bits.length)), bits]))
        const { codec, statistics } = settings
        const metadata = { ...finished, leaf: leaves[i], codec: codec.code, at: starts[i], statistics, bloom }
        chunks.push(thriftBytes((w) => columnMetadata(w, metadata)))
      }
      groups.push({ ...meta, chunks })
      places.push(indexed)
      rows += group.rows
      tally?.add(group)
      await out.flush()
    },
    async close() {
      const columnsAt = (await out.place([columnIndexes.bytes()])).at
      const offsetsAt = (await out.place([offsetIndexes.bytes()])).at
      const absolute = (place: IndexPlace) => ({ ...place, columnAt: columnsAt + place.columnAt, offsetAt: offsetsAt + place.offsetAt })
      const indexes = settings.pageIndex ? places.map((group) => group.map(absolute)) : undefined
      const footer = thriftBytes((w) => fileMetadata(w, { fields, leaves: leaves.length, settings, rows, groups, indexes }))
      const tail = new Uint8Array(8)
      new DataView(tail.buffer).setUint32(0, footer.length, true)
      tail.set(MAGIC, 4)
      await out.write([footer, tail])
      await out.flush()
      await sink.close?.()
    },
  }
}

interface FileMeta {
  fields: readonly Field[]
  leaves: number
  settings: FileSettings
  rows: number
  groups: readonly GroupMeta[]
  indexes: readonly (readonly IndexPlace[])[] | undefined
}

/** FileMetaData. */
function fileMetadata(w: ThriftWriter, { fields, leaves, settings, rows, groups, indexes }: FileMeta): void {
  w.structElement(() => {
    w.i32(1, 1)
    w.list(2, THRIFT_STRUCT, schemaElements(fields, w), (element) => element())
    w.i64(3, rows)
    w.list(4, THRIFT_STRUCT, [...groups.keys()], (i) => rowGroup(w, groups[i], i, settings.sorting, indexes?.[i]))
    if (settings.keyValues)
      w.list(5, THRIFT_STRUCT, settings.keyValues, ([key, value]) =>
        w.structElement(() => {
          w.binary(1, key)
          w.binary(2, value)
        }),
      )
    w.binary(6, CREATED_BY)
    // TYPE_ORDER of all; of INT96, which has no order, readers ignore it
    const columns = Array.from({ length: leaves }, (_, i) => i)
    w.list(7, THRIFT_STRUCT, columns, () => w.structElement(() => w.name(1)))
  })
}
