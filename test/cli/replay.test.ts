import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { command } from '../../src/cli/replay.js'
import { lambdaFailureLine } from '../../src/firehose/errors/error-object.js'
import { runCommand } from './io.js'

const row = (data: string, code = 'Lambda.ProcessingFailedStatus') =>
  `${lambdaFailureLine({ data: new TextEncoder().encode(data), code, message: 'm', attempts: 1, arrival: 0, attemptEnd: 1000, lambdaArn: 'arn' })}\n`
const run = (files: Record<string, string>, values = {}, positionals = Object.keys(files)) => runCommand(command, values, [], files, positionals)

describe('millrace replay', () => {
  it('gives the records of all files, a line each', async () => {
    const ran = await run({ 'a.json': row('{"a":1}') + row('{"a":2}\n'), 'b.json': row('', 'X') })
    expect(ran.out).toBe('{"a":1}\n{"a":2}\n\n')
    expect(ran.code).toBe(0)
    expect(ran.err).toEqual([
      'millrace replay:        2  Lambda.ProcessingFailedStatus',
      'millrace replay:        1  X',
      'millrace replay: 3 records read, 3 written',
    ])
  })

  it('takes those with a code', async () => {
    const ran = await run({ a: row('1', 'X') + row('2', 'Y') + row('3', 'Z') }, { code: ['X', 'Z'] })
    expect(ran.out).toBe('1\n3\n')
    expect(ran.err.at(-1)).toBe('millrace replay: 3 records read, 2 of them asked for, 2 written')
  })

  it('writes what is no text as JSON, or raw', async () => {
    expect((await run({ a: row('hi') }, { json: true })).out).toBe(
      '{"data":"aGk=","code":"Lambda.ProcessingFailedStatus","message":"m","attempts":1,"arrival":"1970-01-01T00:00:00.000Z","attemptEnd":"1970-01-01T00:00:01.000Z","lambdaArn":"arn"}\n',
    )
    expect((await run({ a: row('hi') + row('\n') }, { raw: true })).out).toBe('hi\n')
  })

  it('tells of a broken file, and reads the others', async () => {
    const ran = await run({ a: `${row('1')}{"rawData":`, b: row('2') })
    expect(ran.out).toBe('1\n2\n')
    expect(ran.code).toBe(1)
    expect(ran.err[0]).toBe(`millrace replay: a, record 1, byte ${row('1').length}: expected the end of a Firehose error object, got the end of the input`)
  })

  it('tells of a file that is not there', async () => {
    const ran = await run({ b: row('2') }, {}, ['none', 'b'])
    expect(ran.out).toBe('2\n')
    expect(ran.code).toBe(1)
    expect(ran.err[0]).toContain("no such file or directory, open 'none'")
  })

  it('unpacks gzip', async () => {
    const home = await mkdtemp(join(tmpdir(), 'millrace-replay-'))
    try {
      await writeFile(join(home, 'x.gz'), gzipSync(row('1') + row('2')))
      expect((await run({}, {}, [join(home, 'x.gz')])).out).toBe('1\n2\n')
    } finally {
      await rm(home, { recursive: true })
    }
  })

  it.each([
    [{}, [], 'expected a FILE at least'],
    [{ json: true, raw: true }, ['a'], 'expected either --json or --raw'],
    [{ endpoint: 'http://localhost:1' }, ['a'], 'expected --delivery-stream beside --endpoint or --region'],
    [{ 'delivery-stream': '' }, ['a'], '--delivery-stream expected the name of a delivery stream, got ""'],
    [{ 'delivery-stream': 'd', endpoint: 'x' }, ['a'], '--endpoint expected an http or https URL, got "x"'],
  ])('refuses %j %j', async (values, positionals, message) => {
    await expect(run({ a: row('1') }, values, positionals)).rejects.toThrow(message)
  })
})

describe('millrace replay --delivery-stream, over HTTP with the real SDK', () => {
  const taken: string[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const { DeliveryStreamName, Records } = JSON.parse(body)
    const RequestResponses = Records.map(({ Data }: { Data: string }) => {
      const text = Buffer.from(Data, 'base64').toString()
      if (text === 'bad') return { ErrorCode: 'AccessDenied', ErrorMessage: 'not this one' }
      taken.push(`${DeliveryStreamName} ${text}`)
      return { RecordId: 'r' }
    })
    response.setHeader('content-type', 'application/x-amz-json-1.1')
    response.end(JSON.stringify({ FailedPutCount: 0, RequestResponses }))
  })
  beforeAll(async () => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  it('puts the records again, and writes what was not taken', async () => {
    const values = { 'delivery-stream': 'clicks', endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
    const ran = await run({ a: row('1') + row('bad') + row('3') }, values)
    expect(taken).toEqual(['clicks 1', 'clicks 3'])
    expect(ran.out).toBe('bad\n')
    expect(ran.code).toBe(1)
    expect(ran.err).toContain('millrace replay: 1 record not put: AccessDenied: not this one')
    expect(ran.err.at(-1)).toBe('millrace replay: 3 records read, 2 put into clicks, 1 written')
  })
})
