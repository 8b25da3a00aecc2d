// What a check found: all of it counted, the first of it told.

export interface Problem<Kind extends string> {
  kind: Kind
  /** Chunk, manifest, key, or path under the source that is wrong. */
  where: string
  message: string
}

export interface Found<Kind extends string> {
  /** All problems, and the first 1,000 of them. */
  problemCount: number
  problems: Problem<Kind>[]
  /** All problems by kind. */
  kinds: Partial<Record<Kind, number>>
}

const TOLD = 1000

export type Tell<Kind extends string> = (kind: Kind, where: string, message: string) => void

/** Adds to `found`. */
export function teller<Kind extends string>(found: Found<Kind>): Tell<Kind> {
  return (kind, where, message) => {
    found.kinds[kind] = (found.kinds[kind] ?? 0) + 1
    if (found.problemCount++ < TOLD) found.problems.push({ kind, where: own(where), message: own(message) })
  }
}

/** A copy: engines keep the whole text that a part of it came from, such as the piece of a file that a line stood in. */
export const own = (text: string): string => JSON.parse(JSON.stringify(text))
