// Firehose transformation Lambdas: an event of 3 MB, parsed, to a response, not yet JSON. The rival is the handler that one writes by hand in Node,
// with Buffer, a regular expression that does not backtrack, and JSON.stringify.
import { same } from './frame.mjs'
import { randomFrom } from './random.mjs'

const RIVAL = 'Node by hand'
const EVENT = 3_000_000

const PATHS = ['/', '/index.html', '/mailman/listinfo/hsdivision', '/products/item?id=4711&sort=asc', '/api/v2/orders/8812/lines', '/assets/app.3f2b1c.js']
const AGENTS = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36',
  'Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0',
  'curl/8.5.0',
]
const REFERERS = ['-', 'https://www.example.com/', 'https://www.example.com/search?q=mill+race']
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

const two = (n) => String(n).padStart(2, '0')

function apacheLine(random) {
  const pick = (list) => list[random.below(list.length)]
  const time = `${two(1 + random.below(28))}/${pick(MONTHS)}/2026:${two(random.below(24))}:${two(random.below(60))}:${two(random.below(60))} ${pick(['+0000', '-0800', '+0530'])}`
  const request = `${pick(['GET', 'GET', 'POST'])} ${pick(PATHS)} HTTP/1.1`
  return `10.${random.below(256)}.${random.below(256)}.${random.below(256)} - - [${time}] "${request}" ${pick([200, 200, 304, 404])} ${random.below(100_000)} "${pick(REFERERS)}" "${pick(AGENTS)}"`
}

/** As the runtime parses it: JSON of `bytes` at most. */
function eventOf(bytes, dataOf) {
  const random = randomFrom()
  const records = []
  let size = 0
  for (let i = 0; ; i++) {
    const data = Buffer.from(dataOf(random)).toString('base64')
    const recordId = `4954698668313554428650745793632162567570019247115678${String(i).padStart(4, '0')}000000`
    const record = { recordId, approximateArrivalTimestamp: 1_495_072_949_453 + i, data }
    size += JSON.stringify(record).length + 1
    if (size > bytes) break
    records.push(record)
  }
  const event = { invocationId: 'i', deliveryStreamArn: 'arn:aws:firehose:eu-west-1:1:deliverystream/s', region: 'eu-west-1', records }
  return JSON.parse(JSON.stringify(event))
}

const LINE =
  /^([^ ]+) ([^ ]+) ([^ ]+) \[(\d\d)\/(\w{3})\/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)\] "([^"\\]*(?:\\.[^"\\]*)*)" (\d{3}) (\d+|-) "([^"\\]*(?:\\.[^"\\]*)*)" "([^"\\]*(?:\\.[^"\\]*)*)"$/
const NUMBERS = Object.fromEntries(MONTHS.map((name, i) => [name, i]))

function apacheByHand(event) {
  return {
    records: event.records.map(({ recordId, data }) => {
      const match = LINE.exec(Buffer.from(data, 'base64').toString())
      if (!match) return { recordId, result: 'ProcessingFailed', data }
      const [, host, ident, authuser, day, month, year, hour, minute, second, sign, hours, minutes, request, response, bytes, referer, agent] = match
      const at = Date.UTC(year, NUMBERS[month], day, hour, minute, second) - (sign === '-' ? -60_000 : 60_000) * (hours * 60 + Number(minutes))
      const row = {
        host,
        ident,
        authuser,
        request,
        response: Number(response),
        bytes: bytes === '-' ? 0 : Number(bytes),
        verb: request.slice(0, request.indexOf(' ')),
        '@timestamp': `${year}-${two(NUMBERS[month] + 1)}-${day}T${hour}:${minute}:${second}.000${sign}${hours}:${minutes}`,
        timezone: `${sign}${hours}${minutes}`,
        '@timestamp_utc': new Date(at).toISOString(),
        referer,
        agent,
      }
      return { recordId, result: 'Ok', data: Buffer.from(`${JSON.stringify(row)}\n`).toString('base64') }
    }),
  }
}

/** As it comes, but decoded: who looks at nothing sends back the text, and does not know whether it is any. */
function identityByHand(event) {
  return { records: event.records.map(({ recordId, data }) => ({ recordId, result: 'Ok', data: Buffer.from(data, 'base64').toString('base64') })) }
}

function row(name, blueprint, byHand, target) {
  return {
    row: name,
    unit: 'MB/s',
    rivals: [RIVAL],
    targets: { [RIVAL]: target },
    async prepare() {
      const { createFirehoseTransformer, firehoseBlueprint } = await import('../dist/esm/firehose/index.js')
      const event = eventOf(EVENT, apacheLine)
      const transform = createFirehoseTransformer(firehoseBlueprint(blueprint))
      const work = EVENT / 1e6
      return {
        ours: { work, run: () => transform(event), async: true },
        rivals: [{ name: RIVAL, work, run: () => byHand(event) }],
        check: async () => same(name, await transform(event), byHand(event)),
      }
    },
  }
}

export const rows = [
  row('Firehose event of 3 MB, Apache lines to JSON', 'apachelog-to-json', apacheByHand, 4),
  row('Firehose event of 3 MB, as it is', 'process-record', identityByHand, 1),
]
