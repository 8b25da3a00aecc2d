// What happened to a record each time it was sent, as a list that records share: those of one aggregate
// have had the same, and a record that is packed anew takes its past along.

/** One time that a record was sent without coming to rest; or where the stream's shards were not known, that they were asked for in vain. */
export interface Attempt {
  /** Milliseconds since the epoch at which the request was made. */
  at: number
  /** Until the answer, or until there was none. */
  milliseconds: number
  /** The service's error code, or WRONG_SHARD: stored in a shard where readers drop it. */
  code: string
  message: string
  /** It may be in the stream all the same. */
  uncertain: boolean
}

/** Attempts, the last one first. */
export interface Past {
  readonly last: Attempt
  readonly count: number
  /** Whether any of them was. */
  readonly uncertain: boolean
  readonly before: Past | undefined
}

/** Attempts kept of a record; of more the newest take each other's place, and `count` still counts them. */
const KEPT = 64

/** The past with one attempt more. */
export function after(past: Past | undefined, last: Attempt): Past {
  if (!past) return { last, count: 1, uncertain: last.uncertain, before: undefined }
  return { last, count: past.count + 1, uncertain: past.uncertain || last.uncertain, before: past.count < KEPT ? past : past.before }
}

/** One past behind the other. */
export function join(first: Past | undefined, then: Past | undefined): Past | undefined {
  if (!first || !then) return first ?? then
  let joined = first
  for (const attempt of attemptsOf(then)) joined = after(joined, attempt)
  return joined
}

/** The attempts in their order. */
export function attemptsOf(past: Past | undefined): Attempt[] {
  const list: Attempt[] = []
  for (let at = past; at; at = at.before) list.push(at.last)
  return list.reverse()
}

/** What is told of a record that was given up after `recordTtl` milliseconds. */
export function expiredBy(recordTtl: number, shardsKnown: boolean, past: Past | undefined): string {
  const [unknown, why] = shardsKnown ? ['', ''] : [", the stream's shards not known", `: ${past?.last.message}`]
  return `not delivered within ${recordTtl} ms${unknown}${past ? `; last ${past.last.code}${why}` : ''}`
}
