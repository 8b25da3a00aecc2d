// The files that millrace deliver is told of: configuration and table.
import { jsonFault, MillraceError } from '../errors.js'
import type { DeliveryStreamConfiguration } from '../firehose/delivery/config/configuration.js'
import { readStream, type StreamPlan } from '../firehose/delivery/config/stream.js'
import { fileSource } from '../ports/source.js'
import { type Io, textOption, UsageError, type Values } from './command.js'
import { readAll } from './input.js'
import { streamsOf, TYPE } from './template.js'

export interface ConfigFile {
  file: string
  config: DeliveryStreamConfiguration
  plan: StreamPlan
}

/** The streams of a file: one, or those of a CloudFormation template, of them `resource` alone where that is given. */
export async function readConfigs(io: Io, file: string, resource: string | undefined): Promise<ConfigFile[]> {
  const given = parse(await readText(io, file), file)
  const streams = await named(file, () => streamsOf(given))
  const checked = (source: string, config: unknown) =>
    named(source, () => ({ file: source, config: config as DeliveryStreamConfiguration, plan: readStream(config) }))
  if (streams === undefined) {
    if (resource !== undefined) throw new UsageError(`--resource expected a CloudFormation template, got ${file}`)
    return [await checked(file, given)]
  }
  const ids = [...streams.keys()]
  if (ids.length === 0) throw new MillraceError('CONFIG', `expected a resource of type ${TYPE}, got none`, { position: { source: file } })
  if (resource !== undefined && !streams.has(resource)) throw new UsageError(`--resource expected one of ${ids.join(', ')}, got ${JSON.stringify(resource)}`)
  const chosen = resource === undefined ? ids : [resource]
  return Promise.all(chosen.map((id) => checked(`${file}, ${id}`, streams.get(id))))
}

/** The one stream of the one file that --config names. */
export async function readOneConfig(io: Io, values: Values): Promise<ConfigFile> {
  const files = [values.config ?? []].flat() as string[]
  if (files.length !== 1) throw new UsageError(`expected --config FILE once, got it ${files.length} times`)
  const configs = await readConfigs(io, files[0], resourceOf(values))
  if (configs.length > 1) throw new UsageError(`expected --resource ID: ${files[0]} has ${configs.length} delivery streams`)
  return configs[0]
}

export const resourceOf = (values: Values) => textOption(values, 'resource', 'the logical id of a delivery stream')

/** A fault of a configuration is none of the command line: exit code 1, with the file's name. */
export async function named<T>(file: string, read: () => T): Promise<T> {
  try {
    return read()
  } catch (cause) {
    if (cause instanceof UsageError || !(cause instanceof Error)) throw cause
    throw new MillraceError('CONFIG', cause.message, { position: { source: file }, cause })
  }
}

async function readText(io: Io, file: string): Promise<string> {
  const bytes = await readAll(fileSource(io.ports, file), file, 16 << 20)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new MillraceError('BAD_INPUT', 'expected text, got bytes that are no UTF-8', { position: { source: file }, cause })
  }
}

function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new MillraceError('BAD_INPUT', `expected JSON: ${jsonFault(cause)}`, { position: { source: file }, cause })
  }
}

/** JSON where it is some, else DDL. */
export async function readTable(io: Io, file: string): Promise<string | object> {
  const text = await readText(io, file)
  return /^\s*[{[]/.test(text) ? (parse(text, file) as object) : text
}
