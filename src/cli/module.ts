// What --module FILE and --handler FILE name.
import { kindOf, MillraceError, messageOf } from '../errors.js'
import type { DeliveryHandler } from '../firehose/delivery/lambda.js'
import { importFile } from '../ports/node-place.js'

/** The default export of the user's module; undefined where it has none. Throws IO where it cannot be loaded. */
export async function defaultExport(file: string): Promise<unknown> {
  return (await load(file)).default
}

/** The function of a Lambda: the export `handler`, or the default one. Throws IO where the module cannot be loaded, BAD_INPUT where it has none. */
export async function handlerOf(file: string): Promise<DeliveryHandler> {
  const exported = await load(file)
  // A module of CommonJS has its exports in the default one.
  const nested = exported.default as { handler?: unknown } | null | undefined
  const handler = exported.handler ?? nested?.handler ?? exported.default
  if (typeof handler !== 'function')
    throw new MillraceError('BAD_INPUT', `expected a function as "handler" or default export, got ${kindOf(handler)}`, { position: { source: file } })
  return handler as DeliveryHandler
}

async function load(file: string): Promise<{ handler?: unknown; default?: unknown }> {
  try {
    return (await importFile(file)) as { handler?: unknown; default?: unknown }
  } catch (cause) {
    throw new MillraceError('IO', `cannot be loaded: ${messageOf(cause)}`, { position: { source: file }, cause })
  }
}
