// An archive that MinIO extracts while it takes it: one PUT, whatever its size, of a length that must be known before.
import { encodeBase64 } from '../../engine/base64.js'
import type { Held } from './held.js'
import type { ChunkSink, Digest } from './store.js'
import { HASH } from './stored.js'
import { type Item, removeObject, type Target } from './target.js'

/**
 * Where it is told that an archive was extracted, as it is itself not there: a line as sha256sum writes them,
 * the hash in the metadata as well.
 */
export const receiptOf = (key: string) => `${key}.sha256`

/** Begins an archive that `held` has until its PUT. */
export function createExtracted(target: Target, item: Item, held: Held): ChunkSink {
  const { requests, signal } = target
  const { key, ...head } = item

  async function send({ bytes, sha256, etag, partBytes }: Digest): Promise<void> {
    // For the target's own check: a body that is a stream has no hash in its signature.
    const checks = { ChecksumSHA256: base64(sha256), ...(partBytes === 0 ? { ContentMD5: base64(etag) } : {}) }
    const input = { ...head, ContentLength: bytes, ...checks }
    await requests.attempts({ what: 'sending it', key, bytes, signal }, (call) =>
      held.send(signal, (Body, ended) => call('PutObject', { ...input, Body }, ended)),
    )
  }

  async function receipt({ sha256 }: Digest): Promise<void> {
    const Body = new TextEncoder().encode(`${sha256}  ${key.slice(key.lastIndexOf('/') + 1)}\n`)
    const input = { Body, ContentLength: Body.length, ContentType: 'text/plain', Metadata: { [HASH]: sha256 } }
    await requests.send('PutObject', input, { what: 'sending its receipt', key: receiptOf(key), bytes: Body.length, signal })
  }

  return {
    whole: true,
    write: held.write,
    async finish(digest) {
      await held.close()
      // What is extracted half-way over an earlier archive must not pass for that one.
      await removeObject(target, receiptOf(key))
      await send(digest)
      await receipt(digest)
      await held.remove()
    },
    discard: held.remove,
  }
}

const base64 = (hex: string) => new TextDecoder().decode(encodeBase64(Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16))))
