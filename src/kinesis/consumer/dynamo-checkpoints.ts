// Leases in a DynamoDB table, for consumers in any number of processes: the table of the KCL, written under
// the condition that its counter is the one that was seen.
import { MillraceError, wrongType } from '../../errors.js'
import { type AwsClient, type AwsClientConfig, createDynamoClient, loadDynamoPeer } from '../../ports/aws.js'
import { backoff } from '../../ports/backoff.js'
import { checkClientOptions, createCalls } from '../../ports/calls.js'
import { faultOf } from '../../ports/faults.js'
import type { Clock, Random } from '../../ports/ports.js'
import { checkOptions, checkPorts } from '../service/service.js'
import type { CheckpointStore, Lease } from './checkpoint-store.js'
import { attributesOf, type Item, leaseOf, sameLease } from './lease-rows.js'

export interface DynamoCheckpointsOptions {
  /** One table for each application and stream, as the KCL has it, which names it by its application. */
  tableName: string
  /** Anything with `send(command)`: a DynamoDBClient. Give it `maxAttempts: 1`, as failures are retried here. */
  client?: AwsClient | undefined
  /** Or what to make a DynamoDBClient from: region, endpoint, credentials ... */
  clientConfig?: AwsClientConfig | undefined
  /** What holds the command constructors (UpdateItemCommand ...), for fakes; default: the module `@aws-sdk/client-dynamodb`. */
  commands?: object | undefined
  /** Whether the first read makes a table that is not there, paid by the request; default true. */
  createTable?: boolean | undefined
  /** Clock and chance; default: the system's. */
  ports?: { clock: Clock; random: Random } | undefined
}

/** Milliseconds after which a request is given up, to be sent again while the lease of 10 s that it renews still holds. */
const REQUEST_MS = 3_000
/** The same for a call, with all its requests. */
const PATIENCE_MS = 30_000
/** The same for a new table, until it can be read; of the KCL (DynamoDBLeaseCoordinator.initialize). */
const CREATE_MS = 600_000

const REFUSED = 'ConditionalCheckFailedException'

/**
 * Checkpoints in DynamoDB, in the form of the KCL's own lease table: a group can go on where one of the KCL 2 or
 * 3 has stopped, and back. Both at once in one table is not what this is for: a KCL 3 deals out leases by a
 * leader of its own. Attributes that millrace does not know stay as they are; the time from which a shard is
 * wanted is in `millraceTimestamp`. The order of a lease's parents is not kept.
 *
 * Reads are consistent. A write whose answer is lost is sent again, and where that is refused, the row read: what
 * is there as it was to be written was written. Where another has written over it since, it gives false, as
 * where it came too late; a removal gives true where the row is gone. What nobody can tell: a creation that
 * arrives after its time, and after the row was removed again, brings the row back.
 *
 * Throttles, failures of the service and requests without an answer for 3 s are tried again with jittered back-off,
 * for 30 s; then, and for what will not pass, a call rejects with SERVICE, and the row may have been written. Needs
 * dynamodb:Scan, GetItem, UpdateItem and DeleteItem, and CreateTable where there is no table.
 *
 * Throws TypeError for bad arguments. Rejects with MISSING_PEER where `@aws-sdk/client-dynamodb` is neither given
 * nor installed, CONFIG where a region or credentials are missing, CORRUPT for a row that is no lease, BAD_INPUT for
 * a table with the leases of several streams.
 *
 * @example
 * const checkpoints = dynamoCheckpoints({ tableName: 'flights-reader', clientConfig: { region: 'eu-central-1' } })
 */
export function dynamoCheckpoints(options: DynamoCheckpointsOptions): CheckpointStore & { close(): Promise<void> } {
  checkOptions(options, ['tableName', 'client', 'clientConfig', 'commands', 'createTable', 'ports'])
  const { tableName: TableName, createTable = true } = options
  if (typeof TableName !== 'string' || TableName === '') throw wrongType('tableName', 'the name of a table', TableName)
  if (typeof createTable !== 'boolean') throw wrongType('createTable', 'true or false', createTable)
  checkClientOptions(options, '@aws-sdk/client-dynamodb')
  const { clock, random } = checkPorts(options.ports)
  const { call, destroy } = createCalls(options, { load: loadDynamoPeer, create: createDynamoClient }, clock, REQUEST_MS)
  let found = false

  /** Sends until there is an answer. `refused`: it is the error of this name. `doubt`: an earlier try may have been carried out. */
  const send = async <T>(command: string, input: object, signal?: AbortSignal, refusal?: string) => {
    const end = clock.monotonic() + PATIENCE_MS
    let doubt = false
    for (let failures = 1; ; failures++) {
      try {
        return { refused: false as const, answer: await call<T>(command, { TableName, ...input }, signal) }
      } catch (error) {
        if (signal?.aborted) throw signal.reason
        if (error instanceof MillraceError) throw error
        const fault = faultOf(error)
        // A client that was given may try again by itself.
        doubt ||= Number((error as { $metadata?: { attempts?: unknown } }).$metadata?.attempts) > 1
        if (fault.code === refusal) return { refused: true as const, doubt }
        const wait = backoff(failures, random, 25, 2_000)
        if (fault.kind === 'permanent' || clock.monotonic() + wait > end)
          throw new MillraceError('SERVICE', `${command}: ${fault.code}: ${fault.message}`, { position: { source: TableName }, cause: error })
        doubt ||= fault.uncertain
        await clock.sleep(wait, signal)
      }
    }
  }

  const row = async (leaseKey: string, signal?: AbortSignal): Promise<Lease | undefined> => {
    const got = await send<{ Item?: Item }>('GetItem', { Key: { leaseKey: { S: leaseKey } }, ConsistentRead: true }, signal)
    return got.answer?.Item && leaseOf(got.answer.Item, TableName)
  }

  const scan = async (from: Item | undefined, signal?: AbortSignal) => {
    const end = clock.monotonic() + CREATE_MS
    for (let tries = 1; ; tries++) {
      // One that is gone after it was there is not made again: all shards would begin anew.
      const refusal = createTable && !found && clock.monotonic() < end ? 'ResourceNotFoundException' : undefined
      const input = { ConsistentRead: true, ...(from ? { ExclusiveStartKey: from } : {}) }
      const page = await send<{ Items?: Item[]; LastEvaluatedKey?: Item }>('Scan', input, signal, refusal)
      if (!page.refused) {
        found = true
        return page.answer
      }
      await send('CreateTable', NEW_TABLE, signal, 'ResourceInUseException')
      await clock.sleep(backoff(tries, random, 250), signal)
    }
  }

  return {
    async read(signal) {
      const leases: Lease[] = []
      let from: Item | undefined
      do {
        const { Items = [], LastEvaluatedKey } = await scan(from, signal)
        for (const item of Items) {
          const lease = leaseOf(item, TableName)
          if (lease) leases.push(lease)
        }
        from = LastEvaluatedKey
      } while (from)
      return leases
    },
    async write(lease, counter, signal) {
      const sent = await send('UpdateItem', updateOf(lease, counter), signal, REFUSED)
      if (!sent.refused) return true
      const stored = sent.doubt ? await row(lease.shardId, signal) : undefined
      return stored !== undefined && sameLease(stored, lease)
    },
    async remove(shardId, counter, signal) {
      const input = {
        Key: { leaseKey: { S: shardId } },
        ConditionExpression: 'leaseCounter = :seen',
        ExpressionAttributeValues: { ':seen': { N: String(counter) } },
      }
      const sent = await send('DeleteItem', input, signal, REFUSED)
      return !sent.refused || (sent.doubt && (await row(shardId, signal)) === undefined)
    },
    close: async () => destroy(),
  }
}

const NEW_TABLE = {
  KeySchema: [{ AttributeName: 'leaseKey', KeyType: 'HASH' }],
  AttributeDefinitions: [{ AttributeName: 'leaseKey', AttributeType: 'S' }],
  BillingMode: 'PAY_PER_REQUEST',
}

/** The input of UpdateItem. Attributes go by number: some names are DynamoDB's reserved words, of today or tomorrow. */
function updateOf(lease: Lease, counter: number | undefined): object {
  const attributes = Object.entries(attributesOf(lease, counter === undefined))
  const set: string[] = []
  const removed: string[] = []
  const values: Item = {}
  for (const [i, [, value]] of attributes.entries()) {
    if (value === undefined) removed.push(`#${i}`)
    else {
      set.push(`#${i} = :${i}`)
      values[`:${i}`] = value
    }
  }
  if (counter !== undefined) values[':seen'] = { N: String(counter) }
  return {
    Key: { leaseKey: { S: lease.shardId } },
    ConditionExpression: counter === undefined ? 'attribute_not_exists(leaseKey)' : 'leaseCounter = :seen',
    UpdateExpression: `SET ${set.join(', ')} REMOVE ${removed.join(', ')}`,
    ExpressionAttributeNames: Object.fromEntries(attributes.map(([name], i) => [`#${i}`, name])),
    ExpressionAttributeValues: values,
  }
}
