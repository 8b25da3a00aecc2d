// Names that are made by chance.
import type { Random } from '../../ports/ports.js'
import { datePattern } from './date-pattern.js'
import { momentOf, type Zone } from './zone.js'

/** A UUID of version 4 (RFC 9562). */
export function uuid(random: Random): string {
  const hex = Array.from({ length: 32 }, () => Math.floor(16 * random.next()).toString(16))
  hex[12] = '4'
  hex[16] = (8 + Math.floor(4 * random.next())).toString(16)
  const text = hex.join('')
  return [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20)].join('-')
}

/** What `!{firehose:random-string}` stands for: eleven characters, as the guide's examples the head of a UUID. */
export const randomString = (random: Random): string => uuid(random).slice(0, 11)

const STAMP = datePattern('yyyy-MM-dd-HH-mm-ss')

/** What stands behind the prefix of an object: `<stream>-<version>-yyyy-MM-dd-HH-mm-ss-<uuid>`, without an extension. */
export function objectName(stream: { name: string; version: number }, time: number, zone: Zone, id: string): string {
  return `${stream.name}-${stream.version}-${STAMP(momentOf(time, zone))}-${id}`
}
