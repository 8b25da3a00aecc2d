// Archives made by the kernel, and what independent readers say of them.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { Parser } from 'tar'
import tarStream from 'tar-stream'
import { TAR_GNU, TAR_ROW } from '../../src/engine/core.js'
import type { Engine } from '../../src/engine/engine.js'

export interface Member {
  name: string
  size: number
  sha256: string
}

export const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex')

/** Headers by the kernel of one build, back to back, with the offset of each. */
export function headers(engine: Engine, members: { name: string | Uint8Array; size: number; gnu?: boolean }[]): { bytes: Uint8Array; at: number[] } {
  return engine.scope(() => {
    const names = members.map(({ name }) => (typeof name === 'string' ? new TextEncoder().encode(name) : name))
    const heap = engine.put(Buffer.concat(names))
    const table = engine.reserve(TAR_ROW * members.length)
    const cap = names.reduce((sum, name) => sum + 2048 + name.length, 0)
    const target = engine.reserve(cap)
    let at = 0
    names.forEach((name, i) => {
      engine
        .words()
        .set([at, name.length + (members[i].gnu ? TAR_GNU : 0), members[i].size % 2 ** 32, Math.floor(members[i].size / 2 ** 32)], (table + i * TAR_ROW) / 4)
      at += name.length
    })
    const written = engine.core.tarHeaders(heap, table, members.length, target, cap)
    if (written < 0) throw new Error(`status ${written}`)
    const starts = members.map((_, i) => engine.words()[(table + i * TAR_ROW) / 4 + 4])
    return { bytes: engine.bytes().slice(target, target + written), at: [...starts, written] }
  })
}

/** A whole archive of members with data. */
export function archive(engine: Engine, members: { name: string; data: Uint8Array; gnu?: boolean }[]): Buffer {
  const { bytes, at } = headers(
    engine,
    members.map(({ name, data, gnu }) => ({ name, size: data.length, gnu })),
  )
  const parts: Uint8Array[] = []
  members.forEach(({ data }, i) => {
    parts.push(bytes.subarray(at[i], at[i + 1]), data, new Uint8Array((512 - (data.length % 512)) % 512))
  })
  return Buffer.concat([...parts, new Uint8Array(1024)])
}

/** By GNU tar: names as it lists them, contents as it extracts them to a pipe. */
export function gnuTar(file: string): { names: string[]; contents: Buffer } {
  const options = { env: { ...process.env, LC_ALL: 'C.UTF-8' }, maxBuffer: 2 ** 30 }
  const names = execFileSync('tar', ['--quoting-style=literal', '--show-transformed-names', '-tf', file], options).toString().split('\n').slice(0, -1)
  return { names, contents: execFileSync('tar', ['-xOf', file], options) }
}

export function pythonTarfile(file: string): Member[] {
  const program = `
import hashlib, json, sys, tarfile
t = tarfile.open(sys.argv[1])
out = []
for m in t:
    assert m.isreg(), m.name
    out.append({"name": m.name, "size": m.size, "sha256": hashlib.sha256(t.extractfile(m).read()).hexdigest()})
json.dump(out, sys.stdout)`
  return JSON.parse(execFileSync('python3', ['-c', program, file], { maxBuffer: 2 ** 28, encoding: 'utf8' }))
}

/** An archive in memory, or the path of one. */
export type Source = Uint8Array | string

export const opened = (source: Source): Readable =>
  typeof source === 'string' ? createReadStream(source, { highWaterMark: 1 << 20 }) : Readable.from([Buffer.from(source)])

export async function npmTarStream(source: Source): Promise<Member[]> {
  const out: Member[] = []
  const extract = tarStream.extract()
  const file = opened(source).on('error', (error: Error) => extract.destroy(error))
  file.pipe(extract)
  for await (const entry of extract) {
    const hash = createHash('sha256')
    for await (const piece of entry) hash.update(piece as Uint8Array)
    if (entry.header.type !== 'file') throw new Error(entry.header.type)
    out.push({ name: entry.header.name, size: entry.header.size, sha256: hash.digest('hex') })
  }
  return out
}

export async function nodeTar(source: Source): Promise<Member[]> {
  const out: Member[] = []
  await new Promise<void>((resolve, reject) => {
    const parser = new Parser({ strict: true })
    parser.on('entry', (entry) => {
      const hash = createHash('sha256')
      entry.on('data', (piece: Buffer) => hash.update(piece))
      entry.on('end', () => out.push({ name: entry.path, size: entry.size ?? -1, sha256: hash.digest('hex') }))
    })
    parser.on('error', reject)
    parser.on('end', () => resolve())
    opened(source).on('error', reject).pipe(parser)
  })
  return out
}
