// Ready transformations by the names of AWS's Lambda blueprints, the "kinesis-firehose-" left out, and some that AWS has not.
import { CSV, KERNEL_APACHE, KERNEL_IDENTITY, KERNEL_SYSLOG } from '../../engine/transform-core.js'
import { checkKeys, outOfRange, wrongType } from '../../errors.js'
import type { FirehoseInput } from '../input.js'
import { RecordKernel } from '../kernel.js'
import type { FirehoseTransformerOptions } from '../transform.js'
import { apacheToCsv, apacheToJson, cloudWatchLogs, syslogToCsv, syslogToJson } from './compat.js'
import { explainLine } from './reasons.js'

type Options = Pick<FirehoseTransformerOptions, 'transform' | 'delimiter' | 'deaggregate' | 'gunzip' | 'logs'>

/** For createFirehoseTransformer: `{ ...firehoseBlueprint(name), overflow, onFailure }`. */
export type FirehoseBlueprint = Readonly<Options>

export interface FirehoseBlueprintOptions {
  /** The very bytes that AWS's blueprint of this name gives, what is wrong with them included (see each name). Default false. */
  compat?: boolean | undefined
}

const asItIs = { delimiter: '', deaggregate: false, gunzip: false, logs: false }
const identity = new RecordKernel({ kernel: KERNEL_IDENTITY, options: 0 }, String)
const lines = (kernel: number, options: number) => new RecordKernel({ kernel, options }, explainLine)

interface Entry {
  fixed: FirehoseBlueprint
  /** What AWS has under this name, where it has something. */
  compat?: FirehoseBlueprint
}

const BLUEPRINTS = {
  'process-record': { fixed: { transform: identity, ...asItIs }, compat: { transform: identity, ...asItIs } },
  'apachelog-to-json': { fixed: { transform: lines(KERNEL_APACHE, 0) }, compat: { transform: apacheToJson, ...asItIs } },
  'apachelog-to-csv': { fixed: { transform: lines(KERNEL_APACHE, CSV) }, compat: { transform: apacheToCsv, ...asItIs } },
  'syslog-to-json': { fixed: { transform: lines(KERNEL_SYSLOG, 0) }, compat: { transform: syslogToJson, ...asItIs } },
  'syslog-to-csv': { fixed: { transform: lines(KERNEL_SYSLOG, CSV) }, compat: { transform: syslogToCsv, ...asItIs } },
  'cloudwatch-logs-processor': { fixed: { transform: logMessage }, compat: { transform: cloudWatchLogs, ...asItIs } },
  kpl: { fixed: { transform: identity, gunzip: false, logs: false } },
} satisfies Record<string, Entry>

/**
 * - `process-record`: each record as it is, byte for byte.
 * - `apachelog-to-json`, `apachelog-to-csv`: lines of Apache's access logs, common and combined, one or several in a record.
 *   JSON: `host ident authuser request response bytes verb @timestamp timezone @timestamp_utc`, of combined ones `referer agent`,
 *   and `extra`, what the line has behind these. `bytes` of `-` are 0, as mod_log_config means it; `@timestamp` has the log's own offset.
 *   CSV, always ten columns: `host ident authuser time request response bytes referer agent extra`. Quoted text stands as Apache wrote it,
 *   its backslashes left. compat: {@link apacheToJson}, {@link apacheToCsv}.
 * - `syslog-to-json`, `syslog-to-csv`: lines of RFC 3164 and RFC 5424, told apart by themselves, of rsyslog's files too:
 *   `timestamp hostname program processid message facility severity msgid structureddata`; in JSON what a line has not is left out.
 *   compat: {@link syslogToJson}, {@link syslogToCsv}.
 * - `cloudwatch-logs-processor`: the messages of CloudWatch Logs envelopes, each on a line; control messages are dropped, what is
 *   no envelope fails. compat: {@link cloudWatchLogs}.
 * - `kpl`: KPL aggregates opened, every user record on a line of its own.
 *
 * Unless said otherwise aggregates, gzip and envelopes of CloudWatch Logs are opened first, and each output is ended by LF. A line
 * that is not as it should be fails its record, with the byte; blank lines are left out. CSV is that of RFC 4180, but LF, its bytes those of
 * the record; in JSON bytes that are no UTF-8 become U+FFFD.
 */
export type FirehoseBlueprintName = keyof typeof BLUEPRINTS

export const blueprintNames = Object.keys(BLUEPRINTS) as FirehoseBlueprintName[]

/**
 * The options of a ready transformation. What `compat` gives differs from AWS's answers in their frame alone: a recordId that comes twice
 * has one answer, no output is Dropped, base64 is padded right. Throws TypeError or RangeError.
 *
 * @example
 * export const handler = createFirehoseTransformer({ ...firehoseBlueprint('apachelog-to-json'), overflow: reingest() })
 */
export function firehoseBlueprint(name: FirehoseBlueprintName, options: FirehoseBlueprintOptions = {}): FirehoseBlueprint {
  if (!Object.hasOwn(BLUEPRINTS, name)) throw outOfRange('name', `one of ${blueprintNames.join(', ')}`, name)
  if (typeof options !== 'object' || options === null) throw wrongType('options', 'an object', options)
  checkKeys('options', options, ['compat'] satisfies (keyof FirehoseBlueprintOptions)[])
  const { compat = false } = options
  if (typeof compat !== 'boolean') throw wrongType('compat', 'true or false', compat)
  const entry: Entry = BLUEPRINTS[name]
  if (compat && !entry.compat) throw outOfRange('compat', `false, as AWS has no blueprint ${name} for Firehose`, compat)
  return { ...((compat && entry.compat) || entry.fixed) }
}

function logMessage({ data, log }: FirehoseInput): Uint8Array {
  if (log === undefined) throw new TypeError('expected an envelope of CloudWatch Logs, got something else')
  return data
}
