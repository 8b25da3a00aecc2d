// --shards N or --ranges FILE -> the shard map that a command works with.
import { MillraceError } from '../errors.js'
import { ShardMap } from '../kinesis/shards/shard-map.js'
import { fileSource } from '../ports/source.js'
import { type Io, UsageError, type Values } from './command.js'
import { readAll } from './input.js'

/** The two options, for a command's `options`. */
export const shardOptions = { shards: { type: 'string' }, ranges: { type: 'string' } } as const

/** The map of --shards or --ranges, one of which must be there. */
export async function shardMapOf(values: Values, io: Io): Promise<ShardMap> {
  const { shards, ranges } = values
  if ((shards === undefined) === (ranges === undefined)) throw new UsageError('expected either --shards N or --ranges FILE')
  if (typeof shards === 'string') {
    if (!/^[0-9]{1,9}$/.test(shards)) throw new UsageError(`--shards expected a number of shards, got ${JSON.stringify(shards)}`)
    try {
      return ShardMap.even(Number(shards))
    } catch (error) {
      // "count" is what the function calls it
      throw error instanceof RangeError ? new UsageError(error.message.replace('"count"', '--shards')) : error
    }
  }
  const file = String(ranges)
  const text = new TextDecoder().decode(await readAll(fileSource(io.ports, file), file))
  const list = parseRanges(text, file)
  try {
    return ShardMap.fromShards(list as [])
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error
    throw new MillraceError('BAD_INPUT', error.message, { position: { source: file }, cause: error })
  }
}

/** A ListShards response or an array of shards as one JSON text, or one shard a line. */
function parseRanges(text: string, file: string): unknown {
  const whole = parsed(text)
  if (Array.isArray(whole)) return whole
  if (typeof whole === 'object' && whole !== null) return 'Shards' in whole ? whole : [whole]
  const lines = text.split('\n').flatMap((line, i) => (line.trim() === '' ? [] : [{ line, i }]))
  if (lines.length === 0) throw new MillraceError('BAD_INPUT', 'expected hash key ranges, got an empty file', { position: { source: file } })
  return lines.map(({ line, i }) => {
    const shard = parsed(line)
    if (typeof shard === 'object' && shard !== null) return shard
    throw new MillraceError('BAD_INPUT', `expected JSON like {"ShardId","StartingHashKey","EndingHashKey"}, got ${JSON.stringify(line.slice(0, 40))}`, {
      position: { source: `${file}, line ${i + 1}` },
    })
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
