// Members into chunks, and chunks onto devices, in the order in which the members come.
import { MillraceError } from '../../errors.js'
import { SNOWBALL_LIMITS } from '../../limits.js'
import { utf8Size } from '../keys.js'
import { type Left, left } from '../left.js'
import { END, headerBound, padded } from '../tar.js'
import type { Limits } from './options.js'
import type { PlannedChunk, PlannedMember } from './planned.js'

export const OBJECT_BYTES = SNOWBALL_LIMITS.objectBytes.value

/** Bytes of a chunk that a member takes at most: its headers, its data and the padding. */
export const takes = ({ key, size }: PlannedMember) => headerBound(utf8Size(key)) + padded(size)

/** Whether a member that takes `needs` bytes stands on its own. */
export const alone = ({ size }: PlannedMember, needs: number, { smallBytes, chunkBytes }: Limits) => size > smallBytes || needs + END.length > chunkBytes

/**
 * Small members fill one chunk after the other, on one device after the other, and no chunk lies on
 * two; a single file goes to the first device that has room for it, which may be one that small
 * members have left behind. One capacity stands for as many devices as it takes, several for just those.
 */
export function createFill(limits: Limits) {
  const { chunkBytes, chunkFiles, deviceBytes } = limits
  const fixed = Array.isArray(deviceBytes) ? deviceBytes : undefined
  const each = typeof deviceBytes === 'number' ? deviceBytes : undefined
  const largest = fixed ? Math.max(...fixed) : (each ?? Number.POSITIVE_INFINITY)
  /** Bytes left on each device. */
  const rooms = fixed ? [...fixed] : []
  /** The device of the small members, from 0. */
  let current = 0
  let number = 0
  let members: PlannedMember[] = []
  let bytes = 0
  const lacking = { files: 0, bytes: 0 }

  /** Takes `size` bytes of a device from `first` on, and gives its place in `rooms`; undefined where none has room. */
  const place = (size: number, first: number): number | undefined => {
    if (each === undefined && !fixed) return 0
    for (let device = first; ; device++) {
      if (device === rooms.length) {
        if (each === undefined) return undefined
        rooms.push(each)
      }
      if (rooms[device] < size) continue
      rooms[device] -= size
      return device
    }
  }
  const chunk = (all: PlannedMember[], size: number, device: number, single: boolean): PlannedChunk => {
    const name = `chunk-${String(++number).padStart(6, '0')}.tar`
    if (deviceBytes === undefined) return { type: 'chunk', chunk: name, bytes: size, ...(single && { single }), members: all }
    const on = `device-${String(device + 1).padStart(2, '0')}-${name}`
    return { type: 'chunk', chunk: on, device: device + 1, bytes: size, ...(single && { single }), members: all }
  }
  const seal = (): PlannedChunk | undefined => {
    if (members.length === 0) return undefined
    const sealed = chunk(members, bytes, current, false)
    members = []
    return sealed
  }
  const lack = (size: number) => {
    lacking.files++
    lacking.bytes += size
  }

  return {
    /** Takes a member; gives a chunk that is complete, or why the member is in none. */
    add(member: PlannedMember): PlannedChunk | Left | undefined {
      const needs = takes(member)
      const whole = needs + END.length
      if (member.size > OBJECT_BYTES)
        return left(member.path, 'too-large', `expected at most ${OBJECT_BYTES} bytes, as S3 has for an object, got ${member.size}`)
      if (whole > largest) return left(member.path, 'too-large', `expected at most ${largest} bytes, which a device holds, got ${whole} with its headers`)
      if (alone(member, needs, limits)) {
        const device = place(whole, 0)
        if (device !== undefined) return chunk([member], whole, device, true)
        lack(whole)
        return undefined
      }
      let sealed: PlannedChunk | undefined
      if (members.length === chunkFiles || bytes + needs > chunkBytes || (deviceBytes !== undefined && needs > rooms[current])) sealed = seal()
      if (members.length > 0) {
        members.push(member)
        bytes += needs
        if (deviceBytes !== undefined) rooms[current] -= needs
        return sealed
      }
      const device = place(whole, current)
      if (device === undefined) lack(whole)
      else {
        current = device
        members.push(member)
        bytes = whole
      }
      return sealed
    },
    /** The last chunk. Throws LIMIT_EXCEEDED where members fit on no device, with how much more they need. */
    end(): PlannedChunk | undefined {
      if (lacking.files === 0) return seal()
      throw new MillraceError(
        'LIMIT_EXCEEDED',
        `expected room for all files on ${rooms.length} devices, got ${lacking.files} files that fit on none: ${lacking.bytes} bytes more are needed`,
      )
    },
  }
}
