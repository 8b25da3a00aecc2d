// The table that records are converted by: a Glue table, DDL or a schema of millrace's own -> what the file has.
import { outOfRange } from '../../errors.js'
import { checkLookup, fieldsOf, setKeys } from '../../parquet/internal.js'
import { parseTable } from '../../parquet/schema/schema.js'
import type { Field } from '../../types.js'
import type { ConversionPlan } from './config.js'

/** How timestamps of a Hive or Glue table stand in the file. */
export type TimestampType = 'int96' | 'int64'

/**
 * The columns of `table`, those that it is partitioned by left out: no file has them. Throws TypeError or RangeError
 * with the path, also for what the deserializer cannot read: of Hive's, binary and columns with a point in their name
 * (developer guide, "Choose the JSON deserializer"; JsonSerDe of Hive's HCatalog).
 */
export function readColumns(
  table: unknown,
  { serde, caseInsensitive, dotsToUnderscores, keys }: ConversionPlan,
  timestamps: TimestampType,
  label: string,
): Field[] {
  const { schema, partitionBy } = parseTable(table, label)
  const columns = fieldsOf(schema, label).filter(({ name }) => !partitionBy.includes(name))
  if (columns.length === 0) throw outOfRange(`${label}.columns`, 'at least one column that is no partition key', columns)
  setKeys(columns, keys)
  const fields = columns.map((field) => stored(field, timestamps))
  checkLookup(fields, { caseInsensitive, dotsToUnderscores }, label)
  if (serde === 'hive') for (const field of fields) checkHive(field, `${label} column ${JSON.stringify(field.name)}`)
  return fields
}

/** Timestamps of other origin than a schema that says their unit take the type asked for. */
function stored(field: Field, timestamps: TimestampType): Field {
  const { leaf, struct, list, map } = field
  if (leaf?.type === 'timestamp' && leaf.epoch === 'auto' && timestamps === 'int96') {
    return { ...field, leaf: { type: 'timestamp', epoch: 'auto', int96: true } }
  }
  if (struct) return { ...field, struct: struct.map((member) => stored(member, timestamps)) }
  if (list) return { ...field, list: stored(list, timestamps) }
  if (map) return { ...field, map: { key: stored(map.key, timestamps), value: stored(map.value, timestamps) } }
  return field
}

function checkHive(field: Field, label: string): void {
  if (field.name.includes('.')) throw outOfRange(label, 'a name without a point, which HiveJsonSerDe does not take', field.name)
  if (field.leaf?.type === 'binary') throw outOfRange(label, 'another type than binary, which HiveJsonSerDe does not read', 'binary')
  for (const part of field.struct ?? (field.list ? [field.list] : field.map ? [field.map.key, field.map.value] : [])) checkHive(part, label)
}
