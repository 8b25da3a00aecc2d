// A producer over a spool that is killed and started again: takes its endpoint, its directory and the first
// id from its arguments, and says each id once put() has accepted it. Ends by itself when it is told to.
import { writeSync } from 'node:fs'
import { createProducer } from '../../../src/kinesis/producer/producer.js'
import { fileSpool } from '../../../src/kinesis/producer/spool/spool.js'
import { nodePorts } from '../../../src/ports/node.js'

const [endpoint, directory, first, last] = process.argv.slice(2)
const clientConfig = { endpoint, region: 'us-east-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } }
const producer = createProducer({
  streamName: 's',
  clientConfig,
  spool: fileSpool(nodePorts, directory),
  stableIds: true,
  maxBufferedTime: 20,
  aggregationMaxSize: 2_000,
})
const say = (line: string) => writeSync(1, `${line}\n`)
if (last === undefined) {
  for (let id = Number(first); ; id += 20) {
    const lines = Array.from({ length: 20 }, (_, i) => JSON.stringify({ id: id + i, key: `key-${(id + i) % 300}` }))
    await producer.putNdjson(new TextEncoder().encode(`${lines.join('\n')}\n`), { partitionKey: 'key' })
    say(`a ${id}`)
    if (id % 200 === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
// sends what the others have left
await producer.flush()
await producer.close()
say('done')
