// What AWS's own blueprints for Node make of a record (aws-samples/serverless-app-examples at 9485c6c, javascript/kinesis-firehose-*), stated
// anew: the bytes of their outputs with all that is odd about them, which `compat` in blueprint.ts lists.
import { textOf } from '../../kinesis/payload.js'
import { gunzipWhole } from '../../ports/compression.js'
import type { FirehoseInput } from '../input.js'

const HOST = '([\\d.]+) (\\S+) (\\S+)'
const REST = '"(.+?)" (\\d{3}) (\\d+)'
const APACHE_JSON = new RegExp(`^${HOST} \\[([\\w:/]+)(\\s[+-]\\d{4})?\\] ${REST}`)
const APACHE_CSV = new RegExp(`^${HOST} \\[([\\w:/]+\\s[+-]\\d{4})\\] ${REST}`)

export function apacheToJson(record: FirehoseInput): string {
  const [, host, ident, authuser, time, zone, request, response, bytes] = expected(APACHE_JSON.exec(record.text()))
  const result: Record<string, string | number> = { host, ident, authuser, request, response: Number(response), bytes: Number(bytes) }
  const words = request.split(' ')
  if (words.length > 1) result.verb = words[0]
  const date = time.replaceAll('/', ' ').replace(':', ' ')
  result['@timestamp'] = iso(date) ?? time
  if (zone) {
    result.timezone = zone.trim()
    const utc = iso(`${date} ${result.timezone}`)
    if (utc !== undefined) result['@timestamp_utc'] = utc
  }
  return JSON.stringify(result)
}

function iso(text: string): string | undefined {
  const date = new Date(text)
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}

export function apacheToCsv(record: FirehoseInput): string {
  return `${expected(APACHE_CSV.exec(record.text())).slice(1).join(',')}\n`
}

const MONTH = '(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:tember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)'
const CLOCK = '(?:2[0-3]|[01]?\\d):[0-5]\\d:(?:[0-5]?\\d|60)(?:[:.,]\\d+)?'
// AWS has <\d+.\d+> here, which takes quadratic time for many digits.
const PAIR = '(?:<(?:\\d{3,}|\\d+[^\\d\\r\\n]\\d+)> )?'
const SYSLOG = new RegExp(`^(${MONTH}\\s+(?:0[1-9]|[12]\\d|3[01]|[1-9])\\s+${CLOCK}) ${PAIR}([a-zA-Z0-9._-]+) ([\\w./%-]+)(?:\\[([1-9]\\d*)\\])?: (.*)`)

/** Decoded as ASCII, of which Node takes the lower seven bits of each byte. */
function syslogFields({ data }: FirehoseInput): (string | undefined)[] {
  return expected(SYSLOG.exec(textOf(data.map((byte) => byte & 0x7f)))).slice(1)
}

export function syslogToJson(record: FirehoseInput): string {
  const [timestamp, hostname, program, processid, message] = syslogFields(record)
  return JSON.stringify({ timestamp, hostname, program, processid, message })
}

export function syslogToCsv(record: FirehoseInput): string {
  return `${[...syslogFields(record).map(String), 'undefined'].join(',')}\n`
}

export async function cloudWatchLogs({ data }: FirehoseInput): Promise<string> {
  const unpacked = await gunzipWhole(data, MOST)
  if (unpacked === undefined) throw new RangeError(`expected at most ${MOST} bytes once unpacked, got more`)
  const envelope = JSON.parse(new TextDecoder('utf-8', { ignoreBOM: true }).decode(unpacked))
  if (envelope.messageType !== 'DATA_MESSAGE') throw new TypeError('expected an envelope of type DATA_MESSAGE, got another one')
  return envelope.logEvents.map((event: { message: unknown }) => `${event.message}\n`).join('')
}

const MOST = 64 * 1024 * 1024

function expected(match: RegExpExecArray | null): string[] {
  if (match === null) throw new TypeError("expected a line as AWS's blueprint takes it, got another one")
  return match
}
