import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as core from '../../src/engine/transform-core.js'
import { transformBuilds } from '../builds.js'
import { apacheCsv, apacheJson } from './apache-oracle.js'
import { runLines } from './lines.js'
import { binary, mutated } from './mutated.js'

const two = (max: number, min = 0) => fc.integer({ min, max }).map((n) => String(n).padStart(2, '0'))
const time = fc
  .tuple(
    two(31, 1),
    fc.constantFrom('Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'),
    fc.oneof(fc.constantFrom('0000', '9999', '2000', '1900', '2024'), fc.integer({ min: 1970, max: 2060 }).map(String)),
    two(24),
    two(60),
    two(60),
    fc.oneof(
      fc.constantFrom(' +0000', ' -0800', ' +0530', ' +1400', ''),
      fc.tuple(fc.constantFrom(' +', ' -'), two(24), two(60)).map((z) => z.join('')),
    ),
  )
  .map(([d, m, y, h, min, s, z]) => `${d}/${m}/${y}:${h}:${min}:${s}${z}`)
const token = fc.oneof(
  fc.constantFrom('-', '64.242.88.10', '2001:db8::ff00:42:8329', 'host.example.com', 'frank', 'é'),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }).map((s) => binary(s.replaceAll(/[ \n]/g, ''))),
)
const quoted = fc.oneof(
  fc.constantFrom(
    'GET /mailman/listinfo/hsdivision HTTP/1.1',
    '-',
    '',
    'GET /\\"x\\" HTTP/1.0',
    '\\\\',
    'http://www.example.com/start.html',
    '"',
    '\\x16\\x03\\x01',
  ),
  fc.string({ unit: 'binary', maxLength: 60 }).map((s) => binary(s.replaceAll('\n', ''))),
)
const line = fc
  .tuple(
    token,
    token,
    fc.oneof(token, fc.constantFrom('John Doe', 'a [b] c', 'a [07/Mar/2004:16:10:02 -0800] c')),
    time,
    quoted,
    fc.constantFrom('200', '404', '007', '000', '20'),
    fc.constantFrom('6291', '-', '0', '000123', '99999999999999999999', ''),
  )
  .chain((head) =>
    fc.tuple(
      fc.constant(head),
      fc.oneof(
        fc.constant(''),
        fc.tuple(quoted, quoted).map(([r, a]) => ` "${r}" "${a}"`),
      ),
      fc.oneof(fc.constant(''), fc.constantFrom(' ', ' 1234', ' "x" "y" z', '"', ' \xff,')),
    ),
  )
  .map(
    ([[host, ident, user, at, request, status, bytes], combined, extra]) =>
      `${host} ${ident} ${user} [${at}] "${request}" ${status} ${bytes}${combined}${extra}`,
  )

describe.each(transformBuilds)("lines of Apache's access logs (%s)", (_, engine) => {
  const run = (record: string, options = 0) => runLines(engine, core.KERNEL_APACHE, record, options)

  it.each([
    [
      '64.242.88.10 - - [07/Mar/2004:16:10:02 -0800] "GET /mailman/listinfo/hsdivision HTTP/1.1" 200 6291',
      '{"host":"64.242.88.10","ident":"-","authuser":"-","request":"GET /mailman/listinfo/hsdivision HTTP/1.1","response":200,"bytes":6291,"verb":"GET","@timestamp":"2004-03-07T16:10:02.000-08:00","timezone":"-0800","@timestamp_utc":"2004-03-08T00:10:02.000Z"}\n',
      '64.242.88.10,-,-,07/Mar/2004:16:10:02 -0800,GET /mailman/listinfo/hsdivision HTTP/1.1,200,6291,,,\n',
    ],
    [
      '2001:db8::1 - frank [10/Oct/2000:13:55:36 +0530] "GET /a,b HTTP/1.0" 304 - "http://e.org/" "Mozilla/4.08 \\"x\\" [en]"',
      '{"host":"2001:db8::1","ident":"-","authuser":"frank","request":"GET /a,b HTTP/1.0","response":304,"bytes":0,"verb":"GET","@timestamp":"2000-10-10T13:55:36.000+05:30","timezone":"+0530","@timestamp_utc":"2000-10-10T08:25:36.000Z","referer":"http://e.org/","agent":"Mozilla/4.08 \\\\\\"x\\\\\\" [en]"}\n',
      '2001:db8::1,-,frank,10/Oct/2000:13:55:36 +0530,"GET /a,b HTTP/1.0",304,0,http://e.org/,"Mozilla/4.08 \\""x\\"" [en]",\n',
    ],
  ])('become JSON and CSV: %s', (text, json, csv) => {
    expect([run(text), run(text, core.CSV)]).toEqual([json, csv])
  })

  it('become what the oracle makes of them, whole and spoilt', () => {
    let good = 0
    fc.assert(
      fc.property(mutated(line), (text) => {
        if (text.includes('\n')) return
        const stripped = text.endsWith('\r') ? text.slice(0, -1) : text
        if (stripped === '') return
        const json = apacheJson(stripped)
        const csv = apacheCsv(stripped)
        const [ours, row] = [run(text), run(text, core.CSV)]
        if (json === undefined) expect([typeof ours, typeof row]).toEqual(['object', 'object'])
        else {
          good++
          expect(ours).toBe(`${binary(json)}\n`)
          expect(row).toBe(`${csv}\n`)
        }
      }),
      { numRuns: 5000 },
    )
    expect(good).toBeGreaterThan(1000)
  })

  it('may be many in one record, with blank ones between; one that is none fails it, by its place', () => {
    const text = 'h - - [07/Mar/2004:16:10:02 -0800] "G" 200 1'
    const json = run(text) as string
    expect(run(`${text}\n\r\n\n${text}\r\n${text}`)).toBe(json + json + json)
    expect([run(''), run('\n'), run('\r\n\n')]).toEqual(['', '', ''])
    const wrong = text.replace(' 200 ', ' 2x0 ')
    expect(run(`${text}\n${wrong}\n`)).toEqual([core.APACHE_STATUS, text.length + 1 + text.indexOf(' 200 ') + 2])
  })

  it.each([
    ['host', 0, core.APACHE_HOST],
    ['h ', 2, core.APACHE_IDENT],
    ['h - ', 4, core.APACHE_USER],
    ['h - u 7', 7, core.APACHE_TIME],
    ['h - u [x', 7, core.APACHE_TIME],
    ['h - u [07/Mar/2004:16:10:02] 5', 28, core.APACHE_REQUEST],
    ['h - u [07/Mar/2004:16:10:02] "G', 31, core.APACHE_REQUEST],
    ['h - u [07/Mar/2004:16:10:02] "G" 5', 34, core.APACHE_STATUS],
    ['h - u [07/Mar/2004:16:10:02] "G" 500', 36, core.APACHE_STATUS],
    ['h - u [07/Mar/2004:16:10:02] "G" 500 x', 37, core.APACHE_BYTES],
  ])('say where they are none: %s', (text, position, reason) => {
    expect(run(text)).toEqual([reason, text === 'host' ? 4 : position])
  })

  it('need room for six times their size, and get it', () => {
    const text = `h - - [07/Mar/2004:16:10:02 -0800] "${'\x01'.repeat(500_000)}" 200 1`
    expect(run(text)).toBe(`${apacheJson(text)}\n`)
  })
})
