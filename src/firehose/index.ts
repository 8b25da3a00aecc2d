export { type ErrorCode, MillraceError, type Position } from '../errors.js'
export { type EmfOptions, type EmfSink, emfSink } from '../kinesis/emf.js'
export type { MetricsSink } from '../kinesis/telemetry.js'
export { type FirehoseBlueprint, type FirehoseBlueprintName, type FirehoseBlueprintOptions, firehoseBlueprint } from './blueprints/blueprint.js'
export {
  type CheckOptions as FirehoseConversionCheckOptions,
  type ConversionReport as FirehoseConversionReport,
  checkConversion as checkFirehoseConversion,
  type Finding as FirehoseConversionFinding,
} from './conversion/check.js'
export type { DataFormatConversionConfiguration, HiveJsonSerDe, OpenXJsonSerDe, ParquetSerDe, SchemaConfiguration } from './conversion/config.js'
export type { LossKind as FirehoseConversionLoss } from './conversion/losses.js'
export type { ConversionOptions as FirehoseConversionOptions } from './conversion/open.js'
export type { Rejected as FirehoseRejectedRecord } from './conversion/rejection.js'
export type { DeliveryStreamConfiguration, ExtendedS3Configuration, S3Configuration } from './delivery/config/configuration.js'
export {
  type Conversion as FirehoseConversion,
  type ConvertedObject as FirehoseConvertedObject,
  createConversion as createFirehoseConversion,
} from './delivery/conversion.js'
export { createDeliveryStream, type DeliveryMetrics, type DeliveryStream } from './delivery/delivery-stream.js'
export { type DirectoryStoreOptions, directoryStore } from './delivery/directory-store.js'
export type { DeliveryInput } from './delivery/input.js'
export type { DeliveryHandler, HandlerFailure } from './delivery/lambda.js'
export { type S3StoreOptions, s3Store } from './delivery/s3-store.js'
export { createFirehoseService, type FirehoseService, type FirehoseServiceOptions } from './delivery/service/service.js'
export type { ServiceAnswer as FirehoseServiceAnswer, ServiceRequest as FirehoseServiceRequest } from './delivery/service/wire.js'
export { type DeliveryObject, type MemoryStore, memoryStore, type ObjectStore } from './delivery/store.js'
export type { DeliveryStreamOptions } from './delivery/stream-options.js'
export type { StoreFailure, UnwrittenObject } from './delivery/writer.js'
export type { HttpEndpointConsumer, HttpEndpointMeta } from './destinations/receive.js'
export {
  createHttpEndpointHandler,
  type HttpEndpointHandler,
  type HttpEndpointHandlerOptions,
  type LambdaHttpEvent,
  type NodeHttpRequest,
  type NodeHttpResponse,
} from './destinations/receiver.js'
export type { RedshiftLoad } from './destinations/redshift.js'
export type { ErrorRecord as FirehoseErrorRecord } from './errors/error-object.js'
export { replayErrors as replayFirehoseErrors } from './errors/replay.js'
export type { FirehoseEvent, FirehoseEventRecord, FirehoseMetadata, FirehoseResponse, FirehoseResponseRecord } from './event.js'
export { type Explanation as FirehoseExplanation, explainResponse as explainFirehoseResponse, type Outcome as FirehoseOutcome } from './explain.js'
export { FirehoseInput, type LogEvent } from './input.js'
export { firehoseMapping } from './mapping/kernel.js'
export type { FirehoseMapping, MappingCast, MappingCondition, MappingScalar, MappingText, MappingValue } from './mapping/mapping.js'
export { FirehoseOutput, type TransformResult, withMetadata } from './output.js'
export type { FirehoseOverflow, OverflowContext, OverflowRecord } from './overflow.js'
export type { FirehosePlan, FirehosePlanRecord } from './plan.js'
export { createFirehosePut, type FirehosePut, type FirehosePutOptions } from './put.js'
export type { FirehosePutOutcome } from './put-all.js'
export { type ReingestOptions, reingest } from './reingest.js'
export type { RecordWorker as FirehoseRecordWorker, TransformContext } from './run.js'
export { type SpillOptions, spill } from './spill.js'
export { createFirehoseTransformer, type FirehoseTransformer, type FirehoseTransformerOptions } from './transform.js'
export type { TransformFailure } from './transform-failure.js'
