// What somebody meant who mistyped a name.

/** `; did you mean X?` with the one candidate within two edits of `name`, or the only one that begins so; else nothing. */
export function meant(name: string, candidates: readonly string[], prefix = ''): string {
  const near = nearest(name, candidates)
  return near === undefined ? '' : `; did you mean ${prefix}${near}?`
}

function nearest(name: string, candidates: readonly string[]): string | undefined {
  const close = candidates.map((c) => [edits(name, c), c] as const).filter(([d, c]) => d <= 2 && d < c.length)
  if (close.length > 0) return close.sort((a, b) => a[0] - b[0])[0][1]
  const longer = name.length >= 3 ? candidates.filter((c) => c.startsWith(name)) : []
  return longer.length === 1 ? longer[0] : undefined
}

function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= Math.min(a.length, 40); i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) next[j] = Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1))
    row = next
  }
  return row[b.length]
}
