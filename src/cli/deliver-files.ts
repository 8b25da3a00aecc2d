// The files that millrace deliver is told of: configuration and table.
import { jsonFault, MillraceError } from '../errors.js'
import type { DeliveryStreamConfiguration } from '../firehose/delivery/config/configuration.js'
import { readStream, type StreamPlan } from '../firehose/delivery/config/stream.js'
import { fileSource } from '../ports/source.js'
import { type Io, UsageError } from './command.js'
import { readAll } from './input.js'

export async function readConfig(io: Io, file: string): Promise<{ config: DeliveryStreamConfiguration; plan: StreamPlan }> {
  const config = parse(await readText(io, file), file) as DeliveryStreamConfiguration
  return { config, plan: await named(file, () => readStream(config)) }
}

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
