// millrace aggregate: user records in, KPL aggregates out.
import { toBase64 } from '../engine/base64.js'
import { aggregate, NO_OUTER } from '../kinesis/aggregates/aggregate.js'
import type { UserRecord } from '../types.js'
import { type Command, UsageError, wholeOption } from './command.js'
import { Faults, jsonLines, type Line } from './ndjson.js'
import { shardMapOf, shardOptions } from './ranges.js'
import { readUserRecord } from './user-record.js'

/** Data bytes that are gathered before a round, at most: memory stays bounded. */
const MOST = 64 << 20

export const command: Command = {
  summary: 'user records to KPL-aggregated Kinesis records',
  help: `Usage: millrace aggregate --shards N [--ranges FILE] [options] < RECORDS

Reads one user record a line, {"partitionKey","explicitHashKey"?,"data": base64}, as deaggregate,
consume and produce --dead-letter write them, and writes the Kinesis records to put, byte for byte
as the Kinesis Producer Library makes them:
  {"PartitionKey","ExplicitHashKey","Data": base64,"shard": index,"userRecords": count}
User records of one shard keep their order. One alone is sent raw, under its own key.

  --shards N      an even split of N shards, as Kinesis makes it
  --ranges FILE   the stream's own ranges: a ListShards response, or one
                  {"ShardId","StartingHashKey","EndingHashKey"} a line
  --max-size B    bytes of an aggregate, 64 to 10485760; default 51200
  --max-count N   user records of an aggregate; default 4294967295

A line that is no record, or one that the service would refuse, is reported on stderr and left
out; the exit code is then 1.

Example: echo '{"partitionKey":"AMS","data":"aGVsbG8="}' | millrace aggregate --shards 4
`,
  options: { ...shardOptions, 'max-size': { type: 'string' }, 'max-count': { type: 'string' } },
  async run(values, positionals, io) {
    if (positionals.length > 0) throw new UsageError(`expected records on standard input, got the argument ${JSON.stringify(positionals[0])}`)
    const maxSize = wholeOption(values, 'max-size', 64, 10_485_760)
    const maxCount = wholeOption(values, 'max-count', 1, 0xffffffff)
    const shards = await shardMapOf(values.ranges === undefined ? values : { ranges: values.ranges }, io)
    if (values.ranges !== undefined && values.shards !== undefined && values.shards !== String(shards.shards.length))
      throw new UsageError(`--shards expected ${shards.shards.length}, the open shards of --ranges, got ${JSON.stringify(values.shards)}`)
    // Two aggregates a shard, so that most of what is gathered leaves in full ones.
    const enough = Math.min(MOST, Math.max(4 << 20, 2 * shards.shards.length * (maxSize ?? 51_200)))
    const faults = new Faults(io, 'aggregate')

    const round = async (held: Line<UserRecord>[], last: boolean): Promise<Line<UserRecord>[]> => {
      const { records, outers, rejected } = aggregate(
        held.map((l) => l.value),
        { shards, maxSize, maxCount },
      )
      for (const { record, message } of rejected) faults.tell(held[record].line, held[record].offset, message)
      // A shard's last aggregate may still grow: its records go into the next round.
      const open = new Map<number, number>()
      if (!last) for (const [i, { shard }] of records.entries()) open.set(shard, i)
      let lines = ''
      for (const [i, { PartitionKey, ExplicitHashKey, Data, shard, userRecords }] of records.entries()) {
        if (open.get(shard) === i) continue
        lines += `${JSON.stringify({ PartitionKey, ExplicitHashKey, Data: toBase64(Data), shard, userRecords })}\n`
        if (lines.length > 1 << 20) {
          await io.write(lines)
          lines = ''
        }
      }
      if (lines !== '') await io.write(lines)
      return last ? [] : held.filter((_, i) => outers[i] !== NO_OUTER && open.get(records[outers[i]].shard) === outers[i])
    }

    let held: Line<UserRecord>[] = []
    let size = 0
    let seen = 0
    for await (const batch of jsonLines(io, faults, readUserRecord)) {
      seen = batch.seen
      for (const line of batch.lines) {
        held.push(line)
        size += line.value.data.length + line.value.partitionKey.length
      }
      if (size < enough) continue
      held = await round(held, false)
      size = weigh(held)
      // Nearly everything lies in open aggregates: more than memory should hold, so they are closed.
      if (size > MOST / 2) {
        held = await round(held, true)
        size = 0
      }
    }
    await round(held, true)
    return faults.end(seen)
  },
}

const weigh = (lines: Line<UserRecord>[]) => lines.reduce((sum, { value }) => sum + value.data.length + value.partitionKey.length, 0)
