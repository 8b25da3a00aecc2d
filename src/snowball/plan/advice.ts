// Keys that can be stored, and should not be called so.
import { point } from '../keys.js'
import type { PlanWarning } from './planned.js'

// S3's guide for key names: "characters to avoid", and control characters of those that "might require special handling".
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNADVISED = /[\\{}^%`[\]"~<>#|\x00-\x1f\x7f-\x9f]/

/** Counts keys with characters that S3's guide for key names advises against; there may be as many as files, so they are told of together. */
export function createAdvice() {
  let count = 0
  let first = { path: '', character: '' }
  return {
    see(path: string, key: string): void {
      const [character] = UNADVISED.exec(key) ?? []
      if (character !== undefined && count++ === 0) first = { path, character }
    },
    warning(): PlanWarning | undefined {
      if (count === 0) return undefined
      const { path, character } = first
      const shown = /[!-~]/.test(character) ? character : point(character)
      const message = `${count} keys have characters that S3 advises against, this one first: ${shown}`
      return { type: 'warning', reason: 'key', path, message }
    },
  }
}
