// A DynamoDB table in memory, in simulated time, with faults from a seed. It reads the expressions that
// millrace writes, and answers two rows a page.
import type { AttributeValue, Item } from '../../../src/kinesis/consumer/lease-rows.js'
import type { AwsClient } from '../../../src/ports/aws.js'
import type { Clock, Random } from '../../../src/ports/ports.js'

/** Chances per request. */
export interface DynamoFaults {
  throttle?: number
  serverError?: number
  /** Carried out, then the connection breaks. */
  lostAnswer?: number
  /** Carried out, then no answer at all. */
  hang?: number
  /** No answer, nothing carried out. */
  swallow?: number
  /** No answer, and carried out 7 s later. Of a creation never: after the row was removed again it would bring it back. */
  late?: number
}

interface Input {
  TableName: string
  Key: { leaseKey: { S: string } }
  ExclusiveStartKey?: { leaseKey: { S: string } }
  ConditionExpression?: string
  UpdateExpression: string
  ExpressionAttributeNames: Record<string, string>
  ExpressionAttributeValues: Record<string, AttributeValue>
}

class Command {
  readonly input: Input
  constructor(input: Input) {
    this.input = input
  }
}
class CreateTableCommand extends Command {}
class DeleteItemCommand extends Command {}
class GetItemCommand extends Command {}
class ScanCommand extends Command {}
class UpdateItemCommand extends Command {}

export const commands = { CreateTableCommand, DeleteItemCommand, GetItemCommand, ScanCommand, UpdateItemCommand }

export const refusal = (name: string, status = 400) => Object.assign(new Error(`${name}: injected`), { name, $metadata: { httpStatusCode: status } })

export interface FakeDynamo {
  readonly client: AwsClient
  readonly rows: Map<string, Item>
  /** Commands that came, by name and in their order. */
  readonly log: string[]
  faults: DynamoFaults
  /** Decides about a request before chance does: what it throws is the answer; 'lost': carried out, no answer. */
  script: ((command: string, nth: number) => 'lost' | undefined) | undefined
  /** Absent: no table. `active`: when it can be read, by the monotonic clock. */
  table: { active: number } | undefined
}

export function fakeDynamo(clock: Clock, random: Random): FakeDynamo {
  const rows = new Map<string, Item>()
  const same = (a: AttributeValue | undefined, b: AttributeValue) => JSON.stringify(a) === JSON.stringify(b)

  const check = ({ Key, ConditionExpression, ExpressionAttributeValues }: Input) => {
    const row = rows.get(Key.leaseKey.S)
    const holds =
      ConditionExpression === 'attribute_not_exists(leaseKey)'
        ? row === undefined
        : ConditionExpression === 'leaseCounter = :seen' && same(row?.leaseCounter, ExpressionAttributeValues[':seen'])
    if (!holds) throw refusal('ConditionalCheckFailedException')
  }

  const update = (input: Input) => {
    check(input)
    const row = { ...rows.get(input.Key.leaseKey.S), leaseKey: input.Key.leaseKey }
    const [, set, removed] = /^SET (.*) REMOVE (.*)$/.exec(input.UpdateExpression) as RegExpExecArray
    for (const assignment of set.split(', ')) {
      const [name, value] = assignment.split(' = ')
      Object.assign(row, { [input.ExpressionAttributeNames[name]]: input.ExpressionAttributeValues[value] })
    }
    for (const name of removed.split(', ')) delete (row as Item)[input.ExpressionAttributeNames[name]]
    rows.set(input.Key.leaseKey.S, row)
  }

  const perform = (command: object, input: Input): object => {
    if (command instanceof CreateTableCommand) {
      if (fake.table) throw refusal('ResourceInUseException')
      fake.table = { active: clock.monotonic() + 9_000 }
      return {}
    }
    if (!fake.table || clock.monotonic() < fake.table.active) throw refusal('ResourceNotFoundException')
    if (command instanceof UpdateItemCommand) update(input)
    else if (command instanceof DeleteItemCommand) {
      check(input)
      rows.delete(input.Key.leaseKey.S)
    } else if (command instanceof GetItemCommand) return { Item: rows.get(input.Key.leaseKey.S) }
    else {
      const keys = [...rows.keys()].sort()
      const page = keys.filter((key) => key > (input.ExclusiveStartKey?.leaseKey.S ?? '')).slice(0, 2)
      const last = page.at(-1)
      return {
        Items: page.map((key) => rows.get(key)),
        ...(page.length === 2 && last !== undefined ? { LastEvaluatedKey: { leaseKey: { S: last } } } : {}),
      }
    }
    return {}
  }

  const silence = (signal: AbortSignal | undefined) =>
    new Promise<never>((_, reject) => signal?.addEventListener('abort', () => reject(Object.assign(new Error('aborted'), { name: 'AbortError' }))))

  const fake: FakeDynamo = {
    rows,
    log: [],
    faults: {},
    script: undefined,
    table: { active: 0 },
    client: {
      async send(command, { abortSignal } = {}) {
        const { input } = command as Command
        const name = command.constructor.name.replace('Command', '')
        const nth = fake.log.push(name)
        const scripted = fake.script?.(name, nth)
        let chance = random.next()
        const hit = (p = 0) => {
          chance -= p
          return chance < 0 && chance >= -p
        }
        await clock.sleep(20 * random.next())
        const { faults } = fake
        if (hit(faults.throttle)) throw refusal('ProvisionedThroughputExceededException')
        if (hit(faults.serverError)) throw refusal('InternalServerError', 500)
        if (hit(faults.swallow)) return silence(abortSignal)
        if (hit(faults.late) && input.ConditionExpression !== 'attribute_not_exists(leaseKey)') {
          void clock.sleep(7_000).then(() => {
            try {
              perform(command, input)
            } catch {
              // nobody is there to hear it
            }
          })
          return silence(abortSignal)
        }
        const answer = perform(command, input)
        if (scripted === 'lost' || hit(faults.lostAnswer)) throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
        if (hit(faults.hang)) return silence(abortSignal)
        await clock.sleep(20 * random.next())
        return answer
      },
    },
  }
  return fake
}
