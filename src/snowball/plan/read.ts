// Reads a plan back, edited perhaps: whole and right, or not at all.
import { checkKeys, MillraceError, type Position, wrongType } from '../../errors.js'
import type { Ports } from '../../ports/ports.js'
import { checkStorage } from '../checks.js'
import type { Left } from '../left.js'
import { inputOutput } from '../read.js'
import { readItems, readingFile } from './file.js'
import type { Limits } from './options.js'
import type { PlanHead, PlannedChunk, PlanWarning } from './planned.js'
import { collision, createTwins } from './twins.js'

export interface ReadPlanOptions {
  /** Path of the plan. */
  plan: string
  ports: Pick<Ports, 'storage'>
  /** Told of keys that are alike, before the items are there. */
  onWarning?: ((warning: PlanWarning) => void) | undefined
}

export interface PlanTotal {
  chunks: number
  members: number
  /** Bytes of the members' data. */
  bytes: number
}

export interface ReadPlan {
  head: PlanHead
  limits: Limits
  /** Counted, as the last line of an edited plan may say something else. */
  total: PlanTotal
  /** What plan() would yield, chunk by chunk; reads the file again. */
  items(): AsyncGenerator<PlannedChunk | Left>
}

// A line with a short path, to guess how many there are.
const LINE_BYTES = 100

/**
 * Reads a plan through, and what it holds only where all of it is right: limits, keys, no chunk and no
 * key twice. Rejects with CORRUPT, with line and byte, with BAD_INPUT where the plan is no regular file,
 * with IO. Holds one chunk's members, and 2 bytes a member.
 *
 * @example
 * const { items } = await readSnowballPlan({ plan: 'plan.ndjson', ports: nodePorts })
 * for await (const item of items()) if (item.type === 'chunk') console.log(item.chunk, item.members.length)
 */
export async function readPlan(options: ReadPlanOptions): Promise<ReadPlan> {
  if (typeof options !== 'object' || options === null) throw wrongType('options', 'an object', options)
  checkKeys('options', options, ['plan', 'ports', 'onWarning'])
  const { plan: path, ports, onWarning } = options
  if (typeof path !== 'string' || path === '') throw wrongType('plan', 'the path of a plan', path)
  checkStorage(ports)
  if (onWarning !== undefined && typeof onWarning !== 'function') throw wrongType('onWarning', 'a function', onWarning)
  const { storage } = ports

  const read = () => readingFile(storage, path, 'a plan', readItems)

  async function sizeOf(): Promise<number> {
    try {
      return (await storage.stat(await storage.resolve(path))).size
    } catch (error) {
      throw inputOutput(error, path)
    }
  }
  const twins = createTwins((await sizeOf()) / LINE_BYTES)
  const total: PlanTotal = { chunks: 0, members: 0, bytes: 0 }
  let frame: { head: PlanHead; limits: Limits } | undefined
  for await (const placed of read()) {
    if ('head' in placed) frame = placed
    else if ('members' in placed) {
      const { item } = placed
      total.chunks++
      total.members += item.members.length
      for (const { size } of item.members) total.bytes += size
      for (const name of namesOf(item)) twins.note(name)
    }
  }
  if (twins.any) {
    for await (const placed of read()) if ('members' in placed) for (const name of namesOf(placed.item)) twins.suspect(name)
    for await (const placed of read()) {
      if (!('members' in placed)) continue
      const { item, position, members } = placed
      for (const [i, name] of namesOf(item).entries()) {
        const like = twins.check(name)
        if (like && i === 0) throw twice(item.chunk, like.key.slice(1), position)
        if (like?.how === 'same') throw twice(name, name, members[i - 1])
        if (like) onWarning?.(collision(item.members[i - 1].path, name, like))
      }
    }
  }
  return {
    ...(frame as NonNullable<typeof frame>),
    total,
    async *items() {
      for await (const placed of read()) if ('item' in placed) yield placed.item
    },
  }
}

const twice = (name: string, earlier: string, position: Position) =>
  new MillraceError('CORRUPT', `expected each name once, got ${JSON.stringify(name)} though ${JSON.stringify(earlier)} stands above`, { position })

/** The chunk's name and the keys; none of them is like that, as no key begins with "/". */
const namesOf = ({ chunk, members }: PlannedChunk) => [`/${chunk}`, ...members.map(({ key }) => key)]
