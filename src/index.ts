export { type CoreSource, loadCore, setCore } from './engine/engine.js'
export { type ErrorCode, MillraceError, type Position } from './errors.js'
export * from './kinesis/index.js'
export type { RecordBatch, UserRecord } from './types.js'
