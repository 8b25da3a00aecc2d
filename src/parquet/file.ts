// A Parquet file in the making: row groups go to the sink one after the other, the footer last.
// Only the open row group is held; offsets are numbers below 2^53, so a file may pass 4 GiB.
import { REVISION, VERSION } from '../engine/core.js'
import { MAGIC, type PageEncoder } from '../engine/pages.js'
import type { ParquetSink } from './sink.js'

const CREATED_BY = `millrace version ${VERSION} (build ${REVISION})`
/** Pages are put together into writes of about this size. */
const WRITE = 1 << 20

export interface ParquetFile {
  readonly rows: number
  readonly bytes: number
  readonly rowGroups: number
  /** Ends the encoder's open row group, which has `rows` rows, and writes it. */
  rowGroup(encoder: PageEncoder, rows: number): Promise<void>
  /** Writes the footer and closes the sink. */
  close(encoder: PageEncoder): Promise<void>
}

export function createParquetFile(sink: ParquetSink): ParquetFile {
  const groups: Uint8Array[] = []
  let rows = 0
  // the magic goes out with whatever comes first
  let pending: Uint8Array[] = [MAGIC]
  let bytes = MAGIC.length
  let waiting = MAGIC.length

  const flush = async () => {
    if (waiting === 0) return
    const all = concat(pending, waiting)
    pending = []
    waiting = 0
    await sink.write(all)
  }
  const write = async (parts: readonly Uint8Array[]) => {
    for (const part of parts) {
      pending.push(part)
      waiting += part.length
      bytes += part.length
      if (waiting >= WRITE) await flush()
    }
  }

  return {
    get rows() {
      return rows
    },
    get bytes() {
      return bytes
    },
    get rowGroups() {
      return groups.length
    },
    async rowGroup(encoder, count) {
      const { pages, metadata } = encoder.finish(bytes, groups.length)
      groups.push(metadata)
      rows += count
      await write(pages)
      await flush()
    },
    async close(encoder) {
      await write(encoder.footer(rows, groups, CREATED_BY))
      await flush()
      await sink.close?.()
    },
  }
}

function concat(parts: readonly Uint8Array[], size: number): Uint8Array {
  if (parts.length === 1) return parts[0]
  const all = new Uint8Array(size)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
