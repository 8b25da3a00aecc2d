export { type ErrorCode, MillraceError, type Position } from './errors.js'
