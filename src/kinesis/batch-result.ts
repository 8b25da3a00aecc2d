// What a function of a batch of records returns, under Lambda and under the KCL.
import { wrongType } from '../errors.js'

/** The records that failed; nothing where none did. */
// biome-ignore lint/suspicious/noConfusingVoidType: a function that returns nothing is of this type
export type BatchResult<T> = readonly T[] | undefined | void

/** Those of `records` that the function says have failed. Throws TypeError for another result. */
export function failedOf<T>(result: BatchResult<T>, records: readonly T[]): Set<T> {
  const failed: unknown = result ?? []
  if (!Array.isArray(failed)) throw wrongType('the result', 'an array of the records that failed, or nothing', result)
  const known = new Set<unknown>(failed.length > 0 ? records : [])
  for (const one of failed) if (!known.has(one)) throw wrongType('the result', 'records of this batch', one)
  return new Set(failed)
}
