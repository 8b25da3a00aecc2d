// millrace shard: partition keys in, their hash keys and shards out.
import { KEY_LIMIT } from '../engine/core.js'
import { shardLines } from '../kinesis/shards/shard-lines.js'
import { type Command, UsageError } from './command.js'
import { lineBatches } from './lines.js'
import { Faults } from './ndjson.js'
import { shardMapOf, shardOptions } from './ranges.js'

export const command: Command = {
  summary: 'hash key and shard of each partition key',
  help: `Usage: millrace shard (--shards N | --ranges FILE) [--json] < KEYS

Reads one partition key a line (1 to ${KEY_LIMIT} characters, UTF-8) and writes for each, in order:
  key TAB hash key (decimal) TAB shard index

  --shards N     an even split of N shards, as Kinesis makes it
  --ranges FILE  the stream's own ranges: a ListShards response, or one
                 {"ShardId","StartingHashKey","EndingHashKey"} a line; the index
                 counts the open shards in order of their hash keys
  --json         {"partitionKey","hashKey","shard","shardId"} a line instead

A line that is no partition key is reported on stderr and left out; the exit code is then 1.

Example: printf 'AMS\\nSFO\\n' | millrace shard --shards 4
         aws kinesis list-shards --stream-name S > shards.json
         millrace shard --ranges shards.json < keys.txt
`,
  options: { ...shardOptions, json: { type: 'boolean' } },
  async run(values, positionals, io) {
    if (positionals.length > 0) throw new UsageError(`expected keys on standard input, got the argument ${JSON.stringify(positionals[0])}`)
    const map = await shardMapOf(values, io)
    let lines = 0
    const faults = new Faults(io, 'shard')
    for await (const batch of lineBatches(io.stdin())) {
      io.signal.throwIfAborted()
      if (batch.fault) faults.tell(++lines, batch.offset, batch.fault)
      const done = shardLines(map, batch.bytes, values.json ? 'json' : 'text')
      for (const part of done.parts) await io.write(part)
      for (const { line, offset, reason } of done.bad) faults.tell(lines + line + 1, batch.offset + offset, reason)
      lines += done.lines
    }
    return faults.end(lines)
  },
}
