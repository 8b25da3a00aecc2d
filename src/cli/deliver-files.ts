// The files that millrace deliver is told of: configuration, table, module.
import { jsonFault, kindOf, MillraceError, messageOf } from '../errors.js'
import type { DeliveryStreamConfiguration } from '../firehose/delivery/config/configuration.js'
import { readStream, type StreamPlan } from '../firehose/delivery/config/stream.js'
import type { DeliveryHandler } from '../firehose/delivery/lambda.js'
import { importFile } from '../ports/node-place.js'
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

export async function readHandler(file: string): Promise<DeliveryHandler> {
  const position = { source: file }
  let exported: { handler?: unknown; default?: unknown }
  try {
    exported = (await importFile(file)) as typeof exported
  } catch (cause) {
    throw new MillraceError('IO', `cannot be loaded: ${messageOf(cause)}`, { position, cause })
  }
  // A module of CommonJS has its exports in the default one.
  const nested = exported.default as { handler?: unknown } | undefined
  const handler = exported.handler ?? nested?.handler ?? exported.default
  if (typeof handler !== 'function')
    throw new MillraceError('BAD_INPUT', `expected a function as "handler" or default export, got ${kindOf(handler)}`, { position })
  return handler as DeliveryHandler
}
