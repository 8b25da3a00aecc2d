// The README's table is a run of the bench: between the markers, from the lines of `--json`.
import { readFileSync, writeFileSync } from 'node:fs'
import { figure } from './frame.mjs'

const OPEN = '<!-- bench -->'
const CLOSE = '<!-- /bench -->'

export function readmeTable(results) {
  const lines = ['| | millrace | | rival | theirs | ratio |', '|---|--:|---|---|--:|--:|']
  let last
  for (const r of results) {
    const first = r.row !== last
    last = r.row
    const bold = r.ratio >= 1 ? `**x ${figure(r.ratio)}**` : `x ${figure(r.ratio)}`
    lines.push(`| ${first ? r.row : ''} | ${first ? figure(r.ours) : ''} | ${first ? r.unit : ''} | ${r.rival} | ${figure(r.theirs)} | ${bold} |`)
  }
  const notes = [...new Map(results.filter((r) => r.note).map((r) => [r.rival, r.note]))].map(([rival, note]) => `${rival}: ${note}.`)
  const on = results.find((r) => r.on)?.on
  lines.push(
    '',
    [on && `${on}.`, 'x: median of the per-round ratios of interleaved samples, > 1 where millrace is better; ms and KB: less is better.', ...notes]
      .filter(Boolean)
      .join(' '),
  )
  return lines.join('\n')
}

/** Replaces what stands between the markers of the file. */
export function writeReadme(file, table) {
  const text = readFileSync(file, 'utf8')
  const from = text.indexOf(OPEN)
  const to = text.indexOf(CLOSE)
  if (from < 0 || to < from) throw new Error(`README.md has no ${OPEN} ... ${CLOSE}`)
  writeFileSync(file, `${text.slice(0, from + OPEN.length)}\n${table}\n${text.slice(to)}`)
}
