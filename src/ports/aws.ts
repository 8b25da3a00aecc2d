// The transport port: whatever sends AWS commands. A client is the user's own, or built here from
// the user's own optional peers; credentials are always the SDK's business.
import { MillraceError } from '../errors.js'
import { keepAliveHandler } from './http.js'
import { missingPeer } from './peer.js'

/** Anything that sends AWS SDK v3 commands: a `KinesisClient`, a wrapper round one, a fake. */
export interface AwsClient {
  send(command: object, options?: { abortSignal?: AbortSignal }): Promise<unknown>
  destroy?(): void
}

/** Passed on to `new KinesisClient(...)` as it is. */
export type AwsClientConfig = Record<string, unknown>

/** For the catch() behind an import of a literal specifier: so bundlers take the peer along where it is installed, and pass over it where it is not. */
const absent = (name: string, purpose: string) => (cause: unknown) => {
  throw missingPeer(name, purpose, cause)
}

export interface KinesisPeer {
  KinesisClient: new (config: AwsClientConfig) => AwsClient
}

/** The user's `@aws-sdk/client-kinesis`. Throws MISSING_PEER where it is not installed. */
export async function loadKinesisPeer(): Promise<KinesisPeer> {
  const loaded: unknown = await import('@aws-sdk/client-kinesis').catch(absent('@aws-sdk/client-kinesis', 'to talk to Kinesis'))
  return loaded as KinesisPeer
}

/**
 * A client of the user's SDK over keep-alive HTTP/1.1. The SDK's own default opens a TLS connection
 * for every request: 5.7 ms a PutRecords on loopback against 2.1 ms. The SDK tries once; whoever
 * calls retries, by record and with one clock.
 */
export async function createKinesisClient(config: AwsClientConfig): Promise<AwsClient> {
  const { KinesisClient } = await loadKinesisPeer()
  const requestHandler = config.requestHandler ?? (await keepAliveHandler())
  return new KinesisClient({ maxAttempts: 1, ...config, ...(requestHandler ? { requestHandler } : {}) })
}

export interface DynamoPeer {
  DynamoDBClient: new (config: AwsClientConfig) => AwsClient
}

/** The user's `@aws-sdk/client-dynamodb`. Throws MISSING_PEER where it is not installed. */
export async function loadDynamoPeer(): Promise<DynamoPeer> {
  const loaded: unknown = await import('@aws-sdk/client-dynamodb').catch(absent('@aws-sdk/client-dynamodb', 'to keep checkpoints in DynamoDB'))
  return loaded as DynamoPeer
}

/** A client of the user's SDK, whose own handler keeps its connections; it tries once, as whoever calls retries. */
export async function createDynamoClient(config: AwsClientConfig): Promise<AwsClient> {
  const { DynamoDBClient } = await loadDynamoPeer()
  return new DynamoDBClient({ maxAttempts: 1, ...config })
}

export interface FirehosePeer {
  FirehoseClient: new (config: AwsClientConfig) => AwsClient
}

/** The user's `@aws-sdk/client-firehose`. Throws MISSING_PEER where it is not installed. */
export async function loadFirehosePeer(): Promise<FirehosePeer> {
  const loaded: unknown = await import('@aws-sdk/client-firehose').catch(absent('@aws-sdk/client-firehose', 'to put records into a delivery stream'))
  return loaded as FirehosePeer
}

/** A client of the user's SDK, which tries once, as whoever calls retries by record. */
export async function createFirehoseClient(config: AwsClientConfig): Promise<AwsClient> {
  const { FirehoseClient } = await loadFirehosePeer()
  return new FirehoseClient({ maxAttempts: 1, ...config })
}

export interface S3Peer {
  S3Client: new (config: AwsClientConfig) => AwsClient
}

/** The user's `@aws-sdk/client-s3`. Throws MISSING_PEER where it is not installed. */
export async function loadS3Peer(): Promise<S3Peer> {
  const loaded: unknown = await import('@aws-sdk/client-s3').catch(absent('@aws-sdk/client-s3', 'to put objects into S3'))
  return loaded as S3Peer
}

/** A client of the user's SDK, with its own retries: an object is one request. */
export async function createS3Client(config: AwsClientConfig): Promise<AwsClient> {
  const { S3Client } = await loadS3Peer()
  return new S3Client(config)
}

/**
 * Reads the region and the credentials that a client of the SDK signs its requests with (its `config`), as each of them does: what is
 * missing there fails them all. Throws CONFIG, which says what to set. A provider that fails in another way may be
 * there for the next request; a client without a `config` is not looked into.
 */
export async function checkClient(client: AwsClient): Promise<void> {
  const { region, credentials } = configOf(client)
  if (typeof region === 'function') {
    await region().catch((cause: unknown) => {
      throw missing('region', 'the environment (AWS_REGION) or the profile', cause)
    })
  }
  if (typeof credentials !== 'function') return
  await credentials().catch((cause: unknown) => {
    const { name, message } = cause as Error
    if (name !== 'CredentialsProviderError' && name !== 'TokenProviderError' && message !== 'Credential is missing') return
    throw missing('credentials', 'the environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY), a profile or a role', cause)
  })
}

/** Whether checkClient has something to read. */
export function isConfigured(client: AwsClient): boolean {
  const { region, credentials } = configOf(client)
  return typeof region === 'function' || typeof credentials === 'function'
}

function configOf(client: AwsClient): { region?: () => Promise<unknown>; credentials?: () => Promise<unknown> } {
  return (client as { config?: object }).config ?? {}
}

function missing(what: string, places: string, cause: unknown): MillraceError {
  return new MillraceError('CONFIG', `AWS ${what}: expected in the client's configuration (${what}), ${places}, got none (${(cause as Error).message})`, {
    cause,
  })
}

/**
 * Region and credentials for a server on this machine (kinesalite, kinesis-local, dynalite, LocalStack) where the
 * environment names none: such servers check neither. Nothing for any other endpoint.
 */
export function localDefaults(endpoint: string): AwsClientConfig {
  const { hostname } = new URL(endpoint)
  if (!/^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)) return {}
  const env = typeof process === 'undefined' ? {} : process.env
  return {
    ...(env.AWS_REGION || env.AWS_DEFAULT_REGION ? {} : { region: 'us-east-1' }),
    ...(env.AWS_ACCESS_KEY_ID || env.AWS_PROFILE ? {} : { credentials: { accessKeyId: 'local', secretAccessKey: 'local' } }),
  }
}
