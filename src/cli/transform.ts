// millrace transform: a Firehose transformation Lambda on an event file, and what Firehose makes of it.
import { jsonFault, kindOf, MillraceError } from '../errors.js'
import { blueprintNames, type FirehoseBlueprintName, firehoseBlueprint } from '../firehose/blueprints/blueprint.js'
import type { FirehoseEvent } from '../firehose/event.js'
import { type Explanation, explainResponse } from '../firehose/explain.js'
import { firehoseMapping } from '../firehose/mapping/kernel.js'
import type { FirehoseMapping } from '../firehose/mapping/mapping.js'
import { RESPONSE_BYTES } from '../firehose/response.js'
import type { RecordWorker } from '../firehose/run.js'
import { createFirehoseTransformer, type FirehoseTransformerOptions } from '../firehose/transform.js'
import { fileSource } from '../ports/source.js'
import { type Command, type Io, UsageError, type Values } from './command.js'
import { readAll } from './input.js'
import { defaultExport } from './module.js'

const NAMES = blueprintNames.join(', ')

export const command: Command = {
  summary: 'run a Firehose transformation on an event, explain what Firehose does with it',
  help: `Usage: millrace transform (--blueprint NAME [--compat] | --map FILE | --module FILE) [--check] [EVENT]

Reads a Firehose transformation event (JSON) from the file EVENT or from stdin and prints the
response. Every recordId is answered once, whatever the function does, and the response never
is over what Lambda allows; reasons for ProcessingFailed are on stderr.

  --blueprint NAME   ${list(blueprintNames)}
  --compat           the bytes that AWS's own blueprint of that name gives, its faults included
  --map FILE         a mapping of JSON records, as firehoseMapping() takes it: an object of
                     where, select, rename, cast, onCast, redact, hash, salt, remove, add, flatten,
                     format (json, csv), partitionKeys, otf; fields by name or JSON Pointer (/user/id)
  --module FILE      a module whose default export maps one record ({ data, text(), json(), ... })
                     to its outputs: text, bytes, an object (JSON), an array of such; null drops
                     the record. Or options of createFirehoseTransformer, { transform, delimiter, ... }.
  --check            print what Firehose will do with each record in place of the response;
                     exit 1 where it will fail one
  --json             the table of --check as JSON

Example: millrace transform --blueprint apachelog-to-json --check event.json
         echo '{"where":{"field":"level","op":"!=","value":"debug"},"hash":["/user/email"]}' > map.json
         millrace transform --map map.json event.json
`,
  options: {
    blueprint: { type: 'string' },
    map: { type: 'string' },
    compat: { type: 'boolean' },
    module: { type: 'string' },
    check: { type: 'boolean' },
    json: { type: 'boolean' },
  },
  async run(values, positionals, io) {
    if (positionals.length > 1) throw new UsageError(`expected one event, got ${JSON.stringify(positionals[1])} as well`)
    const source = positionals[0] ?? '-'
    const options = await chosen(values, io)
    const transformer = createFirehoseTransformer({
      ...options,
      onFailure(failure) {
        io.log(`record ${failure.record} (${failure.recordId}): ${failure.reason}: ${failure.message}`)
        options.onFailure?.(failure)
      },
    })
    const event = parse(await read(source, io), source, 'a Firehose event')
    const response = await answered(transformer(event as FirehoseEvent), source)
    if (!values.check) {
      await io.write(`${JSON.stringify(response)}\n`)
      return 0
    }
    const explanation = explainResponse(event, response)
    await io.write(values.json ? `${JSON.stringify(explanation)}\n` : table(explanation))
    return explanation.outcomes.some(({ outcome }) => outcome === 'failed') ? 1 : 0
  },
}

async function chosen({ blueprint, compat, map, module }: Values, io: Io): Promise<FirehoseTransformerOptions> {
  if ([blueprint, map, module].filter((one) => one !== undefined).length !== 1)
    throw new UsageError('expected one of --blueprint NAME, --map FILE and --module FILE')
  if (typeof blueprint === 'string') {
    if (!(blueprintNames as string[]).includes(blueprint)) throw new UsageError(`--blueprint expected one of ${NAMES}, got ${JSON.stringify(blueprint)}`)
    try {
      return firehoseBlueprint(blueprint as FirehoseBlueprintName, { compat: compat === true })
    } catch (error) {
      throw new UsageError((error as Error).message)
    }
  }
  if (compat) throw new UsageError('expected --blueprint NAME beside --compat')
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
    throw new MillraceError('IO', (cause as Error).message, { position: { source }, cause })
  }
}

function parse(bytes: Uint8Array, source: string, what: string): unknown {
  const position = { source: source === '-' ? 'stdin' : source }
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

/** A malformed event is no wrong argument here: it is bad input, exit code 1. */
async function answered<T>(response: Promise<T>, source: string): Promise<T> {
  try {
    return await response
  } catch (cause) {
    if (cause instanceof TypeError) throw new MillraceError('BAD_INPUT', cause.message, { position: { source: source === '-' ? 'stdin' : source }, cause })
    throw cause
  }
}

function table({ outcomes, batchFault, bytes }: Explanation): string {
  const rows = [['recordId', 'result', 'outcome', 'code', ''], ...outcomes.map((o) => [o.recordId, o.result ?? '-', o.outcome, o.code ?? '-', o.message])]
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)))
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]))
      .join('  ')
      .trimEnd(),
  )
  const count = (kind: string) => outcomes.filter(({ outcome }) => outcome === kind).length
  lines.push(
    '',
    `${count('delivered')} delivered, ${count('dropped')} dropped, ${count('failed')} failed; the response has ${bytes} of ${RESPONSE_BYTES} bytes`,
  )
  if (batchFault) lines.push(`the whole batch fails: ${batchFault}`)
  return `${lines.join('\n')}\n`
}
