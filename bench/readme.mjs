// The README's table is a run of the bench: between the markers, from the lines of `--json`.
import { readFileSync, writeFileSync } from 'node:fs'
import { figure } from './frame.mjs'

const OPEN = '<!-- bench -->'
const CLOSE = '<!-- /bench -->'

/** A line a row, its rivals from the nearest to the farthest: our ratio to it, and its own figure. */
export function readmeTable(results) {
  const rows = new Map()
  for (const r of results) rows.set(r.row, [...(rows.get(r.row) ?? []), r])
  const lines = ['| | millrace | ratio to the rival (its own figure), nearest first |', '|---|--:|---|']
  for (const [row, list] of rows) {
    const rivals = list.toSorted((a, b) => a.ratio - b.ratio).map((r) => `${r.rival} **x ${figure(r.ratio)}** (${figure(r.theirs)})`)
    lines.push(`| ${row} | ${figure(list[0].ours)} ${list[0].unit} | ${rivals.join(', ')} |`)
  }
  const notes = new Map(results.filter((r) => r.note).map((r) => [r.rival, `${r.rival}: ${r.note}.`]))
  const on = results.find((r) => r.on)?.on
  const legend = 'x: median of the per-round ratios of interleaved samples, above 1 where millrace is better; of ms and KB less is better.'
  lines.push('', [on && `${on}.`, legend, ...notes.values()].filter(Boolean).join(' '))
  return lines.join('\n')
}

/** Replaces what stands between the markers of the file. */
export function writeReadme(file, table) {
  const text = readFileSync(file, 'utf8')
  const from = text.indexOf(OPEN)
  const to = text.indexOf(CLOSE)
  if (from < 0 || to < from) throw new Error(`README.md has no ${OPEN} ... ${CLOSE}`)
  writeFileSync(file, `${text.slice(0, from + OPEN.length)}\n\n${table}\n\n${text.slice(to)}`)
}
