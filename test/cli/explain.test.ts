import { rename } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { explain } from '../../src/cli/explain.js'
import { MillraceError } from '../../src/errors.js'
import { nodeStorage } from '../../src/ports/node-storage.js'

const of = (work: Promise<unknown>) =>
  work.then(
    () => expect.unreachable(),
    (error: unknown) => error,
  )

it('names the file and what is wrong with it, not the system call', async () => {
  expect(explain(await of(nodeStorage.open('no/such.ndjson')))).toBe('no/such.ndjson: no such file or directory')
  expect(explain(await of(nodeStorage.open('package.json/x')))).toBe('package.json/x: is not a directory')
})

it('names the file of a cause, whatever the error was thought to be about', async () => {
  const cause = await of(nodeStorage.resolve('nowhere'))
  expect(explain(new MillraceError('IO', (cause as Error).message, { position: { source: 'out' }, cause }))).toBe('nowhere: no such file or directory')
})

it("names a temporary file's directory, and the name that it was to take", async () => {
  expect(explain(await of(nodeStorage.create('no/.millrace-1.tmp')))).toBe('no: no such file or directory')
  expect(explain(await of(rename('.millrace-1.tmp', 'taken')))).toBe('taken: no such file or directory')
})

it('leaves other errors their words', () => {
  expect(explain(new MillraceError('BAD_INPUT', 'expected x', { position: { record: 3 } }))).toBe('record 3: expected x')
  expect(explain(new TypeError('f is not a function'))).toBe('TypeError: f is not a function')
  expect(explain('text')).toBe('text')
})
