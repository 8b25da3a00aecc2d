// Two manifests by key: what came, went, changed, and moved to another chunk.
import { checkKeys, MillraceError, wrongType } from '../../errors.js'
import type { Ports } from '../../ports/ports.js'
import { checkStorage, checkWatch, interrupted } from '../checks.js'
import { type OpenManifest, openWhole } from '../manifest/entries.js'
import type { ManifestMember, ManifestObject } from '../manifest/manifest.js'
import { inputOutput } from '../read.js'
import { hash64, join } from './join.js'

export interface DiffOptions {
  /** Manifests, or directories that they lie in. */
  from: string
  to: string
  ports: Pick<Ports, 'storage'>
  signal?: AbortSignal | undefined
}

/** A file as a manifest has it; without `chunk` where it is an object. */
export interface DiffFile {
  chunk?: string
  size: number
  sha256: string
}

/** `changed`: other content, in whatever chunk; `moved`: equal, in another chunk, or an object in one manifest only. */
export type Difference =
  | { type: 'added'; key: string; to: DiffFile }
  | { type: 'removed'; key: string; from: DiffFile }
  | { type: 'changed' | 'moved'; key: string; from: DiffFile; to: DiffFile }

const OPTIONS = ['from', 'to', 'ports', 'signal'] satisfies (keyof DiffOptions)[]

const fileOf = (line: ManifestMember | ManifestObject): DiffFile => ({
  ...(line.type === 'member' ? { chunk: line.chunk } : {}),
  size: line.size,
  sha256: line.sha256,
})

/**
 * Yields the differences of two manifests, files alone: neither what was skipped or failed nor offsets are compared. Those of `to`
 * come in its order, then what `from` alone has in its own; over 1,350,000 files in such turns for a part of the keys each. Memory
 * does not grow with them. Throws CORRUPT for a manifest that is malformed, torn, or has a key twice; IO.
 */
export async function* diff(options: DiffOptions): AsyncGenerator<Difference> {
  if (typeof options !== 'object' || options === null) throw wrongType('options', 'an object', options)
  checkKeys('options', options, OPTIONS)
  const { from, to, ports, signal } = options
  for (const [label, value] of Object.entries({ from, to }))
    if (typeof value !== 'string' || value === '') throw wrongType(label, 'the path of a manifest', value)
  checkStorage(ports)
  checkWatch(options)
  const fail = (source: string) => (error: unknown) => {
    throw inputOutput(error, source)
  }
  const old = await openWhole(ports.storage, from).catch(fail(from))
  try {
    const now = await openWhole(ports.storage, to).catch(fail(to))
    try {
      yield* compare(old, now, signal)
    } finally {
      await now.close()
    }
  } finally {
    await old.close()
  }
}

async function* compare(old: OpenManifest, now: OpenManifest, signal: AbortSignal | undefined): AsyncGenerator<Difference> {
  const lookUp = (ref: number) => old.lineAt(ref) as Promise<ManifestMember | ManifestObject>
  const twice = (key: string, source: string) =>
    new MillraceError('CORRUPT', `expected each key once, got ${JSON.stringify(key)} twice`, { position: { source } })
  const joined = join({
    async *left() {
      for await (const { line, start } of old.files()) yield { key: line.key, ...contentOf(line), ref: start }
    },
    async *right() {
      for await (const { line } of now.files()) {
        interrupted(signal, 'comparing')
        yield { key: line.key, ...contentOf(line), line }
      }
    },
  })
  for await (const event of joined) {
    if (event.type === 'rightAgain') throw twice(event.row.key, now.path)
    if (event.type === 'onlyRight') yield { type: 'added', key: event.row.key, to: fileOf(event.row.line) }
    else {
      const before = await lookUp(event.ref)
      const { key } = before
      if (event.type === 'leftAgain') throw twice(key, old.path)
      if (event.type === 'onlyLeft') yield { type: 'removed', key, from: fileOf(before) }
      else {
        const [a, b] = [fileOf(before), fileOf(event.row.line)]
        yield { type: a.sha256 === b.sha256 && a.size === b.size ? 'moved' : 'changed', key, from: a, to: b }
      }
    }
  }
}

/** 64 bits of content, size and chunk. */
function contentOf(line: ManifestMember | ManifestObject): { low: number; high: number } {
  const [chunk] = hash64(line.type === 'member' ? line.chunk : '')
  const word = (at: number) => Number.parseInt(line.sha256.slice(at, at + 8), 16)
  return { low: word(0), high: word(8) ^ chunk ^ line.size }
}
