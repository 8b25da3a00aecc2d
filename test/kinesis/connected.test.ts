// A client without region or credentials: one error of the first call that says what to set, and nothing is taken in.
import { KinesisClient } from '@aws-sdk/client-kinesis'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { command as produceCommand } from '../../src/cli/produce.js'
import { createConsumer } from '../../src/kinesis/consumer/consumer.js'
import { createProducer } from '../../src/kinesis/producer/producer.js'
import type { ProducerOptions } from '../../src/kinesis/producer/producer-options.js'
import { fileSpool } from '../../src/kinesis/producer/spool/spool.js'
import type { AwsClient } from '../../src/ports/aws.js'
import { createSimulation } from '../../src/ports/simulated.js'
import { runCommand } from '../cli/io.js'
import { createFakeStream } from './fake.js'
import { usersIn } from './kcl.js'
import { crashingStorage } from './spool/crashing.js'

const record = { partitionKey: 'k', data: 'x' }

interface Config {
  region: () => Promise<unknown>
  credentials: () => Promise<unknown>
}

function world(seed: number, config: Partial<Config>, options: Partial<ProducerOptions> = {}) {
  const simulation = createSimulation(seed)
  const stream = createFakeStream(2, simulation.clock, simulation.random)
  const client = Object.assign({ send: stream.client.send }, { config }) as AwsClient
  const open = (more: Partial<ProducerOptions> = {}) =>
    createProducer({ streamName: 's', client, commands: stream.commands, ports: simulation, ...options, ...more })
  return { ...simulation, stream, config, open, producer: open() }
}

async function noRegion(): Promise<never> {
  throw new Error('Region is missing')
}

async function noCredentials(): Promise<never> {
  throw Object.assign(new Error('Could not load credentials from any providers'), { name: 'CredentialsProviderError' })
}

describe('of a producer', () => {
  test.each<[Partial<Config>, string]>([
    [
      { region: noRegion },
      "AWS region: expected in the client's configuration (region), the environment (AWS_REGION) or the profile, got none (Region is missing)",
    ],
    [{ region: async () => 'r', credentials: noCredentials }, 'a profile or a role, got none (Could not load credentials from any providers)'],
    [{ credentials: () => Promise.reject(new Error('Credential is missing')) }, 'got none (Credential is missing)'],
  ])('every put rejects, and close has nothing to do: %#', async (config, message) => {
    const { run, stream, producer } = world(1, config)
    await expect(run(producer.put(record))).rejects.toMatchObject({ code: 'CONFIG', message: expect.stringContaining(message) })
    await expect(run(producer.putBatch([record, record]))).rejects.toMatchObject({ code: 'CONFIG' })
    await expect(run(producer.putNdjson(new TextEncoder().encode('{"k":"a"}\n'), { partitionKey: 'k' }))).rejects.toMatchObject({ code: 'CONFIG' })
    await run(producer.close())
    expect(producer.metrics()).toMatchObject({ accepted: 0, failed: 0, bufferedRecords: 0 })
    expect(stream.log).toEqual([])
  })

  test('once it is there puts are taken in, in their order', async () => {
    let given = false
    const { run, stream, producer, clock } = world(2, { credentials: () => (given ? clock.sleep(500) : noCredentials()) })
    await expect(run(producer.put(record))).rejects.toMatchObject({ code: 'CONFIG' })
    given = true
    const data = ['0', '1', '2', '3', '4', '5']
    const puts = [
      producer.put({ partitionKey: 'k', data: '0' }),
      producer.putBatch(['1', '2'].map((of) => ({ partitionKey: 'k', data: of }))),
      producer.put({ partitionKey: 'k', data: '3' }),
      producer.putBatch(['4', '5'].map((of) => ({ partitionKey: 'k', data: of }))),
    ]
    const closed = producer.close()
    await run(Promise.all([...puts, closed]))
    expect(usersIn(stream).all.map(({ data }) => data)).toEqual(data)
  })

  test('a provider that fails otherwise, or never answers, keeps nobody: it may be there for the request', async () => {
    for (const credentials of [() => Promise.reject(new Error('connect ETIMEDOUT')), () => new Promise(() => {})]) {
      const { run, producer } = world(3, { credentials })
      await run(producer.put(record).then(() => producer.close()))
      expect(producer.metrics().delivered).toBe(1)
    }
  })

  test('a signal ends the wait for credentials', async () => {
    const { run, clock, producer } = world(4, { credentials: () => new Promise(() => {}) })
    const stop = new AbortController()
    const put = producer.put(record, { signal: stop.signal })
    stop.abort(new Error('enough'))
    await expect(run(put)).rejects.toThrow('enough')
    expect(clock.monotonic()).toBe(0)
  })

  test('a spool keeps what it holds', async () => {
    const { run, config, stream, open, ...ports } = world(5, {})
    const storage = crashingStorage()
    const producer = () => open({ spool: fileSpool({ ...ports, storage }, '/spool', {}) })
    const first = producer()
    stream.faults.throttle = 1
    const { outcome } = await run(first.put(record))
    await run(first.close({ signal: AbortSignal.abort() }))
    expect(await outcome).toMatchObject({ code: 'SPOOLED' })
    stream.faults.throttle = 0
    config.region = noRegion
    const second = producer()
    await expect(run(second.flush())).rejects.toMatchObject({ code: 'CONFIG' })
    await expect(run(second.close())).rejects.toMatchObject({ code: 'CONFIG' })
    config.region = async () => 'r'
    const third = producer()
    await run(third.close())
    expect(usersIn(stream).all).toHaveLength(1)
  })
})

describe("of the SDK's own client", () => {
  afterEach(() => {
    vi.unstubAllEnvs()
  })

  test.each<[{ region?: string }, string]>([
    [{}, 'AWS region'],
    [{ region: 'eu-central-1' }, 'AWS credentials'],
  ])('%j', async (config, message) => {
    for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_PROFILE', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_WEB_IDENTITY_TOKEN_FILE'])
      vi.stubEnv(name, undefined)
    for (const name of ['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE']) vi.stubEnv(name, '/nowhere')
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
    const expected = { code: 'CONFIG', message: expect.stringContaining(message) }
    // The command's client is a wrapped one.
    if (!config.region) await expect(runCommand(produceCommand, { stream: 's', key: 'k' }, ['{"k":"a"}\n'])).rejects.toMatchObject(expected)
    const producer = createProducer({ streamName: 's', clientConfig: config })
    await expect(producer.put(record)).rejects.toMatchObject(expected)
    await producer.close()
    const client = new KinesisClient(config)
    const consumer = createConsumer({ streamName: 's', client })
    await expect(consumer[Symbol.asyncIterator]().next()).rejects.toMatchObject(expected)
    client.destroy()
  })
})
