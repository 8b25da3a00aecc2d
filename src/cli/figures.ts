// Figures as the closing lines of commands show them.

/** Bytes in the unit that leaves one to three digits before the point. */
export function size(bytes: number): string {
  for (const [unit, name] of [
    [1e9, 'GB'],
    [1e6, 'MB'],
    [1e3, 'KB'],
  ] as const)
    if (bytes >= unit) return `${(bytes / unit).toFixed(1)} ${name}`
  return `${bytes} B`
}

/** "1 file", "2,000 files". */
export const count = (n: number, what: string) => `${n.toLocaleString('en-US')} ${what}${n === 1 ? '' : 's'}`
