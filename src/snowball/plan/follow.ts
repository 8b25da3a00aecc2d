// What a pack follows: a plan of its own making, one from a file, or one that its caller has.
import { wrongType } from '../../errors.js'
import type { Left } from '../left.js'
import { checked } from './given.js'
import { checkPlan, type PlanOptions } from './options.js'
import { plan, sourceOf } from './plan.js'
import type { PlannedChunk } from './planned.js'
import { type PlanTotal, readPlan } from './read.js'

export interface Followed {
  /** Directory that relative paths are under. */
  source: string
  smallBytes: number
  chunkBytes: number
  /** What it has in all, where that is known before. */
  total?: PlanTotal | undefined
  /** `exclude`: resolved path of the directory that the chunks go to. */
  items(exclude: string): AsyncGenerator<PlannedChunk | Left>
}

/**
 * `given`: the path of a plan file, which says with what it was planned, so that of the options only
 * `source` may be there as well; or what plan() yielded, for which the options say with what.
 */
export async function follow(given: string | AsyncIterable<PlannedChunk | Left> | undefined, options: PlanOptions): Promise<Followed> {
  if (given === undefined) {
    const { smallBytes, chunkBytes } = checkPlan(options)
    return { source: await sourceOf(options), smallBytes, chunkBytes, items: (exclude) => plan({ ...options, exclude }) }
  }
  if (typeof given === 'string') {
    const { source, ports, onWarning, signal: _, ...others } = options
    const stray = Object.entries(others).find(([, value]) => value !== undefined)
    if (stray) throw new TypeError(`"${stray[0]}" expected nothing, as the plan has it already`)
    if (source !== undefined) checkPlan(options)
    const { head, limits, total, items } = await readPlan({ plan: given, ports, ...(onWarning && { onWarning }) })
    return { ...limits, source: source ?? head.source, total, items }
  }
  if (typeof (given as AsyncIterable<unknown> | null)?.[Symbol.asyncIterator] !== 'function')
    throw wrongType('plan', 'the path of a plan, or what planSnowball gives', given)
  const { smallBytes, chunkBytes } = checkPlan(options)
  return { source: await sourceOf(options), smallBytes, chunkBytes, items: () => checked(given) }
}
