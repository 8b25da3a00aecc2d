export { type ErrorCode, MillraceError, type Position } from '../errors.js'
export { keyFault } from './keys.js'
export { type Listed as ListedMember, type ListOptions as SnowballListOptions, list as listSnowball } from './list.js'
export type { ManifestChunk, ManifestEnd, ManifestLine, ManifestMember } from './manifest.js'
export { type PackOptions as SnowballPackOptions, type PackProgress, type PackSummary, pack as packSnowball } from './pack.js'
export {
  type Left as LeftOut,
  type PlannedChunk,
  type PlannedMember,
  type PlanOptions as SnowballPlanOptions,
  plan as planSnowball,
  type Reason as LeftOutReason,
} from './plan.js'
export type { TarEntry } from './tar.js'
export { type UnpackOptions as SnowballUnpackOptions, type UnpackSummary, unpack as unpackSnowball } from './unpack.js'
export { type Problem as VerifyProblem, type VerifyOptions as SnowballVerifyOptions, type VerifySummary, verify as verifySnowball } from './verify.js'
