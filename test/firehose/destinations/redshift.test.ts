import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { copyStatement, redshiftManifest } from '../../../src/firehose/destinations/copy.js'
import { createRedshiftLoader, type RedshiftOptions } from '../../../src/firehose/destinations/redshift.js'
import { createSimulation } from '../../../src/ports/simulated.js'
import { text } from './web.js'

const ROLE = 'arn:aws:iam::1:role/r'

it("a manifest is Redshift's", () => {
  expect(text(redshiftManifest([{ url: 's3://b/k"1' }, { url: 's3://b/k2' }]))).toBe(
    '{"entries":[{"url":"s3://b/k\\"1","mandatory":true},{"url":"s3://b/k2","mandatory":true}]}',
  )
  expect(text(redshiftManifest([{ url: 's3://b/k', contentLength: 5956875 }]))).toBe(
    '{"entries":[{"url":"s3://b/k","mandatory":true,"meta":{"content_length":5956875}}]}',
  )
})

describe('a COPY statement', () => {
  const copy = (command: object) => copyStatement(command as never, 'CopyCommand')('s3://b/m', ROLE)
  const TAIL = "FROM 's3://b/m' CREDENTIALS 'aws_iam_role=arn:aws:iam::1:role/r' MANIFEST"

  it.each([
    [
      { DataTableName: 'tweets', DataTableColumns: 'id,screen_name, veggie', CopyOptions: "delimiter ','" },
      `COPY tweets (id,screen_name, veggie) ${TAIL} delimiter ',';`,
    ],
    [{ DataTableName: 'public.t' }, `COPY public.t ${TAIL};`],
    [{ DataTableName: 't', DataTableColumns: '', CopyOptions: " json 'auto' ; \n" }, `COPY t ${TAIL} json 'auto';`],
    [{ DataTableName: 't', CopyOptions: "delimiter '\\t' lzop;" }, `COPY t ${TAIL} delimiter '\\t' lzop;`],
    [{ DataTableName: 't', CopyOptions: "delimiter ';' null as 'it''s' escape" }, `COPY t ${TAIL} delimiter ';' null as 'it''s' escape;`],
    [{ DataTableName: 't', CopyOptions: "quote as '\\'' csv" }, `COPY t ${TAIL} quote as '\\'' csv;`],
    [{ DataTableName: '"My.Table"' }, `COPY "My.Table" ${TAIL};`],
    [{ DataTableName: 's-1."a""b"' }, `COPY "s-1"."a""b" ${TAIL};`],
    [{ DataTableName: 'größe_$1' }, `COPY größe_$1 ${TAIL};`],
    [{ DataTableName: 't; DROP TABLE x --' }, `COPY "t; DROP TABLE x --" ${TAIL};`],
    [{ DataTableName: 't', DataTableColumns: '"a,b", 2nd ,c.d,e"f"' }, `COPY t ("a,b", "2nd" ,"c.d","e""f""") ${TAIL};`],
    [{ DataTableName: "t'x" }, `COPY "t'x" ${TAIL};`],
    [{ DataTableName: 't$&-' }, `COPY "t$&-" ${TAIL};`],
  ])('of %j', (command, statement) => {
    expect(copy(command)).toBe(statement)
  })

  it('quotes the names of the manifest and the role', () => {
    expect(copyStatement({ DataTableName: 't' }, '')("s3://b/it's", "a'b")).toBe("COPY t FROM 's3://b/it''s' CREDENTIALS 'aws_iam_role=a''b' MANIFEST;")
  })

  it.each([
    [{ DataTableName: 'a."b' }, '"CopyCommand.DataTableName" expected an end to every ", got "a.\\"b"'],
    [{ DataTableName: 'a..b' }, '"CopyCommand.DataTableName" expected a name on each side of every "."'],
    [{ DataTableName: 't', DataTableColumns: 'a,' }, '"CopyCommand.DataTableColumns" expected a name on each side of every ","'],
    [{ DataTableName: 't', CopyOptions: "json 'auto" }, `"CopyCommand.CopyOptions" expected an end to every '`],
    [{ DataTableName: 't', CopyOptions: "csv; DROP TABLE x; json 'auto'" }, '"CopyCommand.CopyOptions" expected options of one statement'],
  ])('refuses %j', (command, message) => {
    expect(() => copy(command)).toThrow(message)
  })

  it('is one statement, whatever the names', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: fc.constantFrom('a', '"', "'", ';', '.', ',', ' ', '-', '\n', '\\', '$', '1') }), (name) => {
        let made: string
        try {
          made = copy({ DataTableName: name, DataTableColumns: name })
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError)
          return
        }
        // What is in no quotes: plain names and the words of the statement, and ; at the end alone.
        const bare = made.replace(/"(?:[^"]|"")*"/g, '""').replace(/'(?:[^']|'')*'/g, "''")
        expect(bare).toMatch(/^COPY [\w$"".\s]+ \([\w$"",\s]+\) FROM '' CREDENTIALS '' MANIFEST;$/)
      }),
      { numRuns: 500 },
    )
  })
})

const config = (more: object = {}, s3: object = {}) => ({
  RoleARN: ROLE,
  ClusterJDBCURL: 'jdbc:redshift://c.x.eu-central-1.redshift.amazonaws.com:5439/dev',
  CopyCommand: { DataTableName: 't', CopyOptions: "json 'auto'" },
  S3Configuration: { RoleARN: ROLE, BucketARN: 'arn:aws:s3:::clicks', Prefix: 'in/', ...s3 },
  ...more,
})

function world(query?: RedshiftOptions['query'], own: object = config()) {
  const simulation = createSimulation(1, Date.UTC(2026, 10, 27, 9, 30))
  const stored = new Map<string, string>()
  const put = async (key: string, body: Uint8Array) => void stored.set(key, text(body))
  const abort = new AbortController()
  return {
    ...simulation,
    stored,
    abort,
    ...createRedshiftLoader(own, 'RedshiftDestinationConfiguration', { ports: simulation, put, query, signal: abort.signal }),
  }
}

const object = (name: string, bytes = 1) => ({ key: `in/2026/11/27/09/${name}`, bytes })

describe('a loader', () => {
  it('writes the manifest, then runs the statement', async () => {
    const statements: string[] = []
    const { run, load, stored } = world(async (statement) => void statements.push(`${stored.size} ${statement}`))
    const statement = `COPY t FROM 's3://clicks/in/manifests/2026/11/27/09/s-1-x' CREDENTIALS 'aws_iam_role=${ROLE}' MANIFEST json 'auto';`
    expect(await run(load(object('s-1-x')))).toEqual({
      status: 'copied',
      statement,
      manifest: 'in/manifests/2026/11/27/09/s-1-x',
      errorManifest: undefined,
      attempts: 1,
      message: undefined,
    })
    expect(statements).toEqual([`1 ${statement}`])
    expect(Object.fromEntries(stored)).toEqual({
      'in/manifests/2026/11/27/09/s-1-x': '{"entries":[{"url":"s3://clicks/in/2026/11/27/09/s-1-x","mandatory":true}]}',
    })
  })

  it('runs one statement at a time, and the next one for all that has come meanwhile', async () => {
    let under = 0
    const { run, load, stored, clock } = world(async () => {
      expect(++under).toBe(1)
      await clock.sleep(1000)
      under--
    })
    const first = load(object('a'))
    await run(clock.sleep(500))
    const rest = ['b', 'c', 'd'].map((name) => load(object(name)))
    const loads = await run(Promise.all([first, ...rest]))
    expect(loads.map(({ manifest }) => manifest.at(-1))).toEqual(['a', 'b', 'b', 'b'])
    expect([...stored.values()].map((manifest) => JSON.parse(manifest).entries.length)).toEqual([1, 3])
    expect((await run(load(object('e')))).manifest.at(-1)).toBe('e')
  })

  it('tries again for an hour, then leaves a manifest under errors/, and goes on', async () => {
    const at: number[] = []
    const { run, load, stored, clock } = world(async (statement) => {
      at.push(clock.monotonic())
      if (statement.includes('bad')) throw new Error('no such table')
    })
    const bad = load(object('bad'))
    await run(clock.sleep(0))
    const good = load(object('good'))
    const [skipped, copied] = await run(Promise.all([bad, good]))
    expect(skipped).toMatchObject({
      status: 'skipped',
      errorManifest: 'in/errors/manifests/2026/11/27/09/bad',
      message: 'no such table',
      attempts: at.length - 1,
    })
    expect(stored.get('in/errors/manifests/2026/11/27/09/bad')).toBe(stored.get('in/manifests/2026/11/27/09/bad'))
    expect(at.at(-1)).toBe(3_600_000)
    expect(copied).toMatchObject({ status: 'copied', manifest: 'in/manifests/2026/11/27/10/good' })
  })

  it('tries once where the duration is 0', async () => {
    const { run, load } = world(() => Promise.reject(new Error('no')), config({ RetryOptions: { DurationInSeconds: 0 } }))
    expect(await run(load(object('a')))).toMatchObject({ status: 'skipped', attempts: 1 })
  })

  it('gives the statement where there is nobody to run it', async () => {
    const { run, load, stored } = world(undefined, config({}, { Prefix: undefined }))
    expect(await run(load({ key: 'x', bytes: 1 }))).toMatchObject({ status: 'written', attempts: 0, manifest: 'manifests/2026/11/27/09/x' })
    expect(stored.size).toBe(1)
  })

  it.each([
    ['format as parquet', 7],
    ['FORMAT PARQUET', 7],
    ["format orc null 'x'", 7],
    ["null 'format parquet'", undefined],
    ['format json', undefined],
  ])('tells the sizes of objects where %j', async (CopyOptions, size) => {
    const { run, load, stored } = world(undefined, config({ CopyCommand: { DataTableName: 't', CopyOptions } }))
    await run(load(object('a', 7)))
    expect(JSON.parse([...stored.values()][0]).entries[0].meta).toEqual(size === undefined ? undefined : { content_length: size })
  })

  it('rejects where it is aborted, or a manifest cannot be written, and takes the next one', async () => {
    const { run, load, clock, abort } = world(() => Promise.reject(new Error('no')))
    const stopped = load(object('a'))
    clock.sleep(60_000).then(() => abort.abort(new Error('enough')))
    await expect(run(stopped)).rejects.toThrow('enough')
    await expect(run(load(object('b')))).rejects.toThrow('enough')
    let puts = 0
    const simulation = createSimulation(1)
    const put = () => (puts++ === 0 ? Promise.reject(new Error('disk full')) : Promise.resolve())
    const loader = createRedshiftLoader(config(), 'p', { ports: simulation, put })
    await expect(simulation.run(loader.load(object('a')))).rejects.toThrow('disk full')
    expect(await simulation.run(loader.load(object('b')))).toMatchObject({ status: 'written' })
  })

  it.each([
    [{ RoleARN: 'x' }, {}, '"RedshiftDestinationConfiguration.RoleARN" expected an ARN, got "x"'],
    [{ ClusterJDBCURL: 'postgres://x' }, {}, 'ClusterJDBCURL" expected jdbc:redshift://HOST:PORT/DATABASE'],
    [{ CopyCommand: {} }, {}, 'CopyCommand.DataTableName" expected text of 1 to 512 characters, got undefined'],
    [{ CopyCommand: { DataTableName: '"' } }, {}, '"RedshiftDestinationConfiguration.CopyCommand.DataTableName" expected an end'],
    [{ RetryOptions: { DurationInSeconds: 7201 } }, {}, 'DurationInSeconds" expected a whole number from 0 to 7200'],
    [{}, { BucketARN: 'clicks' }, 'S3Configuration.BucketARN" expected the ARN of a bucket'],
    [{}, { Prefix: 'a/!{timestamp:yyyy}/' }, 'S3Configuration.Prefix" expected a prefix without expressions'],
    [{}, { ErrorOutputPrefix: 'e/' }, 'ErrorOutputPrefix" expected to be absent (a stream to Redshift takes none)'],
    [{}, { CompressionFormat: 'ZIP' }, 'CompressionFormat" expected one of UNCOMPRESSED, GZIP, got "ZIP"'],
    [{ SecretsManagerConfiguration: { Enabled: true } }, {}, 'SecretsManagerConfiguration" expected none'],
  ])('refuses %j %j', (more, s3, message) => {
    expect(() => world(undefined, config(more, s3))).toThrow(message)
  })
})
