// The HTTP handler of a client that we build in Node. Bundlers for browsers take http-browser.ts
// in its place (package.json, "browser"): there the SDK's fetch is the right one.
import { missingPeer } from './peer.js'

/** A handler that keeps its connections, 64 at most. */
export async function keepAliveHandler(): Promise<object | undefined> {
  const { NodeHttpHandler } = await import('@smithy/node-http-handler').catch((cause: unknown) => {
    throw missingPeer('@smithy/node-http-handler', 'to keep connections to Kinesis open', cause)
  })
  return new NodeHttpHandler({ httpAgent: { keepAlive: true, maxSockets: 64 }, httpsAgent: { keepAlive: true, maxSockets: 64 }, connectionTimeout: 6_000 })
}
