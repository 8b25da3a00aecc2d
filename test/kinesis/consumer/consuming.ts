// A consumer as a user writes it, in a process that is killed and started again. Its lines on stdout say what it was
// handed ("r <id> <time>") and, as JSON, what it reads from and writes to its store. Bundled by the test that starts it.
import { writeSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { type CheckpointStore, type ConsumedRecord, createConsumer, dynamoCheckpoints, fileCheckpoints } from '../../../src/kinesis/index.js'
import { nodePorts } from '../../../src/ports/node.js'
import { openLedger } from './ledger.js'
import type { Consuming } from './lives.js'

const options: Consuming = JSON.parse(process.argv[2])
const { endpoint, path, tableName, dynamo, keys, interval, until, most, ...rest } = options
const clientConfig = { endpoint, region: 'us-east-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } }
/** Of the whole machine: the same clock in all processes. Milliseconds. */
const time = () => Number(process.hrtime.bigint() / 1000n) / 1000
let lines = 0
const line = (text: string) => {
  for (let bytes = Buffer.from(`${text}\n`); bytes.length > 0; ) {
    try {
      bytes = bytes.subarray(writeSync(1, bytes))
    } catch (error) {
      // the pipe is full
      if ((error as { code?: unknown }).code !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
    }
  }
  if (++lines === most) process.kill(process.pid, 'SIGKILL')
}
const say = (what: object) => line(JSON.stringify(what))

const told =
  (write: CheckpointStore['write']): CheckpointStore['write'] =>
  async (lease, counter, signal) => {
    const at = time()
    say({ at, write: lease, counter })
    const done = await write(lease, counter, signal)
    say({ at: time(), begun: at, wrote: lease, done })
    return done
  }

const ledger = path !== undefined && interval === null ? openLedger(path) : undefined
const { read, write, remove, exclusive, close } =
  ledger?.store ??
  (path === undefined
    ? dynamoCheckpoints({ tableName: tableName as string, clientConfig: { ...clientConfig, endpoint: dynamo as string } })
    : fileCheckpoints(nodePorts, path))
const checkpoints: CheckpointStore = {
  ...(exclusive ? { exclusive } : {}),
  async read(signal) {
    const begun = time()
    const rows = await read(signal)
    say({ at: time(), begun, read: Object.fromEntries(rows.map(({ shardId, owner, counter }) => [shardId, [owner ?? null, counter]])) })
    return rows
  },
  write: told(write),
  remove,
}
const consumer = createConsumer({
  streamName: 's',
  clientConfig,
  checkpoints,
  checkpointInterval: interval ?? Number.POSITIVE_INFINITY,
  pollInterval: 0,
  idleInterval: 20,
  ...(until ? { until: new Date(until) } : {}),
  ...rest,
})
process.on('SIGTERM', () => consumer.close())

let handled = 0
const handle = async ({ partitionKey, data }: ConsumedRecord): Promise<number> => {
  const { key, n } = JSON.parse(new TextDecoder().decode(data))
  if (partitionKey !== `k${key}`) throw new Error(`record of k${key} came with the key ${partitionKey}`)
  const id = n * keys + key
  line(`r ${id} ${time()}`)
  // Work that takes its time, so that checkpoints come in the middle of batches.
  if (++handled % 20 === 0) await setTimeout(1)
  return id
}
if (ledger) {
  for await (const batch of consumer) {
    const ids: number[] = []
    for (const record of batch.records) ids.push(await handle(record))
    await batch.checkpoint(undefined, told(ledger.commit(ids)))
  }
} else for await (const record of consumer.records()) await handle(record)
await close?.()
say({ at: time(), end: true })
