// A plan as the lines of its file.
import { type Parts, partsOf } from '../parts.js'
import { PLAN_VERSION } from './file.js'
import { checkPlan, type PlanOptions } from './options.js'
import { plan, sourceOf } from './plan.js'
import type { PlanChunkLine, PlanEnd, PlanHead, PlanLine, PlannedChunk } from './planned.js'

/** Lines that are handed over at once. */
const BLOCK_LINES = 1000

/**
 * Plans as plan() does and yields the lines of the plan's file, a block at a time: JSON.stringify each
 * and put a line feed behind it. The last one, of type `end`, has the totals. Rejects as plan() does,
 * and then what was yielded is no plan.
 *
 * @example
 * for await (const lines of planSnowballLines({ source: 'photos', ports: nodePorts })) {
 *   for (const line of lines) process.stdout.write(`${JSON.stringify(line)}\n`)
 * }
 */
export async function* planLines(options: PlanOptions): AsyncGenerator<PlanLine[]> {
  const { prefix, destination, smallBytes, chunkBytes, chunkFiles, deviceBytes } = checkPlan(options)
  const { storage } = options.ports
  const head: PlanHead = {
    type: 'plan',
    version: PLAN_VERSION,
    source: await storage.resolve(await sourceOf(options)),
    prefix,
    ...(destination !== '' && { destination }),
    smallBytes,
    chunkBytes,
    chunkFiles,
    ...(deviceBytes !== undefined && { deviceBytes }),
  }
  const end: PlanEnd = { type: 'end', chunks: 0, singles: 0, devices: 0, members: 0, bytes: 0, skipped: 0, failed: 0, warnings: 0 }
  let block: PlanLine[] = [head]
  const items = plan({
    ...options,
    onWarning(warning) {
      end.warnings++
      block.push(warning)
      options.onWarning?.(warning)
    },
  })
  for await (const item of items) {
    if (item.type !== 'chunk') {
      end[item.type]++
      block.push(item)
    } else {
      end.chunks++
      if (item.single) end.singles++
      end.devices = Math.max(end.devices, item.device ?? 0)
      block.push(chunkLine(item))
      for (const member of item.members) {
        end.members++
        end.bytes += member.size
        block.push({ type: 'member', ...member })
        if (block.length >= BLOCK_LINES) {
          yield block
          block = []
        }
      }
    }
    if (block.length >= BLOCK_LINES) {
      yield block
      block = []
    }
  }
  block.push(end)
  yield block
}

/** There are parts for all that may be in a plan. */
function chunkLine({ members, ...chunk }: PlannedChunk): PlanChunkLine {
  return { ...chunk, members: members.length, ...(partsOf(chunk.single ? members[0].size : chunk.bytes) as Parts) }
}
