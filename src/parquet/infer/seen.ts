// What stands in one place of the records, counted by kind. All counts are sums, so what was seen can be
// taken back, and two places can be made one.

/** Values seen in one place. */
export class Seen {
  nulls = 0
  booleans = 0
  /** Whole numbers that an int64 holds. */
  wholes = 0
  /** Further whole numbers of at most 38 digits. */
  wides = 0
  /** All other numbers. */
  doubles = 0
  /** Of all numbers, those that a double may not give back as they were. */
  inexact = 0
  dates = 0
  /** Times in UTC, with a Z, and with an offset. */
  times = 0
  zoned = 0
  uuids = 0
  strings = 0
  /** Lists and objects beyond the depth that a schema has. */
  deep = 0
  lists = 0
  objects = 0
  /** Of all lists. */
  element: Seen | undefined
  /** Of all objects, in the order of their first appearance. */
  members: Members | undefined
  /** Of all objects, whatever the member, once there were too many. */
  value: Seen | undefined
  /** The object that had it last, by its number: a second member of that name is a duplicate. */
  object = 0

  get total(): number {
    return this.nulls + this.booleans + this.numbers + this.texts + this.deep + this.lists + this.objects
  }

  get numbers(): number {
    return this.wholes + this.wides + this.doubles
  }

  get texts(): number {
    return this.dates + this.times + this.zoned + this.uuids + this.strings
  }

  copy(): Seen {
    const copy = new Seen()
    copy.add(this)
    return copy
  }

  /** Adds what was seen in another place. */
  add(other: Seen): void {
    for (const kind of KINDS) this[kind] += other[kind]
    if (other.element) {
      this.element ??= new Seen()
      this.element.add(other.element)
    }
    if (other.value) this.collapse().add(other.value)
    if (!other.members) return
    for (const { name, seen } of other.members.all) {
      if (this.value) this.value.add(seen)
      else this.of(name).add(seen)
    }
  }

  /** What was seen under `name`. */
  of(name: string): Seen {
    this.members ??= new Members()
    const known = this.members.byName.get(name)
    return known ? known.seen : this.members.enter(name).seen
  }

  /** From here on the members are values of a map. */
  collapse(): Seen {
    if (this.value) return this.value
    const value = new Seen()
    this.value = value
    const members = this.members?.all ?? []
    this.members = undefined
    for (const { seen } of members) value.add(seen)
    return value
  }
}

const KINDS = ['nulls', 'booleans', 'wholes', 'wides', 'doubles', 'inexact', 'dates', 'times', 'zoned', 'uuids', 'strings', 'deep', 'lists', 'objects'] as const

export interface Member {
  name: string
  /** The name's bytes as they stand between quotes; what no text holds where it cannot stand so. */
  text: Uint8Array
  index: number
  seen: Seen
}

export class Members {
  readonly all: Member[] = []
  readonly byName = new Map<string, Member>()

  enter(name: string): Member {
    const member = { name, text: /[\\\p{Surrogate}]/u.test(name) ? NEVER : encoder.encode(name), index: this.all.length, seen: new Seen() }
    this.all.push(member)
    this.byName.set(name, member)
    return member
  }
}

const encoder = new TextEncoder()
/** JSON has no such byte. */
const NEVER = new Uint8Array(1)
