// Firehose's S3 prefixes: text with !{namespace:value} in it, evaluated once for each object. Source: the
// developer guide's "Custom prefixes for Amazon S3 objects"; what it leaves open follows captures of real streams.
import { MillraceError, type Position } from '../../errors.js'
import { FIREHOSE_LIMITS } from '../../limits.js'
import { datePattern, PatternFault } from './date-pattern.js'
import { type Moment, momentOf, type Zone } from './zone.js'

/** What a prefix is evaluated with, for one object. */
export interface PrefixValues {
  /** Arrival of the oldest record in the object, milliseconds since the epoch. */
  time: number
  zone: Zone
  /** Eleven characters, new ones at each call. */
  randomString(): string
  /** `processing-failed`, `format-conversion-failed` ...; of an error prefix only. */
  errorType?: string | undefined
  /** The partition that the object belongs to. */
  query?: Readonly<Record<string, string>> | undefined
  lambda?: Readonly<Record<string, string>> | undefined
}

export interface Prefix {
  readonly text: string
  /** Names of the partition keys that it asks for. */
  readonly queryKeys: readonly string[]
  readonly lambdaKeys: readonly string[]
  /** Throws LIMIT_EXCEEDED where it comes to more than 512 characters. */
  evaluate(values: PrefixValues): string
}

/** `prefix`: of the objects delivered; `error`: ErrorOutputPrefix. */
export type PrefixKind = 'prefix' | 'error'

const LONGEST = FIREHOSE_LIMITS.prefixCharacters.value
const NAMESPACES = ['timestamp', 'firehose', 'partitionKeyFromQuery', 'partitionKeyFromLambda'] as const
/** What is put behind a prefix that says nothing of time. */
const HOUR = datePattern('yyyy/MM/dd/HH/')

type Part = (values: PrefixValues, moment: Moment) => string
interface Parsed {
  parts: Part[]
  /** What its expressions ask for: `timestamp`, `error-output-type`, `random-string`, `query`, `lambda`. */
  asked: Set<string>
  queryKeys: string[]
  lambdaKeys: string[]
}

/**
 * Reads a prefix. Throws CONFIG that names the place (`position.offset`: characters from its start) of what is wrong.
 *
 * A prefix without a timestamp, and an error prefix without any expression, gets yyyy/MM/dd/HH/ behind it, and no
 * slash before that. `afterRandom`: whether a prefix that has random-string alone does so too, as the guide says; real
 * streams were seen to add nothing there (default).
 */
export function readPrefix(text: string, kind: PrefixKind, label: string, { afterRandom = false }: { afterRandom?: boolean } = {}): Prefix {
  const { parts, asked, queryKeys, lambdaKeys } = parse(text, kind, label)
  if (kind === 'error' && asked.size > 0 && !asked.has('error-output-type')) {
    throw new MillraceError('CONFIG', `"${label}" expected !{firehose:error-output-type} beside its other expressions, got ${JSON.stringify(text)}`)
  }
  // One of plain text is followed by the error type.
  if (kind === 'error' && asked.size === 0) parts.push(({ errorType }) => `${errorType}/`)
  const randomAlone = asked.size === 1 && asked.has('random-string')
  const timeless = kind === 'error' ? asked.size === 0 : !asked.has('timestamp') && (!randomAlone || afterRandom)
  if (timeless) parts.push((_, moment) => HOUR(moment))
  return {
    text,
    queryKeys,
    lambdaKeys,
    evaluate(values) {
      const moment = momentOf(values.time, values.zone)
      // Half of a surrogate pair, which JSON can hold, is no text that a key could be.
      const made = parts
        .map((part) => part(values, moment))
        .join('')
        .replace(/\p{Surrogate}/gu, '\ufffd')
      if (made.length > LONGEST)
        throw new MillraceError('LIMIT_EXCEEDED', `"${label}" expected at most ${LONGEST} characters once evaluated, got ${made.length}`)
      return made
    },
  }
}

function parse(text: string, kind: PrefixKind, label: string): Parsed {
  const parts: Part[] = []
  const asked = new Set<string>()
  const queryKeys: string[] = []
  const lambdaKeys: string[] = []
  const fault = (at: number, message: string): MillraceError => {
    const position: Position = { source: label, offset: at }
    return new MillraceError('CONFIG', `${message} in ${JSON.stringify(text)}`, { position })
  }
  for (let at = 0; at < text.length; ) {
    const start = text.indexOf('!{', at)
    const literal = text.slice(at, start < 0 ? text.length : start)
    if (literal !== '') parts.push(() => literal)
    if (start < 0) break
    const end = text.indexOf('}', start)
    if (end < 0) throw fault(start, 'expected a } that ends the expression')
    const colon = text.indexOf(':', start)
    if (colon < 0 || colon > end) throw fault(start, 'expected !{namespace:value}')
    const namespace = text.slice(start + 2, colon)
    const value = text.slice(colon + 1, end)
    const values = colon + 1
    at = end + 1
    if (value === '') throw fault(values, `expected a value behind ${namespace}:`)
    switch (namespace) {
      case 'timestamp': {
        parts.push(timestamp(value, values, fault))
        asked.add('timestamp')
        break
      }
      case 'firehose':
        if (value === 'random-string') parts.push(({ randomString }) => randomString())
        else if (value === 'error-output-type' && kind === 'error') parts.push(({ errorType }) => errorType ?? '')
        else if (value === 'error-output-type') throw fault(values, 'expected error-output-type in ErrorOutputPrefix only')
        else throw fault(values, `expected random-string${kind === 'error' ? ' or error-output-type' : ''}, got ${JSON.stringify(value)}`)
        asked.add(value)
        break
      case 'partitionKeyFromQuery':
      case 'partitionKeyFromLambda': {
        if (kind === 'error') throw fault(start, `expected no ${namespace} in ErrorOutputPrefix`)
        const query = namespace === 'partitionKeyFromQuery'
        ;(query ? queryKeys : lambdaKeys).push(value)
        parts.push((given) => (query ? given.query : given.lambda)?.[value] ?? '')
        asked.add(query ? 'query' : 'lambda')
        break
      }
      default:
        throw fault(start + 2, `expected one of ${NAMESPACES.join(', ')}, got ${JSON.stringify(namespace)}`)
    }
  }
  return { parts, asked, queryKeys, lambdaKeys }
}

function timestamp(pattern: string, from: number, fault: (at: number, message: string) => MillraceError): Part {
  try {
    const write = datePattern(pattern)
    return (_, moment) => write(moment)
  } catch (error) {
    if (error instanceof PatternFault) throw fault(from + error.at, error.message)
    throw error
  }
}
