// A Firehose event of JSON records, as large as Lambda makes them, through a declarative mapping with a filter and partition keys, beside
// the handler that one writes in Node: JSON.parse, an object literal, JSON.stringify. Same answers.
import { same } from './frame.mjs'
import { randomFrom } from './random.mjs'

const RIVAL = 'JSON.parse/stringify'

/** Bytes of an invocation's event at most. */
const EVENT = 6_291_456

const LEVELS = ['debug', 'info', 'info', 'info', 'warn', 'error']
const ROUTES = ['/api/v1/orders', '/api/v1/orders/{id}', '/api/v1/customers/{id}/invoices', '/health', '/api/v2/search']

/** Records as services in containers log them, some 1,000 bytes of JSON each. */
function eventOf(seed) {
  const random = randomFrom(seed)
  const pick = (list) => list[random.below(list.length)]
  const records = []
  let time = 1_767_225_600_000
  for (let bytes = 100; ; ) {
    time += random.below(40)
    const text = JSON.stringify({
      timestamp: time,
      level: pick(LEVELS),
      service: pick(['orders', 'billing', 'search']),
      customer_id: `c-${random.below(200)}`,
      request: {
        id: random.uuid(),
        method: pick(['GET', 'POST', 'PUT']),
        route: pick(ROUTES),
        status: pick([200, 200, 201, 304, 404, 500]),
        bytes: random.below(90_000),
      },
      user: {
        id: random.below(1_000_000),
        email: `user${random.below(1_000_000)}@example.com`,
        agent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0',
      },
      duration_ms: random.below(1_000_000) / 1000,
      tags: ['eu-central-1', pick(['blue', 'green'])],
      kubernetes: {
        pod: `orders-${random.uuid().slice(0, 13)}`,
        namespace: 'shop',
        node: `ip-10-0-${random.below(256)}-${random.below(256)}.eu-central-1.compute.internal`,
        labels: { app: 'orders', version: `1.${random.below(30)}.${random.below(10)}`, team: 'checkout', 'pod-template-hash': random.uuid().slice(0, 8) },
        container: { name: 'app', image: `123456789012.dkr.ecr.eu-central-1.amazonaws.com/orders:1.${random.below(30)}`, restarts: random.below(3) },
      },
      trace: { id: random.uuid(), span: random.uuid().slice(0, 18), sampled: random.below(10) === 0 },
      message: `request served after ${random.below(5)} retries, cache ${pick(['hit', 'miss'])}`,
    })
    const record = {
      recordId: `4954611590437083014${String(records.length).padStart(37, '0')}`,
      approximateArrivalTimestamp: time,
      data: Buffer.from(text).toString('base64'),
    }
    bytes += JSON.stringify(record).length + 1
    if (bytes > EVENT) return { invocationId: random.uuid(), deliveryStreamArn: 'arn', region: 'eu-central-1', records }
    records.push(record)
  }
}

const SELECTED = {
  map: {
    where: {
      and: [
        { field: 'level', op: '!=', value: 'debug' },
        { field: '/request/status', op: '>=', value: 200 },
      ],
    },
    select: {
      ts: 'timestamp',
      level: 'level',
      service: 'service',
      customer: 'customer_id',
      method: '/request/method',
      route: '/request/route',
      status: '/request/status',
      duration: 'duration_ms',
      user_id: '/user/id',
      message: 'message',
    },
    cast: { timestamp: 'timestamp', '/user/id': 'string' },
    add: { env: 'prod' },
    partitionKeys: { customer: 'customer_id' },
  },
  byHand: ({ timestamp, level, service, customer_id, request, duration_ms, user, message }) =>
    level === 'debug' || !(request.status >= 200)
      ? undefined
      : {
          ts: new Date(timestamp).toISOString(),
          level,
          service,
          customer: customer_id,
          method: request.method,
          route: request.route,
          status: request.status,
          duration: duration_ms,
          user_id: String(user.id),
          message,
          env: 'prod',
        },
}

const WHOLE = {
  map: {
    where: { field: 'level', op: '!=', value: 'debug' },
    redact: ['/user/email'],
    remove: ['/user/agent'],
    add: { env: 'prod' },
    partitionKeys: { customer: 'customer_id' },
  },
  byHand: (record) => {
    if (record.level === 'debug') return undefined
    record.user.email = null
    delete record.user.agent
    record.env = 'prod'
    return record
  },
}

/** The handler that one writes: a record that is no JSON fails alone. */
const handlerOf = (byHand) => (event) => ({
  records: event.records.map(({ recordId, data }) => {
    try {
      const record = JSON.parse(Buffer.from(data, 'base64').toString())
      const output = byHand(record)
      if (output === undefined) return { recordId, result: 'Dropped' }
      const metadata = { partitionKeys: { customer: record.customer_id } }
      return { recordId, result: 'Ok', data: Buffer.from(`${JSON.stringify(output)}\n`).toString('base64'), metadata }
    } catch {
      return { recordId, result: 'ProcessingFailed', data }
    }
  }),
})

function row(label, { map, byHand }) {
  return {
    row: `Firehose event, 6 MB of JSON, ${label}`,
    unit: 'MB/s',
    rivals: [RIVAL],
    targets: { [RIVAL]: 4 },
    async prepare() {
      const { createFirehoseTransformer, firehoseMapping } = await import('../dist/esm/firehose/index.js')
      const event = eventOf(11)
      const work = JSON.stringify(event).length / 1e6
      const [ours, theirs] = [createFirehoseTransformer({ transform: firehoseMapping(map) }), handlerOf(byHand)]
      return {
        ours: { work, async: true, run: () => ours(event) },
        rivals: [{ name: RIVAL, work, run: () => theirs(event) }],
        async check() {
          same(`Firehose event, ${label}`, await ours(event), theirs(event))
        },
      }
    },
  }
}

export const rows = [row('selected, cast, filtered, partition keys', SELECTED), row('redacted, filtered, partition keys', WHOLE)]
