// A table of the Glue data catalog, as GetTable answers (API_GetTable, API_Table, API_StorageDescriptor).
import { outOfRange, wrongType } from '../../errors.js'
import type { Field } from '../../types.js'
import { HIVE_TIMESTAMP, type TableFields } from './ddl.js'
import { checkName } from './leaf.js'
import { mapKeys, serdeOptions } from './mapping.js'
import { TypeText } from './text.js'

type Members = Record<string, unknown>

/** Whether `value` looks like a GetTable response, its Table, or the TableInput that made it. */
export function isGlue(value: object): boolean {
  return ['Table', 'TableInput', 'StorageDescriptor'].some((name) => Object.hasOwn(value, name))
}

/** The columns, partition keys last, under names as the catalog has them, which is lower case. */
export function parseGlue(value: object, label: string): TableFields {
  const response = value as Members
  const table = response.Table ?? response.TableInput ?? response
  const path = `${label}${response.Table ? '.Table' : response.TableInput ? '.TableInput' : ''}`
  const { StorageDescriptor: storage, PartitionKeys: keys } = object(table, path)
  const { Columns, SerdeInfo } = object(storage, `${path}.StorageDescriptor`)
  const names = new Set<string>()
  const columns = columnsOf(Columns, `${path}.StorageDescriptor.Columns`, names)
  const partitions = columnsOf(keys ?? [], `${path}.PartitionKeys`, names)
  const fields = [...columns, ...partitions]
  const at = `${path}.StorageDescriptor.SerdeInfo`
  const { SerializationLibrary: library, Parameters } = object(SerdeInfo ?? {}, at)
  if (library !== undefined && library !== null && typeof library !== 'string') throw wrongType(`${at}.SerializationLibrary`, 'a string', library)
  const parameters = new Map(
    Object.entries(object(Parameters ?? {}, `${at}.Parameters`)).map(([name, text]) => {
      if (typeof text !== 'string') throw wrongType(`${at}.Parameters[${JSON.stringify(name)}]`, 'a string', text)
      return [name, text] as const
    }),
  )
  mapKeys(fields, parameters)
  return { fields, partitionBy: partitions.map(({ name }) => name), ...serdeOptions(library ?? undefined, parameters) }
}

function columnsOf(columns: unknown, label: string, names: Set<string>): Field[] {
  if (!Array.isArray(columns)) throw wrongType(label, 'an array', columns)
  return columns.map((column: unknown, i) => {
    const at = `${label}[${i}]`
    const { Name: name, Type: type } = object(column, at)
    checkName(`${at}.Name`, name)
    if (names.has(name.toLowerCase())) throw outOfRange(`${at}.Name`, 'a name that no other column has', name)
    names.add(name.toLowerCase())
    if (typeof type !== 'string') throw wrongType(`${at}.Type`, 'a string', type)
    const text = new TypeText(type, { label: `${at}.Type`, timestamp: HIVE_TIMESTAMP, folded: true })
    const shape = text.type(0)
    if (!text.ended) text.fail('the end of the text')
    return { name, key: name, nullable: true, ...shape }
  })
}

function object(value: unknown, label: string): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrongType(label, 'an object', value)
  return value as Members
}
