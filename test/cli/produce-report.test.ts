import { expect, test } from 'vitest'
import { masked } from '../../src/cli/produce-report.js'

test.each([
  ["1 validation error detected: Value 'SECRET' at 'records.1' failed", "1 validation error detected: value '...' at 'records.1' failed"],
  ["Value 'it's SECRET' at 'records.1' failed", "value '...' at 'records.1' failed"],
  ["Value 'SECRET' at 'SECRET\n' at 'records.1' failed", "value '...' at 'records.1' failed"],
  ["2 errors: Value 'SECRET' at 'a' failed; Value 'SECRET' at 'b' failed", "2 errors: value '...' at 'b' failed"],
  ["the value 'it's SECRET' is wrong", "the value '...' is wrong"],
  ['expected a number, got "SEC\\"RET"', 'expected a number, got other text'],
  ['Rate exceeded for shard', 'Rate exceeded for shard'],
])('what %j quotes is not told', (message, told) => expect(masked(message)).toBe(told))
