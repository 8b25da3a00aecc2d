export { type ErrorCode, MillraceError, type Position } from '../errors.js'
export { type Chunker, type ChunkerOptions, createChunker } from './chunker/chunker.js'
export type { ChunkerFile, FileBytes as ChunkerFileBytes } from './chunker/file.js'
export type { Chunk as SnowballChunk, ChunkResult as SnowballChunkResult } from './chunker/handoff.js'
export type { ChunkerProgress, ChunkerSummary, ChunkTarget } from './chunker/run.js'
export { ndjsonSegments, type SegmentOptions as NdjsonSegmentOptions } from './chunker/segments.js'
export { directoryTarget, handleTarget } from './chunker/target.js'
export { filesOf } from './chunker/tree.js'
export { keyFault } from './keys.js'
export type { Left as LeftOut, Reason as LeftOutReason } from './left.js'
export type { ManifestChunk, ManifestEnd, ManifestLine, ManifestMember, ManifestObject } from './manifest/manifest.js'
export { type PackOptions as SnowballPackOptions, pack as packSnowball } from './pack/pack.js'
export type { PackProgress as SnowballPackProgress, PackSummary as SnowballPackSummary } from './pack/tally.js'
export type { PlanOptions as SnowballPlanOptions, PlanProgress as SnowballPlanProgress } from './plan/options.js'
export { plan as planSnowball } from './plan/plan.js'
export type { PlanEnd, PlanHead, PlanLine, PlannedChunk, PlannedMember, PlanWarning } from './plan/planned.js'
export { type ReadPlan as SnowballPlan, type ReadPlanOptions as SnowballReadPlanOptions, readPlan as readSnowballPlan } from './plan/read.js'
export { planLines as planSnowballLines } from './plan/write.js'
export type { Profile as SnowballProfile } from './store/profile.js'
export { type S3ChunkStore, type S3ChunkStoreOptions, s3ChunkStore } from './store/s3-store.js'
export type { ChunkSink, ChunkStore, Digest as ChunkDigest } from './store/store.js'
export type { OrphanedUpload } from './store/target.js'
export type { TarEntry } from './tar.js'
export { type Listed as SnowballListedMember, type ListOptions as SnowballListOptions, list as listSnowball } from './unpack/list.js'
export { type UnpackOptions as SnowballUnpackOptions, type UnpackSummary as SnowballUnpackSummary, unpack as unpackSnowball } from './unpack/unpack.js'
export {
  type Difference as SnowballDifference,
  type DiffFile as SnowballDiffFile,
  type DiffOptions as SnowballDiffOptions,
  diff as diffSnowball,
} from './verify/diff.js'
export {
  checkImport as verifySnowballImport,
  type ImportOptions as SnowballImportOptions,
  type ImportProblem as SnowballImportProblem,
  type ImportProblemKind as SnowballImportProblemKind,
  type ImportSummary as SnowballImportSummary,
} from './verify/imported.js'
export {
  type VerifyOptions as SnowballVerifyOptions,
  type VerifyProblem as SnowballVerifyProblem,
  type VerifyProblemKind as SnowballVerifyProblemKind,
  type VerifyProgress as SnowballVerifyProgress,
  type VerifySummary as SnowballVerifySummary,
  verify as verifySnowball,
} from './verify/verify.js'
