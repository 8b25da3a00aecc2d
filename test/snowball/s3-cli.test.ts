// What the flags of millrace snowball pack say of a bucket and of compression.
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HeadObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { expect, it } from 'vitest'
import { UsageError } from '../../src/cli/command.js'
import { compressionOf, targetOf } from '../../src/cli/snowball/target.js'
import { nodePorts as ports } from '../../src/ports/node.js'
import { bytes, CHUNK, put } from './s3-world.js'

const io = { ports, signal: new AbortController().signal, log: () => {} }

it('--to is a bucket and a prefix, at an endpoint', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-to-'))
  const S3rver = createRequire(import.meta.url)('s3rver')
  const server = new S3rver({ address: '127.0.0.1', port: 0, silent: true, directory, configureBuckets: [{ name: 'lake' }] })
  const endpoint = `http://127.0.0.1:${(await server.run()).port}`
  const credentials = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' }
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials })
  const keys = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'] as const
  const before = keys.map((name) => process.env[name])
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'S3RVER', AWS_SECRET_ACCESS_KEY: 'S3RVER' })
  try {
    for (const to of ['s3://lake/a/b/', 's3://lake/a/b', 's3://lake', 's3://lake/']) {
      const store = targetOf({ to, endpoint, profile: 'aws-snowball' }, '/out', io)!
      await put(store, CHUNK, bytes(100))
      const Key = to.includes('a/b') ? `a/b/${CHUNK}` : CHUNK
      expect(await client.send(new HeadObjectCommand({ Bucket: 'lake', Key }))).toMatchObject({ Metadata: { 'snowball-auto-extract': 'true' } })
      store.close()
    }
  } finally {
    keys.forEach((name, i) => {
      if (before[i] === undefined) delete process.env[name]
      else process.env[name] = before[i]
    })
    client.destroy()
    await server.close()
    rmSync(directory, { recursive: true })
  }
})

it('is none without --to', () => {
  expect(targetOf({}, '/out', io)).toBe(undefined)
})

it.each([
  [{ to: 'bucket/x' }, '--to expected s3://BUCKET/PREFIX/, got "bucket/x"'],
  [{ to: 's3:///x' }, '--to expected s3://BUCKET/PREFIX/'],
  [{ to: 's3://b/a//b' }, '--to s3://b/a//b: "prefix" expected a path of the form "a/b/", or nothing, got "a//b/"'],
  [{ to: 's3://b/..' }, '--to s3://b/..: "prefix" expected'],
  [{ to: 's3://b', profile: 'gcs' }, '--profile expected one of s3, aws-snowball, minio, got "gcs"'],
  [{ to: 's3://b', endpoint: 'ftp://x' }, '--endpoint expected an http or https URL'],
  [{ endpoint: 'http://x' }, '--endpoint expected --to s3://BUCKET/PREFIX/ beside it'],
  [{ profile: 'minio' }, '--profile expected --to'],
])('%j is wrong usage', (values, message) => {
  expect(() => targetOf(values, '/out', io)).toThrow(UsageError)
  expect(() => targetOf(values, '/out', io)).toThrow(message)
})

it('--compression is a kind, with a level or without', () => {
  expect(compressionOf({})).toBe(undefined)
  expect(compressionOf({ compression: 'gzip' })).toEqual({ compression: 'gzip', compressionLevel: undefined })
  expect(compressionOf({ compression: 'zstd:19' })).toEqual({ compression: 'zstd', compressionLevel: 19 })
  for (const compression of ['', 'xz', 'lz4', 'gzip:', 'gzip:0', 'gzip:10', 'gzip:1.5', 'zstd:20', '__proto__'])
    expect(() => compressionOf({ compression })).toThrow(new RegExp(`^--compression ${compression}: "compression(Level)?" expected`))
  expect(() => compressionOf({ compression: 'lz4' })).toThrow('--compression lz4: "compression" expected one of gzip, zstd, got "lz4"')
})
