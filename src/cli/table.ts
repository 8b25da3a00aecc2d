// A table as wide as the terminal at most: cells are cut, then whole columns left out.
import { cutMiddle, places } from './places.js'

export interface TableColumn {
  head: string
  cells: readonly string[]
  /** Numbers stand on the right. */
  right?: boolean
  /** May be cut in the middle, to so many places. */
  least?: number
  /** Left out where there is no room, the lowest first; never where it has none. */
  drop?: number
}

const GAP = 2

/** Lines, the first one with the heads; `width` 0: as wide as it takes. */
export function table(columns: readonly TableColumn[], width: number): string[] {
  const widths = columns.map(({ head, cells }) => Math.max(...[head, ...cells].map(places)))
  let over = width === 0 ? 0 : widths.reduce((sum, w) => sum + w + GAP, -GAP) - width
  for (const [i, { least }] of columns.entries()) {
    if (over <= 0 || least === undefined) continue
    const less = Math.min(over, Math.max(0, widths[i] - least))
    widths[i] -= less
    over -= less
  }
  const ranks = columns.flatMap(({ drop }) => drop ?? [])
  if (over > 0 && ranks.length > 0)
    return table(
      columns.filter(({ drop }) => drop !== Math.min(...ranks)),
      width,
    )
  const rows = columns[0].cells.length
  return Array.from({ length: rows + 1 }, (_, row) => {
    const cells = columns.map(({ head, cells, right }, i) => fitted(row === 0 ? head : cells[row - 1], widths[i], right))
    const line = cells.join(' '.repeat(GAP)).trimEnd()
    return width > 0 ? cutMiddle(line, width) : line
  })
}

function fitted(text: string, width: number, right = false): string {
  const short = cutMiddle(text, width)
  const room = ' '.repeat(width - places(short))
  return right ? room + short : short + room
}
