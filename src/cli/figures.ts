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

/** Minutes and seconds, and hours where there are some. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds)
  const parts = [Math.floor(whole / 60) % 60, whole % 60].map((part) => String(part).padStart(2, '0'))
  return whole < 3600 ? `${Number(parts[0])}:${parts[1]}` : `${Math.floor(whole / 3600)}:${parts.join(':')}`
}

/** Milliseconds as "12.3 s", from a minute on as duration() has them. */
export const seconds = (milliseconds: number) => (milliseconds < 60_000 ? `${(milliseconds / 1000).toFixed(1)} s` : duration(milliseconds / 1000))

/** The path of a column, or another name out of data: a line feed in it must not look like a line of ours. */
export function place(path: readonly string[] | string): string {
  return JSON.stringify(typeof path === 'string' ? path : path.join('.')).slice(1, -1)
}

/** "2,000". */
export const grouped = (n: number) => n.toLocaleString('en-US')

/** "1 file", "2,000 files". */
export const count = (n: number, what: string) => `${grouped(n)} ${what}${n === 1 ? '' : 's'}`

/** "1.23K", "45.6M": at most five characters, for lines that have to fit. */
export const short = (n: number) => n.toLocaleString('en-US', { notation: 'compact', maximumSignificantDigits: 3 })
