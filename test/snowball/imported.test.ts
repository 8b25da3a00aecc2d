import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type SnowballImportOptions, verifySnowballImport } from '../../src/snowball/index.js'
import { manifestOf } from './manifests.js'
import { memoryStorage } from './memory.js'

const FILES = [
  ...Array.from({ length: 25 }, (_, i) => ({ key: `d/${i}`, content: 'x'.repeat(i) })),
  { key: 'a b+c%20,"é', content: 'odd' },
  { key: '__proto__', content: 'p' },
  { key: 'large', content: 'object', object: true },
]
const storage = memoryStorage(() => 0)
storage.write('/out/manifest.ndjson', manifestOf(FILES))
const md5 = (text: string) => createHash('md5').update(text).digest('hex')

/** As S3 writes it: every field in quotes, the key URL-encoded with "+" for a space and "/" as it is. */
const encoded = (key: string) => encodeURIComponent(key).replaceAll('%20', '+').replaceAll('%2F', '/')
const csv = (rows: (string | number)[][]) => rows.map((row) => row.map((field) => `"${String(field).replaceAll('"', '""')}"`).join(',')).join('\n')
const listed = (prefix = '') => FILES.map(({ key, content }): (string | number)[] => ['bucket', encoded(prefix + key), Buffer.byteLength(content)])

let number = 0
function put(content: string | Uint8Array, name = `${++number}.csv`): string {
  storage.write(`/lists/${name}`, content)
  return `/lists/${name}`
}
const check = (options: Partial<SnowballImportOptions>) => verifySnowballImport({ output: '/out', ports: { storage }, ...options })
const told = async (options: Partial<SnowballImportOptions>) => {
  const { problems } = await check(options)
  return problems.map(({ kind, where, message }) => `${kind} ${where}: ${message}`)
}

describe('an S3 Inventory', () => {
  const fields = 'Bucket, Key, Size'

  it('that lists every file is right, plain and in gzip, in any order and in several files', async () => {
    const rows = listed()
    expect(await check({ inventory: [put(csv(rows))], fields })).toEqual({
      expected: 28,
      right: 28,
      extra: 0,
      extras: [],
      again: [],
      problemCount: 0,
      problems: [],
      kinds: {},
    })
    const halves = [rows.slice(0, 9).reverse(), rows.slice(9).reverse()].map((half) => put(gzipSync(csv(half))))
    expect(await check({ inventory: halves, fields })).toMatchObject({ right: 28, problemCount: 0 })
  })

  it('tells what is missing, of another size, and there twice, and which chunks to send again', async () => {
    const rows = listed().filter(([, key]) => key !== 'd/3' && key !== 'large')
    rows[0][2] = 7
    rows.push(rows[1], ['bucket', 'not-ours', 5])
    const { problems, ...rest } = await check({ inventory: [put(csv(rows))], fields })
    expect(problems).toEqual([
      { kind: 'size', where: 'd/0', message: 'expected 0 bytes, listed with 7' },
      { kind: 'twice', where: 'd/1', message: expect.stringContaining('is listed twice') },
      { kind: 'missing', where: 'd/3', message: 'is not listed' },
      { kind: 'missing', where: 'large', message: 'is not listed' },
    ])
    expect(rest).toEqual({
      expected: 28,
      right: 25,
      extra: 1,
      extras: ['not-ours'],
      again: [
        { chunk: 'chunk-000001.tar', problems: 2 },
        { key: 'large', problems: 1 },
      ],
      problemCount: 4,
      kinds: { size: 1, twice: 1, missing: 2 },
    })
  })

  it('is of keys under a prefix, others passed over', async () => {
    const rows = [...listed('Test/'), ...listed('Other/')]
    expect(await check({ inventory: [put(csv(rows))], fields, keyPrefix: 'Test/' })).toMatchObject({ right: 28, extra: 0, problemCount: 0 })
  })

  it('takes columns and files from manifest.json, where they lie as S3 puts them', async () => {
    const schema = 'Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, ETag'
    const rows = listed().map(([bucket, key, size]) => [bucket, key, 'v2', 'true', 'false', size, '2024-01-01T00:00:00.000Z', 'x'])
    // older versions and one that was deleted since
    const old = rows.map((row) => row.with(3, 'false').with(5, 99))
    rows[4] = rows[4].with(4, 'true').with(5, '')
    put(gzipSync(csv([...old, ...rows])), 'inv/data/part.csv.gz')
    const json = { fileFormat: 'CSV', fileSchema: schema, files: [{ key: 'dest/bucket/id/data/part.csv.gz' }] }
    const path = put(JSON.stringify(json), 'inv/2024-01-01T00-00Z/manifest.json')
    expect(await told({ inventory: [path] })).toEqual(['missing d/4: is not listed'])
    const bad = (value: object) => expect(check({ inventory: [put(JSON.stringify(value), 'inv/2024-01-01T00-00Z/bad.json')] })).rejects
    await bad({ ...json, fileFormat: 'ORC' }).toThrow('expected an S3 Inventory in CSV, got "ORC"')
    await bad({ ...json, files: [{ key: 'x/none.csv.gz' }] }).toThrow('expected its file "none.csv.gz" beside it or in ../data, found none')
    await bad({ ...json, files: [{ key: 'x/..' }] }).toThrow('expected files with their keys')
    await bad([]).toThrow('got undefined')
  })

  it('of the archives compares sizes and ETags, these where both are of as many parts', async () => {
    const lines = manifestOf(FILES)
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    const rows = lines.flatMap((line): (string | number)[][] =>
      line.type === 'chunk' ? [['b', line.chunk, line.bytes, line.etag]] : line.type === 'object' ? [['b', line.key, line.size, line.etag]] : [],
    )
    const all = { archives: true, fields: 'Bucket, Key, Size, ETag' }
    expect(await check({ inventory: [put(csv(rows))], ...all })).toMatchObject({ expected: 4, right: 4, problemCount: 0 })
    rows[0][3] = md5('other')
    rows[1][3] = `${md5('in parts')}-7`
    rows[2][2] = 1
    rows[3][3] = `${md5('other')}-3`
    const large = lines.find(({ type }) => type === 'object')
    expect(await told({ inventory: [put(csv(rows))], ...all })).toEqual([
      `etag chunk-000001.tar: expected ETag ${lines[1].etag}, listed with ${md5('other')}`,
      'size chunk-000003.tar: expected 8192 bytes, listed with 1',
      `etag large: expected ETag ${large.etag}, listed with ${md5('other')}-3`,
    ])
    // of what KMS encrypts it is no MD5
    const kms = rows.map((row) => [...row, 'SSE-KMS'])
    expect(await told({ inventory: [put(csv(kms))], archives: true, fields: 'Bucket, Key, Size, ETag, EncryptionStatus' })).toEqual([
      'size chunk-000003.tar: expected 8192 bytes, listed with 1',
    ])
  })

  it.each([
    ['no known column', 'a,b\nc,d', undefined, /line 1: expected a header with the names of the columns, a manifest\.json, or to be told the fields/],
    ['no key among the fields', 'a,b', 'Bucket, Size', /expected fields with one named Key, got "Bucket, Size"/],
    ['too few fields', '"b","k","1"\n"b"', fields, /lists\/.*line 2: expected at least 3 fields, got 1/],
    ['no size', '"b","k","1 KB"', fields, /line 1: expected a size in bytes, got "1 KB"/],
    ['a key that is not encoded', '"b","100%","1"', fields, /line 1: expected a URL-encoded key, got "100%"/],
    ['an open quote', '"b","k","1"\n"b,k', fields, /line 2: expected a closing quote/],
    ['text behind a quote', '"b"x,"k","1"', fields, /line 1: expected a comma behind the closing quote of field 1/],
  ])('is refused with its place for %s', async (_, text, given, message) => {
    await expect(check({ inventory: [put(text)], fields: given })).rejects.toThrow(message)
  })
})

describe('the logs of a job', () => {
  it('that name files: what did not get there, and why', async () => {
    const rows = FILES.filter(({ key }) => key !== 'd/12').map(({ key, content }) => [key, Buffer.byteLength(content)])
    const success = put(csv([['Object Key', 'Size (bytes)'], ...rows]))
    const failure = put(
      csv([
        ['File Name', 'Failure Reason'],
        ['d/12', 'checksum, they say'],
        ['other', 'x'],
      ]),
    )
    const summary = await check({ successLogs: [success], failureLogs: [failure] })
    expect(summary.problems.map(({ kind, where, message }) => `${kind} ${where}: ${message}`)).toEqual([
      'missing d/12: is not listed',
      'failed d/12: checksum, they say',
      'unknown other: failed, and is not in the manifest: x',
    ])
    expect(summary.again).toEqual([{ chunk: 'chunk-000002.tar', problems: 2 }])
    expect(summary).toMatchObject({ expected: 28, right: 27, extra: 0 })
  })

  it('that name chunks: a chunk stands for its files', async () => {
    const success = put('key,bytes\nTest/chunk-000001.tar,11264\nTest/chunk-000003.tar,8192\nTest/large,6\n')
    const failure = put('key,error\nTest/chunk-000002.tar,"not a ""tar"""\r\n')
    const summary = await check({ successLogs: [success], failureLogs: [failure], keyPrefix: 'Test/' })
    expect(summary).toMatchObject({ expected: 28, right: 18, extra: 0, kinds: { missing: 10, failed: 1 } })
    expect(summary.problems.at(-1)).toEqual({ kind: 'failed', where: 'Test/chunk-000002.tar', message: 'not a "tar"' })
    expect(summary.again).toEqual([{ chunk: 'chunk-000002.tar', problems: 11 }])
  })

  it('read any CSV that was written by the rules, cut anywhere', async () => {
    const field = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r\n', 'é', ' '), minLength: 1, maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(fc.array(field, { minLength: 1, maxLength: 20 }), async (keys) => {
        const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`
        const log = put(`key,error\n${keys.map((key) => `${quoted(key)},${quoted(key)}`).join('\r\n')}`, 'any.csv')
        const { problems } = await check({ failureLogs: [log] })
        expect(problems.map(({ where, message }) => [where, message])).toEqual(keys.map((key) => [key, `failed, and is not in the manifest: ${key}`]))
      }),
      { numRuns: 200 },
    )
  })
})

it('wants its arguments right, and a whole manifest', async () => {
  const bad = (options: object) => expect(check(options as never)).rejects
  await bad({}).toThrow('"inventory" expected an array of paths, or else successLogs or failureLogs')
  await bad({ inventory: [] }).toThrow('"inventory" expected an array of paths')
  await bad({ inventory: 'x' }).toThrow('"inventory" expected an array of paths, got "x"')
  await bad({ inventory: ['x'], keys: 'utf8' }).toThrow('"keys" expected "url" or "plain", got "utf8"')
  await bad({ inventory: ['/none'] }).toMatchObject({ code: 'IO' })
  storage.write('/torn/manifest.ndjson', manifestOf(FILES).split('\n').slice(0, 5).join('\n'))
  await bad({ output: '/torn', inventory: ['x'] }).toThrow('expected a last line of type end: the manifest is not whole')
  const stop = AbortSignal.abort()
  const long = put(csv(Array.from({ length: 10_000 }, (_, i) => ['b', i, 1])))
  await bad({ inventory: [long], fields: 'Bucket, Key, Size', signal: stop }).toMatchObject({ code: 'CLOSED' })
})
