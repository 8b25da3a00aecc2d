// millrace tail: the user records of a Kinesis stream as they come, a line each, for people.
import { createConsumer } from '../kinesis/consumer/consumer.js'
import { type Command, UsageError, wholeOption } from './command.js'
import { count, size } from './figures.js'
import { lagText, readingHelp, readingOf, readingOptions } from './reading.js'
import { openStream, streamHelp, streamOptions } from './stream.js'
import { createTailLines } from './tail-line.js'

export const command: Command = {
  summary: 'the user records of a Kinesis stream as they come, a line each, for people',
  help: `Usage: millrace tail STREAM [--endpoint URL] [--from WHERE] [options]

Follows all shards of the stream, their children after a split or a merge too, opens aggregates of the
Kinesis Producer Library, and writes a line for each user record: the local time at which Kinesis took it, its
shard, partition key and size, and the data: JSON on one line, other text as it is, what is no UTF-8 as hex.
A control character is written as an escape. What the KCL would drop, or does not open, has its reason there.

On a terminal lines are cut to its width, and in colour; where there is no room for it the shard is left out, then
the size. Elsewhere lines are whole.

${streamHelp}
  --from WHERE     LATEST, what comes from now on (default); TRIM_HORIZON, the oldest
                   record; a time such as 2026-11-23T04:00:00Z; or 15m, 15 minutes
                   ago (s, m, h and d)
${readingHelp}
  -n, --limit N    end after so many records

SIGINT and SIGTERM end it, with the exit code 130 or 143.
Needs the packages @aws-sdk/client-kinesis and @smithy/node-http-handler.

Example: millrace tail flights --endpoint http://localhost:4567 --from 15m
`,
  options: { ...streamOptions, ...readingOptions, limit: { type: 'string', short: 'n' } },
  async run(values, positionals, io) {
    const [stream, ...more] = [...positionals, ...(values.stream === undefined ? [] : [values.stream])]
    if (stream === undefined || more.length > 0)
      throw new UsageError(`expected the name or ARN of one stream, got ${more.length === 0 ? 'none' : more.length + 1}`)
    const limit = wholeOption(values, 'limit', 1) ?? Number.POSITIVE_INFINITY
    const options = readingOf(values, 'LATEST', io.ports.clock)
    const target = await openStream({ ...values, stream })
    // Who looks at a stream wants to see what is in it.
    const consumer = createConsumer({ ...target, ...options, mode: 'keep', ports: io.ports })
    const stop = () => consumer.close()
    if (io.signal.aborted) stop()
    io.signal.addEventListener('abort', stop, { once: true })
    const line = createTailLines(io.terminal, io.ports.clock)
    let records = 0
    let bytes = 0
    if (io.terminal) io.progress('waiting for records, Ctrl-C ends')
    try {
      for await (const batch of consumer) {
        let lines = ''
        for (const record of batch.records.slice(0, limit - records)) {
          lines += `${line(record)}\n`
          records++
          bytes += record.data.length
        }
        await io.write(lines)
        if (records >= limit) break
      }
    } catch (error) {
      // The reader of the lines has left, or a signal came while it was slow.
      if (!io.signal.aborted) throw error
    } finally {
      io.signal.removeEventListener('abort', stop)
      target.client.destroy?.()
    }
    io.progress('')
    io.log(`millrace tail: ${count(records, 'record')}, ${size(bytes)}${lagText(consumer.metrics())}`)
    return 0
  },
}
