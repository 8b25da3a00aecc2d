// Objects as files of a directory: the body of each at the path of its key.
import { wrongType } from '../../errors.js'
import { checkOptions } from '../../kinesis/service/service.js'
import type { Storage } from '../../ports/ports.js'
import type { ObjectStore } from './store.js'

export interface DirectoryStoreOptions {
  /** Whether each bucket has a directory of its own, by its name; default false: what is put into any lies in one. */
  buckets?: boolean | undefined
}

/**
 * A store in a directory. A file appears whole, and is on the device by then: it is written under another name, flushed
 * and renamed. Content-Type and Content-Encoding are not kept.
 *
 * No key leads out of the directory. In a part of it between slashes that is `.` or `..`, and for control characters, `\` and `%`,
 * the bytes stand as %XX; an empty part is `%`, and one over 200 bytes goes on in a directory below, whose name ends with `%`.
 * So each key has a path of its own, and decodeURIComponent gives it back. Throws TypeError for wrong arguments.
 *
 * @example
 * import { nodePorts } from 'millrace/node'
 * const store = directoryStore(nodePorts, 'lake')
 */
export function directoryStore(ports: { storage: Storage }, directory: string, options: DirectoryStoreOptions = {}): ObjectStore {
  if (typeof ports?.storage?.create !== 'function') throw wrongType('ports', 'ports with a storage', ports)
  checkOptions(options, ['buckets'] satisfies (keyof DirectoryStoreOptions)[])
  const { storage } = ports
  const { buckets = false } = options
  if (typeof directory !== 'string' || directory === '') throw wrongType('directory', 'the path of a directory', directory)
  if (typeof buckets !== 'boolean') throw wrongType('buckets', 'true or false', buckets)
  /** Directories that are there and flushed: a partition has many objects. */
  const made = new Set<string>()
  let written = 0
  return {
    async put({ bucket, key, body }) {
      const parts = [...(buckets ? [bucket] : []), ...key.split('/')].flatMap(safeParts)
      const folder = [directory, ...parts.slice(0, -1)].join('/')
      const name = parts.at(-1) ?? '%'
      const path = `${folder}/${name}`
      if (!made.has(folder)) {
        await storage.makeDirectory(folder)
        // A new name is in its parent, and that in its own.
        for (let end = parts.length - 1; end >= 0; end--) await storage.syncDirectory([directory, ...parts.slice(0, end)].join('/'))
        if (made.size >= MOST_KNOWN) made.clear()
        made.add(folder)
      }
      // No part of a key begins like this. The end of Firehose's names is a UUID: another process may write here too.
      const temporary = `${folder}/%.${name.slice(-60)}.${++written}.part`
      try {
        const file = await storage.create(temporary)
        try {
          await file.write(body)
          await file.sync()
        } finally {
          await file.close()
        }
        await storage.rename(temporary, path)
      } catch (error) {
        await storage.remove(temporary).catch(() => {})
        // Someone may have removed it.
        made.delete(folder)
        throw error
      }
      await storage.syncDirectory(folder)
    },
  }
}

const MOST_KNOWN = 10_000
/** Bytes of a name; file systems have 255. */
const LONGEST = 200

const encoder = new TextEncoder()

/** Names of files for a part of a key: one, mostly. */
function safeParts(part: string): string[] {
  if (part === '') return ['%']
  if (part === '.' || part === '..') return [part.replaceAll('.', '%2E')]
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const safe = part.replace(/[\x00-\x1f\x7f\\%]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
  if (encoder.encode(safe).length <= LONGEST) return [safe]
  const names: string[] = []
  let name = ''
  let size = 0
  // An escape stays whole.
  for (const piece of safe.match(/%..|./gsu) ?? []) {
    const own = encoder.encode(piece).length
    if (size + own > LONGEST) {
      names.push(`${name}%`)
      name = ''
      size = 0
    }
    name += piece
    size += own
  }
  return [...names, name]
}
