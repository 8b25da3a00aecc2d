// A table as wide as the terminal at most: cells are cut, then whole columns left out.

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
    return width > 0 && places(line) > width ? cut(line, width) : line
  })
}

function fitted(text: string, width: number, right = false): string {
  const short = places(text) > width ? cut(text, width) : text
  const room = ' '.repeat(width - places(short))
  return right ? room + short : short + room
}

/** Without its middle: paths differ at their ends. */
function cut(text: string, width: number): string {
  const whole = [...text]
  let head = ''
  let tail = ''
  for (let a = 0, b = whole.length - 1; a <= b; ) {
    const front = places(head) <= places(tail)
    const next = front ? whole[a++] : whole[b--]
    if (places(head) + places(tail) + places(next) > width - 1) break
    if (front) head += next
    else tail = next + tail
  }
  return `${head}…${tail}`
}

/** Places of a terminal that text takes. */
function places(text: string): number {
  let sum = 0
  for (const c of text)
    sum += /\p{M}|\p{Cf}/u.test(c) ? 0 : /\p{sc=Han}|\p{sc=Hiragana}|\p{sc=Katakana}|\p{sc=Hangul}|\p{Emoji_Presentation}|[\uff01-\uff60]/u.test(c) ? 2 : 1
  return sum
}
