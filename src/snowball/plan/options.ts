// What a planner is told, and what of it holds for the plan as a file too.
import { checkKeys, checkWhole, outOfRange, wrongType } from '../../errors.js'
import { SNOWBALL_LIMITS } from '../../limits.js'
import type { Ports } from '../../ports/ports.js'
import { checkStorage, checkWatch } from '../checks.js'
import { keyFault } from '../keys.js'
import type { Reason } from '../left.js'
import { BLOCK } from '../tar.js'
import type { PlanWarning } from './planned.js'

export interface PlanOptions {
  /** Directory to pack. With `list`: what relative sources are under, by default the list's own directory. */
  source?: string | undefined
  /** File of sources and destinations, in place of all that is in `source`; see `readList`. */
  list?: string | undefined
  ports: Pick<Ports, 'storage'>
  /** Put before every path, or destination of a list, to make its key, for example `Logs/`. Default none. */
  prefix?: string | undefined
  /** Prefix in the bucket that the chunks will be put under, and their members with them: counts as part of each key's 933 bytes. Default none. */
  destination?: string | undefined
  /** Files over this many bytes get a chunk of their own. Default 1 MiB (AWS: batch what is up to 1 MB). */
  smallBytes?: number | undefined
  /** A chunk's size at most, its headers included. Default 1 GB, at most 100 GB: larger archives are not extracted. */
  chunkBytes?: number | undefined
  /** Members of a chunk at most. Default 10,000, as AWS recommends; over 100,000 slow the import down. */
  chunkFiles?: number | undefined
  /** What a device holds: one number for as many devices as it takes, an array for just those. Default: no devices. */
  deviceBytes?: number | number[] | undefined
  /**
   * What becomes of a name that differs from another one only by case or by the Unicode form of its letters (é as one code point or
   * as two). S3 and Linux keep both, Windows and macOS one. Default `warn`: both are planned; with `fail` the second one is left out.
   */
  collisions?: 'warn' | 'fail' | 'ignore' | undefined
  /** Absolute path of a directory to leave out: where the chunks go, if that lies in the source. */
  exclude?: string | undefined
  /** Told of what is planned all the same, in the order of the plan. */
  onWarning?: ((warning: PlanWarning) => void) | undefined
  /** Told now and then how far it is. The object is the same each time. */
  onProgress?: ((progress: PlanProgress) => void) | undefined
  /** Ends planning with CLOSED. */
  signal?: AbortSignal | undefined
}

export interface PlanProgress {
  /** Looked at: files, directories and all else. */
  entries: number
  directories: number
  /** Planned. */
  files: number
  /** Of the planned files' data. */
  bytes: number
  /** In no chunk, by reason. */
  left: Partial<Record<Reason, number>>
  /** The directory with the most entries. */
  largest: { path: string; entries: number }
}

/** What holds for chunks, and stands in the first line of a plan. */
export type Limits = Required<Pick<PlanOptions, 'prefix' | 'destination' | 'smallBytes' | 'chunkBytes' | 'chunkFiles'>> & Pick<PlanOptions, 'deviceBytes'>

export const ARCHIVE_BYTES: number = SNOWBALL_LIMITS.archiveBytes.value
const LEAST_BYTES = 10 * BLOCK

const OPTIONS = [
  'source',
  'list',
  'ports',
  'prefix',
  'destination',
  'smallBytes',
  'chunkBytes',
  'chunkFiles',
  'deviceBytes',
  'collisions',
  'exclude',
  'onWarning',
  'onProgress',
  'signal',
] satisfies (keyof PlanOptions)[]

export interface Checked extends Limits {
  source: string | undefined
  list: string | undefined
  collisions: 'warn' | 'fail' | 'ignore'
  exclude: string | undefined
}

export function checkPlan(options: PlanOptions): Checked {
  if (typeof options !== 'object' || options === null) throw wrongType('options', 'an object', options)
  checkKeys('options', options, OPTIONS)
  const { source, list, ports, collisions = 'warn', exclude, onWarning } = options
  if (list !== undefined && (typeof list !== 'string' || list === '')) throw wrongType('list', 'the path of a file', list)
  if ((source !== undefined || list === undefined) && (typeof source !== 'string' || source === ''))
    throw wrongType('source', 'the path of a directory', source)
  checkStorage(ports)
  if (!['warn', 'fail', 'ignore'].includes(collisions)) throw outOfRange('collisions', 'one of warn, fail, ignore', collisions)
  if (onWarning !== undefined && typeof onWarning !== 'function') throw wrongType('onWarning', 'a function', onWarning)
  checkWatch(options)
  return { source, list, collisions, exclude, ...checkLimits(options) }
}

/** Limits with their defaults; throws on those that cannot be. */
export function checkLimits(given: Partial<Limits>): Limits {
  const largest = checkDevices(given.deviceBytes)
  const chunkBytes = whole('chunkBytes', given.chunkBytes ?? Math.min(1e9, largest), LEAST_BYTES, ARCHIVE_BYTES)
  return {
    prefix: prefix('prefix', given.prefix ?? ''),
    destination: prefix('destination', given.destination ?? ''),
    smallBytes: whole('smallBytes', given.smallBytes ?? SNOWBALL_LIMITS.smallFileBytes.value, 0, 64 << 20),
    chunkBytes: Math.min(chunkBytes, largest),
    chunkFiles: whole('chunkFiles', given.chunkFiles ?? SNOWBALL_LIMITS.archiveFiles.value, 1, 1_000_000),
    ...(given.deviceBytes !== undefined && { deviceBytes: given.deviceBytes }),
  }
}

/** The largest device. */
function checkDevices(devices: unknown): number {
  if (devices === undefined) return Number.POSITIVE_INFINITY
  if (!Array.isArray(devices)) return whole('deviceBytes', devices, LEAST_BYTES, Number.MAX_SAFE_INTEGER)
  if (devices.length === 0) throw outOfRange('deviceBytes', 'at least one device', devices)
  return Math.max(...devices.map((device, i) => whole(`deviceBytes[${i}]`, device, LEAST_BYTES, Number.MAX_SAFE_INTEGER)))
}

function prefix(label: string, value: unknown): string {
  if (typeof value !== 'string') throw wrongType(label, 'a string', value)
  const fault = value === '' ? undefined : keyFault(value.endsWith('/') ? value.slice(0, -1) : value)
  if (fault) throw outOfRange(label, 'a relative key prefix such as Logs/', value)
  return value
}

function whole(label: string, value: unknown, low: number, high: number): number {
  checkWhole(label, value, low, high)
  return value
}
