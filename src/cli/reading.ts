// What consume and tail share: which records of a stream to read, and how far behind its newest ones they are.
import type { ConsumerOptions } from '../kinesis/consumer/consumer.js'
import type { ConsumerMetrics } from '../kinesis/consumer/telemetry.js'
import type { Clock } from '../ports/ports.js'
import { UsageError, type Values } from './command.js'
import { seconds } from './figures.js'

/** The options, for a command's `options`. */
export const readingOptions = { from: { type: 'string' }, until: { type: 'string' }, shard: { type: 'string', multiple: true } } as const

/** The lines in a command's help of all but --from, whose default is the command's own. */
export const readingHelp = `  --until WHEN     now: end at the newest record; or a time: end behind the
                   records that arrived before it. Default: never
  --shard ID       this shard only, 2 for shardId-000000000002; may be repeated`

/** Which records the options choose; `start`: --from where it was not given. Throws UsageError. */
export function readingOf(values: Values, start: 'TRIM_HORIZON' | 'LATEST', clock: Clock): Pick<ConsumerOptions, 'from' | 'until' | 'shardIds'> {
  const { from = start, until, shard } = values
  const name = String(from).toUpperCase().replace('-', '_')
  const beginning = name === 'TRIM_HORIZON' || name === 'LATEST' ? name : timeOf('from', 'TRIM_HORIZON, LATEST or a time', String(from), clock)
  // Some seconds are waited for: the service's clock may be behind.
  if (typeof beginning === 'object' && beginning.getTime() > clock.now() + 10_000)
    throw new UsageError(`--from expected a time that is past, got ${JSON.stringify(from)}`)
  return {
    from: beginning,
    until: until === undefined || until === 'now' ? until : timeOf('until', 'now or a time', String(until), clock),
    shardIds: (shard as string[] | undefined)?.map((id) => (/^\d{1,12}$/.test(id) ? `shardId-${id.padStart(12, '0')}` : id)),
  }
}

const UNITS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

function timeOf(option: string, expected: string, text: string, clock: Clock): Date {
  const [, ago, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? []
  const time = new Date(unit ? clock.now() - Number(ago) * UNITS[unit] : /^\d{9,}$/.test(text) ? Number(text) : text)
  if (Number.isNaN(time.getTime()))
    throw new UsageError(`--${option} expected ${expected} such as 2026-11-23T04:00:00Z or 15m, 15 minutes ago, got ${JSON.stringify(text)}`)
  return time
}

/** The shard that is furthest behind its newest record, by MillisBehindLatest, and of how many the service has told that. */
export function lagOf({ shards }: ConsumerMetrics): { shardId: string; milliseconds: number; behind: number; shards: number } | undefined {
  const told = Object.entries(shards).flatMap(([shardId, { millisBehindLatest: milliseconds }]) =>
    milliseconds === undefined ? [] : [{ shardId, milliseconds }],
  )
  if (told.length === 0) return undefined
  const most = told.reduce((a, b) => (b.milliseconds > a.milliseconds ? b : a))
  return { ...most, behind: told.filter(({ milliseconds }) => milliseconds > 0).length, shards: told.length }
}

/** For a closing line: "; 3 of 8 shards behind, shardId-000000000002 most, by 12.3 s"; nothing where the service has told nothing. */
export function lagText(metrics: ConsumerMetrics): string {
  const lag = lagOf(metrics)
  if (!lag) return ''
  if (lag.behind === 0) return '; no shard behind'
  return `; ${lag.behind} of ${lag.shards} shards behind, ${lag.shards > 1 ? `${lag.shardId} most, ` : ''}by ${seconds(lag.milliseconds)}`
}
