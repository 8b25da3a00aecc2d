export { type ErrorCode, MillraceError, type Position } from '../errors.js'
export { DEFAULT_PARTITION, escapePathName, partitionName, unescapePathName } from './hive.js'
export { createHiveWriter, type HiveSummary, type HiveWriter, type HiveWriterOptions } from './writer.js'
