// Structures of an AWS configuration, read member by member; each error names the path to what is wrong.
import { checkKeys, checkWhole, outOfRange, wrongType } from '../../errors.js'

export interface Structure {
  /** Of `least` (1 unless given) to `most` characters; undefined where it is absent. */
  text(name: string, most: number, least?: number): string | undefined
  required(name: string, most: number): string
  whole(name: string, fallback: number, least: number, most: number): number
  oneOf<T extends string>(name: string, allowed: readonly T[], fallback: T): T
  /** Another structure in it, empty where it is absent. */
  structure(name: string, members: readonly string[]): Structure
  /** Structures in a list, empty where it is absent. */
  list(name: string, most: number, members: readonly string[]): Structure[]
  /** Throws where it is there and on: `why` tells what to do. */
  refuse(name: string, why: string): void
}

/** Throws TypeError or RangeError, here and in each read. `members`: all that it may have. */
export function structureOf(path: string, value: unknown, members: readonly string[]): Structure {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrongType(path, 'an object', value)
  checkKeys(path, value, members)
  const read = (name: string): unknown => (value as Record<string, unknown>)[name]
  const label = (name: string) => `${path}.${name}`
  const text = (name: string, most: number, least = 1) => {
    const found = read(name)
    const expected = `text of ${least} to ${most} characters`
    if (found === undefined) return undefined
    if (typeof found !== 'string') throw wrongType(label(name), expected, found)
    if (found.length < least || found.length > most) throw outOfRange(label(name), expected, found)
    return found
  }
  return {
    text,
    required(name, most) {
      const found = text(name, most)
      if (found === undefined) throw wrongType(label(name), `text of 1 to ${most} characters`, found)
      return found
    },
    whole(name, fallback, least, most) {
      const found = read(name) ?? fallback
      checkWhole(label(name), found, least, most)
      return found
    },
    oneOf(name, allowed, fallback) {
      const found = read(name) ?? fallback
      if (!(allowed as readonly unknown[]).includes(found)) throw outOfRange(label(name), `one of ${allowed.join(', ')}`, found)
      return found as typeof fallback
    },
    structure: (name, members) => structureOf(label(name), read(name) ?? {}, members),
    list(name, most, members) {
      const found = read(name) ?? []
      if (!Array.isArray(found)) throw wrongType(label(name), 'an array', found)
      if (found.length > most) throw outOfRange(label(name), `at most ${most} entries`, found.length)
      return Array.from(found, (entry, i) => structureOf(`${label(name)}[${i}]`, entry, members))
    },
    refuse(name, why) {
      const found = read(name) as { Enabled?: unknown } | undefined
      if (found !== undefined && found?.Enabled !== false) throw new TypeError(`"${label(name)}" expected none: ${why}`)
    },
  }
}
