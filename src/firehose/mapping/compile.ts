// A mapping checked, whole, before any record comes, and made into what the core runs.
import {
  CAST_BOOLEAN,
  CAST_FAIL,
  CAST_INT,
  CAST_KEEP,
  CAST_MS,
  CAST_NULL,
  CAST_NUMBER,
  CAST_S,
  CAST_SQL,
  CAST_STRING,
  CAST_TIMESTAMP,
  EDIT_HASH,
  EDIT_REMOVE,
  EDIT_TEXT,
} from '../../engine/transform-core.js'
import { checkKeys, kindOf, outOfRange, wrongType } from '../../errors.js'
import { compileCondition } from './condition.js'
import { checkText, type Field, Fields, upwards } from './fields.js'
import type { FirehoseMapping, MappingCast } from './mapping.js'
import { metadataOf } from './metadata.js'
import { assemble, type Plan } from './program.js'

/** What the transformer runs. */
export interface CompiledMapping {
  program: Uint8Array
  /** The JSON Pointers of its fields, as the core numbers them. */
  paths: string[]
  /** What a field is cast to, by the same number. */
  casts: (MappingCast | undefined)[]
}

const KEYS = [
  'where',
  'select',
  'rename',
  'cast',
  'onCast',
  'redact',
  'hash',
  'salt',
  'remove',
  'add',
  'flatten',
  'format',
  'partitionKeys',
  'otf',
] satisfies (keyof FirehoseMapping)[]

const CASTS: Record<MappingCast, number> = {
  string: CAST_STRING,
  number: CAST_NUMBER,
  int: CAST_INT,
  boolean: CAST_BOOLEAN,
  timestamp: CAST_TIMESTAMP,
  'sql-timestamp': CAST_SQL,
  'epoch-ms': CAST_MS,
  'epoch-s': CAST_S,
}
const ON_CAST = { fail: CAST_FAIL, null: CAST_NULL, keep: CAST_KEEP }

/** Throws TypeError and RangeError that name the place: `"mapping.cast./a" expected ...`. */
export function compileMapping(mapping: FirehoseMapping): CompiledMapping {
  if (typeof mapping !== 'object' || mapping === null || Array.isArray(mapping)) throw wrongType('mapping', 'a mapping', mapping)
  checkKeys('mapping', mapping, KEYS)
  const { where, select, rename, cast, onCast = 'fail', redact, hash, salt = '', remove, add, flatten = false, format = 'json' } = mapping
  const fields = new Fields()
  if (!Object.hasOwn(ON_CAST, onCast)) throw new TypeError(`"mapping.onCast" expected one of ${Object.keys(ON_CAST).join(', ')}, got ${kindOf(onCast)}`)
  if (format !== 'json' && format !== 'csv') throw new TypeError(`"mapping.format" expected json or csv, got ${kindOf(format)}`)
  if (typeof flatten !== 'boolean' && typeof flatten !== 'string') throw wrongType('mapping.flatten', 'true, false or the text between names', flatten)
  if (typeof flatten === 'string') checkText(flatten, 'mapping.flatten')
  if (typeof salt !== 'string') throw wrongType('mapping.salt', 'text', salt)
  checkText(salt, 'mapping.salt')
  const csv = format === 'csv'
  if (csv && flatten !== false) throw new TypeError('"mapping.flatten" expected nothing with the format csv, whose columns "select" names')

  const outputs = select === undefined ? undefined : entries(select, 'mapping.select').map(([name, path, label]) => ({ name, field: fields.at(path, label) }))
  if (outputs?.length === 0) throw wrongType('mapping.select', 'at least one member', select)
  if (csv && !outputs) throw wrongType('mapping.select', 'the columns of the format csv', select)
  for (const [path, to, label] of entries(rename, 'mapping.rename')) {
    if (typeof to !== 'string') throw wrongType(label, 'a name', to)
    checkText(to, label)
    fields.at(path, label).rename = { to, label }
  }
  const edit = (name: NonNullable<Field['edit']>['name'], kind: number, path: unknown, label: string, text?: string) => {
    const field = fields.at(path, label)
    if (field.edit) throw new TypeError(`"${label}" expected one of "${field.edit.label}" and itself, got both`)
    field.edit = { name, kind, label, ...(text === undefined ? {} : { text }) }
  }
  for (const [path, to, label] of entries(cast, 'mapping.cast')) {
    if (typeof to !== 'string' || !Object.hasOwn(CASTS, to))
      throw new TypeError(`"${label}" expected one of ${Object.keys(CASTS).join(', ')}, got ${kindOf(to)}`)
    edit('cast', CASTS[to as MappingCast], path, label)
  }
  if (Array.isArray(redact)) for (const [path, label] of list(redact, 'mapping.redact')) edit('redact', EDIT_TEXT, path, label, 'null')
  else for (const [path, value, label] of entries(redact, 'mapping.redact')) edit('redact', EDIT_TEXT, path, label, jsonOf(value, label))
  for (const [path, label] of list(hash, 'mapping.hash')) edit('hash', EDIT_HASH, path, label)
  for (const [path, label] of list(remove, 'mapping.remove')) edit('remove', EDIT_REMOVE, path, label)

  const added = entries(add, 'mapping.add').map(([name, value, label]) => ({ name, value, label, json: jsonOf(value, label) }))
  // a pointer, for a name may begin with a slash
  const pointer = (name: string) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
  // what has another name then is no longer in its place
  if (!outputs) for (const { name, label } of added) if (!fields.root.children.get(name)?.rename) edit('add', EDIT_REMOVE, pointer(name), label)
  const renamed = new Map([...fields.root.children.values()].flatMap(({ rename }) => (rename ? [[rename.to, rename.label]] : [])))
  const chosen = new Set(outputs?.map(({ name }) => name))
  for (const { name, label } of added) {
    const other = renamed.get(name)
    if (other !== undefined) throw new TypeError(`"${label}" expected a name that "${other}" does not give`)
    if (chosen.has(name)) throw new TypeError(`"${label}" expected a name that "mapping.select" has not`)
  }
  checkEdits(fields, outputs && new Set(outputs.map(({ field }) => field)))

  const conditions = where === undefined ? [] : compileCondition(where, 'mapping.where', fields)
  const metadata = metadataOf(mapping, fields)
  const plan: Plan = {
    fields,
    where: conditions,
    outputs,
    added: csv ? added.map(({ value, json }) => `,${cell(value, json)}`).join('') : added.map(({ name, json }) => `${JSON.stringify(name)}:${json}`).join(','),
    separator: flatten === false ? undefined : flatten === true ? '_' : flatten,
    csv,
    salt,
    onCast: ON_CAST[onCast],
    metadata,
  }
  const casts = fields.all.map(({ edit }) => (edit?.name === 'cast' ? (Object.keys(CASTS) as MappingCast[]).find((to) => CASTS[to] === edit.kind) : undefined))
  return { program: assemble(plan), paths: fields.all.map(({ path }) => path), casts }
}

/** What would do nothing, or not what it says. */
function checkEdits(fields: Fields, selected: ReadonlySet<Field> | undefined): void {
  for (const field of fields.all) {
    const label = field.edit?.label ?? field.rename?.label
    if (label === undefined) continue
    const above = [...upwards(field)].slice(1).find((f) => f.edit)
    if (above?.edit) throw new TypeError(`"${label}" expected a field that is not within that of "${above.edit.label}", which takes it all`)
    if (field.edit?.name === 'remove' && field.rename) throw new TypeError(`"${field.rename.label}" expected a field that "mapping.remove" does not name`)
    if (!selected) continue
    if (![...upwards(field)].some((f) => selected.has(f))) throw new TypeError(`"${label}" expected a field that "mapping.select" takes, or one within`)
    if (selected.has(field) && (field.rename || field.edit?.name === 'remove'))
      throw new TypeError(`"${label}" expected a field that "mapping.select" does not name`)
  }
  for (const field of selected ?? []) {
    const above = [...upwards(field)].slice(1).find((f) => f.edit)
    if (above?.edit) throw new TypeError(`"mapping.select" expected no field within that of "${above.edit.label}", got ${kindOf(field.path)}`)
  }
}

/** Entries with the label of each. Throws TypeError for what is no object. */
function entries(object: unknown, label: string): [string, unknown, string][] {
  if (object === undefined) return []
  if (typeof object !== 'object' || object === null || Array.isArray(object)) throw wrongType(label, 'an object', object)
  return Object.entries(object).map(([name, value]) => {
    checkText(name, label)
    return [name, value, `${label}.${name}`]
  })
}

function list(values: unknown, label: string): [unknown, string][] {
  if (values === undefined) return []
  if (!Array.isArray(values)) throw wrongType(label, 'an array of fields', values)
  return Array.from(values, (value: unknown, i) => [value, `${label}[${i}]`])
}

/** A value as JSON. */
function jsonOf(value: unknown, label: string): string {
  const json: unknown = JSON.stringify(value, (_, v) => {
    if (typeof v === 'bigint' || (typeof v === 'number' && !Number.isFinite(v))) throw outOfRange(label, 'a value of JSON', v)
    return v
  })
  if (typeof json !== 'string') throw wrongType(label, 'a value of JSON', value)
  return json
}

/** A value of the mapping as a cell of CSV. */
function cell(value: unknown, json: string): string {
  if (value === null) return ''
  const text = typeof value === 'string' ? value : json
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
