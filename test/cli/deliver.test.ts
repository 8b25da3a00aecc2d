import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { FirehoseClient, PutRecordCommand } from '@aws-sdk/client-firehose'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Io } from '../../src/cli/command.js'
import { command } from '../../src/cli/deliver.js'
import { listen } from '../../src/cli/deliver-listen.js'
import { putRecords } from '../../src/cli/deliver-records.js'
import { drawDelivery } from '../../src/cli/deliver-report.js'
import { createDeliveryStream } from '../../src/firehose/delivery/delivery-stream.js'
import { directoryStore } from '../../src/firehose/delivery/directory-store.js'
import { memoryStore } from '../../src/firehose/delivery/store.js'
import { aggregate, ShardMap } from '../../src/kinesis/index.js'
import { nodePorts } from '../../src/ports/node.js'
import { configOf, processing, processor } from '../firehose/delivery/streams.js'
import { runCommand } from './io.js'

let home = ''
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'millrace-deliver-'))
})
afterEach(() => rm(home, { recursive: true, force: true }))

const lambda = processing(processor('Lambda', { LambdaArn: 'arn:aws:lambda:x', NumberOfRetries: '0' }))
const configFile = (config: object) => ({ 'c.json': JSON.stringify(config) })
const run = (config: object, input: Iterable<string | Uint8Array>, values = {}, files: Record<string, string> = {}, positionals: string[] = []) =>
  runCommand(command, { config: ['c.json'], out: join(home, 'out'), ...values }, input, { ...configFile(config), ...files }, positionals)

/** Path without what changes from run to run, and text. */
async function written(): Promise<[string, string][]> {
  const entries = await readdir(join(home, 'out'), { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const all = await Promise.all(
    files.map(async (file): Promise<[string, string]> => {
      const body = await readFile(file)
      const path = file
        .slice(home.length + 5)
        .replace(/\d{4}\/\d\d\/\d\d\/\d\d\//, '')
        .replace(/clicks-1-\d{4}-[\d-]{14}-[0-9a-f-]{36}/, 'NAME')
      return [path, (path.endsWith('.gz') ? gunzipSync(body) : body).toString()]
    }),
  )
  return all.sort()
}

describe('millrace deliver', () => {
  it('writes the objects of the configuration, a record a line', async () => {
    const ran = await run(configOf({ CompressionFormat: 'GZIP' }), ['{"a":1}\n', '\n{"a":', '2}\r\n{"a":3}'])
    expect(ran.code).toBe(0)
    expect(ran.out).toBe('')
    expect(await written()).toEqual([['NAME.gz', '{"a":1}{"a":2}{"a":3}']])
    expect(ran.err).toEqual([
      expect.stringMatching(/^millrace deliver: 3 records taken \(21 B, \d+\.\d s\)$/),
      expect.stringMatching(/^millrace deliver: 3 records delivered in 1 object; \d+ B written$/),
    ])
  })

  it('keeps line feeds where that is asked for', async () => {
    await run(configOf(), ['a\nb\r\n\nc'], { newline: true })
    expect(await written()).toEqual([['NAME', 'a\nb\r\nc']])
  })

  it('reads files one after the other, and has a directory for each bucket', async () => {
    const backup = { S3BackupMode: 'Enabled', S3BackupConfiguration: { BucketARN: 'arn:aws:s3:::raw' } }
    const ran = await run(configOf(backup), [], {}, { x: 'a\nb', y: 'c' }, ['x', 'y'])
    expect(await written()).toEqual([
      ['lake/NAME', 'abc'],
      ['raw/NAME', 'abc'],
    ])
    expect(ran.err.at(-1)).toContain('3 records delivered in 1 object; 3 backed up in 1 object')
  })

  it('calls the function of a module, and ends with 1 where records went to the error output', async () => {
    await writeFile(
      join(home, 'shape.mjs'),
      'export const handler = async ({ records }) => ({ records: records.map(({ recordId, data }, i) => ({ recordId, data, result: ["Ok", "Dropped", "ProcessingFailed"][i] })) })',
    )
    await writeFile(join(home, 'shape.cjs'), 'exports.handler = () => { throw new Error("no") }')
    await writeFile(join(home, 'none.mjs'), 'export default 5')
    const ran = await run(configOf(lambda), ['a\nb\nc\n'], { handler: join(home, 'shape.mjs') })
    expect(ran.code).toBe(1)
    expect(await written()).toEqual([
      ['NAME', 'a'],
      ['processing-failed/NAME', expect.stringMatching(/^\{"rawData":"Yw==","errorCode":"Lambda.ProcessingFailedStatus"/)],
    ])
    expect(ran.err).toEqual([
      'millrace deliver:        1  Lambda.ProcessingFailedStatus',
      expect.stringMatching(/^millrace deliver: 3 records taken \(3 B, \d+\.\d s\); 1 invocation$/),
      expect.stringMatching(/^millrace deliver: 1 record delivered in 1 object; 1 dropped by the function; 1 failed, in 1 error object; /),
    ])
    const thrown = await run(configOf(lambda), ['a'], { handler: join(home, 'shape.cjs'), json: true })
    expect(thrown.code).toBe(1)
    expect(JSON.parse(thrown.out)).toMatchObject({
      accepted: 1,
      failed: 1,
      failures: { 'Lambda.FunctionError': 1 },
      unwritten: [],
      milliseconds: expect.any(Number),
    })
    expect(thrown.err[0]).toBe('millrace deliver: the function failed: no, for a batch of 1 record, attempt 1 of 1')
    await expect(run(configOf(lambda), [], { handler: join(home, 'none.mjs') })).rejects.toThrow(
      'none.mjs: expected a function as "handler" or default export, got 5',
    )
    await expect(run(configOf(lambda), [], { handler: join(home, 'missing.mjs') })).rejects.toMatchObject({ code: 'IO' })
  })

  it('takes a transformation in place of the function, as millrace transform does, and tells each reason for a failure once', async () => {
    await writeFile(join(home, 'shape.mjs'), 'export default (record) => ({ a: record.json().a })')
    const ran = await run(configOf(lambda), ['{"a":1,"b":2}\nno\nno\n{"a":3}'], { module: join(home, 'shape.mjs') })
    expect(ran.code).toBe(1)
    expect(await written()).toEqual([
      ['NAME', '{"a":1}\n{"a":3}\n'],
      ['processing-failed/NAME', expect.stringMatching(/^(\{"rawData":"bm8=","errorCode":"Lambda.ProcessingFailedStatus".*\n?){2}$/)],
    ])
    expect(ran.err.slice(0, 2)).toEqual([
      expect.stringMatching(/^millrace deliver: answered ProcessingFailed: transform: expected JSON: /),
      'millrace deliver:        2  Lambda.ProcessingFailedStatus',
    ])
    await rm(join(home, 'out'), { recursive: true })
    await run(configOf(lambda), ['a\nb'], { blueprint: 'kpl' })
    expect(await written()).toEqual([['NAME', 'a\nb\n']])
    await expect(run(configOf(lambda), [], { blueprint: 'kpl', module: 'x' })).rejects.toMatchObject({ name: 'UsageError' })
    await expect(run(configOf(lambda), [], { listen: '0' })).rejects.toMatchObject({
      name: 'UsageError',
      message: 'expected --handler FILE or --module FILE, the function of the Lambda processor in c.json',
    })
  })

  it('reads a CloudFormation template: its one stream, or the one that is named', async () => {
    const bucket = (id: string) => ({ BucketARN: { 'Fn::GetAtt': [id, 'Arn'] }, RoleARN: { 'Fn::GetAtt': ['Role', 'Arn'] } })
    const stream = (DeliveryStreamName: string, Prefix: string) => ({
      Type: 'AWS::KinesisFirehose::DeliveryStream',
      Properties: {
        DeliveryStreamName,
        ExtendedS3DestinationConfiguration: {
          ...bucket('Lake'),
          Prefix,
          ErrorOutputPrefix: 'errors/',
          BufferingHints: { SizeInMBs: '1', IntervalInSeconds: 0 },
        },
      },
    })
    const Resources = { Lake: { Type: 'AWS::S3::Bucket' }, Role: { Type: 'AWS::IAM::Role' }, One: stream('clicks', 'one/') }
    expect((await run({ Resources }, ['a'])).code).toBe(0)
    const two = { Resources: { ...Resources, Two: stream('clicks', 'two/') } }
    await expect(run(two, ['a'])).rejects.toThrow('expected --resource ID: c.json has 2 delivery streams')
    await run(two, ['b'], { resource: 'Two' })
    expect(await written()).toEqual([
      ['one/NAME', 'a'],
      ['two/NAME', 'b'],
    ])
    await expect(run(two, [], { resource: 'Lake' })).rejects.toThrow('--resource expected one of One, Two, got "Lake"')
    await expect(run(configOf(), [], { resource: 'One' })).rejects.toThrow('--resource expected a CloudFormation template, got c.json')
    await expect(run({ Resources: { Lake: Resources.Lake } }, [])).rejects.toThrow(
      'c.json: expected a resource of type AWS::KinesisFirehose::DeliveryStream, got none',
    )
    await expect(run({ Resources: { ...Resources, One: stream('clicks', '!{x}') } }, [])).rejects.toThrow(
      'c.json, One: config.ExtendedS3DestinationConfiguration.Prefix',
    )
  })

  it('reads records of base64, of a Kinesis stream too', async () => {
    const [packed] = aggregate(
      [1, 2].map((i) => ({ partitionKey: `k${i}`, data: new Uint8Array([i]) })),
      { shards: ShardMap.even(1) },
    ).records
    const source = { DeliveryStreamType: 'KinesisStreamAsSource', KinesisStreamSourceConfiguration: { KinesisStreamARN: 'arn:aws:kinesis:x' } }
    const lines = [
      { data: Buffer.from(packed.Data).toString('base64'), partitionKey: 'k', sequenceNumber: '1', shardId: 's', arrival: '2020-01-02T03:04:05.000Z' },
      { data: 'AA==', arrival: Date.UTC(2021, 0, 1) },
      { data: 'x' },
      { arrival: 5 },
      { data: '', arrival: 'yesterday' },
    ]
    const ran = await run(configOf({}, source), [lines.map((line) => JSON.stringify(line)).join('\n')], { records: true })
    expect(ran.code).toBe(1)
    expect(await written()).toEqual([['NAME', '\u0001\u0002\u0000']])
    const [[name]] = (await readdir(join(home, 'out'), { recursive: true })).filter((path) => path.includes('clicks')).map((path) => [path])
    expect(name).toMatch(/^2020\/01\/02\/03\/clicks-1-2020-01-02-03-04-05-/)
    expect(ran.err.slice(0, 3)).toEqual([
      expect.stringMatching(/^millrace deliver: line 3, byte \d+: "data": .*expected base64/),
      expect.stringMatching(/^millrace deliver: line 4, byte \d+: "data" expected a string, got undefined$/),
      expect.stringMatching(/^millrace deliver: line 5, byte \d+: "arrival" expected milliseconds since the epoch, or a time of ISO 8601$/),
    ])
  })

  it('tells of a line that is too large, and goes on', async () => {
    const ran = await run(configOf(), ['a\n', 'x'.repeat(1_024_001), '\nb\n'])
    expect(ran.code).toBe(1)
    expect(await written()).toEqual([['NAME', 'ab']])
    expect(ran.err[0]).toBe('millrace deliver: line 2, byte 2: "record" expected at most 1024000 bytes, got 1024001')
  })

  it('converts by the table of a file: of Glue, DDL, or a schema of ours', async () => {
    const conversion = {
      DataFormatConversionConfiguration: {
        InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: {} } },
        OutputFormatConfiguration: { Serializer: { ParquetSerDe: {} } },
      },
    }
    for (const schema of [
      'CREATE TABLE t (a int)',
      '{"columns":[{"name":"a","type":"int32"}]}',
      '{"Table":{"StorageDescriptor":{"Columns":[{"Name":"a","Type":"int"}]}}}',
    ]) {
      const ran = await run(configOf(conversion), ['{"a":1}\n'], { schema: 't' }, { t: schema })
      expect([ran.code, ran.err.at(-1)]).toEqual([0, expect.stringContaining('1 record delivered in 1 object')])
    }
    await expect(run(configOf(conversion), [], { schema: 't' }, { t: 'CREATE TABLE' })).rejects.toMatchObject({
      code: 'CONFIG',
      message: expect.stringMatching(/^t: /),
    })
  })

  it('delivers what was read before an input broke off', async () => {
    const failing = (async function* () {
      yield 'a\nb\n'
      throw new Error('broken pipe')
    })()
    await expect(runCommand(command, { config: ['c.json'], out: join(home, 'out') }, failing, configFile(configOf()))).rejects.toThrow('broken pipe')
    expect(await written()).toEqual([['NAME', 'ab']])
  })

  it('delivers what was read before a signal came', async () => {
    const stop = new AbortController()
    const input = (async function* () {
      yield 'a\nb\n'
      stop.abort(new Error('interrupted'))
      yield 'c\n'
    })()
    const ran = await runCommand(command, { config: ['c.json'], out: join(home, 'out') }, input, configFile(configOf()), [], stop.signal)
    expect(ran.code).toBe(1)
    expect(ran.err[0]).toBe('millrace deliver: interrupted; writing what was read, a second signal leaves at once')
    expect(await written()).toEqual([['NAME', 'ab']])
  })

  it('tells once why a store fails, whatever its temporary files are called', async () => {
    let creates = 0
    const storage = {
      ...nodePorts.storage,
      create: async (path: string) => {
        if (creates++ > 8) return nodePorts.storage.create(path)
        throw Object.assign(new Error(`ENOSPC: no space left on device, open '${path}'`), { code: 'ENOSPC', syscall: 'open', path })
      },
      open: async () => ({
        stat: async () => ({ kind: 'file' as const, size: 0, mtime: 0, ctime: 0 }),
        read: async (target: Uint8Array, at: number) =>
          Buffer.from(JSON.stringify(configOf({ BufferingHints: { SizeInMBs: 1, IntervalInSeconds: 0 } }))).copy(target, 0, at),
        close: async () => {},
      }),
    }
    const clock = { ...nodePorts.clock, sleep: () => new Promise<void>((resolve) => setImmediate(resolve)) }
    const lines = ['a', 'b', 'c', 'd', 'e'].map((letter) => `${letter.repeat(999_999)}\n`)
    const ran = await runCommand(command, { config: ['c.json'], out: join(home, 'out') }, lines, {}, [], undefined, { storage, clock })
    const told = ran.err.filter((line) => line.includes('could not be stored'))
    expect(told).toEqual([expect.stringMatching(/ could not be stored and is tried again: .*\/out\/\d+\/\d+\/\d+\/\d+: no space left on device; first /)])
  })

  it('ends where a signal comes while a store that fails has it wait', async () => {
    const stop = new AbortController()
    const failures: unknown[] = []
    const store = { put: () => Promise.reject(new Error('disk full')) }
    const stream = createDeliveryStream(configOf(), { store, maxBufferedBytes: 1 << 20, onStoreFailure: (failure) => failures.push(failure) })
    const line = `${'x'.repeat(999_999)}\n`
    const input = (async function* () {
      for (let i = 0; i < 100; i++) yield Buffer.from(line)
    })()
    const io = ioOf(stop.signal, { stdin: () => input })
    const put = putRecords(io, stream, ['-'], { newline: false, records: false })
    while (failures.length === 0) await new Promise((resolve) => setImmediate(resolve))
    stop.abort(new Error('interrupted'))
    expect(await put).toBe(0)
    expect(stream.metrics().accepted).toBeLessThan(10)
    await expect(stream.close({ signal: stop.signal })).rejects.toMatchObject({ code: 'NOT_DONE' })
  })

  it.each<[object, string[], RegExp]>([
    [{ config: undefined }, [], /expected --config FILE once, got it 0 times/],
    [{ config: ['c.json', 'c.json'] }, [], /expected --config FILE once, got it 2 times/],
    [{ out: undefined }, [], /expected either --out DIR or --s3/],
    [{ s3: true }, [], /expected either --out DIR or --s3/],
    [{ endpoint: 'http://x' }, [], /--endpoint expected --s3 beside it/],
    [{ schema: 'c.json' }, [], /--schema expected DataFormatConversionConfiguration/],
    [{ host: 'x' }, [], /--host expected --listen beside it/],
    [{ listen: '0' }, ['x'], /expected no input beside --listen/],
    [{ timestamps: 'int32' }, [], /--timestamps expected one of int96, int64/],
    [{ partitions: '0' }, [], /--partitions expected a whole number from 1/],
  ])('%j is wrong usage', async (values, positionals, message) => {
    await expect(run(configOf(), [], values, {}, positionals)).rejects.toThrow(message)
    await expect(run(configOf(), [], values, {}, positionals)).rejects.toMatchObject({ name: 'UsageError' })
  })

  it('names the file of a configuration that is wrong', async () => {
    await expect(run(configOf({ FileExtension: 'x' }), [])).rejects.toMatchObject({
      code: 'CONFIG',
      message: 'c.json: "config.ExtendedS3DestinationConfiguration.FileExtension" expected an extension such as .json, of at most 128 characters, got "x"',
    })
    await expect(runCommand(command, { config: ['c.json'], out: 'x' }, [], { 'c.json': '{' })).rejects.toMatchObject({ code: 'BAD_INPUT' })
    await expect(runCommand(command, { config: ['none.json'], out: 'x' }, [])).rejects.toThrow('ENOENT')
  })
})

function ioOf(signal: AbortSignal, more: Partial<Io> = {}): Io & { out: string[]; err: string[] } {
  const out: string[] = []
  const err: string[] = []
  return {
    out,
    err,
    async *stdin() {},
    write: async (chunk) => void out.push(String(chunk)),
    terminal: undefined,
    log: (line) => void err.push(line),
    progress() {},
    columns: 0,
    color: false,
    ports: nodePorts,
    driven() {},
    signal,
    ...more,
  }
}

describe('millrace deliver --listen', () => {
  it('serves the SDK until a signal comes, and delivers', async () => {
    const stop = new AbortController()
    let told = (_: string) => {}
    const address = new Promise<string>((resolve) => {
      told = resolve
    })
    const io = ioOf(stop.signal, { write: async (chunk) => told(String(chunk)) })
    const store = directoryStore(nodePorts, join(home, 'out'), { buckets: true })
    const ended = listen({ json: true }, io, { port: 0, options: { store, ports: nodePorts }, configs: [configOf()] })
    const { endpoint } = JSON.parse(await address)
    expect(endpoint).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    const client = new FirehoseClient({
      region: 'us-east-1',
      endpoint,
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
      requestHandler: new NodeHttpHandler(),
    })
    await client.send(new PutRecordCommand({ DeliveryStreamName: 'clicks', Record: { Data: Buffer.from('hello') } }))
    client.destroy()
    stop.abort()
    expect(await ended).toBe(0)
    expect(await written()).toEqual([['lake/NAME', 'hello']])
    expect(io.err).toEqual([
      'millrace deliver: end it with Ctrl-C',
      'millrace deliver: writing what was taken, a second signal leaves at once',
      expect.stringContaining('1 record taken'),
      expect.stringContaining('1 record delivered in 1 object'),
    ])
  })

  it('tells where it cannot listen', async () => {
    const stop = AbortSignal.abort()
    const io = ioOf(stop)
    await expect(listen({ host: '192.0.2.1' }, io, { port: 0, options: { store: memoryStore() }, configs: [] })).rejects.toMatchObject({
      code: 'IO',
      message: expect.stringMatching(/^cannot listen at 192\.0\.2\.1:0: /),
    })
  })
})

it('the live line has what matters most first, as much as fits', async () => {
  const lines: string[] = []
  let now = 0
  const clock = {
    ...nodePorts.clock,
    monotonic: () => {
      now += 1000
      return now
    },
    sleep: (_: number, signal?: AbortSignal) =>
      lines.length < 2 ? Promise.resolve() : new Promise<void>((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
  }
  const metrics = { accepted: 1500, acceptedBytes: 3e6, objects: 2, failures: { a: 3 }, dropped: 0, activePartitions: 4, storeRetries: 0, heldBytes: 12_345 }
  const io = ioOf(new AbortController().signal, { columns: 100, progress: (line) => void lines.push(line), ports: { ...nodePorts, clock } })
  const end = drawDelivery(io, () => metrics as never)
  while (lines.length < 2) await new Promise((resolve) => setImmediate(resolve))
  end()
  expect(lines[0]).toBe('0 records/s, 0.0 MB/s, 1.5K taken, 3 failed, 2 objects, 4 partitions, 12.3 KB held')
})
