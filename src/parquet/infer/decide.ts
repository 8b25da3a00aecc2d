// From what was seen to the fields that hold it.
import type { Field, Leaf } from '../../types.js'
import { typeName } from '../schema/format.js'
import { part, type Shape } from '../schema/text.js'
import type { Seen } from './seen.js'

export type NoteKind = 'null' | 'empty list' | 'empty object' | 'mixed' | 'large' | 'inexact' | 'map' | 'deep' | 'name' | 'case'

/** Something about a column that its type does not say. */
export interface Note {
  /** From the column to the part that is meant, lists' `element` and maps' `value` included. */
  path: string[]
  /**
   * null: nothing but null was seen; empty list, empty object: nothing in it. mixed: values of several
   * kinds. large: whole numbers beyond 64 bits. inexact: some numbers are rounded by a double. map: an
   * object whose keys look like data. deep: nested beyond 100. name: a member that is left out, for no
   * column can have its name. case: a name that another one has in other case.
   */
  kind: NoteKind
  /** The type that was chosen, as text; of a member that is left out, ''. */
  type: string
  /** What was seen, for people. */
  message: string
}

export interface Choices {
  /** The writer's. Under hive and openx what is string here and number there is a string, for they can write that; under strict, json. */
  coercion?: 'strict' | 'hive' | 'openx'
  /** Whether strings that are all UUIDs become uuid, which Spark does not read. Default false. */
  uuid?: boolean
}

/** An object's keys look like data where it has more than so many, and one object a tenth of them at most. */
const MANY = 50
const SHARE = 10
/** Or where they are at least so many and all of them numbers, dates or UUIDs. */
const FEW = 3
const DATA = /^(?:\d+|\d{4}-\d\d-\d\d(?:T[\d:.]+Z?)?|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$/

/** The fields of the objects that were seen, all nullable, in the order of their first appearance. */
export function fieldsFrom(objects: Seen, choices: Choices): { fields: Field[]; notes: Note[] } {
  const decision = new Decision(choices)
  return { fields: decision.members(objects, []), notes: decision.notes }
}

class Decision {
  readonly notes: Note[] = []
  readonly #choices: Choices

  constructor(choices: Choices) {
    this.#choices = choices
  }

  members(seen: Seen, path: readonly string[]): Field[] {
    const folded = new Map<string, string>()
    return present(seen).flatMap(({ name, seen }) => {
      const here = [...path, name]
      if (name === '' || /\p{Surrogate}/u.test(name)) {
        this.notes.push({ path: here, kind: 'name', type: '', message: name === '' ? 'a name without characters' : 'a name that is no valid Unicode' })
        return []
      }
      const field = { name, key: name, nullable: true, ...this.#shape(seen, here) }
      const other = folded.get(name.toLowerCase())
      if (other !== undefined) this.#note(here, 'case', field, `${JSON.stringify(other)} differs in case only; Athena, Glue and Spark take both for one`)
      folded.set(name.toLowerCase(), name)
      return [field]
    })
  }

  #shape(seen: Seen, path: string[]): Shape {
    const kinds = [seen.booleans, seen.numbers, seen.texts, seen.lists, seen.objects].filter((count) => count > 0).length
    if (seen.deep > 0) return this.#note(path, 'deep', leaf('json'), 'nested beyond 100 levels')
    if (kinds === 0) return this.#note(path, 'null', leaf('string'), 'nothing but null')
    if (kinds > 1) {
      const text = this.#choices.coercion !== 'strict' && seen.lists + seen.objects === 0
      return this.#note(path, 'mixed', leaf(text ? 'string' : 'json'), counts(seen))
    }
    if (seen.booleans > 0) return leaf('boolean')
    if (seen.numbers > 0) return this.#number(seen, path)
    if (seen.texts > 0) return this.#text(seen)
    return seen.lists > 0 ? this.#list(seen, path) : this.#object(seen, path)
  }

  #number({ wides, doubles, inexact }: Seen, path: string[]): Shape {
    if (doubles === 0 && wides === 0) return leaf('int64')
    if (doubles === 0) return this.#note(path, 'large', { leaf: { type: 'decimal', precision: 38, scale: 0 } }, 'whole numbers beyond 64 bits')
    if (inexact === 0) return leaf('double')
    return this.#note(path, 'inexact', leaf('double'), `${inexact} numbers with more digits than a double keeps`)
  }

  #text({ dates, times, zoned, uuids, texts }: Seen): Shape {
    if (dates === texts) return leaf('date')
    // OpenX refuses offsets, so its coercion does
    if (times + zoned === texts && (zoned === 0 || this.#choices.coercion !== 'openx')) return { leaf: { type: 'timestamp', unit: 'us' } }
    return leaf(uuids === texts && this.#choices.uuid ? 'uuid' : 'string')
  }

  #list(seen: Seen, path: string[]): Shape {
    const { element } = seen
    const below = [...path, 'element']
    if (element && element.total > 0) return { list: part('element', true, this.#shape(element, below)) }
    return this.#note(path, 'empty list', { list: part('element', true, leaf('string')) }, 'nothing but empty lists')
  }

  #object(seen: Seen, path: string[]): Shape {
    const value = mapOf(seen)
    if (value) {
      const shape = this.#shape(value, [...path, 'value'])
      const map = { key: part('key', false, leaf('string')), value: part('value', true, shape) }
      return this.#note(path, 'map', { map }, seen.value ? 'too many keys' : `${present(seen).length} keys in ${seen.objects} objects`)
    }
    const struct = this.members(seen, path)
    return struct.length > 0 ? { struct } : this.#note(path, 'empty object', leaf('json'), 'nothing but objects without members')
  }

  #note(path: string[], kind: NoteKind, shape: Shape, message: string): Shape {
    this.notes.push({ path, kind, type: typeName(shape), message })
    return shape
  }
}

function leaf(type: Leaf['type']): Shape {
  return { leaf: { type } }
}

/** The members that were seen; duplicates that another one took the place of were not. */
function present(seen: Seen) {
  return seen.members?.all.filter(({ seen }) => seen.total > 0) ?? []
}

/** What the values of an object whose keys look like data have in common; undefined where they do not. */
function mapOf(seen: Seen): Seen | undefined {
  if (seen.value) return seen.value
  const members = present(seen)
  const sum = members.reduce((sum, { seen }) => sum + seen.total, 0)
  const many = members.length > MANY && sum * SHARE <= members.length * seen.objects
  if (!many && (members.length < FEW || !members.every(({ name }) => DATA.test(name)))) return undefined
  const [first, ...others] = members
  const all = first.seen.copy()
  for (const other of others) all.add(other.seen)
  return isMixed(all) ? undefined : all
}

function isMixed({ booleans, numbers, texts, lists, objects }: Seen): boolean {
  return [booleans, numbers, texts, lists, objects].filter((count) => count > 0).length > 1
}

function counts({ booleans, numbers, texts, lists, objects }: Seen): string {
  const words = { boolean: booleans, number: numbers, string: texts, list: lists, object: objects }
  return Object.entries(words)
    .filter(([, count]) => count > 0)
    .map(([word, count]) => `${count} ${word}${count === 1 ? '' : 's'}`)
    .join(', ')
}
