// Commands of an AWS service, sent by the user's own client or by one that is made from their configuration.
import { MillraceError, wrongType } from '../errors.js'
import { type AwsClient, type AwsClientConfig, checkClient, isConfigured } from './aws.js'
import type { Clock } from './ports.js'
import { withTimeout } from './timeout.js'

export interface ClientOptions {
  client?: AwsClient | undefined
  clientConfig?: AwsClientConfig | undefined
  commands?: object | undefined
}

/** Where clients and commands come from that the user does not give. */
export interface Peer {
  load(): Promise<object>
  create(config: AwsClientConfig): Promise<AwsClient>
}

export interface Calls {
  /**
   * Builds the client and looks whether it has a region and credentials; nothing where that is done. The calls do
   * so too. Rejects with MISSING_PEER or CONFIG, and the next call tries anew.
   */
  connect(): Promise<void> | undefined
  /** Sends `${command}Command`. `ms`: in place of the timeout of all calls. */
  call<T>(command: string, input: object, signal?: AbortSignal, ms?: number): Promise<T>
  /** As `call`, for an answer that goes on as a stream: the signal ends that too, and is to be aborted where this rejects. */
  open<T>(command: string, input: object, signal: AbortSignal): Promise<T>
  /** Closes a client that was made here; a client of the user's stays open. */
  destroy(): void
}

/** For factories: what of the options concerns the client. */
export function checkClientOptions({ client, clientConfig, commands }: ClientOptions, peer: string): void {
  if (client !== undefined && typeof client?.send !== 'function') throw wrongType('client', 'an object with send(command)', client)
  if (clientConfig !== undefined && (clientConfig === null || typeof clientConfig !== 'object')) throw wrongType('clientConfig', 'an object', clientConfig)
  if (client && clientConfig) throw wrongType('clientConfig', 'nothing beside "client"', clientConfig)
  if (commands !== undefined && (commands === null || typeof commands !== 'object')) throw wrongType('commands', `the exports of ${peer}`, commands)
}

/**
 * The client is built at the first call. A call that has no answer after `timeout` milliseconds is
 * aborted and rejects with a TimeoutError.
 */
export function createCalls(options: ClientOptions, peer: Peer, clock: Clock, timeout: number): Calls {
  let own: AwsClient | undefined
  let destroyed = false
  let connecting: Promise<void> | undefined
  let ready = options.client && options.commands && !isConfigured(options.client) ? { client: options.client, commands: options.commands } : undefined

  const open = async () => {
    const commands = options.commands ?? (await peer.load())
    const client = options.client ?? own ?? (await peer.create(options.clientConfig ?? {}))
    if (!options.client) own = client
    if (destroyed) own?.destroy?.()
    await withTimeout(clock, timeout, undefined, () => checkClient(client)).catch((error: unknown) => {
      if (error instanceof MillraceError) throw error
    })
    ready = { client, commands }
  }
  const connect = () => {
    if (ready) return undefined
    connecting ??= open().finally(() => {
      connecting = undefined
    })
    return connecting
  }
  const sender = async (command: string, input: object) => {
    await connect()
    const { client, commands } = ready as NonNullable<typeof ready>
    const Command = (commands as Record<string, new (input: object) => object>)[`${command}Command`]
    if (typeof Command !== 'function') throw wrongType('commands', `an object with ${command}Command`, commands)
    return (abortSignal: AbortSignal) => client.send(new Command(input), { abortSignal })
  }
  return {
    connect,
    async call<T>(command: string, input: object, outer?: AbortSignal, ms = timeout): Promise<T> {
      const send = await sender(command, input)
      return (await withTimeout(clock, ms, outer, send)) as T
    },
    async open<T>(command: string, input: object, signal: AbortSignal): Promise<T> {
      const send = await sender(command, input)
      return (await withTimeout(clock, timeout, signal, () => send(signal))) as T
    },
    destroy() {
      destroyed = true
      own?.destroy?.()
    },
  }
}
