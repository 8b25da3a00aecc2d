// Partition keys and the routing to Iceberg tables as pieces of the metadata's JSON, some of them fields.
import { checkKeys, kindOf, wrongType } from '../../errors.js'
import { checkText, type Field, type Fields, upwards } from './fields.js'
import type { FirehoseMapping } from './mapping.js'
import type { Piece } from './program.js'

const OTF = { database: 'destinationDatabaseName', table: 'destinationTableName', operation: 'operation' }
const OPERATIONS = ['insert', 'update', 'delete']

/** Nothing where the mapping has neither. Throws TypeError, naming the place. */
export function metadataOf({ partitionKeys, otf }: FirehoseMapping, fields: Fields): Piece[] {
  if (partitionKeys === undefined && otf === undefined) return []
  for (const [label, value] of Object.entries({ 'mapping.partitionKeys': partitionKeys, 'mapping.otf': otf })) {
    if (value !== undefined && (typeof value !== 'object' || value === null || Array.isArray(value))) throw wrongType(label, 'an object', value)
  }
  const keys = Object.entries(partitionKeys ?? {}).map(([name, value]) => [name, value, `mapping.partitionKeys.${name}`] as const)
  if (otf) checkKeys('mapping.otf', otf, Object.keys(OTF))
  const routing = Object.entries(OTF).flatMap(([key, name]) => {
    const value: unknown = otf?.[key as keyof typeof OTF]
    return value === undefined ? [] : [[name, value, `mapping.otf.${key}`] as const]
  })
  const members = (list: readonly (readonly [string, unknown, string])[]): Piece[] =>
    list.flatMap(([name, value, label], i): Piece[] => {
      checkText(name, label)
      return [{ text: `${i > 0 ? ',' : ''}${JSON.stringify(name)}:` }, textOf(value, label, fields)]
    })
  const tail: Piece[] = otf ? [{ text: '},"otfMetadata":{' }, ...members(routing), { text: '}}' }] : [{ text: '}}' }]
  return joined([{ text: '{"partitionKeys":{' }, ...members(keys), ...tail])
}

function textOf(given: unknown, label: string, fields: Fields): Piece {
  const operation = label === 'mapping.otf.operation'
  const text = (value: unknown, at: string): string => {
    if (typeof value !== 'string' || value === '') throw wrongType(at, 'text', value)
    checkText(value, at)
    if (operation && !OPERATIONS.includes(value)) throw new TypeError(`"${at}" expected one of ${OPERATIONS.join(', ')}, got ${kindOf(value)}`)
    return value
  }
  if (typeof given !== 'string' && (typeof given !== 'object' || given === null || Array.isArray(given)))
    throw wrongType(label, 'a field, { field, default } or { value }', given)
  if (typeof given === 'object' && 'value' in given) {
    checkKeys(label, given, ['value'])
    return { text: JSON.stringify(text(given.value, `${label}.value`)) }
  }
  const { field: path, default: otherwise } =
    typeof given === 'string' ? { field: given, default: undefined } : (given as { field?: unknown; default?: unknown })
  if (typeof given === 'object') checkKeys(label, given, ['field', 'default'])
  const field = fields.at(path, typeof given === 'string' ? label : `${label}.field`)
  checkOpen(field, label)
  return { field, operation, default: otherwise === undefined ? undefined : text(otherwise, `${label}.default`) }
}

/** What is redacted or hashed must not stand in the name of an object or a table. */
function checkOpen(field: Field, label: string): void {
  const secret = [...upwards(field)].find(({ edit }) => edit?.name === 'redact' || edit?.name === 'hash')
  if (secret?.edit) throw new TypeError(`"${label}" expected a field that is not that of "${secret.edit.label}": it would stand there as it came`)
}

/** Texts that follow one another are one. */
function joined(pieces: readonly Piece[]): Piece[] {
  const out: Piece[] = []
  for (const piece of pieces) {
    const before = out.at(-1)
    if (before && 'text' in before && 'text' in piece) out[out.length - 1] = { text: before.text + piece.text }
    else out.push(piece)
  }
  return out
}
