// Rows that come back to the intake, among those that are there.
import { join, type Past } from '../service/attempt.js'
import { createPack } from './intake.js'
import type { Outer } from './outer.js'
import type { Pack } from './pack.js'

/** One pack of all rows, in the order of their numbers, each with all that it has met. */
export function merge(pack: Pack, outers: readonly Outer[]): Pack {
  const rows: { from: Pack; row: number; past: Past | undefined; number: number }[] = []
  for (const { pack: from, rows: own, past } of outers)
    for (const row of own) rows.push({ from, row, past: join(from.past(row), past), number: from.numbers[row] })
  for (let row = 0; row < pack.count; row++) rows.push({ from: pack, row, past: pack.past(row), number: pack.numbers[row] })
  rows.sort((a, b) => a.number - b.number)
  const merged = createPack(rows.length)
  for (const { from, row, past } of rows) merged.move(from, row, past)
  return merged
}

/** A pack of those rows alone. */
export function keep(pack: Pack, wanted: (row: number) => boolean): Pack {
  const kept = createPack()
  for (let row = 0; row < pack.count; row++) if (wanted(row)) kept.move(pack, row, pack.past(row))
  return kept
}

/** All rows of a pack. */
export const rowsOf = (pack: Pack): number[] => Array.from({ length: pack.count }, (_, row) => row)
