// Where a file's bytes go.
import { MillraceError } from '../errors.js'
import type { Random, Storage } from '../ports/ports.js'

/** Takes a file from its first byte to its last, in order. */
export interface ParquetSink {
  /** May keep `bytes`: nobody changes them afterwards. The writer waits for the promise. */
  write(bytes: Uint8Array): Promise<void> | void
  /** All bytes are written. */
  close?(): Promise<void> | void
  /** The file will not be finished: what is there must not be taken for one. */
  abort?(reason: unknown): Promise<void> | void
}

/**
 * A sink for a file at `path`: it grows under a hidden name beside it and takes its own name, by
 * an atomic rename, when it is complete and flushed. Hive and Spark read no name that begins with a dot.
 */
export async function fileSink(ports: { storage: Storage; random: Random }, path: string): Promise<Required<ParquetSink>> {
  const { storage, random } = ports
  const slash = path.lastIndexOf('/') + 1
  // Of the name itself nothing: with it the hidden one could pass the 255 bytes of a file name.
  const hidden = `${path.slice(0, slash)}.millrace-${Math.floor(random.next() * 2 ** 48).toString(36)}.tmp`
  const file = await storage.create(hidden, { exclusive: true })
  let open = true
  const discard = async () => {
    if (open) {
      open = false
      await file.close().catch(() => {})
      await storage.remove(hidden)
    }
  }
  return {
    write: (bytes) => file.write(bytes),
    async close() {
      if (!open) throw new MillraceError('CLOSED', `${path} was closed or given up before`)
      try {
        await file.sync()
        await file.close()
        open = false
        await storage.rename(hidden, path)
      } catch (error) {
        open = false
        await file.close().catch(() => {})
        await storage.remove(hidden).catch(() => {})
        throw error
      }
    },
    abort: discard,
  }
}
