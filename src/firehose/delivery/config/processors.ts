// ProcessingConfiguration: what is done with records between the put and the object. The order in which processors are
// declared has no effect (captures of real streams); each stage runs once.
import { fromBase64 } from '../../../engine/base64.js'
import { MillraceError, outOfRange } from '../../../errors.js'
import { FIREHOSE_LIMITS } from '../../../limits.js'
import { parseQuery, type Query } from '../jq/parse.js'
import { flag, list, object, oneOf, optional, text } from './shape.js'

/** A Lambda processor. */
export interface LambdaPlan {
  arn: string
  /** Invocations of one batch beyond the first. */
  retries: number
  /** Bytes of the records of a batch, before base64, at which it is sent. */
  bytes: number
  /** Milliseconds from a batch's first record at which it is sent. */
  interval: number
}

/** The stages, in their order. */
export interface ProcessingPlan {
  decompress: boolean
  /** Whether the messages are taken out of the envelopes of CloudWatch Logs. */
  extract: boolean
  /** Multi-record de-aggregation. */
  split: 'JSON' | Uint8Array | undefined
  lambda: LambdaPlan | undefined
  query: Query | undefined
  /** Whether LF stands between records. */
  delimiter: boolean
}

const PARAMETERS = {
  Lambda: ['LambdaArn', 'NumberOfRetries', 'RoleArn', 'BufferSizeInMBs', 'BufferIntervalInSeconds'],
  Decompression: ['CompressionFormat'],
  CloudWatchLogProcessing: ['DataMessageExtraction'],
  RecordDeAggregation: ['SubRecordType', 'Delimiter'],
  MetadataExtraction: ['MetadataExtractionQuery', 'JsonParsingEngine'],
  // Firehose takes any and uses none: it is a line feed always.
  AppendDelimiterToRecord: ['Delimiter'],
} as const
type ProcessorType = keyof typeof PARAMETERS

const processing = object({
  Enabled: optional(flag),
  Processors: optional(
    list(
      object({
        Type: oneOf(Object.keys(PARAMETERS) as ProcessorType[]),
        Parameters: optional(list(object({ ParameterName: text(1, 64), ParameterValue: text(1, 5120) }), 0, 100)),
      }),
      0,
      100,
    ),
  ),
})

export const NO_PROCESSING: ProcessingPlan = { decompress: false, extract: false, split: undefined, lambda: undefined, query: undefined, delimiter: false }
const MIB = 1024 * 1024

/** Throws TypeError, RangeError or CONFIG with the path of what is wrong. */
export function readProcessing(value: unknown, path: string): ProcessingPlan {
  const { Enabled = false, Processors = [] } = processing(value, path)
  const plan = { ...NO_PROCESSING }
  const seen = new Set<ProcessorType>()
  for (const [i, { Type, Parameters = [] }] of Processors.entries()) {
    const at = `${path}.Processors[${i}]`
    const given = new Map<string, { value: string; path: string }>()
    for (const [k, { ParameterName, ParameterValue }] of Parameters.entries()) {
      const known: readonly string[] = PARAMETERS[Type]
      if (!known.includes(ParameterName)) throw outOfRange(`${at}.Parameters[${k}].ParameterName`, `one of ${known.join(', ')}`, ParameterName)
      given.set(ParameterName, { value: ParameterValue, path: `${at}.Parameters[${k}].ParameterValue` })
    }
    if (Type === 'Lambda' && seen.has(Type)) throw new MillraceError('CONFIG', `"${at}" expected one Lambda processor at most, got another one`)
    seen.add(Type)
    read[Type](plan, parametersOf(given, at))
  }
  if (!Enabled) return NO_PROCESSING
  if (Processors.length < 1 || Processors.length > 5)
    throw new MillraceError('CONFIG', `"${path}.Processors" expected 1 to 5 processors where processing is enabled, got ${Processors.length}`)
  if (seen.has('CloudWatchLogProcessing') && !plan.decompress)
    throw new MillraceError('CONFIG', `"${path}.Processors" expected Decompression beside CloudWatchLogProcessing`)
  return plan
}

interface Parameters {
  needed(name: string): { value: string; path: string }
  word(name: string, words: readonly string[], fallback?: string): string
  number(name: string, least: number, most: number, fallback: number, whole?: boolean): number
}

function parametersOf(given: ReadonlyMap<string, { value: string; path: string }>, at: string): Parameters {
  const needed = (name: string) => {
    const found = given.get(name)
    if (found === undefined) throw new MillraceError('CONFIG', `"${at}.Parameters" expected ${name}`)
    return found
  }
  return {
    needed,
    word(name, words, fallback) {
      if (fallback !== undefined && !given.has(name)) return fallback
      const { value, path } = needed(name)
      const word = words.find((one) => one.toLowerCase() === value.toLowerCase())
      if (word === undefined) throw outOfRange(path, `one of ${words.join(', ')}`, value)
      return word
    },
    number(name, least, most, fallback, whole = true) {
      const found = given.get(name)
      if (found === undefined) return fallback
      const number = /^\d+(\.\d+)?$/.test(found.value.trim()) ? Number(found.value) : Number.NaN
      if (!(number >= least && number <= most) || (whole && !Number.isInteger(number)))
        throw outOfRange(found.path, `a ${whole ? 'whole ' : ''}number from ${least} to ${most}`, found.value)
      return number
    },
  }
}

const read: Readonly<Record<ProcessorType, (plan: ProcessingPlan, parameters: Parameters) => void>> = {
  Lambda(plan, { needed, number }) {
    plan.lambda = {
      arn: needed('LambdaArn').value,
      retries: number('NumberOfRetries', 0, 300, FIREHOSE_LIMITS.transformRetries.value),
      bytes: Math.round(number('BufferSizeInMBs', 0.2, 3, 1, false) * MIB),
      interval: 1000 * number('BufferIntervalInSeconds', 0, 900, 60),
    }
  },
  Decompression(plan, { word }) {
    word('CompressionFormat', ['GZIP'], 'GZIP')
    plan.decompress = true
  },
  CloudWatchLogProcessing(plan, { word }) {
    plan.extract = word('DataMessageExtraction', ['true', 'false']) === 'true'
  },
  RecordDeAggregation(plan, { word, needed }) {
    plan.split = word('SubRecordType', ['JSON', 'DELIMITED']) === 'JSON' ? 'JSON' : delimiter(needed('Delimiter'))
  },
  MetadataExtraction(plan, { word, needed }) {
    word('JsonParsingEngine', ['JQ-1.6'])
    const { value, path } = needed('MetadataExtractionQuery')
    plan.query = parseQuery(value, path)
  },
  AppendDelimiterToRecord(plan) {
    plan.delimiter = true
  },
}

function delimiter({ value, path }: { value: string; path: string }): Uint8Array {
  try {
    const bytes = fromBase64(value, 'strict')
    if (bytes.length > 0) return bytes
  } catch {
    // told below
  }
  throw outOfRange(path, 'base64 of a delimiter', value)
}
