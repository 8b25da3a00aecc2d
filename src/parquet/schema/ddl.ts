// Columns as Hive, Athena and Spark write them: a list, a struct type, or a whole CREATE TABLE.
import type { Field, Leaf } from '../../types.js'
import { mapKeys, serdeOptions, type TableOptions } from './mapping.js'
import { TypeText } from './text.js'

/** The fields of a table, partition columns last, as parseTable() gives them to its caller. */
export interface TableFields extends TableOptions {
  fields: Field[]
  partitionBy: string[]
}

/**
 * A Hive timestamp has no unit: microseconds lose nothing that Spark and Athena can read. Numbers
 * count as OpenX has them, by their magnitude.
 */
export const HIVE_TIMESTAMP: Leaf = { type: 'timestamp', unit: 'us', epoch: 'auto' }

/**
 * `a int, b array<string>`, `struct<a:int>` or `CREATE [EXTERNAL] TABLE t (...) ...`. Hive knows no
 * case in names: two that differ in nothing else are refused.
 */
export function parseDdl(text: string, label: string): TableFields {
  const ddl = new TypeText(text, { label, timestamp: HIVE_TIMESTAMP, folded: true })
  const struct = /^\s*struct\s*</i.test(text)
  const table: TableFields = ddl.words('create') ? createTable(ddl) : { fields: struct ? (ddl.type(0).struct as Field[]) : ddl.members(0), partitionBy: [] }
  ddl.take(';')
  if (!ddl.ended) ddl.fail(struct ? 'the end of the text' : '"," or the end of the text')
  return table
}

/** https://cwiki.apache.org/confluence/display/Hive/LanguageManual+DDL#LanguageManualDDL-CreateTable; clauses that say nothing of columns are passed over. */
function createTable(ddl: TypeText): TableFields {
  ddl.words('or', 'replace')
  ddl.words('temporary')
  ddl.words('external')
  if (!ddl.words('table')) ddl.fail('TABLE')
  ddl.words('if', 'not', 'exists')
  do if (ddl.name() === undefined) ddl.fail('a table name')
  while (ddl.take('.'))
  ddl.need('(')
  const fields = ddl.members(0)
  ddl.need(')')
  const names = new Map(fields.map(({ name }) => [name.toLowerCase(), name]))
  let partitionBy: string[] = []
  let library: string | undefined
  const parameters = new Map<string, string>()
  for (let end = ddl.at; !ddl.ended && !ddl.take(';'); end = ddl.at) {
    if (ddl.words('partitioned', 'by')) {
      ddl.need('(')
      // Spark names columns of the table here, Hive adds further ones
      const own = new Map<string, string>()
      const added = ddl.members(0, (name, at) => {
        const known = names.get(name.toLowerCase())
        if (known === undefined) ddl.failAt(at, 'a column of the table or a type behind the name')
        own.set(name, known)
      })
      const twice = added.find(({ name }) => names.has(name.toLowerCase()))
      if (twice) ddl.failAt(end, `no column of the table among the partitions: ${twice.name} is one`)
      ddl.need(')')
      fields.push(...added)
      partitionBy = [...own.values(), ...added.map(({ name }) => name)]
    } else if (ddl.words('row', 'format', 'serde')) {
      library = ddl.literal() ?? ddl.fail('the name of a serde in quotes')
    } else if (ddl.words('with', 'serdeproperties')) {
      ddl.need('(')
      do {
        const name = ddl.literal() ?? ddl.fail('a property in quotes')
        ddl.need('=')
        parameters.set(name, ddl.literal() ?? ddl.fail('a value in quotes'))
      } while (ddl.take(','))
      ddl.need(')')
    } else ddl.pass()
  }
  mapKeys(fields, parameters)
  return { fields, partitionBy, ...serdeOptions(library, parameters) }
}
