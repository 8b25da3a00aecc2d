export { type ErrorCode, MillraceError, type Position } from '../errors.js'
export { keyFault } from './keys.js'
export type { Left as LeftOut, Reason as LeftOutReason } from './left.js'
export {
  type Difference as SnowballDifference,
  type DiffFile as SnowballDiffFile,
  type DiffOptions as SnowballDiffOptions,
  diff as diffSnowball,
} from './manifest/diff.js'
export {
  checkImport as verifySnowballImport,
  type ImportOptions as SnowballImportOptions,
  type ImportProblem as SnowballImportProblem,
  type ImportSummary as SnowballImportSummary,
} from './manifest/imported.js'
export type { ManifestChunk, ManifestEnd, ManifestLine, ManifestMember, ManifestObject } from './manifest/manifest.js'
export {
  type Problem as VerifyProblem,
  type VerifyOptions as SnowballVerifyOptions,
  type VerifyProblem as VerifyProblemKind,
  type VerifyProgress,
  type VerifySummary,
  verify as verifySnowball,
} from './manifest/verify.js'
export { type PackOptions as SnowballPackOptions, type PackProgress, type PackSummary, pack as packSnowball } from './pack/pack.js'
export { type PlanOptions as SnowballPlanOptions, plan as planSnowball } from './plan/plan.js'
export type { PlannedChunk, PlannedMember } from './plan/planned.js'
export type { TarEntry } from './tar.js'
export { type Listed as ListedMember, type ListOptions as SnowballListOptions, list as listSnowball } from './unpack/list.js'
export { type UnpackOptions as SnowballUnpackOptions, type UnpackSummary, unpack as unpackSnowball } from './unpack/unpack.js'
