// Which member of a JSON object is which column: renames, case, dots.
import { outOfRange } from '../../errors.js'
import type { Field } from '../../types.js'

/** How a table's own reader takes JSON; options of a writer by the same names. */
export interface TableOptions {
  /** Of a table on a JSON serde: how lenient values are read. */
  coercion?: 'hive' | 'openx'
  /** Whether keys match names without regard to case. Catalogues fold names, so of a table it is the default. */
  caseInsensitive?: boolean
  /** Whether a dot in a key matches an underscore in a name. */
  dotsToUnderscores?: boolean
}

const OPENX = 'org.openx.data.jsonserde.JsonSerDe'
const HIVE = ['org.apache.hive.hcatalog.data.JsonSerDe', 'org.apache.hadoop.hive.serde2.JsonSerDe']
const MAPPING = 'mapping.'

/** What a serde and its properties say (https://docs.aws.amazon.com/athena/latest/ug/openx-json-serde.html). */
export function serdeOptions(library: string | undefined, parameters: ReadonlyMap<string, string>): TableOptions {
  const flag = (name: string, otherwise: boolean) => (parameters.get(name) ?? String(otherwise)).toLowerCase() === 'true'
  if (library === OPENX) return { coercion: 'openx', caseInsensitive: flag('case.insensitive', true), dotsToUnderscores: flag('dots.in.keys', false) }
  return { ...(library !== undefined && HIVE.includes(library) ? { coercion: 'hive' } : {}), caseInsensitive: true }
}

/** Takes the OpenX properties `mapping.COLUMN = KEY`, which hold for members of that name at any depth (JsonObjectInspectorFactory). */
export function mapKeys(fields: readonly Field[], parameters: ReadonlyMap<string, string>): void {
  setKeys(fields, new Map([...parameters].flatMap(([name, key]) => (name.startsWith(MAPPING) ? [[name.slice(MAPPING.length), key] as const] : []))))
}

/** Gives fields and members the keys by their names, at any depth and whatever the case of the names. */
export function setKeys(fields: readonly Field[], keysByName: ReadonlyMap<string, string>): void {
  if (keysByName.size === 0) return
  const keys = new Map([...keysByName].map(([name, key]) => [name.toLowerCase(), key]))
  const walk = (field: Field) => {
    field.key = keys.get(field.name.toLowerCase()) ?? field.key
    below(field, walk)
  }
  for (const field of fields) walk(field)
}

/**
 * Fields as inference finds them, which are named by their keys, under the names that `like` has for
 * these keys, so that the two can be compared.
 */
export function renamed(fields: readonly Field[], like: readonly Field[], caseInsensitive: boolean): Field[] {
  const fold = (key: string) => (caseInsensitive ? lower(key) : key)
  const known = new Map(like.map((field) => [fold(field.key), field]))
  return fields.map((field) => {
    const model = known.get(fold(field.key))
    return model ? { ...field, ...partsLike(field, model, caseInsensitive), name: model.name, key: model.key } : field
  })
}

function partsLike({ struct, list, map }: Field, model: Field, caseInsensitive: boolean): Partial<Field> {
  if (struct && model.struct) return { struct: renamed(struct, model.struct, caseInsensitive) }
  if (list && model.list) return { list: { ...list, ...partsLike(list, model.list, caseInsensitive) } }
  if (map && model.map) return { map: { ...map, value: { ...map.value, ...partsLike(map.value, model.map.value, caseInsensitive) } } }
  return {}
}

/** Calls `visit` for the members of a struct, wherever `field` holds them. */
function below(field: Field, visit: (member: Field) => void): void {
  const { struct, list, map } = field
  if (struct) struct.forEach(visit)
  else if (list) below(list, visit)
  else if (map) below(map.value, visit)
}

/** Only ASCII has a case here, as in the scan. */
function lower(key: string): string {
  return key.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

/**
 * Throws RangeError where, under the writer's options, one key of one JSON object would be two
 * columns: `id` and `ID` without regard to case, `a.b` and `a_b` where dots are underscores.
 */
export function checkLookup(fields: readonly Field[], options: Pick<TableOptions, 'caseInsensitive' | 'dotsToUnderscores'>, label: string): void {
  const { caseInsensitive, dotsToUnderscores } = options
  const check = (members: readonly Field[], above: readonly string[]) => {
    const seen = new Map<string, string>()
    for (const { key } of members) {
      const cased = caseInsensitive ? lower(key) : key
      const folded = dotsToUnderscores ? cased.replaceAll('.', '_') : cased
      const other = seen.get(folded)
      if (other !== undefined)
        throw outOfRange([label, ...above].join('.'), `keys that differ by more than case and dots, of which ${JSON.stringify(other)} is one`, key)
      seen.set(folded, key)
    }
    for (const member of members) walk(member, [...above, member.name])
  }
  const walk = (field: Field, path: readonly string[]): void => {
    if (field.struct) check(field.struct, path)
    else if (field.list) walk(field.list, path)
    else if (field.map) walk(field.map.value, path)
  }
  check(fields, [])
}
