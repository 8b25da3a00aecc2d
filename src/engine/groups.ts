// The schema's structs, lists and maps laid out for the scan (assembly/columnar/groups.ts), and what
// errors call each of its nodes.
import { outOfRange } from '../errors.js'
import type { Field, Leaf } from '../types.js'
import * as core from './core.js'
import type { Engine } from './engine.js'
import type { LeafColumn } from './leaves.js'

/** How a node of the schema is named in a message. */
export interface Subject {
  /** Its names from the root, joined by points. */
  path: string
  /** Its type, with what a value must know of its parameters. */
  type: string
  leaf?: Leaf
}

export interface Groups {
  /** Address of the record's group; the others follow it, depth first. */
  root: number
  /** Leaf columns in their order, then groups in theirs. */
  subjects: Subject[]
  /** For each leaf, the innermost list or map around it, or -1: leaves that share it have as many entries. */
  repeated: number[]
}

export interface GroupOptions {
  /** core.FOLD_* */
  fold: number
  /** The top-level column that no key leads to. */
  rest?: Field | undefined
}

interface Group {
  field: Field
  members: Field[]
  type: number
  path: string[]
  def: number
  rep: number
  depth: number
  nullable: boolean
  /** First leaf and first leaf behind. */
  leaves: [number, number]
  /** Index of the group behind the last below. */
  groups: number
}

// Predictions of members that no column wants, of the record and of objects below.
const STRANGERS = 32
const STRANGERS_BELOW = 8
// A level is a byte, and a required leaf that does not fit has the one below 0.
const MAX_LEVEL = 254

/**
 * Lays out the groups of `fields`, whose leaf columns are at `columns`. Throws RangeError where two
 * members of an object have one key, a struct is empty, or a value would lie deeper than the scan goes.
 */
export function layGroups(engine: Engine, fields: readonly Field[], columns: number, leaves: readonly LeafColumn[], options: GroupOptions): Groups {
  const groups: Group[] = []
  const nodes = new Map<Field, number>()
  const repeated: number[] = []
  let leaf = 0
  const walk = (field: Field, above: string[], def: number, rep: number, depth: number, within: number, label: string) => {
    const path = [...above, field.name]
    if (field.leaf) {
      nodes.set(field, columns + leaf * core.COLUMN_SIZE)
      repeated.push(within)
      leaf++
      return
    }
    if (depth > core.MAX_DEPTH) throw outOfRange(label, `at most ${core.MAX_DEPTH} levels of nesting`, depth)
    const here = groups.length
    const own = def + (field.nullable ? 1 : 0)
    const type = field.struct ? core.TYPE_STRUCT : field.list ? core.TYPE_LIST : core.TYPE_MAP
    const members = field.struct ?? (field.list ? [field.list] : field.map ? [field.map.key, field.map.value] : [])
    const group: Group = { field, members, type, path, def: own, rep, depth, nullable: field.nullable, leaves: [leaf, leaf], groups: 0 }
    groups.push(group)
    if (field.struct) {
      if (members.length === 0 && depth > 1) throw outOfRange(label, 'a struct with members', field.name)
      for (const [i, member] of members.entries())
        walk(member, depth > 1 ? path : [], own, rep, depth + 1, within, depth > 1 ? `${label}.struct[${i}]` : `fields[${i}]`)
    } else {
      const below = [...path, field.list ? 'list' : 'key_value']
      for (const member of members) walk(member, below, own + 1, rep + 1, depth + 1, here, `${label}.${field.list ? 'list' : 'map'}`)
    }
    group.leaves[1] = leaf
    group.groups = groups.length
  }
  const record: Field = { name: '', key: '', nullable: false, struct: [...fields] }
  walk(record, [], 0, 0, 1, -1, 'fields')
  for (const { maxDef, path } of leaves)
    if (maxDef > MAX_LEVEL) throw outOfRange('fields', `at most ${MAX_LEVEL} levels above ${JSON.stringify(path.join('.'))}`, maxDef)

  const root = engine.reserve(groups.length * core.GROUP_SIZE)
  engine.bytes().fill(0, root, root + groups.length * core.GROUP_SIZE)
  const at = (i: number) => root + i * core.GROUP_SIZE
  for (const [i, group] of groups.entries()) nodes.set(group.field, at(i))
  groups.forEach((group, i) => {
    const members = group.members.filter((member) => member !== options.rest || i > 0)
    const addresses = engine.reserve(4 * members.length)
    const strangers = i === 0 ? STRANGERS : STRANGERS_BELOW
    members.forEach((member, m) => {
      engine.words()[(addresses >> 2) + m] = nodes.get(member) as number
    })
    const words: [number, number][] = [
      [core.COLUMN_TYPE, group.type],
      [core.COLUMN_NULLABLE, group.nullable ? 1 : 0],
      [core.GROUP_DEF, group.def],
      [core.GROUP_REP, group.rep],
      [core.GROUP_LEAVES, columns + group.leaves[0] * core.COLUMN_SIZE],
      [core.GROUP_BEHIND, columns + group.leaves[1] * core.COLUMN_SIZE],
      [core.GROUP_MEMBERS, addresses],
      [core.GROUP_COUNT, members.length],
      [core.GROUP_STRANGERS, strangers],
      [core.GROUP_DEPTH, group.depth],
      [core.GROUP_GROUPS, at(group.groups)],
      [core.GROUP_FOLD, options.fold],
    ]
    for (const [offset, value] of words) engine.words()[(at(i) + offset) >> 2] = value
    if (group.type !== core.TYPE_STRUCT) return
    nameMembers(engine, members, nodes, options.fold, i === 0 ? 'fields' : `${group.path.join('.')}.struct`)
    engine.core.openObject(at(i), engine.reserve(engine.core.objectSize(members.length, strangers)))
  })
  const subjects = leaves.map(({ path, leaf }): Subject => ({ path: path.join('.'), type: typeOf(leaf), leaf }))
  for (const { field, path } of groups) subjects.push({ path: path.join('.'), type: field.struct ? 'struct' : field.list ? 'list' : 'map' })
  return { root, subjects, repeated }
}

function typeOf({ type, precision = 10, scale = 0 }: Leaf): string {
  return type === 'decimal' ? `decimal(${precision},${scale})` : type
}

const encoder = new TextEncoder()

/** Gives the members of one object their keys, in the form in which they are looked up. */
function nameMembers(engine: Engine, members: readonly Field[], nodes: ReadonlyMap<Field, number>, fold: number, label: string): void {
  const keys = new Set<string>()
  members.forEach((member, i) => {
    const key = folded(member.key, fold)
    if (keys.has(key)) throw outOfRange(`${label}[${i}].name`, 'a name that no other column has', member.key)
    keys.add(key)
    const text = encoder.encode(key)
    const name = engine.put(text)
    const node = (nodes.get(member) as number) >> 2
    engine.words()[node + (core.COLUMN_NAME >> 2)] = name
    engine.words()[node + (core.COLUMN_NAME_SIZE >> 2)] = text.length
  })
}

/** As the core folds the keys of the JSON: ASCII only, as Hive and Glue names are. */
function folded(key: string, fold: number): string {
  const cased = fold & core.FOLD_CASE ? key.replace(/[A-Z]/g, (c) => c.toLowerCase()) : key
  return fold & core.FOLD_DOTS ? cased.replaceAll('.', '_') : cased
}
