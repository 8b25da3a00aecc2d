// The outside world as Node has it.
import { nodeSha256 } from './node-hash.js'
import { type HttpAnswer, type HttpRequest, type HttpServer, serve } from './node-server.js'
import { nodeStorage } from './node-storage.js'
import { nodeThreads } from './node-threads.js'
import type { Clock, Ports, Random } from './ports.js'
import { systemClock, systemRandom } from './system.js'

export { type ErrorCode, MillraceError, type Position } from '../errors.js'
export const nodeClock: Clock = systemClock
export const nodeRandom: Random = systemRandom
export { type HttpAnswer, type HttpRequest, type HttpServer, nodeStorage, serve }

/** The ports of a Node process. */
export const nodePorts: Ports = { clock: nodeClock, random: nodeRandom, storage: nodeStorage, sha256: nodeSha256, threads: nodeThreads }
