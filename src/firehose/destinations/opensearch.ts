// Delivery to OpenSearch Service, OpenSearch Serverless and Elasticsearch by their bulk API. Source: developer guide,
// "Understand data delivery" and "Handle data delivery failures", and the API reference of each configuration.
import { outOfRange } from '../../errors.js'
import type { WebRequest } from '../../ports/transport.js'
import type { DeliveryRecord, FailedDelivery } from '../delivery/record.js'
import { documentFailureLine } from '../errors/error-object.js'
import { type BulkDocument, bulkBody, bulkOutcomes, type DocumentFault, documentOf } from './bulk.js'
import { COMMON, type DestinationOptions, lineOf, MOST_RETRY_SECONDS, type StreamDestination } from './destination.js'
import { exchange } from './exchange.js'
import { createDataIds } from './ids.js'
import { indexName, ROTATION_PERIODS, type RotationPeriod } from './index-name.js'
import { createRetries } from './retries.js'
import { structureOf } from './structure.js'

export type SearchService = 'AmazonopensearchserviceDestination' | 'AmazonOpenSearchServerlessDestination' | 'ElasticsearchDestination'

interface Target {
  url: string
  index: string
  type: string | undefined
  rotation: RotationPeriod
  ids: boolean
  retrySeconds: number
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
 * From the configuration (or description) that `service` begins the name of. Throws TypeError or RangeError, with
 * the path, for what AWS refuses, and for a domain that is named by its ARN alone, as only AWS can look that up. One
 * buffer is one bulk request. A record that is no document fails alone, before anything is sent, with code 400 and 0 attempts;
 * a document that the index refuses for what it is (400, 404 ...) fails with what it answers; all else is sent again, those
 * documents alone, until the duration is over. With NO_DOCUMENT_ID a document is indexed twice where an answer is lost.
 */
export function createOpenSearch(service: SearchService, config: object, options: DestinationOptions): StreamDestination {
  const { url, index, type, rotation, ids, retrySeconds } = readConfig(service, config)
  const { clock, random } = options.ports
  const dataId = createDataIds(random)
  const headers = { 'content-type': 'application/x-ndjson', ...options.headers }
  const nameOf = ({ arrival }: DeliveryRecord) => indexName(index, rotation, arrival)
  const idOf = (record: DeliveryRecord) => (ids ? dataId(record) : undefined)
  const request = (documents: readonly Going[]): WebRequest => ({ method: 'POST', url, headers, body: bulkBody(documents) })
  return {
    errorOutputType: service === 'ElasticsearchDestination' ? 'elasticsearch-failed' : 'AmazonOpenSearchService-failed',
    failureLine(failure) {
      const { record } = failure
      const document = { ...lineOf(failure), documentId: idOf(record), indexName: nameOf(record) }
      return documentFailureLine(document, service === 'AmazonOpenSearchServerlessDestination' ? undefined : (type ?? ''))
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

const DOMAIN = ['DomainARN', 'ClusterEndpoint', 'TypeName', 'IndexRotationPeriod']
const OWN: Readonly<Record<SearchService, readonly string[]>> = {
  AmazonopensearchserviceDestination: [...DOMAIN, 'DocumentIdOptions'],
  AmazonOpenSearchServerlessDestination: ['CollectionEndpoint'],
  ElasticsearchDestination: DOMAIN,
}

function readConfig(service: SearchService, config: object): Target {
  const path = `${service}Configuration`
  const serverless = service === 'AmazonOpenSearchServerlessDestination'
  const all = structureOf(path, config, [...COMMON, ...OWN[service], 'IndexName', 'RetryOptions', 'VpcConfiguration', 'VpcConfigurationDescription'])
  const member = serverless ? 'CollectionEndpoint' : 'ClusterEndpoint'
  const endpoint = all.text(member, 512)
  if (endpoint === undefined || !/^https?:\/\/[^\s]+$/.test(endpoint) || !URL.canParse(endpoint)) {
    const expected = `an https:// or http:// URL${serverless ? '' : ' (what a DomainARN stands for only AWS can tell)'}`
    throw outOfRange(`${path}.${member}`, expected, endpoint)
  }
  return {
    url: `${endpoint.replace(/\/+$/, '')}/_bulk`,
    index: all.required('IndexName', 80),
    // An empty TypeName stands for none, as OpenSearch and newer Elasticsearch want it.
    type: (!serverless && all.text('TypeName', 100, 0)) || undefined,
    rotation: serverless ? 'NoRotation' : all.oneOf('IndexRotationPeriod', ROTATION_PERIODS, 'OneDay'),
    ids:
      service !== 'AmazonopensearchserviceDestination' ||
      all
        .structure('DocumentIdOptions', ['DefaultDocumentIdFormat'])
        .oneOf('DefaultDocumentIdFormat', ['FIREHOSE_DEFAULT', 'NO_DOCUMENT_ID'], 'FIREHOSE_DEFAULT') === 'FIREHOSE_DEFAULT',
    retrySeconds: all.structure('RetryOptions', ['DurationInSeconds']).whole('DurationInSeconds', 300, 0, MOST_RETRY_SECONDS),
  }
}
