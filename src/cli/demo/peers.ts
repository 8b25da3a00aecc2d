// The development packages that the demo runs on, loaded by name when it starts.
import { MillraceError } from '../../errors.js'
import { defaultEnvironment, packageFile } from '../../ports/node-place.js'

/** kinesalite in process: an http.Server with a Kinesis behind it. */
export interface Kinesalite {
  /** Milliseconds after which an idle connection is closed. */
  keepAliveTimeout: number
  listen(port: number, host: string, done: () => void): void
  close(done: (error?: Error) => void): void
  address(): { port: number } | null
  on(event: 'error', listener: (error: Error) => void): void
  on(event: 'request', listener: (request: KinesaliteRequest, response: KinesaliteResponse) => void): void
}

interface KinesaliteRequest {
  on(event: 'end', listener: () => void): void
}

interface KinesaliteResponse {
  end(...args: unknown[]): unknown
}

export interface Peers {
  flights: string
  hyparquet: typeof import('hyparquet')
  compressors: typeof import('hyparquet-compressors').compressors
  duckdb: typeof import('@duckdb/node-api')
  kinesis: typeof import('@aws-sdk/client-kinesis')
  http: typeof import('@smithy/node-http-handler')
  kinesalite: (options: object) => Kinesalite
}

const FLIGHTS = 'flights-3m.parquet'

/** Throws MISSING_PEER, with all that is missing, where the development packages are not installed. */
export async function loadPeers(): Promise<Peers> {
  const missing: string[] = []
  async function load<T>(name: string): Promise<T> {
    // A name in a variable: no bundler shall take the demo's servers along.
    const loaded = await import(name).catch((error: { code?: string }) => {
      if (error.code !== 'ERR_MODULE_NOT_FOUND' && error.code !== 'MODULE_NOT_FOUND') throw error
      missing.push(name)
      return {}
    })
    return loaded as T
  }
  // The SDK would print a page about the end of Node 20 over the progress line.
  defaultEnvironment('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true')
  const hyparquet = await load<Peers['hyparquet']>('hyparquet')
  const { compressors } = await load<typeof import('hyparquet-compressors')>('hyparquet-compressors')
  const duckdb = await load<Peers['duckdb']>('@duckdb/node-api')
  const kinesis = await load<Peers['kinesis']>('@aws-sdk/client-kinesis')
  const http = await load<Peers['http']>('@smithy/node-http-handler')
  const { default: kinesalite } = await load<{ default: Peers['kinesalite'] }>('kinesalite')
  const flights = packageFile('vega-datasets', `data/${FLIGHTS}`)
  if (flights === undefined) missing.push('vega-datasets')
  if (missing.length > 0)
    throw new MillraceError('MISSING_PEER', `the demo runs on development packages that are not here; npm install --no-save ${missing.join(' ')}`)
  return { flights: flights as string, hyparquet, compressors, duckdb, kinesis, http, kinesalite }
}
