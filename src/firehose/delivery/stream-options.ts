// The options of createDeliveryStream(), checked.
import { checkWhole, MillraceError, wrongType } from '../../errors.js'
import { checkOptions, checkPorts } from '../../kinesis/service/service.js'
import { FIREHOSE_LIMITS } from '../../limits.js'
import type { Clock, Random } from '../../ports/ports.js'
import { systemTransport, type Transport } from '../../ports/transport.js'
import type { DataFormatConversionConfiguration } from '../conversion/config.js'
import type { TimestampType } from '../conversion/table.js'
import type { RedshiftLoad } from '../destinations/redshift.js'
import type { CatalogTable } from '../errors/error-object.js'
import type { StreamPlan } from './config/stream.js'
import { createSourceConversion, type SourceConversion } from './conversion.js'
import type { DeliveryHandler, HandlerFailure } from './lambda.js'
import { checkStore, type DeliveryObject, type ObjectStore } from './store.js'
import type { StoreFailure } from './writer.js'

export interface DeliveryStreamOptions {
  /** directoryStore(), s3Store(), memoryStore(), or an object of yours with put(). */
  store: ObjectStore
  /** The function of the Lambda processor, in this process; needed where the configuration has one. */
  handler?: DeliveryHandler | undefined
  /**
   * The table that records are converted by: what Glue's GetTable answers, DDL (CREATE TABLE, or columns alone), or a schema of
   * millrace's own; needed where the configuration has DataFormatConversionConfiguration.
   */
  table?: string | object | undefined
  /** What a timestamp of that table is in the file; default int96. */
  timestamps?: TimestampType | undefined
  /** Milliseconds after which an invocation has failed, up to 300,000 (default), what Firehose allows. */
  handlerTimeout?: number | undefined
  /** Bytes of records that are held in memory at most, 1,048,576 or more; default 268,435,456. At the limit put() waits. Up to 64 MiB stay with the process for further records. */
  maxBufferedBytes?: number | undefined
  /** Partitions for which records are gathered at once; default 500, as a stream of AWS has them. Records of another one go to the error output. */
  maxActivePartitions?: number | undefined
  /** Bytes that the gzip of one record may be unpacked to, 1 to 268,435,456; default 67,108,864. */
  maxUnpacked?: number | undefined
  /** How an HTTP endpoint, OpenSearch and Splunk are reached; default the runtime's own fetch. */
  transport?: Transport | undefined
  /** Sent to OpenSearch beside our own, an Authorization say: AWS signs its requests by the role, which nobody can do here. */
  searchHeaders?: Readonly<Record<string, string>> | undefined
  /** Runs a COPY on the Redshift cluster, by a driver or the Data API; without it manifests are written, and nothing is copied. */
  redshiftQuery?: ((statement: string, signal: AbortSignal | undefined) => Promise<unknown>) | undefined
  /** Told of each COPY, once for each object that it was to load. */
  onRedshiftLoad?: ((load: RedshiftLoad) => void) | undefined
  /** For the ARN of the stream, where the configuration names none; default us-east-1. */
  region?: string | undefined
  /** Told of each invocation of the handler that fails, and so will be tried again or fails its batch. What it throws is ignored. */
  onHandlerFailure?: ((failure: HandlerFailure) => void) | undefined
  /** Told of each object that is stored. */
  onObject?: ((object: Omit<DeliveryObject, 'body'> & { bytes: number; records: number }) => void) | undefined
  /** Told of each put into the store that has failed, and will be tried again. */
  onStoreFailure?: ((failure: StoreFailure) => void) | undefined
  ports?: { clock: Clock; random: Random } | undefined
}

export const OPTIONS = [
  'store',
  'handler',
  'table',
  'timestamps',
  'handlerTimeout',
  'maxBufferedBytes',
  'maxActivePartitions',
  'maxUnpacked',
  'transport',
  'searchHeaders',
  'redshiftQuery',
  'onRedshiftLoad',
  'region',
  'onHandlerFailure',
  'onObject',
  'onStoreFailure',
  'ports',
] satisfies (keyof DeliveryStreamOptions)[]

const MIB = 1024 * 1024

/** Throws TypeError or RangeError; CONFIG where handler and configuration do not go together. */
export function readOptions(options: DeliveryStreamOptions, plan: StreamPlan) {
  checkOptions(options, OPTIONS)
  const { store, handler, handlerTimeout = FIREHOSE_LIMITS.transformTime.value, maxBufferedBytes = 256 * MIB } = options
  const { transport = systemTransport, searchHeaders, redshiftQuery, onRedshiftLoad } = options
  const { maxActivePartitions = FIREHOSE_LIMITS.activePartitions.value, maxUnpacked = 64 * MIB, region, onHandlerFailure, onObject, onStoreFailure } = options
  checkStore(store)
  if (handler !== undefined && typeof handler !== 'function') throw wrongType('handler', 'a function', handler)
  checkWhole('handlerTimeout', handlerTimeout, 1, FIREHOSE_LIMITS.transformTime.value)
  checkWhole('maxBufferedBytes', maxBufferedBytes, MIB, Number.POSITIVE_INFINITY)
  checkWhole('maxActivePartitions', maxActivePartitions, 1, Number.POSITIVE_INFINITY)
  checkWhole('maxUnpacked', maxUnpacked, 1, 256 * MIB)
  if (typeof transport?.send !== 'function') throw wrongType('transport', 'an object with send()', transport)
  if (searchHeaders !== undefined && (typeof searchHeaders !== 'object' || searchHeaders === null)) throw wrongType('searchHeaders', 'an object', searchHeaders)
  if (region !== undefined && (typeof region !== 'string' || region === '')) throw wrongType('region', 'the name of a region', region)
  for (const [name, value] of Object.entries({ onHandlerFailure, onObject, onStoreFailure, redshiftQuery, onRedshiftLoad })) {
    if (value !== undefined && typeof value !== 'function') throw wrongType(name, 'a function', value)
  }
  if (plan.processing.lambda && !handler)
    throw new MillraceError('CONFIG', 'expected "handler", the function of the Lambda processor that the configuration has')
  if (handler && !plan.processing.lambda) throw new MillraceError('CONFIG', 'expected a Lambda processor in the configuration beside "handler"')
  const streamArn = plan.arn ?? `arn:aws:firehose:${region ?? 'us-east-1'}:000000000000:deliverystream/${plan.name}`
  return {
    store,
    handler,
    handlerTimeout,
    maxBufferedBytes,
    maxActivePartitions,
    maxUnpacked,
    streamArn,
    region: region ?? streamArn.split(':')[3] ?? 'us-east-1',
    conversion: plan.conversion && conversionOf(plan.conversion, options),
    catalogTable: plan.conversion ? catalogTable(plan.conversion) : {},
    onHandlerFailure,
    onObject,
    onStoreFailure,
    transport,
    searchHeaders,
    redshiftQuery,
    onRedshiftLoad,
    ...checkPorts(options.ports),
  }
}

/** Paths are those of the configuration: it was read before. */
function conversionOf(config: DataFormatConversionConfiguration, { table, timestamps, ports }: DeliveryStreamOptions): SourceConversion {
  if (table === undefined)
    throw new MillraceError('CONFIG', 'expected "table", by which records are converted: the configuration has DataFormatConversionConfiguration')
  return createSourceConversion(config, { table, timestamps, ports })
}

/** What an error object tells of the table. */
function catalogTable({ SchemaConfiguration: given }: DataFormatConversionConfiguration): CatalogTable {
  const { CatalogId, DatabaseName, TableName, Region, VersionId = 'LATEST' } = given ?? {}
  return { catalogId: CatalogId ?? null, databaseName: DatabaseName ?? null, tableName: TableName ?? null, region: Region ?? null, versionId: VersionId }
}

export type CheckedOptions = ReturnType<typeof readOptions>
