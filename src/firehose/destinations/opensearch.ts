// Delivery to OpenSearch Service, OpenSearch Serverless and Elasticsearch by their bulk API. Source: developer guide,
// "Understand data delivery" and "Handle data delivery failures", and the API reference of each configuration.
import type { WebRequest } from '../../ports/transport.js'
import { object, oneOf, optional, text, unused } from '../delivery/config/shape.js'
import type { DeliveryRecord, FailedDelivery } from '../delivery/record.js'
import { documentFailureLine } from '../errors/error-object.js'
import { type BulkDocument, bulkBody, bulkOutcomes, type DocumentFault, documentOf } from './bulk.js'
import { bufferingHints, COMMON, type DestinationOptions, endpointUrl, hintsOf, lineOf, retryOptions, type StreamDestination } from './destination.js'
import { exchange } from './exchange.js'
import { createDataIds } from './ids.js'
import { indexName, ROTATION_PERIODS, type RotationPeriod } from './index-name.js'
import { createRetries } from './retries.js'

const COMMONS = {
  ...COMMON,
  IndexName: text(1, 80),
  RetryOptions: retryOptions,
  BufferingHints: bufferingHints(100, 900),
  S3BackupMode: optional(oneOf(['FailedDocumentsOnly', 'AllDocuments'])),
  VpcConfiguration: unused,
  VpcConfigurationDescription: unused,
}
const DOMAIN = {
  ...COMMONS,
  // What a domain's ARN stands for only AWS can tell.
  DomainARN: unused,
  ClusterEndpoint: endpointUrl(512),
  TypeName: optional(text(0, 100)),
  IndexRotationPeriod: optional(oneOf(ROTATION_PERIODS)),
}
const readDomain = object({ ...DOMAIN, DocumentIdOptions: optional(object({ DefaultDocumentIdFormat: oneOf(['FIREHOSE_DEFAULT', 'NO_DOCUMENT_ID']) })) })
const readElasticsearch = object(DOMAIN)
const readServerless = object({ ...COMMONS, CollectionEndpoint: endpointUrl(512) })

interface Target {
  endpoint: string
  index: string
  /** Undefined of a serverless collection, which has none. */
  type: string | undefined
  rotation: RotationPeriod
  /** Whether documents have ids of ours. */
  ids: boolean
  retrySeconds: number | undefined
  hints: StreamDestination['hints']
  backupAll: boolean
  errorOutputType: StreamDestination['errorOutputType']
}

/** A record that goes to its index. */
interface Going extends BulkDocument {
  record: DeliveryRecord
}

/** Milliseconds for one request; AWS names no figure. */
const TIMEOUT = 180_000
/** Bytes of an answer: of itself, and for each document. */
const ANSWER = { own: 1 << 20, document: 8192 }

/**
 * From an AmazonopensearchserviceDestinationConfiguration. Throws TypeError or RangeError,
 * with the path below `path`, for what AWS refuses, and where there is a DomainARN and no ClusterEndpoint. One
 * buffer is one bulk request. A record that is no document fails alone, before anything is sent, with code 400 and 0
 * attempts; a document that the index refuses for what it is (400, 404 ...) fails with what it answers; all else is sent
 * again, those documents alone, until the duration is over. With NO_DOCUMENT_ID a document is indexed twice where an answer is lost.
 */
export function createOpenSearch(config: unknown, path: string, options: DestinationOptions): StreamDestination {
  const given = readDomain(config, path)
  const ids = given.DocumentIdOptions?.DefaultDocumentIdFormat !== 'NO_DOCUMENT_ID'
  return createSearch({ ...domainOf(given), ids, errorOutputType: 'AmazonOpenSearchService-failed' }, options)
}

/** From an ElasticsearchDestinationConfiguration. */
export function createElasticsearch(config: unknown, path: string, options: DestinationOptions): StreamDestination {
  return createSearch({ ...domainOf(readElasticsearch(config, path)), ids: true, errorOutputType: 'elasticsearch-failed' }, options)
}

/** From an AmazonOpenSearchServerlessDestinationConfiguration. */
export function createOpenSearchServerless(config: unknown, path: string, options: DestinationOptions): StreamDestination {
  const given = readServerless(config, path)
  return createSearch(
    {
      ...commonOf(given),
      endpoint: given.CollectionEndpoint,
      type: undefined,
      rotation: 'NoRotation',
      ids: true,
      errorOutputType: 'AmazonOpenSearchService-failed',
    },
    options,
  )
}

type Commons = Pick<ReturnType<typeof readServerless>, 'IndexName' | 'RetryOptions' | 'BufferingHints' | 'S3BackupMode'>

const commonOf = ({ IndexName, RetryOptions, BufferingHints, S3BackupMode }: Commons) => ({
  index: IndexName,
  retrySeconds: RetryOptions?.DurationInSeconds,
  hints: hintsOf(BufferingHints),
  backupAll: S3BackupMode === 'AllDocuments',
})

const domainOf = (given: ReturnType<typeof readElasticsearch>) => ({
  ...commonOf(given),
  endpoint: given.ClusterEndpoint,
  type: given.TypeName ?? '',
  rotation: given.IndexRotationPeriod ?? ('OneDay' as const),
})

function createSearch(target: Target, options: DestinationOptions): StreamDestination {
  const { endpoint, index, rotation, ids, retrySeconds = 300, hints, backupAll, errorOutputType } = target
  const url = `${endpoint.replace(/\/+$/, '')}/_bulk`
  // An empty TypeName stands for none, as OpenSearch and newer Elasticsearch want it.
  const type = target.type || undefined
  const { clock, random } = options.ports
  const dataId = createDataIds(random)
  const headers = { 'content-type': 'application/x-ndjson', ...options.headers }
  const nameOf = ({ arrival }: DeliveryRecord) => indexName(index, rotation, arrival)
  const idOf = (record: DeliveryRecord) => (ids ? dataId(record) : undefined)
  const request = (documents: readonly Going[]): WebRequest => ({ method: 'POST', url, headers, body: bulkBody(documents) })
  return {
    hints,
    backupAll,
    errorOutputType,
    failureLine(failure) {
      const { record } = failure
      const document = { ...lineOf(failure), documentId: idOf(record), indexName: nameOf(record) }
      return documentFailureLine(document, target.type)
    },
    async deliver(records, signal) {
      const failed: FailedDelivery[] = []
      const fail = (record: DeliveryRecord, { code, message }: Pick<DocumentFault, 'code' | 'message'>, attempts: number) =>
        failed.push({ record, code, message, attempts, attemptEnd: clock.now() })
      let waiting: Going[] = []
      for (const record of records) {
        const source = documentOf(record.data)
        if (typeof source === 'string') fail(record, { code: '400', message: source }, 0)
        else waiting.push({ record, index: nameOf(record), type, id: idOf(record), source })
      }
      const retries = createRetries(retrySeconds, 'all', options.ports)
      for (let attempts = 1; waiting.length > 0; attempts++) {
        const mostBytes = ANSWER.own + ANSWER.document * waiting.length
        const outcomes = bulkOutcomes(await exchange(request(waiting), { ...options, clock, timeout: TIMEOUT, mostBytes, signal }), waiting.length)
        const again: { going: Going; fault: DocumentFault }[] = []
        for (const [i, fault] of outcomes.entries()) {
          if (fault?.permanent) fail(waiting[i].record, fault, attempts)
          else if (fault) again.push({ going: waiting[i], fault })
        }
        waiting = again.map(({ going }) => going)
        if (waiting.length === 0 || (await retries.again(signal))) continue
        for (const { going, fault } of again) fail(going.record, fault, attempts)
        break
      }
      return failed
    },
  }
}
