// A kernel of the core (assembly/transform) in place of a user's function: base64 in, base64 out, no object a record.
import { type RecordWork, transformBytes, transformTexts } from '../engine/transform.js'
import { AGGREGATES, ASK_HOST, BAD_INPUT, DROPPED, GZIP, LOGS, NO_MEMORY, OK } from '../engine/transform-core.js'
import { withoutMark } from './again.js'
import { type Arrived, decoded } from './event.js'
import type { FirehoseInput } from './input.js'
import { countInputs, type Opened, type OpenOptions, openRecords } from './open.js'
import type { Delimiter } from './output.js'
import { placeOf, RecordWorker, type Result, type Worked } from './run.js'

/** A transformation that the core does. */
export class RecordKernel extends RecordWorker {
  readonly #work: Omit<RecordWork, 'delimiter'>
  readonly #explain: Explain

  /** `explain`: what was expected of a record that has failed, by its reason code and the byte where that was seen. */
  constructor(work: Omit<RecordWork, 'delimiter'>, explain: Explain) {
    super()
    this.#work = work
    this.#explain = explain
  }

  /**
   * The kernel over all records. Those whose text is canonical base64, and that hold nothing to be opened, go through in batches;
   * the others are decoded and opened first, as they are for a function.
   */
  override async run(given: readonly Arrived[], delimiter: Delimiter, options: OpenOptions): Promise<Worked> {
    const work = { ...this.#work, delimiter: delimiter.bytes }
    const arrived = given.map(withoutMark)
    const results: Result[] = new Array(arrived.length)
    const rest: number[] = []
    // A record that was put again may carry its mark in an aggregate.
    const flags = AGGREGATES | (options.gunzip ? GZIP : 0) | (options.logs ? LOGS : 0)
    // What is no text has its fault already.
    const texts = given.map(({ text }) => text ?? '')
    let userRecords = 0
    transformTexts(texts, work, flags, (i, status, output, reason, position, metadata) => {
      if (status === ASK_HOST) rest.push(i)
      else if (given[i].fault === undefined) userRecords++
      if (status === BAD_INPUT) results[i] = failure(this.#explain(reason, position))
      else if (status === NO_MEMORY) results[i] = failure(LARGE)
      else {
        const body = status === DROPPED ? '' : (output ?? texts[i])
        results[i] = metadata === undefined ? body : { body, metadata }
      }
    })
    for (const i of rest) arrived[i] = withoutMark(decoded(given[i]))
    const opened = await openRecords(
      rest.map((i) => arrived[i]),
      { ...options, splitJson: false },
    )
    for (const [k, result] of runOpened(opened, work, this.#explain).entries()) results[rest[k]] = result
    return { arrived, results, userRecords: userRecords + countInputs(opened) }
  }
}

type Explain = (reason: number, position: number) => string

/** The kernel over all that is in records, in one go. */
function runOpened(opened: readonly Opened[], work: RecordWork, explain: Explain): Result[] {
  const bodies = opened.map((): Uint8Array[] => [])
  const results = opened.map((inputs, k): Result => (Array.isArray(inputs) ? { body: bodies[k], metadata: undefined } : { reason: 'data', ...inputs }))
  const all = opened.flatMap((inputs, home) => (Array.isArray(inputs) ? inputs.map((input, place) => ({ input, home, place })) : []))
  transformBytes(
    all.map(({ input }) => input.data),
    work,
    (i, status, output, reason, position, metadata) => {
      const { home, place } = all[i]
      const result = results[home]
      if (status === DROPPED || typeof result === 'string' || 'message' in result) return
      const fail = (message: string) => {
        results[home] = failure(placeOf(opened[home] as FirehoseInput[], place) + message)
      }
      if (status !== OK) fail(status === NO_MEMORY ? LARGE : explain(reason, position))
      else if (bodies[home].length > 0 && metadata !== result.metadata) fail(DIFFERENT)
      else {
        result.metadata = metadata
        bodies[home].push(output as Uint8Array)
      }
    },
  )
  return results
}

const DIFFERENT = 'expected the same metadata for all records in one, got different ones'
const LARGE = 'expected a record that the memory of the core has room for, got a larger one'

const failure = (message: string): Result => ({ reason: 'transform', message, cause: undefined })
