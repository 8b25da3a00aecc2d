// A plan that its caller has: what planSnowball yields, filtered or changed perhaps, or made by hand.
import { kindOf, wrongType } from '../../errors.js'
import { CHUNK_NAME } from '../chunk-names.js'
import type { Left } from '../left.js'
import { COUNT, TEXT, type Test } from '../lines.js'
import type { PlannedChunk, PlannedMember } from './planned.js'

const TIME: Test = ['milliseconds since the epoch', Number.isFinite]
const MEMBER: Record<keyof PlannedMember, Test> = { path: TEXT, key: TEXT, size: COUNT, mtime: TIME }
const LEFT = { path: TEXT, reason: TEXT, message: TEXT }

/**
 * The items as they come, each checked, for a chunk's name becomes a file's. Throws TypeError for one that is not of the form
 * that planSnowball gives them; what keys may be is for the store to say (pack/permitted.ts). That no key is in two chunks is for the caller to see to; of two
 * in one chunk, and of two chunks of one name, it is told.
 */
export async function* checked(items: AsyncIterable<PlannedChunk | Left>): AsyncGenerator<PlannedChunk | Left> {
  const names = new Set<string>()
  for await (const item of items) {
    const type: unknown = (item as { type?: unknown } | null | undefined)?.type
    if (type === 'chunk') checkChunk(item as PlannedChunk, names)
    else if (type === 'skipped' || type === 'failed') checkFields(type, item, LEFT)
    else throw wrongType('plan', 'items of type chunk, skipped or failed', type === undefined ? item : type)
    yield item
  }
}

function checkChunk({ chunk, members, single }: PlannedChunk, names: Set<string>): void {
  if (typeof chunk !== 'string' || !CHUNK_NAME.test(chunk)) throw wrongType('chunk', 'a name such as chunk-000001.tar', chunk)
  if (names.has(chunk)) throw new TypeError(`"chunk" expected each name once, got ${chunk} again`)
  names.add(chunk)
  if (!Array.isArray(members) || members.length === 0 || (single && members.length > 1))
    throw new TypeError(`"members" of ${chunk} expected ${single ? 'one member' : 'members'}, got ${kindOf(members)} ${members?.length ?? ''}`.trimEnd())
  const keys = new Set<string>()
  for (const [i, member] of members.entries()) {
    const where = `member ${i} of ${chunk}`
    checkFields(where, member, MEMBER)
    const { path, key } = member
    if (path === '') throw new TypeError(`${where}: expected a path, got ""`)
    if (keys.has(key)) throw new TypeError(`${where}: expected each key once, got ${JSON.stringify(key)} again`)
    keys.add(key)
  }
}

function checkFields(where: string, value: unknown, fields: Record<string, Test>): void {
  if (typeof value !== 'object' || value === null) throw new TypeError(`${where}: expected an object, got ${kindOf(value)}`)
  for (const [field, [expected, holds]] of Object.entries(fields)) {
    const got = (value as Record<string, unknown>)[field]
    if (!holds(got)) throw new TypeError(`${where}: "${field}" expected ${expected}, got ${kindOf(got)}`)
  }
}
