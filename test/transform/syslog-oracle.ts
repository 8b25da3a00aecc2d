// What a line of syslog is, said once more: in regular expressions.
import { csvField } from './apache-oracle.js'

const CLOCK = '(?:[01]\\d|2[0-3]):[0-5]\\d:(?:[0-5]\\d|60)'
const ISO = `\\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\\d|3[01])[Tt]${CLOCK}(?:\\.\\d+)?(?:[Zz]|[+-](?:[01]\\d|2[0-3]):[0-5]\\d)`
const BSD = `(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)  ?(?:0?[1-9]|[12]\\d|3[01]) ${CLOCK}(?:[.,:]\\d+)?`
const ELEMENT = '\\[(?:[^"\\]]|"(?:[^"\\\\]|\\\\.)*")*\\]'
const NEW = new RegExp(`^\\d{1,3} (-|${ISO}) ([^ ]+) ([^ ]+) ([^ ]+) ([^ ]+) (-|(?:${ELEMENT})+)(?: (?:\\xef\\xbb\\xbf)?(.*))?$`, 's')
const OLD = new RegExp(`^(${ISO}|${BSD}) (?:<(\\d{1,2})\\.(\\d)> |(?!<\\d{1,2}\\.\\d> ))([^ ].*)$`, 's')
const TAG = /^([^ :[]+)(?:\[([^\] ]*)\])?:(?: |)(.*)$/s

/** timestamp, hostname, program, processid, message, facility, severity, msgid, structureddata; each byte a character. */
function fieldsOf(line: string): (string | undefined)[] | undefined {
  const [mark, digits] = /^<(\d{1,3})>/.exec(line) ?? []
  if (line[0] === '<' && (digits === undefined || Number(digits) > 191)) return undefined
  const text = line.slice(mark?.length ?? 0)
  const priority = digits === undefined ? [undefined, undefined] : [String(Number(digits) >> 3), String(Number(digits) & 7)]
  if (/^\d{1,3} /.test(text)) {
    const match = NEW.exec(text)
    if (!match) return undefined
    const [time, host, program, process, id, structured, message = ''] = match.slice(1)
    const there = (field: string) => (field === '-' ? undefined : field)
    return [there(time), there(host), there(program), there(process), message, ...priority, there(id), there(structured)]
  }
  const match = OLD.exec(text)
  if (!match) return undefined
  const [, time, facility, severity, rest] = match
  const [host] = /^[^ ]+/.exec(rest) as RegExpExecArray
  const behind = host.endsWith(':') ? rest : rest.slice(host.length + 1)
  const [, program, process, message = behind] = TAG.exec(behind) ?? []
  const pair = facility === undefined ? priority : [String(Number(facility)), severity]
  return [time, host.endsWith(':') ? undefined : host, program, process || undefined, message, ...pair, undefined, undefined]
}

const NAMES = ['timestamp', 'hostname', 'program', 'processid', 'message', 'facility', 'severity', 'msgid', 'structureddata']

export function syslogJson(line: string): string | undefined {
  const members = fieldsOf(line)?.map((value, i) => {
    if (value === undefined) return undefined
    return `"${NAMES[i]}":${i === 5 || i === 6 ? value : JSON.stringify(Buffer.from(value, 'latin1').toString())}`
  })
  return members && `{${members.filter((member) => member !== undefined).join(',')}}`
}

export const syslogCsv = (line: string): string | undefined =>
  fieldsOf(line)
    ?.map((value) => csvField(value ?? ''))
    .join(',')
