// An archive that MinIO extracts while it takes it: one PUT, whatever its size, of a length that must be known before.
import { encodeBase64 } from '../../engine/base64.js'
import { Hasher } from '../../engine/digest.js'
import type { ChunkSink, Digest } from '../pack/store.js'
import type { Held } from './held.js'
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
  // The target's own check: a body that is a stream has no hash in its signature.
  const md5 = new Hasher('md5')
  let size = 0

  async function send(): Promise<void> {
    const input = { ...head, ContentLength: size, ContentMD5: new TextDecoder().decode(encodeBase64(md5.digest())) }
    await requests.attempts({ what: 'sending it', key, bytes: size, signal }, (call) =>
      held.send(signal, (Body, ended) => call('PutObject', { ...input, Body }, ended)),
    )
  }

  async function receipt({ sha256 }: Digest): Promise<void> {
    const Body = new TextEncoder().encode(`${sha256}  ${key.slice(key.lastIndexOf('/') + 1)}\n`)
    const input = { Body, ContentLength: Body.length, ContentType: 'text/plain', Metadata: { [HASH]: sha256 } }
    await requests.send('PutObject', input, { what: 'sending its receipt', key: receiptOf(key), bytes: Body.length, signal })
  }

  return {
    async write(data) {
      md5.update(data)
      size += data.length
      await held.write(data)
    },
    async finish(digest) {
      await held.close()
      // What is extracted half-way over an earlier archive must not pass for that one.
      await removeObject(target, receiptOf(key))
      await send()
      await receipt(digest)
      await held.remove()
    },
    discard: held.remove,
  }
}
