// Metrics as lines in CloudWatch's embedded metric format: in Lambda, ECS or with the agent a line on
// stdout is a metric (AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
import { checkKeys, outOfRange, wrongType } from '../errors.js'
import type { Clock } from '../ports/ports.js'
import { systemClock } from '../ports/system.js'
import type { MetricsSink } from './telemetry.js'

export interface EmfOptions {
  /** Takes one line of JSON, without its end. */
  write: (line: string) => void
  /** Default: the system's. */
  clock?: Clock | undefined
  /** CloudWatch's namespace; default "millrace". */
  namespace?: string | undefined
  /** Milliseconds between lines of the same series; default 60,000. */
  interval?: number | undefined
}

export interface EmfSink extends MetricsSink {
  /** Writes what is gathered. There is no timer: who ends calls it, else the last interval is lost. */
  flush(): void
}

/** Values of one metric in a line, as the format allows. */
const VALUES = 100
/** Sets of attributes gathered at a time. */
const SERIES = 500
const UNITS: Record<string, string> = { s: 'Seconds', By: 'Bytes' }

interface Series {
  attributes: Record<string, string>
  counts: Map<string, number>
  values: Map<string, number[]>
}

/**
 * A sink for `metrics` of the producer, the consumer and the Firehose transformer that writes lines in CloudWatch's embedded metric format. Attributes become
 * dimensions, dots in their names and in those of metrics stay. Memory is bounded: past 500 sets of attributes, or 100 values
 * of one metric, lines are written early. Throws TypeError, RangeError for wrong options.
 *
 * @example
 * const metrics = emfSink({ write: (line) => console.log(line) })
 */
export function emfSink(options: EmfOptions): EmfSink {
  if (options === null || typeof options !== 'object') throw wrongType('options', 'an object', options)
  checkKeys('options', options, ['write', 'clock', 'namespace', 'interval'])
  const { write, clock = systemClock, namespace = 'millrace', interval = 60_000 } = options
  if (typeof write !== 'function') throw wrongType('write', 'a function', write)
  if (typeof clock?.now !== 'function') throw wrongType('clock', 'a clock', clock)
  if (typeof namespace !== 'string' || namespace === '') throw wrongType('namespace', 'text', namespace)
  if (typeof interval !== 'number') throw wrongType('interval', 'a number of milliseconds', interval)
  if (!(interval >= 0)) throw outOfRange('interval', 'a number of milliseconds from 0', interval)
  const units = new Map<string, string>()
  const all = new Map<string, Series>()
  let since = clock.monotonic()

  const flush = () => {
    since = clock.monotonic()
    for (const { attributes, counts, values } of all.values()) {
      const metrics = [...counts, ...values]
      const Metrics = metrics.map(([Name]) => ({ Name, Unit: units.get(Name) }))
      const _aws = { Timestamp: Math.round(clock.now()), CloudWatchMetrics: [{ Namespace: namespace, Dimensions: [Object.keys(attributes)], Metrics }] }
      write(JSON.stringify({ _aws, ...attributes, ...Object.fromEntries(metrics) }))
    }
    all.clear()
  }
  const seriesOf = (attributes: Record<string, string> = {}) => {
    if (clock.monotonic() - since >= interval && all.size > 0) flush()
    const name = JSON.stringify(attributes)
    let series = all.get(name)
    if (!series) {
      if (all.size === SERIES) flush()
      series = { attributes, counts: new Map(), values: new Map() }
      all.set(name, series)
    }
    return series
  }
  return {
    createCounter(name, { unit = '' } = {}) {
      units.set(name, UNITS[unit] ?? 'Count')
      return {
        add(value, attributes) {
          const { counts } = seriesOf(attributes)
          counts.set(name, (counts.get(name) ?? 0) + value)
        },
      }
    },
    createHistogram(name, { unit = '' } = {}) {
      units.set(name, UNITS[unit] ?? 'None')
      return {
        record(value, attributes) {
          const { values } = seriesOf(attributes)
          const list = values.get(name) ?? []
          values.set(name, list)
          list.push(value)
          if (list.length === VALUES) flush()
        },
      }
    },
    flush,
  }
}
