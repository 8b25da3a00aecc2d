export type { Coercion, Dialect, Format } from '../engine/columns.js'
export { gunzip } from '../ports/gunzip.js'
export { fileSource } from '../ports/source.js'
export type { TimeUnit } from '../types.js'
export type { BadRecord, BadRecordPolicy } from './bad-records.js'
export type { ColumnCells, ColumnInput, ColumnOfBytes, ColumnWithNulls } from './cells.js'
export { type Compression, type ParquetCodec, type ZstdCodecModule, zstdCodec } from './codec.js'
export type { Note, NoteKind } from './decide.js'
export { type Change, type Evolution, evolveSchema } from './evolve.js'
export { createInference, type Inference, type InferenceOptions, type Inferred, inferSchema } from './infer.js'
export type { LeafOptions } from './leaf.js'
export type { TableOptions } from './mapping.js'
export type {
  BloomFilter as ParquetBloomFilter,
  Encoding as ParquetEncoding,
  FileOptions as ParquetFileOptions,
  SortingColumn as ParquetSortingColumn,
} from './options.js'
export { createParquetFiles, type ParquetFilesOptions, type ParquetFilesSummary, type ParquetFilesWriter } from './rotation.js'
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
} from './schema.js'
export { fileSink, type ParquetSink } from './sink.js'
export { type BytesSink, bytesSink, type StreamSink, streamSink, type WritableTarget, writableSink } from './sinks.js'
export type { ColumnSummary } from './tally.js'
export { createParquetWriter, type ParquetSummary, type ParquetWriter, type ParquetWriterOptions } from './writer.js'
export type { RecordOptions as ParquetRecordOptions } from './writer-options.js'
