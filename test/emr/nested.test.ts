// The Hive writer over columns of every shape, read back by DuckDB.
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createHiveWriter } from '../../src/emr/index.js'
import { nodePorts } from '../../src/ports/node.js'
import { type Duck, openDuck } from '../duck.js'

let duck: Duck
beforeAll(async () => {
  duck = await openDuck()
})
afterAll(() => duck.close())

const SCHEMA = {
  columns: [
    { name: 'n', type: 'int32', nullable: false },
    { name: 'tags', type: 'list<string>' },
    { name: 'day', type: 'date' },
    { name: 'attrs', type: 'map<string,int64>' },
    { name: 'who', type: 'struct<name:string,z:list<list<double>>>' },
    { name: 'price', type: 'decimal(20,2)' },
    { name: 'id', type: 'uuid' },
    { name: 'scale', type: 'decimal(5,2)' },
    { name: 'old', type: 'int8' },
  ],
} as const

const row = (i: number) => ({
  n: i,
  tags: i % 7 === 0 ? null : Array.from({ length: i % 4 }, (_, j) => (j === 2 ? null : `t${i}-${j}`)),
  day: i % 5 === 0 ? null : `2024-02-${String(25 + (i % 5)).padStart(2, '0')}`,
  attrs: Object.fromEntries(Array.from({ length: i % 3 }, (_, j) => [`k${j}`, j === 1 ? null : i])),
  who: i % 6 === 0 ? null : { name: `w${i}`, z: [[i / 3], [], [1, 2]].slice(0, i % 4) },
  price: `${i}.25`,
  id: `00000000-0000-0000-0000-${String(i).padStart(12, '0')}`,
  scale: i % 2 ? '1.50' : '-0.05',
  old: i % 2,
})

describe('createHiveWriter of nested columns', () => {
  it.each([
    ['in much memory', 256, 3000],
    ['in little memory', 1, 12_000],
  ])('gives every cell back, %s', async (_, mib, count) => {
    const directory = join(duck.directory, `nested-${mib}`)
    const writer = createHiveWriter({
      schema: SCHEMA as never,
      directory,
      partitionBy: ['day', 'scale', 'old'],
      ports: nodePorts,
      maxBufferedBytes: mib * 1024 * 1024,
    })
    const rows = Array.from({ length: count }, (_, i) => row(i))
    await writer.writeJson(Buffer.from(rows.map((r) => JSON.stringify(r)).join('\n')))
    const summary = await writer.close()
    expect(summary).toMatchObject({ rows: count, badRecords: 0, partitions: 10 })
    const json = duck.file(`nested-${mib}.json`, Buffer.from(rows.map((r) => JSON.stringify(r)).join('\n')))
    const columns = `{n: 'INT', tags: 'VARCHAR[]', day: 'DATE', attrs: 'MAP(VARCHAR, BIGINT)', who: 'STRUCT(name VARCHAR, z DOUBLE[][])', price: 'DECIMAL(20,2)', id: 'UUID', scale: 'DECIMAL(5,2)', old: 'INT'}`
    const from = `read_parquet('${directory}/**/*.parquet', hive_partitioning = true, hive_types = {day: DATE, scale: 'DECIMAL(5,2)', old: INT})`
    const names = SCHEMA.columns.map(({ name }) => name).join(', ')
    const [{ differ, same }] = await duck.rows(
      `with a as (select ${names} from read_json('${json}', format = 'newline_delimited', columns = ${columns})), b as (select ${names} from ${from})
       select (select count(*) from (select * from a except all select * from b)) differ, (select count(*) from b) same`,
    )
    expect([differ, same]).toEqual([0n, BigInt(count)])
  })

  it('takes rows whose lists have more entries than a batch has rows', async () => {
    const directory = join(duck.directory, 'long-lists')
    const schema = {
      columns: [
        { name: 'p', type: 'string' },
        { name: 'l', type: 'list<int64>' },
      ],
    }
    const writer = createHiveWriter({ schema: schema as never, directory, partitionBy: ['p'], ports: nodePorts })
    const rows = Array.from({ length: 30 }, (_, i) => ({ p: `p${i % 2}`, l: Array.from({ length: i * 3000 }, (_, j) => j) }))
    await writer.writeRows(rows)
    await writer.close()
    const back = await duck.rows(`select len(l) n, list_sum(l)::bigint s from read_parquet('${directory}/**/*.parquet') order by 1`)
    expect(back.map(({ n, s }) => [n, s ?? 0n])).toEqual(rows.map(({ l }) => [BigInt(l.length), BigInt((l.length * (l.length - 1)) / 2)]))
  })
})
