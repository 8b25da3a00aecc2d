// Dead letters as lines of a file, in the form that `millrace produce --records` and `aggregate` read: what could not
// be delivered can be put again.
import { toBase64 } from '../engine/base64.js'
import { MillraceError, wrongType } from '../errors.js'
import type { FileWriter, Storage } from '../ports/ports.js'
import type { DeadLetter, DeadLetterSink } from './dead-letter.js'
import { folderOf } from './durable.js'

export interface DeadLetterFile {
  /** For `createProducer({ deadLetter })`: resolves once the letters are on the device (fsynced). Rejects with IO. */
  readonly take: DeadLetterSink
  /** After the producer has closed. */
  close(): Promise<void>
}

/**
 * Opens a file for dead letters, to append: it is made where it is not there, what it holds stays. Each is a line of JSON: `partitionKey`,
 * `explicitHashKey` where there is one, `data` in base64, `code`, `message`, `uncertain`, `attemptCount`,
 * `attempts` with times as ISO text, `position`. A line that a crash has cut is ended, so that the next one is whole.
 * `millrace produce --records` puts them again; move the file away first, for what fails again would be appended to it. Rejects
 * with IO where the file cannot be written.
 *
 * @example
 * const letters = await openDeadLetterFile(nodePorts.storage, 'dead.ndjson') // from millrace/node
 * const producer = createProducer({ streamName: 'flights', deadLetter: letters.take })
 */
export async function openDeadLetterFile(storage: Storage, path: string): Promise<DeadLetterFile> {
  if (typeof storage?.create !== 'function') throw wrongType('storage', 'a storage port', storage)
  if (typeof path !== 'string' || path === '') throw wrongType('path', 'the path of a file', path)
  let cut = await guard(path, () => endsInside(storage, path))
  const file = await guard(path, () => create(storage, path))
  let last: Promise<void> = Promise.resolve()
  const encoder = new TextEncoder()
  const append = async (letters: readonly DeadLetter[]) => {
    const text = letters.map((letter) => `${lineOf(letter)}\n`).join('')
    // A write that failed may have left a piece of its text.
    const bytes = encoder.encode(cut ? `\n${text}` : text)
    cut = true
    await file.write(bytes)
    await file.sync()
    cut = false
  }
  return {
    take(letters) {
      const done = last.then(() => guard(path, () => append(letters)))
      last = done.catch(() => {})
      return done
    },
    async close() {
      await last
      await guard(path, () => file.close())
    },
  }
}

/** Whether the file has a last line without an end. */
async function endsInside(storage: Storage, path: string): Promise<boolean> {
  const file = await storage.open(path).catch((error: { code?: string }) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (!file) return false
  try {
    const { size } = await file.stat()
    const byte = new Uint8Array(1)
    return size > 0 && (await file.read(byte, size - 1)) === 1 && byte[0] !== 10
  } finally {
    await file.close()
  }
}

/** The file, whose entry in its directory survives a power failure as its lines do. */
async function create(storage: Storage, path: string): Promise<FileWriter> {
  const file = await storage.create(path, { append: true })
  await storage.syncDirectory(folderOf(path))
  return file
}

async function guard<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw new MillraceError('IO', `dead letters cannot be written: ${(cause as Error).message}`, { position: { source: path }, cause })
  }
}

function lineOf({ data, attempts, ...letter }: DeadLetter): string {
  return JSON.stringify({ ...letter, data: toBase64(data), attempts: attempts.map(({ at, ...attempt }) => ({ at: new Date(at).toISOString(), ...attempt })) })
}
