// A lock on a directory among processes, without the kernel's locks, which Node does not offer. Each
// process makes a file of its own, whose name says who it is, and then looks for others:
//
//   lock.<process>.<start>.<namespace>.<nonce>.<host>
//
// Of two that come at once at least the later one sees the other, so both never hold it. A file's
// name is only ever one process's: to remove that of a dead one takes nothing from anybody, however many
// find it at the same time.
import { randomBytes } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { open, readdir, rm, stat, utimes } from 'node:fs/promises'
import { hostname } from 'node:os'
import { MillraceError } from '../errors.js'
import type { DirectoryLock } from './ports.js'

export interface LockTimes {
  /** Milliseconds between two signs of life; default 2,000. */
  beat?: number
  /** Milliseconds without one after which a holder that cannot be asked counts as dead; default 10,000. */
  watch?: number
}

interface Holder {
  name: string
  pid: number
  start: string
  namespace: string
  host: string
}

const NAME = /^lock\.(\d+)\.([\w-]+)\.(\w+)\.\w+\.(.+)$/
const TRIES = 3

/**
 * Takes `directory` for this process. A holder in this machine's (or container's) own process table is
 * asked for: dead, or its number given to another process since, it has lost the lock. One on another
 * host or in another container, as the dead one before a container's restart is, cannot be: it has lost
 * it after `watch` milliseconds without a sign of life. Rejects with LOCKED and the holder's name.
 */
export async function lockDirectory(directory: string, { beat = 2_000, watch = 10_000 }: LockTimes = {}): Promise<DirectoryLock> {
  const me: Holder = {
    name: '',
    pid: process.pid,
    start: startOf('self'),
    namespace: namespaceOf(),
    host: encodeURIComponent(hostname()).slice(0, 100) || 'localhost',
  }
  for (let tries = 1; ; tries++) {
    const mine = `${directory}/lock.${me.pid}.${me.start}.${me.namespace}.${randomBytes(6).toString('hex')}.${me.host}`
    await (await open(mine, 'wx')).close()
    const beating = setInterval(() => {
      const now = new Date()
      utimes(mine, now, now).catch(() => {})
    }, beat)
    beating.unref()
    const release = async () => {
      clearInterval(beating)
      await rm(mine, { force: true })
    }
    try {
      const holder = await livingOther(directory, mine, me, watch)
      if (!holder) return { release }
      await release()
      if (tries === TRIES) throw locked(directory, holder, me)
    } catch (error) {
      await release()
      throw error
    }
    // Two that came at once have both given way: one should come back first.
    await new Promise((resolve) => setTimeout(resolve, 10 + 90 * Math.random()))
  }
}

function locked(directory: string, { pid, host, name }: Holder, me: Holder): MillraceError {
  const who = host !== me.host ? `process ${pid} on ${decodeURIComponent(host)}` : pid === me.pid ? `this process (${pid})` : `process ${pid}`
  return new MillraceError('LOCKED', `expected a directory that no one uses, got one that ${who} holds by ${name}`, { position: { source: directory } })
}

async function livingOther(directory: string, mine: string, me: Holder, watch: number): Promise<Holder | undefined> {
  for (const name of await readdir(directory)) {
    const parts = NAME.exec(name)
    if (!parts || mine.endsWith(`/${name}`)) continue
    const holder: Holder = { name, pid: Number(parts[1]), start: parts[2], namespace: parts[3], host: parts[4] }
    const askable = holder.host === me.host && holder.namespace === me.namespace
    if (askable ? isAlive(holder, me) : await beats(`${directory}/${name}`, watch)) return holder
    await rm(`${directory}/${name}`, { force: true })
  }
  return undefined
}

function isAlive({ pid, start }: Holder, me: Holder): boolean {
  if (pid === me.pid) return start === me.start
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: there is one, of another user.
    if ((error as { code?: unknown }).code === 'ESRCH') return false
  }
  const now = startOf(String(pid))
  return now === UNKNOWN || start === UNKNOWN || now === start
}

/** Whether a lock's file is touched, by the time of the file system: two machines' clocks may differ. */
async function beats(path: string, watch: number): Promise<boolean> {
  const touched = () =>
    stat(path).then(
      (s) => s.mtimeMs,
      () => undefined,
    )
  const before = await touched()
  for (let waited = 0; before !== undefined && waited < watch; waited += watch / 20) {
    await new Promise((resolve) => setTimeout(resolve, watch / 20))
    const now = await touched()
    if (now === undefined) return false
    if (now !== before) return true
  }
  return false
}

const UNKNOWN = '0'

/** When a process began, and on which boot: numbers of processes are given again. Linux only; else UNKNOWN. */
function startOf(pid: string): string {
  try {
    // Fields 3 and 22, counted behind the name, which may hold blanks and parentheses.
    const line = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const [state, ticks] = [0, 19].map((field) => line.slice(line.lastIndexOf(')') + 2).split(' ')[field])
    // Dead, and its parent has not asked how it died.
    if (state === 'Z' || state === 'X') return 'dead'
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').slice(0, 8)}-${ticks}`
  } catch {
    return UNKNOWN
  }
}

/** The process table in which this process's number counts: a container has its own. */
function namespaceOf(): string {
  try {
    return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? UNKNOWN
  } catch {
    return UNKNOWN
  }
}
