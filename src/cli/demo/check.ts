// The demo's judge: DuckDB reads the input file and the Parquet that came out at the other end, and
// compares them. It shares no code with millrace and none with the reader of the input.
import { LATE_MINUTES } from './deliver.js'
import type { Peers } from './peers.js'

export interface Verdict {
  /** Rows of the input. */
  expected: number
  /** Rows read back. */
  read: number
  origins: number
  /** Origins whose count, sum of delay or sum of distance differs, a line each. */
  differences: string[]
  /** Input rows that came out equal in every cell. */
  equal: number
}

const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`

/** Compares the first `rows` flights of the input with all Parquet files below `folder`. */
export async function check(peers: Peers, rows: number, folder: string): Promise<Verdict> {
  const instance = await peers.duckdb.DuckDBInstance.create(':memory:', { threads: '2', memory_limit: '1GB', temp_directory: `${folder}/.duckdb` })
  const db = await instance.connect()
  try {
    const input = `SELECT epoch_ms(date) AS date, delay, distance, origin, destination, delay >= ${LATE_MINUTES} AS late FROM read_parquet(${quoted(peers.flights)}, file_row_number = true) WHERE file_row_number < ${rows}`
    const files = `read_parquet(${quoted(`${folder}/**/*.parquet`)}, hive_partitioning = true, hive_types = {'origin': VARCHAR})`
    await db.run(`CREATE VIEW before AS ${input}`)
    await db.run(
      `CREATE VIEW after AS SELECT epoch_ms(date) AS date, delay::BIGINT AS delay, distance::BIGINT AS distance, origin, destination, late FROM ${files}`,
    )
    const sums = (view: string) => `SELECT origin, count(*) AS n, sum(delay) AS delay, sum(distance) AS distance FROM ${view} GROUP BY origin`
    const compared = await all(
      db,
      `SELECT coalesce(b.origin, a.origin), b.n, a.n, b.delay, a.delay, b.distance, a.distance
       FROM (${sums('before')}) b FULL JOIN (${sums('after')}) a ON b.origin = a.origin ORDER BY 1`,
    )
    const total = (column: number) => compared.reduce((sum, row) => sum + Number(row[column] ?? 0), 0)
    const differs = compared.filter((row) => row[1] !== row[2] || row[3] !== row[4] || row[5] !== row[6])
    const [[lost]] = await all(db, 'SELECT count(*) FROM (FROM before EXCEPT ALL FROM after)')
    return {
      expected: total(1),
      read: total(2),
      origins: compared.length,
      differences: differs.map(([o, n, m, d, e, x, y]) => `${o}: rows ${n} -> ${m}, sum(delay) ${d} -> ${e}, sum(distance) ${x} -> ${y}`),
      equal: total(1) - Number(lost),
    }
  } finally {
    db.closeSync()
    instance.closeSync()
  }
}

async function all(db: { runAndReadAll(sql: string): Promise<{ getRows(): unknown[][] }> }, sql: string): Promise<unknown[][]> {
  return (await db.runAndReadAll(sql)).getRows()
}
