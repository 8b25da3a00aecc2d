// A line of millrace tail: time, shard, key, size, and as much of the data as the terminal has room for.
import type { ConsumedRecord } from '../kinesis/consumer/batch.js'
import type { Clock } from '../ports/ports.js'
import type { Io } from './command.js'
import { size } from './figures.js'
import { cutEnd, cutMiddle, places, visible } from './places.js'
import { preview } from './preview.js'

const GAP = 2
/** Places that the data has at least: what else there is goes for them. */
const PREVIEW = 10
/** Kinesis takes no longer keys; a forged aggregate may have one of a megabyte for each of its records. */
const LONGEST_KEY = 512

type Field = readonly [text: string, style: string]
const DIM = '2'
const KEY = '36'

/**
 * Gives each record's line, without the line feed: as wide as the terminal less one place, or uncut where there is none. Keys
 * and shards are padded to the widest so far. Times are local; the day stands before them from the first record on that
 * did not arrive today.
 */
export function createTailLines(terminal: Io['terminal'], clock: Clock): (record: ConsumedRecord) => string {
  const today = timeOf(clock.now()).day
  let dated = false
  let keyWidth = 0
  let shardWidth = 0
  return ({ shardId, arrival, partitionKey = '-', data, reason }) => {
    const width = terminal ? terminal.columns - 1 : Number.POSITIVE_INFINITY
    const widestKey = terminal ? Math.max(4, Math.floor(width / 5)) : 16
    const time = timeOf(arrival)
    dated ||= time.day !== today && arrival !== undefined
    const clockTime = dated ? `${time.day} ${time.time}` : time.time
    const shard = visible(shardId.replace(/^shardId-0*(?=\d)/, '#'))
    shardWidth = Math.max(shardWidth, shard.length)
    const whole = visible(partitionKey.length > LONGEST_KEY ? `${partitionKey.slice(0, LONGEST_KEY)}…` : partitionKey)
    const key = terminal ? cutMiddle(whole, widestKey) : whole
    keyWidth = Math.min(widestKey, Math.max(keyWidth, places(key)))
    /** What there is no room for goes in this order: the fraction of the second, the shard, the size, the time. */
    const fields = (without: number): Field[] => [
      ...(without < 4 ? ([[without < 1 ? clockTime : clockTime.slice(0, -4), DIM]] as const) : []),
      ...(without < 2 ? ([[shard.padStart(shardWidth), DIM]] as const) : []),
      [key + ' '.repeat(Math.max(0, keyWidth - places(key))), KEY],
      ...(without < 3 ? ([[size(data.length).padStart(8), DIM]] as const) : []),
    ]
    const roomBeside = (head: readonly Field[]) => head.reduce((room, [text]) => room - places(text) - GAP, width)
    let without = 0
    while (without < 4 && roomBeside(fields(without)) < PREVIEW) without++
    const head = fields(without)
    const room = Math.max(1, roomBeside(head))
    const painted = head.map(([text, style]) => (terminal?.color ? `\x1b[${style}m${text}\x1b[0m` : text))
    const text = preview(data, room)
    return [...painted, reason ? cutEnd(`${reason} ${text}`, room) : text].join(' '.repeat(GAP))
  }
}

function timeOf(milliseconds: number | undefined): { day: string; time: string } {
  if (milliseconds === undefined) return { day: '-----', time: '--:--:--.---' }
  const at = new Date(milliseconds)
  const digits = (n: number, count = 2) => String(n).padStart(count, '0')
  return {
    // No stream keeps records for more than a year.
    day: `${digits(at.getMonth() + 1)}-${digits(at.getDate())}`,
    time: `${[at.getHours(), at.getMinutes(), at.getSeconds()].map((n) => digits(n)).join(':')}.${digits(at.getMilliseconds(), 3)}`,
  }
}
