// JSON records to a Parquet object, by a Glue table with the rules of OpenX: the conversion of a delivery stream alone,
// and a whole local delivery stream, from put to the object in a store in memory. Beside them Parquet's writer alone
// over the same bytes, in one piece as NDJSON: it hears of no record, and so can reject none.
import { FLAT, NESTED, TELEMETRY } from './data.mjs'
import { same } from './frame.mjs'

const MIB = 1024 * 1024
const RIVAL = 'createParquetWriter'
const BYTES = { full: 16e6, quick: 4e6 }
/** Records of a call of putBatch(). */
const CALL = 500

const CONVERSION = {
  InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: {} } },
  OutputFormatConfiguration: { Serializer: { ParquetSerDe: { EnableDictionaryCompression: true } } },
}
const STREAM = {
  DeliveryStreamName: 'bench',
  ExtendedS3DestinationConfiguration: {
    RoleARN: 'arn:aws:iam::123456789012:role/bench',
    BucketARN: 'arn:aws:s3:::bench',
    BufferingHints: { SizeInMBs: 128, IntervalInSeconds: 900 },
    DataFormatConversionConfiguration: CONVERSION,
  },
}

/** The same sides for both rows, `deliver` being ours: gives the file, and throws where a record was rejected. */
function row(label, shape, size, prepareOurs) {
  return {
    row: `JSON records -> Parquet, ${label}`,
    unit: 'MB/s',
    rivals: [RIVAL],
    targets: { [RIVAL]: 0.8 },
    async prepare({ quick }) {
      const { bytesSink, createParquetWriter, formatDdl, parseSchema } = await import('../dist/esm/parquet/index.js')
      const records = shape.rows(Math.round((quick ? BYTES.quick : BYTES.full) / size), 5).map((one) => Buffer.from(JSON.stringify(one)))
      const text = Buffer.concat(records.flatMap((record) => [record, Buffer.from('\n')]))
      const table = formatDdl(parseSchema({ columns: shape.columns }))
      const work = text.length / 1e6
      // timestamps of Hive's tables, as the conversion has them
      const schema = parseSchema(table)
      for (const column of schema.columns) {
        if (column.type !== 'timestamp') continue
        delete column.unit
        column.int96 = true
      }
      const bare = async () => {
        const sink = bytesSink()
        const writer = createParquetWriter({ schema, sink, coercion: 'openx', caseInsensitive: true, rowGroupRows: 2 ** 30, rowGroupBytes: 256 * MIB })
        await writer.writeJson(text)
        await writer.close()
        return sink.bytes()
      }
      const ours = await prepareOurs(records, table)
      return {
        ours: { work, async: true, run: ours },
        rivals: [{ name: RIVAL, work, async: true, run: bare }],
        check: async () => same(`JSON records -> Parquet, ${label}`, await ours(), await bare()),
      }
    },
  }
}

async function converting(records, table) {
  const { createConversion } = await import('../dist/esm/firehose/delivery/conversion.js')
  const conversion = createConversion(CONVERSION, { table })
  const taken = records.map((data) => ({ data }))
  return async () => {
    const object = conversion.begin()
    const [rejected] = await object.write(taken)
    if (rejected) throw new Error(rejected.message)
    return object.finish()
  }
}

async function delivering(records, table) {
  const { createDeliveryStream } = await import('../dist/esm/firehose/delivery/delivery-stream.js')
  const calls = batches(records)
  const bodies = []
  // A stream lives on: what it takes to make one is of no run.
  const stream = createDeliveryStream(STREAM, { table, store: { put: async ({ body }) => void bodies.push(body) } })
  return async () => {
    for (const call of calls) await stream.putBatch(call)
    await stream.flush()
    if (bodies.length !== 1) throw new Error(`expected one object, got ${bodies.length}`)
    return bodies.pop()
  }
}

const batches = (records) => Array.from({ length: Math.ceil(records.length / CALL) }, (_, i) => records.slice(i * CALL, (i + 1) * CALL))

export const rows = [
  row('conversion, flat rows', FLAT, 350, converting),
  row('conversion, nested rows', NESTED, 404, converting),
  row('conversion, telemetry', TELEMETRY, 140, converting),
  row('delivery with conversion, flat rows', FLAT, 350, delivering),
  row('delivery with conversion, telemetry', TELEMETRY, 140, delivering),
]
