// millrace produce and consume over kinesalite, in this process.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Values } from '../../src/cli/command.js'
import { command as consumeCommand } from '../../src/cli/consume.js'
import { command as produceCommand } from '../../src/cli/produce.js'
import { fileCheckpoints } from '../../src/kinesis/consumer/file-checkpoints.js'
import { fileSpool } from '../../src/kinesis/producer/spool/spool.js'
import { nodePorts } from '../../src/ports/node.js'
import { batchOf } from '../kinesis/spool/batches.js'
import { createStream, type KinesisServer, startKinesalite } from '../servers.js'
import { runCommand } from './io.js'

let server: KinesisServer
beforeAll(async () => {
  server = await startKinesalite()
}, 30_000)
afterAll(() => server?.stop())

const on = (stream: string) => ({ stream, endpoint: server.endpoint })
const produce = (stream: string, input: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>, values: Values = {}) =>
  runCommand(produceCommand, { ...on(stream), key: 'origin', ...values }, input)
const consume = (stream: string, values: Values = {}) => runCommand(consumeCommand, { ...on(stream), until: 'now', ...values })

describe('millrace produce and consume', () => {
  it('give back the lines that were given', async () => {
    await createStream(server.client, 'lines', 3)
    const lines = Array.from({ length: 5000 }, (_, i) => JSON.stringify({ id: i, origin: `é${i % 50}` }))
    const put = await produce('lines', ['\ufeff', lines.slice(0, 2000).join('\r\n'), '\r\n\n', lines.slice(2000).join('\n')])
    expect(put).toMatchObject({ code: 0, out: '' })
    expect(put.err.at(-1)).toMatch(/^millrace produce: 5,000 records delivered \(.* MB\/s\); \d Kinesis records, \d+ PUT payload units in place of 5,000$/)

    const raw = await consume('lines', { raw: true })
    expect(raw).toMatchObject({ code: 0, err: ['millrace consume: 5000 records; no shard behind'] })
    expect(raw.out.trimEnd().split('\n').sort()).toEqual([...lines].sort())

    const json = await consume('lines')
    const records = json.out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(Object.keys(records[0])).toEqual(['partitionKey', 'data', 'sequenceNumber', 'subSequenceNumber', 'aggregated', 'shardId'])
    expect(records.map((r) => Buffer.from(r.data, 'base64').toString()).sort()).toEqual([...lines].sort())
    for (const r of records) expect(JSON.parse(Buffer.from(r.data, 'base64').toString()).origin).toBe(r.partitionKey)
  })

  it('report bad lines by line and byte, and deliver the rest', async () => {
    await createStream(server.client, 'bad', 1)
    const long = JSON.stringify({ origin: 'b', pad: 'x'.repeat(1_100_000) })
    const { code, out, err } = await produce('bad', ['{"origin":"a"}\n', 'nonsense\n\n', `{"id":1}\n${long}\n`, '{"origin":"c"}'], { json: true })
    expect(code).toBe(1)
    expect(err.slice(1)).toEqual([
      'millrace produce: line 4, byte 25: field "origin": expected a string, a number or a boolean, got undefined',
      `millrace produce: line 5, byte 34: data and partition key: expected 1048576 bytes at most, got ${long.length + 1}`,
    ])
    expect(err[0]).toMatch(/^millrace produce: line 2, byte 15: expected a JSON object: .*/)
    expect(JSON.parse(out)).toMatchObject({ accepted: 2, delivered: 2, failed: 3 })
    const { out: lines } = await consume('bad', { raw: true })
    expect(lines).toBe('{"origin":"a"}\n{"origin":"c"}\n')
  })

  it('deliver what was read before the input broke', async () => {
    await createStream(server.client, 'broken', 1)
    const pieces = function* () {
      yield '{"origin":"a"}\n{"origin":"b"}\n{"ori'
      throw new Error('EIO')
    }
    await expect(produce('broken', pieces())).rejects.toThrow('EIO')
    expect((await consume('broken', { raw: true })).out).toBe('{"origin":"a"}\n{"origin":"b"}\n')
  })

  it('deliver the whole lines that were read before a signal; the line that it cut is no bad one', async () => {
    await createStream(server.client, 'cut', 1)
    const stop = new AbortController()
    const pieces = function* () {
      yield '{"origin":"a"}\n{"origin":"b"}\n{"ori'
      stop.abort(new Error('interrupted'))
      yield 'gin":"c"}\n'
    }
    const { code, err } = await runCommand(produceCommand, { ...on('cut'), key: 'origin' }, pieces(), {}, [], stop.signal)
    expect([code, err[0], err.length]).toEqual([1, 'millrace produce: interrupted after line 2; delivering up to there, a second signal leaves at once', 2])
    expect((await consume('cut', { raw: true })).out).toBe('{"origin":"a"}\n{"origin":"b"}\n')
  })

  it('deliver what stands before and behind a line too long to hold', async () => {
    await createStream(server.client, 'long', 1)
    const long = new Uint8Array(1 << 20).fill(120)
    const { code, err } = await produce('long', ['{"origin":"a"}\n', ...Array.from({ length: 40 }, () => long), '\n{"origin":"b"}'])
    expect(err[0]).toBe('millrace produce: line 2, byte 15: expected a line of at most 33554432 bytes, got a longer one')
    expect(err.at(-1)).toContain(': 2 records delivered')
    expect(code).toBe(1)
    expect((await consume('long', { raw: true })).out).toBe('{"origin":"a"}\n{"origin":"b"}\n')
  })

  it('take an empty input', async () => {
    await createStream(server.client, 'empty', 1)
    expect(await produce('empty', [])).toMatchObject({ code: 0, out: '' })
    expect(await consume('empty')).toEqual({ code: 0, out: '', err: ['millrace consume: 0 records; no shard behind'] })
    expect(await consume('empty', { from: 'latest', until: '2020-01-01' })).toMatchObject({ code: 0, out: '' })
  })

  it('stop where nothing can be delivered', async () => {
    const { code, err } = await produce('nowhere', ['{"origin":"a"}\n'])
    expect(code).toBe(1)
    expect(err[0]).toMatch(/^millrace produce: record 1: ResourceNotFoundException: /)
    expect(err).toContain('millrace produce: stopped, nothing could be delivered (ResourceNotFoundException)')
    await expect(consume('nowhere')).rejects.toMatchObject({ code: 'SERVICE', message: expect.stringContaining('ResourceNotFoundException') })
  })

  it('go on where the first line is one that the service refuses', async () => {
    await createStream(server.client, 'picky', 1)
    const pieces = async function* () {
      // 130 characters to us, 260 to kinesalite.
      yield `{"origin":"${'\u{1f600}'.repeat(130)}"}\n`
      await new Promise((resolve) => setTimeout(resolve, 500))
      yield '{"origin":"a"}\n'
      yield '{"origin":"b"}\n'
    }
    const { code, err } = await produce('picky', pieces())
    expect([code, err[0]]).toEqual([1, expect.stringMatching(/^millrace produce: record 1: ValidationException: /)])
    expect((await consume('picky', { raw: true })).out).toBe('{"origin":"a"}\n{"origin":"b"}\n')
  })

  it('a dry run sends nothing and says what the packing saves', async () => {
    const lines = Array.from({ length: 2_000 }, (_, i) => `{"origin":"k${i % 200}","n":${i}}\n`)
    const dry = (values: Values) => runCommand(produceCommand, { 'dry-run': true, key: 'origin', ...values }, lines)
    const { code, err, out } = await dry({ shards: '4' })
    expect([code, out]).toEqual([0, ''])
    expect(err[0]).toMatch(
      /^millrace produce: dry run, nothing was sent: 2,000 records in \d+ Kinesis records \([\d.]+ each\), \d+ PutRecords requests?, over 4 shards of one size$/,
    )
    expect(err[1]).toMatch(
      /^millrace produce: provisioned: \d+ PUT payload units \(\$[\d.]+ at \$0.014 a million\) in place of 2,000 \(\$[\d.]+\) with one record for each put, 99\.\d % less$/,
    )
    expect(err[2]).toMatch(/^millrace produce: on demand: [\d.]+ KB billed in place of 2.0 MB, [\d.]+ % less$/)
    expect(err[3]).toMatch(/^millrace produce: at the limits of a shard it takes /)
    const plan = JSON.parse((await dry({ json: true })).out)
    expect(plan).toMatchObject({ shards: 1, records: 2_000, payloadUnitsAlone: 2_000, onDemandBytesAlone: 2_048_000 })
    expect(plan.kinesisRecords).toBeLessThan(10)
    // What is no record is in neither figure.
    const none = JSON.parse((await dry({ json: true, key: 'none' })).out)
    expect(none).toMatchObject({ records: 0, onDemandBytes: 0, onDemandBytesAlone: 0 })
    const alone = JSON.parse((await dry({ json: true, 'no-aggregate': true })).out)
    expect(alone).toMatchObject({ kinesisRecords: 2_000, payloadUnits: 2_000, onDemandBytes: 2_048_000 })
    await expect(produce('x', [], { shards: '2' })).rejects.toThrow('--shards expected --dry-run beside it')
  })

  it('keep the order of a key, give ids, and keep what fails', async () => {
    await createStream(server.client, 'ordered', 2)
    const directory = mkdtempSync(join(tmpdir(), 'millrace-test-'))
    try {
      const dead = join(directory, 'dead.ndjson')
      const spool = join(directory, 'spool')
      const lines = Array.from({ length: 500 }, (_, i) => `{"user":{"id":"k${i % 7}"},"n":${i}}\n`)
      const values = { key: '/user/id', ordering: 'key', 'stable-ids': true, 'dead-letter': dead, spool, 'rate-limit': '90' }
      const { code, err } = await produce('ordered', [...lines, '{"user":{}}\n'], values)
      expect(code).toBe(1)
      expect(err.at(-1)).toMatch(/^millrace produce: 500 records delivered .*; 1 failed; 1 dead letter written to .*dead\.ndjson$/)
      const letter = JSON.parse(readFileSync(dead, 'utf8'))
      expect(letter).toMatchObject({ code: 'BAD_PARTITION_KEY', attempts: [] })
      expect(letter.position).toBeUndefined()
      expect(Buffer.from(letter.data, 'base64').toString()).toBe('{"user":{}}')
      const out = (await consume('ordered', { raw: true, deduplicate: true })).out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
      for (let k = 0; k < 7; k++) {
        const numbers = out.filter(({ user }) => user.id === `k${k}`).map(({ n }) => n)
        expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, i) => k + 7 * i))
      }
      expect(out).toHaveLength(500)
      // The spool is empty: a second run sends nothing of the first.
      const second = await produce('ordered', [], { spool, 'dead-letter': dead })
      expect(second.err.at(-1)).toMatch(/^millrace produce: 0 records delivered .*; 0 dead letters written to .*dead\.ndjson$/)
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  it('put dead letters again, and what consume and deaggregate write, with their own keys and data', async () => {
    await createStream(server.client, 'again', 2)
    const directory = mkdtempSync(join(tmpdir(), 'millrace-test-'))
    try {
      const dead = join(directory, 'dead.ndjson')
      const given = ['{"origin":"é","h":"7","n":1}', '{"origin":"b","h":"none","n":2}', '{"n":3}']
      expect((await produce('gone', [`${given[0]}\n`], { 'hash-key': 'h', 'dead-letter': dead })).code).toBe(1)
      expect((await produce('again', [`${given[1]}\n${given[2]}\n`], { 'hash-key': 'h', 'dead-letter': dead })).code).toBe(1)
      const letters = readFileSync(dead, 'utf8')
      expect(letters.trim().split('\n')).toHaveLength(3)
      const records = (values: Values, input: string[]) => runCommand(produceCommand, { ...on('again'), records: true, ...values }, input)
      const { code, err } = await records({}, ['\n', letters, '{"partitionKey":"c","data":"?"}\n{"partitionKey":"c","dta":"eA=="}\n'])
      expect([code, err.slice(0, -1)]).toEqual([
        1,
        [
          expect.stringMatching(/^millrace produce: line 5, byte \d+: "data": byte 0: expected base64: /),
          expect.stringMatching(/^millrace produce: line 6, byte \d+: expected the fields partitionKey, .*, got "dta"$/),
          expect.stringMatching(/^millrace produce: line 3: BAD_HASH_KEY: /),
          'millrace produce: line 4: BAD_PARTITION_KEY: partition key: expected 1 to 256 characters, got other text',
        ],
      ])
      const { out } = await consume('again')
      expect(JSON.parse(out)).toMatchObject({ partitionKey: 'é', data: Buffer.from(given[0]).toString('base64') })
      // as a copy of a stream is made; the explicit hash key has come along
      expect((await records({}, [out])).err.at(-1)).toMatch(/^millrace produce: 1 record delivered .*; 1 Kinesis record, 1 PUT payload unit in place of 1$/)
      expect((await consume('again', { raw: true })).out).toBe(`${given[0]}\n${given[0]}\n`)
      // 1,500 bytes are two KiB of an on-demand stream, whatever the line about them takes
      const large = JSON.stringify({ partitionKey: 'a', data: Buffer.alloc(1500).toString('base64') })
      expect(JSON.parse((await records({ 'dry-run': true, json: true }, [`${large}\nx\n`])).out)).toMatchObject({ records: 1, onDemandBytesAlone: 2048 })
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  it('take large records where the stream does, and tell metrics', async () => {
    const large = JSON.stringify({ origin: 'a', pad: 'x'.repeat(1_100_000) })
    const dry = await runCommand(produceCommand, { key: 'origin', 'dry-run': true, json: true, 'max-record-size': '2000000' }, [large])
    expect(JSON.parse(dry.out)).toMatchObject({ records: 1, payloadUnits: 45 })
    await createStream(server.client, 'told', 1)
    const { out, err } = await produce('told', ['{"origin":"canary"}\n{"origin":"canary"}\n'], { emf: true })
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines).toContainEqual(expect.objectContaining({ 'millrace.producer.settled': 2, 'messaging.destination.name': 'told' }))
    expect(lines.every(({ _aws }) => _aws.CloudWatchMetrics[0].Namespace === 'millrace')).toBe(true)
    expect(out + err).not.toContain('canary')
  })

  it('an outage is a line, not one a record, and is told while it lasts', async () => {
    const { code, err } = await runCommand(produceCommand, { stream: 's', endpoint: 'http://127.0.0.1:1', key: 'origin', 'record-ttl': '1' }, [
      `${'{"origin":"a"}\n'.repeat(50)}`,
    ])
    expect(code).toBe(1)
    expect(err[0]).toMatch(/^millrace produce: a request has failed and is sent again: ECONNREFUSED: /)
    expect(err[1]).toMatch(/^millrace produce: records 1 to 50: /)
    expect(err).toHaveLength(4)
  })

  it('a directory or file that will not do is told before the first line is read', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'millrace-test-'))
    const file = join(directory, 'file')
    writeFileSync(file, '')
    const never: Iterable<string> = { [Symbol.iterator]: () => expect.unreachable('a line was asked for') }
    try {
      const message = `${file}: the spool expected a directory, got a file`
      await expect(produce('x', never, { spool: file })).rejects.toMatchObject({ code: 'IO', message })
      await expect(produce('x', never, { 'dead-letter': join(directory, 'no/such') })).rejects.toMatchObject({
        code: 'IO',
        cause: expect.objectContaining({ code: 'ENOENT' }),
      })
      expect(readdirSync(directory)).toEqual(['file'])
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  it('what an earlier run has left in the spool does not wait for a first line', async () => {
    await createStream(server.client, 'left', 1)
    const directory = mkdtempSync(join(tmpdir(), 'millrace-test-'))
    try {
      const left = await fileSpool(nodePorts, directory)()
      await left.append(batchOf(['{"origin":"left"}']))
      await left.close()
      const stop = new AbortController()
      // gives nothing until the record of the earlier run is in the stream
      const idle = async function* () {
        while ((await consume('left', { raw: true })).out === '') {}
        stop.abort(new Error('interrupted'))
        yield ''
      }
      const { err } = await runCommand(produceCommand, { ...on('left'), key: 'origin', spool: directory }, idle(), {}, [], stop.signal)
      expect(err.at(-1)).toMatch(/^millrace produce: 1 record delivered/)
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  it('dead letters that cannot be written are told at once, and counted in the end', async () => {
    await createStream(server.client, 'lost', 1)
    const directory = mkdtempSync(join(tmpdir(), 'millrace-test-'))
    const full = async (path: string, options?: { append?: boolean }) => ({
      ...(await nodePorts.storage.create(path, options)),
      write: async () => {
        throw Object.assign(new Error("ENOSPC: no space left on device, write 'dead'"), { code: 'ENOSPC' })
      },
    })
    // Ten tries with back-off are seconds otherwise.
    const clock = { ...nodePorts.clock, sleep: (ms: number, signal?: AbortSignal) => nodePorts.clock.sleep(ms / 50, signal) }
    try {
      const values = { ...on('lost'), key: 'origin', 'dead-letter': join(directory, 'dead') }
      const input = ['{"origin":"a"}\n{"id":1}\n']
      const { code, err } = await runCommand(produceCommand, values, input, {}, [], undefined, { clock, storage: { ...nodePorts.storage, create: full } })
      expect(code).toBe(1)
      expect(err[0]).toMatch(/^millrace produce: dead letters cannot be written: .*no space left on device/)
      expect(err.at(-1)).toMatch(/; 1 failed; 0 dead letters written to .*dead; 1 dead letter lost, for .*dead could not be written$/)
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  it('a signal in an outage ends a run with a spool, and the next one sends what it has left', async () => {
    await createStream(server.client, 'outage', 1)
    const directory = mkdtempSync(join(tmpdir(), 'millrace-test-'))
    try {
      const stop = new AbortController()
      const pieces = function* () {
        yield '{"origin":"a"}\n{"origin":"b"}\n'
        yield '{"origin":"c"}\n'
        stop.abort(new Error('interrupted'))
      }
      const dead = { stream: 'outage', endpoint: 'http://127.0.0.1:9', key: 'origin', spool: directory }
      const { code, err } = await runCommand(produceCommand, dead, pieces(), {}, [], stop.signal)
      // How many requests have failed by then is the machine's affair.
      const told = err.slice(0, -1).filter((line) => !line.includes('a request has failed'))
      expect([code, told]).toEqual([1, ['millrace produce: interrupted after line 3; what is not stored by now stays in the spool']])
      expect((await produce('outage', [], { spool: directory })).err.at(-1)).toMatch(/^millrace produce: 3 records delivered/)
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  it('consume goes on where the checkpoint file says, and a second one at a time is refused', async () => {
    await createStream(server.client, 'resumed', 2)
    const directory = mkdtempSync(join(tmpdir(), 'millrace-test-'))
    try {
      const checkpoint = join(directory, 'flights.json')
      const lines = (from: number) => Array.from({ length: 50 }, (_, i) => `{"origin":"k${(from + i) % 7}","n":${from + i}}\n`)
      const numbers = (out: string) =>
        out
          .split('\n')
          .filter(Boolean)
          .map((line) => JSON.parse(line).n)
          .sort((a, b) => a - b)
      await produce('resumed', lines(0))
      expect(numbers((await consume('resumed', { raw: true, checkpoint })).out)).toEqual(Array.from({ length: 50 }, (_, i) => i))
      expect((await consume('resumed', { raw: true, checkpoint })).out).toBe('')
      await produce('resumed', lines(50))
      expect(numbers((await consume('resumed', { raw: true, checkpoint })).out)).toEqual(Array.from({ length: 50 }, (_, i) => 50 + i))
      const store = fileCheckpoints(nodePorts, checkpoint)
      await store.read()
      await expect(consume('resumed', { checkpoint })).rejects.toMatchObject({ code: 'LOCKED' })
      await store.close?.()
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  it('no key is told in a log', async () => {
    await createStream(server.client, 'secret', 1)
    const { err } = await produce('secret', ['{"origin":"a","h":"canary-key"}\n', `{"origin":"${'canary'.repeat(50)}"}\n`], { 'hash-key': 'h' })
    expect(err.join('\n')).not.toContain('canary')
    expect(err).toHaveLength(3)
  })

  it.each<[Values, string]>([
    [{ ordering: 'some' }, '--ordering expected one of none, shard, key, got "some"'],
    [{ stream: undefined }, 'expected --stream S'],
    [{ key: undefined }, 'expected --key FIELD or --records'],
    [{ records: true }, '--key expected no --records beside it: its lines name their keys themselves'],
    [{ key: undefined, 'hash-key': 'h', records: true }, '--hash-key expected no --records beside it: its lines name their keys themselves'],
    [{ 'max-record-size': '1' }, '--max-record-size expected a whole number from 64, got "1"'],
    [{ endpoint: 'localhost:4567' }, '--endpoint expected an http or https URL, got "localhost:4567"'],
    [{ 'max-size': '10' }, '--max-size expected a whole number from 64, got "10"'],
    [{ 'record-ttl': '-1' }, '--record-ttl expected a whole number from 1, got "-1"'],
    [{ 'record-ttl': '9999999999999999' }, '--record-ttl expected a whole number from 1 to 9007199254740991, got "9999999999999999"'],
    [{ 'rate-limit': 'NaN' }, '--rate-limit expected a whole number from 1, got "NaN"'],
    [{ 'stable-ids': true, 'no-aggregate': true }, '--stable-ids expected aggregates, got --no-aggregate beside it'],
    [{ 'max-size': '100', 'no-aggregate': true }, '--max-size expected aggregates, got --no-aggregate beside it'],
    [{ 'hash-key': '' }, '--hash-key expected the name of a field, got ""'],
    [{ 'dead-letter': '' }, '--dead-letter expected the path of a file, got ""'],
    [{ spool: '' }, '--spool expected the path of a directory, got ""'],
    [{ region: '' }, '--region expected the name of a region such as eu-central-1, got ""'],
    [{ stream: 'a b' }, '--stream expected a name of 1 to 128 letters, digits, "_", "." and "-", got "a b"'],
  ])('produce refuses %j', async (values, message) => {
    await expect(produce('x', [], values)).rejects.toMatchObject({ name: 'UsageError', message })
  })

  it.each<[Values, string]>([
    [{ stream: '' }, 'expected --stream S'],
    [{ from: 'yesterday' }, '--from expected TRIM_HORIZON, LATEST or a time such as 2026-11-23T04:00:00Z or 15m, 15 minutes ago, got "yesterday"'],
    [{ until: 'then' }, '--until expected now or a time such as 2026-11-23T04:00:00Z or 15m, 15 minutes ago, got "then"'],
    [{ mode: 'lax' }, '--mode expected kcl, keep or strict, got "lax"'],
    [{ consumer: '' }, '--consumer expected the name or ARN of a consumer, got ""'],
    [{ consumer: 'a b' }, '--consumer expected an ARN or a name of 1 to 128 letters, digits, "_", "." and "-", got "a b"'],
    [{ deregister: true }, '--deregister expected --consumer NAME beside it'],
  ])('consume refuses %j', async (values, message) => {
    await expect(consume('x', values)).rejects.toMatchObject({ name: 'UsageError', message })
  })
})
