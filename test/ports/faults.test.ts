import { describe, expect, test } from 'vitest'
import { faultOf, recordFault } from '../../src/ports/faults.js'
import { serviceError } from '../kinesis/fake.js'

describe('a rejected request', () => {
  test.each([
    ['ProvisionedThroughputExceededException', 400, 'throttle', false, false],
    ['ThrottlingException', 400, 'throttle', false, false],
    ['LimitExceededException', 400, 'throttle', false, false],
    ['Unknown', 429, 'throttle', false, false],
    ['InternalFailure', 500, 'transient', true, false],
    ['ServiceUnavailable', 503, 'transient', true, false],
    ['RequestTimeout', 408, 'transient', true, false],
    ['ExpiredTokenException', 400, 'transient', false, false],
    ['RequestTimeTooSkewed', 403, 'transient', false, false],
    ['InvalidSignatureException', 400, 'permanent', false, false],
    ['TimeoutError', undefined, 'transient', true, false],
    ['ValidationException', 400, 'permanent', false, true],
    ['InvalidArgumentException', 400, 'permanent', false, true],
    ['Unknown', 413, 'permanent', false, true],
    ['ResourceNotFoundException', 400, 'permanent', false, false],
    ['AccessDeniedException', 400, 'permanent', false, false],
    ['KMSDisabledException', 400, 'permanent', false, false],
    ['CredentialsProviderError', undefined, 'permanent', false, false],
    // An answer that the SDK could not read: the request was carried out.
    ['SyntaxError', 200, 'transient', true, false],
  ] as const)('%s, status %s: %s', (name, status, kind, uncertain, divisible) => {
    expect(faultOf(serviceError(name, status, 'words'))).toEqual({ kind, code: name, message: 'words', uncertain, divisible })
  })

  test.each(['ECONNRESET', 'EPIPE', 'ECONNREFUSED', 'ENOTFOUND'])('%s of the network passes', (code) => {
    expect(faultOf(Object.assign(new Error('words'), { code }))).toMatchObject({ kind: 'transient', code, uncertain: true })
    // as the SDK's handler renames some of them
    expect(faultOf(Object.assign(new Error('words'), { code, name: 'TimeoutError' }))).toMatchObject({ kind: 'transient', code, uncertain: true })
  })

  test('a skewed clock, which the SDK then corrects, passes', () => {
    const words = 'Signature expired: 20261123T000000Z is now earlier than 20261123T001500Z (20261123T002000Z - 5 min.)'
    expect(faultOf(serviceError('InvalidSignatureException', 400, words))).toMatchObject({ kind: 'transient', uncertain: false })
    expect(faultOf(serviceError('InvalidSignatureException', 400, 'Signature not yet current: ...'))).toMatchObject({ kind: 'transient' })
  })

  test('what was never sent does not pass', () => {
    expect(faultOf(new TypeError('x is not a function'))).toMatchObject({ kind: 'permanent', uncertain: false })
    expect(faultOf(new TypeError('Load failed'))).toMatchObject({ kind: 'transient', uncertain: true })
    expect(faultOf(new TypeError('fetch failed'))).toMatchObject({ kind: 'transient', uncertain: true })
    expect(faultOf(new Error('Region is missing'))).toMatchObject({ kind: 'permanent' })
    expect(faultOf('words')).toMatchObject({ kind: 'transient', code: 'Error', message: 'words' })
    expect(faultOf(undefined)).toMatchObject({ kind: 'transient', code: 'Error' })
  })
})

test.each([
  ['ProvisionedThroughputExceededException', 'throttle', false],
  ['KMSThrottlingException', 'throttle', false],
  ['InternalFailure', 'transient', true],
  ['InvalidArgumentException', 'permanent', false],
] as const)('a record refused for %s: %s', (code, kind, uncertain) => {
  expect(recordFault(code, 'words')).toEqual({ kind, code, message: 'words', uncertain, divisible: false })
})
