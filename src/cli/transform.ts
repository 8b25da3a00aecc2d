// millrace transform: a Firehose transformation Lambda on an event file, and what Firehose makes of it.
import { jsonFault, kindOf, MillraceError, messageOf } from '../errors.js'
import { blueprintNames, type FirehoseBlueprintName, firehoseBlueprint } from '../firehose/blueprints/blueprint.js'
import { callHandler, type DeliveryHandler } from '../firehose/delivery/lambda.js'
import type { FirehoseEvent } from '../firehose/event.js'
import { type Explanation, explainResponse, type Outcome } from '../firehose/explain.js'
import { firehoseMapping } from '../firehose/mapping/kernel.js'
import type { FirehoseMapping } from '../firehose/mapping/mapping.js'
import { RESPONSE_BYTES } from '../firehose/response.js'
import type { RecordWorker } from '../firehose/run.js'
import { createFirehoseTransformer, type FirehoseTransformerOptions } from '../firehose/transform.js'
import type { TransformFailure } from '../firehose/transform-failure.js'
import { FIREHOSE_LIMITS } from '../limits.js'
import { fileSource } from '../ports/source.js'
import { type Command, type Io, UsageError, type Values } from './command.js'
import { inputName, readAll } from './input.js'
import { defaultExport, handlerOf } from './module.js'
import { visible } from './places.js'
import { table } from './table.js'

const NAMES = blueprintNames.join(', ')

/** The flags of which each names the function of a Lambda. */
const FUNCTIONS = ['blueprint', 'map', 'module', 'handler']

/** They, and what goes with them, for the `options` of a command. */
export const functionOptions = {
  blueprint: { type: 'string' },
  compat: { type: 'boolean' },
  map: { type: 'string' },
  module: { type: 'string' },
  handler: { type: 'string' },
} as const

export const command: Command = {
  summary: 'run a Firehose transformation on an event, explain what Firehose does with it',
  help: `Usage: millrace transform (--blueprint NAME [--compat] | --map FILE | --module FILE | --handler FILE)
                         [--check] [--json] [EVENT]

Reads a Firehose transformation event (JSON) from the file EVENT or from stdin and prints the
response. But for --handler every recordId is answered once, whatever the function does, and the
response never is over what Lambda allows; reasons for ProcessingFailed are on stderr.

  --blueprint NAME   ${list(blueprintNames)}
  --compat           the bytes that AWS's own blueprint of that name gives, its faults included
  --map FILE         a mapping of JSON records, as firehoseMapping() takes it: an object of
                     where, select, rename, cast, onCast, redact, hash, salt, remove, add, flatten,
                     format (json, csv), partitionKeys, otf; fields by name or JSON Pointer (/user/id)
  --module FILE      a module whose default export maps one record ({ data, text(), json(), ... })
                     to its outputs: text, bytes, an object (JSON), an array of such; null drops
                     the record. Or options of createFirehoseTransformer, { transform, delimiter, ... }.
  --handler FILE     a module whose "handler" or default export is a Lambda's own function, by millrace
                     or not, which takes the event
  --check            print what Firehose will do with each record in place of the response;
                     exit 1 where it will fail one
  --json             the table of --check as JSON

Example: millrace transform --blueprint apachelog-to-json --check event.json
         echo '{"where":{"field":"level","op":"!=","value":"debug"},"hash":["/user/email"]}' > map.json
         millrace transform --map map.json event.json
`,
  options: {
    ...functionOptions,
    check: { type: 'boolean' },
    json: { type: 'boolean' },
  },
  async run(values, positionals, io) {
    if (positionals.length > 1) throw new UsageError(`expected one event, got ${JSON.stringify(positionals[1])} as well`)
    const source = positionals[0] ?? '-'
    const handler = await chosenHandler(values, io, ({ record, recordId, reason, message }) => io.log(`record ${record} (${recordId}): ${reason}: ${message}`))
    if (!handler) throw new UsageError(ONE_OF)
    const event = parse(await read(source, io), source, 'a Firehose event')
    const response = await answered(callHandler(handler, event as FirehoseEvent, values.handler === undefined ? {} : CONTEXT), values.handler, source)
    if (!values.check) {
      await io.write(`${JSON.stringify(response)}\n`)
      return 0
    }
    const explanation = explainResponse(event, response)
    await io.write(values.json ? `${JSON.stringify(explanation)}\n` : text(explanation, io.terminal?.columns ?? 0))
    return explanation.outcomes.some(({ outcome }) => outcome === 'failed') ? 1 : 0
  },
}

const ONE_OF = 'expected one of --blueprint NAME, --map FILE, --module FILE and --handler FILE'
/** What a function that was not made here may ask for: it has all the time that Firehose gives. */
const CONTEXT = { getRemainingTimeInMillis: () => FIREHOSE_LIMITS.transformTime.value }

/** The function that the flags name, a transformer of its options told to `onFailure`; undefined where they name none. */
export async function chosenHandler(values: Values, io: Io, onFailure: (failure: TransformFailure) => void): Promise<DeliveryHandler | undefined> {
  const given = FUNCTIONS.filter((name) => values[name] !== undefined)
  if (given.length > 1) throw new UsageError(ONE_OF)
  if (values.compat && values.blueprint === undefined) throw new UsageError('expected --blueprint NAME beside --compat')
  if (given.length === 0) return undefined
  if (typeof values.handler === 'string') return handlerOf(values.handler)
  const options = await chosen(values, io)
  return createFirehoseTransformer({
    ...options,
    onFailure(failure) {
      onFailure(failure)
      return options.onFailure?.(failure)
    },
  })
}

async function chosen({ blueprint, compat, map, module }: Values, io: Io): Promise<FirehoseTransformerOptions> {
  if (typeof blueprint === 'string') {
    if (!(blueprintNames as string[]).includes(blueprint)) throw new UsageError(`--blueprint expected one of ${NAMES}, got ${JSON.stringify(blueprint)}`)
    try {
      return firehoseBlueprint(blueprint as FirehoseBlueprintName, { compat: compat === true })
    } catch (error) {
      throw new UsageError((error as Error).message)
    }
  }
  if (typeof map === 'string') return { transform: kernelOf(parse(await read(map, io), map, 'a mapping'), map) }
  const file = String(module)
  const exported = await defaultExport(file)
  if (typeof exported === 'function') return { transform: exported as FirehoseTransformerOptions['transform'] }
  if (typeof exported === 'object' && exported !== null && 'transform' in exported) return exported as FirehoseTransformerOptions
  throw new MillraceError('BAD_INPUT', `expected a function as default export, got ${kindOf(exported)}`, { position: { source: file } })
}

/** A wrong mapping is bad input, of its file. */
function kernelOf(mapping: unknown, source: string): RecordWorker {
  try {
    return firehoseMapping(mapping as FirehoseMapping)
  } catch (cause) {
    if (cause instanceof TypeError || cause instanceof RangeError) throw new MillraceError('BAD_INPUT', cause.message, { position: { source }, cause })
    throw cause
  }
}

/** One under the other, as a column of the help has them. */
function list(names: readonly string[]): string {
  return names.join(`\n${' '.repeat(21)}`)
}

async function read(source: string, io: Io): Promise<Uint8Array> {
  try {
    return await readAll(source === '-' ? io.stdin() : fileSource(io.ports, source), source)
  } catch (cause) {
    throw new MillraceError('IO', (cause as Error).message, { position: { source: inputName(source) }, cause })
  }
}

function parse(bytes: Uint8Array, source: string, what: string): unknown {
  const position = { source: inputName(source) }
  let text: string
  try {
    // A byte order mark is dropped by the decoder.
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new MillraceError('BAD_INPUT', `expected ${what} as JSON, got bytes that are no UTF-8`, { position, cause })
  }
  if (text.trim() === '') throw new MillraceError('BAD_INPUT', `expected ${what} as JSON, got nothing`, { position })
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new MillraceError('BAD_INPUT', `expected ${what} as JSON: ${jsonFault(cause)}`, { position })
  }
}

/** A malformed event is no wrong argument here: it is bad input, exit code 1. A function that throws is Firehose's to try again. */
async function answered(response: Promise<unknown>, handler: Values[string], source: string): Promise<unknown> {
  try {
    return await response
  } catch (cause) {
    if (typeof handler === 'string')
      throw new MillraceError('BAD_INPUT', `the function failed, and Firehose would try the batch again: ${messageOf(cause)}`, {
        position: { source: handler },
        cause,
      })
    if (cause instanceof TypeError) throw new MillraceError('BAD_INPUT', cause.message, { position: { source: inputName(source) }, cause })
    throw cause
  }
}

function text({ outcomes, batchFault, bytes }: Explanation, width: number): string {
  const cells = (of: (outcome: Outcome) => string) => outcomes.map((one) => visible(of(one)))
  const lines = table(
    [
      { head: 'recordId', cells: cells(({ recordId }) => recordId), least: 16 },
      { head: 'result', cells: cells(({ result }) => result ?? '-') },
      { head: 'outcome', cells: cells(({ outcome }) => outcome) },
      { head: 'code', cells: cells(({ code }) => code ?? '-') },
      { head: '', cells: cells(({ message }) => message), least: 8, drop: 1 },
    ],
    width,
  )
  const count = (kind: string) => outcomes.filter(({ outcome }) => outcome === kind).length
  lines.push(
    '',
    `${count('delivered')} delivered, ${count('dropped')} dropped, ${count('failed')} failed; the response has ${bytes} of ${RESPONSE_BYTES} bytes`,
  )
  if (batchFault) lines.push(`the whole batch fails: ${visible(batchFault)}`)
  return `${lines.join('\n')}\n`
}
