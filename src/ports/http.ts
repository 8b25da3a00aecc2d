// The HTTP handler of a client that we build in Node. Bundlers for browsers take http-browser.ts
// in its place (package.json, "browser"): there the SDK's fetch is the right one.
import { missingPeer } from './peer.js'

/** A handler that keeps its connections; as many as whoever calls has requests and subscriptions under way. */
export async function keepAliveHandler(): Promise<object | undefined> {
  const { NodeHttpHandler } = await import('@smithy/node-http-handler').catch((cause: unknown) => {
    throw missingPeer('@smithy/node-http-handler', 'to keep connections to Kinesis open', cause)
  })
  const agent = { keepAlive: true, maxSockets: Number.POSITIVE_INFINITY }
  return new NodeHttpHandler({ httpAgent: agent, httpsAgent: agent, connectionTimeout: 6_000 })
}
