// The outside world as Node has it.
import { nodeSha256 } from './node-hash.js'
import { nodeStorage } from './node-storage.js'
import { nodeThreads } from './node-threads.js'
import type { Clock, Ports, Random } from './ports.js'
import { systemClock, systemRandom } from './system.js'

export { type ErrorCode, MillraceError, type Position } from '../errors.js'
export const nodeClock: Clock = systemClock
export const nodeRandom: Random = systemRandom
export { nodeStorage }

/** The ports of a Node process. */
export const nodePorts: Ports = { clock: nodeClock, random: nodeRandom, storage: nodeStorage, sha256: nodeSha256, threads: nodeThreads }
