// The deployable example: one file as its own script bundles it, run under Lambda's Runtime API; what it answers is legal.
import { execFile } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { explainFirehoseResponse, type FirehoseResponse } from '../src/firehose/index.js'
import { type LambdaRuntime, startLambda } from './lambda-runtime.js'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const SOURCE = join(ROOT, 'examples/firehose-lambda')
const exec = promisify(execFile)
const event = JSON.parse(readFileSync(join(SOURCE, 'event.json'), 'utf8'))
const base64 = (text: string) => Buffer.from(text).toString('base64')
const eventOf = (data: string[]) => ({
  ...event,
  records: data.map((text, i) => ({ recordId: `id-${i}`, approximateArrivalTimestamp: 5, data: base64(text) })),
})

/** The example as a user has it, with this package installed. */
let example = ''
beforeAll(async () => {
  if (!existsSync(join(ROOT, 'dist/workerd.js'))) throw new Error('run `node build.mjs` first')
  example = await mkdtemp(join(tmpdir(), 'millrace-example-'))
  await cp(SOURCE, example, { recursive: true })
  await mkdir(join(example, 'node_modules'))
  await symlink(ROOT, join(example, 'node_modules/millrace'))
  await exec('npm', ['run', 'build'], { cwd: example, env: { ...process.env, PATH: `${join(ROOT, 'node_modules/.bin')}:${process.env.PATH}` } })
}, 60_000)
afterAll(() => rm(example, { recursive: true, force: true }))

it('is one file of less than 200 KB', () => {
  expect(statSync(join(example, 'dist/handler.mjs')).size).toBeLessThan(200_000)
})

it('can be tried before it is deployed', async () => {
  const main = join(ROOT, 'dist/esm/cli/main.js')
  const { stdout } = await exec(process.execPath, [main, 'transform', '--module', 'transform.mjs', '--check', 'event.json'], { cwd: example })
  expect(
    stdout
      .split('\n')
      .slice(1, 4)
      .map((line) => line.split(/ {2,}/).slice(0, 3)),
  ).toEqual([
    ['record-1', 'Ok', 'delivered'],
    ['record-2', 'Dropped', 'dropped'],
    ['record-3', 'Ok', 'delivered'],
  ])
})

/** AWS's own runtime client too, where it is installed: it is a native addon for Node 22 and later. */
function runtimes(): [string, string[] | undefined][] {
  try {
    return [
      ['the bootstrap of this suite', undefined],
      ['aws-lambda-ric', [process.execPath, join(dirname(createRequire(import.meta.url).resolve('aws-lambda-ric')), 'index.mjs'), 'handler.handler']],
    ]
  } catch {
    return [['the bootstrap of this suite', undefined]]
  }
}

describe.each(runtimes())('under %s', (_, program) => {
  let lambda: LambdaRuntime
  beforeAll(async () => {
    lambda = await startLambda(join(example, 'dist'), 'handler.handler', program)
  })
  afterAll(() => lambda?.stop())

  it('answers its event, and writes a line of metrics', async () => {
    const { records } = (await lambda.invoke(event)) as FirehoseResponse
    expect(records.map(({ data = '', ...rest }) => ({ ...rest, text: Buffer.from(data, 'base64').toString() }))).toEqual([
      {
        recordId: 'record-1',
        result: 'Ok',
        metadata: { partitionKeys: { service: 'checkout' } },
        text: '{"service":"checkout","level":"info","message":"paid","ms":12,"arrived":1795773600000}\n',
      },
      { recordId: 'record-2', result: 'Dropped', text: '' },
      {
        recordId: 'record-3',
        result: 'Ok',
        metadata: { partitionKeys: { service: 'search' } },
        text: '{"service":"search","level":"warn","message":"slow","arrived":1795773600010}\n{"service":"search","level":"info","message":"done","arrived":1795773600010}\n',
      },
    ])
    const emf = lambda
      .lines()
      .filter((line) => line.includes('"_aws"'))
      .map((line) => JSON.parse(line.slice(line.indexOf('{'))))
    expect(emf.find((line) => line.result === 'ok')).toMatchObject({ 'messaging.destination.name': 'logs', 'millrace.firehose.records': 2 })
    expect(emf.find((line) => line.result === 'dropped')).toMatchObject({ 'millrace.firehose.records': 1 })
  })

  it('fails a record that is no JSON, and says why without its text', async () => {
    const response = (await lambda.invoke(eventOf(['{"service":"a"}', 'secret']))) as FirehoseResponse
    expect(response.records.map(({ result }) => result)).toEqual(['Ok', 'ProcessingFailed'])
    expect(lambda.lines().some((line) => line.includes('"recordId":"id-1","reason":"transform"'))).toBe(true)
    expect(lambda.lines().join()).not.toContain('secret')
  })

  it('fails what Lambda calls with something else, and goes on', async () => {
    await expect(lambda.invoke({ hello: 1 })).rejects.toThrow('"event.records" expected an array')
    expect(await lambda.invoke(eventOf([]))).toEqual({ records: [] })
  })

  // without credentials or a service nothing can be put again: those records are answered ProcessingFailed
  it('answers 4 MB whose answer is over 6 MB within the limit', async () => {
    const whole = eventOf(Array.from({ length: 4_000 }, (_, i) => JSON.stringify({ service: `s${i}`, level: 'info', message: 'm'.repeat(1_000) })))
    const response = await lambda.invoke(whole, 8_000)
    const { outcomes, batchFault, bytes } = explainFirehoseResponse(whole, response)
    expect([batchFault, outcomes.length]).toEqual([undefined, 4_000])
    expect(bytes).toBeGreaterThan(6_000_000)
    expect(outcomes.filter(({ outcome }) => outcome === 'delivered').length).toBeGreaterThan(3_000)
  }, 30_000)
})
