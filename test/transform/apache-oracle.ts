// What a line of Apache's access log is, said once more: in regular expressions, Date and JSON.stringify.

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const TIME = /^(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d):(\d\d):(\d\d)(?: ([+-])(\d\d)(\d\d))?\]/
const REST = /^ "((?:[^"\\]|\\.)*)" (\d{3}) (\d+|-)(?: "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)")?(?: (.*))?$/s

/** Milliseconds of the wall clock, and minutes east; undefined where there is no such time. */
function timeOf(match: RegExpExecArray | null) {
  if (!match) return undefined
  const [, day, month, year, hour, minute, second, sign, hours, minutes] = match
  const wall = new Date(0)
  wall.setUTCFullYear(Number(year), MONTHS.indexOf(month), Number(day))
  if (!MONTHS.includes(month) || wall.getUTCDate() !== Number(day) || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined
  wall.setUTCHours(Number(hour), Number(minute), Number(second))
  if (sign === undefined) return { wall, zone: undefined, utc: wall }
  if (Number(hours) > 23 || Number(minutes) > 59) return undefined
  const utc = new Date(wall.getTime() - (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000)
  return /^\d{4}-/.test(utc.toISOString()) ? { wall, zone: `${sign}${hours}${minutes}`, utc } : undefined
}

/** Fields of a line, each byte a character; undefined where it is none. */
function fieldsOf(line: string) {
  const head = /^([^ ]+) ([^ ]+) ([^ ])/.exec(line)
  if (!head) return undefined
  const user = head[0].length - 1
  for (let at = line.indexOf(' [', user); at >= 0; at = line.indexOf(' [', at + 1)) {
    const match = TIME.exec(line.slice(at + 2))
    const time = timeOf(match)
    if (!match || !time) continue
    const rest = REST.exec(line.slice(at + 2 + match[0].length))
    if (!rest) return undefined
    const [, request, status, bytes, referer, agent, extra] = rest
    return {
      host: head[1],
      ident: head[2],
      user: line.slice(user, at),
      time,
      timeText: match[0].slice(0, -1),
      request,
      status,
      bytes,
      referer,
      agent,
      extra: extra || undefined,
    }
  }
  return undefined
}

const text = (binary: string) => Buffer.from(binary, 'latin1').toString()
const number = (digits: string) => digits.replace(/^0+(?=\d)/, '').replace('-', '0')

/** A JSON object, or undefined. */
export function apacheJson(line: string): string | undefined {
  const fields = fieldsOf(line)
  if (!fields) return undefined
  const { time, request, referer, agent, extra } = fields
  const member = (name: string, value: string | undefined) => (value === undefined ? '' : `,"${name}":${JSON.stringify(text(value))}`)
  const wall = time.wall.toISOString().slice(0, -1)
  const offset = time.zone ? `${time.zone.slice(0, 3)}:${time.zone.slice(3)}` : ''
  return `{${[
    member('host', fields.host).slice(1),
    member('ident', fields.ident),
    member('authuser', fields.user),
    member('request', request),
    `,"response":${number(fields.status)},"bytes":${number(fields.bytes)}`,
    member('verb', request.includes(' ') ? request.split(' ')[0] : undefined),
    member('@timestamp', wall + offset),
    member('timezone', time.zone),
    member('@timestamp_utc', time.zone && time.utc.toISOString()),
    member('referer', referer),
    member('agent', agent),
    member('extra', extra),
  ].join('')}}`
}

export const csvField = (value: string) => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value)

/** A row of CSV, each byte a character, or undefined. */
export function apacheCsv(line: string): string | undefined {
  const fields = fieldsOf(line)
  if (!fields) return undefined
  const { host, ident, user, timeText, request, status, bytes, referer = '', agent = '', extra = '' } = fields
  return [host, ident, user, timeText, request, status, bytes.replace('-', '0'), referer, agent, extra].map(csvField).join(',')
}
