// Records that are in no row: what is told of them, and by which policy.
import { MillraceError, wrongType } from '../../errors.js'

/** A record that is in no row. */
export interface BadRecord {
  /** As named by startSource(). */
  source?: string
  /** Index of the record in its source, from 0. */
  record: number
  /** Byte of its source where the record begins; of a record with no partition, where its batch begins. */
  offset: number
  /** Byte of its source where the fault was seen. */
  position: number
  /** Line of its source where the fault was seen, from 1. */
  line: number
  /** Of a value that does not fit: whose. */
  column?: string
  /** Why, in one word: syntax, truncated, utf8, type, range, missing, null, too-long and the like. */
  reason: string
  /** What was expected, and of which column. */
  message: string
  /** The record's own bytes, its line feed included. Empty for one longer than maxRecordBytes. */
  text: Uint8Array
}

/**
 * `fail`: the first bad record ends the work with an error. `skip`: it is left out and counted. A
 * function is told each one, which is then left out; what it throws ends the work. A promise that it
 * gives is waited for, though perhaps behind further records.
 */
export type BadRecordPolicy = 'fail' | 'skip' | ((bad: BadRecord) => void | Promise<void>)

export function checkPolicy(label: string, policy: unknown): void {
  if (policy !== 'fail' && policy !== 'skip' && typeof policy !== 'function') throw wrongType(label, "'fail', 'skip' or a function", policy)
}

export interface Settlement {
  /** Throws BAD_INPUT under `fail`, and what the policy's function throws; gives its promise. */
  settle(bad: BadRecord): void | Promise<void>
  /** Whether anyone is told the record's own bytes. */
  readonly tells: boolean
  readonly badRecords: number
  /** How many for each reason; for a value that does not fit, "reason: column", of the first 64 such pairs. */
  readonly badByReason: Record<string, number>
}

const REASONS_MAX = 64

export function createSettlement(policy: BadRecordPolicy): Settlement {
  const reasons = new Map<string, number>()
  let badRecords = 0
  return {
    tells: typeof policy === 'function',
    settle(bad) {
      const { source, record, position, line, column, reason, message } = bad
      if (policy === 'fail') throw new MillraceError('BAD_INPUT', message, { position: { source, record, offset: position, line, column } })
      badRecords++
      const pair = column === undefined ? reason : `${reason}: ${column}`
      const key = reasons.has(pair) || reasons.size < REASONS_MAX ? pair : reason
      reasons.set(key, (reasons.get(key) ?? 0) + 1)
      if (policy !== 'skip') return policy(bad)
    },
    get badRecords() {
      return badRecords
    },
    get badByReason() {
      return Object.fromEntries(reasons)
    },
  }
}
