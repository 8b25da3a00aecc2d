// --stream, --endpoint, --region -> the stream that a command works with.
import { type AwsClient, type AwsClientConfig, createKinesisClient, localDefaults } from '../ports/aws.js'
import { textOption, UsageError, type Values } from './command.js'

/** The options, for a command's `options`. */
export const streamOptions = { stream: { type: 'string' }, endpoint: { type: 'string' }, region: { type: 'string' } } as const

/** Their lines in a command's help. */
export const streamHelp = `  --stream S       name or ARN of the stream
  --endpoint URL   of the service, for a local server; credentials and region are
                   the AWS SDK's business, and made up for a server on this machine
  --region R       where the environment does not say`

/** Throws UsageError for what CreateStream takes for no name. */
export function checkStreamName(name: string): void {
  if (!/^[\w.-]{1,128}$/.test(name)) throw new UsageError(`--stream expected a name of 1 to 128 letters, digits, "_", "." and "-", got ${JSON.stringify(name)}`)
}

/** The stream and a client of the user's own SDK. Throws MISSING_PEER where that is not installed. */
export async function openStream(values: Values): Promise<{ streamName?: string; streamARN?: string; client: AwsClient }> {
  const { stream } = values
  if (typeof stream !== 'string' || stream === '') throw new UsageError('expected --stream S')
  if (!stream.startsWith('arn:')) checkStreamName(stream)
  const client = await createKinesisClient(clientConfig(values))
  return { ...(stream.startsWith('arn:') ? { streamARN: stream } : { streamName: stream }), client }
}

/** What --endpoint and --region say of a client. Throws UsageError. */
export function clientConfig(values: Values): AwsClientConfig {
  const { endpoint } = values
  const region = textOption(values, 'region', 'the name of a region such as eu-central-1')
  if (typeof endpoint === 'string' && !(/^https?:/.test(endpoint) && URL.canParse(endpoint)))
    throw new UsageError(`--endpoint expected an http or https URL, got ${JSON.stringify(endpoint)}`)
  return {
    ...(typeof endpoint === 'string' ? { ...localDefaults(endpoint), endpoint } : {}),
    ...(region === undefined ? {} : { region }),
  }
}
