export { createParquetFile, type ParquetFile } from './file.js'
export { checkPolicy, createIntake } from './intake.js'
export { createHiddenFile, type HiddenFile } from './sink.js'
export { checkLimits, intakeMethods, logicalTypes, turns } from './writer.js'
