// Which destination a configuration of CreateDeliveryStream has, those in S3 apart, and Redshift, whose records go
// there by way of S3 (redshift.ts).
import type { DestinationOptions, StreamDestination } from './destination.js'
import { createHttpEndpoint } from './http-endpoint.js'
import { createElasticsearch, createOpenSearch, createOpenSearchServerless } from './opensearch.js'
import { createSplunk } from './splunk.js'

/** By the member of the configuration that they are made from. Each throws TypeError or RangeError with the path below `path`. */
export const DESTINATIONS: Readonly<Record<string, (config: unknown, path: string, options: DestinationOptions) => StreamDestination>> = {
  HttpEndpointDestinationConfiguration: createHttpEndpoint,
  AmazonopensearchserviceDestinationConfiguration: createOpenSearch,
  AmazonOpenSearchServerlessDestinationConfiguration: createOpenSearchServerless,
  ElasticsearchDestinationConfiguration: createElasticsearch,
  SplunkDestinationConfiguration: createSplunk,
}
