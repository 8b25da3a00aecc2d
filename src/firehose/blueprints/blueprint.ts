// Ready transformations by the names of AWS's Lambda blueprints, the "kinesis-firehose-" left out, and some that AWS has not.
import { CSV, KERNEL_APACHE, KERNEL_IDENTITY, KERNEL_JSON_ROW, KERNEL_STREAM_RECORD, KERNEL_SYSLOG } from '../../engine/transform-core.js'
import { checkKeys, outOfRange, wrongType } from '../../errors.js'
import type { FirehoseInput } from '../input.js'
import { RecordKernel } from '../kernel.js'
import type { FirehoseTransformerOptions } from '../transform.js'
import { apacheToCsv, apacheToJson, cloudWatchLogs, syslogToCsv, syslogToJson } from './compat.js'
import { explainReason } from './reasons.js'

type Options = Pick<FirehoseTransformerOptions, 'transform' | 'delimiter' | 'deaggregate' | 'gunzip' | 'logs'>

/** For createFirehoseTransformer: `{ ...firehoseBlueprint(name), overflow, onFailure }`. */
export type FirehoseBlueprint = Readonly<Options>

export interface FirehoseBlueprintOptions {
  /**
   * The very bytes that AWS's blueprint of this name for Node gives (aws-samples/serverless-app-examples, of 2019), what is wrong with them
   * included. Default false.
   *
   * - `apachelog-to-*`: only IPv4 addresses as hosts, only digits as bytes, only the first line of several; a quote that a backslash escapes may
   *   end the request; referer, agent and whatever else follows the bytes are lost. JSON: no line feed behind an output; `@timestamp` is the log's
   *   local time taken for one in the zone of this process; a time that Date cannot read is given as it stands. CSV: nothing is quoted, whatever
   *   commas and quotes are in it; a line without a zone fails.
   * - `syslog-to-*`: only RFC 3164 without priority; text that is not ASCII loses the upper bit of each byte; of several lines only the first. JSON: no
   *   line feed behind an output. CSV: nothing is quoted; a process id that is not there is `undefined`, and so is a sixth column, always.
   * - `cloudwatch-logs-processor`: what is no DATA_MESSAGE fails, control messages too; a line feed behind each message, also where it ends with one; a
   *   message that is no text is written as JavaScript does. What is no gzip or no JSON fails; AWS's code throws there, and its batch fails.
   *
   * Other than AWS's is the frame of the answers alone: a recordId that comes twice has one, no output is Dropped, base64 is padded right.
   */
  compat?: boolean | undefined
}

const asItIs = { delimiter: '', deaggregate: false, gunzip: false, logs: false }
const kernel = (number: number, options = 0) => new RecordKernel({ kernel: number, options }, explainReason)

const identity = kernel(KERNEL_IDENTITY)

interface Entry {
  fixed: FirehoseBlueprint
  /** What AWS has under this name, where it has something. */
  compat?: FirehoseBlueprint
}

const BLUEPRINTS = {
  'process-record': { fixed: { transform: identity, ...asItIs }, compat: { transform: identity, ...asItIs } },
  'apachelog-to-json': { fixed: { transform: kernel(KERNEL_APACHE) }, compat: { transform: apacheToJson, ...asItIs } },
  'apachelog-to-csv': { fixed: { transform: kernel(KERNEL_APACHE, CSV) }, compat: { transform: apacheToCsv, ...asItIs } },
  'syslog-to-json': { fixed: { transform: kernel(KERNEL_SYSLOG) }, compat: { transform: syslogToJson, ...asItIs } },
  'syslog-to-csv': { fixed: { transform: kernel(KERNEL_SYSLOG, CSV) }, compat: { transform: syslogToCsv, ...asItIs } },
  'cloudwatch-logs-processor': { fixed: { transform: logMessage }, compat: { transform: cloudWatchLogs, ...asItIs } },
  'json-to-csv': { fixed: { transform: kernel(KERNEL_JSON_ROW) } },
  'dynamodb-to-json': { fixed: { transform: kernel(KERNEL_STREAM_RECORD) } },
  kpl: { fixed: { transform: identity, gunzip: false, logs: false } },
} satisfies Record<string, Entry>

/**
 * - `process-record`: each record as it is, byte for byte.
 * - `apachelog-to-json`, `apachelog-to-csv`: lines of Apache's access logs, common and combined, one or several in a record.
 *   JSON: `host ident authuser request response bytes verb @timestamp timezone @timestamp_utc`, of combined ones `referer agent`,
 *   and `extra`, what the line has behind these. `bytes` of `-` are 0, as mod_log_config means it; `@timestamp` has the log's own offset.
 *   CSV, always ten columns: `host ident authuser time request response bytes referer agent extra`. Quoted text stands as Apache wrote it,
 *   its backslashes left.
 * - `syslog-to-json`, `syslog-to-csv`: lines of RFC 3164 and RFC 5424, told apart by themselves, of rsyslog's files too:
 *   `timestamp hostname program processid message facility severity msgid structureddata`; in JSON what a line has not is left out.
 * - `cloudwatch-logs-processor`: the messages of CloudWatch Logs envelopes, each on a line; control messages are dropped, what is
 *   no envelope fails.
 * - `json-to-csv`: JSON objects, one or several in a record, to the values of their members in their order: for who always writes the same ones.
 *   Null is an empty field, objects and arrays are their JSON.
 * - `dynamodb-to-json`: records of a DynamoDB stream, as Kinesis carries them, each on a line; `Keys`, `NewImage` and `OldImage` are plain JSON in
 *   place of typed (`{"N":"5"}` is 5), sets are arrays; all else as it is. `Item` of exports too.
 * - `kpl`: KPL aggregates opened, every user record on a line of its own.
 *
 * Unless said otherwise aggregates, gzip and envelopes of CloudWatch Logs are opened first, and each output is ended by LF. A line
 * that is not as it should be fails its record, with the byte; blank lines are left out. CSV is that of RFC 4180, but LF, its bytes those of
 * the record; in JSON bytes that are no UTF-8 become U+FFFD.
 */
export type FirehoseBlueprintName = keyof typeof BLUEPRINTS

export const blueprintNames = Object.keys(BLUEPRINTS) as FirehoseBlueprintName[]

/**
 * The options of a ready transformation. Throws TypeError or RangeError.
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
