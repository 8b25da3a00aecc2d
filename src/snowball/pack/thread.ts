// What a thread runs: chunks packed one after the other (lanes.ts).
import { setCore } from '../../engine/engine.js'
import type { Clock, Sha256, ThreadStorage } from '../../ports/ports.js'
import { formatLines } from '../lines.js'
import { join } from '../paths.js'
import { createTemporary } from '../store/directory.js'
import type { ChunkSink } from '../store/store.js'
import { type Packer, packChunk } from './chunk.js'
import { type Answer, type Failure, type Order, plain, restored, type ThreadConfig } from './lanes.js'

/** The outside world of the thread. */
export interface ThreadPorts {
  storage: ThreadStorage
  clock: Clock
  sha256: Sha256
}

/** Milliseconds between two messages about how far it is. */
const TELL = 50

/** Gives what takes the messages that are for it. */
export function servePacking(post: (answer: Answer, transfer?: ArrayBuffer[]) => void, ports: ThreadPorts): (order: Order) => void {
  let answered: { resolve(whole: boolean | undefined): void; reject(error: unknown): void } | undefined
  let packer: Packer | undefined
  const ask = (answer: Answer, transfer?: ArrayBuffer[]) =>
    new Promise<boolean | undefined>((resolve, reject) => {
      answered = { resolve, reject }
      post(answer, transfer)
    })
  /** A sink that lies in the other thread. */
  const remote = async (name: string, options: { bound: number; object: boolean }): Promise<ChunkSink> => {
    const whole = await ask({ kind: 'create', name, ...options })
    return {
      whole,
      async write(data) {
        const copy = data.slice()
        await ask({ kind: 'write', data: copy }, [copy.buffer])
      },
      async finish(digest) {
        await ask({ kind: 'finish', digest })
      },
      async discard() {
        await ask({ kind: 'discard' })
      },
    }
  }
  const packerOf = ({ root, directory, objects, smallBytes, chunkBytes, compression }: ThreadConfig): Packer => ({
    tree: { storage: ports.storage, clock: ports.clock, root },
    store: { objects, create: directory === undefined ? remote : (name) => createTemporary(ports.storage, join(directory, name), false) },
    sha256: ports.sha256,
    smallBytes,
    chunkBytes,
    compression,
  })
  let told = 0
  const progress = (members: number, bytes: number) => {
    const now = ports.clock.monotonic()
    if (now - told < TELL) return
    told = now
    post({ kind: 'progress', members, bytes })
  }
  return (order) => {
    if (order.kind === 'begin') {
      setCore(order.core)
      packer = packerOf(order.config)
    } else if (order.kind === 'answer') settle(order)
    else {
      packChunk(packer as Packer, order.chunk, order.plan, progress)
        .then(({ lines, ...rest }) => {
          const bytes = formatLines(lines)
          post({ kind: 'done', done: { ...rest, lines: bytes } }, [bytes.buffer as ArrayBuffer])
        })
        .catch((error) => post({ kind: 'failed', error: plain(error) }))
    }
  }
  function settle({ error, whole }: { error?: Failure; whole?: boolean }) {
    if (error) answered?.reject(restored(error))
    else answered?.resolve(whole)
  }
}
