import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as core from '../../src/engine/transform-core.js'
import { transformBuilds } from '../builds.js'
import { runLines } from './lines.js'
import { binary, mutated } from './mutated.js'
import { syslogCsv, syslogJson } from './syslog-oracle.js'

const mostly = (usual: string[], odd: string[]) =>
  fc.oneof({ weight: 12, arbitrary: fc.constantFrom(...usual) }, { weight: 1, arbitrary: fc.constantFrom(...odd) })
const priority = mostly(['', '<0>', '<34>', '<191>', '<007>'], ['<192>', '<>', '<1', '<1234>'])
const clock = mostly(['06:30:00', '23:59:60', '00:00:00.123456', '00:00:00,1', '00:00:00:9'], ['24:00:00', '6:30:00', '00:00:00.'])
const bsd = fc
  .tuple(mostly(['Jan', 'Feb', 'Dec'], ['jan', 'January']), mostly(['12', ' 2', '2', '02', '31'], ['00', '32', '  2']), clock)
  .map((t) => t.join(' '))
const iso = fc
  .tuple(
    mostly(['2003-10-11', '2026-02-31', '0000-01-01'], ['2026-13-01', '2026-01-00']),
    mostly(['T', 't'], [' ']),
    mostly(['06:30:00', '23:59:60', '00:00:00.123456'], ['00:00:00,1']),
    mostly(['Z', 'z', '+02:00', '-23:59'], ['-0800', '']),
  )
  .map((t) => t.join(''))
const token = fc.oneof(
  fc.constantFrom('-', '1.2.3.4', 'mymachine.example.com', 'fe80::1', 'evntslog', 'su', 'postfix/smtpd', '%ASA-6-302013', 'é'),
  fc.string({ unit: 'binary', maxLength: 12 }).map((s) => binary(s.replaceAll(/[ \n]/g, ''))),
)
const text = fc.oneof(
  fc.constantFrom('', "'su root' failed for lonvick", '\xef\xbb\xbfwith a mark', 'a: b[1]: c', '"quoted", and more'),
  fc.string({ unit: 'binary', maxLength: 80 }).map((s) => binary(s.replaceAll('\n', ''))),
)
const structured = mostly(['-', '[a@1 k="v"]', '[a@1 k="v" l="\\"]\\\\"][b]', '[]'], ['[a', '[a k="]"]x', ''])
const old = fc
  .tuple(
    priority,
    fc.oneof(bsd, iso),
    fc.constantFrom('', '', '<4.6> ', '<46.6> ', '<4x6> ', '<.> '),
    token,
    fc.constantFrom('prog', 'prog[123]', 'prog[]', 'prog[1 2]', 'prog[1', 'no', ''),
    fc.constantFrom(': ', ':', ' ', ''),
    text,
  )
  .map(([p, time, pair, host, tag, end, message]) => `${p}${time} ${pair}${host} ${tag}${end}${message}`)
const fresh = fc
  .tuple(
    priority,
    mostly(['1', '999'], ['1234', 'x']),
    fc.oneof(iso, fc.constant('-')),
    token,
    token,
    token,
    token,
    structured,
    fc.oneof(
      fc.constant(''),
      text.map((message) => ` ${message}`),
    ),
  )
  .map(([p, version, time, host, program, process, id, data, message]) => `${p}${version} ${time} ${host} ${program} ${process} ${id} ${data}${message}`)

describe.each(transformBuilds)('lines of syslog (%s)', (_, engine) => {
  const run = (record: string, options = 0) => runLines(engine, core.KERNEL_SYSLOG, record, options)

  it.each([
    [
      "<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8",
      '{"timestamp":"Oct 11 22:14:15","hostname":"mymachine","program":"su","message":"\'su root\' failed for lonvick on /dev/pts/8","facility":4,"severity":2}\n',
      "Oct 11 22:14:15,mymachine,su,,'su root' failed for lonvick on /dev/pts/8,4,2,,\n",
    ],
    [
      'Jan  2 06:30:00 1.2.3.4 apache_server[12]: "GET /, x"',
      '{"timestamp":"Jan  2 06:30:00","hostname":"1.2.3.4","program":"apache_server","processid":"12","message":"\\"GET /, x\\""}\n',
      'Jan  2 06:30:00,1.2.3.4,apache_server,12,"""GET /, x""",,,,\n',
    ],
    [
      '<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut="3" eventSource="Application"] \xef\xbb\xbfAn application event',
      '{"timestamp":"2003-10-11T22:14:15.003Z","hostname":"mymachine.example.com","program":"evntslog","message":"An application event","facility":20,"severity":5,"msgid":"ID47","structureddata":"[exampleSDID@32473 iut=\\"3\\" eventSource=\\"Application\\"]"}\n',
      '2003-10-11T22:14:15.003Z,mymachine.example.com,evntslog,,An application event,20,5,ID47,"[exampleSDID@32473 iut=""3"" eventSource=""Application""]"\n',
    ],
    [
      '2026-02-01T12:00:00.5+02:00 host last message repeated 2 times',
      '{"timestamp":"2026-02-01T12:00:00.5+02:00","hostname":"host","message":"last message repeated 2 times"}\n',
      '2026-02-01T12:00:00.5+02:00,host,,,last message repeated 2 times,,,,\n',
    ],
    [
      '<13>Oct  1 22:14:15 root: by logger',
      '{"timestamp":"Oct  1 22:14:15","program":"root","message":"by logger","facility":1,"severity":5}\n',
      'Oct  1 22:14:15,,root,,by logger,1,5,,\n',
    ],
  ])('become JSON and CSV: %s', (line, json, csv) => {
    expect([run(line), run(line, core.CSV)]).toEqual([json, csv])
  })

  it('become what the oracle makes of them, whole and spoilt', () => {
    let good = 0
    fc.assert(
      fc.property(fc.oneof(mutated(old), mutated(fresh)), (line) => {
        const stripped = line.endsWith('\r') ? line.slice(0, -1) : line
        if (stripped === '') return
        const json = syslogJson(stripped)
        if (json === undefined) expect([typeof run(line), typeof run(line, core.CSV)]).toEqual(['object', 'object'])
        else {
          good++
          expect(run(line)).toBe(`${binary(json)}\n`)
          expect(run(line, core.CSV)).toBe(`${syslogCsv(stripped)}\n`)
        }
      }),
      { numRuns: 10_000 },
    )
    expect(good).toBeGreaterThan(500)
  })

  it.each([
    ['<192>Oct 11 22:14:15 h p: m', core.SYSLOG_PRIORITY, 1],
    ['<1x>Oct 11 22:14:15 h p: m', core.SYSLOG_PRIORITY, 2],
    ['<1>Okt 11 22:14:15 h p: m', core.SYSLOG_TIME, 3],
    ['Oct 11 22:14:15', core.SYSLOG_TIME, 0],
    ['Oct 11 22:14:15 ', core.SYSLOG_HOST, 16],
    ['1 now h p - - - m', core.SYSLOG_TIME, 2],
    ['1 - h p - -', core.SYSLOG_FIELD, 11],
    ['1 - h p - - m', core.SYSLOG_STRUCTURED, 12],
    ['1 - h p - - [a', core.SYSLOG_STRUCTURED, 14],
    ['1 - h p - - -m', core.SYSLOG_STRUCTURED, 13],
  ])('say where they are none: %s', (line, reason, position) => {
    expect(run(line)).toEqual([reason, position])
  })
})
