import { expect, it } from 'vitest'
import { explainFirehoseResponse } from '../../src/firehose/index.js'

const event = { records: ['a', 'b'].map((recordId) => ({ recordId, data: 'aGk=' })) }
const ok = (recordId: string) => ({ recordId, result: 'Ok', data: 'aGk=' })
const cycle: Record<string, unknown> = { records: [] }
cycle.self = cycle
const codes = (response: unknown) => explainFirehoseResponse(event, response).outcomes.map(({ recordId, outcome, code }) => [recordId, outcome, code])

it.each([
  ['Ok with data is delivered', { records: [ok('a'), ok('b')] }, ['delivered', undefined]],
  ['Ok without data fails alone', { records: [ok('a'), { recordId: 'b', result: 'Ok' }] }, ['failed', 'Lambda.InvalidReturnFormat']],
  ['Dropped is dropped', { records: [ok('a'), { recordId: 'b', result: 'Dropped' }] }, ['dropped', undefined]],
  ['ProcessingFailed fails', { records: [ok('a'), { recordId: 'b', result: 'ProcessingFailed', data: 'aGk=' }] }, ['failed', 'Lambda.ProcessingFailedStatus']],
  ['an id that is missing fails', { records: [ok('a')] }, ['failed', 'Lambda.MissingRecordId']],
  ['an id that comes twice fails', { records: [ok('a'), ok('b'), ok('b')] }, ['failed', 'Lambda.DuplicatedRecordId']],
])('%s', (_, response, [outcome, code]) => {
  expect(codes(response)).toEqual([
    ['a', 'delivered', undefined],
    ['b', outcome, code],
  ])
})

it('an id of its own making is ignored', () => {
  expect(codes({ records: [ok('a'), ok('b'), ok('c')] })).toEqual([
    ['a', 'delivered', undefined],
    ['b', 'delivered', undefined],
    ['c', 'ignored', undefined],
  ])
})

it.each([undefined, null, 5, {}, { records: null }, { records: {} }])('a response without records (%j) misses every id', (response) => {
  expect(codes(response).map(([, , code]) => code)).toEqual(['Lambda.MissingRecordId', 'Lambda.MissingRecordId'])
})

it.each([
  ['a result that does not exist', { recordId: 'b', result: 'OK', data: '' }, '"result" expected one of Ok, Dropped, ProcessingFailed, got "OK"'],
  ['data that is no base64', { recordId: 'b', result: 'Ok', data: 'aGk' }, '"data"'],
  ['data that is no text', { recordId: 'b', result: 'Ok', data: 5 }, '"data" expected base64 text, got 5'],
])('%s fails the whole batch', (_, answer, fault) => {
  const explained = explainFirehoseResponse(event, { records: [ok('a'), answer] })
  expect(explained.outcomes.map(({ code }) => code)).toEqual(['Lambda.FunctionError', 'Lambda.FunctionError'])
  expect(explained.batchFault).toContain(fault)
})

it('a response over 6 MB fails the whole batch', () => {
  const explained = explainFirehoseResponse(event, { records: [ok('a'), { ...ok('b'), data: 'A'.repeat(6_291_456) }] })
  expect(explained.batchFault).toMatch(/^the response has 62915\d\d bytes, Lambda allows 6291456$/)
})

it.each([
  ['a BigInt', { records: [{ ...ok('a'), count: 1n }, ok('b')] }],
  ['a cycle', cycle],
])('%s in a response is an error of the function', (_, response) => {
  const explained = explainFirehoseResponse(event, response)
  expect(explained.outcomes.map(({ code }) => code)).toEqual(['Lambda.FunctionError', 'Lambda.FunctionError'])
  expect(explained.batchFault).toMatch(/^the response cannot be written as JSON: /)
})

it('ids like those of Object.prototype are ids', () => {
  const records = ['__proto__', 'constructor', 'toString'].map((recordId) => ({ recordId, data: '' }))
  expect(explainFirehoseResponse({ records }, { records: [] }).outcomes.map(({ code }) => code)).toEqual(Array(3).fill('Lambda.MissingRecordId'))
})
