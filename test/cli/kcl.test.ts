import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { command } from '../../src/cli/kcl.js'
import { initialize, record, records } from '../kinesis/multilang/daemon.js'
import { runCommand } from './io.js'

const MAIN = new URL('../../dist/esm/cli/main.js', import.meta.url).pathname

let dir = ''
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-cli-kcl-'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

let modules = 0
function program(text: string): string {
  const file = join(dir, `module-${modules++}.mjs`)
  writeFileSync(file, text)
  return file
}

/** The command as a process, asked message by message. */
function start(text: string, ...args: string[]) {
  const child = spawn(process.execPath, [MAIN, 'kcl', '--module', program(text), ...args], { timeout: 20_000 })
  let err = ''
  child.stderr.on('data', (chunk) => (err += chunk))
  child.stdin.on('error', () => {})
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const closed = new Promise<number | string | null>((resolve) => child.on('close', (code, signal) => resolve(signal ?? code)))
  return {
    child,
    closed,
    err: () => err,
    tell: (message: object) => child.stdin.write(`${JSON.stringify(message)}\n`),
    /** The next line that is not empty. */
    async said(): Promise<string | undefined> {
      for (;;) {
        const { value, done } = await lines.next()
        if (done) return undefined
        if (value !== '') return value
      }
    },
  }
}

const status = (action: string) => JSON.stringify({ action: 'status', responseFor: action })
const CHECKPOINT = '{"action":"checkpoint","sequenceNumber":null,"subSequenceNumber":null}'

describe('millrace kcl as a process', () => {
  it('keeps stdout for the protocol, whatever the module prints', async () => {
    const { tell, said, child, closed, err } = start(`
      import { writeSync } from 'node:fs'
      console.log('loaded')
      export default (records, { shardId }) => {
        console.log('handled', records.length)
        console.info(shardId)
        process.stdout.write('written, no newline')
        writeSync(1, 'past every stream')
      }`)
    tell(initialize)
    expect(await said()).toBe(status('initialize'))
    tell(records(record(1), record(2)))
    // Not ours to hold back; the daemon passes over lines that are no messages.
    expect(await said()).toBe('past every stream')
    expect(await said()).toBe(CHECKPOINT)
    tell({ action: 'checkpoint', sequenceNumber: null, subSequenceNumber: null, error: null })
    expect(await said()).toBe(status('processRecords'))
    tell({ action: 'leaseLost' })
    expect(await said()).toBe(status('leaseLost'))
    child.stdin.end()
    expect(await said()).toBeUndefined()
    expect(await closed).toBe(0)
    expect(err()).toBe('loaded\nhandled 2\nshardId-000000000007\nwritten, no newline')
  })

  it('leaves the first signal to the daemon, and obeys the second', async () => {
    const { tell, said, child, closed } = start('export default () => {}', '--checkpoint-interval', 'never')
    tell(initialize)
    expect(await said()).toBe(status('initialize'))
    child.kill('SIGTERM')
    tell(records(record(1)))
    expect(await said()).toBe(status('processRecords'))
    tell({ action: 'shutdownRequested' })
    expect(await said()).toBe(status('shutdownRequested'))
    child.kill('SIGTERM')
    expect(await closed).toBe(143)
  })

  it('ends with 1 where the module fails: the shard and the numbers are said, nothing is checkpointed', async () => {
    const { tell, said, closed, err } = start("export default { async records() { throw new RangeError('no room') } }")
    tell(initialize)
    await said()
    tell(records(record(41), record(42, 3)))
    expect(await said()).toBeUndefined()
    expect(await closed).toBe(1)
    expect(err()).toMatch(/^RangeError: no room\n {4}at .*module-\d+\.mjs/)
    expect(err()).toMatch(/\nmillrace kcl: shardId-000000000007, records 41\/0 to 42\/3: no room\n$/)
  })

  it('ends with 1 where the module fails by itself, behind our back', async () => {
    const { tell, said, closed, err } = start(
      "export default () => { Promise.reject(new Error('nobody waits')); return new Promise((r) => setTimeout(r, 50)) }",
    )
    tell(initialize)
    await said()
    tell(records(record(1)))
    expect(await said()).toBeUndefined()
    expect(await closed).toBe(1)
    expect(err()).toBe('millrace kcl: nobody waits\n')
  })

  it.each([
    ['{"action":"dance"}\n', 'shardId-000000000007: unknown action "dance"'],
    ['{"action":"shardEnded"', 'standard input, line 2: expected a whole line, got 22 bytes and the end of the input'],
  ])('ends with 1 after %j', async (text, message) => {
    const { tell, said, child, closed, err } = start('export default () => {}')
    tell(initialize)
    await said()
    child.stdin.end(text)
    expect(await closed).toBe(1)
    expect(err()).toBe(`millrace kcl: ${message}\n`)
  })
})

describe('millrace kcl', () => {
  it.each([
    ['export const records = () => {}', 'default export: expected a function, or an object with one as records, got undefined'],
    ['export default 7', 'default export: expected a function, or an object with one as records, got 7'],
    ['export default { shardEnded() {} }', 'default export: expected a function as records, got undefined'],
    [
      'export default { records() {}, shardEnd() {} }',
      'expected no other members than records, initialize, leaseLost, shardEnded, shutdownRequested, got "shardEnd"',
    ],
    ['export default { records() {}, shardEnded: 1 }', 'default export: expected a function as shardEnded, got 1'],
    ['export default {', 'cannot be loaded: '],
  ])('refuses the module %j', async (text, message) => {
    await expect(runCommand(command, { module: program(text) })).rejects.toThrow(message)
  })

  it('takes an object of a class', async () => {
    const module = program('export default new (class { n = 0; records(r) { this.n += r.length; console.error(this.n) } })()')
    await expect(runCommand(command, { module })).rejects.toThrow('expected no other members than records')
    const state = program('export default new (class { #n = 0; records(r) { this.#n += r.length } })()')
    expect(await runCommand(command, { module: state }, [`${JSON.stringify(initialize)}\n`])).toMatchObject({ code: 0, out: `\n${status('initialize')}\n` })
  })

  it('wants a module and an interval that is one', async () => {
    await expect(runCommand(command, {})).rejects.toThrow('expected --module FILE')
    await expect(runCommand(command, { module: 'x' }, [], {}, ['y'])).rejects.toThrow('expected no arguments, got "y"')
    await expect(runCommand(command, { module: 'x', 'checkpoint-interval': 'often' })).rejects.toThrow('--checkpoint-interval expected a whole number from 0')
  })
})
