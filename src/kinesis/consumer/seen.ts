// Which records a reader has had, by the ids of record-ids.ts, in bounded memory.

export interface Deduplicator {
  /**
   * Whether this record has come before; from now on it has. Bounded: what is no longer remembered counts as
   * new, so that a record may come twice but none is ever left out.
   */
  seen(producer: string, number: number): boolean
}

/** Records of a page: one bit each, 8 KiB. */
const PAGE = 65_536

/**
 * A memory of records, `maxRecords` of them in neighbourhoods of 65,536 (default 67,108,864: 8 MiB); the neighbourhood that was touched
 * longest ago is forgotten first. Throws RangeError for less than one neighbourhood.
 */
export function createDeduplicator(options: { maxRecords?: number | undefined } = {}): Deduplicator {
  const { maxRecords = 1024 * PAGE } = options
  if (!(typeof maxRecords === 'number' && maxRecords >= PAGE)) throw new RangeError(`"maxRecords" expected a number from ${PAGE}, got ${maxRecords}`)
  const most = Math.floor(maxRecords / PAGE)
  // In the order of their last touch.
  const pages = new Map<string, Uint32Array>()
  let last: { name: string; page: Uint32Array } | undefined
  const pageOf = (name: string): Uint32Array => {
    if (last?.name === name) return last.page
    const page = pages.get(name) ?? new Uint32Array(PAGE / 32)
    pages.delete(name)
    pages.set(name, page)
    if (pages.size > most) pages.delete(pages.keys().next().value as string)
    last = { name, page }
    return page
  }
  return {
    seen(producer, number) {
      const page = pageOf(`${Math.floor(number / PAGE)} ${producer}`)
      const bit = number % PAGE
      const mask = 1 << (bit & 31)
      const had = (page[bit >> 5] & mask) !== 0
      page[bit >> 5] |= mask
      return had
    },
  }
}
