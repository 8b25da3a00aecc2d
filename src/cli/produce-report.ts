// What millrace produce tells on stderr: what failed, and what became of all in the end.
import type { ProducerMetrics } from '../kinesis/producer/pipeline-face.js'
import type { BatchOutcomes, Failed } from '../kinesis/producer/receipt.js'
import type { Io } from './command.js'
import { count } from './figures.js'

/** Lines about faults; the rest is counted. */
const SHOWN = 20

export interface Faults {
  /** Tells of those that failed; `base`: lines, records and bytes of the input before them; `places`: the line of each, where it is known. */
  tell(outcomes: BatchOutcomes, base: { lines: number; records: number; offset: number; places?: readonly number[] | undefined }): void
  line(line: number, offset: number, message: string): void
  /** How many there were. */
  told(): number
  end(): void
}

export function createFaults(io: Io): Faults {
  let told = 0
  let lines = 0
  let hidden = 0
  const say = (text: string, faults = 1) => {
    told += faults
    if (lines++ < SHOWN) io.log(`millrace produce: ${text}`)
    else hidden += faults
  }
  return {
    tell(outcomes, base) {
      for (const { record, last, code, message, position } of runs(outcomes.failures())) {
        if (code === 'SPOOLED') continue
        if (position) say(`line ${base.lines + (position.line as number)}, byte ${base.offset + (position.offset as number)}: ${masked(message)}`)
        else {
          const what = base.places ? 'line' : 'record'
          const at = (i: number) => base.places?.[i] ?? base.records + i + 1
          say(`${last > record ? `${what}s ${at(record)} to ${at(last)}` : `${what} ${at(record)}`}: ${code}: ${masked(message)}`, last - record + 1)
        }
      }
    },
    line: (line, offset, message) => say(`line ${line}, byte ${offset}: ${message}`),
    told: () => told,
    end() {
      if (hidden > 0) io.log(`millrace produce: and ${hidden} more`)
    },
  }
}

/** Neighbours that failed alike as one, up to `last`: an outage is a line, not one a record. */
function* runs(failures: Iterable<Failed & { record: number }>): Generator<Failed & { record: number; last: number }> {
  let run: (Failed & { record: number; last: number }) | undefined
  for (const failure of failures) {
    const { record, code, message, position } = failure
    if (run && !position && !run.position && record === run.last + 1 && code === run.code && message === run.message) run.last = record
    else {
      if (run) yield run
      run = { ...failure, last: record }
    }
  }
  if (run) yield run
}

/** Without what the service, or we, quote of a key: what is told here ends in logs. */
export function masked(message: string): string {
  // The service does not escape what it quotes: an apostrophe may be the key's own, and the last one is where it surely ends.
  return message.replace(/\bgot "(?:[^"\\]|\\.)*"/g, 'got other text').replace(/\bvalue '.*'(?= at ')|\bvalue '.*'/gis, "value '...'")
}

export interface Summary extends ProducerMetrics {
  /** Bytes read. */
  bytes: number
  milliseconds: number
}

/** The closing line; `letters`: the path of the dead letters, where they are kept. */
export function describe(summary: Summary, letters?: string): string {
  const { delivered, failed, deadLettered, spooled, uncertain, retried, throttled, kinesisRecords, payloadUnits, userPayloadUnits, bytes, milliseconds } =
    summary
  const megabytes = bytes / 1e6
  const lost = failed - deadLettered - spooled
  const parts = [
    `${count(delivered, 'record')} delivered (${megabytes.toFixed(2)} MB read, ${(milliseconds / 1000).toFixed(1)} s, ${((megabytes * 1000) / Math.max(1, milliseconds)).toFixed(1)} MB/s)`,
    `${count(kinesisRecords, 'Kinesis record')}, ${count(payloadUnits, 'PUT payload unit')} in place of ${userPayloadUnits.toLocaleString('en-US')}`,
    ...(retried > 0 ? [`${retried} sent again, ${throttled} throttled`] : []),
    ...(uncertain > 0 ? [`${uncertain} perhaps twice in the stream: an answer was lost`] : []),
    ...(failed > spooled ? [`${failed - spooled} failed`] : []),
    ...(spooled > 0 ? [`${spooled} kept in the spool for the next run`] : []),
    ...(letters === undefined ? [] : [`${count(deadLettered, 'dead letter')} written to ${letters}`]),
    ...(letters !== undefined && lost > 0 ? [`${count(lost, 'dead letter')} lost, for ${letters} could not be written`] : []),
  ]
  return `millrace produce: ${parts.join('; ')}`
}
