// The lease table of the KCL in DynamoDB: its attributes, and what is said where answers are lost or refused.
import * as sdk from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type DynamoCheckpointsOptions, dynamoCheckpoints } from '../../../src/kinesis/consumer/dynamo-checkpoints.js'
import type { Item } from '../../../src/kinesis/consumer/lease-rows.js'
import { createSimulation, type Simulation } from '../../../src/ports/simulated.js'
import { type DynamoServer, startDynalite } from '../../servers.js'
import { commands, type FakeDynamo, fakeDynamo, refusal } from './fake-dynamo.js'
import { leaseOf } from './interleaving.js'

describe('over dynalite', () => {
  let server: DynamoServer
  beforeAll(async () => {
    server = await startDynalite(300)
  })
  afterAll(() => server.stop())

  const { PutItemCommand, GetItemCommand } = sdk
  const put = (TableName: string, Item: Record<string, sdk.AttributeValue>) => server.client.send(new PutItemCommand({ TableName, Item }))
  const get = async (TableName: string, key: string) =>
    (await server.client.send(new GetItemCommand({ TableName, Key: { leaseKey: { S: key } }, ConsistentRead: true }))).Item

  /** As DynamoDBLeaseSerializer.toDynamoRecord of amazon-kinesis-client 3.5.1 writes them. */
  const kclLease = {
    leaseKey: { S: 'shardId-000000000002' },
    leaseCounter: { N: '41' },
    leaseOwner: { S: 'ip-10-0-0-1:5c6d' },
    ownerSwitchesSinceCheckpoint: { N: '3' },
    checkpoint: { S: '49590338271490256608559692538361571095921575989136588898' },
    checkpointSubSequenceNumber: { N: '7' },
    parentShardId: { SS: ['shardId-000000000001', 'shardId-000000000000'] },
    childShardIds: { SS: ['shardId-000000000003'] },
    pendingCheckpoint: { S: '49590338271490256608559692538361571095921575989136588899' },
    pendingCheckpointSubSequenceNumber: { N: '0' },
    startingHashKey: { S: '0' },
    endingHashKey: { S: '340282366920938463463374607431768211455' },
    throughputKBps: { N: '12.5' },
    checkpointOwner: { S: 'ip-10-0-0-1:5c6d' },
    entityType: { S: 'LEASE' },
  }

  test('makes a table as the KCL does, on demand, and waits for it; two at once too', async () => {
    const stores = [1, 2].map(() => dynamoCheckpoints({ tableName: 'new', client: server.client }))
    expect(await Promise.all(stores.map((store) => store.read()))).toEqual([[], []])
    const { Table } = await server.client.send(new sdk.DescribeTableCommand({ TableName: 'new' }))
    expect(Table).toMatchObject({
      TableStatus: 'ACTIVE',
      KeySchema: [{ AttributeName: 'leaseKey', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'leaseKey', AttributeType: 'S' }],
      BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
    })
    await stores[0].write({ ...leaseOf(1, 2), timestamp: 1_700_000_000_000 }, undefined)
    expect(await get('new', 'shardId-1')).toEqual({
      leaseKey: { S: 'shardId-1' },
      leaseOwner: { S: 'worker-2' },
      leaseCounter: { N: '2' },
      checkpoint: { S: `42${'0'.repeat(54)}` },
      checkpointSubSequenceNumber: { N: '2' },
      ownerSwitchesSinceCheckpoint: { N: '0' },
      entityType: { S: 'LEASE' },
      millraceTimestamp: { N: '1700000000000' },
    })
  })

  test("takes over a KCL's table: reads its leases alone, keeps what it does not know", async () => {
    const store = dynamoCheckpoints({
      tableName: 'kcl',
      clientConfig: { endpoint: server.endpoint, region: 'us-east-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } },
    })
    await store.read()
    await put('kcl', kclLease)
    await put('kcl', { leaseKey: { S: 'Leader' }, entityType: { S: 'LEADER' }, ownerName: { S: 'x' } })
    // a KCL of before 2023 writes no more than this
    await put('kcl', {
      leaseKey: { S: 'shardId-000000000009' },
      leaseCounter: { N: '0' },
      ownerSwitchesSinceCheckpoint: { N: '0' },
      checkpoint: { S: 'LATEST' },
      checkpointSubSequenceNumber: { N: '0' },
    })
    const leases = (await store.read()).sort((a, b) => (a.shardId < b.shardId ? -1 : 1))
    expect(leases).toEqual([
      {
        shardId: 'shardId-000000000002',
        checkpoint: { sequenceNumber: kclLease.checkpoint.S, subSequenceNumber: 7 },
        owner: 'ip-10-0-0-1:5c6d',
        counter: 41,
        parents: expect.arrayContaining(kclLease.parentShardId.SS),
      },
      { shardId: 'shardId-000000000009', checkpoint: { sequenceNumber: 'LATEST', subSequenceNumber: 0 }, counter: 0, parents: [] },
    ])
    expect(await store.write({ ...leases[0], owner: 'me', counter: 42 }, 41)).toBe(true)
    const { pendingCheckpoint, pendingCheckpointSubSequenceNumber, checkpointOwner, ...kept } = kclLease
    expect(await get('kcl', 'shardId-000000000002')).toEqual({
      ...kept,
      leaseOwner: { S: 'me' },
      leaseCounter: { N: '42' },
      parentShardId: { SS: expect.arrayContaining(kclLease.parentShardId.SS) },
    })
    expect(await store.write({ ...leases[0], owner: undefined, counter: 43 }, 42)).toBe(true)
    expect(await get('kcl', 'shardId-000000000002')).not.toHaveProperty('leaseOwner')
    await store.close?.()
  })

  test('reads a table of more than a page', async () => {
    const store = dynamoCheckpoints({ tableName: 'large', client: server.client })
    await store.read()
    for (let i = 0; i < 6; i++) {
      await store.write(leaseOf(i, 1), undefined)
      const row = await get('large', `shardId-${i}`)
      await put('large', { ...row, applicationState: { S: 'x'.repeat(300_000) } })
    }
    expect((await store.read()).map(({ shardId }) => shardId).sort()).toEqual(Array.from({ length: 6 }, (_, i) => `shardId-${i}`))
  })

  test.each<[string, Item, string]>([
    [
      'no lease',
      { leaseCounter: { N: '1' } },
      'lease x: expected "checkpoint" to be a sequence number or one of TRIM_HORIZON, LATEST, AT_TIMESTAMP, SHARD_END, got none',
    ],
    [
      'another checkpoint',
      { ...kclLease, checkpoint: { S: '12ab' } },
      'expected "checkpoint" to be a sequence number or one of TRIM_HORIZON, LATEST, AT_TIMESTAMP, SHARD_END, got 12ab',
    ],
    [
      'a counter past 2^53',
      { ...kclLease, leaseCounter: { N: '9007199254740993' } },
      'expected "leaseCounter" to be a whole number below 2^53, got 9007199254740993',
    ],
    ['a counter that is text', { ...kclLease, leaseCounter: { S: '4' } }, 'expected "leaseCounter" to be a whole number below 2^53, got 4'],
  ])('a row that is no lease: %s', async (name, row, message) => {
    const tableName = `bad-${name.replaceAll(/\W/g, '-')}`
    const store = dynamoCheckpoints({ tableName, client: server.client })
    await store.read()
    await put(tableName, { ...row, leaseKey: { S: 'x' } } as Record<string, sdk.AttributeValue>)
    await expect(store.read()).rejects.toMatchObject({ code: 'CORRUPT', message: expect.stringContaining(message), position: { source: tableName } })
  })

  test('a table with the leases of several streams, and one that has another key', async () => {
    const store = dynamoCheckpoints({ tableName: 'many', client: server.client })
    await store.read()
    await put('many', { ...kclLease, leaseKey: { S: '1:s:1:shardId-0' }, streamName: { S: '123:flights:1' }, shardId: { S: 'shardId-0' } })
    await expect(store.read()).rejects.toMatchObject({ code: 'BAD_INPUT', message: expect.stringContaining('123:flights:1') })
    await server.client.send(
      new sdk.CreateTableCommand({
        TableName: 'users',
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
        BillingMode: 'PAY_PER_REQUEST',
      }),
    )
    const users = dynamoCheckpoints({ tableName: 'users', client: server.client })
    await users.read()
    await expect(users.write(leaseOf(1, 1), undefined)).rejects.toMatchObject({
      code: 'SERVICE',
      message: expect.stringMatching(/^users: UpdateItem: ValidationException: .*key/),
    })
  })

  test('where no table is to be made', async () => {
    const store = dynamoCheckpoints({ tableName: 'none', client: server.client, createTable: false })
    await expect(store.read()).rejects.toMatchObject({ code: 'SERVICE', message: expect.stringMatching(/^none: Scan: ResourceNotFoundException: /) })
  })
})

describe('in simulated time', () => {
  const world = (options: Partial<DynamoCheckpointsOptions> = {}) => {
    const simulation: Simulation = createSimulation(5)
    const { clock, random } = simulation
    const table: FakeDynamo = fakeDynamo(clock, random)
    const open = () => dynamoCheckpoints({ tableName: 'group', client: table.client, commands, ports: simulation, ...options })
    return { ...simulation, table, store: open(), open }
  }

  test('an answer that was lost is not taken for another one that was faster', async () => {
    const { run, table, store } = world()
    table.script = (_, nth) => (nth % 3 === 1 ? 'lost' : undefined)
    expect(await run(store.write(leaseOf(1, 1), undefined))).toBe(true)
    expect(await run(store.write(leaseOf(1, 2), 1))).toBe(true)
    expect(await run(store.remove('shardId-1', 2))).toBe(true)
    expect(table.log).toEqual(['UpdateItem', 'UpdateItem', 'GetItem', 'UpdateItem', 'UpdateItem', 'GetItem', 'DeleteItem', 'DeleteItem', 'GetItem'])
  })

  test('one that was lost, and another that was faster', async () => {
    const { run, table, store, open } = world()
    await run(store.write(leaseOf(1, 1), undefined))
    table.script = (_, nth) => {
      if (nth === 2) throw refusal('InternalServerError', 500)
      return undefined
    }
    const [mine, theirs] = await run(Promise.all([store.write({ ...leaseOf(1, 2), owner: 'me' }, 1), open().write({ ...leaseOf(1, 2), owner: 'them' }, 1)]))
    expect([mine, theirs]).toEqual([false, true])
    expect(table.rows.get('shardId-1')?.leaseOwner).toEqual({ S: 'them' })
  })

  test('a refusal without a doubt costs no second request', async () => {
    const { run, table, store } = world()
    await run(store.write(leaseOf(1, 1), undefined))
    expect(await run(store.write(leaseOf(1, 1), undefined))).toBe(false)
    expect(table.log).toEqual(['UpdateItem', 'UpdateItem'])
  })

  test("a client's own tries count", async () => {
    const { run, table, store } = world()
    await run(store.write(leaseOf(1, 1), undefined))
    table.script = (command) => {
      if (command === 'UpdateItem') throw Object.assign(refusal('ConditionalCheckFailedException'), { $metadata: { httpStatusCode: 400, attempts: 2 } })
      return undefined
    }
    expect(await run(store.write(leaseOf(1, 1), undefined))).toBe(true)
    expect(await run(store.write({ ...leaseOf(1, 1), owner: 'another' }, undefined))).toBe(false)
  })

  test.each([
    ['ProvisionedThroughputExceededException', 400],
    ['ThrottlingException', 400],
    ['InternalServerError', 500],
    ['ServiceUnavailable', 503],
  ])('%s is tried again, with more and more time between, for half a minute', async (name, status) => {
    const { run, table, store, clock } = world()
    table.script = (_, nth) => {
      if (nth <= 5) throw refusal(name, status)
      return undefined
    }
    expect(await run(store.write(leaseOf(1, 1), undefined))).toBe(true)
    expect(table.log).toHaveLength(6)
    table.script = () => {
      throw refusal(name, status)
    }
    const start = clock.monotonic()
    const failed = store.write(leaseOf(1, 2), 1)
    await expect(run(failed)).rejects.toMatchObject({ code: 'SERVICE', message: `group: UpdateItem: ${name}: ${name}: injected` })
    expect(clock.monotonic() - start).toBeGreaterThan(27_000)
    expect(table.log.length).toBeGreaterThan(20)
    expect(table.log.length).toBeLessThan(60)
  })

  test.each(['AccessDeniedException', 'ValidationException', 'ResourceNotFoundException'])('%s is told at once', async (name) => {
    const { run, table, store } = world()
    table.script = () => {
      throw refusal(name)
    }
    await expect(run(store.write(leaseOf(1, 1), undefined))).rejects.toMatchObject({
      code: 'SERVICE',
      message: `group: UpdateItem: ${name}: ${name}: injected`,
    })
    expect(table.log).toHaveLength(1)
  })

  test('a request without an answer is given up and sent again', async () => {
    const { run, table, store, clock } = world()
    table.faults = { hang: 1 }
    const answer = store.write(leaseOf(1, 1), undefined)
    void clock.sleep(2_000).then(() => {
      table.faults = {}
    })
    expect(await run(answer)).toBe(true)
    expect(clock.monotonic()).toBeGreaterThan(3_000)
    expect(clock.monotonic()).toBeLessThan(3_500)
  })

  test('a signal ends the waiting, with its reason', async () => {
    const { run, table, store, clock } = world()
    table.faults = { swallow: 1 }
    const stop = new AbortController()
    const answer = expect(store.write(leaseOf(1, 1), undefined, stop.signal)).rejects.toThrow('the lease is over')
    void clock.sleep(1_000).then(() => stop.abort(new Error('the lease is over')))
    await run(answer)
    expect(clock.monotonic()).toBe(1_000)
  })

  test('the table is made by the first read alone: one that is gone is not begun anew', async () => {
    const { run, table, store, clock } = world()
    table.table = undefined
    expect(await run(store.read())).toEqual([])
    expect(clock.monotonic()).toBeGreaterThan(9_000)
    await run(store.write(leaseOf(1, 1), undefined))
    table.table = undefined
    await expect(run(store.read())).rejects.toMatchObject({ code: 'SERVICE', message: expect.stringContaining('group: Scan: ResourceNotFoundException') })
    expect(table.log.at(-1)).toBe('Scan')
  })

  test('a table that never becomes active', async () => {
    const { run, table, store, clock } = world()
    table.table = { active: Number.POSITIVE_INFINITY }
    await expect(run(store.read())).rejects.toMatchObject({ code: 'SERVICE', message: expect.stringContaining('group: Scan: ResourceNotFoundException') })
    expect(clock.monotonic()).toBeGreaterThan(590_000)
  })
})

test('bad arguments', () => {
  const make = (options: object) => () => dynamoCheckpoints(options as DynamoCheckpointsOptions)
  expect(make({})).toThrow(TypeError('"tableName" expected the name of a table, got undefined'))
  expect(make({ tableName: 't', createTable: 1 })).toThrow(TypeError('"createTable" expected true or false, got 1'))
  expect(make({ tableName: 't', client: {} })).toThrow(TypeError('"client" expected an object with send(command), got an object'))
  expect(make({ tableName: 't', commands: 1 })).toThrow(TypeError('"commands" expected the exports of @aws-sdk/client-dynamodb, got 1'))
  expect(make({ tableName: 't', table: 't' })).toThrow(TypeError)
})
