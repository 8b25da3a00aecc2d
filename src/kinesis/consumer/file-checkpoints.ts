// Leases in a file, for one process: JSON with its own checksum, replaced as a whole by each group of writes.
import { crc32c } from '../../engine/digest.js'
import { jsonFault, MillraceError, wrongType } from '../../errors.js'
import type { DirectoryLock, Storage } from '../../ports/ports.js'
import { fileSource } from '../../ports/source.js'
import { folderOf, makeDurable } from '../durable.js'
import { type CheckpointStore, copyOf, type Lease } from './checkpoint-store.js'

interface Document {
  version: 1
  /** CRC32C of the leases, as JSON.stringify writes them, in eight hexadecimal digits. */
  crc32c: string
  leases: Lease[]
}

/** A write or removal that waits: it is judged when the file is free, behind those that came before it. */
interface Change {
  /** Whether the row had the counter, and `rows` has the change now. */
  apply(rows: Map<string, Lease>): boolean
  resolve(done: boolean): void
  reject(reason: unknown): void
}

/**
 * Checkpoints in the file `path`, for the consumers of one process; the folders that it lies in are made. A
 * write resolves once the new content is on the device: a file beside it (`path`.tmp) is written, fsynced and
 * renamed, then the folder fsynced. Whatever ends the process, the file has the old or the new content. Writes
 * that come while the device is busy go with the next one. One that fails rejects with IO: it counts as not
 * written and may be tried again, though where only the last fsync failed, a restart may find it.
 *
 * A second process, or a second store of this one, is rejected with LOCKED, naming the holder: who has the store
 * open has `Storage.lock` on the directory `path`.lock, which is the lock's alone, as others may keep files
 * beside this one; it stays when the store is closed, empty. A file that is torn or damaged is rejected with
 * CORRUPT and left as it is; only where there is none, the consumer begins anew.
 *
 * `ports.storage` may be any; in Node `nodePorts` of millrace/node. Throws TypeError for bad arguments.
 *
 * @example
 * import { nodePorts } from 'millrace/node'
 * const checkpoints = fileCheckpoints(nodePorts, '/var/lib/flights/checkpoints.json')
 */
export function fileCheckpoints(ports: { storage: Storage }, path: string): CheckpointStore & { close(): Promise<void> } {
  if (typeof ports?.storage?.create !== 'function') throw wrongType('ports', 'ports with a storage', ports)
  if (typeof path !== 'string' || path === '') throw wrongType('path', 'the path of a file', path)
  const { storage } = ports
  let opened: Promise<DirectoryLock | undefined> | undefined
  /** As the device has them. */
  let rows = new Map<string, Lease>()
  let waiting: Change[] = []
  let running: Promise<void> | undefined
  let closed = false

  const assertOpen = () => {
    if (closed) throw new MillraceError('CLOSED', 'the checkpoints are closed', { position: { source: path } })
  }

  const open = async () => {
    assertOpen()
    opened ??= guard(path, () => load(storage, path)).then(
      (found) => {
        rows = found.rows
        return found.lock
      },
      (error) => {
        // Who has it now may have gone at the next call.
        opened = undefined
        throw error
      },
    )
    await opened
    // close() waits for what has come this far, and for nothing that comes later.
    assertOpen()
  }

  const work = async () => {
    // What comes in this turn of the loop goes together.
    await undefined
    while (waiting.length > 0) {
      const group = waiting
      waiting = []
      const next = new Map(rows)
      const done = group.map((change) => change.apply(next))
      try {
        if (done.includes(true)) await guard(path, () => save(storage, path, next))
        rows = next
        for (const [i, change] of group.entries()) change.resolve(done[i])
      } catch (error) {
        for (const change of group) change.reject(error)
      }
    }
    running = undefined
  }

  const change = async (apply: Change['apply'], signal: AbortSignal | undefined) => {
    if (signal?.aborted) throw signal.reason
    await open()
    return new Promise<boolean>((resolve, reject) => {
      waiting.push({ apply, resolve, reject })
      running ??= work()
    })
  }

  return {
    exclusive: true,
    async read() {
      await open()
      return [...rows.values()].map(copyOf)
    },
    write(lease, counter, signal) {
      const row = copyOf(lease)
      return change((rows) => {
        const fits = rows.get(row.shardId)?.counter === counter
        if (fits) rows.set(row.shardId, row)
        return fits
      }, signal)
    },
    remove: (shardId, counter, signal) => change((rows) => rows.get(shardId)?.counter === counter && rows.delete(shardId), signal),
    async close() {
      closed = true
      const lock = await opened?.catch(() => undefined)
      await running
      opened = undefined
      await lock?.release()
    },
  }
}

async function load(storage: Storage, path: string): Promise<{ rows: Map<string, Lease>; lock: DirectoryLock | undefined }> {
  const directory = `${path}.lock`
  await makeDurable(storage, directory, 'the lock')
  const lock = await storage.lock?.(directory)
  try {
    const text = await read(storage, path)
    const leases = text === undefined ? [] : parse(text, path)
    return { rows: new Map(leases.map((lease) => [lease.shardId, lease])), lock }
  } catch (error) {
    await lock?.release().catch(() => {})
    throw error
  }
}

/** Undefined where there is no file. */
async function read(storage: Storage, path: string): Promise<string | undefined> {
  const decoder = new TextDecoder()
  let text = ''
  try {
    for await (const bytes of fileSource({ storage }, path)) text += decoder.decode(bytes, { stream: true })
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return undefined
    throw error
  }
  return text + decoder.decode()
}

function parse(text: string, path: string): Lease[] {
  const corrupt = (got: string) =>
    new MillraceError('CORRUPT', `expected the checkpoints of a consumer, got ${got}; put back a whole copy, or remove the file to begin anew`, {
      position: { source: path },
    })
  let document: Partial<Document> | null
  try {
    document = JSON.parse(text)
  } catch (error) {
    throw corrupt(`a file of ${text.length} characters that is torn or no JSON (${jsonFault(error)})`)
  }
  if (!Array.isArray(document?.leases)) throw corrupt('JSON without leases')
  if (document.version !== 1) throw corrupt('another version of the format')
  if (document.crc32c !== checksum(document.leases)) throw corrupt('leases that their checksum does not fit')
  return document.leases
}

const encoder = new TextEncoder()

const checksum = (leases: readonly Lease[]) =>
  crc32c(encoder.encode(JSON.stringify(leases)))
    .toString(16)
    .padStart(8, '0')

async function save(storage: Storage, path: string, rows: ReadonlyMap<string, Lease>): Promise<void> {
  const leases = [...rows.values()]
  // A line a shard, for who looks.
  const text = `{"version":1,"crc32c":"${checksum(leases)}","leases":[\n${leases.map((lease) => JSON.stringify(lease)).join(',\n')}\n]}\n`
  const file = await storage.create(`${path}.tmp`)
  try {
    await file.write(encoder.encode(text))
    await file.sync()
  } finally {
    await file.close()
  }
  await storage.rename(`${path}.tmp`, path)
  await storage.syncDirectory(folderOf(path))
}

async function guard<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof MillraceError) throw cause
    throw new MillraceError('IO', `the file of checkpoints fails: ${(cause as Error)?.message ?? cause}`, { position: { source: path }, cause })
  }
}
