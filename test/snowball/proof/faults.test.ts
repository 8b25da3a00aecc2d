// Devices that fail: an output that is full, a source that cannot be read.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { nodePorts as ports } from '../../../src/ports/node.js'
import { packSnowball as pack, verifySnowball as verify } from '../../../src/snowball/index.js'
import { FLAGS, LIMITS } from './limits.js'
import { CLI, expectNothingTorn, expectSame, filesOf, manifestOf, someFiles } from './outputs.js'

const full = process.env.MILLRACE_PROOF === 'full'

let home = ''
const at = (...parts: string[]) => join(home, ...parts)
let reference: Map<string, Buffer>
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'millrace-faults-'))
  someFiles(at('in'), 40, 7)
  await pack({ source: at('in'), output: at('reference'), ports, ...LIMITS })
  reference = filesOf(at('reference'))
})
afterAll(() => {
  mount('umount', at('small'))
  rmSync(home, { recursive: true, force: true })
})

const mount = (command: string, ...args: string[]) => spawnSync(command, args, { stdio: 'ignore' }).status === 0

const cli = (output: string, command: readonly string[] = []) => {
  const [program, ...args] = [...command, process.execPath, CLI, 'snowball', 'pack', at('in'), '-o', output, ...FLAGS]
  return spawnSync(program, args, { encoding: 'utf8' })
}

// only root may mount
const mounts = (() => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-mount-'))
  const done = mount('mount', '-t', 'tmpfs', '-o', 'size=64k', 'none', folder)
  if (done) mount('umount', folder)
  rmSync(folder, { recursive: true })
  return done
})()

describe.runIf(mounts)('an output on a device that is full', () => {
  const room = (bytes: number) => {
    mkdirSync(at('small'), { recursive: true })
    expect(mount('mount', '-t', 'tmpfs', '-o', `size=${bytes}`, 'none', at('small'))).toBe(true)
  }
  const more = () => expect(mount('mount', '-o', 'remount,size=64m', at('small'))).toBe(true)

  it('wherever it fills leaves nothing torn, and once there is room the run ends as an undisturbed one', { timeout: 600_000 }, async () => {
    const total = [...reference.values()].reduce((sum, bytes) => sum + bytes.length, 0)
    const step = full ? 16_384 : 262_144
    let failures = 0
    for (let bytes = 4096; ; bytes += step) {
      room(bytes)
      const output = at('small/out')
      const error = await pack({ source: at('in'), output, ports, ...LIMITS }).then(
        () => undefined,
        (error) => error,
      )
      if (error) {
        expect(error, `${bytes} bytes`).toMatchObject({ code: 'IO', message: expect.stringContaining('ENOSPC') })
        failures++
        mkdirSync(output, { recursive: true })
        expectNothingTorn(output, reference, `${bytes} bytes`)
        more()
        await pack({ source: at('in'), output, ports, ...LIMITS })
      }
      expectSame(output, reference, `${bytes} bytes`)
      mount('umount', at('small'))
      // the last one had room for everything
      if (!error) break
    }
    expect(failures).toBeGreaterThan(total / step - 3)
    console.log(`a full device: at ${failures} places of ${total} bytes`)
  })

  it('is told by the command, with exit code 1', () => {
    room(1 << 20)
    const { status, stderr } = cli(at('small/out'))
    expect(stderr).toMatch(/small\/out.*(ENOSPC|no space left)/)
    expect(status).toBe(1)
    expectNothingTorn(at('small/out'), reference, 'the command')
    more()
    expect(cli(at('small/out')).status).toBe(0)
    expectSame(at('small/out'), reference, 'the command, gone on with')
    mount('umount', at('small'))
  })
})

describe('a source that cannot be read', () => {
  const strace = spawnSync('strace', ['-V']).status === 0

  it.runIf(strace).each(['folder-1/file-1', 'folder-0/file-40'])('EIO of %s leaves it out, and all else goes on', async (victim) => {
    const output = at(`eio-${victim.replace('/', '-')}`)
    const inject = ['-f', '-qq', '-o', '/dev/null', '-P', at('in', victim), '-e', 'trace=read,pread64', '-e', 'inject=read,pread64:error=EIO']
    const { status, stderr } = cli(output, ['strace', ...inject])
    expect(status, stderr).toBe(1)
    expect(stderr).toContain(`${victim}: unreadable: EIO`)
    expect(manifestOf(output).flatMap((line) => (line.type === 'failed' ? [line] : []))).toEqual([
      { type: 'failed', path: victim, reason: 'unreadable', message: expect.stringContaining('EIO') },
    ])
    expect((await verify({ output, source: at('in'), ports })).problems).toMatchObject([{ where: victim, message: expect.stringContaining('is in no chunk') }])
    // the device is well again
    expect(cli(output).status).toBe(0)
    expectSame(output, reference, 'gone on with')
  })

  // files of which the kernel says that they have 4,096 bytes, and gives fewer, or none but an error
  const sys = '/sys/devices/virtual/net/lo'
  it.runIf(existsSync(sys))('files that are not what they say are told, each of them', async () => {
    const entries = execFileSync('find', [sys, '!', '-type', 'd'], { encoding: 'utf8' }).trimEnd().split('\n').length
    const { members, skipped, failed } = await pack({ source: sys, output: at('sys'), ports })
    expect(failed).toBeGreaterThan(10)
    expect(members + skipped + failed).toBe(entries)
    expect(manifestOf(at('sys')).filter(({ type }) => type === 'failed').length).toBe(failed)
    expect((await verify({ output: at('sys'), ports })).problems).toEqual([])
  })

  it('a source that is a link is its target, and one that is not there is told', async () => {
    symlinkSync(at('in'), at('link'))
    expect(await pack({ source: at('link'), output: at('linked'), ports, ...LIMITS })).toMatchObject({ members: 41, failed: 0 })
    expectSame(at('linked'), reference, 'through a link')
    await expect(pack({ source: at('nothing'), output: at('none'), ports })).rejects.toMatchObject({ code: 'IO' })
  })
})
