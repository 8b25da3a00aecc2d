// Firehose's error objects: what it writes under the error prefix for records that it could not deliver,
// one JSON object a line. Written as captures of real streams have them; read in every form that was seen
// since 2019: other orders, other cases (lambdaArn, lambdaARN), other names (lastErrorCode), ISO times.
import { fromBase64, toBase64 } from '../../engine/base64.js'
import { jsonFault, kindOf, MillraceError, type Position } from '../../errors.js'

/** A record that was not delivered. */
export interface FailedRecord {
  /** The original, as Firehose took it in: still compressed, say. */
  data: Uint8Array
  code: string
  message: string
  attempts: number
  /** Milliseconds since the epoch. */
  arrival: number
  attemptEnd: number
}

export interface LambdaFailure extends FailedRecord {
  lambdaArn: string
}

/** The table that the record was to be converted by. */
export interface CatalogTable {
  catalogId?: string | null
  databaseName?: string | null
  tableName?: string | null
  region?: string | null
  versionId?: string | null
  catalogArn?: string | null
}

export interface ConversionFailure extends FailedRecord {
  /** Where the source is a Kinesis stream. */
  sequenceNumber?: string | undefined
  subSequenceNumber?: number | undefined
  table: CatalogTable
}

const fieldsOf = ({ data, code, message, attempts, arrival, attemptEnd }: FailedRecord) => ({
  rawData: toBase64(data),
  errorCode: code,
  errorMessage: message,
  attemptsMade: attempts,
  arrivalTimestamp: arrival,
  attemptEndingTimestamp: attemptEnd,
})

/** A line of processing-failed/. */
export const lambdaFailureLine = (failure: LambdaFailure): string => JSON.stringify({ ...fieldsOf(failure), lambdaARN: failure.lambdaArn })

/** A line of processing-failed/ for a stage without a Lambda, or of decompression-failed/. */
export const failureLine = (failure: FailedRecord): string => JSON.stringify(fieldsOf(failure))

/** A line of format-conversion-failed/. */
export const conversionFailureLine = ({
  data,
  code,
  message,
  attempts,
  arrival,
  attemptEnd,
  sequenceNumber,
  subSequenceNumber,
  table,
}: ConversionFailure): string =>
  JSON.stringify({
    attemptsMade: attempts,
    arrivalTimestamp: arrival,
    lastErrorCode: code,
    lastErrorMessage: message,
    attemptEndingTimestamp: attemptEnd,
    rawData: toBase64(data),
    sequenceNumber: sequenceNumber ?? null,
    subSequenceNumber: subSequenceNumber ?? null,
    dataCatalogTable: {
      catalogId: table.catalogId ?? null,
      databaseName: table.databaseName ?? null,
      tableName: table.tableName ?? null,
      region: table.region ?? null,
      versionId: table.versionId ?? null,
      catalogArn: table.catalogArn ?? null,
    },
  })

export interface HttpEndpointFailure extends FailedRecord {
  subsequenceNumber: number
  /** `SEQUENCENUMBER.SUBSEQUENCENUMBER`. */
  dataId: string
}

export interface SplunkFailure extends FailedRecord {
  /** `SEQUENCENUMBER.SUBSEQUENCENUMBER`. */
  eventId: string
}

export interface DocumentFailure extends FailedRecord {
  /** Undefined where the index was to make one. */
  documentId: string | undefined
  indexName: string
}

/** In the order in which the guide prints the error records of its destinations. */
const inOrder = ({ data, code, message, attempts, arrival, attemptEnd }: FailedRecord) => ({
  attemptsMade: attempts,
  arrivalTimestamp: arrival,
  errorCode: code,
  errorMessage: message,
  attemptEndingTimestamp: attemptEnd,
  rawData: toBase64(data),
})

/** A line of http-endpoint-failed/. */
export const httpEndpointFailureLine = (failure: HttpEndpointFailure): string =>
  JSON.stringify({ ...inOrder(failure), subsequenceNumber: failure.subsequenceNumber, dataId: failure.dataId })

/** A line of splunk-failed/. */
export const splunkFailureLine = (failure: SplunkFailure): string => JSON.stringify({ ...inOrder(failure), EventId: failure.eventId })

/** A line of AmazonOpenSearchService-failed/ or elasticsearch-failed/; of a serverless collection where `typeName` is undefined. */
export const documentFailureLine = (failure: DocumentFailure, typeName: string | undefined): string => {
  const { rawData, ...fields } = inOrder(failure)
  const documentId = failure.documentId ?? null
  const place =
    typeName === undefined
      ? { osDocumentId: documentId, osIndexName: failure.indexName }
      : { esDocumentId: documentId, esIndexName: failure.indexName, esTypeName: typeName }
  return JSON.stringify({ ...fields, ...place, rawData })
}

/** An error object's line, read. What it does not say is undefined. */
export interface ErrorRecord {
  /** The original record. */
  data: Uint8Array
  code: string | undefined
  message: string | undefined
  attempts: number | undefined
  /** Milliseconds since the epoch. */
  arrival: number | undefined
  attemptEnd: number | undefined
  lambdaArn: string | undefined
  sequenceNumber: string | undefined
  subSequenceNumber: number | undefined
  /** All its fields as they stand, `rawData` left out: document ids, index names, the catalog's table. */
  fields: Readonly<Record<string, unknown>>
}

/**
 * The record of one JSON object. Throws BAD_INPUT with `position` for what is no error object: a record without
 * `rawData` must not pass as one that was empty.
 */
export function readErrorObject(text: string, position: Position): ErrorRecord {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new MillraceError('BAD_INPUT', `expected a Firehose error object as JSON: ${jsonFault(error)}`, { position })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new MillraceError('BAD_INPUT', `expected a Firehose error object, got ${kindOf(value)}`, { position })
  }
  const fields: Record<string, unknown> = Object.create(null)
  const lower = new Map<string, unknown>()
  for (const [name, member] of Object.entries(value)) {
    lower.set(name.toLowerCase(), member)
    if (name.toLowerCase() !== 'rawdata') fields[name] = member
  }
  const raw = lower.get('rawdata')
  if (typeof raw !== 'string') throw new MillraceError('BAD_INPUT', `"rawData" expected base64 text, got ${kindOf(raw)}`, { position })
  let data: Uint8Array
  try {
    data = fromBase64(raw, 'lenient')
  } catch (error) {
    throw new MillraceError('BAD_INPUT', `"rawData": ${(error as Error).message}`, { position })
  }
  const words = (...names: string[]) => names.map((name) => lower.get(name)).find((found): found is string => typeof found === 'string' && found !== '')
  const number = (name: string) => {
    const found = lower.get(name)
    const read = typeof found === 'string' && found !== '' ? Number(found) : found
    return typeof read === 'number' && Number.isFinite(read) ? read : undefined
  }
  return {
    data,
    code: words('errorcode', 'lasterrorcode'),
    message: words('errormessage', 'lasterrormessage'),
    attempts: number('attemptsmade'),
    arrival: time(lower.get('arrivaltimestamp')),
    attemptEnd: time(lower.get('attemptendingtimestamp')),
    lambdaArn: words('lambdaarn'),
    sequenceNumber: words('sequencenumber'),
    subSequenceNumber: number('subsequencenumber'),
    fields,
  }
}

/** Milliseconds of a number, of digits, or of an ISO time. */
function time(value: unknown): number | undefined {
  const read = typeof value === 'string' ? (/^\d+$/.test(value) ? Number(value) : Date.parse(value)) : value
  return typeof read === 'number' && Number.isFinite(read) ? read : undefined
}
