// A plan as a file that a person can read, compare and edit. One JSON object a line:
//   {"type":"plan","version":1,"source","prefix","destination"?,"smallBytes","chunkBytes","chunkFiles","deviceBytes"?}
//   {"type":"chunk","chunk","device"?,"bytes","single"?,"members","partBytes","parts"}
//   {"type":"member","path","key","size","mtime"}     of the chunk above, in archive order
//   {"type":"skipped"|"failed","path","reason","message"}
//   {"type":"warning","reason","path","message"}
//   {"type":"end","chunks","singles","devices","members","bytes","skipped","failed","warnings"}   without it the plan is torn
// A member belongs to the chunk line above it. Members may be deleted, moved and reordered, keys changed, chunks
// renamed (see CHUNK_NAME) and moved to other devices. What follows from the members is for the reader only and made anew:
// a chunk's bytes, single, members, parts; the counts of the last line; warnings. A chunk without members is none.
// Limits are those of the first line. To change one there is as good as to have planned with it.
import { MillraceError, type Position } from '../../errors.js'
import type { FileReader, Storage } from '../../ports/ports.js'
import { CHUNK_NAME } from '../chunk-names.js'
import { keyFault, storeFault, utf8Size } from '../keys.js'
import type { Left } from '../left.js'
import { COUNT, matching, parseLine, splitLines, TEXT, type Test, textOf } from '../lines.js'
import { inputOutput } from '../read.js'
import { END } from '../tar.js'
import { alone, OBJECT_BYTES, takes } from './fill.js'
import { checkLimits, type Limits } from './options.js'
import type { PlanChunkLine, PlanEnd, PlanHead, PlanLine, PlannedChunk, PlannedMember } from './planned.js'

export const PLAN_VERSION = 1

/** So many at most wait for their chunk. */
const APART = 1000

const TIME: Test = ['milliseconds since the epoch', (value) => Number.isFinite(value)]
const NAME = matching(`a name such as chunk-000001.tar or device-01-chunk-000001.tar`, CHUNK_NAME)
const DEVICE: Test = ['a device from 1', (value) => Number.isSafeInteger(value) && (value as number) > 0]
const LEFT = { path: TEXT, reason: TEXT, message: TEXT }
const FIELDS: Record<PlanLine['type'], Record<string, Test>> = {
  plan: { version: COUNT, source: TEXT, prefix: TEXT, smallBytes: COUNT, chunkBytes: COUNT, chunkFiles: COUNT },
  chunk: { chunk: NAME },
  member: { path: TEXT, key: TEXT, size: COUNT, mtime: TIME },
  skipped: LEFT,
  failed: LEFT,
  warning: LEFT,
  end: {},
}
const OPTIONAL: Record<string, Test> = { device: DEVICE }

/** What stands in a plan, and where. */
export type Placed = { item: PlannedChunk; position: Position; members: Position[] } | { item: Left } | { head: PlanHead; limits: Limits }

/**
 * A plan's head, then its chunks and what is in none, each checked on its own; chunks by their names
 * and keys by each other are the caller's. Throws CORRUPT with line and byte.
 */
export async function* readItems(file: FileReader, source: string): AsyncGenerator<Placed> {
  let number = 0
  let limits: Limits | undefined
  let keyBytes = 0
  let open: { item: PlannedChunk; position: Position; members: Position[] } | undefined
  let end: PlanEnd | undefined
  /** Bytes left of each device. */
  const rooms: number[] = []
  /** Behind the members of a chunk, which is not known to be whole: that one goes first. */
  let apart: Left[] = []
  function* setApart(): Generator<{ item: Left }> {
    for (const item of apart) yield { item }
    apart = []
  }

  const close = (limits: Limits) => {
    const closed = open
    open = undefined
    if (!closed || closed.members.length === 0) return undefined
    const { item, position } = closed
    const { device, bytes, members } = item
    if (members.length === 1 && alone(members[0], bytes - END.length, limits)) item.single = true
    if (limits.deviceBytes !== undefined && device !== undefined) {
      const capacity = typeof limits.deviceBytes === 'number' ? limits.deviceBytes : limits.deviceBytes[device - 1]
      rooms[device] = (rooms[device] ?? capacity) - bytes
      if (rooms[device] < 0) throw corrupt(`device ${device} has ${capacity} bytes, and its chunks up to here take ${-rooms[device]} more`, position)
    }
    return closed
  }

  for await (const row of splitLines(file)) {
    const position = { source, line: ++number, offset: row.start }
    let text: string
    try {
      text = textOf(row, position)
    } catch (error) {
      throw limits ? error : corrupt(noPlan('expected UTF-8'), position)
    }
    if (text.trim() === '') continue
    const line = parseLine<PlanLine>(text, FIELDS, OPTIONAL)
    if (typeof line === 'string') throw corrupt(limits ? line : noPlan(line), position)
    if (!limits) {
      if (line.type !== 'plan' || line.version !== PLAN_VERSION)
        throw corrupt(`expected a plan of version ${PLAN_VERSION}, got ${JSON.stringify(line).slice(0, 80)}`, position)
      try {
        limits = checkLimits(line)
      } catch (error) {
        throw corrupt((error as Error).message, position)
      }
      keyBytes = utf8Size(limits.destination)
      yield { head: line, limits }
      continue
    }
    if (end) throw corrupt('expected nothing behind the line of type end', position)
    if (line.type === 'member') {
      yield* setApart()
      if (!open) throw corrupt('expected the line of a chunk before its members', position)
      addMember(open, line, limits, keyBytes, position)
      continue
    }
    if (line.type === 'warning') continue
    if (line.type === 'skipped' || line.type === 'failed') {
      const { type, path, reason, message } = line
      apart.push({ type, path, reason, message })
      if (!open || apart.length === APART) yield* setApart()
      continue
    }
    const closed = close(limits)
    if (closed) yield closed
    yield* setApart()
    if (line.type === 'plan') throw corrupt('expected one line of type plan, the first', position)
    if (line.type === 'end') end = line
    else if (line.type === 'chunk') {
      checkDevice(line, limits, position)
      const { chunk, device } = line
      open = { item: { type: 'chunk', chunk, ...(device !== undefined && { device }), bytes: END.length, members: [] }, position, members: [] }
    }
  }
  const last = { source, line: number + 1 }
  if (!limits) throw corrupt('expected a plan, got an empty file', last)
  if (!end) throw corrupt('expected a last line of type end: the plan is not whole', last)
}

/** Of the first line: a list that was given for a plan, most likely. */
const noPlan = (message: string) => `expected a plan, which planning a directory or a list gives: ${message}`

const corrupt = (message: string, position: Position) => new MillraceError('CORRUPT', message, { position })

function addMember(open: { item: PlannedChunk; members: Position[] }, line: PlannedMember, limits: Limits, keyBytes: number, position: Position): void {
  const { item, members } = open
  const { path, key, size, mtime } = line
  const fault = path === '' ? '"path" expected a path, got ""' : (keyFault(key, keyBytes) ?? storeFault(key))
  if (fault) throw corrupt(fault, position)
  if (size > OBJECT_BYTES) throw corrupt(`"size" expected at most ${OBJECT_BYTES}, as S3 has for an object, got ${size}`, position)
  const member = { path, key, size, mtime }
  const needs = takes(member)
  item.bytes += needs
  item.members.push(member)
  members.push(position)
  if (item.members.length > 1 && item.bytes > limits.chunkBytes)
    throw corrupt(`${item.chunk} takes ${item.bytes} bytes with this member, over the ${limits.chunkBytes} of chunkBytes`, position)
  if (item.members.length > limits.chunkFiles) throw corrupt(`${item.chunk} expected at most ${limits.chunkFiles} members, as chunkFiles says`, position)
}

function checkDevice({ chunk, device }: PlanChunkLine, { deviceBytes }: Limits, position: Position): void {
  const named = CHUNK_NAME.exec(chunk)?.[1]
  if (Number(named ?? device) !== device && (named !== undefined || device !== undefined))
    throw corrupt(`"device" expected ${named}, as the chunk's name says, got ${device}`, position)
  if (deviceBytes === undefined) return
  if (device === undefined) throw corrupt('"device" expected a device, as the plan has capacities', position)
  if (Array.isArray(deviceBytes) && device > deviceBytes.length)
    throw corrupt(`"device" expected one of the ${deviceBytes.length} that the plan has, got ${device}`, position)
}

/**
 * What `use` yields of the file that a plan or a list is: read more than once, so it must have places. Rejects with BAD_INPUT
 * where it has none, with IO where it cannot be read.
 */
export async function* readingFile<T>(
  storage: Storage,
  path: string,
  what: string,
  use: (file: FileReader, source: string) => AsyncGenerator<T>,
): AsyncGenerator<T> {
  try {
    const file = await storage.open(path)
    try {
      const { kind } = await file.stat()
      if (kind !== 'file')
        throw new MillraceError('BAD_INPUT', `expected ${what} in a file, which is read more than once, got a ${kind}`, { position: { source: path } })
      yield* use(file, path)
    } finally {
      await file.close()
    }
  } catch (error) {
    throw inputOutput(error, path)
  }
}
