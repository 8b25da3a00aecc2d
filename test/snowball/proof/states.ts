// Files that tell which of their states they are in, so that a mixture of two is known for one without a log.
//
// A state is the first bytes of an endless stream that follows from the file's id and a version; it has
// the size that the version was born with, or a multiple of STEP. Writers keep to that at every moment
// at which they let go of a file: a piece that is appended ends at a multiple of STEP and lies in one
// page, so that no reader meets half of it. A rewrite in place is one call; while the kernel is at it,
// and a busy machine may stop it there, the file has a new start and an old end: that is a state too,
// but old and then new is none, nor is anything else.
import { random } from './hostile.js'

export const STEP = 256
export const PAGE = 4096
const HEADER = 64

/** The first `size` bytes of a version that was born with `born`. */
export function stateOf(id: string, version: number, born: number, size: number): Buffer {
  const head = Buffer.from(`${JSON.stringify([id, version, born])}\n`.padEnd(HEADER, '.'))
  const words = new Uint32Array(Math.ceil(Math.max(size, HEADER) / 4))
  let seed = version * 7919
  for (const letter of id) seed = Math.imul(seed, 31) + letter.charCodeAt(0)
  const pick = random(seed)
  let state = pick(2 ** 32) | 1
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    words[i] = state
  }
  const bytes = Buffer.from(words.buffer)
  head.copy(bytes)
  return bytes.subarray(0, size)
}

/** Why `data` is no state that the file `id` ever had, or undefined where it is one. */
export function stateFault(id: string, data: Buffer): string | undefined {
  let told: [string, number, number]
  try {
    told = JSON.parse(data.toString('latin1', 0, HEADER).split('\n')[0])
  } catch {
    return `${data.length} bytes that begin with ${JSON.stringify(data.toString('latin1', 0, 40))}`
  }
  const [whose, version, born] = told
  if (whose !== id) return `a state of ${whose}`
  if (data.length !== born && data.length % STEP !== 0) return `${data.length} bytes of version ${version}, which was born with ${born}`
  const expected = stateOf(id, version, born, data.length)
  if (data.equals(expected)) return undefined
  const midway = data.findIndex((byte, i) => byte !== expected[i])
  if (midway % PAGE === 0 && data.subarray(midway).equals(stateOf(id, version - 1, born, data.length).subarray(midway))) return undefined
  return `version ${version} up to byte ${midway} of ${data.length}, and then something else`
}
