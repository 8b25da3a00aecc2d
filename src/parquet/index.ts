export type { Coercion, Dialect, Format } from '../engine/columns.js'
export { type ErrorCode, MillraceError, type Position } from '../errors.js'
export { gunzip } from '../ports/gunzip.js'
export { fileSource } from '../ports/source.js'
export type { TimeUnit } from '../types.js'
export { type Compression, type ParquetCodec, type ZstdCodecModule, zstdCodec } from './file/codec.js'
export type {
  BloomFilter as ParquetBloomFilter,
  Encoding as ParquetEncoding,
  FileOptions as ParquetFileOptions,
  SortingColumn as ParquetSortingColumn,
} from './file/options.js'
export { fileSink, type ParquetSink } from './file/sink.js'
export { type BytesSink, bytesSink, type StreamSink, streamSink, type WritableTarget, writableSink } from './file/sinks.js'
export type { ColumnSummary } from './file/tally.js'
export type { Note, NoteKind } from './infer/decide.js'
export { createInference, type Inference, type InferenceOptions, type Inferred, inferSchema } from './infer/infer.js'
export type { BadRecord, BadRecordPolicy } from './intake/bad-records.js'
export type { ColumnCells, ColumnInput, ColumnOfBytes, ColumnWithNulls } from './intake/cells.js'
export { createParquetFiles, type ParquetFilesOptions, type ParquetFilesSummary, type ParquetFilesWriter } from './rotation.js'
export { type Change, type Evolution, evolveSchema } from './schema/evolve.js'
export type { LeafOptions } from './schema/leaf.js'
export type { TableOptions } from './schema/mapping.js'
export {
  type Column,
  type ColumnType,
  formatDdl,
  type ListType,
  type MapType,
  parseSchema,
  parseTable,
  type Schema,
  type StructType,
  type Table,
  type ValueType,
} from './schema/schema.js'
export { createParquetWriter, type ParquetSummary, type ParquetWriter, type ParquetWriterOptions } from './writer.js'
export type { RecordOptions as ParquetRecordOptions } from './writer-options.js'
