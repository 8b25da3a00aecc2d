// Manifests of made-up files, for what reads them without chunks.
import { createHash } from 'node:crypto'

export interface MadeFile {
  key: string
  content: string
  /** An object of its own, in no chunk. */
  object?: boolean
}

const digest = (name: 'sha256' | 'md5', text: string) => createHash(name).update(text).digest('hex')

/** The lines of a manifest with `perChunk` members to a chunk, in the order given. */
export function manifestOf(files: readonly MadeFile[], perChunk = 10): string {
  const lines: object[] = [{ type: 'manifest', version: 1 }]
  const members = files.filter(({ object }) => !object)
  let chunks = 0
  const described = ({ key, content }: MadeFile) => ({
    path: key,
    key,
    size: Buffer.byteLength(content),
    sha256: digest('sha256', content),
    crc32c: '00000000',
  })
  for (let at = 0; at < members.length; at += perChunk) {
    const some = members.slice(at, at + perChunk)
    const chunk = `chunk-${String(++chunks).padStart(6, '0')}.tar`
    const text = some.map(({ key, content }) => key + content).join()
    const stored = { sha256: digest('sha256', text), etag: digest('md5', text), partBytes: 0, plan: digest('sha256', chunk) }
    lines.push({ type: 'chunk', chunk, bytes: 1024 * (some.length + 1), members: some.length, ...stored })
    some.forEach((file, i) => {
      lines.push({ type: 'member', chunk, ...described(file), offset: 512 + 1024 * i })
    })
  }
  for (const file of files.filter(({ object }) => object))
    lines.push({ type: 'object', ...described(file), etag: `${digest('md5', file.content)}-3`, partBytes: 8 << 20, plan: digest('sha256', file.key) })
  const bytes = files.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0)
  lines.push({ type: 'end', chunks, members: files.length, bytes, skipped: 0, failed: 0 })
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('')
}
